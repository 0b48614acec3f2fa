DROP TRIGGER checkpoint_grows;
DROP TRIGGER checkpoint_no_delete;
DROP TRIGGER checkpoint_no_update;
DROP TRIGGER entry_dense;
DROP TRIGGER entry_no_delete;
DROP TRIGGER entry_no_update;
DROP TRIGGER sealed_no_update;
DROP TRIGGER sealed_once;
DELETE FROM checkpoint WHERE size > 10;
DELETE FROM sealed WHERE idx >= 10;
DELETE FROM entry WHERE idx >= 10;
CREATE TRIGGER checkpoint_grows BEFORE INSERT ON checkpoint
  WHEN NEW.size <= (SELECT coalesce(max(size), 0) FROM checkpoint)
    OR NEW.size > (SELECT coalesce(max(idx) + 1, 0) FROM entry)
  BEGIN SELECT RAISE(ABORT, 'ledger: checkpoints grow with the log'); END;
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER entry_dense BEFORE INSERT ON entry
  WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM entry)
  BEGIN SELECT RAISE(ABORT, 'ledger: entries are appended in order'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER sealed_no_update BEFORE UPDATE ON sealed BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER sealed_once BEFORE INSERT ON sealed
  WHEN EXISTS (SELECT 1 FROM sealed WHERE idx = NEW.idx AND field = NEW.field)
  BEGIN SELECT RAISE(ABORT, 'ledger: a sealed value is written once'); END;
