"""Where everything of a run lies.

    <store>/runs/<run_id>/  plan.json  journal/0001.jsonl …  scores.parquet  text.parquet  receipt.json

A run's id is its start (UTC, to the second) and its plan's hash. ``receipt.json`` is written last: a run is sealed
exactly if it is there.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.errors import StoreError, UnknownName, UsageError
from harness.store.hashes import plan_hash
from harness.types import UNKNOWN, Plan, Protocol


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of one run."""

    path: Path

    @property
    def run_id(self) -> str:
        return self.path.name

    @property
    def plan(self) -> Path:
        return self.path / "plan.json"

    @property
    def journal(self) -> Path:
        return self.path / "journal"

    @property
    def engine(self) -> Path:
        """What the adapter said of itself when it was last started."""
        return self.path / "engine.json"

    @property
    def scores(self) -> Path:
        return self.path / "scores.parquet"

    @property
    def text(self) -> Path:
        return self.path / "text.parquet"

    @property
    def receipt(self) -> Path:
        return self.path / "receipt.json"

    @property
    def sealed(self) -> bool:
        return self.receipt.is_file()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run against a second process on this machine. StoreError if it is held already, or not writable."""
        try:
            handle = open(self.path / ".lock", "w")  # noqa: SIM115 (the error is about opening alone)
        except OSError as error:
            raise StoreError(
                f"cannot write to the run {self.path}: {error.strerror}; make it writable for this user to go on with it, "
                "or give --store another folder"
            ) from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise StoreError(f"another process is at work on {self.path}; wait for it or stop it") from error
            yield


@contextlib.contextmanager
def only_process(store: Path, digest: str) -> Iterator[None]:
    """Hold a plan against a second process on this machine, before its run exists. StoreError if it is held already."""
    path = store / "runs" / f".{digest[:12]}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise StoreError(
            f"cannot write to the store {store}: {error.strerror}; give --store a writable folder"
        ) from error
    with open(path, "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(
                f"another process is at work on this very evaluation in {store}; wait for it or stop it"
            ) from error
        yield


def protocol_label(protocol: Protocol) -> str:
    """``name@version``, or ``unknown``."""
    return UNKNOWN if protocol.name == UNKNOWN else f"{protocol.name}@{protocol.version}"


def list_runs(store: Path) -> list[RunFolder]:
    """All run folders, oldest first, sealed or not; a folder without a plan is not a run. StoreError if there is no looking."""
    root = store / "runs"
    try:
        if not root.is_dir():
            return []
        return [RunFolder(path) for path in sorted(root.iterdir()) if (path / "plan.json").is_file()]
    except OSError as error:
        raise StoreError(
            f"cannot read the store {store}: {error.strerror}; make it readable for this user or give --store another folder"
        ) from error


def find_run(store: Path, digest: str, *, sealed: bool) -> RunFolder | None:
    """The newest sealed, or unsealed, run of a plan, by its folder's name, else by what its plan says.

    A folder bears the hash that its plan had when the run began, and what a plan's hash covers has changed since.
    """
    runs = [run for run in list_runs(store) if run.sealed == sealed]
    named = [run for run in runs if run.run_id.endswith(digest[:12])]
    return next(reversed(named), None) or next((run for run in reversed(runs) if _own_hash(run) == digest), None)


def _own_hash(run: RunFolder) -> str | None:
    """Hash of the plan that a folder holds; None where it is not readable."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        facts = run.plan.stat()
        return _hash_of(run.plan, facts.st_mtime_ns, facts.st_size)
    return None


@functools.lru_cache(maxsize=10_000)
def _hash_of(path: Path, _changed_ns: int, _size: int) -> str:
    return plan_hash(msgspec.json.decode(path.read_bytes(), type=Plan))


def named_run(store: Path, wanted: str) -> RunFolder:
    """The sealed run with this id or unique beginning of one. UnknownName, or UsageError with the candidates."""
    sealed = {run.run_id: run for run in list_runs(store) if run.sealed}
    starting = [wanted] if wanted in sealed else [run_id for run_id in sealed if run_id.startswith(wanted)]
    if len(starting) > 1:
        raise UsageError(f"{wanted!r} is ambiguous: {', '.join(starting)}")
    if not starting:
        raise UnknownName("sealed run", wanted, sealed, hint="(`opengap runs` lists them)")
    return sealed[starting[0]]


def new_run(store: Path, plan: Plan) -> RunFolder:
    """Create a run's folder with its plan. StoreError if the store cannot be written."""
    now = dt.datetime.now(dt.UTC)
    while True:
        path = store / "runs" / f"{now:%Y%m%dT%H%M%SZ}-{plan_hash(plan)[:12]}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            # A second run of one plan within the same second is told apart by the next one.
            now += dt.timedelta(seconds=1)
            continue
        except OSError as error:
            raise StoreError(
                f"cannot write to the store {store}: {error.strerror}; give --store a writable folder"
            ) from error
        run = RunFolder(path)
        run.journal.mkdir()
        keep_plan(run, plan)
        return run


def keep_plan(run: RunFolder, plan: Plan) -> None:
    """See to it that a run's folder holds its plan. StoreError if it cannot be written.

    A run is found by its folder's name; a plan that was changed by hand meanwhile would be sealed as it is.
    """
    data = msgspec.json.format(msgspec.json.encode(plan, order="sorted"), indent=1)
    with contextlib.suppress(OSError):
        if run.plan.read_bytes() == data:
            return
    write_atomically(run.plan, data)


def write_atomically(path: Path, data: bytes) -> None:
    """Write, flush to disk and rename, so that a reader sees the whole file or none. StoreError on failure."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
