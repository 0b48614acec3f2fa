DROP TRIGGER entry_dense;
DROP TRIGGER entry_no_delete;
DROP TRIGGER entry_no_update;
PRAGMA ignore_check_constraints = ON;
UPDATE entry SET appended_at = 'never' WHERE idx = 5;
CREATE TRIGGER entry_dense BEFORE INSERT ON entry
  WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM entry)
  BEGIN SELECT RAISE(ABORT, 'ledger: entries are appended in order'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
