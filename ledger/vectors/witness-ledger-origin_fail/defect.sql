DROP TRIGGER cosignature_no_delete;
DROP TRIGGER cosignature_no_update;
DROP TRIGGER cosignature_once;
INSERT INTO cosignature VALUES (5, 'vectors.example/personactl/2d5179988a9f8e5a', x'56405809', '— vectors.example/personactl/2d5179988a9f8e5a VkBYCQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' || char(10), '2026-01-02T03:04:05Z');
CREATE TRIGGER cosignature_no_delete BEFORE DELETE ON cosignature BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER cosignature_no_update BEFORE UPDATE ON cosignature BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER cosignature_once BEFORE INSERT ON cosignature
  WHEN EXISTS (SELECT 1 FROM cosignature
               WHERE size = NEW.size AND key_name = NEW.key_name AND key_hash = NEW.key_hash)
  BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
