-- The ledger file, format 1 (SPEC 11). `ledger check` compares sqlite_master with this text, object by object.
-- Evidence is the Merkle tree over entry.leaf and the signed checkpoints; every other column, tile and view is derived
-- from the leaves and is compared with them. The triggers are a seat-belt against accidents, not evidence.

PRAGMA application_id = 0x504C4731;  -- "PLG1"
PRAGMA user_version = 1;

-- One row for each entry. `leaf` is the exact DSSE envelope; `statement` is its decoded payload, for people.
CREATE TABLE entry (
  idx INTEGER PRIMARY KEY CHECK (idx >= 0),
  leaf_hash BLOB NOT NULL UNIQUE CHECK (length(leaf_hash) = 32),
  kind TEXT NOT NULL,
  run TEXT,
  entry_id TEXT CHECK (length(entry_id) = 32),
  job_key TEXT CHECK (length(job_key) = 64),
  voids INTEGER CHECK (voids < idx),
  certifies TEXT,
  subject_name TEXT NOT NULL,
  subject_sha256 TEXT NOT NULL CHECK (length(subject_sha256) = 64),
  key_id TEXT NOT NULL,
  appended_at TEXT NOT NULL CHECK (appended_at GLOB '????-??-??T??:??:??*Z'),
  statement TEXT NOT NULL,
  leaf BLOB NOT NULL CHECK (length(leaf) BETWEEN 2 AND 65535)
) STRICT;

CREATE INDEX entry_kind ON entry (kind, idx);
CREATE INDEX entry_run ON entry (run, kind, idx) WHERE run IS NOT NULL;
CREATE INDEX entry_subject ON entry (subject_sha256);
CREATE UNIQUE INDEX entry_entry_id ON entry (entry_id) WHERE entry_id IS NOT NULL AND kind IN ('output', 'reject', 'adoption');
CREATE INDEX entry_job_key ON entry (job_key) WHERE kind = 'output';
CREATE UNIQUE INDEX entry_voids ON entry (voids) WHERE voids IS NOT NULL;
CREATE UNIQUE INDEX entry_certifies ON entry (certifies) WHERE certifies IS NOT NULL;

-- Full tiles of 256 hashes. Level 0 holds leaf hashes, level n the roots of 256 tiles of level n - 1.
CREATE TABLE tile (
  level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 7),
  idx INTEGER NOT NULL CHECK (idx >= 0),
  hashes BLOB NOT NULL CHECK (length(hashes) = 8192),
  root BLOB NOT NULL CHECK (length(root) = 32),
  PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;

-- Signed tree heads: `note` is the C2SP checkpoint with the log's own signature lines, as signed.
CREATE TABLE checkpoint (
  size INTEGER PRIMARY KEY CHECK (size > 0),
  root TEXT NOT NULL CHECK (length(root) = 64),
  note TEXT NOT NULL,
  created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T??:??:??*Z')
) STRICT;

-- Signature lines of witnesses over a checkpoint, one row each.
CREATE TABLE cosignature (
  size INTEGER NOT NULL REFERENCES checkpoint (size),
  key_name TEXT NOT NULL,
  key_hash BLOB NOT NULL CHECK (length(key_hash) = 4),
  line TEXT NOT NULL,
  received_at TEXT NOT NULL CHECK (received_at GLOB '????-??-??T??:??:??*Z'),
  PRIMARY KEY (size, key_name, key_hash)
) STRICT, WITHOUT ROWID;

-- RFC 3161 tokens (SPEC 8.3). `covers` names the older token that a renewal covers; `evidence` holds DER values, one
-- after another.
CREATE TABLE timestamp (
  id INTEGER PRIMARY KEY,
  size INTEGER NOT NULL REFERENCES checkpoint (size),
  tsa TEXT NOT NULL,
  hash_algorithm TEXT NOT NULL CHECK (hash_algorithm IN
    ('sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-384', 'sha3-512')),
  token BLOB NOT NULL,
  covers INTEGER REFERENCES timestamp (id),
  evidence BLOB,
  received_at TEXT NOT NULL CHECK (received_at GLOB '????-??-??T??:??:??*Z')
) STRICT;

