"""``opengap runs``: what a store holds, sealed or not."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli import options
from harness.cli.tables import table
from harness.store import RunFolder
from harness.text import points, shortened, span, usd


@click.command("runs")
@click.option("--errors", metavar="RUN", help="Why items of this run were not answered or not scored.")
@options.store
@options.as_json
def command(errors: str | None, store: str | None, as_json: bool) -> int:
    """Runs of a store, sealed or not.

    An unsealed run was stopped, or goes on right now; the command that started it resumes it.
    """
    from harness import settings
    from harness.errors import StoreError
    from harness.store import list_runs

    folder = settings.store_folder(store)
    if errors is not None:
        click.echo(_errors(folder, errors))
        return 0
    runs = list_runs(folder)
    facts = []
    for run in runs:
        try:
            facts.append(_facts(run))
        except StoreError as error:
            click.echo(f"note: passed over {run.run_id}: {error}", err=True)
    _add_shares(facts, runs)
    if as_json:
        options.echo_json(facts)
        return 0
    rows = [
        [
            fact["run"], shortened(fact["system"], 30), fact["protocol"], f"{fact['answered']}/{fact['planned']}",
            *(points(fact[share]) for share in ("unread_percent", "truncated_percent")), "sealed" if fact["sealed"] else "unsealed",
        ]
        for fact in facts
    ]  # fmt: skip
    head = ["run", "system", "protocol", "answered", "unread %", "cut off %", "state"]
    click.echo(table(head, rows, right=[3, 4, 5]) if rows else "no runs here")
    return 0


def _facts(run: RunFolder) -> dict[str, Any]:
    from harness.store import protocol_label, read_journal, read_plan, read_receipt

    plan = read_plan(run)
    facts: dict[str, Any] = {
        "run": run.run_id,
        "system": plan.system.name,
        "weights": plan.system.weights,
        "protocol": protocol_label(plan.protocol),
        "suite": plan.suite,
        "tasks": [task.card.name for task in plan.tasks],
        "repeats": plan.repeats,
        "sealed": run.sealed,
    }
    if run.sealed:
        receipt = read_receipt(run)
        facts |= {"answered": 0, "unanswered": 0, **receipt.counts}
        facts["imported"] = receipt.provenance.startswith("import:")
        facts |= {"cost_usd": receipt.cost_usd, "started": receipt.started}
    else:
        state = read_journal(run.journal)
        facts |= {
            "planned": sum(len(task.item_ids) for task in plan.tasks) * plan.repeats,
            "answered": len(state.answered),
            "unanswered": len(state.unanswered),
            "damaged_lines": state.damaged,
        }
    return facts


def _add_shares(facts: Sequence[dict[str, Any]], runs: Sequence[RunFolder]) -> None:
    """Percent of the answers of each sealed run that are unread, and cut off; None: not known."""
    from harness.errors import StoreError
    from harness.store import frame

    kinds = {
        "unread_percent": "status = 'ok' AND score_status = 'unparsed'",
        "truncated_percent": "status = 'truncated'",
    }
    for fact in facts:
        fact.update(dict.fromkeys(kinds))
        own = [run for run in runs if run.run_id == fact["run"]]
        # An imported table does not tell how its answers came.
        if not fact["sealed"] or not fact["answered"] or fact["imported"]:
            continue
        for share, where in kinds.items():
            with contextlib.suppress(StoreError):
                fact[share] = 100 * len(frame(own, ["item_id"], where)) / fact["answered"]


def _errors(store: Path, wanted: str) -> str:
    from harness.store import frame, named_run

    run = named_run(store, wanted)
    failed = frame(
        [run], ("task", "item_id", "error", "reason"), "status = 'unanswered' OR score_status = 'scorer_error'"
    )
    if failed.empty:
        return "every item was answered and scored"
    lines = [
        [str(row["task"]), str(row["item_id"]), shortened(str(row["error"] or row["reason"]), 120)]
        for row in failed.to_dict("records")
    ]
    return table(["task", "item", "reason"], sorted(lines))


def score_table(runs: Sequence[RunFolder]) -> str:
    """Each run's scores by task: mean, interval, n, and how the answers came."""
    from harness import answered
    from harness.evidence.gather import evidence_of
    from harness.store import read_receipt
    from harness.verdict.scores import scores

    receipts = [(run, read_receipt(run)) for run in runs]
    rows = [
        [shortened(one.system, 32), one.task, one.metric, points(one.score), span(one.low, one.high), str(one.n), str(one.missing or ""), points(one.unread), points(one.truncated)]
        for one in scores(evidence_of(receipts))
    ]  # fmt: skip
    head = ["system", "task", "metric", "score", "95 % interval", "n", "missing", "unread %", "cut off %"]
    lines = [table(head, rows, right=[3, 4, 5, 6, 7, 8])]
    for _, receipt in receipts:
        statuses = {
            key.removeprefix("status_"): count
            for key, count in sorted(receipt.counts.items())
            if key.startswith("status_")
        }
        parts = ", ".join(f"{name} {count}" for name, count in statuses.items())
        local = "nothing left this machine" if receipt.bytes_sent == 0 else f"{receipt.bytes_sent:,} bytes sent"
        lines.append(f"{receipt.system.name}: {parts}; cost {usd(receipt.cost_usd)}; {local}; run {receipt.run_id}")
        lines += answered.lines(receipt)
        lines += [
            f"{receipt.system.name}: {task} not applicable: {why}" for task, why in receipt.not_applicable.items()
        ]
    return "\n".join(lines)
