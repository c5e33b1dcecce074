"""``opengap view``: the report over HTTP on this machine alone, and a page that follows runs while they go on."""

from __future__ import annotations

import html
import mimetypes
import re
import threading
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from harness.errors import OpenGapError, StoreError
from harness.report.facts import gather
from harness.report.make import make
from harness.report.page import content_hash, safe
from harness.store import RunFolder, list_runs, read_journal, read_plan
from harness.text import counted, inert

HOSTS = {"127.0.0.1", "localhost"}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Of everything but the report's page, which states a narrower one of its own."""
LIVE = '<li><a href="/live">Runs under way</a></li>'


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
    damaged = f"{counted(state.damaged, 'line')} damaged" if state.damaged else ""
    return {"run": run.run_id, "system": inert(plan.system.name), "damaged": damaged, "tasks": tasks, "problem": ""}


class Viewer:
    """What the server shows: the report of a store, made by this process and anew when another run has been sealed."""

    def __init__(
        self, store: Path, out: Path, say: Callable[[str], None] = lambda line: None, *, own_text: bool = False
    ) -> None:
        self.store, self.out, self._say, self._own_text = store, out, say, own_text
        self._lock = threading.Lock()
        self._made_of: list[str] | None = None
        self._files: frozenset[str] = frozenset()

    def refresh(self) -> str:
        """Make the report if a run has been sealed since, or if that failed before; why it fails, empty if it does not."""
        sealed = [run.run_id for run in list_runs(self.store) if run.sealed]
        sealed += sorted(path.name for path in (self.store / "published").glob("*.parquet"))
        with self._lock:
            if sealed != self._made_of or not (self.out / "index.html").is_file():
                self._made_of, self._files = None, frozenset()
                try:
                    made = make(gather(self.store), self.out, own_text=self._own_text)
                    self._files = frozenset(path.relative_to(self.out).as_posix() for path in made)
                    self._made_of = sealed
                except OpenGapError as error:
                    self._say(str(error))
                    return inert(str(error))
        return ""

    def read(self, name: str) -> bytes | None:
        """A file that this process wrote, unless something else has taken its place since."""
        file = self.out / name
        return file.read_bytes() if name in self._files and file.is_file() and not file.is_symlink() else None

    def live(self, problem: str = "") -> tuple[bytes, str]:
        """The page that follows unsealed runs, and its policy; ``problem`` is why there is no report."""
        import jinja2
        from markupsafe import Markup

        script = (resources.files("harness.report") / "page" / "live.js").read_text(encoding="utf-8")
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("harness.report", "page"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            finalize=safe,
        )
        body = environment.get_template("live.html.jinja").render(
            runs=progress(self.store), problem=problem.rstrip("."), script=Markup(script)
        )
        return body.encode("utf-8", "replace"), f"{POLICY}; script-src {content_hash(script)}; connect-src 'self'"


def server(viewer: Viewer, port: int) -> ThreadingHTTPServer:
    """A server on loopback; port 0 takes a free one. StoreError if the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "OpenGap", ""

        def do_GET(self) -> None:
            # Another site may point its own name at this machine; it then asks under that name.
            if (self.headers.get("Host") or "").rpartition(":")[0] not in HOSTS:
                self.send_error(HTTPStatus.FORBIDDEN, "this server answers on 127.0.0.1 alone")
                return
            name = unquote(urlsplit(self.path).path).lstrip("/") or "index.html"
            problem = viewer.refresh() if name == "index.html" else ""
            if problem or name == "live":
                body, policy = viewer.live(problem)
                self._send(body, "text/html; charset=utf-8", policy)
                return
            found = viewer.read(name)
            if found is None:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            stated = re.search(rb'Content-Security-Policy" content="([^"]*)"', found) if name == "index.html" else None
            policy = html.unescape(stated[1].decode()) if stated else POLICY
            kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0] or "text/plain"
            self._send(
                found.replace(b"<!--live-->", LIVE.encode()) if stated else found,
                f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
                policy,
            )

        def _send(self, body: bytes, kind: str, policy: str) -> None:
            self.send_response(HTTPStatus.OK)
            for header, value in (
                ("Content-Type", kind), ("Content-Length", str(len(body))),
                ("Content-Security-Policy", f"{policy}; frame-ancestors 'none'"),
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
