drop table support_requests;
drop table support_sessions;
drop function app.support_is_consented;
drop table support_consents;
