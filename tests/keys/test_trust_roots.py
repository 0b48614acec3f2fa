"""Which certificates a trust file can hold: both readers of trust files take the same `tsaRoots` (SPEC 9.1)."""

from __future__ import annotations

import importlib.util
import json
from base64 import b64decode, b64encode
from pathlib import Path
from types import ModuleType

import key_folders
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from key_folders import NOW_TEXT, ORIGIN, Authority

from personactl import keys
from personactl.errors import TrustError
from personactl.keys import trust

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
ROOT = key_folders.pem(Authority().certificate).decode()
LEAF = key_folders.pem(Authority().leaf(ec.generate_private_key(ec.SECP256R1()))).decode()
BODY = "".join(ROOT.split("\n")[1:-2])
DER = b64decode(BODY)
EC_KEY = bytes.fromhex("06072a8648ce3d0201")
"""The object identifier of elliptic-curve keys."""
OTHER_KEY = EC_KEY[:-1] + bytes([127])


def _spare(der: bytes) -> str:
    """Base64 whose unused bits are not zero, of a DER with other bytes behind it where it has none to spare."""
    text = b64encode(der).decode()
    if text[-1] != "=":
        return text + "AA=="
    last = len(text.rstrip("=")) - 1
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[:last] + alphabet[alphabet.index(text[last]) + 1] + text[last + 1 :]


GOOD = {
    "as it is written": ROOT,
    "without a last newline": ROOT.rstrip("\n"),
    "with CR LF": ROOT.replace("\n", "\r\n"),
    "on one line": f"{BEGIN}\n{BODY}\n{END}\n",
    "with blank space": f"{BEGIN}\n {BODY[:40]}\t{BODY[40:]} \n{END}\n\n",
}
BAD = {
    "empty": "",
    "no certificate": "hello",
    "text before": f"Example Root\n{ROOT}",
    "text behind": f"{ROOT}Example Root\n",
    "two of them": ROOT + ROOT,
    "a leaf": LEAF,
    "another label": ROOT.replace("CERTIFICATE", "X509 CERTIFICATE"),
    "a wrong end": ROOT.replace("END CERTIFICATE", "END CERTIFICAT"),
    "no end": ROOT[:-30],
    "an odd character": f"{BEGIN}\n{BODY[:40]}\x0b{BODY[40:]}\n{END}\n",
    "a character of no alphabet": f"{BEGIN}\n{BODY[:40]}!{BODY[40:]}\n{END}\n",
    "a changed base64 character that gives no DER": f"{BEGIN}\nA{BODY[1:]}\n{END}\n",
    "a byte behind the DER": f"{BEGIN}\n{b64encode(DER + bytes(1)).decode()}\n{END}\n",
    "a byte less": f"{BEGIN}\n{b64encode(DER[:-1]).decode()}\n{END}\n",
    "a key of an unknown kind": f"{BEGIN}\n{b64encode(DER.replace(EC_KEY, OTHER_KEY)).decode()}\n{END}\n",
    "padding in the middle": f"{BEGIN}\n{b64encode(DER[:100]).decode()}\n{b64encode(DER[100:]).decode()}\n{END}\n",
    "bits behind the last byte": f"{BEGIN}\n{_spare(DER)}\n{END}\n",
    "headers": f"{BEGIN}\nProc-Type: 4,ENCRYPTED\n\n{BODY}\n{END}\n",
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = key_folders.make(tmp_path_factory.mktemp("keys") / "keys")
    data = keys.export_trust(keys.load(folder), name="x", origin=ORIGIN, detector="", now=NOW_TEXT)
    return dict(json.loads(data))


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "ledger" / "verify_ledger.py"
    spec = importlib.util.spec_from_file_location("verify_ledger", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def both(document: dict[str, object], verifier: ModuleType, tmp_path: Path) -> tuple[bool, bool]:
    """Whether personactl, and whether the stand-alone verifier takes it."""
    data = json.dumps(document).encode()
    (tmp_path / "trust.json").write_bytes(data)
    try:
        trust.parse(data, "trust.json")
        first = True
    except TrustError as error:
        assert error.code == "trust.file-invalid"
        first = False
    try:
        verifier.Trust(tmp_path / "trust.json")
    except verifier.Bad:
        return first, False
    return first, True


@pytest.mark.parametrize("name", [*GOOD, *BAD])
def test_both_readers_take_the_same_certificates(
    name: str, document: dict[str, object], verifier: ModuleType, tmp_path: Path
) -> None:
    pem = (GOOD | BAD)[name]
    assert both(document | {"tsaRoots": [pem]}, verifier, tmp_path) == (name in GOOD, name in GOOD)


@pytest.mark.parametrize("value", [None, "x", {}, [1], [ROOT, ROOT]])
def test_both_readers_refuse_another_list(
    value: object, document: dict[str, object], verifier: ModuleType, tmp_path: Path
) -> None:
    assert both(document, verifier, tmp_path) == (True, True)
    assert both(document | {"tsaRoots": value}, verifier, tmp_path) == (False, False)


def test_both_readers_miss_a_list_that_is_not_there(
    document: dict[str, object], verifier: ModuleType, tmp_path: Path
) -> None:
    """A key that nobody knows is ignored, so a misspelt one must be missed."""
    without = {name: value for name, value in document.items() if name != "tsaRoots"}
    assert both(without, verifier, tmp_path) == (False, False)
    assert both(without | {"tsaroots": [ROOT]}, verifier, tmp_path) == (False, False)