-- Values behind commitments: the only table that rows may leave.
CREATE TABLE sealed (
  idx INTEGER NOT NULL REFERENCES entry (idx),
  field TEXT NOT NULL,
  salt BLOB NOT NULL CHECK (length(salt) = 32),
  value TEXT NOT NULL,
  PRIMARY KEY (idx, field)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER entry_dense BEFORE INSERT ON entry
  WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM entry)
  BEGIN SELECT RAISE(ABORT, 'ledger: entries are appended in order'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER tile_dense BEFORE INSERT ON tile
  WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM tile WHERE level = NEW.level)
  BEGIN SELECT RAISE(ABORT, 'ledger: tiles are appended in order'); END;
CREATE TRIGGER tile_no_update BEFORE UPDATE ON tile BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER tile_no_delete BEFORE DELETE ON tile BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER checkpoint_grows BEFORE INSERT ON checkpoint
  WHEN NEW.size <= (SELECT coalesce(max(size), 0) FROM checkpoint)
    OR NEW.size > (SELECT coalesce(max(idx) + 1, 0) FROM entry)
  BEGIN SELECT RAISE(ABORT, 'ledger: checkpoints grow with the log'); END;
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER cosignature_once BEFORE INSERT ON cosignature
  WHEN EXISTS (SELECT 1 FROM cosignature
               WHERE size = NEW.size AND key_name = NEW.key_name AND key_hash = NEW.key_hash)
  BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER cosignature_no_update BEFORE UPDATE ON cosignature BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER cosignature_no_delete BEFORE DELETE ON cosignature BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER timestamp_dense BEFORE INSERT ON timestamp
  WHEN NEW.id IS NOT (SELECT coalesce(max(id) + 1, 1) FROM timestamp)
  BEGIN SELECT RAISE(ABORT, 'ledger: time stamps are appended in order'); END;
CREATE TRIGGER timestamp_no_update BEFORE UPDATE ON timestamp BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER timestamp_no_delete BEFORE DELETE ON timestamp BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER sealed_once BEFORE INSERT ON sealed
  WHEN EXISTS (SELECT 1 FROM sealed WHERE idx = NEW.idx AND field = NEW.field)
  BEGIN SELECT RAISE(ABORT, 'ledger: a sealed value is written once'); END;
CREATE TRIGGER sealed_no_update BEFORE UPDATE ON sealed BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;

-- For people: the sqlite3 shell, DB Browser, Datasette. Times are RFC 3339 text in UTC, from the signed entries; only
-- `writer_clock` is not signed.
CREATE VIEW v_timeline AS
  SELECT idx, json_extract(statement, '$.predicate.' || CASE kind
      WHEN 'genesis' THEN 'createdAt' WHEN 'trust' THEN 'setAt' WHEN 'key-add' THEN 'addedAt'
      WHEN 'key-retire' THEN 'retiredAt' WHEN 'key-revoke' THEN 'revokedAt' WHEN 'run-open' THEN 'startedAt'
      WHEN 'run-close' THEN 'closedAt' WHEN 'output' THEN 'generatedAt' WHEN 'reject' THEN 'generatedAt'
      WHEN 'persona-freeze' THEN 'frozenAt' WHEN 'calibration' THEN 'calibratedAt' WHEN 'training' THEN 'trainedAt'
      WHEN 'adoption' THEN 'adoptedAt' WHEN 'withdrawal' THEN 'withdrawnAt' WHEN 'refusal' THEN 'refusedAt'
      WHEN 'release' THEN 'releasedAt' WHEN 'erasure' THEN 'erasedAt' WHEN 'timestamp' THEN 'stampedAt'
      WHEN 'restore' THEN 'restoredAt' WHEN 'migration' THEN 'migratedAt' WHEN 'merge' THEN 'mergedAt'
      WHEN 'merged' THEN 'mergedAt' WHEN 'note' THEN 'notedAt' WHEN 'approval' THEN 'decidedAt' END) AS signed_time,
    kind, run, subject_name, subject_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry ORDER BY idx;

