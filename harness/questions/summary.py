"""Texts to summarize, scored by ROUGE against a reference.

ROUGE is computed by Google's ``rouge-score`` with stemming. Its tokenizer keeps only ``[a-z0-9]``, so two identical
Chinese texts would score 0: where references are written in a script that it cannot split, the task does not apply.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.questions.form import Form
from harness.questions.statement import before_end, turns
from harness.types import Item

METRICS = ("rougeL", "rouge1", "rouge2")
LATIN_AT_LEAST = 0.8
"""Share of a reference's letters that must be a to z."""
_PREAMBLE = re.compile(
    r"(?:(?:sure|certainly|of course|okay|ok|absolutely|great|claro|natürlich|bien sûr|gerne|当然|好的)\b[^\n:：]{0,40}[,.!:！，]\s*)?"
    r"(?:[*#_ ]{0,8}(?:here(?:'s| is| are)|this is|below is|the following is|hier ist|voici|aquí (?:está|tienes)|ecco|aqui está|вот|以下是|这是)"
    r"[^\n:：]{0,120}[:：]|[*#_ ]{0,8}(?:(?:the |a |one[- ]sentence |short |brief |concise |final ){0,3}(?:summary|tl;?\s?dr|abstract|highlights?|in short)"
    r"|zusammenfassung|résumé|resumen|resumo|riassunto|samenvatting|streszczenie|краткое содержание|резюме|摘要|总结|要約|요약|सारांश|الملخص|ملخص)"
    r"(?: (?:of|in) [^\n:：]{0,60})?[* _]{0,8}(?:[:：]|\n))[* _]{0,8}",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[A-Za-z]")


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
    version = 2

    def fields(self, item: Summary) -> Mapping[str, str]:
        return {"text": item.text, "length": item.length}

    def not_applicable(self, items: Sequence[Summary]) -> str | None:
        unfit = sum(not splittable(item.reference) for item in items)
        if not unfit:
            return None
        return f"ROUGE cannot split the script of {unfit} of {len(items)} references: it knows the letters a to z alone"

    def read(self, item: Summary, text: str) -> str | None:
        return without_preamble(before_end(text)) if splittable(item.reference) else None

    def score(self, item: Summary, answer: str) -> Mapping[str, float]:
        scores = _scorer().score(item.reference, answer)
        return {name: float(scores[name].fmeasure) for name in METRICS}

    def gold(self, item: Summary) -> str:
        return item.reference

    def wrong(self, item: Summary) -> str:
        return "zzzz"


def splittable(reference: str) -> bool:
    """Whether ROUGE's tokenizer finds the words of a reference."""
    letters = len(_LETTERS.findall(reference))
    return not letters or len(_LATIN.findall(reference)) >= LATIN_AT_LEAST * letters


def without_preamble(text: str) -> str | None:
    """The summary alone: no "Here is a summary:", no question of the model's own after it; None if nothing is left."""
    said = turns(text)[0].strip()
    preamble = _PREAMBLE.match(said[:400])
    if preamble and said[preamble.end() :].strip():
        said = said[preamble.end() :]
    said = said.strip()
    if said[:1] == '"' == said[-1:] and said.count('"') == 2:
        said = said[1:-1]
    return said.strip("*_ \n") or None
