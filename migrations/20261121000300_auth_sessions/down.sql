drop function app.end_sessions(uuid);
drop table sessions, credentials;
