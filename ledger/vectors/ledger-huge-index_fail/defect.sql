DROP TRIGGER entry_dense;
DROP TRIGGER entry_no_delete;
DROP TRIGGER entry_no_update;
INSERT INTO entry SELECT 9223372036854775807, zeroblob(32), 'note', NULL, NULL, NULL, NULL, NULL, subject_name, subject_sha256, key_id, appended_at, statement, leaf FROM entry WHERE idx = 3;
CREATE TRIGGER entry_dense BEFORE INSERT ON entry
  WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM entry)
  BEGIN SELECT RAISE(ABORT, 'ledger: entries are appended in order'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
