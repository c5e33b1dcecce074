"""What does a solved item cost on each side, and what quality does the money buy?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.charts.labels import name_points
from harness.report.facts import Facts, TooLittle
from harness.report.style import EDGE_IN, MARKERS, Theme, frame
from harness.report.text import inert, listed, points
from harness.stats.cost import cost_ratio_at_quality
from harness.stats.pareto import pareto

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_NAMES = 14


@dataclass(frozen=True, slots=True)
class Bought:
    """One system: mean score over tasks in points, and dollars per solved item (the sum of its scores)."""

    system: str
    open: bool
    score: float
    per_solved_usd: float
    per_item_usd: float
    n: int


def cost(facts: Facts, theme: Theme) -> Figure:
    """Score against measured dollars per solved item, on the tasks that all shown systems have, with both envelopes."""
    found, tasks, without = bought(facts)
    sides = {"closed": [one for one in found if not one.open], "open": [one for one in found if one.open]}
    if not all(sides.values()) or len(found) < 3:
        raise TooLittle("it needs three systems with a known cost above zero on the same tasks, of both sides")
    from matplotlib.ticker import LogLocator, NullLocator

    made = frame(
        facts,
        theme,
        title=_title(sides),
        subtitle=[f"Mean score on {listed(tasks)} (n {found[0].n:,}) against measured dollars per solved item"],
        foot=[
            "Lines: the best score of each side for that money; whiskers (one task): the score's own 95 % interval. Solved: the sum of an item's scores. Cost as recorded in "
            "the runs, at the prices of their day."
            + (f" Left out, since no cost above zero is known or a task is missing: {listed(without)}." if without else ""),
        ],
        alt=" ".join(f"{facts.name(one.system)}: {points(one.score)} points, ${one.per_solved_usd:.4f} per solved item." for one in found),
        body_in=4.6,
    )
    axes = made.axes(0.75, made.bottom + 0.5, 9.6 - 0.75 - EDGE_IN, 3.9)
    axes.set_xscale("log")
    axes.grid(axis="both")
    costs = [one.per_solved_usd for one in found]
    axes.set_xlim(min(costs) / 1.8, max(costs) * 2.2)
    heights = [one.score for one in found]
    pad = 0.12 * max(5.0, max(heights) - min(heights))
    axes.set_ylim(min(heights) - pad, max(heights) + pad)
    named = []
    own = {one.system: (one.low, one.high) for one in facts.scores if [inert(one.task)] == tasks}
    for side, members in sides.items():
        free = pareto([one.per_solved_usd for one in members], [one.score / 100 for one in members])
        front = sorted((one for one, on in zip(members, free, strict=True) if on), key=lambda one: one.per_solved_usd)
        colour = getattr(theme, side)
        xs = [*(one.per_solved_usd for one in front), axes.get_xlim()[1]]
        axes.step(xs, [*(one.score for one in front), front[-1].score], where="post", color=colour, lw=1.4, zorder=2)
        for one in members:
            alpha = 1.0 if one in front else 0.45
            if one.system in own:
                axes.plot([one.per_solved_usd] * 2, own[one.system], color=colour, lw=0.9, alpha=alpha, zorder=2)
            axes.plot([one.per_solved_usd], [one.score], MARKERS[side], ms=7.5, color=colour, mec=theme.paper, alpha=alpha, zorder=7 if one in front else 2)
        named += [(one.per_solved_usd, one.score, facts.name(one.system)) for one in front]
    name_points(axes, theme, named[:MOST_NAMES])
    axes.xaxis.set_major_formatter(lambda value, _: f"${value:g}")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(which="both", labelsize=8.5, length=0)
    axes.set_xlabel("dollars per solved item (logarithmic)", size=8.5)
    axes.set_ylabel("score, points", size=8.5)
    for x, side, text in ((0.8, "closed", "closed"), (1.65, "open", "open weights")):
        made.mark(x, made.top - 0.1, side, theme)
        made.write(x + 0.12, made.top - 0.16, text, size=9)
    return made.figure


def _title(sides: dict[str, list[Bought]]) -> str:
    best = {side: max(members, key=lambda one: one.score) for side, members in sides.items()}
    level = min(one.score for one in best.values())
    ratio = cost_ratio_at_quality(
        [one.score for one in sides["closed"]], [one.per_solved_usd for one in sides["closed"]],
        [one.score for one in sides["open"]], [one.per_solved_usd for one in sides["open"]], level,
    )  # fmt: skip
    if not math.isfinite(ratio) or 0.95 < ratio < 1.05:
        return f"At {points(level)} points a solved item costs about the same on both sides"
    dearer, times = ("closed", ratio) if ratio > 1 else ("open", 1 / ratio)
    return f"At {points(level)} points, the best that both sides reach, the cheapest {dearer} system costs {times:.1f} times as much per solved item"


def bought(facts: Facts) -> tuple[list[Bought], list[str], list[str]]:
    """Systems with a known cost on the tasks that most systems share, those tasks, and the systems left out."""
    rows = facts.answers[facts.answers["score"].notna()]
    sums = rows.groupby(["system", "open", "task"], sort=True).agg(
        score=("score", "mean"), solved=("score", "sum"), n=("score", "size"), usd=("cost_usd", lambda part: part.sum(skipna=False))
    )
    known = sums[sums["usd"] > 0].reset_index()
    if known.empty:
        return [], [], []
    task_sets = [tuple(sorted(part["task"])) for _, part in known.groupby("system")]
    tasks = max(sorted(set(task_sets)), key=lambda one: (sum(set(one) <= set(other) for other in task_sets), len(one)))
    found = []
    for (name, is_open), part in known[known["task"].isin(tasks)].groupby(["system", "open"], sort=True):
        if len(part) == len(tasks) and part["solved"].sum() > 0:
            usd, solved = float(part["usd"].sum()), float(part["solved"].sum())
            found.append(Bought(str(name), bool(is_open), 100 * float(part["score"].mean()), usd / solved, usd / float(part["n"].sum()), int(part["n"].sum())))
    shown = {one.system for one in found}
    return found, [inert(task) for task in tasks], sorted(facts.name(name) for name in set(facts.answers["system"]) - shown)
