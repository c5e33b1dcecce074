"""Rows of a task's source: from local files of the same schema, or from the Hugging Face hub at a recorded revision."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import hub
from harness.errors import DataUnavailable
from harness.rows import ENDINGS, read_rows
from harness.types import TaskCard


@dataclass(frozen=True, slots=True)
class HubSource:
    """``hf:org/name[/config][@revision]``, taken apart."""

    repository: str
    config: str | None
    revision: str | None


def parse_source(source: str) -> HubSource:
    match = re.fullmatch(r"hf:([^/@]+/[^/@]+)(?:/([^@]+))?(?:@(.+))?", source)
    if match is None:
        raise DataUnavailable(f"source {source!r} is not of the form hf:org/name[/config][@revision]")
    return HubSource(*match.groups())


def load_rows(
    card: TaskCard, folder: Path | None, pinned: str | None = None
) -> tuple[Iterable[Mapping[str, Any]], str | None]:
    """Rows of a task and the revision that they have.

    A local file in ``folder`` comes first (revision: its SHA-256); else the hub, at the revision of the source, else
    at ``pinned`` (what earlier runs of the store used), else at today's, which is resolved and returned.

    Raises: DataUnavailable with what to do.
    """
    if card.source.startswith("bundled:"):
        return (), None
    if folder is not None:
        path = find_local(card, folder)
        if path is not None:
            return read_rows(path), f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    return _from_hub(card, parse_source(card.source), pinned)


def find_local(card: TaskCard, folder: Path) -> Path | None:
    """``<folder>/<task>.<ending>``, or the file of the task's split in ``<folder>/<task>/``, or the only one there."""
    for ending in ENDINGS:
        if (folder / f"{card.name}{ending}").is_file():
            return folder / f"{card.name}{ending}"
    inside = folder / card.name
    if not inside.is_dir():
        return None
    files = [path for path in sorted(inside.iterdir()) if path.name.endswith(ENDINGS)]
    of_split = [path for path in files if card.split and path.name.startswith(card.split)]
    if len(of_split) == 1 or len(files) == 1:
        return (of_split or files)[0]
    if not files:
        return None
    raise DataUnavailable(
        f"{inside} holds several data files and none is named after the split {card.split!r}: "
        + ", ".join(path.name for path in files)
    )


def _from_hub(card: TaskCard, source: HubSource, pinned: str | None) -> tuple[Iterable[Mapping[str, Any]], str | None]:
    import datasets
    import huggingface_hub

    revision = source.revision or pinned
    try:
        if revision is None:
            revision = huggingface_hub.HfApi().dataset_info(source.repository).sha
        rows = datasets.load_dataset(source.repository, source.config, split=card.split, revision=revision)
    except (*hub.failures(), datasets.exceptions.DatasetsError) as error:
        why = hub.explain(error, f"datasets/{source.repository}", revision, card.gated)
        raise DataUnavailable(
            f"{card.name}: cannot load {source.repository}: {why}, or put the same rows into "
            f"DIR/{card.name}/{card.split}.jsonl and give --data DIR (or OPENGAP_DATA)"
        ) from error
    return _undecoded(rows), revision


def _undecoded(rows: Any) -> Any:
    """Image columns as the files' own bytes: what a decoded picture is encoded to depends on the library's version.

    Lists of images stay decoded, since a cast of those writes the whole set anew.
    """
    import datasets

    for name, feature in rows.features.items():
        if isinstance(feature, datasets.Image):
            rows = rows.cast_column(name, datasets.Image(decode=False))
    return rows
