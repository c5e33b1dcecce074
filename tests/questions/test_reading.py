"""What is read out of an answer, and what is not."""

from __future__ import annotations

import pytest

from harness.asking import find_protocol
from harness.questions import FORMS, Choice, ChoiceForm, Code, CodeForm, Numeric, NumericForm, Summary, Text, grade
from harness.questions.choice import right_letter, shown_options
from harness.questions.code import assemble
from harness.questions.fences import extract_code
from harness.questions.numbers import canonical_number
from harness.questions.text import ContainsForm, ExactForm
from harness.types import Completion, Item

CHOICE = Choice(id="1", question="Which {colour}?", right="red", wrong=["blue", "green", "grey"])


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("Answer: B", "B"),
        ("so it must be (A).\n\n**Answer: C**", "C"),
        ("Answer: A\nno, wait.\nAnswer: D", "D"),
        ("The answer is (B).", "B"),
        ("answer: \\boxed{C}", "C"),
        ("B", "B"),
        (" (c) ", "C"),
        ("(C)", "C"),
        ("Answer: Because of the rain", None),
        ("Answer: E", None),
        ("I like A and B", None),
        ("", None),
        ("Answer: B\nAnswer: Zebra", "B"),
        ("I cannot answer a question like that.", None),
        ("To answer a question like this we look closer.\n**B**", "B"),
        ("The answer is a bit tricky. It's\nAnswer: **C**", "C"),
        ("Answer: B\n\nWhy the answer a naive solver gives is wrong", "B"),
        ("The answer is: B", "B"),
        ("The correct answer is: **B**", "B"),
        ("**Answer**: B", "B"),
        ("so \\boxed{B}", "B"),
        ("$\\boxed{\\text{B}}$", "B"),
        ("Answer: \\(\\boxed{B}\\)", "B"),
        ('Answer: "B"', "B"),
        ("Answer: Option B", "B"),
        ("The correct option is B.", "B"),
        ("B) blue", "B"),
        ("A) red\nB) blue", None),
        ("<answer>B</answer>", "B"),
        ("Answer：B", "B"),
        ("answer: b", "B"),
        ("Answer:\n\nB", "B"),
        ("Answer: a lot of them", None),
        ("答え：AかB", None),
        ("정답: A이나 B", None),
        ("答案：A还是B", None),
        ("'Answer: C'", "C"),
    ],
)
def test_the_last_stated_letter_counts(text: str, letter: str | None) -> None:
    assert ChoiceForm().read(CHOICE, text) == letter


def test_the_order_of_options_is_a_property_of_the_question() -> None:
    swapped = Choice(question=CHOICE.question, right="blue", wrong=["grey", "red", "green"])
    assert shown_options(CHOICE) == shown_options(swapped)
    letters = {right_letter(Choice(question=f"q{i}", right="w", wrong=["x", "y", "z"])) for i in range(60)}
    assert letters == set("ABCD")


def test_braces_in_a_question_are_text() -> None:
    prompt = ChoiceForm().ask(CHOICE, find_protocol("matched"))[-1].content
    assert "Which {colour}?" in prompt
    assert "A) " in prompt


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Answer: 42", "42"),
        ("Answer: **$1,234.50**", "1234.5"),
        ("3 + 4 = 7\nAnswer: -7.0", "-7"),
        ("so \\boxed{12}", "12"),
        ("18", "18"),
        ("The answer is 5 apples.", "5"),
        ("Answer: 3 then Answer: 4", "4"),
        ("there are 12 of them", None),
        ("Answer: none", None),
        ("Answer: 1,23", None),
        ("Answer: −5", "-5"),
        ("Answer: –42", "-42"),
        ("Answer: 3/4", None),
        ("Answer: 20 + 22 = 42", "42"),
        ("Answer: 10^5", None),
        ("Answer: 1e5", "100000"),
        ("Answer: 1{,}234", "1234"),
        ("Answer: 12,5", None),
        ("Answer: 1.234,50", "1234.5"),
        ("Answer: 6:30", None),
        ("The answer 7 is tempting.", None),
        ("The answer is: 42", "42"),
        ("**Answer**: 42", "42"),
        ("Answer: \\$42", "42"),
        ("Answer: \\[42\\]", "42"),
        ("#### 42", "42"),
        ("Answer: x = 42", "42"),
        ("Answer: about 42", "42"),
        ("Answer: ≈42", "42"),
        ("\\boxed{\\text{42}}", "42"),
        ("Answer: 50%", "50"),
    ],
)
def test_the_last_stated_number_counts(text: str, number: str | None) -> None:
    assert NumericForm().read(Numeric(question="?", answer="1"), text) == number


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("1,000.00", "1000"), ("-0", "0"), ("1e3", "1000"), ("abc", None), ("nan", None), ("0.10", "0.1"), ("inf", None)],
)
def test_numbers_are_compared_as_decimals(text: str, canonical: str | None) -> None:
    assert canonical_number(text) == canonical


