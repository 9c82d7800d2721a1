-- API keys: with what a program signs in for an organisation. As of sessions, only the platform writes them and sees their hashes; an organisation
-- reads the rest of its own.
create table api_keys (
    org_id uuid not null references organizations,
    id uuid not null,
    name text not null check (length(name) between 1 and 100),
    -- The first characters of the key, by which people tell it from others.
    shown text not null check (length(shown) = 12),
    -- SHA-256 of the key, which is known to its bearer alone.
    hash bytea not null constraint api_keys_hash_unique unique check (length(hash) = 32),
    -- Names of permissions. What it may is what these and the present rights of who made it have in common.
    scopes text[] not null check (cardinality(scopes) between 1 and 100),
    -- From where it may be used; none: from everywhere.
    networks text[] not null default '{}' check (cardinality(networks) <= 50),
    created_by uuid not null references users,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    expires_at timestamptz not null,
    -- Another took its place, and until when both work.
    replaced_by uuid,
    overlap_ends_at timestamptz,
    revoked_at timestamptz,
    revoked_for text check (revoked_for in ('person', 'leaver', 'leak')),
    -- Written beside the requests, at most once a minute.
    last_used_at timestamptz,
    primary key (org_id, id),
    constraint api_keys_replaced_in_place foreign key (org_id, replaced_by) references api_keys (org_id, id),
    constraint api_keys_end_after_start check (expires_at > created_at),
    constraint api_keys_replaced_to_an_end check ((replaced_by is null) = (overlap_ends_at is null)),
    constraint api_keys_revoked_for_a_reason check ((revoked_at is null) = (revoked_for is null))
);
create index api_keys_newest on api_keys (org_id, created_at desc, id desc);
create index api_keys_of_person on api_keys (org_id, created_by) where revoked_at is null;
alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy tenant_select on api_keys for select to build14_app using (org_id = app.org());
grant select (org_id, id, name, shown, scopes, networks, created_by, created_at, updated_at, expires_at, replaced_by, overlap_ends_at,
    revoked_at, revoked_for, last_used_at) on api_keys to build14_app;
call app.open_to_system('api_keys', 'select, insert, update');
create trigger api_keys_keep before update on api_keys for each row
    execute function app.keep('org_id', 'id', 'shown', 'hash', 'scopes', 'created_by', 'created_at', 'expires_at');
create trigger api_keys_revoked before update on api_keys for each row when (old.revoked_at is not null) execute function app.append_only();
create trigger api_keys_replaced_once before update on api_keys for each row
    when (old.replaced_by is not null and (new.replaced_by is distinct from old.replaced_by or new.overlap_ends_at > old.overlap_ends_at))
    execute function app.append_only();
create trigger api_keys_stay before delete on api_keys for each row execute function app.append_only();

-- What becomes of the keys of somebody who is no member any more: without a row they are revoked.
create table api_key_settings (
    org_id uuid primary key references organizations,
    of_leavers text not null default 'revoke' check (of_leavers in ('revoke', 'keep')),
    updated_at timestamptz not null default now()
);
alter table api_key_settings enable row level security;
alter table api_key_settings force row level security;
create policy tenant_select on api_key_settings for select to build14_app using (org_id = app.org());
grant select on api_key_settings to build14_app;
call app.open_to_system('api_key_settings', 'select, insert, update');

-- Revokes the keys of somebody who has left the organisation, unless that keeps them. For the transaction in which they leave.
create function app.revoke_keys_of_leaver(p_org uuid, p_person uuid, p_at timestamptz) returns setof uuid
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if app.org() is null then
        if not app.is_platform() then
            raise exception 'only the platform revokes keys in nobody''s name' using errcode = 'insufficient_privilege';
        end if;
    elsif app.org() is distinct from p_org then
        raise exception 'only within the organisation itself' using errcode = 'insufficient_privilege';
    end if;
    -- Whoever changes the setting at this moment waits, or is waited for: either sees what the other did.
    perform from api_key_settings s where s.org_id = p_org for share;
    if exists (select from memberships m where m.org_id = p_org and m.user_id = p_person)
        or exists (select from api_key_settings s where s.org_id = p_org and s.of_leavers = 'keep') then
        return;
    end if;
    return query update api_keys k set revoked_at = p_at, revoked_for = 'leaver', updated_at = p_at
        where k.org_id = p_org and k.created_by = p_person and k.revoked_at is null returning k.id;
end $$;
grant create on schema app to build14_system;
alter function app.revoke_keys_of_leaver owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.revoke_keys_of_leaver from public;
grant execute on function app.revoke_keys_of_leaver to build14_app, build14_system;
