"""Time stamps over a checkpoint (SPEC 8.3, 15): the request, and what a response proves.

request → send or carry → verify_token → stamping.store_stamp
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from personactl_ledger.checkpoint import Checkpoint, log_signed_part
from personactl_ledger.errors import FormatError
from personactl_ledger.note import Vkey
from personactl_ledger.tsp import TokenInfo, parse_token, unfit
from personactl_ledger.tsp_revocation import require_unrevoked
from personactl_ledger.tsp_second import second_opinion
from personactl_ledger.tsp_signature import (
    digest,
    load_certificates,
    require_content,
    require_signature,
    signer_certificate,
)
from personactl_ledger.tsp_trust import Untrusted, chain_to_root, load_roots

READER = "personactl"
NO_CERTIFICATE = "the certificate of the service is neither in the token nor in its evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A query for a service: its DER, and the nonce that the answer has to repeat."""

    der: bytes
    nonce: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StampReport:
    """A token that holds (SPEC 15.2). `untrusted` is None when its service counts for the verifier (SPEC 15.3), else
    the reason; `tsa` is the name in the service's certificate; `verified_by` are the verifiers that accepted the
    chain."""

    gen_time: str
    accuracy: timedelta | None
    tsa: str
    serial: int
    policy: str
    hash_algorithm: str
    nonce: int | None
    untrusted: str | None
    verified_by: tuple[str, ...]

    @property
    def says(self) -> str:
        """All that a token proves, as a sentence."""
        spread = "" if self.accuracy is None else f" ±{self.accuracy.total_seconds():g} s"
        return f"existed before {self.gen_time}{spread} (TSA {self.tsa})"


def build_request(covered: bytes) -> Request:
    """A query over `covered` (SPEC 8.3): SHA-512, a fresh nonce, and the wish for the service's certificate."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    builder = TimestampRequestBuilder().data(covered).hash_algorithm(HashAlgorithm.SHA512)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    if request.nonce is None:
        raise unfit("the request has no nonce")
    return Request(der=request.as_bytes(), nonce=request.nonce)


def covered_bytes(checkpoint: Checkpoint, ledger_key: Iterable[Vkey], renewed: bytes | None) -> bytes:
    """What the imprint is over: the checkpoint with that key's own lines, then the token that is renewed (SPEC 8.3)."""
    return log_signed_part(checkpoint, ledger_key) + (renewed or b"")


def imprint_matches(token: TokenInfo, covered: bytes) -> bool:
    """Whether the token is about these bytes."""
    return digest(token.hash_algorithm, covered) == token.digest


def verify_token(
    response: bytes,
    covered: Iterable[bytes],
    *,
    roots: Sequence[str],
    evidence: Sequence[bytes] = (),
    nonce: int | None = None,
) -> StampReport:
    """Check a response over any of `covered`, its signature, and the service's chain to `roots` (PEM) at its own time.

    Raises FormatError for a token that does not hold (SPEC 15.2): code ledger.token-imprint for other bytes,
    ledger.token-nonce for another nonce, ledger.token-malformed for the rest. A service that does not count is no
    error: `untrusted` tells.
    """
    token = parse_token(response)
    if not any(imprint_matches(token, data) for data in covered):
        raise FormatError("the token is about other bytes: its imprint is another one", code="ledger.token-imprint")
    if nonce is not None and token.nonce != nonce:
        raise FormatError("the token does not repeat the nonce of the request", code="ledger.token-nonce")
    require_content(token)
    held = load_certificates([*token.certificates, *evidence])
    signer = signer_certificate(token, held)
    if signer is None:
        return _report(token, "unknown", NO_CERTIFICATE, ())
    require_signature(token, signer)
    name = signer.subject.rfc4514_string()[:200]
    try:
        chain = chain_to_root(signer, held, load_roots(roots), token.gen_time)
        require_unrevoked(chain, evidence, token.gen_time)
        second = second_opinion(response, token, chain)
    except Untrusted as reason:
        return _report(token, name, str(reason), ())
    return _report(token, name, None, (READER,) if second is None else (READER, second))


def _report(token: TokenInfo, tsa: str, untrusted: str | None, verified_by: tuple[str, ...]) -> StampReport:
    return StampReport(
        gen_time=token.gen_time_text,
        accuracy=token.accuracy,
        tsa=tsa,
        serial=token.serial,
        policy=token.policy,
        hash_algorithm=token.hash_algorithm,
        nonce=token.nonce,
        untrusted=untrusted,
        verified_by=verified_by,
    )
