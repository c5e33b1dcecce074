"""What does a solved item cost on each side, and what quality does the money buy?"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.evidence.alignment import MISSING_LIMIT, codes_of
from harness.report.charts.labels import name_points
from harness.report.facts import Facts, TooLittle
from harness.report.style import EDGE_IN, MARKERS, Theme, frame
from harness.report.typeset import points
from harness.stats.cost import cheapest_pair, cost_ratio
from harness.stats.pareto import pareto
from harness.text import counted, inert, listed, percent, usd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
MOST_NAMES = 14
DRAWS = 2_000
"""Enough for the two digits that are told."""


@dataclass(frozen=True, slots=True, eq=False)
class Shop:
    """Systems with a known cost above zero on the same tasks: shape (systems,), and of each item (systems, n)."""

    systems: list[str]
    is_open: NDArray[np.bool_]
    score: Floats
    """Mean over tasks, in points."""
    cost: Floats
    """Dollars of each item, all repeats together."""
    solved: Floats
    """Sum of an item's scores."""
    weights: Floats
    """An item's share of the score, shape (n,): tasks weigh equally."""
    clusters: NDArray[np.intp] | None
    tasks: list[str]
    left_out: list[str]
    """Systems, each with the share of its answers that is missing where that is why."""
    other_tasks: list[str]
    """What not all of these systems have."""
    protocol: str
    runs: frozenset[str]

    @property
    def price(self) -> Floats:
        """Dollars per solved item."""
        price: Floats = self.cost.sum(axis=1) / self.solved.sum(axis=1)
        return price

    def ratio(self, closed: int, open_: int, first: str, second: str) -> str:
        """How many times as much one side costs as the other, with the interval; ``first`` and ``second`` hold its name as ``{}``."""
        found = cost_ratio(
            self.cost[closed], self.solved[closed], self.cost[open_], self.solved[open_], self.clusters, draws=DRAWS
        )
        value, low, high = float(found.value), float(found.low), float(found.high)
        shown = (value, low, high) if value > 1 else (1 / value, 1 / high, 1 / low)
        digits = 2 if min(shown) < 1.1 else 1
        times, *ends = (f"{one:.{digits}f}" if one < 10 else f"{one:,.0f}" for one in shown)
        dearer, cheaper = ("closed", "open") if value > 1 else ("open", "closed")
        told = f"{times} [{', '.join(ends)}] times as much"
        if low <= 1 <= high:
            told = (
                f"as much ({times} [{', '.join(ends)}] times)" if times == "1.00" else f"{told}, which may be chance,"
            )
        return f"{first.format(dearer)} {told}{second.format(cheaper)}"


