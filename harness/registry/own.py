"""A user's own questions from one file (JSON Lines, CSV, Parquet), without a task file.

Fields of a line: ``input`` (text) or ``messages`` (a conversation), ``target``; optional ``id``, ``cluster``, ``choices``
(all options; the target is one of them, or its letter), ``images`` (a path or several, relative to the file), ``dimension``. Names in other
letters (``Input``) and other common names (``question``) are taken for these, and an empty cell for a field that is not there.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UnknownName, UsageError
from harness.questions import Choice, ChoiceForm, ContainsForm, ExactForm, Form, Numeric, NumericForm, Text
from harness.questions.images import load_images
from harness.questions.letters import LETTERS
from harness.questions.numbers import canonical_number
from harness.questions.text import normalise
from harness.registry.items import LoadedTask, identify
from harness.registry.task import Row, Task
from harness.rows import read_rows, text_of
from harness.types import Item, Message, TaskCard

SCORERS: Mapping[str, Form[Any]] = {
    "exact": ExactForm(),
    "contains": ContainsForm(),
    "choice": ChoiceForm(),
    "numeric": NumericForm(),
}

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "input": ("question", "prompt", "problem", "query"), "target": ("answer", "expected", "gold", "ideal", "reference"),
    "id": ("item_id", "question_id", "task_id"), "choices": ("options",), "cluster": ("cluster_id",),
    "images": ("image",), "messages": ("conversation",),
}  # fmt: skip
FIELDS = ("input", "messages", "target", "id", "cluster", "choices", "images", "dimension", "published_on")
OPTIONAL = ("id", "cluster", "choices", "images", "dimension", "published_on")


def own_tasks(path: Path, scorer: str) -> list[LoadedTask]:
    """One task per dimension named in the file (default ``own``), with all items of the file.

    Raises: UnknownName (scorer, field), DataUnavailable (names the line and what is wrong with it).
    """
    if scorer not in SCORERS:
        raise UnknownName("scorer", scorer, SCORERS)
    if not path.is_file():
        raise UsageError(f"items file {str(path)!r} does not exist")
    rows = read_rows(path)
    by_dimension: dict[str, list[Item]] = {}
    for number, row in enumerate(rows, start=1):
        where = f"{path}, item {number}"
        named = _named(row, where)
        item = _item(named, scorer, where, path.parent)
        by_dimension.setdefault(str(named.get("dimension") or "own"), []).append(item)
    if not by_dimension:
        raise DataUnavailable(f"{path} holds no items")
    tasks = [_task(path, scorer, dimension, items) for dimension, items in sorted(by_dimension.items())]
    if len({task.name for task in tasks}) < len(tasks):
        raise DataUnavailable(f"{path}: two dimensions differ in punctuation alone: {', '.join(sorted(by_dimension))}")
    return tasks


def _task(path: Path, scorer: str, dimension: str, items: list[Item]) -> LoadedTask:
    stem = re.sub(r"\W+", "_", path.stem)
    suffix = re.sub(r"\W+", "_", dimension)
    name = stem if dimension == "own" else f"{stem}.{suffix}"
    form = SCORERS[scorer]
    card = TaskCard(
        name=name,
        version=1,
        dimension=dimension,
        source=f"file:{path.name}",
        form=form.name,
        headline=form.headline,
        redistributable=False,
        description=f"own questions, scorer {scorer}",
        n=len(items),
    )

    def make_items(rows: Iterable[Row]) -> Iterable[Item]:
        return items

    identified = identify(items)
    ids = [item.id for item in identified]
    if len(set(ids)) < len(ids):
        repeated = next(one for one in ids if ids.count(one) > 1)
        raise DataUnavailable(f"{path}: the id {repeated!r} occurs more than once")
    return LoadedTask(Task(card, form, make_items), identified, None)


def _named(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The fields of a line under our names. UnknownName for a field that is none, UsageError for one given twice."""
    others = {other: field for field, names in OTHER_NAMES.items() for other in names}
    found: dict[str, Any] = {}
    for key, value in row.items():
        folded = re.sub(r"[\s-]+", "_", key.strip().lower())
        field = folded if folded in FIELDS else others.get(folded)
        if field is None:
            raise UnknownName("field", key.encode("utf-8", "replace").decode(), FIELDS, hint=f"({where})")
        if value in (None, "") and (field in OPTIONAL or field in found):
            continue
        if field in found:
            raise DataUnavailable(f"{where}: {field!r} is given twice, once as {key!r}")
        found[field] = value
    if found.get("messages") in (None, "") and "input" in found:
        found.pop("messages", None)
    if found.get("input") in (None, "") and found.get("messages"):
        found.pop("input", None)
    return found