CREATE VIEW v_output AS
  SELECT o.idx, json_extract(o.statement, '$.predicate.generatedAt') AS generated_at, o.run,
    json_extract(o.statement, '$.predicate.persona.id') AS persona,
    json_extract(o.statement, '$.predicate.persona.version') AS persona_version,
    json_extract(o.statement, '$.predicate.shot') AS shot,
    json_extract(o.statement, '$.predicate.index') AS shot_index,
    o.subject_name AS file, o.subject_sha256 AS file_sha256,
    json_extract(o.statement, '$.predicate.model.name') AS model,
    json_extract(o.statement, '$.predicate.seed') AS seed,
    json_extract(o.statement, '$.predicate.attempt') AS attempt,
    json_extract(o.statement, '$.predicate.identity.verdict') AS identity_verdict,
    json_extract(o.statement, '$.predicate.identity.score') AS identity_score,
    json_extract(o.statement, '$.predicate.identity.threshold') AS identity_threshold,
    json_extract(o.statement, '$.predicate.identity.calibrationId') AS calibration_id,
    json_extract(o.statement, '$.predicate.disclosure.layers') AS disclosure_layers,
    json_extract(o.statement, '$.predicate.iscc') AS iscc,
    o.entry_id, o.job_key,
    (SELECT v.idx FROM entry AS v WHERE v.voids = o.idx) AS voided_by,
    o.key_id AS signed_by, o.appended_at AS writer_clock
  FROM entry AS o WHERE likelihood(o.kind = 'output', 0.9) ORDER BY o.idx;

CREATE VIEW v_reject AS
  SELECT idx, json_extract(statement, '$.predicate.generatedAt') AS generated_at, run,
    json_extract(statement, '$.predicate.persona.id') AS persona,
    json_extract(statement, '$.predicate.persona.version') AS persona_version,
    json_extract(statement, '$.predicate.shot') AS shot,
    json_extract(statement, '$.predicate.index') AS shot_index,
    json_extract(statement, '$.predicate.attempt') AS attempt,
    json_extract(statement, '$.predicate.reason') AS reason,
    json_extract(statement, '$.predicate.identity.verdict') AS identity_verdict,
    json_extract(statement, '$.predicate.identity.score') AS identity_score,
    json_extract(statement, '$.predicate.identity.threshold') AS identity_threshold,
    entry_id, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE likelihood(kind = 'reject', 0.9) ORDER BY idx;

CREATE VIEW v_run AS
  SELECT o.idx AS opened_by, o.run, json_extract(o.statement, '$.predicate.startedAt') AS started_at,
    json_extract(o.statement, '$.predicate.planned') AS planned,
    json_extract(o.statement, '$.predicate.planSha256') AS plan_sha256,
    json_extract(o.statement, '$.predicate.persona.id') AS persona,
    json_extract(o.statement, '$.predicate.persona.version') AS persona_version,
    json_extract(o.statement, '$.predicate.campaign.id') AS campaign,
    c.idx AS closed_by, json_extract(c.statement, '$.predicate.closedAt') AS closed_at,
    json_extract(c.statement, '$.predicate.done') AS done,
    json_extract(c.statement, '$.predicate.failed') AS failed,
    json_extract(c.statement, '$.predicate.rejected') AS rejected,
    json_extract(c.statement, '$.predicate.skipped') AS skipped,
    json_extract(c.statement, '$.predicate.takenOver') AS taken_over,
    o.key_id AS signed_by, o.appended_at AS writer_clock
  FROM entry AS o
  LEFT JOIN entry AS c ON c.kind = 'run-close' AND c.run = o.run
    AND json_extract(c.statement, '$.predicate.firstIndex') = o.idx
  WHERE o.kind = 'run-open' ORDER BY o.idx;

