"""Asking a witness over HTTP (C2SP tlog-witness; SPEC 14.5). One address, given by the caller; the standard library.

A witness is not trusted: no redirect is followed, no proxy of the environment is used, an answer has a cap, a read has
a timeout, and the whole exchange has an end.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from personactl_ledger.errors import LedgerError, WitnessProblem
from personactl_ledger.note import MAX_NOTE_BYTES

READ_SECONDS = 10.0
EXCHANGE_SECONDS = 30.0
MAX_ANSWER_BYTES = MAX_NOTE_BYTES
SIZE_TYPE = "text/x.tlog.size"
_PLAIN = re.compile(r"[!-~]{1,2000}")
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a witness said. `size` is the tree that it holds, only with 409 and as the protocol writes it."""

    status: int
    body: bytes
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessAddress:
    """The submission prefix of a witness, taken apart."""

    secure: bool
    host: str
    port: int | None
    path: str

    @classmethod
    def parse(cls, url: str) -> WitnessAddress:
        """`http://` or `https://`, a host, perhaps a port and a path. Raises LedgerError (code witness.address)."""
        try:
            parts = urlsplit(url) if _PLAIN.fullmatch(url) else None
            port = parts.port if parts is not None else None
        except ValueError:
            parts, port = None, None
        if (
            parts is None
            or parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.username is not None
            or parts.query
            or parts.fragment
        ):
            raise LedgerError(
                "this is not the address of a witness",
                where=url[:200],
                hint="http:// or https://, a host, perhaps a port and a path; no user, query or fragment",
                code="witness.address",
                exit_code=2,
            )
        return cls(secure=parts.scheme == "https", host=parts.hostname, port=port, path=parts.path.rstrip("/"))


def post_checkpoint(address: WitnessAddress, request: bytes) -> Answer:
    """`POST <prefix>/add-checkpoint`, once. Raises WitnessProblem (codes witness.unreachable, witness.answer)."""
    import http.client

    kind = http.client.HTTPSConnection if address.secure else http.client.HTTPConnection
    connection = kind(address.host, address.port, timeout=READ_SECONDS)
    try:
        connection.connect()
        with _ends(connection.sock):
            headers = {"Content-Type": "text/plain; charset=utf-8", "Connection": "close"}
            connection.request("POST", f"{address.path}/add-checkpoint", body=request, headers=headers)
            with connection.getresponse() as response:
                body = response.read(MAX_ANSWER_BYTES + 1)
        told = response.headers.get_content_type() == SIZE_TYPE
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise WitnessProblem(
            f"the witness cannot be reached: {getattr(error, 'strerror', None) or type(error).__name__}",
            where=f"{address.host}{address.path}",
            hint="check the address; nothing was lost, ask again later",
            code="witness.unreachable",
        ) from None
    finally:
        connection.close()
    if len(body) > MAX_ANSWER_BYTES:
        raise unusable(f"its answer is longer than {MAX_ANSWER_BYTES} bytes")
    found = _SIZE.fullmatch(body) if response.status == 409 and told else None
    return Answer(status=response.status, body=body, size=int(found[1]) if found else None)


def unusable(reason: str) -> WitnessProblem:
    """The error for an answer that breaks the protocol."""
    return WitnessProblem(
        f"the answer of the witness cannot be used: {reason}",
        hint="ask its owner; nothing was taken in",
        code="witness.answer",
    )


@contextmanager
def _ends(sock: socket.socket) -> Iterator[None]:
    """Whatever trickles in or out of the socket, the block ends after EXCHANGE_SECONDS."""
    end = threading.Timer(EXCHANGE_SECONDS, _cut, (sock,))
    end.daemon = True
    end.start()
    try:
        yield
    finally:
        end.cancel()


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
