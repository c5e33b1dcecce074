"""The page: one HTML file that carries its pictures, its styles and its samples, and asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import math
from importlib import resources
from typing import Any

from harness import catalogue
from harness.history.standing import Standing
from harness.report import words
from harness.report.counterpart import counterpart
from harness.report.facts import IMPORTED, Facts, TaskGap
from harness.report.samples import Samples
from harness.report.svg import Inlined, Picture
from harness.report.typeset import points, span
from harness.text import STATUS, listed, percent, true_minus, uncontrolled, usd
from harness.types import UNKNOWN, Comparison, Receipt
from harness.verdict.came import came
from harness.verdict.policy import row_scores
from harness.verdict.scores import SystemScore

BESIDE_BYTES = 25_000_000
"""Above this size the blocks of text lie beside the page as scripts."""

FIRST = 8
"""So many published series stand first, no two from one source."""


def lies_beside(samples: Samples) -> bool:
    """Whether the samples are too large to lie inside the page."""
    return sum(map(len, samples.blocks)) > BESIDE_BYTES


def page(facts: Facts, pictures: list[Picture], left_out: dict[str, str], samples: Samples) -> str:
    """Render the page. Everything from outside passes through autoescape or stands compressed in a data block."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report", "page"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=safe,
    )  # fmt: skip
    drawn = Inlined(pictures)
    css = _own("page.css") + drawn.styles
    js = _own("page.js")
    beside, models, lacking = lies_beside(samples), _models(facts), counterpart(facts)
    return environment.get_template("page.html.jinja").render(
        facts=facts,
        policy=(
            f"default-src 'none'; script-src {content_hash(js)}"
            + (" 'self'" if beside else "")
            + f"; style-src {content_hash(css)}; "
            "base-uri 'none'; form-action 'none'"
        ),
        css=Markup(css),
        js=Markup(js),
        glyphs=Markup(drawn.glyphs),
        drawings={name: Markup(svg) for name, svg in drawn.pictures.items()},
        headline=words.answer(facts),
        demo=words.DEMO,
        rule=words.rule(facts, facts.rows) if facts.rows else "",
        interval_kind=_capital(words.interval_kind(facts.rows)) if facts.rows else "",
        by_task=_capital(words.interval_kind([one.gap for one in facts.tasks])) if facts.rows else "",
        alone=[_alone(facts, one) for one in facts.scores],
        lacking=lacking,
        brings=words.brings_the_gap(lacking) if lacking else "",
        first=[_standing(one) for one in facts.varied[:FIRST]],
        published=[_standing(one) for one in facts.published],
        current=sum(one.current for one in facts.published),
        about_published=(words.PUBLISHED, words.LUCK, words.LAG_DEFINITIONS),
        openness=words.openness(facts.openness),
        openness_published=words.openness(facts.openness_published),
        rows=[_row(facts, one) for one in facts.rows],
        pictures=pictures,
        left_out=words.by_reason(left_out),
        items=samples.items,
        index=Markup(samples.index),
        blocks=() if beside else tuple(map(Markup, samples.blocks)),
        models=models,
        told={column for column in ("developer", "licence") if any(model[column] for model in models)},
        runs=[_run(receipt) for _, receipt in facts.runs],
        notes=list(map(true_minus, facts.notes)),
    )


def safe(value: Any) -> Any:
    """Text from outside loses its controls and direction overrides; ours (marked as safe) stays as it is."""
    return uncontrolled(value) if type(value) is str else value


def _own(name: str) -> str:
    return (resources.files("harness.report") / "page" / name).read_text(encoding="utf-8")


