drop function app.end_sessions(uuid, uuid);
drop table sessions, credentials;
