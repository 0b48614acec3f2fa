"""Time stamps by a real `openssl ts` authority, over the wire: kept with an entry, proven by receipts, checked."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ledger_bench import NOW, Bench
from personactl_ledger import Ledger, LedgerTrust, ReceiptError, check, parse_receipt, verify_receipt
from personactl_ledger.check_signed import read_checkpoints
from personactl_ledger.check_stamps import check_timestamps
from personactl_ledger.database import connect_reader
from personactl_ledger.errors import LedgerConflict, LedgerError, LedgerMissing, TimestampRefused
from personactl_ledger.findings import Findings
from personactl_ledger.stamp_rows import rows_of
from personactl_ledger.stamping import find_target, judge_response, keep_stamp, name_of, next_target
from personactl_ledger.timestamping import StampReport, build_request
from personactl_ledger.tsa_client import ask
from tsa_bench import OPENSSL, SERVICE_NAME, Authority, serving

pytestmark = [
    pytest.mark.debian,
    pytest.mark.skipif(OPENSSL is None, reason="needs the Debian package openssl"),
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def signed(bench: Bench, ledger: Ledger) -> Iterator[Ledger]:
    """An output at index 4, under a checkpoint."""
    ledger.append([bench.output("rain")], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    yield ledger


def stamp(
    bench: Bench, ledger: Ledger, authority: Authority, *, renew: bool = False, roots: bool = True,
    options: tuple[str, ...] = (),
) -> StampReport:  # fmt: skip
    """The whole way: request, HTTP, judgement, row and entry."""
    target = next_target(ledger, renew=renew)
    request = build_request(target.covered)
    with serving(lambda query: (200, {}, authority.reply(query, *options))) as url:
        response = ask(url, request.der, seconds=20)
    named = [authority.root] if roots else []
    report = judge_response(target, response, roots=named, evidence=[], nonce=request.nonce)
    name = name_of(report, None)
    keep_stamp(ledger, bench.operator, target, response, report, tsa=name, evidence=[], qualified=False, now=NOW)
    return report


def trusting(bench: Bench, authority: Authority) -> LedgerTrust:
    return replace(bench.trust(), tsa_roots=(authority.root,))


def test_a_token_is_kept_with_its_entry_and_the_receipt_says_what_it_shows(
    bench: Bench, signed: Ledger, authority: Authority
) -> None:
    report = stamp(bench, signed, authority)
    assert (report.tsa, report.policy, report.hash_algorithm) == (SERVICE_NAME, "1.3.6.1.4.1.99999.1", "sha512")
    assert report.verified_by == ("personactl", "rfc3161-client")
    assert report.accuracy is not None
    assert report.accuracy.total_seconds() == 1.5
    (item,) = signed.entries(kind="timestamp")
    assert item.entry.predicate["tsa"] == SERVICE_NAME
    receipt = signed.prove(4)
    assert len(parse_receipt(receipt).timestamps) == 1
    found = verify_receipt(receipt, trusting(bench, authority), subject_sha256=None)
    assert found.shown == (f"the checkpoint over 5 entries {report.says}",)
    assert f"existed before {report.gen_time} ±1.5 s (TSA {SERVICE_NAME})" == report.says
    assert not any("time stamp" in note for note in found.notes)


def test_without_roots_a_receipt_says_that_time_stamps_were_not_checked(
    bench: Bench, signed: Ledger, authority: Authority
) -> None:
    stamp(bench, signed, authority)
    found = verify_receipt(signed.prove(4), bench.trust(), subject_sha256=None)
    assert found.shown == ()
    assert any("1 time stamps were not checked" in note for note in found.notes)


def test_a_stranger_among_the_services_is_a_note_and_shows_nothing(
    bench: Bench, signed: Ledger, authority: Authority, stranger: Authority
) -> None:
    report = stamp(bench, signed, stranger, roots=False)
    assert report.untrusted is not None
    found = verify_receipt(signed.prove(4), trusting(bench, authority), subject_sha256=None)
    assert any("counts for nothing" in note for note in found.notes)
    assert found.shown == ()
    told = check(signed.path, trust=trusting(bench, authority))
    assert told.ok
    assert [item.code for item in told.findings] == ["ledger.timestamp-untrusted"]


def test_a_check_names_the_time_and_the_service(bench: Bench, signed: Ledger, authority: Authority) -> None:
    report = stamp(bench, signed, authority)
    told = check(signed.path, trust=trusting(bench, authority))
    assert told.shown == (f"the checkpoint over 5 entries {report.says}",)
    bare = check(signed.path)
    assert (bare.ok, bare.findings) == (True, ())
    assert any("1 time stamps: without tsaRoots" in note for note in bare.notes)


def test_three_renewals_cover_each_other_and_an_altered_one_breaks_the_receipt(
    bench: Bench, signed: Ledger, authority: Authority
) -> None:
    stamp(bench, signed, authority)
    stamp(bench, signed, authority, renew=True)
    stamp(bench, signed, authority, renew=True)
    assert [row.covers for row in rows_of(signed.store, 5)] == [None, 1, 2]
    receipt = parse_receipt(signed.prove(4))
    assert [item.covers for item in receipt.timestamps] == [None, 0, 1]
    trust = trusting(bench, authority)
    assert len(verify_receipt(receipt.to_bytes(), trust, subject_sha256=None).shown) == 3
    assert check(signed.path, trust=trust).findings == ()
    first, second, third = receipt.timestamps
    for stamps in [(first, second, replace(third, covers=0)), (second, first), (first, replace(second, covers=None))]:
        broken = [replace(item, covers=None) if place == 0 else item for place, item in enumerate(stamps)]
        with pytest.raises(ReceiptError) as refused:
            verify_receipt(replace(receipt, timestamps=tuple(broken)).to_bytes(), trust, subject_sha256=None)
        assert (refused.value.code, refused.value.exit_code) == ("receipt.timestamp", 4)


def test_a_token_whose_certificates_are_out_of_order_is_accepted_by_openssl(
    bench: Bench, signed: Ledger, authority: Authority
) -> None:
    report = stamp(bench, signed, authority, options=("-chain", "root.pem"))
    held = parse_receipt(signed.prove(4)).timestamps[0].token
    from rfc3161_client import decode_timestamp_response

    try:
        decode_timestamp_response(held)
    except ValueError as error:
        assert "InvalidSetOrdering" in str(error)
        assert report.verified_by == ("personactl", "openssl")
    else:  # the two certificates happened to stand in the order of DER
        assert report.verified_by == ("personactl", "rfc3161-client")


def test_without_the_openssl_program_our_own_reading_stands_alone(
    bench: Bench, signed: Ledger, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    from personactl_ledger import tsp_second

    target = next_target(signed, renew=False)
    response = authority.reply(build_request(target.covered).der)
    monkeypatch.setattr(tsp_second, "_readable", lambda _: False)
    monkeypatch.setattr(tsp_second.shutil, "which", lambda _: None)
    report = judge_response(target, response, roots=[authority.root], evidence=[], nonce=None)
    assert report.verified_by == ("personactl",)


def test_an_rsa_service_is_accepted(bench: Bench, signed: Ledger, tmp_path_factory: pytest.TempPathFactory) -> None:
    service = Authority.make(tmp_path_factory.mktemp("rsa"), key=("RSA", "rsa_keygen_bits:2048"))
    assert stamp(bench, signed, service).verified_by == ("personactl", "rfc3161-client")


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("nonce", "ledger.tsa-mismatch"), ("imprint", "ledger.tsa-mismatch"), ("root", "ledger.tsa-untrusted"),
        ("cut", "ledger.tsa-response"), ("page", "ledger.tsa-response"), ("refusal", "ledger.tsa-rejected"),
        ("flip", "ledger.tsa-response"),
    ],
)  # fmt: skip
def test_an_answer_that_does_not_fit_is_refused_and_nothing_is_stored(
    what: str, code: str, bench: Bench, signed: Ledger, authority: Authority, stranger: Authority
) -> None:
    target = next_target(signed, renew=False)
    asked = build_request(target.covered)
    query = build_request(b"other bytes").der if what == "imprint" else asked.der
    response = authority.reply(query)
    response = {
        "cut": response[:-7], "page": b"<html>no</html>", "flip": response[:-1] + bytes([response[-1] ^ 1]),
        "refusal": authority.reply(b"\x30\x00") if what == "refusal" else b"",
    }.get(what, response)  # fmt: skip
    roots = [stranger.root if what == "root" else authority.root]
    nonce = 5 if what == "nonce" else None if what == "imprint" else asked.nonce
    before = signed.size
    with pytest.raises(TimestampRefused) as refused:
        judge_response(target, response, roots=roots, evidence=[], nonce=nonce)
    assert (refused.value.code, refused.value.exit_code) == (code, 9)
    if what == "refusal":
        assert "rejection" in refused.value.message
    assert (signed.size, rows_of(signed.store, 5)) == (before, [])


def test_a_row_and_its_entry_are_kept_or_lost_together(
    bench: Bench, signed: Ledger, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    from personactl_ledger import stamping

    def fails(*_: object) -> None:
        raise LedgerError("the second half fails")

    monkeypatch.setattr(stamping, "insert_row", fails)
    with pytest.raises(LedgerError, match="second half"):
        stamp(bench, signed, authority)
    assert list(signed.entries(kind="timestamp")) == []
    assert check(signed.path).findings == ()


def test_the_same_token_is_kept_once_and_a_checkpoint_has_room_for_sixteen(
    bench: Bench, signed: Ledger, authority: Authority
) -> None:
    target = next_target(signed, renew=False)

    def keep(response: bytes, evidence: list[bytes] | None = None) -> None:
        report = judge_response(target, response, roots=[], evidence=[], nonce=None)
        keep_stamp(signed, bench.operator, target, response, report, tsa="x", evidence=evidence or [],
                   qualified=False, now=NOW)  # fmt: skip

    response = authority.reply(build_request(target.covered).der)
    with pytest.raises(TimestampRefused) as large:
        keep(response, [b"\x04\x82\xff\xff" + bytes(0xFFFF)] * 8)
    assert large.value.code == "ledger.tsa-limit"
    keep(response)
    with pytest.raises(LedgerConflict) as again:
        keep(response)
    assert (again.value.code, again.value.exit_code) == ("ledger.tsa-again", 10)
    for _ in range(15):
        keep(authority.reply(build_request(target.covered).der))
    with pytest.raises(TimestampRefused) as full:
        keep(authority.reply(build_request(target.covered).der))
    assert full.value.code == "ledger.tsa-limit"
    assert len(parse_receipt(signed.prove(4)).timestamps) == 16


def test_an_answer_that_was_carried_finds_its_checkpoint(
    bench: Bench, signed: Ledger, authority: Authority, stranger: Authority
) -> None:
    plain = next_target(signed, renew=False)
    carried = authority.reply(build_request(plain.covered).der)
    stamp(bench, signed, authority)
    renewal = authority.reply(build_request(next_target(signed, renew=True).covered).der)
    signed.checkpoint(bench.log, now=NOW)
    found = find_target(signed, carried)
    assert (found.size, found.renews) == (5, None)
    found = find_target(signed, renewal)
    assert found.renews is not None
    assert (found.size, found.renews.id) == (5, 1)
    with pytest.raises(TimestampRefused) as refused:
        find_target(signed, stranger.reply(build_request(b"elsewhere").der))
    assert refused.value.code == "ledger.tsa-mismatch"


def test_there_must_be_something_to_stamp(bench: Bench, ledger: Ledger) -> None:
    with pytest.raises(LedgerMissing) as refused:
        next_target(ledger, renew=False)
    assert (refused.value.code, refused.value.hint) == ("ledger.no-checkpoint", "personactl ledger checkpoint")
    ledger.checkpoint(bench.log, now=NOW)
    with pytest.raises(LedgerMissing) as refused:
        next_target(ledger, renew=True)
    assert refused.value.code == "ledger.no-timestamp"


def test_both_readers_say_the_same_of_a_real_token(
    bench: Bench, signed: Ledger, authority: Authority, verifier: ModuleType, capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    import json

    from personactl_ledger.encoding import to_base64

    says = stamp(bench, signed, authority).says
    stamp(bench, signed, authority, renew=True, options=("-chain", "root.pem"))
    (tmp_path / "the.receipt").write_bytes(signed.prove(4))
    document = {
        "schema": "personactl.trust/1", "origin": bench.origin, "development": True,
        "logKeys": bench.log.vkeys(bench.origin), "rootKeys": [to_base64(bench.root.public_key)],
        "tsaRoots": [authority.root],
    }  # fmt: skip
    (tmp_path / "trust.json").write_text(json.dumps(document))
    signed.close()
    for reader, path in (("receipt", tmp_path / "the.receipt"), ("ledger", bench.path)):
        assert verifier.main([reader, str(path), "--trust", str(tmp_path / "trust.json")]) == 0
        printed = capsys.readouterr().out
        assert f"the checkpoint over 5 entries {says}" in printed
        assert printed.count("existed before") == 2


@pytest.mark.parametrize("before", ["FROM timestamp NOT INDEXED", "FROM entry NOT INDEXED WHERE kind"])
def test_a_check_is_not_misled_by_a_writer_that_stamps_meanwhile(
    before: str, bench: Bench, signed: Ledger, authority: Authority
) -> None:
    stamp(bench, signed, authority)
    reader = connect_reader(signed.path)
    findings = Findings()
    stored = read_checkpoints(reader, findings)

    class Meanwhile:
        """The reader's connection; the writer signs and stamps right before one of its statements."""

        done = False

        def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
            if before in sql and not self.done:
                self.done = True
                signed.append([bench.note("more")], now=NOW)
                signed.checkpoint(bench.log, now=NOW)
                stamp(bench, signed, authority)
            return reader.execute(sql, values)

    connection = Meanwhile()
    check_timestamps(connection, stored, signed.rules.keyring, {}, None, findings)  # type: ignore[arg-type]
    reader.close()
    assert connection.done
    assert findings.items == []