@pytest.mark.parametrize("filler", [" ", "\n", "*", "$", "Answer: ", "\\boxed{", "```\n", "(", "1,"])
def test_reading_takes_linear_time(filler: str) -> None:
    """A quadratic pattern would need minutes for these, and no interrupt would get through."""
    for item in (CHOICE, Numeric(question="?", answer="1"), CODE, Text(question="?", target="x")):
        FORMS[type(item)].read(item, "Answer:" + filler * 30_000)


def test_numbers_are_equal_only_if_all_digits_are() -> None:
    assert canonical_number("123456789012345678901234567890123") != canonical_number(
        "123456789012345678901234567890124"
    )


CODE = Code(
    prompt='def add(a, b):\n    """Sum."""\n',
    entry_point="add",
    test="def check(candidate):\n    assert candidate(2, 3) == 5\n",
    solution="    return a + b\n",
)


@pytest.mark.parametrize(
    "answer",
    [
        "    return a + b\n",
        "```python\ndef add(a, b):\n    return a + b\n```",
        "First a sketch:\n```python\nprint(1)\n```\nthen\n```py\ndef add(a, b):\n    return a + b\n```\nDone.",
        "```python\ndef add(a, b):\n    return a + b",
        "def add(a, b):\n    return a + b\n",
        "```python\nfrom __future__ import annotations\ndef add(a: int, b: int) -> int:\n    return a + b\n```",
        "1. First:\n\n   ```python\n   def add(a, b):\n       return a + b\n   ```\n",
        '```python\ndef add(a, b):\n    """Use ``` for code."""\n    return a + b\n```',
        "```python\ndef plus(a, b):\n    return a + b\n```\nand\n```python\ndef add(a, b):\n    return plus(a, b)\n```",
        "~~~python\ndef add(a, b):\n    return a + b\n~~~",
    ],
)
def test_code_is_found_however_it_is_wrapped(answer: str) -> None:
    score = grade(CodeForm(), CODE, Completion("ok", answer))
    assert score is not None
    assert score.values == {"pass@1": 1.0}


def test_a_body_continues_the_prompt_and_a_function_replaces_it() -> None:
    assert assemble(CODE, "    return 1\n").count("def add") == 1
    assert assemble(CODE, "def add(a, b): return 1").count("def add") == 2
    assert extract_code("no code here", "add") == "no code here"


@pytest.mark.parametrize(
    ("completion", "status", "value"),
    [
        (Completion("ok", "Answer: 1"), "scored", 1.0),
        (Completion("truncated", "Answer: 1"), "scored", 1.0),
        (Completion("truncated", "let me think"), "unparsed", 0.0),
        (Completion("ok", "no idea"), "unparsed", 0.0),
        (Completion("empty", ""), "unparsed", 0.0),
        (Completion("refused", "Answer: 1"), "unparsed", 0.0),
    ],
)
def test_what_an_answer_is_worth(completion: Completion, status: str, value: float) -> None:
    score = grade(NumericForm(), Numeric(question="?", answer="1"), completion)
    assert score is not None
    assert (score.status, score.values["accuracy"]) == (status, value)


def test_what_was_never_answered_has_no_score() -> None:
    assert grade(NumericForm(), Numeric(question="?", answer="1"), Completion("unanswered")) is None


def test_text_forms() -> None:
    item = Text(question="?", target="Lake Geneva")
    assert ExactForm().score(item, "lake geneva") == {"exact_match": 1.0}
    assert ExactForm().read(item, " 'Lake  Geneva.' ") == "lake geneva"
    assert ContainsForm().score(item, "it is lake geneva, of course") == {"contains": 1.0}
    assert ContainsForm().score(item, "it is a lake") == {"contains": 0.0}


def test_rouge_agrees_with_a_hand_count() -> None:
    # Longest common subsequence of "the cat sat" and "the cat ran away" has 2 words: P 2/4, R 2/3, F 4/7.
    score = grade(FORMS[Summary], Summary(text="?", reference="the cat sat"), Completion("ok", "the cat ran away"))
    assert score is not None
    assert score.values["rougeL"] == pytest.approx(4 / 7)


@pytest.mark.parametrize("item", [CHOICE, Numeric(question="?", answer="12"), CODE, Summary(text="a b", reference="b c"),
                                  Text(question="?", target="x")])  # fmt: skip
def test_every_form_scores_gold_full_and_wrong_nothing(item: Item) -> None:
    form = FORMS[type(item)]
    gold = grade(form, item, Completion("ok", form.gold(item)))
    wrong = grade(form, item, Completion("ok", form.wrong(item)))
    assert gold is not None
    assert wrong is not None
    assert (gold.values[form.headline], wrong.values[form.headline]) == (1.0, 0.0)
