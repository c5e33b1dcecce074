"""Forms of questions: one file a form, each saying how it is asked, read and scored."""

from __future__ import annotations

from typing import Any

from harness.questions.choice import Choice, ChoiceForm
from harness.questions.code import Code, CodeForm
from harness.questions.form import Form, grade
from harness.questions.numeric import Numeric, NumericForm
from harness.questions.summary import Summary, SummaryForm
from harness.questions.text import ContainsForm, ExactForm, Text
from harness.types import Item

FORMS: dict[type[Item], Form[Any]] = {
    Choice: ChoiceForm(),
    Numeric: NumericForm(),
    Code: CodeForm(),
    Summary: SummaryForm(),
    Text: ExactForm(),
}
"""The form that an item is asked and scored by, unless its task says otherwise."""

__all__ = [
    "FORMS",
    "Choice",
    "ChoiceForm",
    "Code",
    "CodeForm",
    "ContainsForm",
    "ExactForm",
    "Form",
    "Numeric",
    "NumericForm",
    "Summary",
    "SummaryForm",
    "Text",
    "grade",
]
