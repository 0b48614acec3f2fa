"""Files that another program worked on, bytes that are nearly a checkpoint, and what is longer than it may be."""

from __future__ import annotations

import json

from cases import RUN, Case, case, defect, finished, good, ledger, started
from cases_ledger import last_checkpoint
from cases_receipt import receipt, swap
from forge import NOW, Forge, hex64, log_signer, signer
from personactl_ledger import parse_entry
from personactl_ledger.checkpoint import Checkpoint, sign_checkpoint
from personactl_ledger.envelope import EnvelopeSignature, pae, write_envelope
from personactl_ledger.note import NoteSignature, parse_note, write_note

LAST = "WHERE size = (SELECT max(size) FROM checkpoint)"


def setting(why: str, sql: str, code: str) -> Case:
    """A good file after some statements of another program."""
    return ledger(why, good(), code, base="ledger-good", files={"defect.sql": sql})


@case
def file_newer_format_fail() -> Case:
    return setting("The file says that it has a later format.", "PRAGMA user_version = 2;\n", "ledger.newer-format")


@case
def file_older_format_fail() -> Case:
    return setting("The file says format 0.", "PRAGMA user_version = 0;\n", "ledger.older-format")


@case
def file_page_size_fail() -> Case:
    return setting("The file was rewritten with pages of 1,024 bytes.", "PRAGMA page_size = 1024;\nVACUUM;\n",
                   "ledger.file-settings")  # fmt: skip


@case
def file_auto_vacuum_fail() -> Case:
    return setting("The file was rewritten with auto-vacuum.", "PRAGMA auto_vacuum = FULL;\nVACUUM;\n",
                   "ledger.file-settings")  # fmt: skip


@case
def file_write_ahead_fail() -> Case:
    return setting("The file was switched to write-ahead logging.", "PRAGMA journal_mode = WAL;\n", "ledger.journal")


@case
def file_vacuumed() -> Case:
    return ledger("The file was vacuumed: other pages, the same rows.", good(), base="ledger-good",
                  files={"defect.sql": "VACUUM;\n"})  # fmt: skip


@case
def file_schema_type_fail() -> Case:
    sql = "PRAGMA writable_schema = ON;\nUPDATE sqlite_master SET type = X'{}' WHERE name = 'entry_no_delete';\n"
    return setting("The type of a schema row is a blob.", sql.format(b"trigger".hex()), "ledger.schema")


@case
def file_index_added_fail() -> Case:
    return setting("An index was added. SQLite would evaluate its expression to check it.",
                   "CREATE INDEX extra ON entry (length(statement));\n", "ledger.schema")  # fmt: skip


@case
def file_row_size_fail() -> Case:
    return defect("A row of five mebibytes.",
                  "UPDATE entry SET statement = CAST(zeroblob(5242880) AS TEXT) WHERE idx = 5;\n",
                  "ledger.row-size")  # fmt: skip


@case
def ledger_huge_index_fail() -> Case:
    row = "'note', NULL, NULL, NULL, NULL, NULL, subject_name, subject_sha256, key_id, appended_at, statement, leaf"
    sql = f"INSERT INTO entry SELECT 9223372036854775807, zeroblob(32), {row} FROM entry WHERE idx = 3;\n"  # noqa: S608
    return defect("An entry with the largest index that SQLite has.", sql, "ledger.index-gap")


@case
def ledger_columns_swapped_fail() -> Case:
    sql = "UPDATE entry SET subject_name = key_id, key_id = subject_name WHERE idx = 5;\n"
    return defect("Two columns of an entry are swapped.", sql, "ledger.projection")


@case
def ledger_checkpoint_second_line_fail() -> Case:
    forge, new = Forge(), log_signer("new log")
    forge.key_add("ledger", new.public_key, vkeys=new.vkeys(forge.origin))
    root, size = forge.growth.frontier.root(), forge.growth.frontier.size
    note = parse_note(sign_checkpoint(forge.origin, size, root, forge.log, new, now=NOW).note)
    good, last = note.signatures
    wrong = NoteSignature(last.name, last.key_hash, last.signature[:-1] + bytes([last.signature[-1] ^ 1]))
    signed = Checkpoint(origin=forge.origin, size=size, root=root, note=write_note(note.text, (good, wrong)))
    forge.store.insert_checkpoint(signed, NOW)
    return ledger("Two ledger keys signed the checkpoint, and the line of the second is wrong.", forge,
                  "ledger.checkpoint-signature")  # fmt: skip


@case
def ledger_writer_clock_fail() -> Case:
    sql = "PRAGMA ignore_check_constraints = ON;\nUPDATE entry SET appended_at = 'never' WHERE idx = 5;\n"
    return defect("The writer's clock of an entry is no time.", sql, "ledger.writer-clock")


@case
def ledger_tile_hash_fail() -> Case:
    sql = f"UPDATE tile SET hashes = CAST(X'{'00' * 32}' || substr(hashes, 33) AS BLOB);\n"  # noqa: S608
    return defect("One hash in a tile is wrong; the entries are whole.", sql, "ledger.tile", base="ledger-tiles")


