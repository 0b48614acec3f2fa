DROP TRIGGER cosignature_no_delete;
DROP TRIGGER cosignature_no_update;
DROP TRIGGER cosignature_once;
UPDATE cosignature SET received_at = 'abcd-ef-ghTij:kl:mn Z' WHERE size = 5;
CREATE TRIGGER cosignature_no_delete BEFORE DELETE ON cosignature BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER cosignature_no_update BEFORE UPDATE ON cosignature BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER cosignature_once BEFORE INSERT ON cosignature
  WHEN EXISTS (SELECT 1 FROM cosignature
               WHERE size = NEW.size AND key_name = NEW.key_name AND key_hash = NEW.key_hash)
  BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
