"""The page: one HTML file that carries its pictures, its styles and its samples, and asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import math
from importlib import resources
from typing import Any

from harness import catalogue
from harness.gap.policy import row_scores
from harness.gap.standing import Standing
from harness.report import words
from harness.report.facts import IMPORTED, Facts
from harness.report.make import Picture, by_reason
from harness.report.samples import Samples
from harness.report.svg import Inlined
from harness.report.text import label, listed, points, span, uncontrolled, usd
from harness.types import Comparison, Receipt

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
        trim_blocks=True, lstrip_blocks=True, finalize=_safe,
    )  # fmt: skip
    drawn = Inlined(pictures)
    css = _own("page.css") + drawn.styles
    js = _own("page.js")
    beside = lies_beside(samples)
    return environment.get_template("page.html.jinja").render(
        facts=facts,
        policy=(
            f"default-src 'none'; script-src {_hash(js)}" + (" 'self'" if beside else "") + f"; style-src {_hash(css)}; "
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
        first=[_standing(one) for one in facts.varied(FIRST)],
        published=[_standing(one) for one in facts.published],
        about_published=(words.PUBLISHED, words.BIAS, words.LAG_DEFINITIONS),
        openness=_capital(catalogue.OPENNESS_RULE),
        rows=[_row(facts, one) for one in facts.rows],
        pictures=pictures,
        left_out=by_reason(left_out),
        items=samples.items,
        index=Markup(samples.index),
        blocks=() if beside else tuple(map(Markup, samples.blocks)),
        models=_models(facts),
        runs=[_run(receipt) for _, receipt in facts.runs],
        notes=[*facts.gaps.notes, *(f"{run}: not finished, so nothing of it counts" for run in facts.unsealed)],
    )


def _safe(value: Any) -> Any:
    """Text from outside loses its controls and direction overrides; ours (marked as safe) stays as it is."""
    return uncontrolled(value) if type(value) is str else value


def _own(name: str) -> str:
    return (resources.files("harness.report") / "page" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _numbers(one: Comparison) -> dict[str, Any]:
    return {
        "one": one, **dict(zip(("score_closed", "score_open"), map(points, row_scores(one)), strict=True)),
        "gap": points(one.gap, sign=True), "interval": span(*one.ci_simultaneous), "n": f"{one.n:,}",
        "missing": f"{one.missing_closed:,} / {one.missing_open:,}",
    }  # fmt: skip


def _row(facts: Facts, one: Comparison) -> dict[str, Any]:
    known: list[tuple[str, str]] = [
        ("closed", one.closed), ("open", one.open), ("chosen by", one.chosen_by), ("protocol", one.protocol),
        ("interval", one.ci_method), ("smallest gap visible", f"{points(one.detectable)} points at 80 % power" if one.detectable <= 100 else "none (80 % power)"),
        ("split of the gap", _split(one) if facts.asked(one.closed, one.open) else f"unknown: {IMPORTED}"),
    ]  # fmt: skip
    if one.plug_in is not None:
        two = f"{points(one.score_closed)} and {points(one.score_open)}, {points(one.plug_in, sign=True)} between the two named"
        known.append(("on all items", f"{two}: the luck of the best is in it"))
    for side, shares in (one.candidates or {}).items():
        picked = ", ".join(f"{facts.name(name)} {100 * share:.0f} %" for name, share in shares.items() if share >= 0.005)
        known.append((f"best {side} of a half", picked))
    tasks = [{"name": task.task, **_numbers(task)} for task in facts.tasks if task.task in one.tasks]
    return {
        **_numbers(one),
        "name": _capital(label(one)),
        "sentence": words.sentence(one),
        "tasks": tasks,
        "facts": known,
        "price": f"{_price(facts, one.closed, one.tasks)} / {_price(facts, one.open, one.tasks)}",
        "anchor_closed": _anchor(facts, one.closed, one.tasks),
        "anchor_open": _anchor(facts, one.open, one.tasks),
    }


def _split(one: Comparison) -> str:
    return ", ".join(f"{part} {points(getattr(one.waterfall, part), sign=True)}" for part in one.waterfall.__slots__)


def _standing(one: Standing) -> dict[str, Any]:
    """A published series as a row: each lag with its score noise and the range without one lab."""
    lags = [
        (
            name, words.lag(one, name),
            *(words.month_range(getattr(found, name)) if found else "" for found in (one.noise, one.labs)),
        )
        for name in ("backward", "forward", "age")
    ]  # fmt: skip
    return {
        "one": one, "closed": words.amount(one, one.best_closed.score), "open": words.amount(one, one.best_open.score),
        "gap": words.amount(one, one.gap, sign=True), "bias": words.bias(one), "lags": lags,
        "models": f"{len(one.closed):,} closed, {len(one.open_):,} open",
    }  # fmt: skip


def _anchor(facts: Facts, system: str, tasks: tuple[str, ...]) -> str:
    evidence = facts.one(system, tasks[0])
    return f"run-{evidence.run.run_id}" if evidence else "runs"


def _price(facts: Facts, system: str, tasks: tuple[str, ...]) -> str:
    """Recorded dollars per item of a system on some tasks."""
    rows = facts.answers[(facts.answers["system"] == system) & facts.answers["task"].isin(tasks)]
    mean = float(rows["cost_usd"].mean(skipna=False)) if len(rows) else math.nan
    return "unknown" if math.isnan(mean) else usd(mean)


def _models(facts: Facts) -> list[dict[str, Any]]:
    cards = catalogue.cards()
    found = []
    for name, is_open in sorted({one.name: one.open for one in facts.evidence}.items(), key=lambda pair: (pair[1], pair[0])):
        system = next(one.receipt.system for one in facts.evidence if one.name == name)
        card = cards.get(system.card)
        found.append({
            "name": name, "open": is_open, "known": facts.asked(name), "level": system.weights, "weights": card.weights if card else (),
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
        "protocol_hash": receipt.protocol_sha256[:8],
        "tasks": listed(f"{task.card.name}@{task.card.version}" for task in receipt.tasks),
        "answered": f"{counts.get('answered', 0):,} of {counts.get('planned', 0):,}",
        "cost": "unknown" if receipt.cost_usd is None else usd(receipt.cost_usd),
        "sent": "unknown" if receipt.provenance != "run" else f"{receipt.bytes_sent:,} bytes" if receipt.bytes_sent else "nothing",
        "provenance": "asked here" if receipt.provenance == "run" else receipt.provenance,
    }
