DROP TRIGGER sealed_no_update;
DROP TRIGGER sealed_once;
UPDATE sealed SET value = 'Mira';
CREATE TRIGGER sealed_no_update BEFORE UPDATE ON sealed BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER sealed_once BEFORE INSERT ON sealed
  WHEN EXISTS (SELECT 1 FROM sealed WHERE idx = NEW.idx AND field = NEW.field)
  BEGIN SELECT RAISE(ABORT, 'ledger: a sealed value is written once'); END;
