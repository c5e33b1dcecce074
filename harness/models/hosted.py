"""What both SDK adapters share: one typed client over aiohttp, its errors mapped in one place, keys kept out of sight.

The SDKs' own retries are off and their own parsing is passed by (it costs more than the rest of a request together);
connection handling, authentication and header conventions stay theirs.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import os
import urllib.parse
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from harness.catalogue import Provider
from harness.errors import (
    ConnectionFailed,
    ContextTooLong,
    KeyRefused,
    MalformedReply,
    ModelMissing,
    Overloaded,
    RateLimited,
    RequestRejected,
    ServerFailed,
    TimedOut,
    UsageError,
)

T = TypeVar("T")

ATTEMPT_LIMIT_S = 600.0
CONNECT_LIMIT_S = 20.0
SERVER_KEY = "OPENGAP_SERVER_KEY"


def key_for(provider: Provider) -> str:
    """The provider's key from its environment variable; a placeholder where none is needed. UsageError if missing."""
    if provider.key is None:
        return os.environ.get(SERVER_KEY) or "none"
    key = os.environ.get(provider.key)
    if not key:
        raise UsageError(f"{provider.name} needs a key: set the environment variable {provider.key}")
    return key


def base_url(provider: Provider, url: str | None) -> str | None:
    """Where requests go: the system's own URL, the provider's, or what its environment variable says. UsageError."""
    if url or provider.url:
        return url or provider.url
    if provider.url_variable is None:
        return None
    found = os.environ.get(provider.url_variable)
    if not found:
        raise UsageError(f"{provider.name}: set the environment variable {provider.url_variable} to your own base URL")
    return found


def is_loopback(url: str | None) -> bool:
    """Whether a URL leads to this very machine."""
    host = urllib.parse.urlsplit(url or "").hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: ``retry-after-ms``, or Retry-After as seconds or as a date (RFC 9110)."""
    if headers.get("retry-after-ms", "").isdigit():
        return int(headers["retry-after-ms"]) / 1000
    value = headers.get("retry-after")
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())


class Endpoint:
    """One SDK client with one ``post``; ``sdk`` is the module ``openai`` or ``anthropic``, which share their errors."""

    def __init__(self, sdk: Any, client: Any, provider: Provider, model: str) -> None:
        self._sdk = sdk
        self._client = client
        self._provider = provider
        self._model = model
        self._response_type = _response_type(client)

    async def post(self, path: str, body: Mapping[str, Any], reply: type[T]) -> T:
        """Send ``body`` and decode the reply as ``reply``. Raises AttemptFailed or RunFailed, never an SDK error."""
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        try:
            response = await self._client.post(
                path,
                cast_to=self._response_type,
                content=content,
                options={"headers": {"Content-Type": "application/json"}},
            )
        except self._sdk.APIStatusError as error:
            raise self._map_status(error) from None
        except self._sdk.APITimeoutError:
            raise TimedOut(f"no answer within {ATTEMPT_LIMIT_S:.0f} s") from None
        except self._sdk.APIConnectionError as error:
            raise ConnectionFailed(f"connection failed: {_cause(error)}") from None
        return decode(response.content, reply, response.headers.get("content-type", ""))

    def _map_status(self, error: Any) -> Exception:
        status: int = error.status_code
        where = f"{self._provider.name} answered {status}"
        detail = _detail(error.body)
        wait = retry_after(error.response.headers)
        if status in (401, 403):
            return KeyRefused(f"{where}: {detail}. Check the key in {self._provider.key or SERVER_KEY}")
        if status == 404:
            return ModelMissing(f"{where}: {detail}. Does it serve {self._model!r}?")
        if status == 429:
            return RateLimited(f"{where}: {detail}", wait)
        if status in (503, 529):
            return Overloaded(f"{where}: {detail}", wait)
        if status in (408, 409) or status >= 500:
            return ServerFailed(f"{where}: {detail}", wait)
        lowered = detail.lower()
        if status == 413 or ("context" in lowered and ("length" in lowered or "window" in lowered)) or "too long" in lowered:
            return ContextTooLong(f"{where}: {detail}")
        return RequestRejected(f"{where}: {detail}")

    async def close(self) -> None:
        await self._client.close()


def decode(content: bytes, reply: type[T], content_type: str = "application/json") -> T:
    """Decode a reply's body. MalformedReply if it is not the JSON that the protocol promises."""
    try:
        return msgspec.json.decode(content, type=reply)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        kind = content_type.partition(";")[0] or "no content type"
        raise MalformedReply(f"the body is not a valid reply ({kind}, {len(content)} bytes): {error}") from None


def _response_type(client: Any) -> Any:
    import httpx2

    return httpx2.Response


def _cause(error: BaseException) -> str:
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {cause}"[:200]


def _detail(body: Any) -> str:
    if isinstance(body, dict):
        inner = body.get("error", body)
        body = (inner.get("message") or inner.get("type") or inner) if isinstance(inner, dict) else inner
    return str(body if body is not None else "no message").strip()[:300]

