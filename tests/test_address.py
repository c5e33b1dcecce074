"""What an address means, and what is wrong with those that mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.address import parse, resolve, resolve_all
from harness.errors import OpenGapError, UnknownName, UsageError


@pytest.mark.parametrize(
    ("text", "name", "facts"),
    [
        ("openai:gpt-5.2,effort=high", "openai:gpt-5.2,effort=high", ("gpt-5.2", "closed", "gpt-5.2")),
        ("openai:gpt-4.1,api=responses", "openai:gpt-4.1,api=responses", ("gpt-4.1", "closed", "gpt-4.1")),
        ("openai:a-snapshot-of-tomorrow", "openai:a-snapshot-of-tomorrow", ("a-snapshot-of-tomorrow", "closed", "a-snapshot-of-tomorrow")),
        ("claude-opus-4-8", "anthropic:claude-opus-4-8", ("claude-opus-4-8", "closed", "claude-opus-4-8")),
        ("openrouter:qwen/qwen3-8b", "openrouter:qwen/qwen3-8b", ("qwen3-8b", "open_weights", "qwen/qwen3-8b")),
        ("vllm:Qwen/Qwen3-8B@main,dtype=bfloat16", "vllm:qwen3-8b@main,dtype=bfloat16", ("qwen3-8b", "open_weights", "Qwen/Qwen3-8B")),
        ("transformers:demo-open", "transformers:demo-open", ("demo-open", "open_with_data", "demo/weights/demo-open")),
    ],
)  # fmt: skip
def test_what_an_address_means(text: str, name: str, facts: tuple[str, str, str]) -> None:
    system = resolve(text)
    assert system.name == name
    assert (system.card, system.weights, system.api_name) == facts
    assert resolve(name).name == name, "the canonical address means the same"


def test_a_bare_open_model_stays_on_this_machine_and_a_bare_closed_one_means_its_developer() -> None:
    for name in ("qwen3-8b", "Qwen/Qwen3-8B", "llama-3.3-70b"):
        assert resolve(name).provider in ("vllm", "transformers"), name
    assert resolve("gpt-4.1").provider == "openai"
    assert resolve("gemini-3.1-pro").provider == "google"


def test_a_server_of_ones_own() -> None:
    system = resolve("server:org/my-model@http://127.0.0.1:8000/v1/,logprobs=true", "open")
    assert (system.api_name, system.url, system.options) == (
        "org/my-model",
        "http://127.0.0.1:8000/v1",
        {"logprobs": "true"},
    )
    assert system.weights == "open_weights"


def test_openness_is_said_once_or_for_each() -> None:
    first, second = resolve_all(["server:a@http://h/v1", "server:b@http://h/v1"], ["open", "closed"])
    assert (first.weights, second.weights) == ("open_weights", "closed")
    with pytest.raises(UsageError, match="3 times for 2 models"):
        resolve_all(["server:a@http://h/v1", "server:b@http://h/v1"], ["open", "closed", "open"])


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("opnai:gpt-4.1", UnknownName, "did you mean openai"),
        ("gpt-4.2", UnknownName, "gpt-4.1"),
        ("claude", UsageError, "names that begin so: claude-opus-4-6, "),
        ("openai:", UsageError, "names no model"),
        ("openai:gpt-4.1,efort=high", UnknownName, "did you mean effort"),
        ("openai:gpt-4.1,effort=", UsageError, "empty"),
        ("openai:gpt-4.1,effort=low,effort=high", UsageError, "given twice"),
        ("openai:gpt-4.1@v1", UsageError, "no @revision"),
        ("vllm:Qwen/Qwen3-8B@", UsageError, "nothing stands after '@'"),
        ("vllm:Qwen/Qwen3-8B,tensor_parallel_size=two", UsageError, "needs a number"),
        ("vllm:gpt-4.1", UsageError, "no published weights"),
        ("server:my-model", UsageError, "server:NAME@URL"),
        ("server:my-model@127.0.0.1:8000", UsageError, "server:NAME@URL"),
        ("server:my-model@http://h:99999/v1", UsageError, "Port out of range"),
        ("server:my-model@http://h/v 1", UsageError, "must be http(s)://HOST"),
        ("server:my-model@http://h/v1", UsageError, "--weights open or --weights closed"),
        ("file:", UsageError, "needs the path"),
    ],
)
def test_what_means_nothing_is_explained(text: str, kind: type[OpenGapError], says: str) -> None:
    with pytest.raises(kind) as caught:
        resolve(text)
    assert says in str(caught.value)


@pytest.mark.parametrize("url", ["https://me:hunter2@host/v1", "https://host/v1?key=hunter2"])
def test_a_url_that_holds_a_secret_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="OPENGAP_SERVER_KEY") as caught:
        parse(f"server:model@{url}")
    assert "hunter2" not in str(caught.value)


def test_the_users_word_does_not_override_evidence() -> None:
    with pytest.raises(UsageError, match="contradicts the catalogue"):
        resolve("openai:gpt-4.1", "open")
    with pytest.raises(UnknownName, match="weights level"):
        resolve("openai:gpt-4.1", "ajar")


def test_a_folder_may_hold_an_at_sign(tmp_path: Path) -> None:
    folder = tmp_path / "model@2"
    folder.mkdir()
    parsed = parse(f"vllm:{folder}")
    assert (parsed.name, parsed.revision) == (str(folder), None)
