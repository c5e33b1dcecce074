"""The synthetic world: stable, answerable, told apart from training, and pure Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from itertools import islice, pairwise
from typing import Any

import pytest

from harness.demo import world
from harness.demo.world import WorldFunction, WorldItem, WorldQuestion, WorldText

SUITES: dict[str, Callable[[], tuple[WorldItem, ...]]] = {
    "reasoning": world.reasoning_items,
    "coding": world.coding_items,
    "summarization": world.summarization_items,
}


def passes(function: WorldFunction, solution: str) -> bool:
    namespace: dict[str, Any] = {}
    exec(solution + "\n" + function.test, namespace)
    try:
        namespace["check"](namespace[function.entry_point])
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_holds_240_items_with_ids_in_order_and_no_two_alike(suite: str) -> None:
    items = SUITES[suite]()
    assert [item.id for item in items] == [f"{suite}-{number:04d}" for number in range(1, 241)]
    assert len({item.key for item in items}) == 240


def test_the_items_do_not_depend_on_the_process() -> None:
    program = "from harness.demo import world; print(world.held_out_sha256())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert seen == {world.held_out_sha256() + "\n"}


def test_training_never_shows_a_held_out_key_and_draws_from_every_suite() -> None:
    held_out = {item.key for suite in SUITES.values() for item in suite()}
    shown = list(islice(world.training_items(3), 5000))
    assert not held_out & {item.key for item in shown}
    assert {type(item) for item in shown} == {WorldQuestion, WorldFunction, WorldText}


def test_training_is_the_same_stream_for_the_same_seed_only() -> None:
    first, again, other = (list(islice(world.training_items(seed), 50)) for seed in (8, 8, 9))
    assert first == again
    assert first != other


def test_every_question_has_four_different_options_and_leads_to_the_right_one() -> None:
    for item in world.reasoning_items():
        assert len({item.right, *item.wrong}) == 4
        assert item.right in item.working
        assert not any(f" {wrong}." in item.working for wrong in item.wrong)


def test_the_world_is_consistent_between_questions() -> None:
    sentences = [part for item in world.reasoning_items() for part in item.working.rstrip(".").split(". ")]
    told = {sentence for sentence in sentences if " lives in " in sentence}
    cities = dict(sentence.split(" lives in ") for sentence in told)
    assert len(told) == len(cities) == len(set(cities.values())) > 6


def test_sums_are_right() -> None:
    sums = [item for item in world.reasoning_items() if item.question[8].isdigit()]
    assert len(sums) > 30
    for item in sums:
        left, sign, right = item.question.removeprefix("What is ").removesuffix("?").split()
        assert int(item.right) == (int(left) + int(right) if sign == "+" else int(left) - int(right))


def test_every_solution_passes_its_test_and_no_other_solution_of_the_same_name_does() -> None:
    functions = world.coding_items()
    for function in functions:
        assert passes(function, function.solution), function.id
    for function, other in pairwise(functions):
        stolen = other.solution.replace(f"def {other.entry_point}(", f"def {function.entry_point}(")
        assert not passes(function, stolen), function.id


def test_a_missing_step_is_caught() -> None:
    for function in world.coding_items():
        lines = function.solution.split("\n")
        for index in range(1, len(lines) - 1):
            assert not passes(function, "\n".join(lines[:index] + lines[index + 1 :])), function.id


WORKED_BY_HAND = {
    "add {k} to each": [5, 1, 4, 7, 4],
    "subtract {k} from each": [1, -3, 0, 3, 0],
    "multiply each by {k}": [6, -2, 4, 10, 4],
    "take each modulo {k}": [1, 1, 0, 1, 0],
    "keep those greater than {k}": [3, 5],
    "keep those less than {k}": [-1],
    "keep the first {k}": [3, -1],
    "drop the first {k}": [2, 5, 2],
    "reverse the order": [2, 5, 2, -1, 3],
    "sort upwards": [-1, 2, 2, 3, 5],
    "sort downwards": [5, 3, 2, 2, -1],
    "drop the signs": [3, 1, 2, 5, 2],
}


def test_each_step_does_what_its_wording_says() -> None:
    values = [3, -1, 2, 5, 2]
    found = {step.wordings[0]: eval(step.code.format(v="v", k=2), {"v": values}) for step in world._STEPS}
    assert found == WORKED_BY_HAND


def test_what_is_told_last_as_before_that_is_done_first() -> None:
    told_last = "Before that, reverse the order."
    function = next(item for item in world.coding_items() if told_last in item.prompt)
    assert "[::-1]" in function.solution.split("\n")[1]


@pytest.mark.parametrize(("number", "words"), [(2, "two"), (19, "nineteen"), (57, "fifty-seven")])
def test_numbers_in_words(number: int, words: str) -> None:
    assert world._in_words(number) == words


def test_a_reference_says_what_the_bulletin_says_of_its_main_report() -> None:
    """The verb and the building are never corrected, and identify the report that the pointer names."""
    for item in world.summarization_items():
        who, verb, _, building, _, city = item.reference.rstrip(".").split()
        assert who in item.text
        assert city in item.text
        assert f"the {building}" in item.text
        assert verb in item.text
        if "Correction" not in item.text:
            report = next(part for part in item.text.split(". ") if building in part and verb in part)
            assert who in report
            assert city in report


def test_the_shipped_weights_were_trained_beside_this_world() -> None:
    record = json.loads((resources.files("harness.demo") / "weights" / "TRAINING.json").read_text())
    assert record["held_out_sha256"] == world.held_out_sha256(), "run `make demo-models`"
    assert {model["name"] for model in record["models"]} == {"demo-open", "demo-closed"}
    assert all(model["bytes"] <= 2_000_000 for model in record["models"])
