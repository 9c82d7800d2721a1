drop trigger memberships_keep_a_bidder on memberships;
drop function app.keep_a_bidder();
drop function app.live_bids(uuid);
alter table users drop constraint users_email_key_normal;
drop table member_invitations;
revoke update on project_members from build14_app;
grant update on project_members to build14_app;
revoke update on memberships from build14_app;
grant insert, update on memberships to build14_app;
create or replace function app.found_organization(organization uuid, its_name text, its_slug text, its_kind text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if app.user_id() is null then
        raise exception 'only a person can found an organisation';
    end if;
    insert into organizations (org_id, name, slug, kind) values (organization, its_name, its_slug, its_kind);
    insert into memberships (org_id, user_id, role) values (organization, app.user_id(), 'owner');
end $$;
drop function app.approver_grant(uuid, uuid, uuid);
drop trigger project_members_grant on project_members;
drop trigger memberships_grant on memberships;
drop function app.note_grant();
alter table approvals alter column created_at set default now();
alter table project_members drop column granted_by, drop column granter_role, drop column granted_at;
alter table memberships drop column granted_by, drop column granter_role, drop column granted_at;

create function app.person_for_email(person uuid, its_email text, its_email_key text, its_name text) returns uuid
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    found_id uuid;
    found_removed_at timestamptz;
begin
    if not exists (select from memberships where org_id = app.org() and user_id = app.user_id()) then
        raise exception 'only a member can look a person up by email';
    end if;
    -- The lock keeps the account from being removed until this transaction ends. Removed while we waited for it, the email is free again.
    loop
        insert into users (id, email, email_key, name) values (person, its_email, its_email_key, its_name)
            on conflict on constraint users_email_key_unique do nothing;
        select id, removed_at into found_id, found_removed_at from users where email_key = its_email_key for key share;
        exit when found;
    end loop;
    if found_removed_at is not null then
        raise exception 'the email is the mark of a removed account';
    end if;
    return found_id;
end $$;

create function app.resolve_invitations(which uuid) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    i tender_invitations;
    organization uuid;
begin
    for i in select * from tender_invitations
        where org_id = app.org() and tender_id = which and invited_org_id is null order by created_at, id loop
        select (array_agg(m.org_id))[1] into organization
            from users u join credentials c on c.user_id = u.id join memberships m on m.user_id = u.id
            where u.email_key = i.email_key and m.org_id <> i.org_id having count(*) = 1;
        if organization is not null and not exists (select from tender_invitations o
            where o.org_id = i.org_id and o.tender_id = i.tender_id and o.invited_org_id = organization) then
            update tender_invitations set invited_org_id = organization where org_id = i.org_id and id = i.id;
        end if;
    end loop;
end $$;

grant create on schema app to build14_system;
alter function app.person_for_email owner to build14_system;
alter function app.resolve_invitations owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.person_for_email, app.resolve_invitations from public;
grant execute on function app.person_for_email, app.resolve_invitations to build14_app;
