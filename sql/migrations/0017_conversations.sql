-- A foreign key locks the row that it names, and the row of a project is one for all that its channels bring: events that came at
-- the same time wrote the same row, each with the transactions of the others. Nobody deletes a project, and row-level security
-- lets nobody write for a project that their transaction is not bound to.
alter table awooop.conversation_seen drop constraint conversation_seen_project_id_fkey;

-- A chat may be called so that the key which the legacy path has for it is the project's own key of another.
alter table awooop.conversation_session drop constraint conversation_session_pkey,
    add primary key (project_id, session_key, is_legacy);
