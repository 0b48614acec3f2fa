"""Public lists of authorities, and time stamps of files: what they make of a signer, and what they do not."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import studio
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from studio import Studio

from personactl.claim_terms import TRAINED_ALGORITHMIC_MEDIA
from personactl.disclose import C2paSigner, exif, png, xmp
from personactl.keys import C2paCredential, certificates, trust_list
from personactl.keys.development import private_pem
from personactl.keys.trust import TrustFile
from personactl.keys.trust_list import TrustList
from personactl.verdict import Verdict
from personactl.verify import verify_file

sys.path.insert(0, str(Path(__file__).parents[1] / "ledger"))

from tsa_bench import OPENSSL, Authority, serving

USING = {"ingredientIds": ["in"]}


def listing(studio_: Studio, folder: Path) -> tuple[TrustList, ...]:
    """A list that holds the studio's C2PA authority."""
    place = folder / "LIST.pem"
    place.write_text("".join(studio_.trust.c2pa_anchors))
    return trust_list.load_all([place])


def judge(folder: Path, data: bytes, trust: list[TrustFile], lists: tuple[TrustList, ...] = ()) -> Verdict:
    path = folder / "a.png"
    path.write_bytes(data)
    return verify_file(path, trust, lists=lists)


def codes(verdict: Verdict) -> set[str]:
    return {item.code for item in verdict.findings}


def of_another_ledger(theirs: Studio) -> bytes:
    return studio.sign(theirs, studio.claim(theirs))


@pytest.mark.parametrize("with_trust", [False, True], ids=["no trust file", "another trust file"])
def test_a_signer_on_a_list_is_listed_and_what_it_claims_is_not_repeated(
    ours: Studio, theirs: Studio, tmp_path: Path, with_trust: bool
) -> None:
    trust = [ours.trust] if with_trust else []
    verdict = judge(tmp_path, of_another_ledger(theirs), trust, listing(theirs, tmp_path))
    assert (verdict.verdict, verdict.exit_code, verdict.axes.trust) == ("pass", 0, "listed")
    assert "verify.listed" in codes(verdict)
    assert (verdict.persona, verdict.entry, verdict.development) == (None, None, False)
    (told,) = [item for item in verdict.findings if item.code == "verify.listed"]
    assert told.severity == "warning"
    assert "LIST.pem" in told.message


