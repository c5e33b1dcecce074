"""How many tokens a prompt will be counted as: what to expect of it, and a bound that holds.

Providers count an image by its size in pixels, each in a way of its own that changes with its models. Seen in November
2026:

- Anthropic: patches of 28 x 28 pixels, at most 4,784 of them from Opus 4.7 on and 1,568 before (checked by count_tokens
  in jackin.tailrocks.com/research/token-optimization/42-multimodal-token-economics); earlier (width x height) / 750
  (docs.anthropic.com/en/docs/vision).
- Google: 1,120, whatever the size (docs.cloud.google.com, Image understanding; measured 1,065 to 1,101 in
  huggingface.co/datasets/JOHNISKING/image-token-cost). Before Gemini 3 by tiles of 258 tokens: unverified.
- OpenAI: patches of 32 x 32 pixels, at most 1,536, times 1 to 2.46 by model (community.openai.com/t/1230130), 1.2 for
  GPT-5.2 (t/1372291); later at most 10,000 (github.com/openai/codex/pull/19865), or 14,364 tokens measured for 12
  megapixels (the data set above). The tile models: scaled to 2,048 pixels and the shorter side to 768, then a base and a
  number for each tile of 512 pixels: 85 and 170 for GPT-4o, 2,833 and 5,667 for GPT-4o mini, which is the most that any
  model counts (docs.camel-ai.org, token counting; t/1262691: 8,512 with five words for the smallest image).
- Together: 1,601 for each of at most four tiles (docs.together.ai, Vision). All others, servers of one's own among them:
  unverified, and taken to count as OpenAI does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from harness import catalogue
from harness.types import Image, Request

EXPECTED_BYTES_PER_TOKEN = 4.0
"""A rule of thumb for English with today's tokenizers; code and other scripts take more tokens a byte."""
FRAME = 50
"""Tokens that a chat template may add."""


def expected_tokens(request: Request, provider: str) -> float:
    """What a request's prompt will probably be counted as."""
    return _bytes(request) / EXPECTED_BYTES_PER_TOKEN + sum(_expected(image, provider) for image in request.images)


def most_tokens(request: Request, provider: str) -> float:
    """A bound on it: a byte-level tokenizer never makes more tokens than bytes, whatever the script."""
    return _bytes(request) + FRAME + sum(_most(image, provider) for image in request.images)


def _bytes(request: Request) -> int:
    return sum(len(message.content.encode()) for message in request.messages)


def _expected(image: Image, provider: str) -> int:
    return _COUNTED[catalogue.provider_named(provider).image_tokens][0](image)


def _most(image: Image, provider: str) -> float:
    return _COUNTED[catalogue.provider_named(provider).image_tokens][1](image)


def _most_flat(image: Image) -> float:
    short, long = sorted((image.width, image.height))
    return max(2240, 258 * 2 * math.ceil(1.5 * long / short))


def _most_by_patches(image: Image) -> float:
    return min(max(_patches(image, 28), math.ceil(image.width * image.height / 750)), 4784)


def _most_by_tiles(image: Image) -> float:
    short, long = sorted((image.width, image.height))
    scale = min(1.0, 2048 / long, 768 / short)
    tiles = math.ceil(image.width * scale / 512) * math.ceil(image.height * scale / 512)
    return max(2833 + 5667 * tiles, 1.2 * _patches(image, 28))


def _patches(image: Image, side: int) -> int:
    return math.ceil(image.width / side) * math.ceil(image.height / side)


_COUNTED: Mapping[catalogue.ImageTokens, tuple[Callable[[Image], int], Callable[[Image], float]]] = {
    "tiles": (lambda image: min(_patches(image, 32), 1536), _most_by_tiles),
    "patches": (lambda image: min(_patches(image, 28), 4784), _most_by_patches),
    "flat": (lambda image: 1120, _most_flat),
}
"""By the host's rule: what is expected of an image, and the most that it can be."""