-- Who holds a key, as far as the sealed name is still there.
CREATE VIEW v_holder AS
  SELECT k.idx AS since_entry, k.certifies AS key_id, coalesce(
    (SELECT s.value FROM sealed AS s WHERE s.idx = k.idx AND s.field = 'name'),
    (SELECT '(erased by entry ' || x.idx || ')'
     FROM entry AS x, json_each(x.statement, '$.predicate.erases') AS i,
       json_each(x.statement, i.fullkey || '.fields') AS f
     WHERE x.kind = 'erasure' AND json_extract(x.statement, i.fullkey || '.index') = k.idx AND f.value = 'name'),
    '(not in this file)') AS holder
  FROM entry AS k
  WHERE k.certifies IS NOT NULL AND json_extract(k.statement, '$.predicate.sealed.name') IS NOT NULL;

-- Every signature of every entry: the columns of `entry` name only the first signer.
CREATE VIEW v_signer AS
  SELECT e.idx, e.kind, s.key + 1 AS place, json_extract(CAST(e.leaf AS TEXT), s.fullkey || '.keyid') AS key_id,
    coalesce((SELECT CASE k.kind WHEN 'run-open' THEN 'run' ELSE json_extract(k.statement, '$.predicate.role') END
      FROM entry AS k WHERE k.certifies = json_extract(CAST(e.leaf AS TEXT), s.fullkey || '.keyid')), 'root') AS role,
    coalesce((SELECT k.idx FROM entry AS k
      WHERE k.certifies = json_extract(CAST(e.leaf AS TEXT), s.fullkey || '.keyid')), 0) AS key_since,
    (SELECT h.holder FROM v_holder AS h
     WHERE h.key_id = json_extract(CAST(e.leaf AS TEXT), s.fullkey || '.keyid')) AS holder
  FROM entry AS e, json_each(CAST(e.leaf AS TEXT), '$.signatures') AS s ORDER BY e.idx, s.id;

CREATE VIEW v_keys AS
  WITH known (since_entry, since, role, key_id, run) AS (
    SELECT e.idx, json_extract(e.statement, '$.predicate.createdAt'), 'root',
      json_extract(e.statement, k.fullkey || '.kid'), NULL
    FROM entry AS e, json_each(e.statement, '$.predicate.rootKeys') AS k WHERE e.kind = 'genesis'
    UNION ALL
    SELECT e.idx, coalesce(
        json_extract(e.statement, '$.predicate.addedAt'), json_extract(e.statement, '$.predicate.startedAt')),
      CASE e.kind WHEN 'run-open' THEN 'run' ELSE json_extract(e.statement, '$.predicate.role') END, e.certifies, e.run
    FROM entry AS e WHERE e.certifies IS NOT NULL),
  ended (idx, kind, key_id, from_entry, at, reason) AS (
    SELECT e.idx, e.kind, json_extract(e.statement, '$.predicate.kid'),
      json_extract(e.statement, '$.predicate.fromIndex'), coalesce(
        json_extract(e.statement, '$.predicate.retiredAt'), json_extract(e.statement, '$.predicate.revokedAt')),
      json_extract(e.statement, '$.predicate.reason')
    FROM entry AS e WHERE e.kind IN ('key-retire', 'key-revoke'))
  SELECT k.since_entry, k.since, k.role, k.key_id, k.run, a.idx AS retired_by, b.idx AS revoked_by,
    b.from_entry AS revoked_from, a.at AS retired_at, b.at AS revoked_at, coalesce(b.reason, a.reason) AS reason,
    (SELECT h.holder FROM v_holder AS h WHERE h.key_id = k.key_id) AS holder
  FROM known AS k
  LEFT JOIN ended AS a ON a.key_id = k.key_id AND a.kind = 'key-retire'
  LEFT JOIN ended AS b ON b.key_id = k.key_id AND b.kind = 'key-revoke'
  ORDER BY k.since_entry, k.key_id;

