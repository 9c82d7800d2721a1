-- What an organisation's directory says of its people and their groups (SCIM), and who is let in by it. The records are the organisation's word about
-- somebody, and no accounts: they stay with the memberships that they let in, on the coordinator.
create table directory_users (
    org_id uuid not null references organizations,
    id uuid not null,
    user_name text not null check (length(user_name) between 1 and 254),
    -- In small letters: what makes a name the same name.
    user_name_key text not null check (length(user_name_key) between 1 and 508),
    external_id text check (length(external_id) between 1 and 254),
    display_name text check (length(display_name) between 1 and 200),
    formatted_name text check (length(formatted_name) between 1 and 200),
    family_name text check (length(family_name) between 1 and 200),
    given_name text check (length(given_name) between 1 and 200),
    preferred_language text check (length(preferred_language) between 1 and 35),
    -- Objects of value, type and primary.
    emails jsonb not null default '[]' check (jsonb_typeof(emails) = 'array' and jsonb_array_length(emails) <= 20),
    -- Of the address that is invited, as users.email_key.
    email_key text check (length(email_key) between 3 and 320),
    -- Whether the organisation lets them in.
    active boolean not null,
    -- Who it is: noted when they are a member, and kept when they are none any more.
    person uuid,
    -- When the directory ended their membership. Only who was a member until then comes back by it, without being asked.
    ended_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    primary key (org_id, id),
    constraint directory_users_ended_of_somebody check (ended_at is null or person is not null)
);
create unique index directory_users_name on directory_users (org_id, user_name_key);
create unique index directory_users_address on directory_users (org_id, email_key);
create unique index directory_users_person on directory_users (org_id, person);
create index directory_users_external on directory_users (org_id, external_id);
create index directory_users_list on directory_users (org_id, created_at, id);
call app.protect('directory_users');
grant select, delete,
    insert (org_id, id, user_name, user_name_key, external_id, display_name, formatted_name, family_name, given_name, preferred_language, emails,
        email_key, active, person, created_at, updated_at),
    update (user_name, user_name_key, external_id, display_name, formatted_name, family_name, given_name, preferred_language, emails, email_key,
        active, person, updated_at)
    on directory_users to build14_app;
call app.open_to_system('directory_users', 'select, update');
create trigger directory_users_keep before update on directory_users for each row execute function app.keep('org_id', 'id', 'created_at');
-- Whose membership was ended is who comes back.
create trigger directory_users_ended_stays before update on directory_users for each row
    when (old.ended_at is not null and new.ended_at is not null and new.person is distinct from old.person) execute function app.append_only();

create table directory_groups (
    org_id uuid not null references organizations,
    id uuid not null,
    display_name text not null check (length(display_name) between 1 and 200),
    -- In small letters.
    display_key text not null check (length(display_key) between 1 and 400),
    external_id text check (length(external_id) between 1 and 254),
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    primary key (org_id, id)
);
create unique index directory_groups_name on directory_groups (org_id, display_key);
create index directory_groups_list on directory_groups (org_id, created_at, id);
call app.protect('directory_groups');
grant select, insert, delete, update (display_name, display_key, external_id, updated_at) on directory_groups to build14_app;
create trigger directory_groups_keep before update on directory_groups for each row execute function app.keep('org_id', 'id', 'created_at');

create table directory_group_members (
    org_id uuid not null,
    group_id uuid not null,
    -- The id of a user, who may come later than the group that names them.
    member text not null check (length(member) between 1 and 100),
    primary key (org_id, group_id, member),
    foreign key (org_id, group_id) references directory_groups (org_id, id) on delete cascade
);
create index directory_group_members_of_user on directory_group_members (org_id, member);
call app.protect('directory_group_members');
grant select, insert, delete on directory_group_members to build14_app;

-- Whom the directory has deactivated joins in no other way, neither by an invitation nor by whatever else makes members.
create function app.memberships_let_in() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if exists (select from directory_users d where d.org_id = new.org_id and not d.active
        and (d.person = new.user_id
            or (d.person is null and d.email_key = (select u.email_key from users u where u.id = new.user_id)))) then
        raise exception 'the directory of organisation % does not let % in', new.org_id, new.user_id
            using errcode = 'check_violation', constraint = 'memberships_let_in', table = 'memberships';
    end if;
    return new;
end $$;

-- Who has joined is whom the directory means by their address, from then on whatever address they take.
create function app.memberships_meet_directory() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    update directory_users d set ended_at = null where d.org_id = new.org_id and d.person = new.user_id;
    if not found then
        update directory_users d set person = new.user_id where d.org_id = new.org_id and d.person is null
            and d.email_key = (select u.email_key from users u where u.id = new.user_id);
    end if;
    return null;
end $$;

-- Notes that the directory ends the membership of whom a user is, in the transaction that then ends it. Whether there was one.
create function app.note_directory_end(p_org uuid, p_id uuid, p_at timestamptz) returns boolean
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if p_org is distinct from app.org() then
        raise exception 'only within the organisation itself' using errcode = 'insufficient_privilege';
    end if;
    update directory_users d set ended_at = p_at where d.org_id = p_org and d.id = p_id
        and exists (select from memberships m where m.org_id = p_org and m.user_id = d.person);
    return found;
end $$;

-- Makes whom a user is a member again, whose membership the directory ended and who is let in again: as a plain member, who takes it up by signing in. Tells
-- who that is; nothing if there is nobody to come back.
create function app.restore_directory_member(p_org uuid, p_id uuid) returns uuid
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    v_person uuid;
begin
    if p_org is distinct from app.org() then
        raise exception 'only within the organisation itself' using errcode = 'insufficient_privilege';
    end if;
    select d.person into v_person from directory_users d
        where d.org_id = p_org and d.id = p_id and d.active and d.ended_at is not null for update;
    if v_person is null then
        return null;
    end if;
    perform from users u where u.id = v_person and u.removed_at is null for key share;
    if not found then
        -- The account is gone, and with it whom the record meant.
        update directory_users d set person = null, ended_at = null where d.org_id = p_org and d.id = p_id;
        return null;
    end if;
    insert into memberships (org_id, user_id, role, granted_by, granter_role)
        values (p_org, v_person, 'member', app.user_id(),
            coalesce((select m.role from memberships m where m.org_id = p_org and m.user_id = app.user_id()), 'unknown'))
        on conflict do nothing;
    if found then
        return v_person;
    end if;
    update directory_users d set ended_at = null where d.org_id = p_org and d.id = p_id;
    return null;
end $$;

grant create on schema app to build14_system;
alter function app.memberships_let_in owner to build14_system;
alter function app.memberships_meet_directory owner to build14_system;
alter function app.note_directory_end owner to build14_system;
alter function app.restore_directory_member owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.memberships_let_in, app.memberships_meet_directory, app.note_directory_end, app.restore_directory_member from public;
grant execute on function app.note_directory_end, app.restore_directory_member to build14_app;

create trigger memberships_let_in before insert on memberships for each row execute function app.memberships_let_in();
create trigger memberships_meet_directory after insert on memberships for each row execute function app.memberships_meet_directory();
