-- When an organisation ended all sessions of a member in it: who signed in before that signs in again before they have another one there, also if they come by
-- a switch from another organisation. Names no key of people and organisations, as sessions do not.
create table session_ends (
    org_id uuid not null,
    user_id uuid not null,
    ended_at timestamptz not null,
    primary key (org_id, user_id)
);
alter table session_ends enable row level security;
alter table session_ends force row level security;
call app.open_to_system('session_ends', 'select, insert, update, delete');

create function app.note_sessions_ended(person uuid, organization uuid, at timestamptz) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if organization is distinct from app.org() then
        raise exception 'only within the organisation itself';
    end if;
    insert into session_ends as known (org_id, user_id, ended_at) values (organization, person, at)
        on conflict (org_id, user_id) do update set ended_at = greatest(known.ended_at, excluded.ended_at);
end $$;
grant create on schema app to build14_system;
alter function app.note_sessions_ended owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.note_sessions_ended from public;
grant execute on function app.note_sessions_ended to build14_app;