@case
def ledger_checkpoint_replayed_fail() -> Case:
    other = Forge(domain="elsewhere.example")
    other.whole_run()
    while other.growth.frontier.size < good().growth.frontier.size:
        other.note(f"entry {other.growth.frontier.size}")
    other.checkpoint()
    sql = f"UPDATE checkpoint SET note = '{last_checkpoint(other)}' {LAST};\n"  # noqa: S608
    return defect("The checkpoint is one of another ledger, by the same ledger key.", sql, "ledger.checkpoint-columns")


def note_case(why: str, old: str, new: str) -> Case:
    """The last checkpoint of `ledger-good` with other bytes."""
    note = last_checkpoint(good())
    assert old in note
    changed = note.replace(old, new, 1)
    sql = f"UPDATE checkpoint SET note = CAST(X'{changed.encode().hex()}' AS TEXT) {LAST};\n"  # noqa: S608
    return defect(why, sql, "ledger.checkpoint-malformed")


@case
def ledger_checkpoint_leading_zero_fail() -> Case:
    size = f"\n{good().growth.frontier.size}\n"
    return note_case("The size of a checkpoint has a leading zero.", size, "\n0" + size[1:])


@case
def ledger_checkpoint_base64_fail() -> Case:
    root = last_checkpoint(good()).split("\n")[2]
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    loose = root[:-2] + digits[digits.index(root[-2]) + 1] + "="
    return note_case("The root of a checkpoint has unused bits that are not zero.", root, loose)


@case
def receipt_checkpoint_crlf_fail() -> Case:
    def mend(document: dict[str, str]) -> None:
        head, empty, note = document["proof"].partition("\n\n")
        document["proof"] = head + empty + note.replace("\n", "\r\n")

    return receipt("The lines of the checkpoint end in CR LF.", "receipt.malformed", mend=mend)


@case
def receipt_checkpoint_leading_zero_fail() -> Case:
    return receipt("The size of the checkpoint has a leading zero.", "receipt.malformed",
                   mend=lambda d: swap(d, "\n6\n", "\n06\n"))  # fmt: skip


@case
def receipt_path_long_fail() -> Case:
    def mend(document: dict[str, str]) -> None:
        lines = document["proof"].split("\n")
        document["proof"] = "\n".join([*lines[:2], *[lines[2]] * 64, *lines[lines.index("") :]])

    return receipt("A path of 64 hashes.", "receipt.malformed", mend=mend)


@case
def leaf_too_many_signatures_fail() -> Case:
    forge = Forge()
    payload = parse_entry(forge.say("note", forge.operator, ("note", hex64("x")), text="x")).payload
    signers = [signer(f"signer {number}") for number in range(17)]
    leaf = json.loads(
        write_envelope(payload, [EnvelopeSignature(by.key_id, by.sign(pae(payload))) for by in signers[:16]])
    )
    leaf["signatures"].append({"keyid": signers[16].key_id, "sig": leaf["signatures"][0]["sig"]})
    forge.append_raw(json.dumps(leaf, separators=(",", ":"), sort_keys=True).encode(), "note")
    return finished("An envelope with 17 signatures.", forge, "ledger.envelope")


@case
def leaf_seed_float_fail() -> Case:
    forge = started()
    leaf = parse_entry(forge.output_leaf(RUN, "snow", signer("run")))
    payload = leaf.payload.replace(b'"seed":"1234"', b'"seed":1234.0')
    assert payload != leaf.payload
    by = signer("run")
    forge.append_raw(write_envelope(payload, [EnvelopeSignature(by.key_id, by.sign(pae(payload)))]), "output")
    return finished("The seed of an output is a fraction.", forge, "ledger.profile")


@case
def leaf_base64_fail() -> Case:
    forge = Forge()
    leaf = json.loads(forge.say("note", forge.operator, ("note", hex64("x")), text="x"))
    sig = leaf["signatures"][0]["sig"]
    assert sig.endswith("==")
    leaf["signatures"][0]["sig"] = sig[:-3] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[sig[-3]] + "=="
    forge.append_raw(json.dumps(leaf, separators=(",", ":"), sort_keys=True).encode(), "note")
    return finished("A signature whose base64 has unused bits that are not zero.", forge, "ledger.envelope")


@case
def leaf_too_long_fail() -> Case:
    forge = Forge()
    forge.connection.execute("PRAGMA ignore_check_constraints = ON")
    leaf = forge.say("note", forge.operator, ("note", hex64("x")), text="x")
    forge.append_raw(leaf + b" " * (65_536 - len(leaf)), "note")
    why, vector, files = finished("A leaf of 65,536 bytes.", forge, "ledger.leaf-size")
    files["ledger.sql"] = "PRAGMA ignore_check_constraints = ON;\n" + str(files["ledger.sql"])
    return why, vector, files
