"""The Hugging Face hub's refusals, each as one sentence that says what to do. Its error types decide, not their wording."""

from __future__ import annotations

from collections.abc import Iterator


def failures() -> tuple[type[Exception], ...]:
    """Everything with which the hub's client fails: refused, not found, no network, a name that is none."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    return (OSError, ValueError, HfHubHTTPError, OfflineModeIsEnabled, httpx2.HTTPError)


def explain(error: BaseException, page: str, revision: str | None = None, gated: bool = False) -> str:
    """Why what lies at ``page`` (below huggingface.co) is not to be had, and what to do; ``gated``: it is known to be."""
    import httpx2
    from huggingface_hub import errors

    def is_any(*kinds: type[BaseException]) -> bool:
        return any(isinstance(one, kinds) for one in _chain(error))

    ask = f"gated: ask its owner for access at huggingface.co/{page} and set HF_TOKEN"
    if is_any(errors.GatedRepoError):
        return f"it is {ask}"
    if is_any(errors.OfflineModeIsEnabled):
        why = "HF_HUB_OFFLINE is set and it was not fetched before: unset it"
    elif is_any(errors.RevisionNotFoundError):
        why = f"huggingface.co/{page} has no revision {revision!r}: give one that is listed there"
    elif is_any(errors.RepositoryNotFoundError):
        why = f"huggingface.co/{page} does not exist, or not for you: check the name, and set HF_TOKEN if it is private"
    elif is_any(httpx2.TransportError, errors.LocalEntryNotFoundError):
        why = "the hub cannot be reached, and it was not fetched before: check the network"
    else:
        why = f"the hub did not give it ({(str(error) or type(error).__name__).splitlines()[0][:160]})"
    return f"{why} (it is also {ask})" if gated else why


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from."""
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or one.__context__
