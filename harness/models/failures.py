"""What went wrong at a hosted endpoint, in this project's own words: the one place where outside errors are mapped.

The status decides, helped by the machine-readable code of the body; the wording of a message is looked at only where
no provider gives a code (a prompt that is too long). Sources: the exception modules of openai 3.54 and anthropic 2.12,
and the threads named beside the rules.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from collections.abc import Mapping
from typing import Any

from harness.errors import (
    ConnectionFailed,
    ContextTooLong,
    KeyRefused,
    ModelMissing,
    NotReached,
    OpenGapError,
    Overloaded,
    RateLimited,
    RequestRejected,
    RunFailed,
    ServerFailed,
    TimedOut,
    Unavailable,
)

KEY_PIECE = 8
"""A run of this many characters of a key is taken for a part of it."""

NO_CREDIT = frozenset(
    {
        "insufficient_quota",
        "billing_error",
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
        "organization_on_hold",
    }
)
"""Codes that no waiting cures. Google's plain 429 has the same wording as OpenAI's but no such code."""

DECLINED = frozenset({"content_filter", "content_policy_violation", "invalid_prompt", "ResponsibleAIPolicyViolation"})
"""Codes of 400 with which a filter in front of the model refuses the question (OpenAI's reasoning models, Azure)."""

_TOO_LONG = re.compile(
    r"context.{0,12}(length|window)|prompt is too long|(prompt|input).{0,40}longer than|maximum (prompt|context|model) length"
    r"|input token count.{0,40}exceeds|reduce the length of the (messages|prompt|input)|tokens? .{0,40}too large for model"
    r"|exceed context limit|inputs. tokens",
    re.IGNORECASE | re.DOTALL,
)
_PER_MINUTE = re.compile(r"per min|\b[TR]PM\b|rate_limit", re.IGNORECASE)
_MASKED = re.compile(r"[\w-]*\*{3,}[\w*-]*")


class Declined(RequestRejected):
    """The endpoint's own filter refused the question: an answer of the system (refused), not a failure."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def failure(
    status: int, body: Any, headers: Mapping[str, str], *, provider: str, model: str, variable: str, key: str
) -> OpenGapError:
    """The error that an HTTP status and its body stand for.

    Returns: KeyRefused, ModelMissing or RunFailed (no request can succeed), :class:`Declined`, or an AttemptFailed.
    """
    codes = _codes(body)
    detail = scrub(_detail(body), key)[:300]
    where = f"{provider} answered {status}: {detail}"
    wait = retry_after(headers)
    if status == 402 or codes & NO_CREDIT:
        return RunFailed(f"{where}. The account has no credit left or is on hold; all answers so far are kept")
    # OpenRouter answers 403 for one question that its moderation flags (openrouter.ai/docs, Errors).
    if codes & DECLINED or (status == 403 and "flagged" in detail.lower()):
        return Declined(where, min(codes & DECLINED, default="flagged"))
    if status in (401, 403):
        return KeyRefused(f"{where}. Check the key in {variable}")
    if status == 404:
        return ModelMissing(f"{where}. Does it serve {model!r}?")
    if status == 408:
        return TimedOut(where, wait)
    if status == 413 and _PER_MINUTE.search(detail):
        # Groq: one request above the account's tokens a minute. No waiting helps, and the item itself is not too long.
        return RequestRejected(where)
    if status == 429:
        return RateLimited(where, wait)
    if status in (502, 503, 504):
        return Unavailable(where, wait)
    if status in (498, 529):  # 498: Groq's flex tier is full
        return Overloaded(where, wait)
    if status == 501:
        return RequestRejected(where)
    if status in (409, 499) or status >= 500:
        return ServerFailed(where, wait)
    if status == 413 or "context_length_exceeded" in codes or _TOO_LONG.search(detail):
        return ContextTooLong(where)
    return RequestRejected(where)


def lost(error: BaseException, told: str) -> ConnectionFailed:
    """NotReached where no connection came about, else ConnectionFailed: it broke, and the request may have arrived."""
    import aiohttp

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
            return NotReached(told)
        cause = cause.__cause__
    return ConnectionFailed(told)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: ``retry-after-ms``, or Retry-After as seconds or as a date (RFC 9110)."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / scale
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    try:
        when = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())


def scrub(text: str, key: str) -> str:
    """``text`` without the key: neither whole, nor a run of :data:`KEY_PIECE` characters of it, nor its masked form."""
    pieces = {key[start : start + KEY_PIECE] for start in range(len(key) - KEY_PIECE + 1)}
    kept: list[str] = []
    position = 0
    while position < len(text):
        end = position
        while text[end : end + KEY_PIECE] in pieces:
            end += 1
        if end > position:
            kept.append("[key]")
            position = end + KEY_PIECE - 1
        else:
            kept.append(text[position])
            position += 1
    return _MASKED.sub("[key]", "".join(kept))


def _codes(body: Any) -> set[str]:
    """Every machine-readable code of an error body, wherever the provider puts it."""
    inner = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(inner, dict):
        return set()
    found = {inner.get("code"), inner.get("type")}
    for nested, name in (("details", "error_code"), ("innererror", "code")):
        if isinstance(inner.get(nested), dict):
            found.add(inner[nested].get(name))
    return {code for code in found if isinstance(code, str)}


def _detail(body: Any) -> str:
    if isinstance(body, dict):
        inner = body.get("error", body)
        body = (inner.get("message") or inner.get("type") or inner) if isinstance(inner, dict) else inner
    elif isinstance(body, list) and body:  # Google wraps its error in a list
        return _detail(body[0])
    text = str(body if body is not None else "no message").strip()
    return "a web page instead of an API's reply" if text[:1] == "<" else text
