"""The journal: numbered segments of JSON lines, one line a completion, appended and flushed at once.

What ``append`` returned from survives the death of the process (the line is in the kernel's hands); ``sync`` makes it
survive a loss of power, and the driver calls it at least once a second. A torn or corrupt line is one item asked
again, nothing else.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from harness.errors import StoreError
from harness.types import Entry

Key = tuple[str, str, int, str]
"""Task, item, repeat, prompt hash: with the run's system the identity for resuming."""

_decoder = msgspec.json.Decoder(Entry)
_encoder = msgspec.json.Encoder()


def key_of(entry: Entry) -> Key:
    return entry.task, entry.item_id, entry.repeat, entry.prompt_hash


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands, and the few facts of it that are wanted before anybody reads it again."""

    segment: int
    offset: int
    at: str
    latency_s: float | None
    output_tokens: int | None


@dataclass(slots=True)
class JournalState:
    """Index of a journal: which requests are answered, and where, without any text in memory.

    Read once a run; a :class:`Journal` that was given it keeps it up to date.
    """

    answered: dict[Key, Place] = field(default_factory=dict)
    """The first answer by key."""
    unanswered: dict[Key, Place] = field(default_factory=dict)
    """The last failure of each request that has no answer."""
    damaged: int = 0
    """Lines that could not be read."""
    watching: Sequence[Callable[[Entry], None]] = ()
    """Called once with every entry that can be read or is written, also one that another replaces."""

    def add(self, entry: Entry, segment: int, offset: int) -> None:
        """Take one entry in. The first answer counts: a second one can only exist if a process died between paying and
        resuming.
        """
        for watch in self.watching:
            watch(entry)
        key, completion = key_of(entry), entry.completion
        place = Place(segment, offset, entry.at, completion.latency_s, completion.usage.output)
        if completion.status != "unanswered":
            self.answered.setdefault(key, place)
            self.unanswered.pop(key, None)
        elif key not in self.answered:
            self.unanswered[key] = place

    def places(self) -> Iterator[Place]:
        """Those that count."""
        yield from self.answered.values()
        yield from self.unanswered.values()


class Journal:
    """Writer of one new segment. Segments of earlier processes are never touched.

    ``state``: the index of what is there already, kept up to date from now on.
    """

    def __init__(self, folder: Path, state: JournalState | None = None) -> None:
        self.state = JournalState() if state is None else state
        self._offset = 0
        try:
            folder.mkdir(exist_ok=True)
            self.path, self._descriptor = self._create(folder)
        except OSError as error:
            raise StoreError(f"cannot write the journal {folder}: {error.strerror}") from error
        self._dirty = False

    @staticmethod
    def _create(folder: Path) -> tuple[Path, int]:
        number = 1 + max((int(path.stem) for path in segments(folder)), default=0)
        while True:
            path = folder / f"{number:04d}.jsonl"
            try:
                return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            except FileExistsError:
                number += 1

    def append(self, entry: Entry) -> None:
        """Write one line. StoreError (full disk, vanished folder) before anything more is asked."""
        try:
            line = _encoder.encode(entry) + b"\n"
        except UnicodeEncodeError:
            line = _encoder.encode(_without_surrogates(entry)) + b"\n"
        try:
            written = os.write(self._descriptor, line)
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError as error:
            raise StoreError(
                f"cannot write the journal {self.path}: {error.strerror}; all earlier answers are kept. "
                "Make room and run the same command again"
            ) from error
        self._dirty = True
        self.state.add(entry, int(self.path.stem), self._offset)
        self._offset += len(line)

    def sync(self) -> None:
        """Force what was appended to the disk. StoreError if that fails, or if the file is not there any more."""
        try:
            # Some file systems count no links at all, so the name is looked for as well.
            if os.fstat(self._descriptor).st_nlink == 0 and not self.path.exists():
                raise StoreError(
                    f"the journal {self.path} was deleted while the run went on, and its answers with it; nothing more is "
                    "asked. Bring the store back if you have a copy; the same command asks what it does not hold"
                )
            if self._dirty:
                os.fdatasync(self._descriptor)
                self._dirty = False
        except OSError as error:
            raise StoreError(
                f"cannot write the journal {self.path} to the disk: {error.strerror}; the last answers may be lost. "
                "Run the same command again once the disk is well"
            ) from error

    def close(self) -> None:
        """End the segment; one without a line is removed. StoreError as :meth:`sync`."""
        try:
            self.sync()
            if os.fstat(self._descriptor).st_size == 0:
                self.path.unlink(missing_ok=True)
        finally:
            os.close(self._descriptor)


def _without_surrogates(entry: Entry) -> Entry:
    """Half a surrogate pair is no text and has no UTF-8; it becomes a question mark."""
    kept = entry.completion
    cleaned = replace(
        kept,
        text=_clean(kept.text),
        reasoning=_clean(kept.reasoning),
        prompt=_clean(kept.prompt),
        error=_clean(kept.error or "") or None,
    )
    return replace(entry, completion=cleaned)


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def segments(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.jsonl") if path.stem.isdigit())


def read_journal(folder: Path, *watching: Callable[[Entry], None]) -> JournalState:
    """Index all segments. Damaged lines are counted and skipped. StoreError if a segment cannot be read at all."""
    state = JournalState(watching=watching)
    for path in segments(folder):
        number, offset = int(path.stem), 0
        for line in _lines(path):
            entry = _decoded(line)
            if entry is None:
                state.damaged += 1
            else:
                state.add(entry, number, offset)
            offset += len(line)
    return state


def read_entries(folder: Path, state: JournalState, digests: dict[str, str] | None = None) -> Iterator[Entry]:
    """The entries that count, one at a time, in the order in which they were written. StoreError as above.

    ``digests`` gets the SHA-256 of each segment by its name, once all is read.
    """
    wanted = {(place.segment, place.offset) for place in state.places()}
    for path in segments(folder):
        number, offset, digest = int(path.stem), 0, hashlib.sha256()
        for line in _lines(path):
            if (number, offset) in wanted and (entry := _decoded(line)) is not None:
                yield entry
            digest.update(line)
            offset += len(line)
        if digests is not None:
            digests[path.name] = digest.hexdigest()


def _decoded(line: bytes) -> Entry | None:
    """None: torn or corrupt."""
    if not line.endswith(b"\n"):
        return None
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with open(path, "rb") as handle:
            yield from handle
    except OSError as error:
        raise StoreError(
            f"cannot read the journal {path}: {error.strerror}; make it readable for this user, so that nothing in it "
            "is asked a second time, or give --store another folder"
        ) from error
