revoke update (language) on users from build14_app;
alter table users drop constraint users_language_known;
alter table users drop column language;
