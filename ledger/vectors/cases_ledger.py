"""Whole files, good and bad."""

from __future__ import annotations

from hashlib import sha256

from cases import RUN, Case, Files, case, defect, good, ledger, started
from forge import NOW, Forge, dumps, hex32, hex64, log_signer, signer, tamper
from personactl_ledger import parse_entry
from personactl_ledger.checkpoint import sign_checkpoint
from personactl_ledger.encoding import to_base64


@case
def ledger_good() -> Case:
    return ledger("Every common kind of entry, two starts of a run, two checkpoints.", good())


@case
def ledger_new() -> Case:
    forge = Forge()
    forge.checkpoint()
    return ledger("The three entries of a new ledger.", forge)


@case
def ledger_interrupted_run() -> Case:
    forge = started()
    forge.run_open(RUN, signer("run-again"))
    first = forge.growth.frontier.size - 1
    last = forge.output(RUN, "snow", signer("run-again"))
    forge.run_close(RUN, first, last, 1, 0)
    forge.checkpoint()
    return ledger("A start that was never closed, then a second one, whose counts the run-close gives.", forge)


@case
def ledger_tiles() -> Case:
    forge = Forge()
    for number in range(258):
        forge.note(f"entry {number}")
        if number in (3, 252, 253):
            forge.checkpoint()
    forge.checkpoint()
    return ledger("261 entries: one full tile, and checkpoints on both sides of its edge.", forge)


@case
def ledger_anchor() -> Case:
    forge = good()
    return ledger("An earlier receipt and an earlier checkpoint lie on the tree.", forge, base="ledger-good",
                  files={"defect.sql": "", "anchor-0": forge.receipt(3), "anchor-1": first_checkpoint(forge)},
                  anchors=["anchor-0", "anchor-1"])  # fmt: skip


@case
def ledger_rollback_unseen() -> Case:
    return ledger("Cut back to the first checkpoint, cleanly. Nothing inside the file shows it: readers must say so.",
                  good(), base="ledger-good", files={"defect.sql": tamper(CUT)})  # fmt: skip


@case
def ledger_erased() -> Case:
    return ledger("A sealed value was deleted. The log does not change.", good(), base="ledger-good",
                  files={"defect.sql": "DELETE FROM sealed;\n"})  # fmt: skip


@case
def ledger_clock_back() -> Case:
    forge = Forge()
    forge.note("a", at="2026-01-03T00:00:00Z")
    forge.note("b", at="2026-01-02T00:00:00Z")
    forge.checkpoint()
    return ledger("The writer's clock went back. A warning: that time is not signed.", forge, warning="ledger.clock")


@case
def ledger_clock_back_fraction() -> Case:
    forge = Forge()
    for place, second in enumerate(("05Z", "05.5Z", "05.50Z", "05.10Z")):
        forge.note(f"{place}", at=f"2026-01-03T00:00:{second}")
    forge.checkpoint()
    return ledger("The writer's clock went back by 0.4 seconds; the texts have decimals of several lengths.", forge,
                  warning="ledger.clock")  # fmt: skip


@case
def ledger_key_revoked() -> Case:
    forge = started()
    kid = signer("run").key_id
    said = {"kid": kid, "fromIndex": 4, "revokedAt": "2026-01-02T05:00:00Z", "reason": "the host was entered"}
    forge.append(forge.say("key-revoke", forge.root, ("key", hex64("run key")), **said))
    forge.run_open(RUN, signer("run-again"))
    forge.checkpoint()
    return ledger("A run key was revoked from entry 4 on: entry 4 is reported as distrusted, the ledger is whole.",
                  forge, warning="ledger.distrusted")  # fmt: skip


@case
def ledger_kind_unknown() -> Case:
    forge = Forge()
    forge.append_later("gift", 1, forge.operator)
    forge.append_later("output", 2, forge.operator)
    forge.checkpoint()
    return ledger("A kind and a version of a later program, signed by the operator: warnings, the ledger is whole.",
                  forge, warning="ledger.kind-unknown")  # fmt: skip


@case
def ledger_root_threshold() -> Case:
    forge = Forge(second_root=signer("second root"))
    forge.key_add("person", signer("person").public_key)
    forge.checkpoint()
    return ledger("Two root keys, and every root entry is signed by both.", forge)


@case
def ledger_adoption() -> Case:
    forge = Forge()
    index = forge.adopt("found")
    forge.withdraw("found", index)
    forge.adopt("found", entryId=hex32("id found again"))
    forge.checkpoint()
    return ledger("A file was brought in, withdrawn, and brought in again.", forge)


