-- The language that a person has chosen to be written to in; none: what the request asked for that a mail is of.
alter table users add column language text;
alter table users add constraint users_language_known check (language in ('de', 'en')) not valid;
grant update (language) on users to build14_app;
