-- Who was to come into an organisation by its issuer alone, and has an address elsewhere since: they still are. Another address is no way round what is
-- enforced, nor back for whom the issuer signs in no more. Whoever is removed and comes anew begins anew.
create table sign_on_leavers (
    org_id uuid not null,
    user_id uuid not null,
    connection_id uuid not null,
    since timestamptz not null,
    primary key (org_id, user_id),
    foreign key (org_id, user_id) references memberships (org_id, user_id) on delete cascade,
    foreign key (org_id, connection_id) references sign_on_connections (org_id, id) on delete cascade
);
create index sign_on_leavers_of_connection on sign_on_leavers (org_id, connection_id);
alter table sign_on_leavers enable row level security;
alter table sign_on_leavers force row level security;
call app.open_to_system('sign_on_leavers', 'select, insert');
create trigger sign_on_leavers_keep before update on sign_on_leavers
    for each row execute function app.keep('org_id', 'user_id', 'connection_id', 'since');

-- Trigger: noted with the change of the address, whoever changes it.
create function app.note_sign_on_leaver() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    insert into sign_on_leavers (org_id, user_id, connection_id, since)
        select c.org_id, m.user_id, c.id, now()
        from memberships m
            join sign_on_connections c on c.org_id = m.org_id and c.mode = 'enforced'
            join organization_domains d on d.org_id = m.org_id and d.proven_at is not null
        where m.user_id = new.id and d.domain = substring(old.email_key from '[^@]*$')
            and not exists (select from organization_domains other where other.org_id = m.org_id and other.proven_at is not null
                and other.domain = substring(new.email_key from '[^@]*$'))
        on conflict do nothing;
    return null;
end $$;
grant create on schema app to build14_system;
alter function app.note_sign_on_leaver owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.note_sign_on_leaver from public;
create trigger users_note_sign_on_leaver after update of email_key on users
    for each row when (old.email_key is distinct from new.email_key) execute function app.note_sign_on_leaver();

-- As every function: no temporary table stands before ours.
alter function app.session_of_its_connection set search_path = public, pg_temp;
