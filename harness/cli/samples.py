"""``opengap samples``: stored answers to look at, such as those that were not read or were cut off."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from harness.cli import options
from harness.text import inert

if TYPE_CHECKING:
    import pandas as pd

    from harness.evidence.gather import Evidence

LONGEST = 1_500
"""Characters of one text that are shown: its end, where an answer is stated."""
KEYS = ["run_id", "task", "item_id", "repeat"]


@click.command("samples")
@click.option("--unparsed", is_flag=True, help="Answers that came whole, and in which nothing could be read.")
@click.option("--truncated", is_flag=True, help="Answers that were cut off by the token limit, readable or not.")
@click.option("--system", metavar="NAME", help="Of this system alone: stored name, unique prefix or address.")
@click.option("--task", help="Of this task alone.")
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="At most this many.")
@options.store
@options.as_json
def command(
    unparsed: bool, truncated: bool, system: str | None, task: str | None, limit: int, store: str | None, as_json: bool
) -> int:
    """Answers of a store, such as those that were not read, as far as their text was kept.

    With both --unparsed and --truncated, answers that are either. Shown are the runs that count, and of a long text
    its end; --json has all of it. Whatever a terminal would obey in a text is made visible.
    """
    from harness import settings
    from harness.errors import UnknownName
    from harness.evidence.gather import find_system, gather

    evidence, notes = gather(settings.store_folder(store))
    for note in notes:
        click.echo(inert(f"note: {note}"), err=True)
    if task is not None and task not in {one.task for one in evidence}:
        raise UnknownName("task", task, sorted({one.task for one in evidence}), hint="(of this store)")
    name = None if system is None else find_system(evidence, system)
    chosen = [one for one in evidence if name in (None, one.name) and task in (None, one.task)]
    conditions = ["(status = 'ok' AND score_status = 'unparsed')"] * unparsed + ["status = 'truncated'"] * truncated
    rows = _rows(chosen, " OR ".join(conditions)) if chosen else []
    shown = [row | _texts(row) for row in rows[:limit]]
    if as_json:
        options.echo_json([{key: value for key, value in row.items() if key != "run"} for row in shown])
        return 0
    for row in shown:
        click.echo(_block(row))
    click.echo(f"{len(shown)} of {len(rows)} answers" if rows else "no such answers")
    return 0


def _rows(chosen: list[Evidence], where: str) -> list[dict[str, Any]]:
    """What is known of each answer but its text, by system, task, item and repeat."""
    from harness.store import frame

    by_run = {one.run.run_id: one for one in chosen}
    counting = {(one.run.run_id, one.task) for one in chosen}
    columns = [*KEYS, "status", "score_status", "score", "answer"]
    found: pd.DataFrame = frame([one.run for one in by_run.values()], columns, where)
    rows: list[dict[str, Any]] = [
        {
            **{str(key): value for key, value in row.items()},
            "system": by_run[row["run_id"]].name,
            "run": by_run[row["run_id"]].run,
        }
        for row in found.to_dict("records")
        if (row["run_id"], row["task"]) in counting
    ]
    return sorted(rows, key=lambda row: (row["system"], row["task"], str(row["item_id"]), row["repeat"]))


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    """Question, target, answer and thought of an answer; empty where no text was kept."""
    from harness.store import frame

    where = " AND ".join(
        [f"{key} = {_quoted(row[key])}" for key in ("task", "item_id")] + [f"repeat = {int(row['repeat'])}"]
    )
    columns = ["messages", "target", "text", "reasoning"]
    found = frame([row["run"]], columns, where, file="text") if row["run"].text.exists() else None
    if found is None or found.empty:
        return dict.fromkeys(columns, "")
    first = found.iloc[0]
    return {key: first[key] if isinstance(first[key], str) else "" for key in columns}


def _quoted(text: Any) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _block(row: dict[str, Any]) -> str:
    """One answer with its question, indented."""
    came = "cut off" if row["status"] == "truncated" else str(row["status"])
    read = f"read: {row['answer']}" if row["score_status"] == "scored" else "unread"
    head = f"{row['system']}, {row['task']}, item {row['item_id']}: {came}, {read}"
    lines = [inert(head)]
    for label, text in (
        ("question", _question(row["messages"])),
        ("target", row["target"]),
        ("thought", row["reasoning"]),
        ("answer", row["text"]),
    ):
        if text.strip():
            lines += [f"  {label}:", *(f"    {inert(line)}" for line in _end(text).splitlines())]
    return "\n".join([*lines, ""])


def _question(messages: str) -> str:
    """The last message; the stored text itself where it is no list of messages."""
    try:
        return str(json.loads(messages)[-1]["content"])
    except (ValueError, TypeError, KeyError, IndexError):
        return messages


def _end(text: str) -> str:
    whole = text.strip("\n")
    return whole if len(whole) <= LONGEST else f"[… {len(whole) - LONGEST:,} characters] {whole[-LONGEST:]}"
