"""What all adapters of hosted protocols share: one SDK client over aiohttp, one POST a request, keys kept out of sight.

The SDKs' own retries are off and their own parsing is passed by (it costs more than the rest of a request together);
connection handling, authentication and header conventions stay theirs. A protocol is a subclass that says three things:
the path, the body of a request, and what a reply means.
"""

from __future__ import annotations

import asyncio
import base64
import difflib
import functools
import json
import os
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import msgspec

from harness import catalogue
from harness.catalogue import Parameter, Provider
from harness.errors import (
    KeyRefused,
    MalformedReply,
    ModelMissing,
    NotReached,
    OpenGapError,
    RequestRejected,
    RunFailed,
    TimedOut,
    UsageError,
)
from harness.models.base import acceptable
from harness.models.failures import Declined, failure, lost, scrub
from harness.models.headroom import NOTHING_SAID, Headroom, headroom
from harness.types import Completion, Request, RequestKind, Sampling, System, last_of_user

T = TypeVar("T")

ATTEMPT_LIMIT_S = 24 * 3600.0
"""A backstop only: the run's own limit for one attempt is the retry policy's."""
CONNECT_LIMIT_S = 20.0
NOT_NEEDED = ("usage", "model", "system_fingerprint", "id")
"""Parts of a reply that an answer is kept without, as it is without a choice's ``logprobs``."""
SERVER_KEY = "OPENGAP_SERVER_KEY"


def key_for(provider: Provider) -> str:
    """The provider's key from its environment variable, without white space around it; a placeholder where none is needed.

    UsageError if it is missing, or cannot stand in a header; the message names the variable and never the key.
    """
    variable = provider.key or SERVER_KEY
    key = os.environ.get(variable, "").strip()
    if not key and provider.key is None:
        return "none"
    if not key:
        raise UsageError(f"{provider.name} needs a key: set the environment variable {variable}")
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            f"the environment variable {variable} holds characters that no key has (line breaks, or not ASCII): set it anew"
        )
    return key


def problems(system: System) -> list[str]:
    """What is missing before a run: the key, and where each user has their own the URL."""
    provider = catalogue.provider_named(system.provider, system.url)
    found = []
    try:
        key_for(provider)
    except UsageError as error:
        found.append(f"{system.name}: {error}")
    if provider.url_variable and not (system.url or os.environ.get(provider.url_variable)):
        found.append(f"{system.name}: set the environment variable {provider.url_variable} to your own base URL")
    return found


def base_url(provider: Provider, url: str | None) -> str | None:
    """Where requests go: the system's own URL, the provider's, or what its environment variable says. UsageError."""
    if url or provider.url:
        found, origin = url or provider.url, "the base URL"
    elif provider.url_variable is None:
        return None
    else:
        found, origin = (
            os.environ.get(provider.url_variable, "").strip(),
            f"the environment variable {provider.url_variable}",
        )
        if not found:
            raise UsageError(
                f"{provider.name}: set the environment variable {provider.url_variable} to your own base URL"
            )
    if fault := catalogue.url_fault(found or ""):
        raise UsageError(f"{provider.name}: {origin} {fault}")
    return found


def is_loopback(url: str | None) -> bool:
    """Whether a URL leads to this very machine."""
    host = urllib.parse.urlsplit(url or "").hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


