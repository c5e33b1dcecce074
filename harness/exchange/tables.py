"""A table with one row a model and item (``model, item_id, score``, and optionally more), or one column a model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UnknownName, UsageError
from harness.exchange import numbers
from harness.exchange.assemble import Reading, assemble
from harness.exchange.sealing import Answer
from harness.rows import ENDINGS, PLAIN, Table, flat, nested, read_table

NEEDED = ("model", "item_id", "score")
OPTIONAL = ("open_weights", "cluster_id", "cost_usd", "repeat", "date")
"""``date``: when the item became public."""
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "model": ("model_name", "model_id", "modelname", "llm", "system"),
    "item_id": (
        "id", "itemid", "question_id", "questionid", "qid", "task_id", "instance_id", "problem_id", "sample_id",
        "example_id", "doc_id", "item_name", "uid", "uuid",
    ),
    "score": (
        "correct", "is_correct", "correctness", "acc", "accuracy", "exact_match", "em", "pass@1", "pass1", "pass_at_1",
        "passed", "pass", "resolved", "is_resolved", "solved", "success", "right", "score_value", "f1",
    ),
}  # fmt: skip
"""What other tools call a column that has to be there: taken, with a note, where it is the only one of them."""
BENCHMARK = ("benchmark", "task")
"""Columns that tell one benchmark from another, as in our own exports: rows of several are never mixed."""
LOWER = re.compile(
    r"(^|[^a-z])(error|errors|err|wer|cer|loss|nll|perplexity|ppl|brier|mae|mse|rmse|failures?|latency)([^a-z]|$)"
)
"""Names of columns whose numbers are better the lower they are: what they mean has to be said."""
TOTALS = frozenset(
    [
        "total",
        "totals",
        "average",
        "avg",
        "mean",
        "sum",
        "overall",
        "all",
        "summary",
        "gesamt",
        "durchschnitt",
        "moyenne",
        "media",
    ]
)


def read_items(
    path: Path, *, benchmark: str, dimension: str, columns: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None, cluster_regex: str | None = None, weights: str | None = None,
    model: str | None = None, percent: bool = False, lower_is_better: bool | None = None,
) -> Reading:  # fmt: skip
    """One result a model, with the items of all models as its plan.

    ``columns`` maps our names to those of the file (``a.b`` for what lies inside of an object); ``where`` keeps the rows
    with these exact values; ``model`` is the name where the file has none; ``percent``: scores run from 0 to 100;
    ``lower_is_better``: the score is 1 minus what the file has (None: not said).

    Raises: UsageError and its subclasses (column or value that does not exist, openness unknown), DataUnavailable
    (repeated keys, a score that is none or lies outside [0, 1], contradicting clusters), each naming the place.
    """
    table = _table(path)
    chosen, notes = _columns(table, columns or {}, model)
    kept = _kept(table, where or {})
    if "score" not in chosen:
        table, kept, said = _melted(table, kept, chosen)
        notes += said
        chosen = {"model": "model", "item_id": "item_id", "score": "score"} | chosen
    _one_benchmark(table, kept)
    kept, said = _without_totals(table, kept, chosen)
    notes += table.notes + said
    cell: dict[str, list[Any]] = {name: _column(table, kept, old) for name, old in chosen.items()}

    def place(at: int) -> str:
        return table.place(kept[at])

    for name in ("model", "item_id"):
        cell[name] = _names(cell[name], name, place) if name in chosen else [model] * len(kept)
    if model is not None and "model" in chosen:
        if len(set(cell["model"])) > 1:
            raise UsageError(f"{path.name} names several models, so --model cannot rename them: choose one by --where")
        cell["model"] = [model] * len(kept)
    scores, said = _scores(cell["score"], place, chosen["score"], percent, lower_is_better)
    notes += said
    clusters = _clusters(cell, cluster_regex)
    blank: list[Any] = [None] * len(kept)
    repeats = _whole(cell.get("repeat", blank), place, "repeat")
    costs, _ = numbers.column(cell.get("cost_usd", blank), place, "cost_usd")
    dates = [None if numbers.empty(one) else str(one) for one in cell.get("date", blank)]
    _check_unique(list(zip(cell["model"], cell["item_id"], repeats, strict=True)), table, kept, chosen.values())
    answers: dict[str, list[Answer]] = {}
    for at, name in enumerate(cell["model"]):
        if (costs[at] or 0) < 0:
            raise DataUnavailable(f"{place(at)}: the cost {costs[at]:g} is negative")
        one = Answer(
            item_id=cell["item_id"][at], score=scores[at], repeat=repeats[at], cost_usd=costs[at],
            published_on=dates[at], cluster=clusters[at],
        )  # fmt: skip
        answers.setdefault(name, []).append(one)
    told: dict[str, set[str]] = {name: set() for name in answers}
    for name, word in zip(cell["model"], cell.get("open_weights", blank), strict=True):
        if not numbers.empty(word):
            told[name].add(str(word))
    reading = assemble(answers, task=benchmark, dimension=dimension, weights=weights, told=told)
    reading.notes[:0] = notes
    return reading


def _table(path: Path) -> Table:
    if not path.is_file():
        raise UsageError(f"the file {str(path)!r} does not exist")
    if not path.name.lower().endswith(ENDINGS):
        raise UsageError(f"{path.name}: expected one of {', '.join(PLAIN)}, packed (.gz) or not")
    table = read_table(path)
    if not table.rows:
        raise DataUnavailable(f"{path} holds no rows")
    return table


# Which column is which


def _folded(name: str) -> str:
    return re.sub(r"[\s_\-]+", "_", name.strip().lower())


def _columns(table: Table, columns: Mapping[str, str], model: str | None) -> tuple[dict[str, str], list[str]]:
    """The file's name of each of our columns that it has, and notes. Without a score the table has a column a model."""
    there = table.columns
    for new, old in columns.items():
        if new not in (*NEEDED, *OPTIONAL):
            raise UnknownName("column to map to", new, (*NEEDED, *OPTIONAL), hint="(--map new=old)")
        if old not in there and all(flat(row, old) is None for row in table.rows[:1000]):
            raise UnknownName("column", old, [*there, *nested(table.rows[:1000])], hint=f"(in {table.name})")
    by_fold: dict[str, list[str]] = {}
    for name in there:
        by_fold.setdefault(_folded(name), []).append(name)
    chosen, notes = dict(columns), []
    for new in (*NEEDED, *OPTIONAL):
        if new in chosen:
            continue
        own = by_fold.get(new, [])
        found = [new] if new in own else own
        if not found and not (new == "model" and model is not None):
            taken = set(chosen.values())
            found = [name for other in OTHER_NAMES.get(new, ()) for name in by_fold.get(other, []) if name not in taken]
        if len(found) > 1:
            raise UsageError(
                f"{table.name}: {new} may be the column {' or '.join(found)}: say which, as in --map {new}={found[0]}"
            )
        if found:
            chosen[new] = found[0]
            if not own:
                notes.append(f"{new} is the column {found[0]!r} (--map {new}=COLUMN takes another)")
    wide = _wide(table, chosen) if model is None else None
    absent = [name for name in NEEDED if name not in chosen and not (name == "model" and model is not None)]
    if absent and wide is None:
        inside = nested(table.rows[:1000])
        named = " The model's name may be given by --model NAME." if "model" in absent else ""
        raise UsageError(
            f"{table.name} has no column {' or '.join(absent)}; it has {', '.join([*there, *inside])}. "
            f"Name it, as in --map {absent[0]}=COLUMN.{named}{_why_not_wide(chosen)}"
        )
    return chosen, notes


