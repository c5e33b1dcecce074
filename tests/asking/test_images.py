"""Questions with images from the file to the report, over real sockets: sent, resumed, not applicable, counted."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.asking import Asked, Execution, evaluate
from harness.asking.rescore import rescore
from harness.cli.main import main
from harness.errors import Preflight, Refused, RunFailed, UsageError
from harness.questions.images import encoded_bytes, load_images
from harness.report.facts import gather
from harness.report.samples import _question, samples
from harness.store import frame, list_runs, read_journal
from harness.studies.switch import switch
from harness.studies.until_decided import until_decided
from harness.verdict import Store
from tests.asking.batch_run import plan
from tests.asking.test_batch import run_batch, serving
from tests.asking.test_evaluate import answers, start, wait_for_answers
from tests.models.wire import KEY
from tests.pictures import write_picture
from tests.servers import Server, fault_server

CARD = """
developer: Somebody
cards:
  fault-1:
    weights: [{level: open_weights, since: 2026-01-01, evidence: "made up for a test"}]
    repository: somebody/fault-1
    modalities: [%s]
    endpoints:
      - {provider: hosted, name: fault-1}
"""


def write_items(folder: Path, n: int = 12, *, plain: int = 0) -> Path:
    """``n`` questions of the dimension seeing with an image each, and ``plain`` ones of the dimension reading without."""
    rows: list[dict[str, Any]] = []
    for seed in range(n):
        path = write_picture(folder / "pics" / f"{seed}.{('png', 'jpeg', 'gif', 'webp')[seed % 4]}", seed)
        image = f"pics/{path.name}"
        rows.append({"id": f"i{seed}", "input": f"case {seed}?", "target": "4", "images": image, "dimension": "seeing"})
    rows += [{"id": f"p{one}", "input": f"plain {one}?", "target": "4", "dimension": "reading"} for one in range(plain)]
    (folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "mine.jsonl"


def files(folder: Path) -> set[str]:
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "pics").iterdir()}


def call(file: Path, store: Path, **more: Any) -> dict[str, Any]:
    return {"items": file, "scorer": "numeric", "weights": "open", "store": store, **more}


def state(modalities: str) -> None:
    """Own settings in which the model of the fault server has a card that says what it takes."""
    Path("configs/catalogue").mkdir(parents=True)
    Path("configs/catalogue/mine.yaml").write_text(CARD % modalities)


@pytest.fixture
def server() -> Iterator[Server]:
    with fault_server() as running:
        yield running


def test_a_server_receives_the_very_files(tmp_path: Path, server: Server) -> None:
    file = write_items(tmp_path)
    (result,) = evaluate(server.address, **call(file, tmp_path / "st"))
    assert result.receipt.counts["answered"] == 12
    assert server.stats()["images"] == dict.fromkeys(files(tmp_path), 1)


def test_what_is_stored_tells_of_images_by_their_facts_alone(tmp_path: Path, server: Server) -> None:
    file = write_items(tmp_path / "secret-place")
    (result,) = evaluate(server.address, **call(file, tmp_path / "st"))
    texts = frame([result.run], ("item_id", "messages"), file="text").set_index("item_id")["messages"]
    (turn,) = json.loads(texts["i0"])
    path = tmp_path / "secret-place/pics/0.png"
    assert turn["images"] == [{
        "media_type": "image/png", "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }]  # fmt: skip
    shown = _question(texts["i0"])
    assert shown.startswith(f"[image/png, 4 kB, sha256 {turn['images'][0]['sha256'][:12]}…]\ncase 0?")
    everything = (
        b"".join(one.read_bytes() for one in result.run.path.rglob("*") if one.is_file()) + texts.str.cat().encode()
    )
    for hidden in (b"secret-place", b"pics/", b"base64", load_images(path)[0].read()[40:60]):
        assert hidden not in everything
    other = answers(tmp_path / "a.jsonl", {f"i{i}": "4" for i in range(12)})
    evaluate(other, **call(file, tmp_path / "st", weights="closed"))
    assert samples(gather(tmp_path / "st"), own_text=True).items == 12, "shown where two are compared"


def test_a_moved_folder_resumes_and_asks_nothing_twice(tmp_path: Path) -> None:
    file, store = write_items(tmp_path / "here", 60), tmp_path / "st"
    with fault_server("--latency", "0.1") as server:
        process = start(server.address, file, store)
        wait_for_answers(process, store, 10)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        (tmp_path / "here").rename(tmp_path / "there")
        process = start(server.address, tmp_path / "there/mine.jsonl", store)
        out, err = process.communicate(timeout=120)
        stats = server.stats()
    assert process.returncode == 0, err.decode()
    assert b"resuming run" in err
    assert len(list_runs(store)) == 1
    assert sum(count - 1 for count in stats["asked"].values()) <= 8  # in flight when it was killed
    assert set(stats["images"]) == files(tmp_path / "there")
    assert out


@pytest.mark.parametrize(("change", "says"), [("change", "is not what it was"), ("remove", "can no longer be read")])
def test_an_image_that_changes_stops_the_run_and_keeps_the_answers(
    tmp_path: Path, change: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file, store = write_items(tmp_path, 40), tmp_path / "st"
    kept = {path: path.read_bytes() for path in (tmp_path / "pics").iterdir()}
    with fault_server("--latency", "0.1") as server:
        process = start(server.address, file, store)
        wait_for_answers(process, store, 4)
        for path in kept:
            path.write_bytes(b"other") if change == "change" else path.unlink()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 4, err.decode()
        assert says in err.decode()
        assert "Every answer so far is kept" in err.decode()
        (run,) = list_runs(store)
        done = len(read_journal(run.journal).answered)
        assert 4 <= done < 40
        arguments = ["eval", server.address, "--items", str(file), "--scorer", "numeric", "--store", str(store)]
        assert main([*arguments, "--weights", "closed"]) == 2
        assert "mine.jsonl, item 1: the image" in capsys.readouterr().err
        for path, data in kept.items():
            path.write_bytes(data)
        assert main([*arguments, "--weights", "closed"]) == 0
        assert list_runs(store) == [run]
        assert sum(server.stats()["answered"].values()) <= 40 + 8


def test_a_card_without_images_makes_the_task_not_applicable(
    tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    state("text")
    file, store = write_items(tmp_path, plain=5), tmp_path / "st"
    hosted = call(file, store, weights=None)
    (result,) = evaluate(server.address, **hosted)
    said = capsys.readouterr().err
    assert (
        "mine.seeing does not apply: it has images, and the card of fault-1 names no image among its modalities (text)"
        in said
    )
    assert server.stats()["requests"] == 5
    assert server.stats()["images"] == {}
    assert list(result.receipt.not_applicable) == ["mine.seeing"]
    assert (result.exit_code, result.receipt.counts["planned"]) == (0, 5)
    assert evaluate(server.address, **hosted)[0].run == result.run
    right = {**{f"i{n}": "4" for n in range(12)}, **{f"p{n}": "4" for n in range(5)}}
    evaluate(answers(tmp_path / "a.jsonl", right), **call(file, store, weights="closed"))
    gaps = Store(store).gap(closed=f"file:{tmp_path}/a.jsonl", open=server.address)
    assert [(one.dimension, one.n) for one in gaps] == [("reading", 5)]
    assert any("mine.seeing does not apply to server:fault-1" in note for note in gaps.notes)
    assert {(one.system.partition(":")[0], one.task) for one in Store(store).scores()} == {
        ("file", "mine.seeing"), ("file", "mine.reading"), ("server", "mine.reading"),
    }  # fmt: skip
    again = rescore(result.run.run_id, store, items=file)
    assert again.receipt.not_applicable == result.receipt.not_applicable
    assert (again.receipt.counts["planned"], again.receipt.counts["answered"]) == (5, 5)
    with pytest.raises(Refused, match=r"mine.seeing does not apply to server:fault-1"):
        switch(
            Asked(models=(f"file:{tmp_path}/a.jsonl", server.address), items=file, scorer="numeric", weights=("open",)),
            Execution(store=store),
        )


def test_a_rescore_keeps_what_was_not_asked_out_whatever_the_card_says_today(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    state("text")
    file, store = write_items(tmp_path, plain=5), tmp_path / "st"
    (result,) = evaluate(server.address, **call(file, store, weights=None))
    (tmp_path / "today").mkdir()
    monkeypatch.chdir(tmp_path / "today")
    state("text, image")
    again = rescore(result.run.run_id, store, items=file)
    assert list(again.receipt.not_applicable) == ["mine.seeing"]
    assert (again.receipt.counts["planned"], again.receipt.counts["answered"]) == (5, 5)


@pytest.mark.parametrize("provider", ["transformers", "vllm", "server"])
def test_where_nothing_is_left_nothing_starts(tmp_path: Path, provider: str, server: Server) -> None:
    state("text")
    file, store = write_items(tmp_path), tmp_path / "st"
    name = server.address if provider == "server" else f"{provider}:demo-open"
    says = "names no image" if provider == "server" else r"serve the model and name it server:NAME@URL"
    if provider == "vllm":
        pytest.importorskip("vllm", reason="needs an engine: make setup")
    with pytest.raises(Preflight, match=rf"mine.seeing does not apply: it has images.*{says}"):
        evaluate(name, **call(file, store, weights=None))
    if provider == "server":
        pair = (f"file:{tmp_path}/a.jsonl", name)
        answers(tmp_path / "a.jsonl", {})
        with pytest.raises(UsageError, match="does not apply"):
            until_decided(
                Asked(models=pair, items=file, scorer="numeric", weights=("closed", "open")), Execution(store=store)
            )
    assert server.stats()["requests"] == 0
    assert not store.exists()


def test_a_card_with_images_is_asked(tmp_path: Path, server: Server) -> None:
    state("text, image")
    (result,) = evaluate(server.address, **call(write_items(tmp_path), tmp_path / "st", weights=None))
    assert result.receipt.not_applicable == {}
    assert len(server.stats()["images"]) == 12


def test_images_count_among_the_bytes_that_left_each_time(tmp_path: Path) -> None:
    """By a name of this machine that is not known for one; a third of the attempts fails."""
    plain, pictured = tmp_path / "plain", tmp_path / "pictured"
    sizes = {}
    for folder in (plain, pictured):
        file = write_items(folder)
        if folder == plain:
            rows = [json.loads(line) for line in file.read_text().splitlines()]
            file.write_text("".join(json.dumps({k: v for k, v in row.items() if k != "images"}) + "\n" for row in rows))
        with fault_server("--rate", "500=0.3", "--seed", "3") as server:
            address = server.address.replace("127.0.0.1", "0.0.0.0")
            (result,) = evaluate(address, **call(file, folder / "st", concurrency=1))
        sizes[folder] = result.receipt.bytes_sent
        attempts = frame([result.run], ("item_id", "attempts")).set_index("item_id")["attempts"]
        assert attempts.sum() > 12
    images = {f"i{path.stem}": load_images(path)[0] for path in (pictured / "pics").iterdir()}
    sent = sum(encoded_bytes(images[str(item)]) * count for item, count in attempts.items())
    described = sum(140 * count for count in attempts)
    assert sizes[plain] + sent < sizes[pictured] < sizes[plain] + sent + described


def test_an_estimate_and_a_budget_know_of_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], server: Server
) -> None:
    file = write_items(tmp_path)
    shared = ["--items", str(file), "--scorer", "numeric", "--weights", "open", "--store", str(tmp_path / "st")]
    prices = ["--price-in", "1000", "--price-out", "0.001"]
    assert main(["estimate", server.address, *shared, *prices, "--json"]) == 0
    with_images = json.loads(capsys.readouterr().out)[0]["input_tokens"]
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    bare = tmp_path / "bare.jsonl"
    bare.write_text("".join(json.dumps({k: v for k, v in row.items() if k != "images"}) + "\n" for row in rows))
    assert main(["estimate", server.address, "--items", str(bare), *shared[2:], *prices, "--json"]) == 0
    # 40 x 30 pixels are 2 x 1 patches.
    assert with_images - json.loads(capsys.readouterr().out)[0]["input_tokens"] == 12 * 2
    # One image may count for 8,500 tokens, $8.50 here, where the words of a question cannot cost $1.
    assert main(["eval", server.address, *shared, *prices, "--budget", "5"]) == 3
    assert "may cost $8" in capsys.readouterr().err
    assert server.stats()["requests"] == 0
    assert main(["eval", server.address, "--items", str(bare), *shared[2:], *prices, "--budget", "5"]) == 0


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_batches_carry_images(tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTED_KEY", "k")
    file = write_items(tmp_path)
    Path("configs").mkdir()
    with fault_server("--batch-loses", "0", "--batch-polls", "1") as server:
        url = server.url + ("/v1" if protocol == "openai" else "")
        Path("configs/providers.yaml").write_text(f"hosted: {{protocol: {protocol}, url: {url}, key: HOSTED_KEY}}\n")
        (result,) = evaluate("hosted:fault-1", batch=True, **call(file, tmp_path / "st"))
        assert server.stats("/_batches")["rows"] == 12
        stats = server.stats()
    assert (stats["requests"], set(stats["images"])) == (0, files(tmp_path))
    assert result.receipt.counts["answered"] == 12


def test_a_picture_that_a_server_cannot_read_is_the_servers_word(tmp_path: Path) -> None:
    """The fault server looks at what it is sent: a client that encoded wrongly would be told."""
    with fault_server() as server:
        part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,###"}}
        body = {"model": "m", "messages": [{"role": "user", "content": [part, {"type": "text", "text": "?"}]}]}
        request = urllib.request.Request(f"{server.url}/v1/chat/completions", json.dumps(body).encode())
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(request)


def test_a_run_with_images_leaves_nothing_behind(tmp_path: Path, server: Server) -> None:
    """Bytes that a task gives lie in a temporary folder while the process lives, and are gone with it."""
    picture = write_picture(tmp_path / "a.png")
    (tmp_path / "seeing.py").write_text(
        "from pathlib import Path\nfrom harness import Numeric, task\n"
        "@task(dimension='seeing', version=1, source='bundled:x', item=Numeric, redistributable=True)\n"
        "def seeing(rows):\n    'Seen.'\n"
        f"    yield Numeric(question='?', answer='4', images=Path({str(picture)!r}).read_bytes())\n"
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "harness", "eval", server.address, "--task", str(tmp_path / "seeing.py"),
               "--weights", "open", "--store", str(tmp_path / "st")]  # fmt: skip
    done = subprocess.run(
        command, env={**os.environ, "TMPDIR": str(scratch)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert server.stats()["images"] == {hashlib.sha256(picture.read_bytes()).hexdigest(): 1}
    assert list(scratch.glob("opengap-*")) == []


def test_a_file_of_answers_takes_any_item(tmp_path: Path) -> None:
    file = write_items(tmp_path)
    (result,) = evaluate(
        answers(tmp_path / "a.jsonl", {f"i{n}": "4" for n in range(12)}), **call(file, tmp_path / "st")
    )
    assert result.receipt.not_applicable == {}
    assert Store(tmp_path / "st").scores()[0].score == 100.0


async def test_an_image_that_changes_stops_a_batch_before_it_is_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIRE_API_KEY", KEY)
    job, run = plan(write_items(tmp_path), tmp_path / "st")
    write_picture(tmp_path / "pics/0.png", seed=99)
    async with serving() as (server, url):
        for api in ("chat", "responses", "messages"):
            with pytest.raises(RunFailed, match="is not what it was"):
                await run_batch(job, run, url, api)
        assert server.book.submitted == 0
