"""A small synthetic world: three held-out suites, and endless training examples from the same world.

The demo models are trained from scratch on this world, so a checkout can run the whole harness, from plan to
report, without a network, a GPU or a licence. The suites are meant to be neither saturated nor at zero for
models of a few hundred thousand parameters; they say nothing about real models.

* reasoning: four options, over what is true of twelve people (one hop, two hops, their ages) and over sums;
* coding: functions over a list of whole numbers, in one to three steps, not always told in order;
* summarization: a bulletin of similar reports, a sentence that says which matters, sometimes a correction.

Every item and every training example has a `key`, the part of it that must be new. For facts that is the
question with its options; for sums and ages the question, whatever the options; for functions the steps with
their numbers, whatever the names and wordings; for bulletins the text. The key of a held-out item never
occurs in training. Everything is drawn from `random.Random(seed)`: the same on every platform and process.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Any, TypeAlias, TypeVar

HELD_OUT_PER_SUITE = 240
_WORLD_SEED, _HELD_OUT_SEED = 20_260, 71


@dataclass(frozen=True, slots=True)
class WorldQuestion:
    """A question with one right and three wrong options; `working` is what leads to the right one."""

    id: str
    question: str
    right: str
    wrong: tuple[str, ...]
    working: str
    key: str


@dataclass(frozen=True, slots=True)
class WorldFunction:
    """A function to complete; `test` defines `check(candidate)`, `solution` is the whole function."""

    id: str
    prompt: str
    entry_point: str
    test: str
    solution: str
    key: str


@dataclass(frozen=True, slots=True)
class WorldText:
    """A bulletin, and the one sentence that summarizes it."""

    id: str
    text: str
    reference: str
    key: str


WorldItem: TypeAlias = WorldQuestion | WorldFunction | WorldText

# ------------------------------------------------------------------------------------------ the people

PEOPLE = ("Ada", "Bo", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Ivo", "Jo", "Kit", "Lena")
CITIES = (
    "Arlen",
    "Brask",
    "Corvo",
    "Delm",
    "Estra",
    "Fenn",
    "Gault",
    "Hobar",
    "Istra",
    "Kolm",
    "Lund",
    "Mira",
)
JOBS = (
    "baker",
    "pilot",
    "tailor",
    "miner",
    "nurse",
    "painter",
    "farmer",
    "sailor",
    "judge",
    "clerk",
    "cook",
    "smith",
)
PETS = ("cat", "dog", "owl", "fox", "hen", "goat", "newt", "crab", "mole", "swan", "toad", "wolf")
FOODS = ("bread", "soup", "rice", "plums", "cheese", "figs", "corn", "beans", "pears", "cake", "nuts", "ham")


@dataclass(frozen=True, slots=True)
class _Attribute:
    """One thing that is true of each person, and how it is told, asked, and used to point at the person."""

    values: tuple[str, ...]
    fact: str
    question: str
    person: str


_ATTRIBUTES = (
    _Attribute(CITIES, "{who} lives in {value}.", "Which city does {who} live in?", "the person from {value}"),
    _Attribute(JOBS, "{who} works as a {value}.", "What is the job of {who}?", "the {value}"),
    _Attribute(PETS, "{who} owns a {value}.", "Which pet does {who} own?", "the owner of the {value}"),
    _Attribute(FOODS, "{who} eats {value}.", "Which food does {who} eat?", "the one who eats {value}"),
)


@cache
def _facts() -> tuple[dict[str, str], ...]:
    """For each attribute, person -> value; no two people share a value, so a value points at one person."""
    rng = Random(_WORLD_SEED)
    return tuple(dict(zip(PEOPLE, rng.sample(a.values, len(PEOPLE)), strict=True)) for a in _ATTRIBUTES)


@cache
def _ages() -> dict[str, int]:
    return dict(zip(PEOPLE, Random(_WORLD_SEED + 1).sample(range(18, 90), len(PEOPLE)), strict=True))


def _one_of(rng: Random, right: str, pool: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(rng.sample([value for value in pool if value != right], 3))


def _number_near(rng: Random, right: int) -> tuple[str, ...]:
    """Wrong numbers that a slip in one digit would give."""
    near = [right + step for step in (-20, -10, -2, -1, 1, 2, 10, 20) if right + step > 0]
    return tuple(str(value) for value in rng.sample(near, 3))


def _one_hop(rng: Random) -> WorldQuestion:
    index = rng.randrange(len(_ATTRIBUTES))
    attribute, who = _ATTRIBUTES[index], rng.choice(PEOPLE)
    right = _facts()[index][who]
    question, wrong = attribute.question.format(who=who), _one_of(rng, right, attribute.values)
    working = attribute.fact.format(who=who, value=right)
    return WorldQuestion("", question, right, wrong, working, "\n".join((question, *sorted(wrong))))


def _two_hops(rng: Random) -> WorldQuestion:
    known, asked = rng.sample(range(len(_ATTRIBUTES)), 2)
    who = rng.choice(PEOPLE)
    clue, right = _facts()[known][who], _facts()[asked][who]
    question = _ATTRIBUTES[asked].question.format(who=_ATTRIBUTES[known].person.format(value=clue))
    wrong = _one_of(rng, right, _ATTRIBUTES[asked].values)
    working = " ".join(
        _ATTRIBUTES[hop].fact.format(who=who, value=value) for hop, value in ((known, clue), (asked, right))
    )
    return WorldQuestion("", question, right, wrong, working, "\n".join((question, *sorted(wrong))))


def _difference_of_ages(rng: Random) -> WorldQuestion:
    elder, younger = sorted(rng.sample(PEOPLE, 2), key=lambda person: -_ages()[person])
    high, low = _ages()[elder], _ages()[younger]
    question, wrong = f"How many years older is {elder} than {younger}?", _number_near(rng, high - low)
    working = f"{elder} is {high}. {younger} is {low}. {high} - {low} = {high - low}"
    return WorldQuestion("", question, str(high - low), wrong, working, question)


def _arithmetic(rng: Random) -> WorldQuestion:
    left, right = rng.randint(10, 99), rng.randint(2, 99)
    if rng.random() < 0.5 and left > right:
        sign, result = "-", left - right
    else:
        sign, result = "+", left + right
    question = f"What is {left} {sign} {right}?"
    working = f"{left} {sign} {right} = {result}"
    return WorldQuestion("", question, str(result), _number_near(rng, result), working, question)


def draw_question(rng: Random) -> WorldQuestion:
    kinds = (_one_hop, _two_hops, _difference_of_ages, _arithmetic)
    return rng.choices(kinds, weights=(30, 35, 10, 25))[0](rng)


# ------------------------------------------------------------------------------------------- functions

_NAMES = ("work", "solve", "change", "convert", "prepare", "handle", "process", "refine")
_ARGUMENTS = ("values", "numbers", "items", "data", "scores", "prices")
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)


@dataclass(frozen=True, slots=True)
class _Step:
    """One step: two wordings, the Python of it, and the largest number it takes (0: it takes none)."""

    wordings: tuple[str, str]
    code: str
    largest: int = 0


_STEPS = (
    _Step(("add {k} to each", "raise each by {k}"), "[x + {k} for x in {v}]", 99),
    _Step(("subtract {k} from each", "lower each by {k}"), "[x - {k} for x in {v}]", 99),
    _Step(("multiply each by {k}", "scale each by {k}"), "[x * {k} for x in {v}]", 99),
    _Step(
        ("take each modulo {k}", "replace each by its remainder after division by {k}"),
        "[x % {k} for x in {v}]",
        99,
    ),
    _Step(("keep those greater than {k}", "remove those not above {k}"), "[x for x in {v} if x > {k}]", 99),
    _Step(("keep those less than {k}", "remove those not below {k}"), "[x for x in {v} if x < {k}]", 99),
    _Step(("keep the first {k}", "cut after the first {k}"), "{v}[:{k}]", 9),
    _Step(("drop the first {k}", "skip the first {k}"), "{v}[{k}:]", 9),
    _Step(("reverse the order", "turn the order around"), "{v}[::-1]"),
    _Step(("sort upwards", "put the smallest first"), "sorted({v})"),
    _Step(("sort downwards", "put the largest first"), "sorted({v}, reverse=True)"),
    _Step(("drop the signs", "make each positive"), "[abs(x) for x in {v}]"),
)
_ENDINGS = (
    ("", "{v}"),
    (" Return the sum.", "sum({v})"),
    (" Return how many are left.", "len({v})"),
    (" Return the largest, or 0 if there is none.", "max({v}, default=0)"),
)
_PROBES = (
    "[]",
    "[7]",
    "[-12, 5, 0, -3, 44]",
    "[3, 1, 2, 3, 1, 99, 50, -50, 98, 4, 21]",
    "list(range(-100, 131, 7))",
    "list(range(105, -8, -1))",
)
"""Arguments of every check: nothing, one, negatives, repeats, and every number that a step can name."""


def _in_words(number: int) -> str:
    if number < 20:
        return _ONES[number]
    return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")


def draw_function(rng: Random) -> WorldFunction:
    """A function of one to three steps, its test still empty. Some tell the first step last."""
    steps = rng.choices(_STEPS, k=rng.choices((1, 2, 3), weights=(30, 40, 30))[0])
    name, argument = rng.choice(_NAMES), rng.choice(_ARGUMENTS)
    returned, ending = rng.choices(_ENDINGS, weights=(40, 20, 20, 20))[0]
    told, lines = [], []
    for step in steps:
        number = rng.randint(2, step.largest) if step.largest else 0
        told.append(rng.choice(step.wordings).format(k=_in_words(number) if rng.random() < 0.4 else number))
        lines.append(f"    {argument} = {step.code.format(v=argument, k=number)}")
    lines.append(f"    return {ending.format(v=argument)}")

    text = f"{', then '.join(told)}."
    if len(told) > 1 and rng.random() < 1 / 3:
        text = f"{', then '.join(told[1:])}. Before that, {told[0]}."
    signature, body = f"def {name}({argument}):", "\n".join(lines)
    prompt = f'{signature}\n    """With {argument}: {text}{returned}"""'
    return WorldFunction("", prompt, name, "", f"{signature}\n{body}", body.replace(argument, "v"))


def _results(function: WorldFunction, solution: str) -> list[object]:
    namespace: dict[str, Any] = {}
    exec(solution, namespace)  # text from the tables above, never from a model
    return [namespace[function.entry_point](eval(probe)) for probe in _PROBES]


def _can_tell_a_slip(function: WorldFunction, results: list[object]) -> bool:
    """Whether the probes notice each step that is left out and each number that is off by one."""
    lines = function.solution.split("\n")
    for index in range(1, len(lines) - 1):
        slips = [lines[:index] + lines[index + 1 :]]
        if re.search(r"\d", lines[index].replace("[::-1]", "")):
            off_by_one = re.sub(r"\d+", lambda found: str(int(found[0]) + 1), lines[index])
            slips.append([*lines[:index], off_by_one, *lines[index + 1 :]])
        if any(_results(function, "\n".join(slip)) == results for slip in slips):
            return False
    return True


def _draw_tested_function(rng: Random) -> WorldFunction:
    while True:
        function = draw_function(rng)
        results = _results(function, function.solution)
        if _can_tell_a_slip(function, results):
            checks = (f"    assert candidate({p}) == {r}" for p, r in zip(_PROBES, results, strict=True))
            return replace(function, test="\n".join(("def check(candidate):", *checks)))


# ------------------------------------------------------------------------------------------- bulletins

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
BUILDINGS = (
    "market",
    "harbor",
    "school",
    "bridge",
    "station",
    "garden",
    "museum",
    "mill",
    "tower",
    "library",
)
_VERBS = (
    "opened",
    "closed",
    "painted",
    "cleaned",
    "visited",
    "rented",
    "repaired",
    "guarded",
    "bought",
    "sold",
)
_ORDINALS = ("first", "second", "third", "fourth")
_REPORTS = (
    "On {day} {who} {verb} the {building} in {city}.",
    "{who} {verb} the {building} in {city} on {day}.",
    "In {city} the {building} was {verb} by {who} on {day}.",
)
_POINTERS = (
    "The main news is about {who}.",
    "The main news comes from {city}.",
    "The main news is about the {building}.",
    "The main news is that of {day}.",
    "The {ordinal} report is the main news.",
)
_FILLERS = (
    "It rained in {city} all {day}.",
    "{who} was at home.",
    "Nobody spoke about the {building}.",
    "{who} took a train to {city}.",
    "The price of {food} did not change.",
)


def draw_text(rng: Random) -> WorldText:
    """Two to four reports that share no person, city, building or day: each of these points at one."""
    count = rng.randint(2, 4)
    columns = [rng.sample(pool, count + 1) for pool in (PEOPLE, CITIES, BUILDINGS, DAYS)]
    reports = [
        {"who": who, "city": city, "building": building, "day": day, "verb": rng.choice(_VERBS)}
        for who, city, building, day in zip(*columns, strict=True)
    ]
    spare = reports.pop()
    main = rng.randrange(count)
    sentences = [rng.choice(_REPORTS).format(**report) for report in reports]
    reference = "{who} {verb} the {building} in {city}.".format(**reports[main])
    pointer = rng.choice(_POINTERS).format(**reports[main], ordinal=_ORDINALS[main])

    if rng.random() < 0.3:
        corrected = main if rng.random() < 0.6 else rng.randrange(count)
        field = rng.choice(("who", "city"))
        wrong, true = reports[corrected][field], spare[field]
        sentences.append(f"Correction: not {wrong} but {true}.")
        if corrected == main:
            reference = "{who} {verb} the {building} in {city}.".format(**{**reports[main], field: true})
    for _ in range(rng.randint(0, 2)):
        filler = rng.choice(_FILLERS).format(**spare, food=rng.choice(FOODS))
        sentences.insert(rng.randint(0, len(sentences)), filler)
    sentences.insert(0 if rng.random() < 0.5 else len(sentences), pointer)
    text = " ".join(sentences)
    return WorldText("", text, reference, text)


# --------------------------------------------------------------------------------------- the two sides

_ItemT = TypeVar("_ItemT", WorldQuestion, WorldFunction, WorldText)


def _held_out(draw: Callable[[Random], _ItemT], suite: str, seed: int) -> tuple[_ItemT, ...]:
    rng, items = Random(seed), dict[str, _ItemT]()
    while len(items) < HELD_OUT_PER_SUITE:
        item = draw(rng)
        items.setdefault(item.key, replace(item, id=f"{suite}-{len(items) + 1:04d}"))
    return tuple(items.values())


@cache
def reasoning_items() -> tuple[WorldQuestion, ...]:
    """The held-out questions, `reasoning-0001` onwards."""
    return _held_out(draw_question, "reasoning", _HELD_OUT_SEED)


@cache
def coding_items() -> tuple[WorldFunction, ...]:
    """The held-out functions, `coding-0001` onwards."""
    return _held_out(_draw_tested_function, "coding", _HELD_OUT_SEED + 1)


@cache
def summarization_items() -> tuple[WorldText, ...]:
    """The held-out bulletins, `summarization-0001` onwards."""
    return _held_out(draw_text, "summarization", _HELD_OUT_SEED + 2)


def training_items(seed: int) -> Iterator[WorldItem]:
    """Endless items with an empty id, from all three suites, none of which has the key of a held-out item."""
    rng = Random(seed)
    suites: tuple[tuple[WorldItem, ...], ...] = (reasoning_items(), coding_items(), summarization_items())
    held_out = {item.key for suite in suites for item in suite}
    while True:
        draw = rng.choices((draw_question, draw_function, draw_text), weights=(40, 30, 30))[0]
        item = draw(rng)
        if item.key not in held_out:
            yield item


def held_out_sha256() -> str:
    """Identifies the three suites, so that weights trained on another world are noticed."""
    suites = (reasoning_items(), coding_items(), summarization_items())
    return hashlib.sha256(repr(suites).encode()).hexdigest()