def _wide(table: Table, chosen: Mapping[str, str]) -> str | None:
    """What the columns of a wide table are: ``model`` or ``item_id``; None: it is none.

    Columns beside a model's name are items only where all of them hold nothing but right and wrong: shares are more
    likely to be the means of benchmarks.
    """
    if "score" in chosen or ("model" in chosen) == ("item_id" in chosen):
        return None
    if "item_id" in chosen:
        return "model" if _models(table, chosen) else None
    read = [
        numbers.column([row.get(name) for row in table.rows], table.place, name, words=True)[0]
        for name in _models(table, chosen)
    ]
    binary = all(one in (None, 0, 1) for values in read for one in values)
    return "item_id" if len(read) > 1 and binary else None


def _why_not_wide(chosen: Mapping[str, str]) -> str:
    if "score" in chosen or ("model" in chosen) == ("item_id" in chosen):
        return ""
    what, other = ("model", "item") if "item_id" in chosen else ("item", "model")
    return f" A wide table, with one column {'an' if what == 'item' else 'a'} {what} and one row {'an' if other == 'item' else 'a'} {other}, must hold scores only{'' if what == 'model' else ', 0 or 1'}."


def _models(table: Table, chosen: Mapping[str, str]) -> list[str]:
    """Columns of a table with one column a model: those that hold nothing but scores."""
    found = []
    for name in table.columns:
        if name in chosen.values() or _folded(name) in BENCHMARK:
            continue
        values = [row.get(name) for row in table.rows]
        try:
            read, _ = numbers.column(values, table.place, name, words=True)
        except DataUnavailable:
            continue
        if any(one is not None for one in read):
            found.append(name)
    return found


