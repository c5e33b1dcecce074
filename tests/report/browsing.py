"""A real browser: the page in it, what it complained about, and what it asked the network for."""

from __future__ import annotations

import shutil

from playwright.sync_api import Page, Request

CHROMIUM = next(
    (
        found
        for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)


class Visit:
    """A page that is ready, and what it complained about and asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)

    def open(self, address: str) -> None:
        self.page.goto("about:blank")
        self.requests.clear()
        self.page.goto(address)
        self.page.wait_for_selector("html[data-ready]", state="attached")
