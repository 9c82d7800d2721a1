-- What a person sees of their sessions: on which device, from which address, by which means and when they signed in, and when it was last used.
-- Where nothing is said, as in rows of before, it began with a sign-in of its own.
alter table sessions add column device text;
alter table sessions add column address text;
-- Written once in a while, for many sessions at a time.
alter table sessions add column last_seen_at timestamptz;
-- A switch of the organisation begins another session of the same sign-in, which goes by the time of that one.
alter table sessions add column authenticated_at timestamptz;
alter table sessions add column sign_in_id uuid;
alter table sessions add column method text not null default 'password';
alter table sessions add constraint sessions_device_short check (length(device) between 1 and 80) not valid;
alter table sessions add constraint sessions_address_short check (length(address) <= 45) not valid;
alter table sessions add constraint sessions_method_check check (method in ('password', 'magic_link')) not valid;
alter table sessions add constraint sessions_authenticated_before_end check (authenticated_at < expires_at) not valid;
-- An organisation's rules are asked of all sessions in it; an administrator ends a member's.
create index if not exists sessions_of_organization on sessions (org_id, user_id) where ended_at is null;

drop trigger sessions_keep on sessions;
create trigger sessions_keep before update on sessions for each row execute function app.keep(
    'token_hash', 'id', 'user_id', 'org_id', 'created_at', 'expires_at', 'authenticated_at', 'sign_in_id', 'method');
