"""From a task to the items that will be asked: identified, checked, optionally limited to a stable subset."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.errors import DataUnavailable
from harness.questions.images import facts, load_images
from harness.registry.data import find_local, load_rows
from harness.registry.task import Task
from harness.types import Item


@dataclass(frozen=True, slots=True)
class LoadedTask:
    """A task with its items; every item has an id, and the ids are unique."""

    task: Task
    items: Sequence[Item]
    revision: str | None

    @property
    def name(self) -> str:
        return self.task.card.name


def load_items(
    task: Task, folder: Path | None = None, limit: int | None = None, pinned: str | None = None
) -> LoadedTask:
    """Load a task's items.

    ``limit`` keeps the first items in the order of a hash of their ids: the same ones for every system, and a smaller
    limit's items are among a larger one's.

    Relative paths of images start where a local file of rows lies.

    Raises: DataUnavailable (source missing, rows of another schema, no rows, repeated ids, an image that cannot be had).
    """
    rows, revision = load_rows(task.card, folder, pinned)
    local = find_local(task.card, folder) if folder else None
    try:
        items = identify(list(_with_images(task, task.make_items(rows), local.parent if local else None)))
    except (KeyError, TypeError, ValueError) as error:
        raise DataUnavailable(f"{task.card.name}: the rows do not fit the task's schema ({error!r})") from error
    if not items:
        raise DataUnavailable(f"{task.card.name}: the source has no items")
    repeated = [name for name, count in Counter(item.id for item in items).items() if count > 1]
    if repeated:
        raise DataUnavailable(f"{task.card.name}: {len(repeated)} ids occur more than once, as {repeated[0]!r}")
    return LoadedTask(task, stable_subset(task.card.name, items, limit), revision)


def _with_images(task: Task, items: Iterable[Item], folder: Path | None) -> Iterator[Item]:
    """The items, one at a time: no two rows' images are held at once."""
    for number, item in enumerate(items, start=1):
        if not isinstance(item, Item):
            raise DataUnavailable(
                f"{task.card.name} yields a {type(item).__name__} where an item is expected (Choice, Numeric, Text …), "
                f"as its item {number}"
            )
        try:
            # Not `if item.images`: what a task may give for one need not have a truth value.
            images = load_images(item.images, folder)
        except ValueError as error:
            raise DataUnavailable(f"{task.card.name}, item {number}: {error}") from error
        yield dataclasses.replace(item, images=images) if images else item


def stable_subset(name: str, items: Sequence[Item], limit: int | None) -> Sequence[Item]:
    """The first ``limit`` items in the order of a hash of task and id; all of them for None."""
    if limit is None:
        return items
    return sorted(items, key=lambda item: _digest(f"{name}\0{item.id}".encode()))[:limit]


def identify(items: Sequence[Item]) -> list[Item]:
    """Give items without an id one that depends on their content, and on their ordinal among equals."""
    seen: Counter[str] = Counter()
    named: list[Item] = []
    for item in items:
        if item.id is not None:
            named.append(item)
            continue
        digest = _digest(content(item))[:16]
        seen[digest] += 1
        named.append(dataclasses.replace(item, id=digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"))
    return named


def content(item: Item) -> bytes:
    """Canonical bytes of everything that an item holds; of images their facts. Without images there is no such field, so
    that items have the hash that they had before there were any."""
    fields = {
        field.name: getattr(item, field.name)
        for field in dataclasses.fields(item)
        if field.metadata.get("content", True)  # what only says how others showed it is no part of a question
    }
    images = fields.pop("images")
    if images:
        fields["images"] = [facts(image) for image in images]
    if fields.get("whole") is False:  # came later, likewise
        del fields["whole"]
    return msgspec.json.encode(fields, order="sorted")


def content_hash(items: Sequence[Item]) -> str:
    """SHA-256 over all items, whatever their order."""
    whole = hashlib.sha256()
    for digest in sorted(_digest(content(item)) for item in items):
        whole.update(digest.encode())
    return whole.hexdigest()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
