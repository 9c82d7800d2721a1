-- Custom roles: named sets of permissions that an organisation gives its members beside their built-in role.
create table custom_roles (
    org_id uuid not null,
    id uuid not null,
    -- By what programs tell it; it never changes, and is none of a built-in role.
    slug text not null check (slug ~ '^[a-z][a-z0-9_]{1,39}$' and slug not in ('owner', 'admin', 'member', 'project_owner', 'in_house_user')),
    name text not null check (length(name) between 1 and 100),
    description text not null check (length(description) <= 500),
    created_at timestamptz not null default app.now(),
    updated_at timestamptz not null default app.now(),
    primary key (org_id, id),
    constraint custom_roles_slug_unique unique (org_id, slug)
);
call app.protect('custom_roles');
grant select, insert, update (name, description, updated_at), delete on custom_roles to build14_app;
create trigger custom_roles_keep before update on custom_roles for each row execute function app.keep('org_id', 'id', 'slug', 'created_at');

-- What a role allows. Which permissions a role can hold at all is the program's to say (config/authz): whatever else stood here would allow nothing.
create table custom_role_permissions (
    org_id uuid not null,
    role_id uuid not null,
    permission text not null check (permission ~ '^[a-z_]+\.[a-z_]+$' and length(permission) <= 60),
    -- Who put it there, as what and when: where two persons are needed it counts as a role that was given does.
    granted_by uuid,
    granter_role text not null default 'unknown' check (granter_role in ('founder', 'owner', 'admin', 'member', 'unknown')),
    granted_at timestamptz not null default app.now(),
    primary key (org_id, role_id, permission),
    foreign key (org_id, role_id) references custom_roles (org_id, id) on delete cascade
);
call app.protect('custom_role_permissions');
-- The update is for the lock of whoever approves by it; the trigger notes what is written.
grant select, insert, update (granted_at), delete on custom_role_permissions to build14_app;
call app.open_to_system('custom_role_permissions', 'select');

-- Who has a role. Without a cascade: a role that somebody has stays.
create table member_custom_roles (
    org_id uuid not null,
    user_id uuid not null,
    role_id uuid not null,
    granted_by uuid,
    granter_role text not null default 'unknown' check (granter_role in ('founder', 'owner', 'admin', 'member', 'unknown')),
    granted_at timestamptz not null default app.now(),
    primary key (org_id, user_id, role_id),
    constraint member_custom_roles_in_use foreign key (org_id, role_id) references custom_roles (org_id, id)
);
create index member_custom_roles_of_role on member_custom_roles (org_id, role_id);
call app.protect('member_custom_roles');
grant select, insert, update (granted_at), delete on member_custom_roles to build14_app;
-- Who removes the account leaves every organisation, and their roles there.
call app.open_to_system('member_custom_roles', 'select, delete');

-- Trigger: as app.note_grant for the built-in roles. Whatever the program says, the database notes the person of the transaction and what they are.
create function app.note_custom_grant() returns trigger language plpgsql
    as $$
declare
    giver text;
begin
    select m.role into giver from memberships m where m.org_id = new.org_id and m.user_id = app.user_id();
    giver := coalesce(giver, 'unknown');
    if tg_op = 'UPDATE' and giver <> 'owner' then
        new.granted_by := old.granted_by;
        new.granter_role := old.granter_role;
        new.granted_at := old.granted_at;
    else
        new.granted_by := app.user_id();
        new.granter_role := giver;
        new.granted_at := app.now();
    end if;
    return new;
end $$;
create trigger custom_role_permissions_grant before insert or update on custom_role_permissions
    for each row execute function app.note_custom_grant();
create trigger member_custom_roles_grant before insert or update on member_custom_roles
    for each row execute function app.note_custom_grant();
create trigger custom_role_permissions_keep before update on custom_role_permissions
    for each row execute function app.keep('org_id', 'role_id', 'permission');
create trigger member_custom_roles_keep before update on member_custom_roles
    for each row execute function app.keep('org_id', 'user_id', 'role_id');

-- Trigger: only a member is given a role, so that nobody finds one waiting when they join.
create function app.give_custom_role_to_members() returns trigger language plpgsql
    as $$
begin
    if not exists (select from memberships m where m.org_id = new.org_id and m.user_id = new.user_id) then
        raise exception 'only a member of the organisation is given its roles' using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger member_custom_roles_of_members before insert on member_custom_roles
    for each row execute function app.give_custom_role_to_members();

-- Every server that keeps sessions looks at them anew, whoever changed a role: those of the whole organisation, or of whom it was given to.
create function app.custom_role_tells_sessions() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    perform app.send_sessions('org:' || coalesce(new.org_id, old.org_id));
    return null;
end $$;
create trigger custom_role_permissions_tell_sessions after insert or delete on custom_role_permissions
    for each row execute function app.custom_role_tells_sessions();

create function app.given_role_tells_sessions() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    perform app.send_sessions('member:' || coalesce(new.user_id, old.user_id) || ':' || coalesce(new.org_id, old.org_id));
    return null;
end $$;
create trigger member_custom_roles_tell_sessions after insert or delete on member_custom_roles
    for each row execute function app.given_role_tells_sessions();

grant create on schema app to build14_system;
alter function app.custom_role_tells_sessions owner to build14_system;
alter function app.given_role_tells_sessions owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.custom_role_tells_sessions, app.given_role_tells_sessions from public;
