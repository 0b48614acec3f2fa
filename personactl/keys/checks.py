"""`keys check`: what is wrong with a key folder, all at once, in plain words."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from personactl_ledger import Ledger, LedgerError

from personactl import continuity
from personactl.errors import KeyProblem
from personactl.keys import keyset, layout, moments, rules
from personactl.keys.moments import Moment
from personactl.model import Finding


def check(folder: Path, *, ledger: Path | None = None, now: Moment | None = None) -> tuple[Finding, ...]:
    """Every rule that the folder breaks; empty when nothing is to be said. Never raises for a bad folder.

    `ledger` is where the project has its ledger: if there is one, it is asked whether these are its keys. `now`
    (RFC 3339 UTC) defaults to the clock; certificates are judged at that time.
    """
    moment = datetime.now(UTC) if now is None else datetime.fromisoformat(moments.read(now))
    if not folder.is_dir():
        return (
            Finding(
                code="keys.folder-missing",
                severity="error",
                message=f"there is no key folder at {folder}",
                hint=layout.PUT_BACK,
            ),
        )
    unsettled = (*_problem(lambda: keyset.require_settled(folder)),)
    asked = () if unsettled or ledger is None or not ledger.exists() else _known(folder, ledger)
    return (*_modes(folder), *unsettled, *_signers(folder), *asked, *_certificates(folder, moment))


def _modes(folder: Path) -> Iterator[Finding]:
    for path in (folder, *(folder / name for name in (*layout.REQUIRED, *layout.OPTIONAL))):
        if path.exists() and layout.too_open(path.stat().st_mode):
            yield Finding(
                code="keys.permissions-open",
                severity="error",
                message=f"{path.name} is open to other users (mode {stat.S_IMODE(path.stat().st_mode):04o})",
                hint=f"chmod -R go= '{folder}'",
            )


def _signers(folder: Path) -> Iterator[Finding]:
    """Each signing key must load, and the root key must be the one that keys.json lists."""
    for name in (layout.OPERATOR_KEY, layout.LEDGER_KEY):
        yield from _problem(lambda name=name: keyset.load_ed25519(folder, name))  # type: ignore[misc]
    yield from _problem(lambda: keyset.load_mldsa(folder))
    if not (folder / layout.LEDGER_MLDSA_KEY).exists():
        yield Finding(
            code="keys.mldsa-missing",
            severity="info",
            message="the ledger has no ML-DSA-44 key; checkpoints carry an Ed25519 signature only",
            hint="a newer cryptography release makes both",
        )
    yield from _root(folder)


def _known(folder: Path, path: Path) -> Iterator[Finding]:
    """What the ledger says of the keys that are there: each must be in use in its role, and believed."""
    try:
        held = keyset.load(folder).in_folder
        with Ledger.open_reader(path) as ledger:
            in_use = {role: ledger.in_use(role) for role, _ in held}
            fallen = continuity.fallen(ledger, held)
    except KeyProblem:
        return  # `_signers` says it
    except LedgerError as error:
        message = f"the ledger cannot be asked about these keys: {error.message}"
        hint = error.hint or "personactl ledger check"
        yield Finding(code=error.code, severity="warning", message=message, hint=hint)
        return
    for role, kid in held:
        if kid not in in_use[role]:
            yield Finding(
                code="keys.not-in-use", severity="error",
                message=f"the {role} key of the folder ({kid}) is not one that the ledger has in use",
                hint="put the newest copy of this ledger's own key folder back; no other keys can sign for it",
            )  # fmt: skip
    for role, kid in fallen:
        yield Finding(
            code="keys.distrusted", severity="error", message=continuity.fall(role, kid),
            hint=continuity.successor(role),
        )  # fmt: skip


def _root(folder: Path) -> Iterator[Finding]:
    try:
        listed = keyset.root_public_keys(keyset.load_index(folder), folder)
        if not (folder / layout.ROOT_KEY).exists():
            yield Finding(
                code="keys.root-offline",
                severity="info",
                message="the root key is not in the folder: steps that it signs will ask for it",
                hint=f"put {layout.ROOT_KEY} back when keys are added, retired or revoked",
            )
        elif keyset.load_ed25519(folder, layout.ROOT_KEY).public_key().public_bytes_raw() not in listed:
            yield Finding(
                code="keys.root-mismatch",
                severity="error",
                message=f"{layout.ROOT_KEY} is not one of the root keys that {layout.INDEX} lists",
                hint="restore the root key that this folder was made with",
            )
    except KeyProblem as problem:
        yield _as_finding(problem)


def _certificates(folder: Path, now: datetime) -> Iterator[Finding]:
    try:
        chain = load_certificates(folder, layout.C2PA_CHAIN)
        root = load_certificates(folder, layout.C2PA_ROOT_CERTIFICATE)[0]
        yield from rules.leaf_rules(chain[0], now)
        yield from rules.root_rules(root, now)
        yield from rules.chain_rules(chain, root)
        yield from rules.key_rules(chain[0], keyset.load_private(folder, layout.C2PA_LEAF_KEY))
    except KeyProblem as problem:
        yield _as_finding(problem)


def load_certificates(folder: Path, name: str) -> list[x509.Certificate]:
    """The certificates of one PEM file. Raises KeyProblem when there is none or one is malformed."""
    try:
        certificates = x509.load_pem_x509_certificates(layout.read(folder, name))
        for certificate in certificates:
            certificate.extensions  # noqa: B018  parsing is lazy; malformed extensions raise here
        return certificates
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise KeyProblem(
            f"{name} does not hold sound PEM certificates: {error}",
            where=str(folder / name),
            hint="ask the authority for the chain in PEM, leaf first",
            code="keys.certificate-unreadable",
        ) from None


def _problem(load: Callable[[], object]) -> Iterator[Finding]:
    try:
        load()
    except KeyProblem as problem:
        yield _as_finding(problem)


def _as_finding(problem: KeyProblem) -> Finding:
    return Finding(code=problem.code, severity="error", message=problem.message, hint=problem.hint or "")