CREATE VIEW v_approval AS
  SELECT a.idx, json_extract(a.statement, '$.predicate.decidedAt') AS decided_at,
    json_extract(a.statement, '$.predicate.decision') AS decision, a.run,
    a.subject_name, a.subject_sha256, a.key_id AS signed_by,
    json_extract(a.statement, '$.predicate.reason') AS reason,
    json_extract(a.statement, '$.predicate.count') AS files,
    (SELECT group_concat(coalesce((SELECT h.holder FROM v_holder AS h
        WHERE h.key_id = json_extract(CAST(a.leaf AS TEXT), s.fullkey || '.keyid')),
        json_extract(CAST(a.leaf AS TEXT), s.fullkey || '.keyid')), ', ')
     FROM json_each(CAST(a.leaf AS TEXT), '$.signatures') AS s) AS persons,
    a.appended_at AS writer_clock
  FROM entry AS a WHERE a.kind = 'approval' ORDER BY a.idx;

-- One row for each file that an approval lists, and for each person who signed it. A file without a decision of its own
-- was not decided about (SPEC 6.11).
CREATE VIEW v_approved_file AS
  SELECT a.idx, json_extract(a.statement, '$.predicate.decidedAt') AS decided_at,
    json_extract(a.statement, f.fullkey || '.name') AS file,
    json_extract(a.statement, f.fullkey || '.sha256') AS file_sha256,
    json_extract(a.statement, f.fullkey || '.decision') AS decision,
    coalesce(nullif(json_extract(a.statement, f.fullkey || '.reason'), ''),
      json_extract(a.statement, '$.predicate.reason')) AS reason,
    a.run, s.holder AS person, s.key_id AS signed_by, s.key_since AS key_enrolled_by, a.appended_at AS writer_clock
  FROM entry AS a, json_each(a.statement, '$.predicate.files') AS f, v_signer AS s
  WHERE a.kind = 'approval' AND s.idx = a.idx ORDER BY a.idx, f.id, s.place;

CREATE VIEW v_persona AS
  SELECT idx, json_extract(statement, '$.predicate.frozenAt') AS frozen_at,
    json_extract(statement, '$.predicate.persona.id') AS persona,
    json_extract(statement, '$.predicate.persona.version') AS persona_version,
    json_extract(statement, '$.predicate.persona.parent') AS parent,
    json_extract(statement, '$.predicate.personaOrigin') AS persona_origin,
    json_extract(statement, '$.predicate.consentSha256') AS consent_sha256,
    subject_sha256 AS record_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'persona-freeze' ORDER BY idx;

CREATE VIEW v_adoption AS
  SELECT a.idx, json_extract(a.statement, '$.predicate.adoptedAt') AS adopted_at, a.run,
    json_extract(a.statement, '$.predicate.persona.id') AS persona,
    json_extract(a.statement, '$.predicate.persona.version') AS persona_version,
    a.subject_name AS file, a.subject_sha256 AS file_sha256,
    json_extract(a.statement, '$.predicate.generator.name') AS generator,
    json_extract(a.statement, '$.predicate.identity.verdict') AS identity_verdict,
    a.entry_id,
    (SELECT w.idx FROM entry AS w WHERE w.voids = a.idx) AS withdrawn_by,
    a.key_id AS signed_by, a.appended_at AS writer_clock
  FROM entry AS a WHERE a.kind = 'adoption' ORDER BY a.idx;

CREATE VIEW v_release AS
  SELECT idx, json_extract(statement, '$.predicate.releasedAt') AS released_at, run,
    json_extract(statement, '$.predicate.count') AS files,
    json_extract(statement, '$.predicate.approvals') AS approvals,
    subject_name, subject_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'release' ORDER BY idx;

CREATE VIEW v_erasure AS
  SELECT idx, json_extract(statement, '$.predicate.erasedAt') AS erased_at,
    json_extract(statement, '$.predicate.erases') AS erases,
    json_extract(statement, '$.predicate.basis') AS basis,
    subject_name, subject_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'erasure' ORDER BY idx;

CREATE VIEW v_trust AS
  SELECT idx, json_extract(statement, '$.predicate.setAt') AS set_at,
    json_extract(statement, '$.predicate.approvers.threshold') AS approver_threshold,
    json_extract(statement, '$.predicate.approvers.keys') AS approvers,
    json_extract(statement, '$.predicate.witnesses') AS witnesses,
    subject_sha256 AS trust_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'trust' ORDER BY idx;

