DROP TRIGGER checkpoint_grows;
DROP TRIGGER checkpoint_no_delete;
DROP TRIGGER checkpoint_no_update;
UPDATE checkpoint SET note = 'vectors.example/personactl/2d5179988a9f8e5a
19
wUJPnD4Z0eSUASwe8T47hQ9aAQufcOYQad+2ruFUO4M=
extension

— vectors.example/personactl/2d5179988a9f8e5a VkBYCZR08MdpTklE6ewLC4Eop8t7mcRjxvEF2DH3a+UVhxUyXWfci/hoIJOqAwOs8PBEaqmiBIN0Q1jpcFU4soC7pgc=
' WHERE size = (SELECT max(size) FROM checkpoint);
CREATE TRIGGER checkpoint_grows BEFORE INSERT ON checkpoint
  WHEN NEW.size <= (SELECT coalesce(max(size), 0) FROM checkpoint)
    OR NEW.size > (SELECT coalesce(max(idx) + 1, 0) FROM entry)
  BEGIN SELECT RAISE(ABORT, 'ledger: checkpoints grow with the log'); END;
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
