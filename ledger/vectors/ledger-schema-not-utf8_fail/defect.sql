PRAGMA writable_schema = ON;
UPDATE sqlite_master SET sql = CAST(CAST(sql AS BLOB) || X'202d2dff' AS TEXT) WHERE name = 'v_keys';