CREATE VIEW v_checkpoint AS
  SELECT size, root, created_at AS writer_clock,
    (SELECT count(*) FROM cosignature AS c WHERE c.size = checkpoint.size) AS cosignatures,
    (SELECT count(*) FROM timestamp AS t WHERE t.size = checkpoint.size) AS timestamps
  FROM checkpoint ORDER BY size;

-- What one run said at its end, and what stands in the ledger.
CREATE VIEW v_run_end AS
  SELECT c.idx, json_extract(c.statement, '$.predicate.closedAt') AS closed_at, c.run,
    json_extract(c.statement, '$.predicate.firstIndex') AS first_entry,
    json_extract(c.statement, '$.predicate.lastIndex') AS last_entry,
    json_extract(c.statement, '$.predicate.planned') AS planned,
    json_extract(c.statement, '$.predicate.outputs') AS outputs_said,
    (SELECT count(*) FROM entry AS o WHERE o.run = c.run AND o.kind = 'output'
     AND o.idx > json_extract(c.statement, '$.predicate.firstIndex') AND o.idx < c.idx) AS outputs_found,
    json_extract(c.statement, '$.predicate.rejects') AS rejects_said,
    (SELECT count(*) FROM entry AS r WHERE r.run = c.run AND r.kind = 'reject'
     AND r.idx > json_extract(c.statement, '$.predicate.firstIndex') AND r.idx < c.idx) AS rejects_found,
    (SELECT count(*) FROM entry AS v WHERE v.run = c.run AND v.kind = 'void'
     AND v.idx > json_extract(c.statement, '$.predicate.firstIndex') AND v.idx < c.idx) AS voids_found,
    c.key_id AS signed_by, c.appended_at AS writer_clock
  FROM entry AS c WHERE c.kind = 'run-close' ORDER BY c.idx;

CREATE VIEW v_void AS
  SELECT idx, run, voids, subject_name AS file, subject_sha256 AS file_sha256,
    json_extract(statement, '$.predicate.reason') AS reason, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'void' ORDER BY idx;

-- Outputs by the persona of the start of the run that made them: this way the question is answered from indexes.
CREATE VIEW v_persona_output AS
  SELECT json_extract(r.statement, '$.predicate.persona.id') AS persona,
    json_extract(r.statement, '$.predicate.persona.version') AS persona_version, o.idx,
    json_extract(o.statement, '$.predicate.generatedAt') AS generated_at, o.run, o.subject_name AS file,
    o.subject_sha256 AS file_sha256,
    json_extract(o.statement, '$.predicate.identity.verdict') AS identity_verdict,
    json_extract(o.statement, '$.predicate.identity.score') AS identity_score,
    json_extract(o.statement, '$.predicate.identity.threshold') AS identity_threshold,
    (SELECT v.idx FROM entry AS v WHERE v.voids = o.idx) AS voided_by
  FROM entry AS r CROSS JOIN entry AS o
  WHERE r.kind = 'run-open' AND o.kind = 'output' AND o.run = r.run AND o.idx > r.idx
    AND NOT EXISTS (
      SELECT 1 FROM entry AS b WHERE b.run = r.run AND b.kind = 'run-open' AND b.idx > r.idx AND b.idx < o.idx);

CREATE VIEW v_released_file AS
  SELECT e.idx, json_extract(e.statement, '$.predicate.releasedAt') AS released_at,
    json_extract(e.statement, f.fullkey || '.name') AS file,
    json_extract(e.statement, f.fullkey || '.sha256') AS file_sha256,
    json_extract(e.statement, f.fullkey || '.index') AS output,
    e.run, e.key_id AS signed_by, e.appended_at AS writer_clock
  FROM entry AS e, json_each(e.statement, '$.predicate.files') AS f WHERE e.kind = 'release' ORDER BY e.idx, f.id;