class Endpoint:
    """One SDK client and its errors, mapped; ``sdk`` is the module ``openai`` or ``anthropic``."""

    def __init__(self, sdk: Any, client: Any, provider: Provider, model: str, key: str) -> None:
        import httpx2

        self.sdk = sdk
        self.client = client
        self.headers: Any = httpx2.Headers()
        """Headers of the latest reply: where a server says how much of its limits is left."""
        self._response_type = httpx2.Response
        self._base_error = getattr(sdk, "OpenAIError", None) or sdk.AnthropicError
        self._provider = provider
        self._model = model
        self._key = key

    async def post(self, path: str, body: Mapping[str, Any], reply: type[T]) -> T:
        """Send ``body`` and decode the reply as ``reply``. Raises AttemptFailed or RunFailed, never an SDK error."""
        content = encode(body)
        headers = {"headers": {"Content-Type": "application/json"}}
        try:
            response = await self.call(
                lambda: self.client.post(path, cast_to=self._response_type, content=content, options=headers)
            )
        except ModelMissing as error:
            raise await self._why_missing(error) from None
        self.headers = response.headers
        return decode(response.content, reply, response.headers.get("content-type", ""))

    async def get(self, path: str) -> bytes:
        """The body at ``path``. Raises AttemptFailed or RunFailed, never an SDK error."""
        response = await self.call(lambda: self.client.get(path, cast_to=self._response_type))
        return bytes(response.content)

    async def call(self, send: Callable[[], Awaitable[T]]) -> T:
        """Await one SDK call. Raises AttemptFailed or RunFailed, never an SDK error."""
        try:
            return await send()
        except self.sdk.APIStatusError as error:
            self.headers = error.response.headers
            raise self.failure(error.status_code, error.body, error.response.headers) from None
        except self.sdk.APIConnectionError as error:
            # The aiohttp transport reports a refused or dropped connection as a timeout too; the first cause knows.
            cause, failed = _first_cause(error), lost(error, f"connection failed: {self._cause(error)}")
            timed_out = isinstance(error, self.sdk.APITimeoutError) and (
                cause is error or isinstance(cause, TimeoutError)
            )
            if timed_out and not isinstance(failed, NotReached):
                raise TimedOut(f"{self._provider.name} did not answer in time") from None
            raise failed from None
        except self.sdk.APIResponseValidationError as error:
            raise MalformedReply(f"the body is not a valid reply: {self._cause(error)}") from None
        except self._base_error as error:
            raise RequestRejected(f"the {self.sdk.__name__} package refused: {self._cause(error)}") from None

    def failure(self, status: int, body: Any, headers: Mapping[str, str]) -> OpenGapError:
        """The error that a status with its body stands for; see :func:`harness.models.failures.failure`."""
        variable = self._provider.key or SERVER_KEY
        return failure(
            status, body, headers, provider=self._provider.name, model=self._model, variable=variable, key=self._key
        )

    @property
    def listing(self) -> str:
        """Where a server says which models it has. Anthropic's paths carry the version, OpenAI's base URLs do."""
        return "/v1/models" if self.sdk.__name__ == "anthropic" else "/models"

    async def _why_missing(self, error: ModelMissing) -> RunFailed:
        """What a 404 means: another name is served here, or the address was meant to have its ``/v1``."""
        names = await self._names(self.listing)
        if names:
            near = difflib.get_close_matches(self._model, names, n=3, cutoff=0.4) or names[:5]
            return ModelMissing(f"{error} The nearest names that it lists: {', '.join(near)}")
        if names is None:
            base = str(self.client.base_url).rstrip("/")
            parts = urllib.parse.urlsplit(base)
            version = "" if self.listing.startswith("/v1") else "/v1"
            for better in dict.fromkeys((base + version, f"{parts.scheme}://{parts.netloc}{version}")):
                if better != base and await self._names(better + self.listing) is not None:
                    return RunFailed(
                        f"no model is served at {base}, but there are some at {better}: write that address"
                    )
        return error

    async def _names(self, listing: str) -> list[str] | None:
        """The names that a server lists; none are shown without the right key. None: there is no list."""
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                return [one.id for one in decode(await self.get(listing), _Listing).data]
        except KeyRefused:
            return []
        except (OpenGapError, TimeoutError):
            return None

    def _cause(self, error: BaseException) -> str:
        cause = _first_cause(error)
        try:
            text = str(cause)
        except AttributeError:  # some exceptions of the SDKs print what they were not given
            text = ""
        return scrub(f"{type(cause).__name__}: {text}", self._key)[:200]

    async def close(self) -> None:
        await self.client.close()


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


