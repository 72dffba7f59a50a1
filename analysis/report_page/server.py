"""Serves one page to browsers on this machine.

Listens only on the loopback interface. Serves only the page: no file, no other path.
"""

from __future__ import annotations

import contextlib
import re
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

HOST = "127.0.0.1"
# A page from elsewhere must not read this page through a host name that resolves to this machine.
NAMES_OF_HOST = {"", HOST, "localhost", "[::1]"}
READER_TIMEOUT_S = 10.0  # for a reader that sends or receives nothing
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
}


class PortError(Exception):
    """The port is not available; the message says why."""


class Answer(NamedTuple):
    body: bytes  # HTML
    refresh_s: int | None  # after which the browser requests again; None: never


class PageServer(socketserver.ThreadingTCPServer):
    """Listens from its construction and answers within serving(), each reader in its own thread."""

    allow_reuse_address = True
    daemon_threads = True  # slow readers do not delay the end
    request_queue_size = 64

    def __init__(self, port: int) -> None:
        """Listens on `port`; 0 means a free one. Raises PortError."""
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise PortError(
                f"port {port} of {HOST} is not to be had ({error.strerror}). Give another, or none for a free one."
            ) from error
        self.port = int(self.server_address[1])
        self.address = f"http://{HOST}:{self.port}/"

    @contextlib.contextmanager
    def serving(self, answer: Callable[[], Answer]) -> Iterator[None]:
        """Serves within the context. Several threads call `answer` at once."""
        self.answer = answer
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        try:
            yield
        finally:
            self.shutdown()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores errors of readers that disconnect."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = READER_TIMEOUT_S
    server_version, sys_version = "incubate", ""

    def do_GET(self) -> None:
        host = re.sub(r":\d+$", "", self.headers.get("Host", ""))
        if self.path != "/" or host not in NAMES_OF_HOST:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        answer = self.server.answer()
        self.send_response(HTTPStatus.OK)
        for header, value in HEADERS.items():
            self.send_header(header, value)
        if answer.refresh_s is not None:
            self.send_header("Refresh", str(answer.refresh_s))
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_HEAD = do_GET

    def refuse(self) -> None:
        self.send_response(HTTPStatus.METHOD_NOT_ALLOWED)
        self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = refuse

    def log_message(self, *_: object) -> None:
        """Logs nothing: the terminal shows the table."""