def _melted(table: Table, kept: Sequence[int], chosen: Mapping[str, str]) -> tuple[Table, list[int], list[str]]:
    """The same table with one row a model and item."""
    columns, spread = _models(table, chosen), _wide(table, chosen) or "model"
    rows, lines = [], []
    for at in kept:
        own = {name: table.rows[at].get(name) for name in (*chosen.values(), *BENCHMARK) if name in table.rows[at]}
        for name in columns:
            rows.append({**own, spread: name, "score": table.rows[at].get(name)})
            lines.append(table.lines[at] if table.lines else 0)
    others = [name for name in table.columns if name not in columns and name not in chosen.values()]
    notes = [
        f"the table is wide, with one column {'a model' if spread == 'model' else 'an item'}: {', '.join(columns[:12])}"
    ]
    if others:
        notes.append(f"these columns hold no scores and are not read: {', '.join(others)}")
    return Table(table.name, rows, lines if table.lines else (), table.notes), list(range(len(rows))), notes


# Which rows


def _kept(table: Table, where: Mapping[str, str]) -> list[int]:
    kept = list(range(len(table.rows)))
    for column, value in where.items():
        texts = {at: _text(flat(table.rows[at], column)) for at in kept}
        if column not in table.columns and not any(texts.values()):
            raise UnknownName("column", column, table.columns, hint=f"(in {table.name})")
        if value.lower() in ("true", "false"):  # as a user writes what Python calls True
            texts = {at: text.lower() if text in ("True", "False") else text for at, text in texts.items()}
            texts |= {at: value for at, text in texts.items() if text == value.lower()}
        if value not in texts.values():
            raise UnknownName(f"value of {column}", value, set(texts.values()))
        kept = [at for at in kept if texts[at] == value]
    return kept


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _one_benchmark(table: Table, kept: Sequence[int]) -> None:
    for column in BENCHMARK:
        several = sorted(
            {str(table.rows[at].get(column)) for at in kept if not numbers.empty(table.rows[at].get(column))}
        )
        if len(several) > 1:
            raise UsageError(
                f"{table.name} holds several of what its column {column} names: {', '.join(several[:6])}; import one at a time, "
                f"as in --where {column}={several[0]!r}"
            )


def _without_totals(table: Table, kept: Sequence[int], chosen: Mapping[str, str]) -> tuple[list[int], list[str]]:
    """Rows at the end of the table that sum the others up, or hold nothing but a remark, are no items."""
    last, notes = len(kept), []
    while last:
        row = table.rows[kept[last - 1]]
        item = _text(flat(row, chosen["item_id"])).strip().lower().rstrip(":")
        of = _text(flat(row, chosen["model"])).strip().lower().rstrip(":") if "model" in chosen else ""
        if item not in TOTALS and not ((of in TOTALS or ("model" in chosen and not of)) and not item):
            break
        notes.append(
            f"{table.place(kept[last - 1])} is a row of totals ({item or of or 'unnamed'}) and no item: not read"
        )
        last -= 1
    return list(kept[:last]), notes


