"""The signed report: what it says, who can check it, and what happens when anything about it is changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import studio
from personactl_ledger import Ed25519Signer, key_id
from studio import Studio

from personactl import policy
from personactl.cli import execute
from personactl.errors import IntegrityError, PersonactlError, TrustError, UsageProblem
from personactl.keys import trust
from personactl.keys.trust_list import TrustList
from personactl.verify import document, report_check, signed_report, verify_paths
from personactl.verify.signed_report import Asked, Reporter

LISTS = (
    TrustList(name="signers.pem", sha256="a1" * 32, stamps=False, anchors=()),
    TrustList(name="stamps.pem", sha256="b2" * 32, stamps=True, anchors=()),
)
KEY = Ed25519Signer.generate()
NOW = "2026-11-21T09:00:00Z"


@pytest.fixture
def delivery(ours: Studio, tmp_path: Path) -> Path:
    """Two pictures, one of them altered, and one that is empty."""
    folder = tmp_path / "delivery"
    folder.mkdir()
    ours.deliver(folder)
    altered = bytearray(ours.works["jpeg"].data)
    altered[-200] ^= 1
    (folder / "altered.jpeg").write_bytes(altered)
    (folder / "empty.png").write_bytes(b"")
    return folder


@pytest.fixture
def report(ours: Studio, delivery: Path) -> bytes:
    found = document(list(verify_paths([delivery], [ours.trust])), [ours.trust], NOW)
    asked = Asked(exact=True, layers=2, policies=policy.load_all(()), lists=LISTS)
    return signed_report.build(found, [ours.trust], asked, KEY)


@pytest.fixture
def placed(report: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    path.write_bytes(report)
    return path


def statement_of(data: bytes) -> dict[str, Any]:
    return json.loads(b64decode(json.loads(data)["payload"]))  # type: ignore[no-any-return]


def signed(statement: dict[str, Any], signer: Ed25519Signer = KEY) -> bytes:
    """Any statement under a key, as whoever has the key could make it."""
    payload = signed_report.canonical_bytes(statement)
    signature = signed_report.EnvelopeSignature(signer.key_id, signer.sign(signed_report.pae(payload)))
    return signed_report.write_envelope(payload, [signature])


def check(path: Path, *files: Path, public: bytes = KEY.public_key) -> report_check.Checked:
    return report_check.check_report(path, files, (), [public])


def refusal(path: Path, public: bytes = KEY.public_key) -> tuple[str, int]:
    with pytest.raises(PersonactlError) as caught:
        check(path, public=public)
    return caught.value.code, caught.value.exit_code


def test_the_report_is_an_in_toto_statement_with_the_files_as_subjects(report: bytes, delivery: Path) -> None:
    statement = statement_of(report)
    assert (statement["_type"], statement["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "urn:personactl:predicate:verification-report:1",
    )
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in delivery.glob("*.*g")}
    assert {Path(item["name"]).name: item["digest"]["sha256"] for item in statement["subject"]} == digests


def test_it_says_what_was_used_what_was_asked_and_what_each_verdict_rests_on(ours: Studio, report: bytes) -> None:
    said = statement_of(report)["predicate"]
    assert said["verifiedAt"] == NOW
    assert said["detector"]["name"] == "personactl"
    assert said["trust"] == [
        {"name": ours.trust.name, "sha256": ours.trust.sha256, "issuedAt": studio.NOW, "origin": ours.origin}
    ]
    (baseline,) = said["asked"].pop("policies")
    assert said["asked"].pop("lists") == [
        {"name": "signers.pem", "sha256": "a1" * 32, "for": "signers"},
        {"name": "stamps.pem", "sha256": "b2" * 32, "for": "time stamps"},
    ]
    assert said["asked"] == {"requireExact": True, "requireApproval": False, "requireLayers": 2, "pixels": False}
    assert (baseline["id"], len(baseline["sha256"])) == ("baseline", 64)
    assert said["summary"] == {"files": 3, "pass": 1, "fail": 1, "unproven": 0, "error": 1}
    files = {Path(item["name"]).name: item for item in said["files"]}
    assert files["shot-0.png"]["basis"] == ["metadata", "ledger"]
    assert files["altered.jpeg"]["findings"][0] == {"code": "verify.altered", "severity": "error"}
    assert (files["empty.png"]["verdict"], files["empty.png"]["axes"]["integrity"]) == ("error", "unreadable")


def test_a_file_that_is_not_there_stands_in_the_predicate_and_is_no_subject(ours: Studio, tmp_path: Path) -> None:
    found = document(list(verify_paths([tmp_path / "gone.png"], [ours.trust])), [ours.trust], NOW)
    data = signed_report.build(found, [ours.trust], Asked(), KEY)
    statement = statement_of(data)
    assert (statement["subject"], statement["predicate"]["files"][0]["sha256"]) == ([], "")
    report, _ = signed_report.read(data, [Reporter(public_key=KEY.public_key)], "r")
    assert report.summary["error"] == 1


def test_the_key_that_signed_is_found_and_files_are_found_by_their_bytes(placed: Path, delivery: Path) -> None:
    moved = delivery.parent / "renamed.bin"
    shutil.copy(delivery / "shot-0.png", moved)
    checked = check(placed, moved, delivery / "altered.jpeg")
    assert (checked.key_id, checked.by.name, checked.exit_code) == (key_id(KEY.public_key), "", 0)
    told = [(item.outcome, item.found and item.found["verdict"]) for item in checked.compared]
    assert told == [("in-report", "pass"), ("in-report", "fail")]


def test_of_the_same_bytes_under_two_names_the_graver_verdict_is_told(
    placed: Path, report: bytes, delivery: Path
) -> None:
    statement = statement_of(report)
    said = statement["predicate"]["files"]
    good = next(item for item in said if item["verdict"] == "pass")
    for files in (
        [{**good, "name": "0.png", "verdict": "fail"}, good],
        [good, {**good, "name": "z", "verdict": "fail"}],
    ):
        subjects = [{"name": item["name"], "digest": {"sha256": item["sha256"]}} for item in files]
        predicate = {**statement["predicate"], "files": files}
        placed.write_bytes(signed({**statement, "subject": subjects, "predicate": predicate}))
        (compared,) = check(placed, delivery / "shot-0.png").compared
        assert compared.found is not None
        assert compared.found["verdict"] == "fail"


def test_another_file_is_not_in_the_report(placed: Path, delivery: Path, tmp_path: Path) -> None:
    changed = bytearray((delivery / "shot-0.png").read_bytes())
    changed[-1] ^= 1
    (tmp_path / "changed.png").write_bytes(changed)
    checked = check(placed, delivery / "shot-0.png", tmp_path / "changed.png", tmp_path / "gone.png")
    assert [item.outcome for item in checked.compared] == ["in-report", "not-in-report", "unreadable"]
    assert checked.exit_code == 4


@pytest.mark.parametrize("word", ['"verdict":"fail"', '"summary":{"error":1', NOW, '"name":"personactl"'])
def test_any_change_to_what_was_said_breaks_the_signature(placed: Path, word: str) -> None:
    envelope = json.loads(placed.read_bytes())
    payload = b64decode(envelope["payload"]).decode()
    assert word in payload
    changed = payload.replace(word, word[:-1] + chr(ord(word[-1]) ^ 1), 1)
    if word.endswith('"'):
        changed = payload.replace(word, word.replace("fail", "pass").replace("personactl", "personacti"), 1)
    envelope["payload"] = b64encode(changed.encode()).decode()
    placed.write_text(json.dumps(envelope, separators=(",", ":"), sort_keys=True))
    assert refusal(placed) in [("report.signature", 4), ("report.malformed", 4)]


def test_a_changed_verdict_is_a_broken_signature_and_not_a_malformed_file(placed: Path) -> None:
    envelope = json.loads(placed.read_bytes())
    payload = b64decode(envelope["payload"]).replace(b'"verdict":"fail"', b'"verdict":"pass"')
    placed.write_text(json.dumps({**envelope, "payload": b64encode(payload).decode()}, separators=(",", ":")))
    assert refusal(placed) == ("report.signature", 4)


def test_every_flipped_byte_of_a_report_is_noticed(placed: Path) -> None:
    good = placed.read_bytes()
    for position in range(0, len(good), 101):
        changed = bytearray(good)
        changed[position] ^= 1
        placed.write_bytes(changed)
        assert refusal(placed)[1] in (4, 5)


def test_a_foreign_key_proves_nothing(placed: Path, report: bytes) -> None:
    stranger = Ed25519Signer.generate()
    assert refusal(placed, stranger.public_key) == ("report.untrusted", 5)
    placed.write_bytes(signed(statement_of(report), stranger))
    assert refusal(placed) == ("report.untrusted", 5)
    named = placed.read_text().replace(stranger.key_id, KEY.key_id)  # a stranger's signature under our name
    placed.write_text(named)
    assert refusal(placed) == ("report.signature", 4)


def test_without_any_key_nobody_is_believed(placed: Path) -> None:
    with pytest.raises(TrustError) as caught:
        report_check.check_report(placed, (), (), ())
    assert caught.value.code == "report.no-key"


def test_a_trust_file_names_who_signs_reports(ours: Studio, placed: Path) -> None:
    named = json.loads(ours.trust_bytes) | {"reportKeys": [b64encode(KEY.public_key).decode()]}
    item = trust.parse(json.dumps(named).encode(), "t")
    assert item.report_keys == (KEY.public_key,)
    checked = report_check.check_report(placed, (), [ours.trust, item], ())
    assert checked.by.name == ours.trust.name
    with pytest.raises(TrustError):  # keys that are given by themselves count alone
        report_check.check_report(placed, (), [item], [Ed25519Signer.generate().public_key])


def test_a_ledger_entry_is_no_report(ours: Studio, placed: Path) -> None:
    receipt = json.loads(ours.works["png"].receipt)
    leaf = b64decode(receipt["leaf"])
    placed.write_bytes(leaf)
    assert refusal(placed) == ("report.untrusted", 5)
    placed.write_bytes(signed(statement_of(leaf)))  # not even under a key that is accepted
    assert refusal(placed) == ("report.malformed", 4)


@pytest.mark.parametrize(
    "change",
    [
        {"predicateType": "urn:personactl:predicate:output:1"},
        {"subject": []},
        {"predicate": {}},
        {"predicate": []},
        {"_type": "x"},
    ],
)
def test_another_statement_of_the_same_key_is_no_report(placed: Path, report: bytes, change: dict[str, Any]) -> None:
    placed.write_bytes(signed(statement_of(report) | change))
    assert refusal(placed) == ("report.malformed", 4)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff" * 40, b"[" * 100_000, b'{"payload":"e30="}'])
def test_what_is_no_envelope_is_malformed(placed: Path, data: bytes) -> None:
    placed.write_bytes(data)
    assert refusal(placed) == ("report.malformed", 4)


def test_what_cannot_be_read_is_a_matter_of_the_path(tmp_path: Path) -> None:
    assert refusal(tmp_path) == ("report.unreadable", 2)
    assert refusal(tmp_path / "gone") == ("report.unreadable", 2)


def test_a_report_beyond_the_limit_is_refused(
    ours: Studio, delivery: Path, report: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = document(list(verify_paths([delivery], [ours.trust])), [ours.trust], NOW)
    monkeypatch.setattr(signed_report, "MAX_BYTES", 1000)
    with pytest.raises(UsageProblem) as caught:
        signed_report.build(found, [ours.trust], Asked(), KEY)
    assert caught.value.code == "report.too-large"


def test_ten_thousand_files_fit_with_room_to_spare(report: bytes) -> None:
    per_file = len(report) / 3
    assert per_file * 10_000 < signed_report.MAX_BYTES / 2
    assert signed_report.MAX_BYTES > 65_535  # an entry of a ledger may not be that large


def test_the_first_key_that_is_accepted_and_named_decides(report: bytes) -> None:
    both = [Reporter(public_key=Ed25519Signer.generate().public_key), Reporter(public_key=KEY.public_key, name="us")]
    assert signed_report.read(report, both, "r")[1].name == "us"
    with pytest.raises(IntegrityError):
        signed_report.read(report[:-1], both, "r")


def test_nothing_of_a_strangers_payload_is_parsed(report: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_report, "parse_canonical", lambda _data: pytest.fail("it was parsed"))
    for accepted in ([], [Reporter(public_key=Ed25519Signer.generate().public_key)]):
        with pytest.raises(TrustError):
            signed_report.read(report, accepted, "r")


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(ours: Studio, delivery: Path, tmp_path: Path) -> Path:
    """A folder with a delivery, a trust file, and a key for reports made by openssl."""
    (tmp_path / "trust.json").write_bytes(ours.trust_bytes)
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    for command in ("genpkey -algorithm ed25519 -out key.pem", "pkey -in key.pem -pubout -out public.pem"):
        subprocess.run(["openssl", *command.split()], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "key.pem").chmod(0o600)
    return tmp_path


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """`personactl verify` in that folder, in this process: (exit code, stdout, stderr)."""
    monkeypatch.chdir(desk)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def verify(*arguments: str) -> tuple[int, str, str]:
        code = execute(["verify", *arguments])
        return code, *capsys.readouterr()

    yield verify
    for number, handler in handlers.items():
        signal.signal(number, handler)


SIGN = ("delivery", "--trust", "trust.json", "--report", "signed=report.json", "--report-key", "key.pem")


def test_the_command_writes_a_report_before_its_failing_exit_and_checks_it(desk: Path, run: Run) -> None:
    assert run(*SIGN)[0] == 4
    code, shown, _ = run("--check-report", "report.json", "delivery", "--report-key", "public.pem", "--json")
    found = json.loads(shown)
    assert (code, found["schema"]) == (0, "personactl.report-check/1")
    assert [item["outcome"] for item in found["compared"]] == ["in-report"] * 3
    assert found["summary"]["files"] == 3
    assert found["signer"]["name"] is None
    _, shown, _ = run("--check-report", "report.json", "delivery", "--report-key", "public.pem")
    assert f"the report is signed by {found['signer']['keyId']}" in shown
    assert "delivery/altered.jpeg  is delivery/altered.jpeg of the report: FAIL" in shown


def test_the_command_says_when_a_file_is_another_one_or_the_signer_a_stranger(desk: Path, run: Run) -> None:
    run(*SIGN)
    (desk / "delivery" / "altered.jpeg").write_bytes(b"x")
    code, shown, _ = run("--check-report", "report.json", "delivery", "--report-key", "public.pem")
    assert (code, "delivery/altered.jpeg  NOT IN THE REPORT" in shown) == (4, True)
    code, _, told = run("--check-report", "report.json", "--trust", "trust.json")
    assert (code, "error[report.no-key]" in told) == (5, True)


def test_a_report_is_written_over_nothing_and_nothing_is_judged_before(desk: Path, run: Run) -> None:
    run(*SIGN)
    before = (desk / "report.json").read_bytes()
    code, shown, told = run(*SIGN)
    assert (code, shown, "error[cli.output-exists]" in told) == (10, "", True)
    assert (desk / "report.json").read_bytes() == before


def test_a_hostile_name_stands_whole_in_the_report_and_harmless_on_the_screen(desk: Path, run: Run) -> None:
    name = "a\x1b[2J\u202e<b>|`\n" + "x" * 200 + ".png"
    (desk / "delivery" / name).write_bytes(b"no picture")
    odd = os.fsencode(desk / "delivery") + b"/\xff.png"
    Path(os.fsdecode(odd)).write_bytes(b"nor this")
    run(*SIGN)
    names = [item["name"] for item in statement_of((desk / "report.json").read_bytes())["subject"]]
    assert {f"delivery/{name}", "delivery/\\xff.png"} <= set(names)
    code, shown, _ = run("--check-report", "report.json", "delivery", "--report-key", "public.pem")
    assert code == 0
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", shown)
    assert len(shown.splitlines()) == 2 + 5 + 5


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (SIGN[:5], 2, "cli.report-key"),
        ((*SIGN[:3], "--report-key", "key.pem"), 2, "cli.report-key"),
        ((*SIGN[:6], "none.pem"), 9, "keys.file-missing"),
        ((*SIGN[:6], "public.pem"), 9, "keys.file-unreadable"),
        ((*SIGN[:6], "open.pem"), 9, "keys.permissions-open"),
        ((*SIGN[:6], "locked.pem"), 9, "keys.file-unreadable"),
        (("--check-report", "report.json", "--report-key", "public.pem"), 2, "report.unreadable"),
        (("--check-report", "trust.json", "--report-key", "key.pem"), 9, "keys.private-given"),
        (("--check-report", "trust.json", "--pixels"), 2, "cli.usage"),
        ((), 2, "cli.usage"),
    ],
)
def test_a_key_that_cannot_be_used_ends_the_command_before_anything_is_judged(
    desk: Path, run: Run, arguments: tuple[str, ...], code: int, said: str
) -> None:
    shutil.copy(desk / "key.pem", desk / "open.pem")
    (desk / "open.pem").chmod(0o644)
    (desk / "public.pem").chmod(0o600)
    lock = "pkey -in key.pem -aes256 -passout pass:secret -out locked.pem"
    subprocess.run(["openssl", *lock.split()], cwd=desk, check=True, capture_output=True)
    (desk / "locked.pem").chmod(0o600)
    exit_code, shown, told = run(*arguments)
    assert (exit_code, shown, f"error[{said}]" in told) == (code, "", True)
    assert not (desk / "report.json").exists()


def test_the_recipe_on_the_page_checks_a_report_without_this_software(desk: Path, run: Run, repository: Path) -> None:
    run(*SIGN)
    page = (repository / "docs" / "recipient.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)

    def follow() -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-ec", recipe], cwd=desk, capture_output=True, text=True, check=False)

    done = follow()
    assert done.returncode == 0, done.stderr
    assert "Signature Verified Successfully" in done.stdout
    assert f"fail {hashlib.sha256((desk / 'delivery' / 'altered.jpeg').read_bytes()).hexdigest()}" in done.stdout
    envelope = json.loads((desk / "report.json").read_text())
    payload = b64decode(envelope["payload"]).replace(b'"verdict":"fail"', b'"verdict":"pass"')
    (desk / "report.json").write_text(json.dumps(envelope | {"payload": b64encode(payload).decode()}))
    assert follow().returncode != 0