def cost(facts: Facts, theme: Theme) -> Figure:
    """Score against measured dollars per solved item, on the tasks that all shown systems have, with both envelopes."""
    shop = bought(facts)
    if len(shop.systems) < 3 or shop.is_open.all() or not shop.is_open.any():
        raise TooLittle("it needs three systems with a known cost above zero on the same tasks, of both sides")
    from matplotlib.ticker import LogLocator, NullLocator

    title, lines = told(facts, shop)
    names, price = [facts.name(name) for name in shop.systems], shop.price
    own = {
        one.system: (one.low, one.high)
        for one in facts.scores
        if one.run in shop.runs and [inert(one.task)] == shop.tasks
    }
    left_out = f"{listed(shop.left_out[:8])}{' and more' * (len(shop.left_out) > 8)}" if shop.left_out else ""
    made = frame(
        facts,
        theme,
        title=title,
        subtitle=lines,
        foot=[
            f"Mean score on {listed(shop.tasks) if len(shop.tasks) < 5 else counted(len(shop.tasks), 'task')} (n {shop.weights.size:,}) against measured "
            f"dollars per solved item; solved: the sum of the scores. Lines: the best score of each side for that money; hollow, in words on the page: systems "
            f"that another of their side beats in both.{' Whiskers: a score by itself, 95 %.' * bool(own)} Cost as recorded in the runs, at the prices of their day."
            f"{f' Protocol {shop.protocol} alone.' * (facts.answers['protocol'].nunique() > 1)}",
            *(
                [
                    f"Left out, since no cost above zero is known, or a task or more than 2 % of the answers are missing: {left_out}."
                ]
                if left_out
                else []
            ),
            *([f"Tasks that not all of these have: {listed(shop.other_tasks)}."] if shop.other_tasks else []),
        ],
        alt=" ".join(
            [
                *lines,
                *(
                    f"{n}: {points(s)} points, {usd(p)} per solved item."
                    for n, s, p in zip(names, shop.score, price, strict=True)
                ),
            ]
        ),
        body_in=4.6,
    )
    axes = made.axes(0.75, made.bottom + 0.5, 9.6 - 0.75 - EDGE_IN, 3.9)
    axes.set_xscale("log")
    axes.grid(axis="both")
    axes.set_xlim(price.min() / 1.8, price.max() * 2.2)
    ends, front = shop.score.tolist(), np.zeros(len(names), dtype=bool)
    for side, rows in (("closed", np.flatnonzero(~shop.is_open)), ("open", np.flatnonzero(shop.is_open))):
        free = pareto(price[rows], shop.score[rows] / 100)
        best, others = rows[free][np.argsort(price[rows][free])], rows[~free]
        front[best] = True
        colour = getattr(theme, side)
        axes.step(
            [*price[best], axes.get_xlim()[1]],
            [*shop.score[best], shop.score[best[-1]]],
            where="post",
            color=colour,
            lw=1.4,
            zorder=2,
        )
        axes.plot(
            price[others], shop.score[others], MARKERS[side], ms=6.5, mfc=theme.paper, mec=colour, mew=1.2, zorder=3
        )
        axes.plot(price[best], shop.score[best], MARKERS[side], ms=7.5, color=colour, mec=theme.paper, zorder=7)
        low, high = zip(*(own.get(shop.systems[row], (shop.score[row],) * 2) for row in best), strict=True)
        axes.vlines(price[best], low, high, color=colour, lw=0.9)
        ends += [*low, *high]
    pad = 0.08 * max(5.0, max(ends) - min(ends))
    axes.set_ylim(min(ends) - pad, max(ends) + pad)
    axes.xaxis.set_major_formatter(lambda value, _: f"${value:g}")
    decades = np.log10(np.divide(*axes.get_xlim()[::-1]))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 3 else (1,), numticks=9))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(which="both", labelsize=8.5, length=0)
    axes.set_xlabel("dollars per solved item (logarithmic)", size=8.5)
    axes.set_ylabel("score, points", size=8.5)
    made.legend(0.8, made.top - 0.1, theme)
    shown = sorted(np.flatnonzero(front), key=lambda row: float(shop.score[row]))[-MOST_NAMES:]
    name_points(axes, theme, [(float(price[row]), float(shop.score[row]), names[row]) for row in shown])
    return made.figure


@functools.lru_cache(maxsize=1)
def told(facts: Facts, shop: Shop) -> tuple[str, list[str]]:
    """The headline, on the best of each side, and beside it the cheapest that reach what both sides reach."""

    def named(row: int) -> str:
        side = "open" if shop.is_open[row] else "closed"
        return f"{facts.name(shop.systems[row])} ({side}) {points(float(shop.score[row]))} points at {usd(float(shop.price[row]))}"

    closed, open_ = (int(np.where(shop.is_open == side, shop.score, -1).argmax()) for side in (False, True))
    of = "Of systems with a known cost the" if shop.left_out else "The"
    title = shop.ratio(closed, open_, f"{of} best {{}} system costs", " per solved item as the best {} one")
    lines = [
        f"Best: {named(closed)}; {named(open_)}. In brackets: 95 % interval from resampled "
        f"{'items' if shop.clusters is None else 'clusters'}, the two systems held fixed"
    ]
    *cheapest, again = cheapest_pair(shop.cost, shop.solved, shop.is_open, shop.weights, shop.clusters)
    if cheapest != [closed, open_]:
        lines.append(
            f"Cheapest at {points(float(shop.score[[closed, open_]].min()))} points or more: {'; '.join(map(named, cheapest))}; "
            f"{shop.ratio(cheapest[0], cheapest[1], '{} costs', '')}. Chosen anew in each resample, the two are the same in {percent(again, 0)}"
        )
    return title, lines


