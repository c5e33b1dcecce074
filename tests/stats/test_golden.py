"""The golden numbers of the design, from real per-item results of real models (500 items, 12 repositories)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.stats.bootstrap import cluster_bootstrap
from harness.stats.clustered import clustered, effective_clusters, wild_cluster_p
from harness.stats.cost import cost_ratio, gap_at_cost
from harness.stats.frontier import frontier
from harness.stats.paired import paired
from harness.stats.pareto import hypervolume, pareto, pareto_membership
from harness.stats.power import detectable, detectable_iid, n_needed

OPUS, MINIMAX = "Claude 4.5 Opus medium (20251101)", "Minimax M2"
GEMINI, DEEPSEEK = "Gemini 3 Pro Preview (2025-11-18)", "DeepSeek V3.2 Reasoner"
MINI, SONNET, GLM = (
    "GPT-5 mini (2025-08-07) (medium reasoning)",
    "Claude 4 Sonnet (20250514)",
    "GLM-4.6 (T=1)",
)
CONTRADICTED = "Claude 3.7 Sonnet (20250219)"  # its rows contradict its published mean


@dataclass(frozen=True)
class Results:
    """Rows are models sorted by name, columns items sorted by id."""

    models: list[str]
    is_open: NDArray[np.bool_]
    scores: NDArray[np.float64]
    costs: NDArray[np.float64]
    repositories: NDArray[np.str_]

    def of(self, model: str) -> NDArray[np.float64]:
        scores: NDArray[np.float64] = self.scores[self.models.index(model)]
        return scores


@pytest.fixture(scope="module")
def swebench(test_data: Path) -> Results:
    with (test_data / "published" / "per_item_swebench_verified.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] != CONTRADICTED]
    models, items = sorted({row["model"] for row in rows}), sorted({row["item_id"] for row in rows})
    at_model, at_item = {m: i for i, m in enumerate(models)}, {item: j for j, item in enumerate(items)}
    scores, costs = np.full((len(models), len(items)), np.nan), np.full((len(models), len(items)), np.nan)
    is_open = np.zeros(len(models), dtype=bool)
    for row in rows:
        i, j = at_model[row["model"]], at_item[row["item_id"]]
        scores[i, j], costs[i, j] = float(row["resolved"]), float(row["cost_usd"])
        is_open[i] = row["open_weights"] == "true"
    return Results(models, is_open, scores, costs, np.array([item.split("__")[0] for item in items]))


PAIRS = [
    (OPUS, MINIMAX, 13.4, 1.941, 2.930, 2.295, (9.59, 17.21), (5.91, 20.89), 0.0195, (85, 18), 5.44),
    (GEMINI, DEEPSEEK, 14.2, 1.909, 2.940, 1.071, (10.45, 17.95), (10.70, 17.70), 0.0020, (86, 15), 5.35),
    (MINI, DEEPSEEK, -0.2, 2.184, 3.103, 1.491, (-4.49, 4.09), (-5.07, 4.67), 0.8203, (59, 60), 6.12),
    (SONNET, GLM, 9.4, 1.884, 3.086, 1.375, (5.70, 13.10), (4.91, 13.89), 0.0098, (70, 23), 5.28),
]


@pytest.mark.parametrize(
    ("closed", "open_", "gap", "se", "unpaired", "cr1", "t", "t_cr1", "wild", "discordant", "seen"), PAIRS
)
def test_a_pair_reproduces_its_row(
    swebench: Results, closed: str, open_: str, gap: float, se: float, unpaired: float, cr1: float,
    t: tuple[float, float], t_cr1: tuple[float, float], wild: float, discordant: tuple[int, int], seen: float,
) -> None:  # fmt: skip
    c, o = swebench.of(closed), swebench.of(open_)
    plain, robust = paired(c, o), clustered(c - o, swebench.repositories)
    assert 100 * plain.mean == pytest.approx(gap, abs=1e-9)
    assert 100 * plain.se == pytest.approx(se, abs=5e-4)
    assert 100 * plain.se_unpaired == pytest.approx(unpaired, abs=5e-4)
    assert plain.df == 499
    assert (100 * plain.low, 100 * plain.high) == pytest.approx(t, abs=6e-3)
    assert 100 * robust.se == pytest.approx(cr1, abs=5e-4)
    assert robust.df == pytest.approx(2.87, abs=5e-3)
    assert (100 * robust.low, 100 * robust.high) == pytest.approx(t_cr1, abs=6e-3)
    assert wild_cluster_p(c - o, swebench.repositories) == pytest.approx(wild, abs=5e-5)
    assert (plain.b10, plain.b01) == discordant
    sd = float((c - o).std(ddof=1))
    assert 100 * detectable_iid(sd, 500) == pytest.approx(seen, abs=5e-3)


def test_the_first_pair_in_full(swebench: Results) -> None:
    c, o = swebench.of(OPUS), swebench.of(MINIMAX)
    first, robust = paired(c, o), clustered(c - o, swebench.repositories)
    assert first.p_mcnemar == pytest.approx(1.363e-11, rel=5e-4)
    assert first.correlation == pytest.approx(0.5645, abs=5e-5)
    assert first.log_odds_gap == pytest.approx(0.6196, abs=5e-5)
    sd = float((c - o).std(ddof=1))
    assert [n_needed(points / 100, sd) for points in (3, 5, 8)] == [1644, 592, 232]
    assert 100 * detectable(robust.se, robust.df) == pytest.approx(9.76, abs=5e-3)
    assert robust.clusters == 12
    assert effective_clusters(swebench.repositories) == pytest.approx(3.87, abs=5e-3)


def test_the_relative_gap_has_an_interval_from_whole_clusters(swebench: Results) -> None:
    c, o = swebench.of(OPUS), swebench.of(MINIMAX)
    ratio = cluster_bootstrap(
        np.stack([c - o, c], axis=1), lambda totals: totals[:, 0] / totals[:, 1], swebench.repositories
    )
    assert float(ratio.value) == pytest.approx(paired(c, o).relative_gap)
    assert float(ratio.low) < float(ratio.value) < float(ratio.high)
    assert ratio.undefined == 0


def test_the_frontier(swebench: Results) -> None:
    closed, open_ = swebench.scores[~swebench.is_open], swebench.scores[swebench.is_open]
    assert (len(closed), len(open_)) == (13, 11)
    best = frontier(closed, open_)
    assert 100 * best.plug_in == pytest.approx(13.4, abs=1e-9)
    assert 100 * best.mean == pytest.approx(14.005, abs=0.01)  # the same permutations: closer than asked
    assert 100 * best.se == pytest.approx(2.14, abs=0.15)
    assert best.low == pytest.approx(best.mean - 1.959964 * best.se)
    names = [name for name, is_open in zip(swebench.models, swebench.is_open, strict=True) if not is_open]
    assert names[best.best_closed] == OPUS
    assert best.closed_picked.sum() == pytest.approx(1)


def test_the_frontier_by_whole_clusters(swebench: Results) -> None:
    closed, open_ = swebench.scores[~swebench.is_open], swebench.scores[swebench.is_open]
    best = frontier(closed, open_, swebench.repositories)
    assert 100 * best.mean == pytest.approx(13.75, abs=0.01)
    alone = frontier(closed, open_)
    assert best.high - best.low >= 0.9 * (alone.high - alone.low)


@pytest.mark.parametrize(
    ("budget", "plug_in", "cross_fitted"),
    [(0.25, -0.2, 0.40), (0.30, 5.0, 5.60), (0.50, 13.2, 14.48), (0.75, 13.4, 14.005)],
)
def test_the_gap_at_a_cost(swebench: Results, budget: float, plug_in: float, cross_fitted: float) -> None:
    is_open, costs = swebench.is_open, swebench.costs.mean(axis=1)
    found = gap_at_cost(
        swebench.scores[~is_open], swebench.scores[is_open], costs[~is_open], costs[is_open], budget, draws=20
    )
    assert found is not None
    assert 100 * found.plug_in == pytest.approx(plug_in, abs=1e-9)
    assert 100 * found.mean == pytest.approx(cross_fitted, abs=0.01)
    assert costs[~is_open][found.best_closed] <= budget
    assert found.closed_picked[costs[~is_open] > budget].sum() == 0


def test_the_pareto_set_and_its_hypervolume(swebench: Results) -> None:
    costs, means, is_open = swebench.costs.mean(axis=1), swebench.scores.mean(axis=1), swebench.is_open
    free = pareto(costs, means)
    assert {name.split(" (")[0] for name, kept in zip(swebench.models, free, strict=True) if kept} == {
        "DeepSeek V3.2 Reasoner", "GPT-5", "GPT-5.1", "Gemini 3 Pro Preview", "Claude 4.5 Opus medium",
    }  # fmt: skip
    areas = [hypervolume(costs[side], means[side], 1.20) for side in (~is_open, is_open, np.full(len(means), True))]
    assert areas == pytest.approx([0.8148, 0.7109, 0.8197], abs=5e-5)
    opus, deepseek = swebench.models.index(OPUS), swebench.models.index(DEEPSEEK)
    columns = (swebench.costs[opus], swebench.scores[opus], swebench.costs[deepseek], swebench.scores[deepseek])
    found = cost_ratio(*columns, draws=500)
    assert float(found.value) == pytest.approx((0.7212 / 0.744) / (0.0281 / 0.6), rel=2e-3)
    assert 0 < float(found.low) < float(found.value) < float(found.high)
    firm = pareto_membership(swebench.costs, swebench.scores, swebench.repositories, draws=200)
    assert firm[swebench.models.index(DEEPSEEK)] == pytest.approx(1)
