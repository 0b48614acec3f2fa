"""Asking a witness that is none, or is hostile: nothing is followed, believed, or waited for without end."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from personactl_ledger import Ledger
from personactl_ledger.cosignature import group_witnesses
from personactl_ledger.errors import LedgerError, WitnessProblem
from personactl_ledger.witness_client import MAX_ANSWER_BYTES, WitnessAddress, post_checkpoint
from personactl_ledger.witnessing import ask
from witness_bench import Operator, pair, vkeys


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Operator, Path]:
    """Read only."""
    return pair(tmp_path_factory.mktemp("shared"))


class Strange(BaseHTTPRequestHandler):
    answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")
    seen: list[str]

    def do_POST(self) -> None:
        type(self).seen.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, body = self.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def strange() -> Iterator[tuple[str, type[Strange]]]:
    kind = type("Told", (Strange,), {"seen": []})
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", kind
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SIZE = {"Content-Type": "text/x.tlog.size"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "code", "exit_code"),
    [
        (200, {}, b"", "witness.answer", 9),
        (200, {}, b"rubbish\n", "witness.answer", 9),
        (200, {}, b"\xff\n", "witness.answer", 9),
        (200, {}, b"x" * (MAX_ANSWER_BYTES + 1), "witness.answer", 9),
        (200, {}, "— stranger.example AAAAAAAA\n".encode(), "witness.answer", 9),
        (302, {"Location": "/elsewhere"}, b"", "witness.answer", 9),
        (500, {}, b"", "witness.answer", 9),
        (409, {}, b"3\n", "witness.answer", 9),
        (409, SIZE, b"03\n", "witness.answer", 9),
        (409, SIZE, b"3", "witness.answer", 9),
        (409, SIZE, b"3\n", "witness.conflict", 10),
        (409, SIZE, b"99\n", "witness.ahead", 4),
        (422, {}, b"no\x1b[2J\n", "witness.inconsistent", 4),
        (403, {}, b"", "witness.log-signature", 5),
        (404, {}, b"", "witness.log-unknown", 5),
        (400, {}, b"", "witness.request-malformed", 4),
    ],
)
def test_an_answer_that_is_no_cosignature_is_an_error(
    shared: tuple[Operator, Path], strange: tuple[str, type[Strange]], status: int, headers: dict[str, str],
    body: bytes, code: str, exit_code: int,
) -> None:  # fmt: skip
    url, kind = strange
    kind.answer = (status, headers, body)
    address = WitnessAddress.parse(url + "/prefix/")
    with Ledger.open_reader(shared[0].path) as ledger:
        with pytest.raises(LedgerError) as caught:
            ask(ledger, group_witnesses(vkeys(shared[1])), lambda request: post_checkpoint(address, request))
        assert (caught.value.code, caught.value.exit_code) == (code, exit_code)
    assert set(kind.seen) == {"/prefix/add-checkpoint"}
    assert len(kind.seen) == (2 if code == "witness.conflict" else 1)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.org", "example.org", "http://", "http://u:p@example.org", "http://a/?q",
     "http://a/#f", "http://a b", "http://a:99999", "http://a\r\nX: y", "https://[", ""],
)  # fmt: skip
def test_only_plain_http_addresses_are_taken(url: str) -> None:
    with pytest.raises(LedgerError) as caught:
        WitnessAddress.parse(url)
    assert (caught.value.code, caught.value.exit_code) == ("witness.address", 2)


def test_a_certificate_of_an_unknown_authority_is_not_accepted(tmp_path: Path) -> None:
    made = "openssl req -x509 -newkey ed25519 -noenc -keyout key.pem -out cert.pem -subj /CN=localhost -days 2"
    subprocess.run([*made.split(), "-addext", "subjectAltName=DNS:localhost"], cwd=tmp_path, check=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    kind = type("Told", (Strange,), {"seen": []})
    server = HTTPServer(("127.0.0.1", 0), kind)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    try:
        with pytest.raises(WitnessProblem) as caught:
            post_checkpoint(WitnessAddress.parse(f"https://localhost:{server.server_port}"), b"old 0\n")
        assert caught.value.code == "witness.unreachable"
        assert "CERTIFICATE" in caught.value.message.upper()
        assert kind.seen == []
    finally:
        thread.join()
        server.server_close()


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_witness_that_never_ends_its_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch, begin: bytes) -> None:
    from personactl_ledger import witness_client

    monkeypatch.setattr(witness_client, "EXCHANGE_SECONDS", 0.5)
    listener = socket.create_server(("127.0.0.1", 0))
    to_the_end = threading.Event()

    def trickle() -> None:
        connection, _ = listener.accept()
        try:
            connection.recv(4096)
            connection.sendall(begin)
            for _ in range(200):
                connection.sendall(b"x")
                time.sleep(0.05)
            to_the_end.set()
        except OSError:
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        address = WitnessAddress.parse(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with suppress(WitnessProblem):  # what came before the cut is an answer, or none
            assert len(post_checkpoint(address, b"old 0\n").body) < 100
        assert not to_the_end.is_set()
    finally:
        thread.join()
        listener.close()