@functools.lru_cache(maxsize=1)
def bought(facts: Facts) -> Shop:
    """Systems with a known cost on the tasks that most systems share, on the items that all of them answered.

    As among the candidates of a gap, a system of which more than 2 % is missing is left out. Of several protocols the
    one under which most systems have a cost.
    """
    costly = facts.answers[facts.answers["cost_usd"] > 0].groupby("protocol")["system"].nunique()
    protocol = (
        "" if costly.empty else max(sorted(costly.index), key=lambda name: (costly[name], name.startswith("matched")))
    )
    planned = facts.answers[facts.answers["protocol"] == protocol]
    rows = planned[planned["score"].notna()]
    by = ["system", "task"]
    sums = rows.groupby(by, sort=True).agg(
        usd=("cost_usd", lambda part: part.sum(skipna=False)), solved=("score", "sum")
    )
    # Rows that are not there at all, as in an import, are missing like those without an answer.
    most = planned.groupby(by)["item_id"].nunique().groupby("task").transform("max")
    sums["missing"] = 1 - rows.groupby(by).size() / planned.groupby(by).size() * (
        planned.groupby(by)["item_id"].nunique() / most
    )
    known = sums[(sums["usd"] > 0) & (sums["solved"] > 0) & (sums["missing"] <= MISSING_LIMIT)].reset_index()
    sets = {str(name): tuple(sorted(part)) for name, part in known.groupby("system")["task"]}
    tasks = max(
        sorted(set(sets.values())),
        key=lambda one: (sum(set(one) <= set(other) for other in sets.values()), len(one)),
        default=(),
    )
    systems = [name for name, own in sets.items() if set(tasks) <= set(own)]
    used = rows[rows["system"].isin(systems) & rows["task"].isin(tasks)]
    per_item = used.groupby(["system", "task", "item_id"]).agg(
        usd=("cost_usd", "sum"), solved=("score", "sum"), score=("score", "mean")
    )
    cost, solved, score = (
        per_item[column].unstack("system").reindex(columns=systems).dropna() for column in ("usd", "solved", "score")
    )
    sides, task_of = used.groupby("system")["open"].first(), cost.index.get_level_values("task")
    weights = 1 / (len(tasks) * task_of.value_counts().reindex(task_of).to_numpy(dtype=float))
    clusters = used.drop_duplicates(["task", "item_id"]).set_index(["task", "item_id"])["cluster"].reindex(cost.index)
    lost = sums["missing"].groupby("system").max()
    left_out = [
        facts.name(name) + (f" ({percent(lost[name])} missing)" if lost.get(name, 0) > MISSING_LIMIT else "")
        for name in set(facts.answers["system"]) - set(systems)
    ]
    return Shop(
        systems, np.array([bool(sides[name]) for name in systems], dtype=bool), 100 * weights @ score.to_numpy(dtype=float),
        cost.to_numpy(dtype=float).T, solved.to_numpy(dtype=float).T, weights,
        codes_of([f"{task}\0{label}" if isinstance(label, str) else None for task, label in zip(task_of, clusters, strict=True)]),
        [inert(task) for task in tasks], sorted(left_out), [inert(task) for task in sorted(set(rows["task"]) - set(tasks))],
        protocol, frozenset(used["run_id"]),
    )  # fmt: skip
