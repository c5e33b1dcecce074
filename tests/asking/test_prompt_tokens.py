"""Tokens of images against what providers counted, and the bound against all of it."""

from __future__ import annotations

import random

import pytest

from harness.asking.prompt_tokens import expected_tokens, most_tokens
from harness.types import Image, Message, Request, Sampling


def request(*sizes: tuple[int, int], text: str = "") -> Request:
    images = tuple(Image("0" * 64, "image/png", 1, width, height, bytes) for width, height in sizes)
    return Request("t", "i", 0, (Message("user", text),), 100, Sampling(), "h", images=images)


MEASURED = [
    # huggingface.co/datasets/JOHNISKING/image-token-cost: size, Claude 5.5, Gemini 3, GPT-6 (auto); text included.
    ((256, 256), 177, 1090, 77),
    ((512, 512), 438, 1090, 308),
    ((768, 768), 861, 1090, 692),
    ((1024, 1024), 1446, 1090, 1229),
    ((1280, 720), 1273, 1101, 1104),
    ((1920, 1080), 2768, 1101, 2448),
    ((2560, 1440), 3069, 1101, 4320),
    ((3840, 2160), 3069, 1101, 9792),
    ((4032, 3024), 4005, 1065, 14364),
]
TEXT = 77
"""Tokens of the words beside the image, for Claude: what is left of its count after the patches."""


@pytest.mark.parametrize(("size", "claude", "gemini", "gpt"), MEASURED)
def test_the_bound_holds_for_what_was_counted(size: tuple[int, int], claude: int, gemini: int, gpt: int) -> None:
    asked = request(size, text="x" * TEXT)
    assert most_tokens(asked, "anthropic") >= claude
    assert most_tokens(asked, "google") >= gemini
    for host in ("openai", "azure", "openrouter", "server"):
        assert most_tokens(asked, host) >= gpt


@pytest.mark.parametrize(("size", "claude"), [(size, claude) for size, claude, *_ in MEASURED if max(size) <= 1920])
def test_the_expectation_is_what_was_counted(size: tuple[int, int], claude: int) -> None:
    assert expected_tokens(request(size), "anthropic") == claude - TEXT


def test_the_dearest_way_of_counting_is_the_bound() -> None:
    # GPT-4o mini: 8,512 with five words for 128 x 64 pixels (community.openai.com/t/1262691), 25,501 for 4 tiles, 48,169
    # for the largest image that it looks at.
    assert most_tokens(request((128, 64)), "openai") - 50 == 8500
    assert most_tokens(request((1024, 1024)), "openai") - 50 == 25501
    assert most_tokens(request((2048, 768)), "openai") - 50 == 48169
    # Together: four tiles of 1,601 (docs.together.ai).
    assert most_tokens(request((1000, 1000)), "together") >= 6404


def test_images_add_up_beside_the_text() -> None:
    text = "four" * 25
    assert expected_tokens(request(text=text), "openai") == 25
    assert expected_tokens(request((32, 32), (64, 32), text=text), "openai") == 25 + 1 + 2
    assert most_tokens(request((128, 64), (128, 64), text=text), "openai") == 100 + 50 + 2 * 8500


def test_an_expectation_never_passes_its_bound() -> None:
    draw = random.Random(0)
    for _ in range(2000):
        size = (draw.randint(1, 8000), draw.randint(1, 8000))
        for host in ("anthropic", "google", "openai", "fireworks"):
            assert 0 < expected_tokens(request(size), host) <= most_tokens(request(size), host)