class HostedModel:
    """One model behind one call of a hosted protocol. Subclasses give the protocol."""

    kinds: frozenset[RequestKind] = frozenset({"generate"})
    default_concurrency = 32
    protocol: ClassVar[str]
    path: ClassVar[str]
    reply: ClassVar[type[Any]]
    refuses: ClassVar[tuple[str, ...]] = ()
    """Sampling parameters that the protocol itself does not have."""
    attempt_limit_s = ATTEMPT_LIMIT_S

    def __init__(self, system: System, provider: Provider, url: str | None = None) -> None:
        self.system = system
        self.provider = provider
        self._url = base_url(provider, url or system.url)
        card = catalogue.cards().get(system.card)
        self._rejects = tuple(dict.fromkeys((*provider.rejects, *(card.rejects if card else ()), *self.refuses)))
        self._endpoint: Endpoint | None = None

    @property
    def endpoint(self) -> Endpoint:
        assert self._endpoint is not None, "start() comes first"
        return self._endpoint

    def check(self, sampling: Sampling) -> None:
        """UsageError if this system cannot be asked with these parameters."""
        acceptable(sampling, self._rejects, self.system.name)

    async def start(self) -> None:
        key = key_for(self.provider)
        sdk, client = self.connect(key)
        self._endpoint = Endpoint(sdk, client, self.provider, self.system.api_name, key)

    async def generate(self, request: Request) -> Completion:
        sampling, dropped = acceptable(request.sampling, self._rejects, self.system.name)
        try:
            # Files are read off the loop.
            body = (
                await asyncio.to_thread(self.body, request, sampling)
                if request.images
                else self.body(request, sampling)
            )
            reply = await self.endpoint.post(self.path, body, self.reply)
        except Declined as refusal:
            return refused(refusal, dropped)
        return self._sound(self.completion(reply, dropped))

    def headroom(self) -> Headroom:
        """What the endpoint said of its limits with its latest reply."""
        if self._endpoint is None:
            return NOTHING_SAID
        # `raw`, since looking a name up in the client's case-blind headers costs more than all of this.
        return headroom((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._endpoint.headers.raw)

    async def probe(self) -> None:
        """Ask for what costs nothing. Raises what :meth:`Endpoint.call` does; only some of it means that nobody is there."""
        await self.endpoint.get(self.endpoint.listing)

    def row(self, request: Request) -> Mapping[str, Any]:
        """The body of a request as a line of a batch carries it."""
        return self.body(request, acceptable(request.sampling, self._rejects, self.system.name)[0])

    def read(self, content: bytes, request: Request) -> Completion:
        """The completion in a reply's body, as a line of a batch's results carries it. Raises AttemptFailed."""
        dropped = acceptable(request.sampling, self._rejects, self.system.name)[1]
        return self._sound(self.completion(decode(content, self.reply), dropped))

    @staticmethod
    def _sound(completion: Completion) -> Completion:
        usage = completion.usage.sound()
        return completion if usage is completion.usage else replace(completion, usage=usage)

    async def close(self) -> None:
        if self._endpoint is not None:
            await self._endpoint.close()
            self._endpoint = None

    def describe(self) -> dict[str, Any]:
        """Facts for the receipt."""
        sdk = self.endpoint.sdk
        return {"adapter": self.protocol, "sdk": f"{sdk.__name__} {sdk.__version__}", "rejects": list(self._rejects)}

    def connect(self, key: str) -> tuple[Any, Any]:
        """The SDK's module and its client."""
        raise NotImplementedError

    def settings(self, sdk: Any, key: str) -> dict[str, Any]:
        """What both SDKs' clients are made with."""
        return {
            "api_key": key,
            "base_url": self._url,
            "max_retries": 0,
            "timeout": sdk.Timeout(self.attempt_limit_s, connect=min(CONNECT_LIMIT_S, self.attempt_limit_s)),
            "http_client": sdk.DefaultAioHttpClient(),
        }

    def body(self, request: Request, sampling: Sampling) -> dict[str, Any]:
        """What is sent. RunFailed if an image is no longer what was planned."""
        raise NotImplementedError

    def turns(self, request: Request) -> list[dict[str, Any]]:
        """Role and content of every message; the images come before the text of the user's last one."""
        turns: list[dict[str, Any]] = [{"role": one.role, "content": one.content} for one in request.messages]
        if request.images:
            parts = [self.image(one.media_type, base64.b64encode(one.read()).decode()) for one in request.images]
            turn = turns[last_of_user(request.messages)]
            # Empty text is refused where it stands beside other parts.
            turn["content"] = parts + ([self.text(turn["content"])] if turn["content"] else [])
        return turns

    def parameters(self, sampling: Sampling, *names: Parameter) -> dict[str, Any]:
        """Those of the sampling parameters that have a value, by the names that the provider has for them."""
        values = {name: getattr(sampling, name) for name in names}
        return {self.provider.renames.get(name, name): value for name, value in values.items() if value is not None}

    def image(self, media_type: str, data: str) -> dict[str, Any]:
        """An image as a part of a message; ``data`` is base64."""
        raise NotImplementedError

    def text(self, text: str) -> dict[str, Any]:
        """The text of a message that has other parts too."""
        return {"type": "text", "text": text}

    def completion(self, reply: Any, dropped: tuple[str, ...]) -> Completion:
        """What came back. Raises AttemptFailed where a reply carries a failure."""
        raise NotImplementedError


def refused(refusal: Declined, dropped: tuple[str, ...]) -> Completion:
    """The answer of an endpoint whose filter refused the question."""
    return Completion("refused", finish_reason=refusal.code, error=str(refusal), dropped=dropped)


def encode(body: Any) -> bytes:
    """JSON. Half a surrogate pair, which has no UTF-8, becomes a question mark."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def decode(content: bytes, reply: type[T], content_type: str = "application/json") -> T:
    """Decode a reply's body. MalformedReply if it is not the JSON that the protocol promises.

    An answer that was paid for is not thrown away over what nobody needs: half a surrogate pair becomes a question mark,
    and a count or a name that is none is left out.
    """
    try:
        return msgspec.json.decode(content, type=reply)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        first = error
    try:
        text = content.decode("utf-8", "replace")
        return _leniently(
            json.loads(json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace")), reply
        )
    except (ValueError, RecursionError):
        kind = content_type.partition(";")[0] or "no content type"
        raise MalformedReply(f"the body is not a valid reply ({kind}, {len(content)} bytes): {first}") from None


def _leniently(value: Any, reply: type[T]) -> T:
    """Convert numbers in strings and without a fraction, and leave out what is not needed and does not fit. ValueError."""
    if isinstance(value, dict) and not _fits(reply, {}, value):
        needed = {key: part for key, part in value.items() if key not in NOT_NEEDED}
        if not _fits(reply, {}, needed) and isinstance(needed.get("choices"), list):
            needed["choices"] = [_without(one, "logprobs") for one in needed["choices"]]
        beside = {key: value[key] for key in NOT_NEEDED if key in value}
        value = needed | _fitting(beside, functools.partial(_fits, reply, needed))
    return msgspec.convert(value, reply, strict=False)


def _fits(reply: type[Any], needed: dict[str, Any], beside: dict[str, Any]) -> bool:
    """Whether a reply of these parts can be read."""
    try:
        msgspec.convert(needed | beside, reply, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _fitting(value: dict[str, Any], fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """As much of a mapping as fits, inside its mappings too."""
    found: dict[str, Any] = {}
    for key, part in value.items():
        whole = part
        if isinstance(part, dict) and not fits({**found, key: part}):
            whole = _fitting(part, functools.partial(_fits_inside, fits, found, key))
        if fits({**found, key: whole}):
            found[key] = whole
    return found


def _fits_inside(
    fits: Callable[[dict[str, Any]], bool], found: dict[str, Any], key: str, inner: dict[str, Any]
) -> bool:
    return fits({**found, key: inner})


def _without(value: Any, key: str) -> Any:
    return {name: part for name, part in value.items() if name != key} if isinstance(value, dict) else value


class _Name(msgspec.Struct):
    id: str


class _Listing(msgspec.Struct):
    data: list[_Name]
