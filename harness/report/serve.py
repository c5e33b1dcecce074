"""``opengap view``: the report over HTTP on this machine alone, and a page that follows runs while they go on."""

from __future__ import annotations

import mimetypes
import re
import threading
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from harness.errors import OpenGapError, StoreError
from harness.report.facts import gather
from harness.report.make import make
from harness.report.text import inert
from harness.store import RunFolder, list_runs, read_journal, read_plan

NAME = re.compile(r"(samples/)?[A-Za-z0-9_-]+\.(html|png|svg|csv|md|json|js)")
"""What the report consists of; nothing else is served."""
HOSTS = {"127.0.0.1", "localhost"}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def progress(store: Path) -> list[dict[str, Any]]:
    """Every unsealed run: what was planned and what the journal holds by task. A damaged run says so."""
    found: list[dict[str, Any]] = []
    for run in list_runs(store):
        if not run.sealed:
            try:
                found.append(_progress(run))
            except StoreError as error:
                found.append({"run": run.run_id, "problem": inert(str(error)), "tasks": []})
    return found


def _progress(run: RunFolder) -> dict[str, Any]:
    plan, state = read_plan(run), read_journal(run.journal)
    answered = Counter(key[0] for key in state.answered)
    failed = Counter(key[0] for key in state.unanswered)
    tasks = [
        {
            "name": inert(task.card.name), "planned": len(task.item_ids) * plan.repeats,
            "answered": answered[task.card.name], "unanswered": failed[task.card.name],
        }
        for task in plan.tasks
    ]  # fmt: skip
    return {"run": run.run_id, "system": inert(plan.system.name), "damaged": state.damaged, "tasks": tasks, "problem": ""}


class Viewer:
    """What the server shows: the report of a store, made anew when another run has been sealed."""

    def __init__(self, store: Path, out: Path, say: Callable[[str], None] = lambda line: None) -> None:
        self.store, self.out, self._say = store, out, say
        self._lock = threading.Lock()
        self._made_of: list[str] | None = None

    def refresh(self) -> bool:
        """Make the report if a run has been sealed since; whether there is one. Its errors are said, not raised."""
        sealed = [run.run_id for run in list_runs(self.store) if run.sealed]
        sealed += sorted(path.name for path in (self.store / "published").glob("*.parquet"))
        with self._lock:
            if sealed != self._made_of:
                self._made_of = sealed
                try:
                    facts = gather(self.store)
                    if facts.anything:
                        make(facts, self.out)
                except OpenGapError as error:
                    self._say(str(error))
        return (self.out / "index.html").is_file()

    def live(self) -> bytes:
        """The page that follows unsealed runs; it loads itself again every two seconds."""
        import jinja2

        loader = jinja2.PackageLoader("harness.report", "page")
        template = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined).get_template("live.html.jinja")
        return template.render(runs=progress(self.store), report=self.refresh()).encode("utf-8", "replace")


def server(viewer: Viewer, port: int) -> ThreadingHTTPServer:
    """A server on loopback; port 0 takes a free one. StoreError if the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "OpenGap", ""

        def do_GET(self) -> None:
            # Another site may point its own name at this machine; it then asks under that name.
            if (self.headers.get("Host") or "").rpartition(":")[0] not in HOSTS:
                self.send_error(HTTPStatus.FORBIDDEN, "this server answers on 127.0.0.1 alone")
                return
            path = unquote(urlsplit(self.path).path).lstrip("/")
            if path == "live" or (path == "" and not viewer.refresh()):
                self._send(viewer.live(), "text/html; charset=utf-8", POLICY)
                return
            name = path or "index.html"
            file = viewer.out / name
            if not NAME.fullmatch(name) or not file.is_file():
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0] or "text/plain"
            self._send(file.read_bytes(), f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)

        def _send(self, body: bytes, kind: str, policy: str = "frame-ancestors 'none'") -> None:
            self.send_response(HTTPStatus.OK)
            for header, value in (
                ("Content-Type", kind), ("Content-Length", str(len(body))), ("Content-Security-Policy", policy),
                ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"),
            ):  # fmt: skip
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    try:
        return ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise StoreError(f"cannot listen on 127.0.0.1:{port}: {error.strerror}; give --port another one") from error
