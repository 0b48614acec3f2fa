"""Notes, verifier keys, checkpoints, proofs, envelopes, statements: what comes back, and what is refused."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import datetime
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from ledger_bench import NOW, forge
from personactl_ledger import (
    FormatError,
    LedgerError,
    ProfileError,
    Vkey,
    encoding,
    parse_checkpoint,
    parse_entry,
    sign_entry,
    statement,
    verify_checkpoint,
)
from personactl_ledger.checkpoint import accept_checkpoint, log_signed_part, mldsa_available, sign_checkpoint
from personactl_ledger.encoding import from_base64, posix_seconds, require_time
from personactl_ledger.envelope import parse_envelope
from personactl_ledger.note import NoteSignature, group_vkeys, parse_note, write_note
from personactl_ledger.proof import parse_proof

ORIGIN = "example.org/personactl/0123456789abcdef"
LOG = forge.log_signer()
NOTE = sign_checkpoint(ORIGIN, 7, bytes(32), LOG, now=NOW).note
SIGNER = forge.signer("x")
PAYLOAD = statement("note", subject=("n", "0" * 64), predicate={"origin": ORIGIN})
LEAF = sign_entry(PAYLOAD, SIGNER)


def test_the_example_of_the_signed_note_specification_verifies() -> None:
    """C2SP signed-note, section "Verifier keys", example."""
    key = Vkey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    note = parse_note(
        "This is an example message.\n\n"
        "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1E"
        "RYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    )
    (line,) = note.by(key)
    from personactl_ledger.ed25519 import verify_signature

    assert verify_signature(key.public_key, line.signature, note.text.encode())
    assert str(key) == "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"


def test_a_checkpoint_comes_back() -> None:
    head = parse_checkpoint(NOTE)
    assert (head.origin, head.size, head.root, head.note) == (ORIGIN, 7, bytes(32), NOTE)
    keys = LOG.verifier_keys(ORIGIN)
    assert verify_checkpoint(head, keys).satisfies(keys)
    assert not verify_checkpoint(head, forge.log_signer("other").verifier_keys(ORIGIN)).satisfies(keys)
    assert not verify_checkpoint(head, []).satisfies([])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n7\n", "\n07\n"), ("\n7\n", "\n-7\n"), ("\n7\n", "\n7 \n"), ("\n7\n", "\n9223372036854775808\n"),
        ("\n7\n", "\n"),
        ("example.org", "Example.org"), ("0123456789abcdef", "0123456789ABCDEF"), ("/personactl/", "/other/"),
        ("AAAA=", "AAAB="), ("AAAA=\n", "AAAA=\nextra\n"), ("AAAA=", "AA=="), ("\n\n", "\n"), ("— ", "- "),
        ("— ", "—  "),
        ("\n\n", "\n\r\n"), ("\n7\n", "\n7\t\n"), ("\n— ", "\n\n— "),
    ],
)  # fmt: skip
def test_a_changed_checkpoint_is_refused(old: str, new: str) -> None:
    assert old in NOTE
    with pytest.raises(FormatError):
        parse_checkpoint(NOTE.replace(old, new, 1))
    for broken in (NOTE[:-1], NOTE + "x", NOTE + "\n", "", "\n\n", NOTE.encode() + b"\xff"):
        with pytest.raises(FormatError):
            parse_checkpoint(broken)


def test_lines_of_strangers_are_ignored_and_wrong_lines_of_the_log_are_not() -> None:
    keys = LOG.verifier_keys(ORIGIN)
    stranger = str(NoteSignature("witness.example", b"abcd", bytes(72)))
    head = parse_checkpoint(NOTE + stranger)
    assert verify_checkpoint(head, keys).satisfies(keys)
    assert log_signed_part(head, keys) == NOTE.encode()
    same_hash = str(NoteSignature("witness.example", keys[0].key_hash, bytes(64)))
    assert verify_checkpoint(parse_checkpoint(NOTE + same_hash), keys).satisfies(keys)
    wrong = str(NoteSignature(ORIGIN, keys[0].key_hash, bytes(64)))
    found = verify_checkpoint(parse_checkpoint(NOTE + wrong), keys)
    assert found.bad and not found.satisfies(keys)


@pytest.mark.skipif(not mldsa_available(), reason="the installed cryptography has no ML-DSA-44")
def test_halves_of_two_ledger_keys_never_add_up() -> None:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

    logs = [forge.log_signer(name, MLDSA44PrivateKey.from_seed_bytes(forge.secret(name))) for name in ("a", "b")]
    lines = [line for log in logs for line in log.vkeys(ORIGIN)]
    groups = group_vkeys(lines, ORIGIN)
    assert [len(group) for group in groups] == [2, 2]
    first, second = (parse_note(sign_checkpoint(ORIGIN, 7, bytes(32), log, now=NOW).note) for log in logs)
    for chosen, by in (
        (first.signatures, groups[:1]),
        ((first.signatures[0], second.signatures[1]), ()),
        ((*first.signatures, second.signatures[1]), groups[:1]),
        ((*first.signatures, *second.signatures), groups),
        (first.signatures[:1], ()),
    ):
        head = parse_checkpoint(write_note(first.text, chosen))
        assert accept_checkpoint(head, groups).by == tuple(by)
    flipped = NoteSignature(ORIGIN, second.signatures[0].key_hash, bytes(64))
    wrong = accept_checkpoint(parse_checkpoint(write_note(first.text, (*first.signatures, flipped))), groups)
    assert wrong.by and wrong.wrong and not wrong.accepted


def test_ledger_keys_are_told_apart_by_the_order_of_the_list() -> None:
    ed25519 = [forge.log_signer(name).vkeys(ORIGIN)[0] for name in ("a", "b")]
    mldsa = str(Vkey.of(ORIGIN, 0x06, bytes(1312)))
    assert [len(group) for group in group_vkeys([*ed25519, mldsa], ORIGIN)] == [1, 2]
    for lines in ([mldsa], [mldsa, ed25519[0]], [ed25519[0], mldsa, mldsa]):
        with pytest.raises(FormatError):
            group_vkeys(lines, ORIGIN)
    with pytest.raises(FormatError):
        group_vkeys(ed25519, "other" + ORIGIN)


def test_a_note_has_at_most_64_signatures() -> None:
    line = NoteSignature("w", b"abcd", bytes(1))
    assert len(parse_note(write_note("t\n", [line] * 64)).signatures) == 64
    with pytest.raises(FormatError):
        parse_note(write_note("t\n", [line] * 65))
    with pytest.raises(FormatError):
        parse_note(write_note("t" * 300_000 + "\n", [line]))


@pytest.mark.skipif(not mldsa_available(), reason="the installed cryptography has no ML-DSA-44")
def test_both_halves_of_a_ledger_key_sign_and_both_are_wanted() -> None:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

    log = forge.log_signer(mldsa=MLDSA44PrivateKey.generate())
    keys = log.verifier_keys(ORIGIN)
    assert [key.type for key in keys] == [1, 6]
    assert [str(Vkey.parse(line)) for line in log.vkeys(ORIGIN)] == list(log.vkeys(ORIGIN))
    head = sign_checkpoint(ORIGIN, 7, bytes(32), log, now=NOW)
    assert verify_checkpoint(head, keys).good == {1, 6}
    assert verify_checkpoint(head, keys).satisfies(keys)
    lines = head.note.splitlines(keepends=True)
    for kept in (lines[:-1], [*lines[:-2], lines[-1]]):
        partial = parse_checkpoint("".join(kept))
        assert not verify_checkpoint(partial, keys).satisfies(keys)
    assert verify_checkpoint(parse_checkpoint("".join(lines[:-1])), keys[:1]).satisfies(keys[:1])
    later = sign_checkpoint(ORIGIN, 8, bytes(32), log, now=NOW).note.splitlines(keepends=True)
    mixed = verify_checkpoint(parse_checkpoint("".join([*lines[:-1], later[-1]])), keys)
    assert mixed.bad


@pytest.mark.parametrize(
    "line",
    ["", "x", "a+b+c", "a+00000000+AQ==", "a b+00000000+AQ==", "a+00000000+" + b64encode(b"\x02" + bytes(32)).decode()],
)
def test_broken_verifier_keys_are_refused(line: str) -> None:
    with pytest.raises(FormatError):
        Vkey.parse(line)


def test_a_verifier_key_is_checked_in_every_part() -> None:
    right = LOG.vkeys(ORIGIN)[0]
    assert str(Vkey.parse(right)) == right
    name, digest, material = right.split("+", 2)
    flipped = f"{int(digest, 16) ^ 1:08x}"
    weak = Vkey("n", 1, bytes(32), bytes(4))
    for wrong in (f"{name}+{flipped}+{material}", f"x{right}", str(weak), None, 7):
        with pytest.raises(FormatError):
            Vkey.parse(wrong)


def test_an_entry_comes_back() -> None:
    entry = parse_entry(LEAF)
    assert (entry.kind, entry.subject_name, entry.subject_sha256) == ("note", "n", "0" * 64)
    assert entry.payload == PAYLOAD
    assert entry.key_ids == (SIGNER.key_id,)


@given(st.data())
def test_a_changed_leaf_is_another_leaf_or_none(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(LEAF) - 1))
    changed = LEAF[:at] + data.draw(st.binary(max_size=3)) + LEAF[at + 1 :]
    try:
        entry = parse_entry(changed)
    except LedgerError as error:
        assert isinstance(error, FormatError)
        return
    assert (entry.leaf_hash == parse_entry(LEAF).leaf_hash) == (changed == LEAF)


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e.update(payloadType="text/plain"), lambda e: e.update(extra=1), lambda e: e.update(signatures=[]),
        lambda e: e["signatures"][0].update(keyid="x"), lambda e: e["signatures"][0].update(sig="AAAA"),
        lambda e: e["signatures"][0].update(cert="x"), lambda e: e.update(payload=e["payload"] + "="),
        lambda e: e.update(payload="e31"), lambda e: e.update(payload=""), lambda e: e.pop("payload"),
        lambda e: e.update(signatures=e["signatures"] * 2),
        lambda e: e["signatures"][0].update(sig=e["signatures"][0]["sig"][:85] + "B=="),
    ],
)  # fmt: skip
def test_other_envelopes_are_refused(change: object) -> None:
    envelope = json.loads(LEAF)
    change(envelope)  # type: ignore[operator]
    with pytest.raises(FormatError) as refused:
        parse_envelope(json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode())
    assert refused.value.code == "ledger.envelope"


def test_sixteen_signatures_are_the_most() -> None:
    signers = [forge.signer(f"person {n}") for n in range(17)]
    assert len(parse_envelope(sign_entry(PAYLOAD, *signers[:16])).signatures) == 16
    with pytest.raises(FormatError):
        sign_entry(PAYLOAD, *signers)
    with pytest.raises(ProfileError):
        sign_entry(PAYLOAD)


@pytest.mark.parametrize(
    ("kind", "subject", "predicate"),
    [
        ("gift", ("n", "0" * 64), {"origin": "o"}), ("note", ("", "0" * 64), {"origin": "o"}),
        ("note", ("n\x1b", "0" * 64), {"origin": "o"}), ("note", ("n" * 513, "0" * 64), {"origin": "o"}),
        ("note", ("n", "0" * 63), {"origin": "o"}), ("note", ("n", "A" * 64), {"origin": "o"}),
    ],
)  # fmt: skip
def test_other_statements_are_not_written(kind: str, subject: tuple[str, str], predicate: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        statement(kind, subject=subject, predicate=predicate)


@pytest.mark.parametrize(
    "text",
    ["", "c2sp.org/tlog-proof@v1\n\n" + NOTE, "c2sp.org/tlog-proof@v2\nindex 0\n\n" + NOTE,
     "c2sp.org/tlog-proof@v1\nindex 00\n\n" + NOTE, "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n" + NOTE,
     "c2sp.org/tlog-proof@v1\nindex 0\n" + NOTE, "c2sp.org/tlog-proof@v1\nextra AA==\nindex 0\n\n" + NOTE,
     "c2sp.org/tlog-proof@v1\nindex 0\n" + (b64encode(bytes(32)).decode() + "\n") * 64 + "\n" + NOTE],
)  # fmt: skip
def test_other_proofs_are_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_proof(text)


def test_a_proof_comes_back() -> None:
    for lines in ("", b64encode(bytes(32)).decode() + "\n"):
        text = f"c2sp.org/tlog-proof@v1\nindex 3\n{lines}\n{NOTE}"
        assert str(parse_proof(text)) == text


@given(st.binary(max_size=60))
def test_base64_has_one_spelling(data: bytes) -> None:
    text = b64encode(data).decode()
    assert from_base64(text) == data
    for wrong in (text + "\n", text + "=", " " + text, text.rstrip("=") if "=" in text else text + "A", 7):
        with pytest.raises(FormatError):
            from_base64(wrong)


def test_times_have_one_form() -> None:
    assert require_time("2026-01-02T03:04:05.123456Z")
    assert posix_seconds("1970-01-01T00:01:00Z") == 60
    assert posix_seconds("1960-01-01T00:00:00Z") == 0
    for wrong in ("2026-01-02", "2026-01-02T03:04:05+00:00", "2026-13-02T03:04:05Z", "2026-01-02 03:04:05Z", "", None):
        with pytest.raises(FormatError):
            require_time(wrong)


NO_TIMES = (
    "2026-01-01T24:00:00Z", "2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "2026-01-01T00:60:00Z",
    "2026-02-29T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-04-31T00:00:00Z",
    "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567Z", "2026-01-01T00:00:00z", "2026-01-01T00:00:00Z\n",
    "\u0662026-01-01T00:00:00Z", "2026-01-01T00:00:00,5Z",
)  # fmt: skip
TIMES = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2024-02-29T00:00:00.0Z", "2000-02-29T12:00:00Z")


class Newer(datetime):
    """What a later Python may take: 24:00 as the day that follows, a leap second, the year 0."""

    @classmethod
    def fromisoformat(cls, text: str) -> datetime:  # type: ignore[override]
        return datetime.fromisoformat("2026-01-02T00:00:00+00:00")


def test_which_times_there_are_does_not_depend_on_python(verifier: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (encoding, verifier):
        monkeypatch.setattr(module, "datetime", Newer)
    for text in (*TIMES, *NO_TIMES):
        assert encoding.is_time(text) == verifier.time(text) == (text in TIMES), text


def test_a_log_key_of_small_order_cannot_be_used() -> None:
    from personactl_ledger import LogSigner

    class Weak(Ed25519PrivateKey):  # type: ignore[misc]
        def public_key(self):  # type: ignore[no-untyped-def]
            class Public:
                def public_bytes_raw(self) -> bytes:
                    return bytes(32)

            return Public()

        def __getattr__(self, name: str) -> object:
            raise NotImplementedError(name)

    Weak.__abstractmethods__ = frozenset()
    with pytest.raises(LedgerError):
        LogSigner(Weak())
