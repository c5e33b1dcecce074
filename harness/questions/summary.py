"""Texts to summarize, scored by ROUGE against a reference.

ROUGE is computed by Google's ``rouge-score`` with stemming. Its tokenizer keeps only ``[a-z0-9]``: the numbers are
valid for English alone, and two identical Chinese texts would score 0.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.questions.form import Form
from harness.types import Item

METRICS = ("rougeL", "rouge1", "rouge2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Item):
    """A text with a reference summary; ``length`` is what is asked for, in words of the prompt."""

    text: str
    reference: str
    length: str = "one sentence"


@functools.cache
def _scorer() -> Any:
    from rouge_score import rouge_scorer

    return rouge_scorer.RougeScorer(list(METRICS), use_stemmer=True)


class SummaryForm(Form[Summary]):
    """ROUGE-L F1 (stemmed) as the headline, ROUGE-1 and ROUGE-2 beside it.

    Source: Lin 2004, "ROUGE: a package for automatic evaluation of summaries".
    """

    name = "summary"
    item_type = Summary
    headline = "rougeL"
    placeholders = ("text", "length")
    wording = "{text}\n\nSummarize the text above in {length}. Reply with the summary alone."
    max_tokens = 512
    version = 1

    def fields(self, item: Summary) -> Mapping[str, str]:
        return {"text": item.text, "length": item.length}

    def read(self, item: Summary, text: str) -> str | None:
        return text.strip() or None

    def score(self, item: Summary, answer: str) -> Mapping[str, float]:
        scores = _scorer().score(item.reference, answer)
        return {name: float(scores[name].fmeasure) for name in METRICS}

    def gold(self, item: Summary) -> str:
        return item.reference

    def wrong(self, item: Summary) -> str:
        return "zzzz"