def test_a_signer_who_is_on_no_list_is_not_trusted(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    verdict = judge(tmp_path, of_another_ledger(theirs), [], listing(ours, tmp_path))
    assert (verdict.verdict, verdict.exit_code, verdict.axes.trust) == ("fail", 5, "untrusted")


def test_a_trust_file_is_enough_and_the_list_is_not_asked(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    verdict = judge(tmp_path, studio.sign(ours, studio.claim(ours)), [ours.trust], listing(theirs, tmp_path))
    assert (verdict.verdict, verdict.axes.trust) == ("pass", "trusted")
    assert not codes(verdict) & {"verify.listed", "verify.ingredient-listed"}


def test_a_listed_signer_does_not_sign_for_a_ledger_whose_trust_file_is_there(
    ours: Studio, theirs: Studio, tmp_path: Path
) -> None:
    """Anybody can buy a certificate; who signs for a ledger is said by its trust file."""
    data = studio.sign(theirs, studio.claim(ours))
    verdict = judge(tmp_path, data, [ours.trust], listing(theirs, tmp_path))
    assert (verdict.verdict, verdict.exit_code, verdict.axes.trust) == ("fail", 5, "untrusted")
    assert "verify.untrusted" in codes(verdict)


def test_a_leaf_that_the_trust_file_does_not_list_is_not_made_good_by_a_list(ours: Studio, tmp_path: Path) -> None:
    pinned = replace(ours.trust, leaf_fingerprints=("00" * 32,))
    verdict = judge(tmp_path, studio.sign(ours, studio.claim(ours)), [pinned], listing(ours, tmp_path))
    assert (verdict.exit_code, verdict.axes.trust) == (5, "untrusted")
    assert "verify.leaf-not-allowed" in codes(verdict)


def test_neither_is_one_with_a_strangers_picture_inside(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    pinned = replace(ours.trust, leaf_fingerprints=("00" * 32,))
    verdict = judge(tmp_path, with_picture_of(ours, theirs, believed=False), [pinned], listing(theirs, tmp_path))
    assert (verdict.exit_code, verdict.axes.trust) == (5, "untrusted")


@pytest.mark.parametrize("believed", [False, True], ids=["stranger when added", "accepted when added"])
def test_a_picture_of_a_listed_signer_may_go_in_and_the_file_is_still_trusted(
    ours: Studio, theirs: Studio, tmp_path: Path, believed: bool
) -> None:
    data = with_picture_of(ours, theirs, believed=believed)
    alone = judge(tmp_path, data, [ours.trust])
    assert (alone.verdict, alone.exit_code, alone.axes.trust) == ("fail", 5, "untrusted")
    assert "verify.ingredient-untrusted" in codes(alone)
    verdict = judge(tmp_path, data, [ours.trust], listing(theirs, tmp_path))
    assert (verdict.verdict, verdict.axes.trust) == ("pass", "trusted")
    assert "verify.ingredient-listed" in codes(verdict)
    assert verdict.persona == ("lira", 2)
    both = judge(tmp_path, data, [ours.trust, theirs.trust])
    assert (both.verdict, both.axes.trust) == ("pass", "trusted")


def with_picture_of(ours: Studio, theirs: Studio, *, believed: bool) -> bytes:
    """Our picture, made of one of theirs; `believed`: by a tool that accepted them too."""
    definition = studio.claim(ours)
    studio.assertion_data(definition, "c2pa.actions.v2")["actions"][0]["parameters"] = USING
    if not believed:
        return studio.sign(ours, definition, references={"in": theirs.works["png"].data})
    anchors = "".join((*ours.trust.c2pa_anchors, *theirs.trust.c2pa_anchors))
    return sign(replace(ours.keyset.c2pa, anchor_pem=anchors), definition, references={"in": theirs.works["png"].data})


def test_a_picture_under_the_authority_of_the_file_itself_is_no_strangers(ours: Studio, tmp_path: Path) -> None:
    definition = studio.claim(ours)
    studio.assertion_data(definition, "c2pa.actions.v2")["actions"][0]["parameters"] = USING
    data = studio.sign(ours, definition, references={"in": ours.works["png"].data})
    verdict = judge(tmp_path, data, [ours.trust])
    assert (verdict.verdict, verdict.axes.trust, verdict.axes.integrity) == ("pass", "trusted", "content")


def test_an_altered_file_of_a_listed_signer_is_altered(theirs: Studio, tmp_path: Path) -> None:
    data = bytearray(of_another_ledger(theirs))
    data[data.index(b"IDAT") + 40] ^= 1
    verdict = judge(tmp_path, bytes(data), [], listing(theirs, tmp_path))
    assert (verdict.verdict, verdict.exit_code, verdict.axes.integrity) == ("fail", 4, "altered")


# --- time stamps in the file ---


def sign(credential: C2paCredential, definition: dict[str, Any], *, ta_url: str = "", **more: Any) -> bytes:
    said = {xmp.DIGITAL_SOURCE_TYPE: TRAINED_ALGORITHMIC_MEDIA, "Iptc4xmpExt:DigImageGUID": "d1" * 16}
    block = exif.build(software="test", description="test", created_at=studio.NOW)
    encoded = png.encode(studio.picture(7), xmp=xmp.build(said), exif=block)
    return C2paSigner(credential, ta_url=ta_url).sign(definition, "image/png", encoded, **more).data


def short_lived(ours: Studio, seconds: float) -> tuple[C2paCredential, datetime, str]:
    """A credential under our own root, when it ends, and the leaf's fingerprint."""
    root = x509.load_pem_x509_certificate(ours.trust.c2pa_anchors[0].encode())
    root_key = load_pem_private_key((ours.folder / "keys" / "c2pa-root.key").read_bytes(), password=None)
    assert isinstance(root_key, ec.EllipticCurvePrivateKey)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(tz=UTC)
    validity = certificates.Validity(start=now - timedelta(days=1), end=now + timedelta(seconds=seconds))
    leaf = certificates.make_leaf(key.public_key(), root.subject, validity, root=root, root_key=root_key)
    credential = C2paCredential(
        chain_pem=leaf.public_bytes(Encoding.PEM),
        private_key_pem=private_pem(key),
        anchor_pem=ours.trust.c2pa_anchors[0],
    )
    return credential, validity.end, certificates.fingerprint(leaf)


@pytest.fixture(scope="module")
def stamped(ours: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[bytes, str, str]]:
    """(file, fingerprint of its leaf, root of the service): the certificate has ended since the stamp."""
    if OPENSSL is None:
        pytest.skip("needs the Debian package openssl")
    authority = Authority.make(tmp_path_factory.mktemp("tsa"))
    with serving(lambda query: (200, {}, authority.reply(query))) as url:
        credential, end, leaf = short_lived(ours, 3)
        data = sign(credential, studio.claim(ours), ta_url=url)
    time.sleep(max(0.0, (end - datetime.now(tz=UTC)).total_seconds()) + 1)  # nothing else ends a certificate
    yield data, leaf, authority.root


def test_an_expired_certificate_passes_with_a_stamp_of_a_service_that_the_trust_file_names(
    ours: Studio, stamped: tuple[bytes, str, str], tmp_path: Path
) -> None:
    data, leaf, service = stamped
    trust = replace(ours.trust, leaf_fingerprints=(leaf,))
    verdict = judge(tmp_path, data, [replace(trust, tsa_roots=(service,))])
    assert (verdict.verdict, verdict.axes.trust) == ("pass", "trusted")
    without = judge(tmp_path, data, [trust])
    assert (without.verdict, without.exit_code, without.axes.trust) == ("fail", 5, "expired")
    assert "verify.expired" in codes(without)


def test_a_public_list_of_time_stamp_authorities_counts_beside_the_trust_file_and_names_no_signer(
    ours: Studio, theirs: Studio, stamped: tuple[bytes, str, str], tmp_path: Path
) -> None:
    data, leaf, service = stamped
    place = tmp_path / "TSA.pem"
    place.write_text(service)
    lists = trust_list.load_all([], [place])
    verdict = judge(tmp_path, data, [replace(ours.trust, leaf_fingerprints=(leaf,))], lists)
    assert (verdict.verdict, verdict.axes.trust) == ("pass", "trusted")
    place.write_text("".join(theirs.trust.c2pa_anchors))
    foreign = judge(tmp_path, of_another_ledger(theirs), [], trust_list.load_all([], [place]))
    assert (foreign.exit_code, foreign.axes.trust) == (5, "untrusted")
    both = (*listing(ours, tmp_path), *lists)
    listed = judge(tmp_path, data, [], both)
    assert (listed.verdict, listed.axes.trust) == ("pass", "listed")


def test_the_roots_of_one_trust_file_stamp_nothing_for_another(
    ours: Studio, theirs: Studio, stamped: tuple[bytes, str, str], tmp_path: Path
) -> None:
    data, leaf, service = stamped
    trust = replace(ours.trust, leaf_fingerprints=(leaf,))
    verdict = judge(tmp_path, data, [trust, replace(theirs.trust, tsa_roots=(service,))])
    assert verdict.verdict == "fail"


def test_the_root_of_a_time_stamp_service_signs_no_files(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    trust = replace(ours.trust, tsa_roots=theirs.trust.c2pa_anchors)
    verdict = judge(tmp_path, of_another_ledger(theirs), [trust])
    assert (verdict.verdict, verdict.exit_code, verdict.axes.trust) == ("fail", 5, "untrusted")
