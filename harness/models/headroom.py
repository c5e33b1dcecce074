"""What a hosted endpoint says of its own rate limits in the headers of a reply."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_SECONDS = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_EPOCH_S = 1e9
"""A number of seconds above this is a time since 1970 and no duration."""
_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Headroom:
    """What is left until a limit is reset; None where the endpoint does not say."""

    requests: int | None = None
    requests_reset_s: float | None = None
    tokens: int | None = None
    tokens_reset_s: float | None = None


NOTHING_SAID = Headroom()


def headroom(headers: Iterable[tuple[str, str]]) -> Headroom:
    """Read OpenAI's names (``x-ratelimit-…``, also Groq's and vLLM gateways') or Anthropic's (``anthropic-ratelimit-…``).

    ``headers`` are (name, value) pairs, gone through once: this runs with every reply. Whatever a header holds, nothing is
    raised: a paid answer hangs on it.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        _, mark, what = name.lower().partition("ratelimit-")
        if mark:
            first, _, second = what.partition("-")
            found[f"{second}-{first}" if first in ("remaining", "reset") else what] = value
    if not found:
        return NOTHING_SAID
    return Headroom(
        _count(found.get("requests-remaining", "")),
        _until(found.get("requests-reset", "")),
        _count(found.get("tokens-remaining", "")),
        _until(found.get("tokens-reset", "")),
    )


def _count(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else None


def _until(text: str) -> float | None:
    """Seconds: ``6m0s``, ``20ms``, a plain number of seconds, or a time (RFC 3339, seconds since 1970)."""
    if not text or len(text) > 40:
        return None
    try:
        seconds = float(text)
    except ValueError:
        pass
    else:
        if seconds > _EPOCH_S:
            seconds -= dt.datetime.now(dt.UTC).timestamp()
        return max(0.0, seconds) if math.isfinite(seconds) else None
    parts = _DURATION.fullmatch(text)
    if parts:
        return sum(float(part) * unit for part, unit in zip(parts.groups(), _SECONDS, strict=True) if part)
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        return None
    return max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())
