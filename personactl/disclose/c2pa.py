"""C2PA: signing and reading. The only file that knows c2pa-python.

The library accepts misspelt settings in silence, fetches remote manifests by default, and calls a stranger's signature
"Valid"; so every context is built here: nothing is fetched, no thumbnails, the accepted key usages always listed, and
only `Trusted` under the anchors that were given, without any failure in the file or in an ingredient, is good.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from personactl.disclose import cose, formats, native
from personactl.disclose.c2pa_doubts import doubted
from personactl.disclose.c2pa_manifest import ACTIONS_LABEL, AI_DISCLOSURE_LABEL, ASSERTION_LABEL
from personactl.errors import DisclosureError, KeyProblem

with native.only_packaged_library():
    import c2pa

State = Literal["Trusted", "Valid", "Invalid", "Absent", "Remote", "Unreadable"]
"""The library's three verdicts; no manifest; a manifest that is only named by an address; nothing that parses."""

_KEY_USAGES = "1.3.6.1.5.5.7.3.4\n1.3.6.1.5.5.7.3.36\n1.3.6.1.4.1.62558.2.1\n"
"""emailProtection, documentSigning, c2pa-kp-claimSigning. Without the list the library refuses the latter two alone."""
_MAX_ERROR = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class C2paReading:
    """What the active manifest of a file says and how it stands. Strings are those of the file: escape before printing.

    `failures` holds every failure code, of the manifest and of each ingredient; `informational` the rest that is not
    success. `assertion` is `org.personactl.generation`, `leaf_sha256` the certificate that signed (hex, "" when
    unclear), `signed_at` the time of a time-stamp, "" without one.
    """

    state: State
    failures: tuple[str, ...] = ()
    informational: tuple[str, ...] = ()
    active_label: str = ""
    title: str = ""
    generator: str = ""
    actions: tuple[Mapping[str, Any], ...] = ()
    assertion: Mapping[str, Any] | None = None
    ai_disclosure: Mapping[str, Any] | None = None
    ingredients: int = 0
    issuer: str = ""
    signed_at: str = ""
    leaf_sha256: str = ""
    manifest_sha256: str = ""
    remote: bool = False
    error: str = ""

    @property
    def first_action(self) -> str:
        """The first action, "" without one: `c2pa.created` or `c2pa.opened` in a sound manifest."""
        return str(self.actions[0].get("action", "")) if self.actions else ""

    @property
    def digital_source_type(self) -> str:
        """The digitalSourceType of the first action, "" when it has none."""
        return str(self.actions[0].get("digitalSourceType", "")) if self.actions else ""


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
    """Signs files in memory with one credential; made once per run, used by one thread at a time."""

    __slots__ = ("_context", "_signer", "anchors", "leaf_sha256")

    def __init__(self, credential: Credential):
        """Raises KeyProblem when the library does not accept the chain or the key; `keys check` then names the rule."""
        self.anchors: tuple[str, ...] = (credential.anchor_pem,)
        self._context = _context(self.anchors)
        try:
            leaf = x509.load_pem_x509_certificates(credential.chain_pem)[0]
            self.leaf_sha256 = leaf.fingerprint(hashes.SHA256()).hex()
            self._signer = c2pa.Signer.from_info(
                c2pa.C2paSignerInfo(
                    alg=b"es256", sign_cert=credential.chain_pem, private_key=credential.private_key_pem, ta_url=None
                )
            )
        except (c2pa.C2paError, ValueError) as error:
            raise _signing_failed(error) from None

    def sign(
        self,
        definition: Mapping[str, Any],
        media_type: str,
        data: bytes,
        *,
        references: Mapping[str, bytes] | None = None,
    ) -> Signed:
        """Sign one encoded file. `references` (label → bytes) become `inputTo` ingredients.

        Raises KeyProblem when the signature cannot be made, DisclosureError for a reference whose own manifest is
        broken: it would sit in a file that reads as trusted.
        """
        builder = c2pa.Builder(dict(definition), context=self._context)
        source, target = io.BytesIO(data), io.BytesIO()
        try:
            for label, content in (references or {}).items():
                self._add_reference(builder, label, content)
            store = builder.sign(self._signer, media_type, source, target)
        except c2pa.C2paError as error:
            raise _signing_failed(error) from None
        finally:
            builder.close()
        return Signed(data=target.getvalue(), manifest_store=bytes(store))

    def _add_reference(self, builder: Any, label: str, content: bytes) -> None:
        row = formats.sniff(content)
        state: State = "Unreadable" if row is None else read(content, row.media_type, self.anchors).state
        if row is None or state not in ("Trusted", "Valid", "Absent"):
            raise DisclosureError(
                f"the reference {label} cannot be an ingredient: its own credential is {state.lower()}",
                hint="use the reference as it was enrolled",
                code="c2pa.ingredient-broken",
            )
        ingredient = {"title": label, "relationship": "inputTo", "label": label}
        builder.add_ingredient(ingredient, row.media_type, io.BytesIO(content))


