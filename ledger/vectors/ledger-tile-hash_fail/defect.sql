DROP TRIGGER tile_dense;
DROP TRIGGER tile_no_delete;
DROP TRIGGER tile_no_update;
UPDATE tile SET hashes = CAST(X'0000000000000000000000000000000000000000000000000000000000000000' || substr(hashes, 33) AS BLOB);
CREATE TRIGGER tile_dense BEFORE INSERT ON tile
  WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM tile WHERE level = NEW.level)
  BEGIN SELECT RAISE(ABORT, 'ledger: tiles are appended in order'); END;
CREATE TRIGGER tile_no_delete BEFORE DELETE ON tile BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER tile_no_update BEFORE UPDATE ON tile BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
