"""Both readers agree on every vector, and the committed vectors are what the generator writes."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from base64 import b64decode
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ledger_bench import ROOM, forge
from personactl_ledger import LedgerError, LedgerTrust, ReceiptError, check, verify_receipt
from personactl_ledger.checkpoint import mldsa_available
from personactl_ledger.export_check import check_export
from personactl_ledger.misbehaviour import verify_misbehaviour
from personactl_ledger.note import COSIGNATURE_ED25519, Vkey

import generate  # isort: skip  (its folder is on the path through ledger_bench)

VECTORS = ROOM / "vectors"
ORIGIN = forge.Forge().origin
NAMES = sorted(path.parent.name for path in VECTORS.glob("*/vector.json"))


def read(name: str) -> tuple[Path, dict[str, Any]]:
    vector = json.loads((VECTORS / name / "vector.json").read_text(encoding="utf-8"))
    if "needs" in vector and not mldsa_available():
        pytest.skip("the installed cryptography has no ML-DSA-44")
    return VECTORS / name, vector


def trust_of(folder: Path) -> LedgerTrust | None:
    path = folder / "trust.json"
    if not path.exists():
        return None
    document = json.loads(path.read_text(encoding="utf-8"))
    return LedgerTrust(
        document["origin"], tuple(document["logKeys"]), tuple(b64decode(key) for key in document["rootKeys"]),
        revoked=tuple((item["kid"], item["fromIndex"]) for item in document.get("revoked", [])),
        witnesses=witnesses_of(document), tsa_roots=tuple(document.get("tsaRoots", [])),
    )  # fmt: skip


def witnesses_of(document: dict[str, Any]) -> tuple[int, tuple[str, ...]]:
    witnesses = document.get("witnesses", {"quorum": 0, "vkeys": []})
    return witnesses["quorum"], tuple(witnesses["vkeys"])


def by_package(folder: Path, vector: dict[str, Any], scratch: Path) -> tuple[int, list[str]]:
    """(exit code, codes of errors and warnings)."""
    trust = trust_of(folder)
    if vector["reader"] == "ledger":
        anchors = [(folder / name).read_bytes() for name in vector.get("anchors", [])]
        report = check(forge.load(folder, scratch / "ledger.sqlite"), anchors=anchors, trust=trust)
        assert report.anchored == (bool(anchors) and not vector.get("code") and not vector.get("unanchored"))
        contradicted = bool(anchors) and not report.ok
        assert any("not excluded" in note for note in report.notes) != (report.anchored or contradicted)
        codes = [finding.code for finding in report.findings if finding.severity == "error"]
        return report.exit_code, codes + [f.code for f in report.findings if f.severity == "warning"]
    if vector["reader"] == "export":
        anchors = [(folder / name).read_bytes() for name in vector.get("anchors", [])]
        found = check_export(forge.load_export(folder, scratch / "export"), anchors=anchors, trust=trust)
        assert found.anchored == (bool(anchors) and not vector.get("code"))
        return found.exit_code, [item.code for item in found.findings if item.severity == "error"]
    assert trust is not None
    if vector["reader"] == "misbehaviour":
        try:
            verify_misbehaviour((folder / "proof.json").read_bytes(), trust)
        except LedgerError as error:
            return error.exit_code, [error.code]
        return 0, []
    file = folder / "file"
    subject = hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None
    try:
        verify_receipt((folder / "the.receipt").read_bytes(), trust, subject_sha256=subject)
    except ReceiptError as error:
        assert error.where
        return error.exit_code, [error.code]
    return 0, []


def by_verifier(
    verifier: ModuleType, folder: Path, vector: dict[str, Any], scratch: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[str], str]:
    arguments = [vector["reader"]]
    if vector["reader"] == "ledger":
        arguments.append(str(forge.load(folder, scratch / "ledger.sqlite")))
        for name in vector.get("anchors", []):
            arguments += ["--anchor", str(folder / name)]
    elif vector["reader"] == "export":
        arguments.append(str(forge.load_export(folder, scratch / "export")))
        for name in vector.get("anchors", []):
            arguments += ["--anchor", str(folder / name)]
    elif vector["reader"] == "misbehaviour":
        arguments.append(str(folder / "proof.json"))
    else:
        arguments.append(str(folder / "the.receipt"))
        if (folder / "file").exists():
            arguments += ["--file", str(folder / "file")]
    if (folder / "trust.json").exists():
        arguments += ["--trust", str(folder / "trust.json")]
    code = verifier.main(arguments)
    text = capsys.readouterr().out
    return code, [line.rpartition("[")[2].rstrip("]") for line in text.splitlines() if line.startswith("FAIL")], text


def test_there_are_vectors_and_names_say_what_must_fail() -> None:
    assert len(NAMES) >= 60
    for name in NAMES:
        folder, vector = read(name)
        assert (folder / "README.md").exists(), name
        assert name.endswith("_fail") == (vector["exit"] != 0), name


@pytest.mark.parametrize("name", NAMES)
def test_the_package_finds_the_one_defect(name: str, tmp_path: Path) -> None:
    folder, vector = read(name)
    code, found = by_package(folder, vector, tmp_path)
    assert code == vector["exit"], found
    assert found[:1] == [vector[key] for key in ("code", "warning") if key in vector][:1]
    assert vector.get("also", vector.get("code")) in [*found, None]


@pytest.mark.parametrize("name", NAMES)
def test_the_stand_alone_verifier_finds_the_same(
    name: str, tmp_path: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, vector = read(name)
    code, found, text = by_verifier(verifier, folder, vector, tmp_path, capsys)
    assert code == vector["exit"], text
    assert found[:1] == ([vector["code"]] if "code" in vector else []), text
    assert vector.get("also", vector.get("code")) in [*found, None], text
    assert vector.get("warning", "") in text
    if vector["reader"] == "ledger" and "anchors" not in vector and code == 0:
        assert "NOT excluded" in text


def cosigner(name: str, secret: str) -> str:
    """A verifier key of a witness."""
    return str(Vkey.of(name, COSIGNATURE_ED25519, forge.signer(secret).public_key))


@pytest.mark.parametrize(
    "changed",
    [
        {"critical": ["mascot"], "mascot": "x"}, {"witnesses": {"quorum": 1, "vkeys": []}}, {"origin": "x"},
        {"witnesses": None}, {"witnesses": {"quorum": True, "vkeys": [cosigner("a", "w")]}},
        {"witnesses": {"quorum": 2, "vkeys": [cosigner("a", "w"), cosigner("b", "w")]}},
        {"witnesses": {"quorum": 1, "vkeys": [cosigner("a", "log")]}}, {"witnesses": {"quorum": 0, "vkeys": ["w"]}},
        {"witnesses": {"quorum": 1, "vkeys": [cosigner("a", "root")]}}, {"logKeys": [cosigner(ORIGIN, "log")]},
        {"witnesses": {"quorum": 1, "vkeys": [cosigner("a", "w")] * 2}}, {"witnesses": {"quorum": 0}},
        {"revoked": [{"kid": "x", "fromIndex": 1}]}, {"logKeys": []}, {"development": "no"}, {"revoked": {}},
        {"revoked": [{"kid": forge.signer("run").key_id, "fromIndex": -1}]},
        {"revoked": [{"kid": forge.signer("run").key_id, "fromIndex": n} for n in (9, 10)]},
        {"logKeys": list(forge.log_signer().vkeys("other.example/personactl/0123456789abcdef"))},
        {"rootKeys": [{"kid": forge.signer("root").key_id, "publicKey": "x"}]},
    ],
)  # fmt: skip
def test_the_stand_alone_verifier_refuses_a_trust_file_that_it_cannot_follow(
    changed: dict[str, Any], tmp_path: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = VECTORS / "receipt-good"
    document = json.loads((folder / "trust.json").read_text(encoding="utf-8")) | changed
    (tmp_path / "trust.json").write_text(json.dumps(document), encoding="utf-8")
    arguments = ["receipt", str(folder / "the.receipt"), "--trust", str(tmp_path / "trust.json")]
    assert verifier.main(arguments) == 2
    assert capsys.readouterr().err


def test_the_generator_writes_what_is_committed(tmp_path: Path) -> None:
    generate.main(tmp_path)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    kept = {path.relative_to(VECTORS): path.read_bytes() for path in VECTORS.glob("*/**/*") if path.is_file()}
    kept = {path: data for path, data in kept.items() if path.parts[0] not in (*generate.FIXED, "__pycache__")}
    assert sorted(written) == sorted(kept)
    assert [path for path in written if written[path] != kept[path]] == []


def test_the_stand_alone_verifier_imports_only_the_standard_library_and_cryptography() -> None:
    tree = ast.parse((ROOM / "verify_ledger.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) == {"cryptography"}
