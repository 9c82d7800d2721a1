drop function app.is_registered(uuid);
drop function app.end_sessions(uuid, uuid);
drop table sessions, credentials;