-- Everything that names a file by its SHA-256: as subject, or in the list of an approval or a release.
CREATE VIEW v_file AS
  SELECT e.subject_sha256 AS file_sha256, e.subject_name AS file, e.idx, e.kind, e.run,
    CASE e.kind WHEN 'output' THEN json_extract(e.statement, '$.predicate.identity.verdict')
      ELSE json_extract(e.statement, '$.predicate.reason') END AS said,
    e.key_id AS signed_by, e.appended_at AS writer_clock
  FROM entry AS e
  UNION ALL
  SELECT f.file_sha256, f.file, f.idx, 'approval', f.run,
    coalesce(f.decision, 'no decision') || coalesce(' by ' || f.person, ''), f.signed_by, f.writer_clock
  FROM v_approved_file AS f
  UNION ALL
  SELECT f.file_sha256, f.file, f.idx, 'release', f.run, 'in the bundle', f.signed_by, f.writer_clock
  FROM v_released_file AS f;

CREATE VIEW v_genesis AS
  SELECT idx, json_extract(statement, '$.predicate.createdAt') AS created_at,
    json_extract(statement, '$.predicate.domain') AS domain,
    json_extract(statement, '$.predicate.ledgerId') AS ledger_id,
    json_extract(statement, '$.predicate.format') AS format,
    json_extract(statement, '$.predicate.development') AS development,
    coalesce(json_extract(statement, '$.predicate.rootThreshold'), 1) AS root_threshold, appended_at AS writer_clock
  FROM entry WHERE kind = 'genesis' ORDER BY idx;

CREATE VIEW v_calibration AS
  SELECT idx, json_extract(statement, '$.predicate.calibratedAt') AS calibrated_at,
    json_extract(statement, '$.predicate.persona.id') AS persona,
    json_extract(statement, '$.predicate.persona.version') AS persona_version,
    json_extract(statement, '$.predicate.threshold') AS threshold,
    json_extract(statement, '$.predicate.samples') AS samples,
    json_extract(statement, '$.predicate.recogniserSha256') AS recogniser_sha256,
    json_extract(statement, '$.predicate.detectorSha256') AS detector_sha256,
    subject_sha256 AS calibration_id, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'calibration' ORDER BY idx;

CREATE VIEW v_training AS
  SELECT idx, json_extract(statement, '$.predicate.trainedAt') AS trained_at,
    json_extract(statement, '$.predicate.persona.id') AS persona,
    json_extract(statement, '$.predicate.persona.version') AS persona_version,
    json_extract(statement, '$.predicate.model.name') AS model,
    json_extract(statement, '$.predicate.model.sha256') AS model_sha256,
    json_extract(statement, '$.predicate.count') AS items,
    json_extract(statement, '$.predicate.dataSha256') AS data_sha256,
    subject_name AS file, subject_sha256 AS file_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'training' ORDER BY idx;

CREATE VIEW v_refusal AS
  SELECT idx, json_extract(statement, '$.predicate.refusedAt') AS refused_at, run,
    json_extract(statement, '$.predicate.rule.id') AS rule,
    json_extract(statement, '$.predicate.rule.policySha256') AS policy_sha256,
    json_extract(statement, '$.predicate.reason') AS reason,
    subject_name, subject_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'refusal' ORDER BY idx;

CREATE VIEW v_withdrawal AS
  SELECT idx, json_extract(statement, '$.predicate.withdrawnAt') AS withdrawn_at, voids AS withdraws,
    subject_name AS file, subject_sha256 AS file_sha256,
    json_extract(statement, '$.predicate.reason') AS reason, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'withdrawal' ORDER BY idx;

CREATE VIEW v_note AS
  SELECT idx, json_extract(statement, '$.predicate.notedAt') AS noted_at,
    json_extract(statement, '$.predicate.text') AS text,
    subject_name, subject_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'note' ORDER BY idx;

