"""Whatever a model writes ends in a reading or in none: never in a traceback, never in what the text does not hold."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.questions import (
    Choice,
    ChoiceForm,
    Code,
    CodeForm,
    ContainsForm,
    ExactForm,
    Form,
    Numeric,
    NumericForm,
    Summary,
    SummaryForm,
    Text,
)
from harness.questions.statement import folded
from harness.thoughts import split_thoughts
from harness.types import Item

CHOICE = Choice(question="?", right="rust", wrong=["frost", "dew", "7"])
CODE = Code(prompt="def add(a, b):\n", entry_point="add", test="", solution="    pass\n")
FORMS: list[tuple[Form[Any], Item]] = [
    (ChoiceForm(), CHOICE),
    (NumericForm(), Numeric(question="?", answer="12,5")),
    (CodeForm(), CODE),
    (SummaryForm(), Summary(text="?", reference="the cat sat")),
    (ExactForm(), Text(target="Paris")),
    (ContainsForm(), Text(target="Paris")),
]
PIECES = st.sampled_from(
    ["Answer: ", "The answer is ", "答案", "Antwort: ", "####", "\\boxed{", "}", "\\frac", "{", "<think>", "</think>", "```python\n",
     "```", "\n", " ", "1", "234", ",", ".", "'", "-", "−", "½", "٤", "²", "e", "k", "x", "=", "/", "A", "B", "(C)", "D.", "or", "and", "?",
     "assistantfinal", "analysis", "<|im_end|>", "Question: ", "User:", "def add(a, b):\n", "    return a", "*", "_", '"', "$", "Ⓒ", "ｆ", "ǆ",
     "İ", "ß", "Summary:", "wait ", "frost", "not ", "%", "million", "\u202f", "\u200b", "#", "|", "~~~"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=25).map("".join))


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_no_text_is_too_odd_to_read(text: str) -> None:
    answer = split_thoughts(text).answer
    for form, item in FORMS:
        read = form.read(item, answer)
        assert read is None or read


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_a_letter_that_is_read_is_an_option_and_in_the_text(text: str) -> None:
    letter = ChoiceForm().read(CHOICE, text)
    if letter is not None:
        assert letter in "ABCD"
        options = (CHOICE.right, *CHOICE.wrong)
        assert letter in folded(text).upper() or any(option in folded(text).casefold() for option in options)


@settings(max_examples=600, deadline=None)
@given(
    st.one_of(
        TEXTS, TEXTS.map("Answer: {}".format), st.lists(PIECES, max_size=8).map(lambda p: "Answer: 5" + "".join(p))
    )
)
def test_a_number_that_is_read_is_in_the_text(text: str) -> None:
    for target in ("1", "1,5"):
        number = NumericForm().read(Numeric(question="?", answer=target), text)
        if number is None:
            continue
        digits = str(abs(Decimal(number)).normalize().as_tuple().digits).strip("(),").replace(", ", "")
        digits = digits.strip("0") or "0"
        written = re.sub(r"[^0-9]", "", re.sub(r"(?<=\d)[.,_' ](?=\d)", "", folded(text)))
        assert digits in written


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "filler",
    ["answer: ", "`", "```\n", "a", "(", "<think>", "\\boxed{", "1,", " ", "\n", "Question: ", "A) ", "a=1\n", "x:\n", "wait ",
     "Summary:", "答案", "٤", "@x\n", "    x\n", "[", "</s>"],
)  # fmt: skip
def test_half_a_megabyte_of_anything_is_read_in_linear_time(filler: str) -> None:
    """A quadratic pattern would need minutes for these, and no interrupt would get through."""
    text = filler * (500_000 // len(filler))
    for form, item in FORMS:
        form.read(item, split_thoughts(text).answer)
        form.read(item, split_thoughts("Answer: " + text).answer)
