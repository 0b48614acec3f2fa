"""C2PA: signing and reading. The only file that knows c2pa-python.

The library accepts misspelt settings in silence, fetches remote manifests by default, and calls a stranger's signature
"Valid"; so every context is built here: nothing is fetched, no thumbnails, the accepted key usages always listed, and
only `Trusted` under the anchors that were given, without any failure in the file or in an ingredient, is good.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from personactl.disclose import c2pa_reading, chains, formats, native, stores, xmp
from personactl.disclose.c2pa_doubts import doubted
from personactl.disclose.c2pa_reading import EXPIRED, UNTRUSTED, C2paReading, State
from personactl.disclose.parts import ContainerError, Parts
from personactl.errors import DisclosureError, KeyProblem

with native.only_packaged_library():
    import c2pa

__all__ = ["C2paReading", "C2paSigner", "Signed", "State", "read"]

_KEY_USAGES = "1.3.6.1.5.5.7.3.4\n1.3.6.1.5.5.7.3.36\n1.3.6.1.4.1.62558.2.1\n"
"""emailProtection, documentSigning, c2pa-kp-claimSigning. Without the list the library refuses the latter two alone."""
_SIGNERS = frozenset({EXPIRED, UNTRUSTED})
"""What a certificate that has expired reads as: for an ingredient whose signer was a stranger when it was added, the
latter alone."""
_MAX_ERROR = 300


class Credential(Protocol):
    """What signs files (`personactl.keys.C2paCredential`): PEM chain with the leaf first, PKCS#8 key, anchor."""

    @property
    def chain_pem(self) -> bytes: ...

    @property
    def private_key_pem(self) -> bytes: ...

    @property
    def anchor_pem(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signed file and the manifest store inside it."""

    data: bytes
    manifest_store: bytes = field(repr=False)


class C2paSigner:
    """Signs files in memory with one credential; made once per run, used by one thread at a time.

    The algorithm follows from the leaf's key: ES256 for P-256, ES384, ES512, PS256 for RSA, Ed25519. `ta_url` is the
    address of a time-stamp service (RFC 3161) that is asked for every signature; without one nothing is asked. The
    library waits for it for 30 seconds at most. `tsa_roots` (PEM) are authorities of such services: a reference whose
    certificate has ended since may go in with a stamp of theirs.
    """

    __slots__ = ("_context", "_plain", "_signer", "anchors", "leaf_sha256", "ta_url", "tsa_roots")

    def __init__(self, credential: Credential, *, ta_url: str = "", tsa_roots: Sequence[str] = ()):
        """Raises KeyProblem when the library does not accept the chain or the key; `keys check` then names the rule."""
        self.anchors: tuple[str, ...] = (credential.anchor_pem,)
        self.ta_url = ta_url
        self.tsa_roots = tuple(tsa_roots)
        self._context = _context((*self.anchors, *self.tsa_roots))
        try:
            leaf = x509.load_pem_x509_certificates(credential.chain_pem)[0]
            self.leaf_sha256 = leaf.fingerprint(hashes.SHA256()).hex()
            algorithm = chains.signing_algorithm(leaf)
            self._plain = _signer(credential, algorithm, "")
            self._signer = _signer(credential, algorithm, ta_url) if ta_url else self._plain
        except (c2pa.C2paError, ValueError, UnsupportedAlgorithm) as error:
            raise _signing_failed(error) from None

    def sign(
        self,
        definition: Mapping[str, Any],
        media_type: str,
        data: bytes,
        *,
        references: Mapping[str, bytes] | None = None,
        parent: Mapping[str, bytes] | None = None,
    ) -> Signed:
        """Sign one encoded file. `references` (label → bytes) become `inputTo` ingredients, `parent` (one label → the
        bytes that were opened) the `parentOf` ingredient; the manifests of all of them are carried along.

        Raises KeyProblem when the signature cannot be made (c2pa.time-stamp-failed when the time-stamp service is what
        fails), DisclosureError for an ingredient whose own manifest is broken: it would sit in a file that reads as
        trusted.
        """

        def signed(signer: Any) -> Signed:
            builder = c2pa.Builder(dict(definition), context=self._context)
            source, target = io.BytesIO(data), io.BytesIO()
            try:
                for label, content in (parent or {}).items():
                    self._add_parent(builder, label, content)
                for label, content in (references or {}).items():
                    self._add_reference(builder, label, content)
                store = builder.sign(signer, media_type, source, target)
            finally:
                builder.close()
            return Signed(data=target.getvalue(), manifest_store=bytes(store))

        try:
            return signed(self._signer)
        except c2pa.C2paError as error:
            raise self._why(error, signed) from None

    def _why(self, error: Exception, signed: Callable[[Any], Signed]) -> KeyProblem:
        """The problem to report: the time-stamp service, when the same signature can be made without it."""
        if self._signer is not self._plain:
            with contextlib.suppress(c2pa.C2paError):
                signed(self._plain)
                return self._stamp_failed(error)
        return _signing_failed(error)

    def _add_reference(self, builder: Any, label: str, content: bytes) -> None:
        self._add_ingredient(builder, label, content, "inputTo")

    def _add_parent(self, builder: Any, label: str, content: bytes) -> None:
        self._add_ingredient(builder, label, content, "parentOf")

    def _add_ingredient(self, builder: Any, label: str, content: bytes, relationship: str) -> None:
        row = formats.sniff(content)
        fault = "its type is not read" if row is None else self._fault(content, row)
        if row is None or fault:
            raise DisclosureError(
                f"{label} cannot be an ingredient: {fault}",
                hint="use the picture as it was before it was altered; a reference as it was enrolled",
                code="c2pa.ingredient-broken",
            )
        ingredient = {"title": label, "relationship": relationship, "label": label}
        builder.add_ingredient(ingredient, row.media_type, io.BytesIO(content))

    def _fault(self, content: bytes, row: formats.Container) -> str:
        parts = _parts(content, row)
        return read(content, row.media_type, self.anchors, parts=parts, tsa_roots=self.tsa_roots).fault

    def _stamp_failed(self, error: Exception) -> KeyProblem:
        return KeyProblem(
            f"the time-stamp service gave no time-stamp: {str(error)[:_MAX_ERROR]}",
            where=self.ta_url,
            hint="run the same command again later, or take [c2pa] tsa out of personactl.toml",
            code="c2pa.time-stamp-failed",
        )


def _parts(content: bytes, row: formats.Container) -> Parts:
    """What the walker finds; nothing when the file breaks its format's rules, which the library tells as well."""
    try:
        return row.parts(content)
    except ContainerError:
        return Parts()


def _signer(credential: Credential, algorithm: str, ta_url: str) -> Any:
    return c2pa.Signer.from_info(
        c2pa.C2paSignerInfo(
            alg=algorithm.encode(), sign_cert=credential.chain_pem, private_key=credential.private_key_pem,
            ta_url=ta_url.encode() or None,
        )
    )  # fmt: skip


def read(
    data: bytes, media_type: str, anchors: Sequence[str], *, parts: Parts, tsa_roots: Sequence[str] = ()
) -> C2paReading:
    """Read and verify the manifest of one file under these anchors (PEM). Never raises for a bad file.

    `parts` is what the container walker found: the library reads the very store that gives the leaf and the digest, and
    looks for none of its own.
    `tsa_roots` (PEM) are authorities of time-stamp services: a certificate that has expired passes with a time-stamp
    of theirs from the time when it was valid. They vouch for times only: whoever signed must lead to `anchors`.
    """
    reading = _read(data, media_type, tuple(anchors), parts)
    if not tsa_roots or not (EXPIRED in reading.failures or _SIGNERS & set(reading.ingredient_failures)):
        return reading
    stamped = _read(data, media_type, (*anchors, *tsa_roots), parts)
    return _signed_under(stamped, anchors, parts.c2pa) or reading


def _read(data: bytes, media_type: str, anchors: tuple[str, ...], parts: Parts) -> C2paReading:
    if not parts.c2pa:
        return C2paReading(state="Remote" if _names_remote(parts.xmp) else "Absent")
    if len(parts.c2pa) > stores.MAX_STORES:
        return C2paReading(state="Unreadable", error=f"the file has {len(parts.c2pa)} manifest stores")
    # Of two the library makes its own choice, as in a clip with an update; no leaf is told then, and none is allowed.
    store = parts.c2pa[0] if len(parts.c2pa) == 1 else None
    try:
        reader = c2pa.Reader(media_type, io.BytesIO(data), manifest_data=store, context=_context(anchors))
        try:
            document = doubted(
                json.loads(reader.json()),
                unhashed=parts.unhashed,
                detailed=lambda: json.loads(reader.detailed_json()),
            )
        finally:
            reader.close()
        return c2pa_reading.from_document(document, parts.c2pa)
    except c2pa.C2paError as error:
        return C2paReading(state="Unreadable", error=str(error)[:_MAX_ERROR])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return C2paReading(
            state="Unreadable", error=f"the manifest does not have the expected form ({error!r})"[:_MAX_ERROR]
        )


def _names_remote(packets: Sequence[bytes]) -> bool:
    """Whether XMP gives the address of a manifest (C2PA 2.4, "Embedding a reference to an external manifest")."""
    for packet in packets:
        with contextlib.suppress(xmp.XmpError):
            if xmp.parse(packet).get(xmp.PROVENANCE, "").lower().startswith(("http:", "https:")):
                return True
    return False


def _signed_under(reading: C2paReading, anchors: Sequence[str], stores: Sequence[bytes]) -> C2paReading | None:
    """A reading that was also made under roots of time-stamp services, without what they must not vouch for: the
    library has one list for both. None when the certificates cannot be told for certain."""
    strangers = chains.not_under(stores[0], anchors) if len(stores) == 1 else None
    if strangers is None:
        return None
    if reading.active_label in strangers:
        failures = tuple(dict.fromkeys((*reading.failures, UNTRUSTED)))
        state: State = "Valid" if reading.state == "Trusted" else reading.state
        reading = replace(reading, state=state, failures=failures, signer_accepted=False)
    if strangers - {reading.active_label}:
        inner = tuple(dict.fromkeys((*reading.ingredient_failures, UNTRUSTED)))
        reading = replace(reading, ingredient_failures=inner)
    return reading


@lru_cache(maxsize=8)
def _context(anchors: tuple[str, ...]) -> Any:
    """Settings of the library, the same for signing and reading. Without anchors nothing is ever trusted."""
    trust: dict[str, Any] = {"trust_config": _KEY_USAGES}
    if anchors:
        trust["user_anchors"] = "\n".join(anchors)
    return c2pa.Context.from_dict(
        {
            "version": 1,
            "verify": {"verify_after_sign": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
            "core": {"allowed_network_hosts": [], "allow_redirects": False},
            "builder": {
                "thumbnail": {"enabled": False},
                "created_assertion_labels": ["c2pa.ingredient", "c2pa.actions"],
            },
            "trust": trust,
        }
    )


def _signing_failed(error: Exception) -> KeyProblem:
    return KeyProblem(
        f"the C2PA signature cannot be made: {str(error)[:_MAX_ERROR]}",
        hint="personactl keys check names the certificate rule that is broken",
        code="c2pa.signing-failed",
    )
