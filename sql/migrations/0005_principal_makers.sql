-- Who brought a principal into being with an API key: besides the principal itself only they may make further keys of it.
-- Null where nobody may: it came with a binding, or before this column.

alter table awooop.principals add column created_by text;
