"""Forms of questions: one file a form, each saying how it is asked, read and scored.

Other distributions bring a form by the entry-point group ``opengap.forms``: an instance, under the form's own name.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from harness import extensions
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
GROUP = "opengap.forms"


@functools.cache
def brought() -> Mapping[str, Form[Any]]:
    """Forms of other distributions by name. UsageError where one cannot be loaded."""
    return {name: extensions.load(GROUP, name, Form) for name in extensions.names(GROUP)}  # type: ignore[type-abstract]


def form_of(item: type[Item]) -> Form[Any] | None:
    """The form that items of a type are asked by: one of the house, else one that was brought; None: there is none."""
    return FORMS.get(item) or next((form for form in brought().values() if form.item_type is item), None)


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
    "brought",
    "form_of",
    "grade",
]