def _item(row: Mapping[str, Any], scorer: str, where: str, folder: Path) -> Item:
    try:
        json.dumps(row, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise DataUnavailable(
            f"{where}: holds half of a surrogate pair (an escape such as \\ud800 alone), which is no text and cannot be "
            "sent or kept; write the whole character or remove it"
        ) from None
    if "target" not in row:
        raise DataUnavailable(f"{where}: 'target' is missing")
    if ("input" in row) == ("messages" in row):
        raise DataUnavailable(f"{where}: needs either 'input' or 'messages'")
    shared: dict[str, Any] = {key: str(row[key]) for key in ("id", "cluster", "published_on") if key in row}
    try:
        shared["images"] = load_images(_images(row.get("images")), folder)
    except ValueError as error:
        raise DataUnavailable(f"{where}: {error}") from error
    target = _text(row, "target", where)
    if not normalise(target):
        raise DataUnavailable(f"{where}: 'target' is empty, or holds nothing but punctuation")
    if scorer in ("choice", "numeric") and "messages" in row:
        raise DataUnavailable(
            f"{where}: the scorer {scorer!r} asks in its own words and needs 'input'; use exact or contains"
        )
    if scorer == "choice":
        choices = _choices(row.get("choices"), where)
        if target not in choices and len(target.strip()) == 1 and target.strip() in LETTERS[: len(choices)]:
            target = choices[LETTERS.index(target.strip())]
        if target not in choices or len(set(choices)) < len(choices) or len(choices) < 2:
            raise DataUnavailable(f"{where}: 'choices' must hold at least two different options, the target among them")
        return Choice(
            question=_text(row, "input", where),
            right=target,
            wrong=[c for c in choices if c != target],
            given=choices,
            **shared,
        )
    if scorer == "numeric":
        if canonical_number(target) is None:
            raise DataUnavailable(f"{where}: the target {target!r} is not a number")
        return Numeric(question=_text(row, "input", where), answer=target, **shared)
    messages = tuple(_message(message, where) for message in row.get("messages") or ())
    if messages and shared["images"] and not any(message.role == "user" for message in messages):
        raise DataUnavailable(f"{where}: images go with a message of the user, and 'messages' has none")
    return Text(
        question=_text(row, "input", where) if "input" in row else "", target=target, messages=messages, **shared
    )


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    value = row[name]
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise DataUnavailable(f"{where}: {name!r} must be text or a number, not {type(value).__name__}")
    return str(value)


def _choices(value: Any, where: str) -> list[str]:
    """A list, or (in a CSV cell) a JSON list."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, list):
        raise DataUnavailable(f'{where}: \'choices\' must be a list of options (in CSV a JSON list, as ["4", "5"])')
    if len(value) > len(LETTERS):
        raise DataUnavailable(f"{where}: {len(value)} choices; {len(LETTERS)} are the most that letters can name")
    return [str(choice) for choice in value]


def _images(value: Any) -> Any:
    """A path, a list of paths, or (in a CSV cell) a JSON list of them."""
    if isinstance(value, str) and value.startswith("["):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value or None


def _message(data: Any, where: str) -> Message:
    if not isinstance(data, dict) or data.get("role") not in ("system", "user", "assistant"):
        raise DataUnavailable(f"{where}: a message is an object with 'role' (system, user, assistant) and 'content'")
    return Message(data["role"], _content(data.get("content", ""), where))


def _content(value: Any, where: str) -> str:
    text = text_of(value)
    if text is None:
        raise DataUnavailable(
            f"{where}: 'content' must be text, or a list of parts that are text (images go into the field 'images')"
        )
    return text
