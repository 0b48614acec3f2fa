PRAGMA ignore_check_constraints = ON;
DROP TRIGGER checkpoint_grows;
DROP TRIGGER checkpoint_no_delete;
DROP TRIGGER checkpoint_no_update;
INSERT INTO checkpoint VALUES (0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'vectors.example/personactl/2d5179988a9f8e5a
0
47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=

— vectors.example/personactl/2d5179988a9f8e5a VkBYCU/294zlngdm5cb0NfazXZ7iORPXRxf+Ma30ZKoqxUpSpczrtdKx01JDNXHuJ04NN8Z4ilOCrjoH7kd3NaONlAA=
', '2026-01-02T03:04:05Z');
CREATE TRIGGER checkpoint_grows BEFORE INSERT ON checkpoint
  WHEN NEW.size <= (SELECT coalesce(max(size), 0) FROM checkpoint)
    OR NEW.size > (SELECT coalesce(max(idx) + 1, 0) FROM entry)
  BEGIN SELECT RAISE(ABORT, 'ledger: checkpoints grow with the log'); END;
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