def read(data: bytes, media_type: str, anchors: Sequence[str], *, stores: Sequence[bytes] = ()) -> C2paReading:
    """Read and verify the manifest of one file under these anchors (PEM). Never raises for a bad file.

    `stores` are the manifest stores that the container walker found; they give the leaf and the store's digest.
    """
    try:
        reader = c2pa.Reader.try_create(media_type, io.BytesIO(data), context=_context(tuple(anchors)))
        if reader is None:
            return C2paReading(state="Absent")
        try:
            document = doubted(json.loads(reader.json()))
        finally:
            reader.close()
        return _reading(document, stores)
    except c2pa.C2paError as error:
        message = str(error)[:_MAX_ERROR]
        if "ManifestNotFound" in message:
            return C2paReading(state="Absent")
        if message.startswith("Remote"):
            return C2paReading(state="Remote", remote=True, error=message)
        return C2paReading(state="Unreadable", error=message)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return C2paReading(
            state="Unreadable", error=f"the manifest does not have the expected form ({error!r})"[:_MAX_ERROR]
        )


def _reading(document: dict[str, Any], stores: Sequence[bytes]) -> C2paReading:
    label = document["active_manifest"]
    manifest = document["manifests"][label]
    assertions = {item["label"]: item.get("data") for item in manifest.get("assertions", [])}
    actions = (assertions.get(ACTIONS_LABEL) or assertions.get("c2pa.actions") or {}).get("actions", [])
    signature = manifest.get("signature_info") or {}
    generators = manifest.get("claim_generator_info") or [{}]
    return C2paReading(
        state=document["validation_state"],
        failures=_codes(document, "failure"),
        informational=_codes(document, "informational"),
        active_label=label,
        title=str(manifest.get("title", "")),
        generator=f"{generators[0].get('name', '')} {generators[0].get('version', '')}".strip(),
        actions=tuple(actions),
        assertion=_mapping(assertions.get(ASSERTION_LABEL)),
        ai_disclosure=_mapping(assertions.get(AI_DISCLOSURE_LABEL)),
        ingredients=len(manifest.get("ingredients", [])),
        issuer=str(signature.get("issuer", "")),
        signed_at=str(signature.get("time", "")),
        leaf_sha256=cose.leaf_sha256(stores[0], label) if len(stores) == 1 else "",
        manifest_sha256=hashlib.sha256(stores[0]).hexdigest() if len(stores) == 1 else "",
    )


def _codes(document: dict[str, Any], kind: str) -> tuple[str, ...]:
    """The status codes of one kind, from every place where the library puts them, without repetition."""
    results = document.get("validation_results", {})
    groups = [results.get("activeManifest") or {}]
    groups += [delta.get("validationDeltas") or {} for delta in results.get("ingredientDeltas") or []]
    for manifest in document["manifests"].values():
        for ingredient in manifest.get("ingredients", []):
            groups.append((ingredient.get("validation_results") or {}).get("activeManifest") or {})
    return tuple(dict.fromkeys(str(item.get("code", "")) for group in groups for item in group.get(kind) or []))


def _mapping(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


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
