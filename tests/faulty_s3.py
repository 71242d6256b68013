"""A proxy in front of a real S3 server that fails on demand, for so many requests, and then heals."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

PIECE_BYTES = 64 << 10
FOR_GOOD = 10**9


@dataclass
class Fault:
    """What happens to the next `n` requests whose line ("PUT /bucket/key?query") the pattern is found in.

    `after_bytes`: how much of the body passes before an upload or a download is cut.
    """

    kind: Literal["status", "cut-upload", "cut-download", "spoil-download", "refuse", "delay"]
    pattern: str = ""
    n: int = FOR_GOOD
    status: int = 503
    after_bytes: int = 0
    seconds: float = 0.0
    n_met: int = 0


class FaultyS3:
    """`url`: where boto3 is to look. `requests`: every request line that came, in order."""

    def __init__(self, server_url: str) -> None:
        target = urlsplit(server_url)
        self.target = (str(target.hostname), int(target.port or 80))
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name="faulty-s3", daemon=True).start()

    def fail(self, kind: Any, pattern: str = "", **how: Any) -> Fault:
        fault = Fault(kind, pattern, **how)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        self.faults.clear()

    def counts(self) -> Counter[str]:
        """Requests by method, since the last `forget`."""
        return Counter(line.split()[0] for line in self.requests)

    def forget(self) -> None:
        self.requests.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fault_of(self, line: str) -> Fault | None:
        with self.lock:
            self.requests.append(line)
            for fault in self.faults:
                if fault.n_met < fault.n and re.search(fault.pattern, line):
                    fault.n_met += 1
                    return fault
        return None


@contextmanager
def faulty(server_url: str) -> Iterator[FaultyS3]:
    proxy = FaultyS3(server_url)
    try:
        yield proxy
    finally:
        proxy.close()


def _handler(proxy: FaultyS3) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _relay(self) -> None:
            fault = proxy.fault_of(f"{self.command} {self.path}")
            if fault and fault.kind == "delay":
                time.sleep(fault.seconds)
            if fault and fault.kind == "refuse":
                self._hang_up()
            elif fault and fault.kind == "status":
                self._answer(fault.status)
            else:
                with suppress(OSError, http.client.HTTPException):
                    self._pass_on(fault)

        def _pass_on(self, fault: Fault | None) -> None:
            server = http.client.HTTPConnection(*proxy.target, timeout=60)
            try:
                server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("expect", "connection"):
                        server.putheader(name, value)
                server.endheaders()
                if not self._pass_body(server, fault):
                    return
                self._pass_answer(server.getresponse(), fault)
            except OSError:
                self._hang_up()  # the server is down
            finally:
                server.close()

        def _pass_body(self, server: http.client.HTTPConnection, fault: Fault | None) -> bool:
            n_left = int(self.headers.get("Content-Length", 0))
            n_passing = fault.after_bytes if fault and fault.kind == "cut-upload" else n_left
            while n_passing > 0 and n_left > 0:
                piece = self.rfile.read(min(PIECE_BYTES, n_left, n_passing))
                if not piece:
                    return False
                server.send(piece)
                n_left, n_passing = n_left - len(piece), n_passing - len(piece)
            if fault and fault.kind == "cut-upload":
                self._hang_up()
                return False
            return True

        def _pass_answer(self, answer: http.client.HTTPResponse, fault: Fault | None) -> None:
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding"):
                    self.send_header(name, value)
            body = b"" if answer.getheader("Content-Length") else answer.read()  # chunked, as lists are
            if answer.getheader("Content-Length") is None and answer.status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            n_passing = fault.after_bytes if fault and fault.kind == "cut-download" else FOR_GOOD
            while n_passing > 0 and (piece := answer.read(min(PIECE_BYTES, n_passing))):
                if fault and fault.kind == "spoil-download":
                    piece = bytes([piece[0] ^ 1]) + piece[1:]
                self.wfile.write(piece)
                n_passing -= len(piece)
            if fault and fault.kind == "cut-download":
                self._hang_up()

        def _answer(self, status: int) -> None:
            codes = {403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}
            body = f"<Error><Code>{codes[status]}</Code><Message>on demand</Message></Error>".encode()
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.close_connection = True

        def _hang_up(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        def handle_expect_100(self) -> bool:
            """Only who will take the body says so: a refused upload is refused before it."""
            self.send_response_only(100)
            self.end_headers()
            return True

        def log_message(self, *arguments: Any) -> None:
            pass

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _relay  # noqa: N815

    return Handler