def content_hash(text: str) -> str:
    """A script or style as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _numbers(one: Comparison) -> dict[str, Any]:
    return {
        "one": one, "gap": points(one.gap, sign=True), "interval": span(*one.ci_simultaneous), "n": f"{one.n:,}",
        "missing": f"{one.missing_closed:,} / {one.missing_open:,}", "why": words.why(one),
        "came": came(one), "unread": f"{points(one.unread_closed)} / {points(one.unread_open)}",
        "truncated": f"{points(one.truncated_closed)} / {points(one.truncated_open)}",
    }  # fmt: skip


def _row(facts: Facts, one: Comparison) -> dict[str, Any]:
    best = one.plug_in is not None
    known: list[tuple[str, str]] = [
        ("closed", one.closed), ("open", one.open), ("chosen by", one.chosen_by), ("protocol", one.protocol),
        ("interval", words.interval_kind([one])),
        ("smallest gap visible", f"{points(one.detectable)} points ({words.POWER})" if one.detectable <= 100 else f"none ({words.POWER})"),
        ("split of the gap", _split(one) if facts.asked(one.closed, one.open) else f"unknown: {IMPORTED}"),
    ]  # fmt: skip
    if best:
        two = f"{points(one.score_closed)} and {points(one.score_open)}, {points(one.plug_in, sign=True)} between the two named"
        known.append((f"on all {one.n:,} items", f"{two}: the luck of the best is in it"))
    for side, shares in (one.candidates or {}).items():
        picked = ", ".join(
            f"{facts.name(name)} {percent(share, 0)}" for name, share in shares.items() if share >= 0.005
        )
        known.append((f"best {side} of a half", picked))
    tasks = [task for task in facts.tasks if task.row is one]
    pair = [
        {
            "side": side, "name": facts.name(name), "score": points(own), "shown": points(shown), "price": _price(facts, name, one),
            "run": f"#run-{of.run.run_id}", "href": "gaps.csv" if best else f"#run-{of.run.run_id}",
        }
        for side, name, own, shown, of in zip(
            ("closed", "open"), (one.closed, one.open), (one.score_closed, one.score_open), row_scores(one),
            (tasks[0].pair.closed_side, tasks[0].pair.open_side), strict=True,
        )
    ]  # fmt: skip
    return {
        **_numbers(one),
        "name": _capital(facts.label(one)),
        "sentence": words.sentence(one, facts.label(one)),
        "pair": pair,
        "best": best,
        "tasks": [_task(task) for task in tasks],
        "facts": known,
        "warnings": list(map(true_minus, one.warnings)),
    }


def _alone(facts: Facts, one: SystemScore) -> dict[str, str]:
    """A system's own score, for a page on which nothing is compared."""
    return {
        "name": facts.name(one.system), "side": "open" if one.open else "closed", "task": one.task, "score": points(one.score),
        "interval": span(one.low, one.high), "n": f"{one.n:,}", "missing": f"{one.missing:,}", "run": one.run,
        "unread": points(one.unread), "truncated": points(one.truncated),
    }  # fmt: skip


def _task(one: TaskGap) -> dict[str, Any]:
    scores = [
        (side, points(score), f"#run-{of.run.run_id}")
        for side, score, of in (
            ("closed", one.gap.score_closed, one.pair.closed_side),
            ("open", one.gap.score_open, one.pair.open_side),
        )
    ]
    return {"name": one.part.name, "scores": scores, **_numbers(one.gap)}


def _split(one: Comparison) -> str:
    return ", ".join(
        f"{STATUS.get(part, part)} {points(getattr(one.waterfall, part), sign=True)}"
        for part in one.waterfall.__slots__
    )


def _standing(one: Standing) -> dict[str, Any]:
    """A published series as a row: each lag with its score noise and the range without one developer."""
    lags = [
        (
            name, words.lag(one, name),
            *(words.month_range(getattr(found, name)) if found else "" for found in (one.noise, one.labs)),
        )
        for name in ("backward", "forward", "age")
    ]  # fmt: skip
    return {
        "one": one, "closed": words.amount(one, one.best_closed.score), "open": words.amount(one, one.best_open.score),
        "gap": words.amount(one, one.gap, sign=True), "luck": words.luck(one), "lags": lags, "source": listed(one.sources[:3]),
        "models": f"{len(one.closed):,} closed, {len(one.open_):,} open", "dated": words.dated_best(one) if one.undated_best else "",
    }  # fmt: skip


def _price(facts: Facts, system: str, row: Comparison) -> str:
    """Recorded dollars of a system per answer that it gave to the tasks of a row; what was not answered has no price. Empty: unknown."""
    answers = facts.answers
    own = answers[
        (answers["system"] == system)
        & answers["run_id"].isin(row.runs)
        & answers["task"].isin(row.tasks)
        & (answers["status"] != "unanswered")
    ]
    mean = float(own["cost_usd"].mean(skipna=False)) if len(own) else math.nan
    return "" if math.isnan(mean) else usd(mean)


def _models(facts: Facts) -> list[dict[str, Any]]:
    cards = catalogue.cards()
    found = []
    for name, is_open in sorted(
        {one.name: one.open for one in facts.evidence}.items(), key=lambda pair: (pair[1], pair[0])
    ):
        system = next(one.receipt.system for one in facts.evidence if one.name == name)
        card = cards.get(system.card)
        found.append({
            "name": name, "open": is_open, "known": facts.asked(name), "level": system.weights.replace("_", " "), "weights": card.weights if card else (),
            "developer": facts.about[name].developer, "released": facts.about[name].released,
            "matched": facts.about[name].matched, "licence": card.licence if card else None,
        })  # fmt: skip
    return found


def _run(receipt: Receipt) -> dict[str, str]:
    counts = receipt.counts
    return {
        "id": receipt.run_id,
        "system": receipt.system.name,
        "protocol": receipt.protocol,
        "protocol_hash": "" if UNKNOWN in (receipt.protocol_sha256, receipt.protocol) else receipt.protocol_sha256[:8],
        "tasks": listed(f"{task.card.name}@{task.card.version}" for task in receipt.tasks),
        "answered": f"{counts.get('answered', 0):,} of {counts.get('planned', 0):,}",
        "cost": usd(receipt.cost_usd),
        "sent": "unknown"
        if receipt.provenance != "run"
        else f"{receipt.bytes_sent:,} bytes"
        if receipt.bytes_sent
        else "nothing",
        "provenance": "asked here"
        if receipt.provenance == "run"
        else receipt.provenance.replace("import:", "imported: "),
    }