# --- the wire -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((500, {}, b"out of order"), "HTTP 500"), ((302, {"Location": "http://127.0.0.1:1/"}, b""), "HTTP 302"),
        ((200, {}, bytes(70_000)), "more than 65536 bytes"), ((204, {}, b""), "HTTP 204"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(answer: tuple[int, dict[str, str], bytes], words: str) -> None:
    with serving(lambda _: answer) as url, pytest.raises(TimestampRefused, match=words) as refused:
        ask(url, b"query", seconds=20)
    assert (refused.value.code, refused.value.exit_code) == ("ledger.tsa-unreachable", 9)


def test_a_service_that_never_answers_is_left() -> None:
    release = threading.Event()

    def slow(_: bytes) -> tuple[int, dict[str, str], bytes]:
        release.wait(60)
        return 200, {}, b""

    with serving(slow) as url, pytest.raises(TimestampRefused, match=r"did not answer within 0\.3 seconds"):
        try:
            ask(url, b"query", seconds=0.3)
        finally:
            release.set()


def test_a_service_that_sends_byte_by_byte_is_left_too() -> None:
    release = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not release.wait(0.02):
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(TimestampRefused, match=r"did not answer within 0\.4 seconds"):
                ask(f"http://127.0.0.1:{server.getsockname()[1]}/", b"query", seconds=0.4)
        finally:
            release.set()
            thread.join()


def test_a_service_that_is_not_there_is_said_so() -> None:
    with serving(lambda _: (200, {}, b"")) as url:
        gone = url
    with pytest.raises(TimestampRefused, match="cannot be reached"):
        ask(gone, b"query", seconds=20)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x/", "http://", "http://me:secret@x/", "tsa", "http://x y/"]
)
def test_only_plain_web_addresses_are_asked(url: str) -> None:
    with pytest.raises(LedgerError) as refused:
        ask(url, b"query", seconds=1)
    assert (refused.value.code, refused.value.exit_code) == ("ledger.tsa-address", 2)
    assert "secret" not in refused.value.message