def _check_unique(keys: Sequence[tuple[Any, ...]], table: Table, kept: Sequence[int], used: Iterable[str]) -> None:
    """``keys``: model, item and repeat of each row. DataUnavailable says which column may tell repeated rows apart."""
    counts = Counter(keys)
    if len(counts) == len(keys):
        return
    advice = (
        "if they are repeats, number them in a column repeat (--map repeat=COLUMN); if the file is wrong, correct it"
    )
    for column in (one for one in table.columns if one not in used):
        texts = [_text(table.rows[at].get(column)) for at in kept]
        values = sorted(set(texts))
        if 1 < len(values) <= 50 and len(set(zip(keys, texts, strict=True))) == len(keys):
            advice = f"the column {column} tells them apart: choose one, as in --where {column}={values[0]!r}"
            break
    model, item, _ = next(key for key, count in counts.items() if count > 1)
    raise DataUnavailable(
        f"{table.name}: {sum(count > 1 for count in counts.values())} pairs of model and item occur more than once, "
        f"as {model!r} with {item!r}; {advice}"
    )


# What the cells say


def _column(table: Table, kept: Sequence[int], name: str) -> list[Any]:
    if "." in name:
        return [flat(table.rows[at], name) for at in kept]
    return [table.rows[at].get(name) for at in kept]


def _names(values: Sequence[Any], name: str, place: Callable[[int], str]) -> list[str]:
    found: list[str] = []
    seen: dict[Any, str] = {}  # the few names of models and the many ids stand in many rows
    for at, value in enumerate(values):
        text = seen.get(value) if isinstance(value, str) else None
        if text is None:
            text = "" if value is None or value != value else str(value).strip()  # noqa: PLR0124  # NaN
            if not text:
                raise DataUnavailable(f"{place(at)}: {name} is empty")
            if isinstance(value, list | dict):
                raise DataUnavailable(f"{place(at)}: {name} is {text[:40]!r}, which is no name")
            seen[value] = text
        found.append(text)
    return found


def _scores(
    values: Sequence[Any], place: Callable[[int], str], name: str, percent: bool, lower: bool | None
) -> tuple[list[float | None], list[str]]:
    found, signed = numbers.column(
        values, place, "score" if name == "score" else f"score (column {name!r})", words=True
    )
    notes = ["scores with a percent sign are divided by 100"] if signed else []
    if percent and not signed:
        found = [None if one is None else one / 100 for one in found]
    for at, one in enumerate(found):
        if one is not None and not 0 <= one <= 1:
            shown = one * 100 if percent or signed else one
            raise DataUnavailable(
                f"{place(at)}: the score {shown:g} lies outside [0, {'100' if percent or signed else '1'}]; "
                "divide percentages by 100 first, or give --percent"
            )
    if lower is None and LOWER.search(name.lower()):
        raise UsageError(
            f"by its name the column {name!r} is better the lower it is: say so by --lower-is-better (the score becomes "
            "1 minus it), or say that it is not, by --higher-is-better"
        )
    if lower:
        notes.append(f"lower is better: the score is 1 minus the column {name!r}")
        found = [None if one is None else 1 - one for one in found]
    return found, notes


def _whole(values: Sequence[Any], place: Callable[[int], str], what: str) -> list[int]:
    found, _ = numbers.column(values, place, what)
    for at, one in enumerate(found):
        if one is not None and (one < 0 or one != int(one)):
            raise DataUnavailable(f"{place(at)}: {what} must be a whole number from 0 on, not {values[at]!r}")
    return [int(one or 0) for one in found]


def _clusters(cell: Mapping[str, Sequence[Any]], pattern: str | None) -> list[str | None]:
    given: Sequence[Any] = cell.get("cluster_id", [None] * len(cell["item_id"]))
    if pattern is None:
        return [None if numbers.empty(one) else str(one) for one in given]
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--cluster-regex {pattern!r} is not a regular expression: {error}") from error
    if compiled.groups < 1:
        raise UsageError(
            f"--cluster-regex {pattern!r} needs a group in parentheses: what it matches in item_id is the cluster"
        )
    if not all(numbers.empty(one) for one in given):
        raise UsageError("the file has a column cluster_id, so --cluster-regex would replace it: leave one of them out")
    found: list[str | None] = []
    for item in cell["item_id"]:
        match = compiled.search(item)
        if match is None or not match.group(1):
            raise UsageError(f"--cluster-regex {pattern!r} finds no cluster in the item {item!r}")
        found.append(match.group(1))
    return found
