"""What does a solved item cost on each side, and what quality does the money buy?"""

from __future__ import annotations

import functools
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.gap.evidence import Evidence
from harness.gap.pair import codes_of
from harness.report.charts.labels import name_points
from harness.report.facts import Facts, TooLittle
from harness.report.style import EDGE_IN, MARKERS, Theme, frame
from harness.report.text import counted, inert, listed, points, usd
from harness.stats.cost import cheapest_at_quality, chosen_again, cost_ratio
from harness.stats.pareto import pareto

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
MOST_NAMES = 14
DRAWS = 2_000
"""Enough for the two digits that are told."""


@dataclass(frozen=True, slots=True, eq=False)
class Bought:
    """One system: mean score over tasks in points, dollars per solved item, and both totals of each item."""

    system: str
    open: bool
    score: float
    usd: Floats
    solved: Floats

    @property
    def per_solved_usd(self) -> float:
        return float(self.usd.sum() / self.solved.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Shop:
    """Systems with a known cost above zero on the same tasks, and those that had to be left out."""

    systems: list[Bought]
    tasks: list[str]
    weights: Floats
    """An item's share of the quality: tasks weigh equally."""
    clusters: NDArray[np.intp] | None
    left_out: list[str]

    @property
    def sides(self) -> dict[str, list[Bought]]:
        """Closed first."""
        return {side: [one for one in self.systems if one.open == (side == "open")] for side in ("closed", "open")}

    def ratio(self, closed: Bought, open_: Bought) -> tuple[float, str]:
        """Closed over open cost per solved item, and the ratio with its interval in words, the dearer over the cheaper."""
        found = cost_ratio(closed.usd, closed.solved, open_.usd, open_.solved, self.clusters, draws=DRAWS)
        value, low, high = float(found.value), float(found.low), float(found.high)
        shown = (value, low, high) if value > 1 else (1 / value, 1 / high, 1 / low)
        first, *ends = (f"{one:.1f}" if one < 10 else f"{one:,.0f}" for one in shown)
        return value, f"{first} [{', '.join(ends)}]"


def cost(facts: Facts, theme: Theme) -> Figure:
    """Score against measured dollars per solved item, on the tasks that all shown systems have, with both envelopes."""
    shop = bought(facts)
    sides = shop.sides
    if not all(sides.values()) or len(shop.systems) < 3:
        raise TooLittle("it needs three systems with a known cost above zero on the same tasks, of both sides")
    from matplotlib.ticker import LogLocator, NullLocator

    title, lines = told(facts, shop)
    own = {one.system: (one.low, one.high) for one in facts.scores if [inert(one.task)] == shop.tasks}
    made = frame(
        facts,
        theme,
        title=title,
        subtitle=lines,
        foot=[
            f"Mean score on {listed(shop.tasks) if len(shop.tasks) < 5 else counted(len(shop.tasks), 'task')} (n {shop.weights.size:,}) against measured dollars per solved item; solved: the sum of the "
            "scores. Lines: the best score of each side for that money; pale: systems that another of their side beats in both."
            + (" Whiskers: the score's own 95 % interval." if own else "") + " Cost as recorded in the runs, at the prices of their day.",
            *([f"Left out, since no cost above zero is known or a task is missing: {listed(shop.left_out[:8])}{' and more' * (len(shop.left_out) > 8)}."] if shop.left_out else []),
        ],
        alt=" ".join([*lines, *(f"{facts.name(one.system)}: {points(one.score)} points, {usd(one.per_solved_usd)} per solved item." for one in shop.systems)]),
        body_in=4.6,
    )  # fmt: skip
    axes = made.axes(0.75, made.bottom + 0.5, 9.6 - 0.75 - EDGE_IN, 3.9)
    axes.set_xscale("log")
    axes.grid(axis="both")
    costs = [one.per_solved_usd for one in shop.systems]
    axes.set_xlim(min(costs) / 1.8, max(costs) * 2.2)
    ends = [one.score for one in shop.systems]
    named = []
    for side, members in sides.items():
        free = pareto([one.per_solved_usd for one in members], [one.score / 100 for one in members])
        front = sorted((one for one, on in zip(members, free, strict=True) if on), key=lambda one: one.per_solved_usd)
        others = [one for one in members if one not in front]
        colour = getattr(theme, side)
        xs = [*(one.per_solved_usd for one in front), axes.get_xlim()[1]]
        axes.step(xs, [*(one.score for one in front), front[-1].score], where="post", color=colour, lw=1.4, zorder=2)
        for group, strong in ((others, False), (front, True)):
            axes.plot([one.per_solved_usd for one in group], [one.score for one in group], MARKERS[side], ms=7.5, color=colour,
                      mec=theme.paper, alpha=1.0 if strong else 0.4, zorder=7 if strong else 2)  # fmt: skip
        for one in front:
            low, high = own.get(one.system, (one.score, one.score))
            axes.vlines([one.per_solved_usd], [low], [high], color=colour, lw=0.9)
            ends += [low, high]
        named += [(one.per_solved_usd, one.score, facts.name(one.system)) for one in front]
    pad = 0.08 * max(5.0, max(ends) - min(ends))
    axes.set_ylim(min(ends) - pad, max(ends) + pad)
    axes.xaxis.set_major_formatter(lambda value, _: f"${value:g}")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(which="both", labelsize=8.5, length=0)
    axes.set_xlabel("dollars per solved item (logarithmic)", size=8.5)
    axes.set_ylabel("score, points", size=8.5)
    for x, side, text in ((0.8, "closed", "closed"), (1.65, "open", "open weights")):
        made.mark(x, made.top - 0.1, side, theme)
        made.write(x + 0.12, made.top - 0.16, text, size=9)
    name_points(axes, theme, sorted(named, key=lambda one: one[1])[-MOST_NAMES:])
    return made.figure


@functools.lru_cache(maxsize=1)
def told(facts: Facts, shop: Shop) -> tuple[str, list[str]]:
    """The headline, on the best of each side, and beside it the cheapest that reach what both sides reach."""
    sides = shop.sides
    closed, open_ = (max(members, key=lambda one: one.score) for members in sides.values())
    value, ratio = shop.ratio(closed, open_)
    dearer, cheaper = ("closed", "open") if value > 1 else ("open", "closed")
    title = f"The best {dearer} system costs {ratio} times as much per solved item as the best {cheaper} one"
    told = [
        f"Best: {_named(facts, closed)}; {_named(facts, open_)}. In brackets: 95 % interval from resampled "
        f"{'items' if shop.clusters is None else 'clusters'}, the two systems held fixed"
    ]
    level = min(closed.score, open_.score)
    found = {side: cheapest_at_quality([one.score for one in members], [one.per_solved_usd for one in members], level) for side, members in sides.items()}
    cheap = [sides[side][place] for side, place in found.items() if place is not None]
    if cheap != [closed, open_]:
        value, ratio = shop.ratio(*cheap)
        again = chosen_again(
            [one.usd for one in shop.systems], [one.solved for one in shop.systems], [one.open for one in shop.systems], shop.weights, shop.clusters,
            draws=DRAWS // 4,
        )  # fmt: skip
        told.append(
            f"Cheapest at {points(level)} points or more: {_named(facts, cheap[0])}; {_named(facts, cheap[1])}; "
            f"{'closed' if value > 1 else 'open'} {ratio} times as much. Chosen anew in each resample, the two are the same in {100 * again:.0f} %"
        )
    return title, told


def _named(facts: Facts, one: Bought) -> str:
    return f"{facts.name(one.system)} ({'open' if one.open else 'closed'}) {points(one.score)} points at {usd(one.per_solved_usd)}"


@functools.lru_cache(maxsize=1)
def bought(facts: Facts) -> Shop:
    """Systems with a known cost on the tasks that most systems share; items that one of them lacks count for the others."""
    table: dict[str, dict[str, Evidence]] = defaultdict(dict)
    for one in facts.evidence:
        there = one.data.answers > 0
        if (one.data.cost_usd * one.data.answers)[there].sum() > 0 and one.data.score[there].sum() > 0:
            table[one.name][one.task] = one
    task_sets = [tuple(sorted(parts)) for parts in table.values()]
    tasks = max(sorted(set(task_sets)), key=lambda one: (sum(set(one) <= set(other) for other in task_sets), len(one)), default=())
    shown = {name: parts for name, parts in sorted(table.items()) if set(tasks) <= set(parts)}
    ids = {task: sorted({item for parts in shown.values() for item in parts[task].item_ids}) for task in tasks}
    places = {task: {item: place for place, item in enumerate(known)} for task, known in ids.items()}
    labels: dict[str, list[str | None]] = {task: [None] * len(known) for task, known in ids.items()}
    systems = []
    for name, parts in shown.items():
        blocks = []
        for task in tasks:
            data = parts[task].data
            at = [places[task][item] for item in data.ids]
            block = np.zeros((2, len(ids[task])))
            block[:, at] = np.where(data.answers > 0, [data.cost_usd * data.answers, data.score * data.answers], 0.0)
            blocks.append(block)
            for place, label in zip(at, data.cluster, strict=True):
                labels[task][place] = label if label is None else f"{task}\0{label}"
        means = [float(np.nanmean(parts[task].data.score)) for task in tasks]
        systems.append(Bought(name, next(iter(parts.values())).open, 100 * float(np.mean(means)), *np.hstack(blocks)))
    weights = np.concatenate([np.full(len(known), 1 / (len(tasks) * len(known))) for known in ids.values()]) if tasks else np.empty(0)
    left_out = sorted(facts.name(one) for one in {one.name for one in facts.evidence} - set(shown))
    return Shop(systems, [inert(task) for task in tasks], weights, codes_of([label for part in labels.values() for label in part]), left_out)
