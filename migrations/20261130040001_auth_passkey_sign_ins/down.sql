alter table sessions drop constraint sessions_method_check;
-- Those that the version before does not know end. The owner sees no rows where row-level security is forced.
alter table sessions no force row level security;
delete from sessions where method not in ('password', 'magic_link', 'identity_provider');
alter table sessions force row level security;
alter table sessions add constraint sessions_method_check check (method in ('password', 'magic_link', 'identity_provider'));