@case
def ledger_log_key_revoked() -> Case:
    forge = Forge()
    forge.note("a")
    forge.checkpoint()
    other = Forge()
    other.note("another history")
    other.note("made by whoever took the key")
    other.checkpoint()
    said = {"kid": signer("log").key_id, "fromIndex": 4, "revokedAt": NOW, "reason": "the key was taken"}
    forge.append(forge.say("key-revoke", forge.root, ("key", hex64("log key")), **said))
    new = log_signer("new log")
    forge.key_add("ledger", new.public_key, vkeys=new.vkeys(forge.origin))
    forge.checkpoint(log=new)
    files: Files = {"stolen": last_checkpoint(other)}
    files["trust.json"] = dumps(forge.trust(logKeys=[*forge.log.vkeys(forge.origin), *new.vkeys(forge.origin)]))
    return ledger("A ledger key was revoked from entry 4 on. A checkpoint over more, signed by it, proves no fork.",
                  forge, warning="ledger.distrusted", anchors=["stolen"], unanchored=True, files=files)  # fmt: skip


CUT = (
    "DELETE FROM checkpoint WHERE size > 10;\nDELETE FROM sealed WHERE idx >= 10;\nDELETE FROM entry WHERE idx >= 10;\n"
)


def first_checkpoint(forge: Forge) -> str:
    return str(forge.connection.execute("SELECT note FROM checkpoint ORDER BY size").fetchone()[0])


def last_checkpoint(forge: Forge) -> str:
    return str(forge.connection.execute("SELECT note FROM checkpoint ORDER BY size DESC").fetchone()[0])


@case
def ledger_leaf_flip_fail() -> Case:
    sql = "UPDATE entry SET leaf = CAST(replace(CAST(leaf AS TEXT), 'eyJ', 'eyK') AS BLOB) WHERE idx = 6;\n"
    return defect("Bytes of one leaf were changed.", sql, "ledger.leaf-hash")


@case
def ledger_leaf_replaced_fail() -> Case:
    forge = good()
    other = parse_entry(forge.say("note", forge.operator, ("note", hex64("x")), text="never said", notedAt="x"))
    index = forge.growth.frontier.size - 1
    columns = {
        "leaf": f"X'{other.leaf.hex()}'", "leaf_hash": f"X'{other.leaf_hash.hex()}'",
        "statement": "'" + other.payload.decode() + "'", "subject_sha256": f"'{other.subject_sha256}'",
    }  # fmt: skip
    sets = ", ".join(f"{name} = {value}" for name, value in columns.items())
    sql = f"UPDATE entry SET {sets} WHERE idx = {index};\n"  # noqa: S608
    return defect("The last entry was replaced by another one with a right signature.", sql, "ledger.checkpoint-root")


@case
def ledger_truncated_fail() -> Case:
    return defect("The last entry was deleted.", "DELETE FROM entry WHERE idx = (SELECT max(idx) FROM entry);\n",
                  "ledger.truncated")  # fmt: skip


@case
def ledger_gap_fail() -> Case:
    return defect("An entry in the middle was deleted.", "DELETE FROM entry WHERE idx = 7;\n", "ledger.index-gap")


@case
def ledger_rollback_fail() -> Case:
    forge = good()
    files: Files = {"defect.sql": tamper(CUT), "anchor-0": last_checkpoint(forge)}
    return ledger("Cut back to the first checkpoint; a later checkpoint from outside shows it.", forge,
                  "ledger.rollback", base="ledger-good", files=files, anchors=["anchor-0"])  # fmt: skip


@case
def ledger_fork_fail() -> Case:
    forge, other = good(), Forge()
    other.note("another history")
    other.checkpoint()
    return ledger("The anchor is from another history of the same ledger.", forge, "ledger.fork", base="ledger-good",
                  files={"defect.sql": "", "anchor-0": last_checkpoint(other)}, anchors=["anchor-0"])  # fmt: skip


@case
def ledger_anchor_foreign_fail() -> Case:
    forge, other = good(), Forge(domain="elsewhere.example")
    other.checkpoint()
    return ledger("The anchor is from another ledger.", forge, "ledger.anchor", base="ledger-good",
                  files={"defect.sql": "", "anchor-0": last_checkpoint(other)}, anchors=["anchor-0"])  # fmt: skip


@case
def ledger_trigger_missing_fail() -> Case:
    return ledger("A trigger was dropped.", good(), "ledger.schema", base="ledger-good",
                  files={"defect.sql": "DROP TRIGGER entry_no_delete;\n"})  # fmt: skip


@case
def ledger_table_added_fail() -> Case:
    return ledger("A table was added.", good(), "ledger.schema", base="ledger-good",
                  files={"defect.sql": "CREATE TABLE extra (a);\n"})  # fmt: skip


