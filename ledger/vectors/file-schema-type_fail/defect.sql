PRAGMA writable_schema = ON;
UPDATE sqlite_master SET type = X'74726967676572' WHERE name = 'entry_no_delete';
