"""Series of published scores: who stands where, what is mixed never, and what is said to be unknown."""

from __future__ import annotations

import dataclasses
import math

import pytest

from harness.history.standing import Entrant, named_day, stand, standings
from harness.types import PublishedScore


def _row(model: str, value: float, date: str | None, weights: str | None, **more: object) -> PublishedScore:
    return PublishedScore("Exam", model, value, "percent", "a paper", date, weights=weights, **more)  # type: ignore[arg-type]


ROWS = [
    _row("c1", 50, "2025-01-01", "closed"), _row("c2", 80, "2025-06-01", "closed"), _row("o1", 40, "2025-03-01", "open_weights"),
    _row("o2", 60, "2025-12-01", "open_with_data"),
]  # fmt: skip


def test_best_against_best_and_the_lag_by_hand() -> None:
    (found,) = standings(ROWS)
    assert (found.best_closed.model, found.best_open.model, found.gap) == ("c2", "o2", 20)
    assert found.as_of == "2025-12-01"
    assert found.lag is not None
    # Closed had 60 in June (183 days before) and 40 from its start (59 days before o1).
    assert found.lag.age == pytest.approx(183 / 30.4375)
    assert (found.lag.backward_at_least, found.lag.forward_at_least) == (1, 1)
    assert not found.at_least
    assert found.bias is None
    assert found.noise is None


def test_unknown_and_contradicting_models_stand_on_no_side() -> None:
    extra = [
        _row("u", 98, None, None),
        _row("x", 97, None, "closed"),
        _row("x", 97, None, "open_weights"),
    ]
    (found,) = standings([*ROWS, *extra])
    assert found.gap == 20
    assert found.aside == 2


def test_restricted_weights_count_as_open_unless_the_rule_is_stricter() -> None:
    rows = [*ROWS, _row("r", 99, "2025-11-01", "restricted")]
    (wide,), (strict,) = standings(rows), standings(rows, "open_weights")
    assert (wide.best_open.model, wide.gap, wide.aside) == ("r", -19, 0)
    assert (strict.gap, strict.aside) == (20, 1)


def test_units_are_never_mixed_and_a_series_needs_both_sides() -> None:
    other = [
        PublishedScore("Exam", one.model, one.value / 100, "fraction", "x", one.date, weights=one.weights)
        for one in ROWS
    ]
    alone = PublishedScore("Other", "c", 5, "percent", "x", weights="closed")
    found = {one.unit: one for one in standings([*ROWS, *other, alone])}
    assert set(found) == {"percent", "fraction"}
    assert found["fraction"].gap == pytest.approx(0.2)
    assert (found["percent"].decimals, found["fraction"].decimals) == (1, 3)


def test_a_model_that_is_scored_several_times_counts_once_with_its_median() -> None:
    (found,) = standings([*ROWS, _row("c2", 90, "2025-06-01", "closed"), _row("c2", 82, "2025-06-01", "closed")])
    assert found.best_closed.score == 82
    assert found.repeated == 1


def test_lower_is_better_turns_the_sides() -> None:
    (found,) = standings(
        [_row(one.model, 100 - one.value, one.date, one.weights, lower_is_better=True) for one in ROWS]
    )
    assert (found.best_closed.score, found.best_open.score, found.gap) == (20, 40, 20)
    (plain,) = standings(ROWS)
    assert found.lag is not None
    assert plain.lag is not None
    assert found.lag.age == plain.lag.age


def test_noise_comes_from_n_or_a_standard_error_and_is_unknown_without() -> None:
    sized = [_row(one.model, one.value, one.date, one.weights, n=400) for one in ROWS]
    (found,) = standings(sized)
    # Agresti-Coull: 320 of 400 right, two answers of each kind added.
    share = 322 / 404
    assert found.best_closed.se == pytest.approx(100 * math.sqrt(share * (1 - share) / 404))
    assert found.bias is not None
    assert found.bias.gap == 20
    assert found.noise is not None
    assert found.lag is not None
    assert found.noise.age[0] <= found.lag.age <= found.noise.age[1]
    (full,) = standings([*sized[:3], _row("o2", 100, "2025-12-01", "open_weights", n=400)])
    assert full.best_open.se
    (told,) = standings([*sized[:3], _row("o2", 60, "2025-12-01", "open_weights", se=1.5)])
    assert told.best_open.se == 1.5
    (partly,) = standings([*sized[:3], ROWS[3]])
    assert partly.noise is None
    assert partly.bias is None
    (elo,) = standings(
        [
            PublishedScore("Arena", one.model, one.value, "Elo", "x", one.date, n=400, weights=one.weights)
            for one in ROWS
        ]
    )
    assert elo.noise is None, "votes are no items"


def test_without_each_lab_only_where_developers_are_known() -> None:
    labs = ("A", "B", "C", "D")
    (found,) = standings(
        [_row(one.model, one.value, one.date, one.weights, developer=lab) for one, lab in zip(ROWS, labs, strict=True)]
    )
    assert found.labs is not None
    assert found.labs.age[0] <= 183 / 30.4375 <= found.labs.age[1]
    assert standings(ROWS)[0].labs is None


def test_a_best_without_a_date_is_said_and_no_lag_is_made_of_one_model() -> None:
    (found,) = standings([*ROWS, _row("o3", 70, "2025-11", "open_weights")])
    assert found.best_open.model == "o3"
    assert found.undated_best
    assert [len(side) for side in found.dated] == [2, 2]
    one = stand("x", "percent", [Entrant("c", 50, released="2025-01-01")], [Entrant("o", 40, released="2025-02-01")])
    assert one.lag is None


def test_the_lag_looks_back_from_no_day_after_the_source() -> None:
    """One row's date, from elsewhere, is later than the source that scored the model."""
    impossible = _row("o3", 99, "2026-05-01", "open_weights")
    (found,) = standings([dataclasses.replace(one, source_date="2025-12-24") for one in (*ROWS, impossible)])
    assert (found.as_of, found.later) == ("2025-12-01", 1)
    assert found.lag is not None
    assert found.lag.age == pytest.approx(183 / 30.4375)
    assert found.best_open.model == "o3"
    assert found.undated_best, "the months are not of the best"
    (told,) = standings([*ROWS, impossible])
    assert (told.as_of, told.later) == ("2026-05-01", 0)


def test_current_series_come_first_and_of_them_those_with_known_noise() -> None:
    def series(name: str, year: int, **more: object) -> list[PublishedScore]:
        return [
            PublishedScore(
                name,
                one.model,
                one.value,
                "percent",
                "x",
                f"{year}{one.date[4:]}",
                weights=one.weights,
                **more,  # type: ignore[arg-type]
            )
            for one in ROWS
            if one.date
        ]

    found = standings([*series("old", 2021, n=100), *series("plain", 2025), *series("sized", 2025, n=100)])
    assert [one.name for one in found] == ["sized", "plain", "old"]


def test_a_model_is_not_released_before_the_date_in_its_name() -> None:
    names = {
        "devstral (2512)": "2025-12-01", "pro-2025-10-06": "2025-10-06", "opus (20251101)": "2025-11-01", "kimi-k2-0905": "",
        "qwen-2512B": "", "x-2024-13-45": "", "preview-05-06": "",
    }  # fmt: skip
    assert {name: named_day(name) for name in names} == names
    early = _row("o-2512", 99, "2025-07-10", "open_weights")
    (found,) = standings([*ROWS, early])
    assert found.misdated == 1
    assert found.best_open == Entrant(
        "o-2512", 99, found.best_open.se, None, found.best_open.developer, found.best_open.n
    )
