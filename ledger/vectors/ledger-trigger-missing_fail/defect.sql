DROP TRIGGER entry_no_delete;
