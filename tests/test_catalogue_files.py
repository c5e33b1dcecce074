"""The shipped catalogue and providers: every fact is dated and sourced, every address means what it says."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from harness import adapters, address, catalogue, settings
from harness.cli.main import main
from harness.errors import UsageError
from harness.types import ModelCard, OpenFrom, Sampling, WeightsLevel

FILES = sorted((settings.bundled("configs") / "catalogue").glob("*.yaml"))
EVERY = list(catalogue.cards().values())
CARDS = [card for card in EVERY if card.status == "released"]
ANNOUNCED = [card for card in EVERY if card.status == "announced"]
PUBLISHED = [card for card in CARDS if catalogue.weights_at(card) != "closed"]
OPEN = [card for card in CARDS if catalogue.is_open(catalogue.weights_at(card))]
CLOSED = [card for card in CARDS if catalogue.weights_at(card) == "closed"]

NAMED = {
    "closed": [
        "gpt-5", "gpt-5.2", "gpt-5.4", "gpt-5.4-pro", "gpt-5.5", "gpt-4o", "gpt-4.1", "o1", "o3", "o3-mini", "o4-mini",
        "claude-sonnet-4", "claude-sonnet-4-6", "claude-opus-4-6", "claude-opus-4-8", "gemini-3.1-pro",
        "gemini-3.1-pro-deep-think", "muse-spark", "mimo-v2-pro",
    ],
    "restricted": ["llama-3.3-70b", "llama-4-maverick", "llama-4-scout", "minimax-m2.7"],
    "open_weights": [
        "gpt-oss-20b", "gpt-oss-120b", "gemma-4-31b", "qwen3-8b", "qwen3.5-397b-a17b", "deepseek-v3.2", "deepseek-r1",
        "kimi-k2.5", "mistral-small-4", "glm-5.2", "step-3.5-flash", "fin-r1",
    ],
    "announced": ["gemini-3.5-pro", "deepseek-r2", "med-qwen2-7b"],
}  # fmt: skip


def ids(cards: list[ModelCard]) -> list[str]:
    return [card.id for card in cards]


def is_date(text: str) -> bool:
    return dt.date.fromisoformat(text).isoformat() == text


def ids_as_written(path: Path) -> list[str]:
    """Every card of a file as its lines have it: a YAML loader keeps the last of two equal keys silently."""
    return re.findall(r"^  ([^\s#]+):$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def local(text: str) -> bool:
    """Whether an address stays on this machine, whatever engine is installed."""
    return catalogue.adapter_of(address.resolve(text, engine=adapters.FIRST_ENGINE).provider).in_process


def test_ids_are_lower_case_and_unique_across_files() -> None:
    written = [name for path in FILES for name in ids_as_written(path)]
    assert sorted(written) == sorted(catalogue.cards())
    assert [name for name, count in Counter(written).items() if count > 1] == []
    assert all(name == name.lower() for name in written)


def test_the_models_of_the_claims_have_their_level() -> None:
    found = {level: [name for name in names if _level(name) == level] for level, names in NAMED.items()}
    assert found == NAMED


def _level(name: str) -> str:
    card = catalogue.cards()[name]
    return catalogue.weights_at(card, "2026-07-02") if card.weights else card.status


def test_a_level_changes_when_weights_are_published() -> None:
    minimax = catalogue.cards()["minimax-m2.7"]
    assert catalogue.weights_at(minimax, "2026-04-01") == "closed"
    assert catalogue.weights_at(minimax, "2026-05-01") == "restricted"


@pytest.mark.parametrize("card", CARDS, ids=ids(CARDS))
def test_every_fact_is_dated_and_sourced(card: ModelCard) -> None:
    assert card.source.strip()
    assert all(is_date(fact.since) and len(fact.evidence) > 20 for fact in card.weights)
    if card.released is None:
        assert "released: not seen" in card.source and not card.endpoints
        return
    assert is_date(card.released)
    assert min(fact.since for fact in card.weights) == card.released
    assert card.retires is None or (is_date(card.retires) and card.retires > card.released)
    assert card.cutoff is None or re.fullmatch(r"20\d\d-\d\d(-\d\d)?", card.cutoff)
    for endpoint in card.endpoints:
        for price in endpoint.prices:
            assert is_date(price.since) and price.since >= card.released
            assert price.source.strip()
            assert price.input is not None and price.output is not None
            assert 0 < price.input <= price.output
            assert price.cached is None or price.cached <= price.input
            assert price.cache_write is None or price.input <= price.cache_write <= 2 * price.input


@pytest.mark.parametrize("card", CARDS, ids=ids(CARDS))
def test_claims_that_need_a_source_of_their_own_name_it(card: ModelCard) -> None:
    if card.developer == "OpenGap":
        return
    assert (card.recommended != Sampling()) == ("recommended" in card.source)
    assert bool(card.rejects) == ("rejects:" in card.source)
    assert (card.retires is not None) == ("retires:" in card.source)
    assert (card.repository is not None) == (catalogue.weights_at(card) != "closed")
    assert (card.licence is not None) == (card.repository is not None)


@pytest.mark.parametrize("card", CARDS, ids=ids(CARDS))
def test_endpoints_exist_and_a_provider_serves_a_card_once(card: ModelCard) -> None:
    providers = [endpoint.provider for endpoint in card.endpoints]
    assert set(providers) <= set(catalogue.providers())
    assert len(providers) == len(set(providers)), "an address would resolve to the first of two names"
    for endpoint in card.endpoints:
        assert catalogue.card_for(endpoint.provider, endpoint.name) is card


def test_providers_say_where_they_are_and_who_says_so() -> None:
    for provider in catalogue.providers().values():
        assert provider.source.strip(), provider.name
        ways = [provider.url, provider.url_variable, provider.launch]
        assert sum(way is not None for way in ways) == 1, provider.name
        assert provider.url is None or re.match(r"https://[\w.-]+(/|$)", provider.url), provider.name
        assert (provider.key is None) == (not provider.leaves_machine), provider.name
        assert (provider.launch is not None) == (not provider.leaves_machine), provider.name


def test_providers_that_serve_only_closed_models_have_no_open_card() -> None:
    for card in PUBLISHED:
        for endpoint in card.endpoints:
            assert catalogue.providers()[endpoint.provider].serves == "any", (card.id, endpoint.provider)


@pytest.mark.parametrize(
    ("text", "card", "level", "api_name"),
    [
        ("openai:gpt-5.2,effort=high", "gpt-5.2", "closed", "gpt-5.2"),
        ("anthropic:claude-opus-4-8", "claude-opus-4-8", "closed", "claude-opus-4-8"),
        ("groq:llama-3.3-70b-versatile", "llama-3.3-70b", "restricted", "llama-3.3-70b-versatile"),
        ("google:gemini-3.1-pro", "gemini-3.1-pro", "closed", "gemini-3.1-pro-preview"),
        ("vllm:Qwen/Qwen3-8B@main,dtype=bfloat16", "qwen3-8b", "open_weights", "Qwen/Qwen3-8B"),
        ("transformers:qwen3-8b", "qwen3-8b", "open_weights", "Qwen/Qwen3-8B"),
        ("groq:openai/gpt-oss-20b", "gpt-oss-20b", "open_weights", "openai/gpt-oss-20b"),
        ("server:Qwen/Qwen3-8B@http://127.0.0.1:8000/v1", "qwen3-8b", "open_weights", "Qwen/Qwen3-8B"),
    ],
)
def test_addresses(text: str, card: str, level: str, api_name: str) -> None:
    system = address.resolve(text)
    assert (system.card, system.weights, system.api_name) == (card, level, api_name)
    assert system.provider == text.partition(":")[0]
    assert address.resolve(system.name) == system


def test_options_make_another_system_of_the_same_card() -> None:
    high = address.resolve("openai:gpt-5.2,effort=high")
    plain = address.resolve("openai:gpt-5.2")
    assert high.card == plain.card and high.name != plain.name
    assert high.options == {"effort": "high"}


def test_a_slash_is_a_repository_and_a_colon_is_a_host() -> None:
    assert local("openai/gpt-oss-20b")
    repository = address.resolve("vllm:openai/gpt-oss-20b")
    assert (repository.card, repository.weights, repository.url) == ("gpt-oss-20b", "open_weights", None)
    hosted = address.resolve("openai:gpt-5.2")
    assert (hosted.provider, hosted.weights, hosted.url) == ("openai", "closed", "https://api.openai.com/v1")


@pytest.mark.parametrize("card", OPEN, ids=ids(OPEN))
def test_a_bare_open_model_stays_here(card: ModelCard) -> None:
    assert local(card.id)
    assert card.repository and local(card.repository)


def test_the_rule_of_openness_orders_the_levels() -> None:
    assert OPEN == PUBLISHED, "whatever weights can be had count as open"
    order = ["closed", "restricted", "open_weights", "open_with_data"]
    found = {rule: [catalogue.is_open(level, rule) for level in catalogue.LEVELS] for rule in get_args(OpenFrom)}
    assert list(catalogue.LEVELS) == order == list(get_args(WeightsLevel))
    assert found == {
        "restricted": [False, True, True, True], "open_weights": [False, False, True, True], "open_with_data": [False] * 3 + [True],
    }  # fmt: skip
    assert [catalogue.counts(level, "open_weights") for level in catalogue.LEVELS] == [True, False, True, True]


@pytest.mark.parametrize("card", ANNOUNCED, ids=ids(ANNOUNCED))
def test_what_was_only_announced_holds_no_fact_and_cannot_be_asked(
    card: ModelCard, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = ModelCard(card.id, card.developer, (), family=card.family, status="announced", source=card.source)
    assert card == bare and len(card.source) > 60
    assert main(["eval", card.id, "--task", "demo_reasoning"]) == 2
    assert f"{card.id} is only spoken of so far, so nothing can be asked by that name" in capsys.readouterr().err
    assert main(["models", card.id]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["system"], told["card"]["status"], told["card"]["weights"]) == (None, "announced", [])


@pytest.mark.parametrize("card", EVERY, ids=ids(EVERY))
def test_a_name_means_one_model_and_a_prefix_means_none(card: ModelCard) -> None:
    for name in (card.id, card.id.upper(), *card.aliases, *([card.repository] if card.repository else [])):
        assert catalogue.card_named(name) is card
    names = {one.casefold() for other in EVERY for one in (other.id, *other.aliases)}
    starts = {card.id[:length] for length in range(1, len(card.id))} - names
    for start in starts:
        with pytest.raises(
            UsageError, match=f"(?s){re.escape(repr(start))} is no model's whole name.*{re.escape(card.id)}"
        ):
            address.resolve(start)


def test_every_alias_belongs_to_one_card() -> None:
    names = [name.casefold() for card in EVERY for name in (card.id, *card.aliases)]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_an_alias_that_two_cards_claim_is_refused() -> None:
    Path("configs/catalogue").mkdir(parents=True)
    card = "  {0}:\n    aliases: [{1}]\n    weights: [{{level: closed, since: 2020-01-01, evidence: a test}}]\n"
    for taken in ("the-one", "first-1", "GPT-5"):
        Path("configs/catalogue/mine.yaml").write_text(
            "developer: D\ncards:\n" + card.format("first-1", "the-one") + card.format("second-2", taken)
        )
        with pytest.raises(UsageError, match=f"{taken.lower()!r} to .* and to .*: an alias means one model"):
            catalogue.cards()
        catalogue._cards.cache_clear()


@pytest.mark.parametrize(
    ("name", "card", "asked"),
    [
        ("claude-sonnet-4", "claude-sonnet-4", "claude-sonnet-4-20250514"),
        ("claude-sonnet-4-0", "claude-sonnet-4", "claude-sonnet-4-20250514"),
        ("anthropic:claude-sonnet-4-0", "claude-sonnet-4", "claude-sonnet-4-0"),
        ("anthropic:claude-sonnet-4", "claude-sonnet-4", "claude-sonnet-4-20250514"),
        ("Claude-Opus-4.8", "claude-opus-4-8", "claude-opus-4-8"),
        ("gemini-3.1-pro-preview", "gemini-3.1-pro", "gemini-3.1-pro-preview"),
        ("vllm:gemma-4-31b-it", "gemma-4-31b", "google/gemma-4-31B-it"),
    ],
)
def test_an_alias_means_its_card_and_a_snapshot_is_asked_as_written(name: str, card: str, asked: str) -> None:
    system = address.resolve(name)
    assert (system.card, system.api_name) == (card, asked)


@pytest.mark.parametrize("command", ["eval", "estimate"])
@pytest.mark.parametrize(
    ("name", "listed"),
    [("kimi", "kimi-k2.5"), ("claude-sonnet", "claude-sonnet-4, claude-sonnet-4-6"), ("gpt-5.4-", "gpt-5.4-pro")],
)
def test_asking_takes_no_prefix_and_lists_what_begins_so(
    command: str, name: str, listed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, name, "--task", "demo_reasoning", "--store", str(tmp_path / "st")]) == 2
    told = capsys.readouterr().err
    assert told == f"opengap: {name!r} is no model's whole name, so nothing was asked; names that begin so: {listed}\n"
    assert not (tmp_path / "st").exists()


def test_looking_up_a_prefix_lists_all_that_begin_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "llama"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["llama-3.3-70b", "llama-4-maverick", "llama-4-scout"]
    assert lines[4] == ""


HOSTED = [card for card in CLOSED if card.endpoints]


@pytest.mark.parametrize("card", [card for card in CLOSED if card not in HOSTED])
def test_a_closed_model_without_a_known_host_asks_for_one(card: ModelCard) -> None:
    with pytest.raises(UsageError, match=f"no host of {card.id} is known"):
        address.resolve(card.id)


@pytest.mark.parametrize("card", HOSTED, ids=ids(HOSTED))
def test_a_bare_closed_model_means_its_developers_api(card: ModelCard) -> None:
    system = address.resolve(card.id)
    assert (system.provider, system.card) == (card.endpoints[0].provider, card.id)
    developers = {
        "OpenAI": "openai",
        "Anthropic": "anthropic",
        "Google": "google",
        "Xiaomi": "xiaomi",
        "OpenGap": "demo",
    }
    assert system.provider == developers[card.developer]


def test_a_new_snapshot_of_a_closed_provider_needs_no_flag_and_of_another_does() -> None:
    assert address.resolve("openai:gpt-9-preview").weights == "closed"
    assert address.resolve("anthropic:claude-opus-9").weights == "closed"
    with pytest.raises(UsageError, match="--weights"):
        address.resolve("xai:grok-9")
    assert address.resolve("xai:grok-9", weights="closed").weights == "closed"


USERS = (
    "OpenAI",
    "Anthropic",
    "Google",
    "OpenRouter",
    "Groq",
    "DeepSeek",
    "Mistral",
    "Together",
    "Fireworks",
    "xAI",
    "Azure",
)


@pytest.mark.parametrize("name", [name.lower() for name in USERS])
def test_every_large_host_has_an_entry_that_a_newcomer_can_use(name: str) -> None:
    provider = catalogue.providers()[name]
    assert provider.url or provider.url_variable
    assert provider.key and provider.key.endswith("_API_KEY")
    text = (settings.bundled("configs") / "providers.yaml").read_text(encoding="utf-8")
    lines = text.partition(f"\n{name}:\n")[2].split("\n\n")[0].splitlines()
    assert len(lines) >= 5, "nothing is said of it"


def test_one_key_of_a_bundled_provider_can_be_changed() -> None:
    before = catalogue.providers()["openai"]
    Path("configs").mkdir()
    Path("configs/providers.yaml").write_text(
        "openai: {batch_discount: 0.4}\nanthropic: {url: 'http://127.0.0.1:1', rejects: []}\nmine: {protocol: openai, url: 'https://x.y/v1'}\n"
    )
    found = catalogue.providers()
    assert found["openai"] == dataclasses.replace(before, batch_discount=0.4)
    assert (found["anthropic"].protocol, found["anthropic"].url, found["anthropic"].rejects) == (
        "anthropic",
        "http://127.0.0.1:1",
        (),
    )
    assert found["mine"].renames == {}
    assert set(found) == {*_bundled(), "mine"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "openai: {batch_discont: 0.4}",
            r"unknown key 'batch_discont': did you mean batch_discount\?.*providers.yaml: openai",
        ),
        ("openai: 7", r"providers.yaml: openai: expected a mapping"),
        ("mistral: {renames: {sed: random_seed}}", r"providers.yaml: mistral: Invalid enum value 'sed'"),
        ("mine: {url: 'https://x.y/v1'}", r"providers.yaml: mine: .*protocol"),
        ("mine: {protocol: openai, key: MINE}", r"providers.yaml: mine: needs 'url'"),
        ("openai: {url: ''}", r"providers.yaml: openai: url must be http"),
        ("openai: {url: '127.0.0.1:9/v1'}", r"providers.yaml: openai: url must be http"),
        ("openai: {url: 'ftp://h/v1'}", r"providers.yaml: openai: url must be http"),
        ("openai: {url: 'http:///v1'}", r"providers.yaml: openai: url must be http"),
        ("openai: {url: 'http://h:99999/v1'}", r"providers.yaml: openai: url must be http.*Port out of range"),
        ("openai: {url: 'http://h: 80/v1'}", r"providers.yaml: openai: url must be http"),
        ("openai: {url: 'ftp://me:pw@h/v1'}", r"providers.yaml: openai: url must be http.*and what is given is not"),
        (
            "openai: {batch_discount: 50}",
            r"providers.yaml: openai: batch_discount must be a number from 0 to 1, not 50",
        ),
        (
            "openai: {batch_discount: -1}",
            r"providers.yaml: openai: batch_discount must be a number from 0 to 1, not -1",
        ),
        ("openai: {cache_write_factor: .nan}", r"providers.yaml: openai: cache_write_factor must be"),
        (
            "openai: {requests_per_minute: 0}",
            r"providers.yaml: openai: requests_per_minute must be a number of at least 1",
        ),
        (
            "openai: {tokens_per_minute: -5}",
            r"providers.yaml: openai: tokens_per_minute must be a number of at least 1",
        ),
    ],
)
def test_a_mistake_in_a_providers_entry_is_located(text: str, says: str) -> None:
    Path("configs").mkdir()
    Path("configs/providers.yaml").write_text(text + "\n")
    with pytest.raises(UsageError, match=says):
        catalogue.providers()


def _bundled() -> set[str]:
    return set(settings.read_yaml(settings.bundled("configs") / "providers.yaml"))


@pytest.mark.parametrize(
    ("name", "date", "gone"),
    [
        ("openai:o4-mini", "2026-10-22", False),
        ("openai:o4-mini", "2026-10-23", True),
        ("openai:o4-mini", "2027-01-01", True),
        ("openai:gpt-4o", "2099-01-01", False),
        ("server:o4-mini@http://127.0.0.1/v1", "2099-01-01", False),
        ("file:o4-mini", "2099-01-01", False),
    ],
)
def test_a_model_that_was_to_be_gone_is_said_to_be(name: str, date: str, gone: bool) -> None:
    warning = catalogue.retired(address.resolve(name, "closed"), date)
    assert (warning is not None) == gone
    assert warning is None or "o4-mini was to be retired on 2026-10-23" in warning


def test_commands_say_so_before_anything_is_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("configs/catalogue").mkdir(parents=True)
    Path("configs/catalogue/mine.yaml").write_text(
        "developer: D\ncards:\n  old-1:\n    weights: [{level: closed, since: 2020-01-01, evidence: a test}]\n"
        "    released: 2020-01-01\n    retires: 2021-01-01\n    endpoints: [{provider: openai, name: old-1}]\n"
    )
    (tmp_path / "mine.jsonl").write_text('{"input": "?", "target": "4"}\n')
    asked = ["openai:old-1", "--items", str(tmp_path / "mine.jsonl"), "--store", str(tmp_path / "st")]
    for command, code in ((["estimate", *asked], 0), (["eval", *asked], 2), (["models", "openai:old-1"], 0)):
        assert main(command) == code
        assert capsys.readouterr().err.startswith(
            "openai:old-1: old-1 was to be retired on 2021-01-01, so it may be refused"
        )
