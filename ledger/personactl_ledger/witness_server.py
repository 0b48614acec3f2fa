"""A witness over HTTP (C2SP tlog-witness; SPEC 14.6): the standard library's server, fenced.

    POST /add-checkpoint              200 cosignature lines, or 400 403 404 409 422 with the reason
    GET /<hex SHA-256 of origin>/checkpoint    200 the latest checkpoint with this witness's lines, or 404

Nothing else is answered, no file is served. Anyone may connect, so a body has a cap, a read has a timeout, a connection
has an end however slowly it trickles, and there is a limit to how many are open at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from personactl_ledger.cosignature import WitnessSigner
from personactl_ledger.errors import LedgerError, WitnessRefused
from personactl_ledger.witness import MAX_REQUEST_BYTES, parse_request
from personactl_ledger.witness_state import Memory

SUBMIT = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
READ_SECONDS = 10.0
CONNECTION_SECONDS = 60.0
MAX_CONNECTIONS = 32
Observer = Callable[[str], None]
"""Is given one line about each request, from any thread."""


class WitnessServer(ThreadingHTTPServer):
    """Listens from construction on; `serve_forever` answers. `clock` gives POSIX seconds."""

    daemon_threads = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(
        self,
        address: tuple[str, int],
        memory: Memory,
        signer: WitnessSigner,
        clock: Callable[[], int],
        observe: Observer,
    ):
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.memory, self.signer, self.clock, self.observe = memory, signer, clock, observe
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    @property
    def url(self) -> str:
        """The submission prefix."""
        host, port = self.server_address[:2]
        name = host.decode() if isinstance(host, bytes) else str(host)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def tell(self, line: str) -> None:
        """A line for the observer. One that cannot be written must not keep back an answer."""
        with contextlib.suppress(OSError, ValueError):
            self.observe(line)

    def server_bind(self) -> None:
        """Without the look-up of a host name that HTTPServer makes: it may take long, and asks the network."""
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """One thread a connection, while there are any left; the connection ends after CONNECTION_SECONDS."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread to be had
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        end = threading.Timer(CONNECTION_SECONDS, _cut, (request,))
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke; what was cosigned is remembered all the same."""
        self.tell("a connection broke off")


class _Handler(BaseHTTPRequestHandler):
    """One connection. Every answer is plain text with a length, so that the connection can be kept."""

    server: WitnessServer
    protocol_version = "HTTP/1.1"
    server_version = "personactl-witness"
    sys_version = ""
    timeout = READ_SECONDS

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        if self.path != SUBMIT:
            self._say(404, "there is nothing here")
            return
        try:
            request = parse_request(body)
            lines = self.server.memory.cosign(request, self.server.signer, seconds=self.server.clock())
        except WitnessRefused as refusal:
            if refusal.size is not None:
                self._answer(refusal.status, f"{refusal.size}\n", SIZE_TYPE)
            else:
                self._say(refusal.status, refusal.message)
        except LedgerError as error:  # busy, a full disk: nothing was cosigned
            self.server.tell(f"cannot cosign: {error.message}")
            self._say(503, "this witness cannot answer now")
        else:
            self._answer(200, lines)

    def do_GET(self) -> None:
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body that nobody asked for would be read as the next request
        try:
            found = [log.origin for log in self.server.memory.followed() if self.path == checkpoint_path(log.origin)]
            note = self.server.memory.latest(found[0]) if found else None
        except LedgerError as error:
            self.server.tell(f"cannot read the state: {error.message}")
            self._say(503, "this witness cannot answer now")
            return
        if note is None:
            self._say(404, "there is nothing here")
        else:
            self._answer(200, note)

    def _body(self) -> bytes | None:
        """The body of a POST, None when it was refused and answered."""
        lengths = self.headers.get_all("Content-Length", [])
        length = lengths[0] if len(lengths) == 1 else ""
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self._say(411, "send a Content-Length", close=True)
            return None
        if len(length) > 10 or int(length) > MAX_REQUEST_BYTES:
            self._say(413, f"a request has at most {MAX_REQUEST_BYTES} bytes", close=True)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return body

    def _say(self, status: int, reason: str, *, close: bool = False) -> None:
        self.close_connection = self.close_connection or close
        self._answer(status, reason + "\n")

    def _answer(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        data = text.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        self.server.tell(
            f"{self.client_address[0]} {self.command or '?'} {self.path[:80] if self.command else ''} {code}"
        )

    def log_message(self, format: str, *args: Any) -> None:
        """Errors of the protocol; they are answered, and the observer hears of the answer."""


def checkpoint_path(origin: str) -> str:
    """Where the latest checkpoint of a ledger is served (tlog-witness, "Monitor Retrieval Mechanism")."""
    return f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
