"""Another distribution brings an adapter and a form: installed with pip, found by their entry points, used by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "opengap-parrot"
version = "1.0"

[project.entry-points."opengap.models"]
parrot = "opengap_parrot:ADAPTER"

[project.entry-points."opengap.forms"]
backwards = "opengap_parrot:FORM"

[tool.setuptools]
py-modules = ["opengap_parrot"]
"""
CODE = '''
"""A model that says every word backwards, and a form that asks for that."""
from dataclasses import dataclass

from harness.adapters import Adapter
from harness.questions import Form
from harness.types import Completion, Item


class Parrot:
    kinds = frozenset({"generate"})
    default_concurrency = 4

    def __init__(self, system, provider):
        self.system = system

    async def start(self):
        pass

    async def generate(self, request):
        word = request.messages[-1].content.rsplit(" ", 1)[-1]
        said = word[::-1] if len(word) < int(self.system.options.get("beak", 99)) else "squawk"
        return Completion("ok", said[: request.max_tokens], reported_model=self.system.api_name)

    async def close(self):
        pass

    def describe(self):
        return {"adapter": "parrot"}


ADAPTER = Adapter(
    model="opengap_parrot:Parrot", named="host", images=False, options={"beak": "number"}, leaves_machine=False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word(Item):
    word: str


class Backwards(Form[Word]):
    name = "backwards"
    item_type = Word
    headline = "exact_match"
    version = 1
    placeholders = ("word",)
    wording = "Say backwards: {word}"
    max_tokens = 5

    def fields(self, item):
        return {"word": item.word}

    def read(self, item, text):
        return text.strip() or None

    def score(self, item, answer):
        return {"exact_match": float(answer == item.word[::-1])}

    def gold(self, item):
        return item.word[::-1]

    def wrong(self, item):
        return "?"


FORM = Backwards()
'''
TASK = '''
from harness import task
from opengap_parrot import Word


@task(dimension="reasoning", version=1, source="bundled:none", item=Word, redistributable=True)
def words(rows):
    """Words to be said backwards."""
    for word in ("polly", "wants", "crackers"):
        yield Word(id=word, word=word)
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the distribution installed, as ``pip install`` leaves it."""
    pytest.importorskip("setuptools")
    source, target = tmp_path_factory.mktemp("parrot"), tmp_path_factory.mktemp("site")
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "opengap_parrot.py").write_text(CODE)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(target), str(source)], check=True, capture_output=True)
    return target


def opengap(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parent.parent.parent
    return subprocess.run(
        [sys.executable, "-P", "-m", "harness", *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": f"{site}:{root}"},
    )  # fmt: skip


def test_an_adapter_and_a_form_of_another_distribution_work_from_proof_to_score(site: Path, tmp_path: Path) -> None:
    folder = Path.cwd() / "tasks" / "reasoning"
    folder.mkdir(parents=True)
    (folder / "words.py").write_text(TASK)
    proved = opengap(site, "tasks", "--prove", "words")
    assert (proved.returncode, proved.stdout) == (0, "words: 3 items, 0 failures\n"), proved.stderr
    store = tmp_path / "st"
    asked = ["eval", "parrot:polly,beak=7", "--weights", "open", "--task", "words", "--store", str(store), "--json"]
    done = opengap(site, *asked)
    assert done.returncode == 0, done.stderr
    [run] = json.loads(done.stdout)
    # "crackers" is longer than this beak, and its answer longer than the form's own limit.
    assert run["scores"][0]["score"] == pytest.approx(200 / 3)
    assert run["reported_models"] == {"polly": 3}
    receipt = json.loads((Path(run["folder"]) / "receipt.json").read_text())
    assert (receipt["bytes_sent"], receipt["system"]["provider"], receipt["engine"]["adapter"]) == (
        0,
        "parrot",
        "parrot",
    )
    plan = json.loads((Path(run["folder"]) / "plan.json").read_text())
    assert plan["protocol"]["wording"] == {"backwards": "Say backwards: {word}"}
    assert plan["protocol"]["max_tokens"] == {"backwards": 5}
    assert len(plan["tasks"][0]["protocol_sha256"]) == 64


def test_a_host_may_speak_the_protocol_of_another_distribution(site: Path, tmp_path: Path) -> None:
    (Path.cwd() / "configs").mkdir()
    (Path.cwd() / "configs" / "providers.yaml").write_text(
        "aviary: {protocol: parrot, url: 'http://127.0.0.1:1/', serves: closed}\n"
    )
    (tmp_path / "mine.jsonl").write_text(json.dumps({"input": "Say: abc", "target": "cba"}) + "\n")
    done = opengap(site, "eval", "aviary:ara", "--items", str(tmp_path / "mine.jsonl"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["scores"][0]["score"] == 100


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["models", "parot:polly"], "did you mean parrot"),
        (["models", "parrot:polly,beek=7"], "did you mean beak"),
        (["models", "parrot:polly,beak=long"], "beak needs a number"),
    ],
)
def test_what_is_wrong_in_an_address_of_another_distribution_is_said(
    site: Path, arguments: list[str], says: str
) -> None:
    done = opengap(site, *arguments)
    assert done.returncode == 2
    assert says in done.stderr


def test_a_distribution_that_cannot_be_loaded_is_named(site: Path, tmp_path: Path) -> None:
    (tmp_path / "opengap_parrot.py").write_text("import nothing_of_the_kind\n")
    broken = opengap(Path(f"{tmp_path}:{site}"), "models", "parrot:polly")
    assert broken.returncode == 2
    assert "from opengap-parrot: cannot be loaded: ModuleNotFoundError" in broken.stderr
