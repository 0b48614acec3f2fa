"""Asking a time-stamp service over HTTP (RFC 3161 section 3.4): one POST, no redirect, bounded time and size."""

from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.request
from typing import IO
from urllib.parse import urlsplit

from personactl_ledger.errors import LedgerError, TimestampRefused
from personactl_ledger.tsp import MAX_RESPONSE_BYTES

_ENDLESS = "the time-stamp service did not answer within {:g} seconds"


def require_address(url: str) -> None:
    """Raises LedgerError (code ledger.tsa-address, exit 2) unless this is an http or https address without a login."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        good = good and url.isascii() and url.isprintable() and " " not in url and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise LedgerError(
            "the address of the time-stamp service is not an http or https address without a login",
            hint="for a service with a login: --write-request, then --take-response",
            code="ledger.tsa-address",
            exit_code=2,
        )


def ask(url: str, request: bytes, *, seconds: float) -> bytes:
    """The body of the service's answer, unjudged.

    Raises TimestampRefused (code ledger.tsa-unreachable) when the whole exchange takes longer than `seconds`, for an
    HTTP error or redirect, and for an answer longer than a token may be.
    """
    require_address(url)
    answers: list[bytes | TimestampRefused] = []
    # A thread, because a timeout of a socket starts anew with each byte that a slow service sends.
    worker = threading.Thread(target=_exchange, args=(url, request, seconds, answers), daemon=True)
    worker.start()
    worker.join(seconds)
    answer = answers[0] if answers else _failed(_ENDLESS.format(seconds))
    if isinstance(answer, TimestampRefused):
        raise answer
    return answer


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Only the address that the operator named is asked."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:  # fmt: skip
        return None


def _exchange(url: str, request: bytes, seconds: float, answers: list[bytes | TimestampRefused]) -> None:
    try:
        answers.append(_post(url, request, seconds))
    except TimestampRefused as refused:
        answers.append(refused)
    except urllib.error.HTTPError as error:
        error.close()
        answers.append(_failed(f"the time-stamp service answered HTTP {error.code}"))
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        slow = isinstance(reason, TimeoutError) or isinstance(error, TimeoutError)
        told = _ENDLESS.format(seconds) if slow else f"the time-stamp service cannot be reached: {reason!s:.200}"
        answers.append(_failed(told))


def _post(url: str, request: bytes, seconds: float) -> bytes:
    query = urllib.request.Request(  # noqa: S310  (require_address has looked at the scheme)
        url, data=request, method="POST",
        headers={"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"},
    )  # fmt: skip
    with urllib.request.build_opener(_NoRedirect).open(query, timeout=seconds) as answer:
        data: bytes = answer.read(MAX_RESPONSE_BYTES + 1)
        if answer.status != 200:
            raise _failed(f"the time-stamp service answered HTTP {answer.status}")
    if len(data) > MAX_RESPONSE_BYTES:
        raise _failed(f"the time-stamp service answered more than {MAX_RESPONSE_BYTES} bytes")
    return data


def _failed(reason: str) -> TimestampRefused:
    return TimestampRefused(
        reason,
        hint="nothing was stored; try again, name another service, or carry the request: --write-request FILE",
        code="ledger.tsa-unreachable",
    )
