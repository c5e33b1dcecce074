"""The journal: numbered segments of JSON lines, one line a completion, appended and flushed at once.

What ``append`` returned from survives the death of the process (the line is in the kernel's hands); ``sync`` makes it
survive a loss of power, and the driver calls it at least once a second. A torn or corrupt line is one item asked
again, nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
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


class Journal:
    """Writer of one new segment. Segments of earlier processes are never touched."""

    def __init__(self, folder: Path) -> None:
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


@dataclass(slots=True)
class JournalState:
    """Which requests are answered, and where: what resuming and sealing need, without any text in memory."""

    answered: dict[Key, tuple[int, int]] = field(default_factory=dict)
    """Segment number and byte offset of the first answer by key."""
    unanswered: dict[Key, tuple[int, int]] = field(default_factory=dict)
    """The same for the last failure of requests that have no answer."""
    damaged: int = 0
    """Lines that could not be read."""


def segments(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.jsonl") if path.stem.isdigit())


def read_journal(folder: Path) -> JournalState:
    """Index all segments. Damaged lines are counted and skipped. StoreError if a segment cannot be read at all."""
    state = JournalState()
    for number, offset, entry in _scan(folder, state):
        key = key_of(entry)
        if entry.completion.status == "unanswered":
            state.unanswered[key] = (number, offset)
        else:
            # The first answer counts: a second one can only exist if a process died between paying and resuming.
            state.answered.setdefault(key, (number, offset))
    for key in state.answered:
        state.unanswered.pop(key, None)
    return state


def all_entries(folder: Path) -> Iterator[Entry]:
    """Everything that can be read, also what a later line replaced: what it cost was spent."""
    for _, _, entry in _scan(folder, JournalState()):
        yield entry


def read_entries(folder: Path, state: JournalState) -> Iterator[Entry]:
    """The entries that count, one at a time, in the order in which they were written. StoreError as above."""
    wanted = set(state.answered.values()) | set(state.unanswered.values())
    for number, offset, entry in _scan(folder, JournalState()):
        if (number, offset) in wanted:
            yield entry


def _scan(folder: Path, state: JournalState) -> Iterator[tuple[int, int, Entry]]:
    for path in segments(folder):
        offset = 0
        try:
            with open(path, "rb") as handle:
                for line in handle:
                    if line.endswith(b"\n"):
                        try:
                            yield int(path.stem), offset, _decoder.decode(line)
                        except (msgspec.DecodeError, UnicodeDecodeError):
                            state.damaged += 1
                    else:
                        state.damaged += 1
                    offset += len(line)
        except OSError as error:
            raise StoreError(
                f"cannot read the journal {path}: {error.strerror}; make it readable for this user, so that nothing in it "
                "is asked a second time, or give --store another folder"
            ) from error
