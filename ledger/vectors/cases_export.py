"""JSON lines and excerpts, good and bad (SPEC 16.2, 16.3)."""

from __future__ import annotations

import json
from typing import Any

from cases import Case, case, good
from forge import Forge, dumps, log_signer, signer
from forge_export import EXCERPT, HEAD, JSONL, excerpt, exported, lines, made


@case
def export_jsonl() -> Case:
    return exported("All entries, one a line.", JSONL, lines())


@case
def export_excerpt() -> Case:
    return exported("The lines of one run, and the hashes of what is left out.", JSONL, excerpt())


@case
def export_anchor() -> Case:
    receipt = good().receipt(3)
    return exported("A receipt that was handed out earlier lies on the tree.", JSONL, {}, base="export-jsonl",
                    anchors=["anchor-0"], extra={"anchor-0": receipt})  # fmt: skip


# --- JSON lines ------------------------------------------------------------------------------------------------------


def jsonl(why: str, data: bytes, code: str) -> Case:
    return exported(why, JSONL, {JSONL: data}, code, base="export-jsonl")


@case
def export_line_missing_fail() -> Case:
    kept = lines()[JSONL].splitlines(keepends=True)
    return jsonl("A line in the middle is missing.", b"".join(kept[:7] + kept[8:]), "export.size")


@case
def export_line_twice_fail() -> Case:
    kept = lines()[JSONL].splitlines(keepends=True)
    return jsonl("The last line stands twice.", b"".join([*kept, kept[-1]]), "export.size")


@case
def export_lines_swapped_fail() -> Case:
    kept = lines()[JSONL].splitlines(keepends=True)
    kept[5], kept[6] = kept[6], kept[5]
    return jsonl("Two lines changed places.", b"".join(kept), "ledger.checkpoint-root")


@case
def export_line_changed_fail() -> Case:
    data = lines()[JSONL].replace(b"eyJ", b"eyK", 1)
    return jsonl("A byte of a line was changed.", data, "ledger.checkpoint-root")


@case
def export_crlf_fail() -> Case:
    return jsonl("The lines end with CR LF.", lines()[JSONL].replace(b"\n", b"\r\n"), "export.line")


@case
def export_last_newline_fail() -> Case:
    return jsonl("The last line is not ended.", lines()[JSONL][:-1], "export.line")


@case
def export_empty_line_fail() -> Case:
    return jsonl("There is an empty line at the end.", lines()[JSONL] + b"\n", "export.line")


@case
def export_checkpoint_size_fail() -> Case:
    forge = good()
    forge.note("one more")
    head = forge.checkpoint()
    return exported("The checkpoint is over one entry more.", JSONL, {HEAD: head.encode()}, "export.size",
                    base="export-jsonl")  # fmt: skip


@case
def export_checkpoint_missing_fail() -> Case:
    return exported("The checkpoint is missing.", JSONL, {}, "export.files", base="export-jsonl", remove=[HEAD])


@case
def export_checkpoint_signature_fail() -> Case:
    forge = Forge()
    forge.checkpoint(log=log_signer("another log"))
    return exported("The checkpoint is signed by a key that the ledger did not enrol.", JSONL, made(forge),
                    "ledger.checkpoint-signature")  # fmt: skip


@case
def export_signer_unknown_fail() -> Case:
    forge = Forge()
    forge.note("by nobody", by=signer("nobody"))
    forge.checkpoint()
    return exported("An entry under a right checkpoint is signed by an unknown key.", JSONL, made(forge),
                    "ledger.signer-unknown")  # fmt: skip


@case
def export_trust_origin_fail() -> Case:
    return exported("Whole, but the trust file is for another ledger.", JSONL, {}, "ledger.trust-origin", exit_code=5,
                    base="export-jsonl", trust=Forge(domain="elsewhere.example").trust())  # fmt: skip


@case
def export_rollback_fail() -> Case:
    forge = good()
    forge.note("later")
    return exported("A later checkpoint of the ledger shows that the export was cut back.", JSONL, {},
                    "ledger.rollback", base="export-jsonl", anchors=["anchor-0"],
                    extra={"anchor-0": forge.checkpoint()})  # fmt: skip


@case
def export_fork_fail() -> Case:
    other = Forge()
    other.note("another history")
    return exported("The anchor is from another history of the same ledger.", JSONL, {}, "ledger.fork",
                    base="export-jsonl", anchors=["anchor-0"], extra={"anchor-0": other.checkpoint()})  # fmt: skip


# --- excerpts --------------------------------------------------------------------------------------------------------


def cut(why: str, code: str, **change: Any) -> Case:
    said = json.loads(excerpt()[EXCERPT]) | change
    return exported(why, JSONL, {EXCERPT: dumps(said).encode()}, code, base="export-excerpt")


def said() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(excerpt()[EXCERPT])
    return found


@case
def export_excerpt_moved_fail() -> Case:
    ranges = [[start + 1, stop + 1] for start, stop in said()["ranges"]]
    return cut("The lines are said to stand one place further.", "ledger.checkpoint-root",
               ranges=ranges, hashes=said()["hashes"])  # fmt: skip


@case
def export_excerpt_hash_fail() -> Case:
    return cut("A hash is another one.", "ledger.checkpoint-root", hashes=[*said()["hashes"][:-1], "A" * 43 + "="])


@case
def export_excerpt_few_fail() -> Case:
    return cut("A hash is missing.", "export.excerpt", hashes=said()["hashes"][:-1])


@case
def export_excerpt_many_fail() -> Case:
    return cut("There is a hash too many.", "export.excerpt", hashes=[*said()["hashes"], said()["hashes"][0]])


@case
def export_excerpt_overlap_fail() -> Case:
    return cut("Two ranges overlap.", "export.excerpt", ranges=[[6, 9], [8, 10]])


@case
def export_excerpt_touch_fail() -> Case:
    (start, stop), *rest = next([pair, *said()["ranges"][place + 1 :]] for place, pair in enumerate(said()["ranges"])
                                if pair[1] - pair[0] > 1)  # fmt: skip
    before = said()["ranges"][: -1 - len(rest)]
    ranges = [*before, [start, start + 1], [start + 1, stop], *rest]
    return cut("A range is written as two that touch.", "export.excerpt", ranges=ranges)


@case
def export_excerpt_line_fail() -> Case:
    data = excerpt()[JSONL].splitlines(keepends=True)
    return exported("A line of the excerpt is missing.", JSONL, {JSONL: b"".join(data[:-1])}, "export.size",
                    base="export-excerpt")  # fmt: skip


@case
def export_excerpt_log_key_fail() -> Case:
    forge = good()
    trust = forge.trust(logKeys=list(log_signer("another log").vkeys(forge.origin)))
    return exported("The excerpt holds, but not by log keys of the trust file.", JSONL, {}, "ledger.trust-log-key",
                    exit_code=5, base="export-excerpt", trust=trust)  # fmt: skip


@case
def export_excerpt_origin_fail() -> Case:
    return exported("The excerpt holds, but the trust file is for another ledger.", JSONL, {}, "ledger.trust-origin",
                    exit_code=5, base="export-excerpt", trust=Forge(domain="elsewhere.example").trust())  # fmt: skip
