"""The journal survives what happens to journals."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.store import Journal, RunFolder, new_run, read_journal
from harness.store.journal import read_entries
from harness.types import Completion, Entry


def entry(item: str, status: str = "ok", text: str = "") -> Entry:
    return Entry("t", item, 0, "h", Completion(status, text), "2026-01-01T00:00:00Z")  # type: ignore[arg-type]


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(entry("a", text="ä\n\u2028 \ud83d"))
    journal.append(entry("b", "unanswered"))
    journal.close()
    state = read_journal(tmp_path)
    assert set(state.answered) == {("t", "a", 0, "h")}
    assert set(state.unanswered) == {("t", "b", 0, "h")}
    read = list(read_entries(tmp_path, state))
    assert [one.item_id for one in read] == ["a", "b"]
    assert read[0].completion.text == "ä\n\u2028 ?"  # half a surrogate pair cannot be kept


def test_an_answer_replaces_an_earlier_failure_and_the_first_answer_counts(tmp_path: Path) -> None:
    for text in ("first", "second"):
        journal = Journal(tmp_path)
        journal.append(entry("a", "unanswered"))
        journal.append(entry("a", text=text))
        journal.close()
    state = read_journal(tmp_path)
    assert not state.unanswered
    assert [one.completion.text for one in read_entries(tmp_path, state)] == ["first"]


NO_UTF8 = (
    b'{"task":"t","item_id":"c","repeat":0,"prompt_hash":"h","completion":{"status":"ok","text":"\xff\xfe"},"at":""}\n'
)


@pytest.mark.parametrize("tail", [b'{"task": "t", "item_', b"\x00\x00\x00\n", b"not json\n", b'{"task": 1}\n', NO_UTF8])
def test_a_damaged_line_costs_itself_alone(tmp_path: Path, tail: bytes) -> None:
    journal = Journal(tmp_path)
    journal.append(entry("a"))
    journal.close()
    with open(tmp_path / "0001.jsonl", "ab") as handle:
        handle.write(tail)
    later = Journal(tmp_path)
    later.append(entry("b"))
    later.close()
    state = read_journal(tmp_path)
    assert {key[1] for key in state.answered} == {"a", "b"}
    assert state.damaged == 1


def test_segments_are_never_shared(tmp_path: Path) -> None:
    one, two = Journal(tmp_path), Journal(tmp_path)
    assert one.path != two.path
    one.append(entry("a"))
    two.append(entry("b"))
    one.close()
    two.close()
    assert len(read_journal(tmp_path).answered) == 2


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    """A real full file system would need root; a file size limit fails the same write in the same way."""
    program = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom harness.store import Journal\n"
        "from harness.errors import StoreError\nfrom tests.store.test_journal import entry\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "try:\n    for i in range(100): journal.append(entry(str(i)))\n"
        "except StoreError as error: print(error)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, cwd=root
    )
    assert "all earlier answers are kept" in done.stdout
    assert len(read_journal(tmp_path).answered) >= 2


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    from harness.asking import find_protocol
    from harness.types import Plan, System

    plan = Plan(System("s", "s", "", "closed", "file", "x"), find_protocol("matched"), "", (), 1, 0, False)
    (tmp_path / "runs").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="give --store a writable folder"):
        new_run(tmp_path, plan)
    assert (tmp_path / "runs").is_file()


def test_a_journal_that_was_deleted_is_noticed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(entry("a"))
    journal.sync()
    shutil.rmtree(tmp_path / "journal")
    with pytest.raises(StoreError, match="was deleted while the run went on"):
        journal.sync()
    with pytest.raises(StoreError, match="was deleted while the run went on"):
        journal.close()


def test_a_segment_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    """A folder in its place fails for every user, root too."""
    (tmp_path / "0001.jsonl").mkdir()
    with pytest.raises(StoreError, match=r"0001.jsonl: Is a directory; make it readable"):
        read_journal(tmp_path)


def test_a_run_that_cannot_be_locked_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(StoreError, match=r"cannot write to the run .*make it writable"), RunFolder(tmp_path).locked():
        pass