@case
def ledger_header_fail() -> Case:
    return ledger("The file says that it is of another application.", good(), "ledger.other-application",
                  base="ledger-good", files={"defect.sql": "PRAGMA application_id = 1;\n"})  # fmt: skip


@case
def ledger_column_fail() -> Case:
    sql = "UPDATE entry SET subject_name = 'other.png' WHERE idx = 5;\n"
    return defect("A column says what its leaf does not.", sql, "ledger.projection")


@case
def ledger_tile_fail() -> Case:
    sql = f"UPDATE tile SET root = X'{'00' * 32}';\n"  # noqa: S608
    return defect("The stored root of a tile is wrong.", sql, "ledger.tile", base="ledger-tiles")


@case
def ledger_tile_missing_fail() -> Case:
    return defect("A full tile is missing.", "DELETE FROM tile;\n", "ledger.tile", base="ledger-tiles")


@case
def ledger_schema_not_utf8_fail() -> Case:
    sql = (
        "PRAGMA writable_schema = ON;\nUPDATE sqlite_master"
        " SET sql = CAST(CAST(sql AS BLOB) || X'202d2dff' AS TEXT) WHERE name = 'v_keys';\n"
    )
    return ledger("The text of a view holds a byte that is not UTF-8.", good(), "ledger.schema", base="ledger-good",
                  files={"defect.sql": sql})  # fmt: skip


@case
def ledger_checkpoints_deleted_fail() -> Case:
    forge = good()
    files: Files = {"defect.sql": tamper("DELETE FROM checkpoint;\n"), "anchor-0": first_checkpoint(forge)}
    return ledger("All checkpoints were deleted; one that was handed out shows that there were some.", forge,
                  "ledger.no-checkpoint", base="ledger-good", files=files, anchors=["anchor-0"])  # fmt: skip


@case
def ledger_sealed_fail() -> Case:
    return defect("A sealed value is not the committed one.", "UPDATE sealed SET value = 'Mira';\n", "ledger.seal")


@case
def ledger_checkpoint_signature_fail() -> Case:
    forge = Forge()
    forge.checkpoint(log=log_signer("another log"))
    return ledger("The checkpoint is signed by a key that the ledger did not enrol.", forge,
                  "ledger.checkpoint-signature", trusted=False)  # fmt: skip


@case
def ledger_checkpoint_root_fail() -> Case:
    forge = Forge()
    forge.checkpoint(root=bytes(32))
    return ledger(
        "A rightly signed checkpoint over a root that the entries do not have.", forge, "ledger.checkpoint-root"
    )


@case
def ledger_checkpoint_extension_fail() -> Case:
    forge = good()
    note = last_checkpoint(forge).replace("\n\n", "\nextension\n\n", 1)
    sql = f"UPDATE checkpoint SET note = '{note}' WHERE size = (SELECT max(size) FROM checkpoint);\n"  # noqa: S608
    return defect("A checkpoint has a fourth line.", sql, "ledger.checkpoint-malformed")


@case
def ledger_trust_origin_fail() -> Case:
    forge = good()
    files: Files = {"defect.sql": "", "trust.json": dumps(Forge(domain="elsewhere.example").trust())}
    return ledger("Whole, but the trust file is for another ledger.", forge, "ledger.trust-origin", exit_code=5,
                  base="ledger-good", files=files)  # fmt: skip


@case
def ledger_trust_no_checkpoint_fail() -> Case:
    forge = good()
    files: Files = {"defect.sql": tamper("DELETE FROM checkpoint;\n"), "trust.json": dumps(forge.trust())}
    return ledger("All checkpoints were deleted, so none is signed by a log key of the trust file.", forge,
                  "ledger.trust-log-key", exit_code=5, base="ledger-good", files=files)  # fmt: skip


@case
def ledger_trust_root_fail() -> Case:
    forge = good()
    trust = forge.trust(rootKeys=[to_base64(signer("another root").public_key)])
    return ledger("Whole, but no root key of the trust file signed the genesis.", forge, "ledger.trust-root",
                  exit_code=5, base="ledger-good", files={"defect.sql": "", "trust.json": dumps(trust)})  # fmt: skip


@case
def ledger_checkpoint_of_nothing_fail() -> Case:
    forge = good()
    note = sign_checkpoint(forge.origin, 0, sha256().digest(), forge.log, now=NOW).note
    sql = f"INSERT INTO checkpoint VALUES (0, '{sha256().hexdigest()}', '{note}', '{NOW}');\n"  # noqa: S608
    return ledger("A stored checkpoint covers no entry.", forge, "ledger.checkpoint-malformed", base="ledger-good",
                  files={"defect.sql": "PRAGMA ignore_check_constraints = ON;\n" + tamper(sql)})  # fmt: skip
