DROP TRIGGER checkpoint_grows;
DROP TRIGGER checkpoint_no_delete;
DROP TRIGGER checkpoint_no_update;
DELETE FROM checkpoint;
CREATE TRIGGER checkpoint_grows BEFORE INSERT ON checkpoint
  WHEN NEW.size <= (SELECT coalesce(max(size), 0) FROM checkpoint)
    OR NEW.size > (SELECT coalesce(max(idx) + 1, 0) FROM entry)
  BEGIN SELECT RAISE(ABORT, 'ledger: checkpoints grow with the log'); END;
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
