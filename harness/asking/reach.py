"""Whether a server is there: while it is not, one probe at a time asks for it and everything else waits."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from harness.errors import AttemptFailed, ConnectionFailed, OpenGapError, ServerGone, TimedOut, Unavailable

MAY_BE_GONE = (ConnectionFailed, TimedOut, Unavailable)
"""Failures after which it is asked whether a server is there; the server's reply tells them from one item's bad luck."""

PATIENCE_S = 600.0
FIRST_CONTACT_S = 20.0
"""How long a server that has not replied once is waited for."""
PROBE_LIMIT_S = 20.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 10.0


class Reach:
    """What one run knows of its server's being there. Used from one event loop.

    ``probe`` costs nothing; any reply to it, a refusal too, shows that a server is there. None: there is no server.
    """

    def __init__(
        self, who: str, probe: Callable[[], Awaitable[None]] | None, patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._who = who
        self._probe = probe
        self._patience_s = patience_s
        self._clock = clock
        self._begun: float | None = None
        self._replied_at = self._back_at = float("-inf")
        self._open = asyncio.Event()
        self._open.set()
        self._probing = asyncio.Lock()
        self._reason = ""
        self._until = 0.0

    def replied(self) -> None:
        """The server said something."""
        self._replied_at = self._clock()

    async def open(self) -> None:
        """Wait while the server is known to be away."""
        if self._begun is None:
            self._begun = self._clock()
        await self._open.wait()

    async def contact(self) -> None:
        """Wait until the server replies, as long as is waited for a first reply. Raises ServerGone."""
        await self.open()
        if self._probe is not None:
            async with self._probing:
                await self._wait()

    async def regained(self, failure: AttemptFailed) -> float:
        """Seconds for which a failed request had to wait since its server was away; 0: it is there, the failure is its own.

        Raises: ServerGone if the server does not come back in time.
        """
        if self._probe is None or not isinstance(failure, MAY_BE_GONE):
            return 0.0
        since = self._clock()
        async with self._probing:
            # Else somebody else's probe or answer has shown since that it is there.
            if self._replied_at < since:
                await self._wait()
        return max(self._clock() - since, 1e-9) if self._back_at >= since else 0.0

    def away(self) -> str:
        """Why nothing goes on and for how long it may stay so; empty: the server is there."""
        if not self._reason:
            return ""
        return f"no server: {self._reason}; waiting for it for {max(0.0, self._until - self._clock()):.0f} s more"

    async def _wait(self) -> None:
        known = self._replied_at > float("-inf")
        begun = self._clock() if known or self._begun is None else self._begun
        self._until = begun + (self._patience_s if known else min(FIRST_CONTACT_S, self._patience_s))
        pause = FIRST_WAIT_S
        while (reason := await self._missing()) is not None:
            self._open.clear()
            self._reason = str(reason)
            left = self._until - self._clock()
            if left <= 0:
                raise ServerGone(self._gone(known, self._clock() - begun))
            await asyncio.sleep(min(left, random.uniform(0.5, 1.0) * pause))
            pause = min(LONGEST_WAIT_S, 2 * pause)
        self.replied()
        if not self._open.is_set():
            self._back_at, self._reason = self._replied_at, ""
            self._open.set()

    async def _missing(self) -> AttemptFailed | None:
        """Why no server seems to be there; None: it replied."""
        assert self._probe is not None
        limit = min(PROBE_LIMIT_S, max(1.0, self._until - self._clock()))
        try:
            async with asyncio.timeout(limit):
                await self._probe()
        except TimeoutError:
            return TimedOut(f"no reply within {limit:.0f} s")
        except MAY_BE_GONE as error:
            return error
        except OpenGapError:
            pass  # a reply, whatever it says
        return None

    def _gone(self, known: bool, waited_s: float) -> str:
        if known:
            return (
                f"{self._who} is gone, and did not come back within {waited_s:.0f} s (--patience): {self._reason}. "
                "Every answer so far is kept, and no item was given up"
            )
        return (
            f"{self._who} cannot be reached: {self._reason}. It did not reply within {waited_s:.0f} s: start the server, or "
            "correct the address"
        )
