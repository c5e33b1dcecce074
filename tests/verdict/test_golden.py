"""The golden numbers of real models, out of the two commands: import, and gap (or power)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.verdict import Store

OPUS, MINIMAX = "Claude 4.5 Opus medium (20251101)", "Minimax M2"
GEMINI, DEEPSEEK = "Gemini 3 Pro Preview (2025-11-18)", "DeepSeek V3.2 Reasoner"
MINI, SONNET, GLM = "GPT-5 mini (2025-08-07) (medium reasoning)", "Claude 4 Sonnet (20250514)", "GLM-4.6 (T=1)"


def imported(store: Path, published: Path, *more: str) -> str:
    code = main(
        ["import", "items", str(published / "per_item_swebench_verified.csv"), "--benchmark", "SWE-bench Verified",
         "--dimension", "coding", "--map", "score=resolved", "--published", str(published / "published_scores.csv"),
         "--series", "SWE-bench Verified bash-only (mini-SWE-agent)", "--store", str(store), *more]
    )  # fmt: skip
    assert code == 1, "one model is left out, because its rows contradict its published mean"
    return str(store)


@pytest.fixture(scope="module")
def clustered(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return imported(tmp_path_factory.mktemp("clustered"), test_data / "published", "--cluster-regex", "^(.+?)__")


@pytest.fixture(scope="module")
def independent(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return imported(tmp_path_factory.mktemp("independent"), test_data / "published")


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("closed", "open_", "gap", "se", "unpaired", "cr1", "t", "cr1_interval", "wild", "discordant", "mde"),
    [
        (OPUS, MINIMAX, 13.4, 1.941, 2.930, 2.295, (9.59, 17.21), (5.91, 20.89), 0.0195, (85, 18), 5.44),
        (GEMINI, DEEPSEEK, 14.2, 1.909, 2.940, 1.071, (10.45, 17.95), (10.70, 17.70), 0.0020, (86, 15), 5.35),
        (MINI, DEEPSEEK, -0.2, 2.184, 3.103, 1.491, (-4.49, 4.09), (-5.07, 4.67), 0.8203, (59, 60), 6.12),
        (SONNET, GLM, 9.4, 1.884, 3.086, 1.375, (5.70, 13.10), (4.91, 13.89), 0.0098, (70, 23), 5.28),
    ],
)  # fmt: skip
def test_the_four_pairs(
    clustered: str, capsys: pytest.CaptureFixture[str], closed: str, open_: str, gap: float, se: float, unpaired: float,
    cr1: float, t: tuple[float, float], cr1_interval: tuple[float, float], wild: float, discordant: tuple[int, int],
    mde: float,
) -> None:  # fmt: skip
    (row,) = told(capsys, "gap", "--closed", closed, "--open", open_, "--store", clustered)
    assert row["gap"] == pytest.approx(gap, abs=1e-9)
    assert [row["se"], row["se_unpaired"], row["se_clustered"]] == pytest.approx([se, unpaired, cr1], abs=5.1e-4)
    assert row["ci_t"] == pytest.approx(list(t), abs=5.1e-3)
    assert row["ci_cr1"] == pytest.approx(list(cr1_interval), abs=5.1e-3)
    assert row["p_wild"] == pytest.approx(wild, abs=5.1e-5)
    assert (row["b10"], row["b01"]) == discordant
    assert row["detectable_iid"] == pytest.approx(mde, abs=5.1e-3)
    wider = t if t[1] - t[0] > cr1_interval[1] - cr1_interval[0] else cr1_interval
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(list(wider), abs=5.1e-3)
    assert row["ci_simultaneous"] == pytest.approx([row["ci_low"], row["ci_high"]]), "one row: nothing to adjust for"
    assert row["verdict"] == ("undecided" if closed == MINI else "closed leads")
    assert (row["n"], row["clusters"]) == (500, 12)
    assert row["g_eff"] == pytest.approx(3.87, abs=5e-3)


def test_the_rest_of_the_first_pair(clustered: str, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = told(capsys, "gap", "--closed", OPUS, "--open", MINIMAX, "--store", clustered)
    assert row["p_mcnemar"] == pytest.approx(1.363e-11, rel=5e-4)
    assert row["correlation"] == pytest.approx(0.5645, abs=5e-5)
    assert row["log_odds_gap"] == pytest.approx(0.6196, abs=5e-5)
    assert row["detectable"] == pytest.approx(9.76, abs=5e-3)
    assert row["df"] == pytest.approx(2.87, abs=5e-3)
    assert row["waterfall"]["wrong"] == pytest.approx(13.4)


def test_the_frontier(independent: str, clustered: str, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = told(capsys, "gap", "--store", independent)
    assert row["plug_in"] == pytest.approx(13.4, abs=1e-9)
    assert row["gap"] == pytest.approx(14.005, abs=0.15)
    assert row["boot_sd"] == pytest.approx(2.14, abs=0.06), "itself drawn: 2.07 to 2.15 by seed"
    assert (row["closed"], row["open"]) == (OPUS, MINIMAX)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(
        [row["gap"] - 1.959964 * row["boot_sd"], row["gap"] + 1.959964 * row["boot_sd"]], abs=1e-5
    )
    assert (len(row["candidates"]["closed"]), len(row["candidates"]["open"])) == (13, 11)
    assert sum(row["candidates"]["open"].values()) == pytest.approx(1)
    (whole,) = told(capsys, "gap", "--store", clustered)
    assert whole["gap"] == pytest.approx(13.75, abs=0.15)


@pytest.mark.parametrize(
    ("budget", "plug_in", "cross_fitted"),
    [("0.25", -0.2, 0.40), ("0.30", 5.0, 5.60), ("0.50", 13.2, 14.48), ("0.75", 13.4, 14.005)],
)
def test_the_gap_at_a_cost(
    independent: str, capsys: pytest.CaptureFixture[str], budget: str, plug_in: float, cross_fitted: float
) -> None:
    (row,) = told(capsys, "gap", "--at-cost", budget, "--store", independent)
    assert row["plug_in"] == pytest.approx(plug_in, abs=1e-9)
    assert row["gap"] == pytest.approx(cross_fitted, abs=0.15)
    assert f"${float(budget):g}" in row["chosen_by"]


def test_every_pair_of_all_models_agrees_with_its_own_comparison(clustered: str) -> None:
    store = Store(clustered)
    rows = store.pairs("SWE-bench Verified")
    assert len(rows) == 24 * 23 // 2
    one = next(row for row in rows if {row.first, row.second} == {OPUS, MINIMAX})
    alone = store.gap(OPUS, MINIMAX)[0]
    assert [one.gap, one.low, one.high] == pytest.approx([alone.gap, alone.ci_low, alone.ci_high])
    assert all(row.p_adjusted >= row.p for row in rows)


def test_a_benchmark_in_two_scenarios_is_chosen_by_where(test_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(test_data / "published" / "per_item_livecodebench.csv")
    common = [
        "import",
        "items",
        path,
        "--dimension",
        "coding",
        "--map",
        "score=pass1",
        "--map",
        "date=item_date",
        "--store",
        "s",
    ]
    assert main([*common, "--benchmark", "LiveCodeBench"]) == 2
    assert "--where scenario=" in capsys.readouterr().err
    for scenario in ("codegeneration 2025-04", "repair"):
        assert main([*common, "--benchmark", f"LiveCodeBench {scenario}", "--where", f"scenario={scenario}"]) == 0
    capsys.readouterr()
    rows = told(capsys, "gap", "--by-task", "--store", "s")
    assert {row["task"]: row["n"] for row in rows} == {
        "LiveCodeBench codegeneration 2025-04": 1055, "LiveCodeBench repair": 713,
    }  # fmt: skip
    for row in rows:
        assert row["ci_simultaneous"][0] < row["ci_low"] < row["gap"] < row["ci_high"] < row["ci_simultaneous"][1]
