"""A model hub on this machine: the resolve protocol of huggingface.co as its client speaks it, with faults to order."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class LocalHub:
    """Serves `files` of any repository at `commit`; `claims`: the commit it says they are of. `cut_at`: the body breaks
    off there, so many times as `n_cuts`; `status`: every answer; `store`: where HEAD redirects to; `pause_s`: between
    pieces of 4 kB; `seen`: (method, path, its headers)."""

    files: dict[str, bytes]
    commit: str = COMMIT
    claims: str | None = COMMIT
    status: int = 200
    error_code: str = ""
    cut_at: int | None = None
    n_cuts: int = 1
    knows_ranges: bool = True
    pause_s: float = 0.0
    store: str = ""
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    n_sent: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def requests(self, method: str) -> list[dict[str, str]]:
        return [headers for how, _, headers in self.seen if how == method]


@contextmanager
def serving(hub: LocalHub) -> Iterator[LocalHub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            _answer(self, hub, "HEAD")

        def do_GET(self) -> None:
            _answer(self, hub, "GET")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _answer(request: BaseHTTPRequestHandler, hub: LocalHub, method: str) -> None:
    if "/resolve/" in request.path:
        hub.seen.append((method, request.path, {name.lower(): value for name, value in request.headers.items()}))
    _, _, rest = request.path.partition("/resolve/")
    revision, _, name = rest.partition("/")
    body = hub.files.get(name)
    is_known = revision in ("main", hub.commit) and body is not None
    if hub.status != 200 or not is_known:
        status = hub.status if hub.status != 200 else 404
        request.send_response(status)
        if status < 500:
            request.send_header("X-Error-Code", hub.error_code or "EntryNotFound")
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    assert body is not None
    if method == "HEAD":
        request.send_response(302 if hub.store else 200)
        if hub.store:
            request.send_header("Location", f"{hub.store}{request.path}?signature=secret-signature")
            request.send_header("X-Linked-Size", str(len(body)))
            request.send_header("X-Linked-Etag", f'"{hashlib.sha256(body).hexdigest()}"')
        if hub.claims is not None:
            request.send_header("X-Repo-Commit", hub.claims)
        request.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        request.send_header("Content-Length", "0" if hub.store else str(len(body)))
        request.end_headers()
        return
    _send(request, hub, body)


def _send(request: BaseHTTPRequestHandler, hub: LocalHub, body: bytes) -> None:
    wanted = request.headers.get("Range", "")
    start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted and hub.knows_ranges else 0
    request.send_response(206 if start else 200)
    request.send_header("Content-Length", str(len(body) - start))
    request.end_headers()
    end = len(body)
    if hub.cut_at is not None and hub.n_cuts > 0 and start < hub.cut_at:
        end, hub.n_cuts = hub.cut_at, hub.n_cuts - 1
    for at in range(start, end, 4096):
        piece = body[at : min(at + 4096, end)]
        request.wfile.write(piece)
        hub.n_sent += len(piece)
        time.sleep(hub.pause_s)
    if end < len(body):
        request.close_connection = True
        request.wfile.flush()
        request.connection.shutdown(2)
