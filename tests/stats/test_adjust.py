"""E14 by hand, against statsmodels, and by the errors it lets through."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from harness.stats.adjust import benjamini_yekutieli, bonferroni_level, holm


def test_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    harmonic = 1 + 1 / 2 + 1 / 3
    assert benjamini_yekutieli([0.01, 0.04, 0.03]).tolist() == pytest.approx(
        [0.03 * harmonic, 0.04 * harmonic, 0.04 * harmonic]
    )
    assert bonferroni_level(10) == pytest.approx(0.995)
    assert bonferroni_level(1, level=0.9) == pytest.approx(0.9)


@pytest.mark.parametrize("seed", range(20))
def test_as_statsmodels(seed: int) -> None:
    p = np.random.default_rng(seed).uniform(size=seed + 1) ** 3
    p[seed // 2] = p[0]
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert benjamini_yekutieli(p) == pytest.approx(multipletests(p, method="fdr_by")[1])


def test_holm_keeps_the_family_error() -> None:
    p = np.random.default_rng(0).uniform(size=(4_000, 12))
    assert np.mean([holm(row).min() <= 0.05 for row in p]) == pytest.approx(0.05, abs=0.011)


@pytest.mark.parametrize("p", [[], [0.5, float("nan")], [1.2], [-0.1]])
def test_what_it_refuses(p: list[float]) -> None:
    for adjusted in (holm, benjamini_yekutieli):
        with pytest.raises(ValueError, match="p values"):
            adjusted(p)


def test_a_table_has_rows() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        bonferroni_level(0)
