CREATE INDEX extra ON entry (length(statement));
