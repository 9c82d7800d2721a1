drop function app.note_sessions_ended(uuid, uuid, timestamptz);
drop table session_ends;