-- Where this ledger came from, and what it took in: restore, migration and merge.
CREATE VIEW v_origin AS
  SELECT idx, kind, coalesce(json_extract(statement, '$.predicate.restoredAt'),
      json_extract(statement, '$.predicate.migratedAt'), json_extract(statement, '$.predicate.mergedAt')) AS at,
    coalesce(json_extract(statement, '$.predicate.restores.origin'),
      json_extract(statement, '$.predicate.merges.origin')) AS other_origin,
    coalesce(json_extract(statement, '$.predicate.restores.size'), json_extract(statement, '$.predicate.merges.size'),
      json_extract(statement, '$.predicate.entries')) AS other_size,
    coalesce(json_extract(statement, '$.predicate.restores.root'),
      json_extract(statement, '$.predicate.merges.root')) AS other_root,
    json_extract(statement, '$.predicate.first') AS first_entry,
    json_extract(statement, '$.predicate.count') AS entries,
    json_extract(statement, '$.predicate.reason') AS reason, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind IN ('restore', 'migration', 'merge') ORDER BY idx;

-- Entries of other ledgers that were taken in; the merge entry that closes them stands in v_origin.
CREATE VIEW v_merged AS
  SELECT idx, json_extract(statement, '$.predicate.mergedAt') AS merged_at,
    json_extract(statement, '$.predicate.source.origin') AS other_origin,
    json_extract(statement, '$.predicate.source.index') AS other_index,
    json_extract(statement, '$.predicate.source.kind') AS other_kind,
    json_extract(statement, '$.predicate.source.leafHash') AS other_leaf_hash,
    subject_name, subject_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'merged' ORDER BY idx;

-- Each value that an entry committed to: still here, erased (by which entry, on what basis), or not in this file. One
-- that is here although an entry says that it was erased is named so, and not shown.
CREATE VIEW v_sealed AS
  WITH erased (idx, field, erased_by, basis, erased_at) AS (
    SELECT CAST(json_extract(x.statement, i.fullkey || '.index') AS INTEGER), CAST(f.value AS TEXT), min(x.idx),
      json_extract(x.statement, '$.predicate.basis'), json_extract(x.statement, '$.predicate.erasedAt')
    FROM entry AS x, json_each(x.statement, '$.predicate.erases') AS i,
      json_each(x.statement, i.fullkey || '.fields') AS f
    WHERE x.kind = 'erasure' GROUP BY 1, 2)
  SELECT e.idx, e.kind, c.key AS field,
    CASE WHEN s.value IS NOT NULL AND x.erased_by IS NOT NULL THEN 'present although erased'
      WHEN s.value IS NOT NULL THEN 'present' WHEN x.erased_by IS NOT NULL THEN 'erased'
      ELSE 'not in this file' END AS state,
    CASE WHEN x.erased_by IS NULL THEN s.value END AS value, c.value AS commitment, x.erased_by, x.erased_at, x.basis
  FROM entry AS e, json_each(e.statement, '$.predicate.sealed') AS c
  LEFT JOIN sealed AS s ON s.idx = e.idx AND s.field = c.key
  LEFT JOIN erased AS x ON x.idx = e.idx AND x.field = CAST(c.key AS TEXT)
  ORDER BY e.idx, c.key;

CREATE VIEW v_cosignature AS
  SELECT size, key_name AS witness, lower(hex(key_hash)) AS key_hash, line, received_at AS writer_clock
  FROM cosignature ORDER BY size, key_name, key_hash;

CREATE VIEW v_timestamp AS
  SELECT t.id, t.size, t.tsa, t.hash_algorithm, t.covers, length(t.token) AS token_bytes,
    coalesce(length(t.evidence), 0) AS evidence_bytes, c.root, t.received_at AS writer_clock
  FROM timestamp AS t LEFT JOIN checkpoint AS c ON c.size = t.size ORDER BY t.id;

-- What the operator said about time stamps; the tokens themselves are in v_timestamp.
CREATE VIEW v_stamped AS
  SELECT idx, json_extract(statement, '$.predicate.stampedAt') AS stamped_at,
    json_extract(statement, '$.predicate.size') AS size, json_extract(statement, '$.predicate.tsa') AS tsa,
    json_extract(statement, '$.predicate.tokenSha256') AS token_sha256,
    json_extract(statement, '$.predicate.covers') AS covers, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'timestamp' ORDER BY idx;
