-- Who gave whom which role, so that two approvals are those of two people; invitations instead of memberships by address; and no answer that
-- tells whose an e-mail address is.

-- Who gave the role, as what, and when. An approval at or above the threshold counts from somebody whom an owner made an approver, or
-- once the grant has stood for a while (the setting tenants.approver_wait). Only owners make owners, so those that are there are trusted.
alter table memberships
    add column granted_by uuid,
    add column granter_role text not null default 'unknown' check (granter_role in ('founder', 'owner', 'admin', 'member', 'unknown')),
    add column granted_at timestamptz not null default app.now();
update memberships set granter_role = 'owner' where role = 'owner';
alter table project_members
    add column granted_by uuid,
    add column granter_role text not null default 'unknown' check (granter_role in ('owner', 'admin', 'member', 'unknown')),
    add column granted_at timestamptz not null default app.now();
-- By the clock that a grant is compared with.
alter table approvals alter column created_at set default app.now();

-- Trigger: a grant is noted by the database, as the person of this transaction and with the role that they have at this moment. The same role
-- given again changes nothing, unless by an owner: that confirms it. The platform, which has no person, says itself who granted.
create function app.note_grant() returns trigger language plpgsql
    as $$
declare
    giver text;
begin
    if app.user_id() is null then
        return new;
    end if;
    select m.role into giver from memberships m where m.org_id = new.org_id and m.user_id = app.user_id();
    giver := coalesce(giver, 'unknown');
    if tg_op = 'UPDATE' and new.role = old.role and giver <> 'owner' then
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
create trigger memberships_grant before update of role on memberships for each row execute function app.note_grant();
create trigger project_members_grant before insert or update of role on project_members for each row execute function app.note_grant();

-- The grant by which a member of this transaction's organisation approves: the role in the organisation, or for those whom it lets approve
-- nothing the role in the project's team.
create function app.approver_grant(organization uuid, project uuid, person uuid)
    returns table (granted_by uuid, granter_role text, granted_at timestamptz, checked_at timestamptz) language plpgsql
    as $$
#variable_conflict use_column
begin
    return query select m.granted_by, m.granter_role, m.granted_at, app.now() from memberships m
        where m.org_id = organization and m.user_id = person and m.role in ('owner', 'admin');
    if not found then
        return query select t.granted_by, t.granter_role, t.granted_at, app.now() from project_members t
            where t.org_id = organization and t.project_id = project and t.user_id = person;
    end if;
    if not found then
        return query select m.granted_by, m.granter_role, m.granted_at, app.now() from memberships m
            where m.org_id = organization and m.user_id = person;
    end if;
end $$;

create or replace function app.found_organization(organization uuid, its_name text, its_slug text, its_kind text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if app.user_id() is null then
        raise exception 'only a person can found an organisation';
    end if;
    insert into organizations (org_id, name, slug, kind) values (organization, its_name, its_slug, its_kind);
    insert into memberships (org_id, user_id, role, granted_by, granter_role)
        values (organization, app.user_id(), 'owner', app.user_id(), 'founder');
end $$;

-- Nobody is made a member by a tenant: whoever founds an organisation is its owner, whoever accepts an invitation a member.
revoke insert, update on memberships from build14_app;
grant update (role) on memberships to build14_app;
revoke update on project_members from build14_app;
grant update (role, updated_at) on project_members to build14_app;

-- Invitations to become a member, by address. Whoever signs in with the address finds them, accepts or declines; until then nothing has
-- happened to anybody, and nobody learns whether the address is known.
create table member_invitations (
    org_id uuid not null references organizations,
    id uuid not null,
    email text not null check (length(email) between 3 and 254),
    -- As users.email_key.
    email_key text not null check (length(email_key) between 3 and 320),
    -- What the organisation calls the person until they come.
    name text check (length(name) between 1 and 200),
    invited_by uuid not null,
    status text not null default 'pending' check (status in ('pending', 'accepted', 'declined', 'withdrawn')),
    created_at timestamptz not null default clock_timestamp(),
    decided_at timestamptz,
    primary key (org_id, id),
    constraint member_invitations_decided check ((status = 'pending') = (decided_at is null))
);
create unique index member_invitations_once on member_invitations (org_id, email_key) where status = 'pending';
create index member_invitations_of_email on member_invitations (email_key) where status = 'pending';
create index member_invitations_list on member_invitations (org_id, created_at desc, id desc) where status = 'pending';
call app.protect('member_invitations');
grant select, insert, update (status, decided_at) on member_invitations to build14_app;
call app.open_to_system('member_invitations', 'select, update');
create trigger member_invitations_keep before update on member_invitations
    for each row execute function app.keep('org_id', 'id', 'email', 'email_key', 'name', 'invited_by', 'created_at');
create trigger member_invitations_decide_once before update on member_invitations
    for each row when (old.status <> 'pending') execute function app.append_only();

-- Each told a tenant whose an address is.
drop function app.person_for_email(uuid, text, text, text);
drop function app.resolve_invitations(uuid);

-- One address, one spelling: what the application normalised stays so. Where two persons share one by now, both are left alone.
update users u set email_key = normalize(u.email_key, NFKC)
    where u.email_key <> normalize(u.email_key, NFKC)
        and not exists (select from users o where o.id <> u.id and normalize(o.email_key, NFKC) = normalize(u.email_key, NFKC));
alter table users add constraint users_email_key_normal check (email_key = normalize(email_key, NFKC) and email_key !~ '[[:cntrl:][:space:]]') not valid;
alter table member_invitations add constraint member_invitations_email_key_normal
    check (email_key = normalize(email_key, NFKC) and email_key !~ '[[:cntrl:][:space:]]');

-- The bids with which an organisation is still bound to tenders of others, which its people cannot look up once they have left. Only about
-- the organisation of this transaction.
create function app.live_bids(organization uuid) returns table (tender_id uuid, title text, status text)
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
#variable_conflict use_column
begin
    if organization is distinct from app.org() then
        raise exception 'only about the organisation itself';
    end if;
    return query select t.id, t.title, b.status from bids b join tenders t on t.org_id = b.org_id and t.id = b.tender_id
        where b.bidder_org_id = organization and b.status in ('submitted', 'needs_reconfirm', 'opened', 'valid', 'awarded')
            and t.status in ('published', 'closed', 'evaluation', 'standstill')
        order by b.created_at, b.id;
end $$;

-- An organisation with a live bid has a member who can answer for it. Who removes the last one was told before; this is for a bid that came
-- meanwhile: a lost race, of which the next try tells what is in the way.
create function app.keep_a_bidder() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if not exists (select from memberships where org_id = old.org_id)
        and exists (select from bids b join tenders t on t.org_id = b.org_id and t.id = b.tender_id
            where b.bidder_org_id = old.org_id and b.status in ('submitted', 'needs_reconfirm', 'opened', 'valid', 'awarded')
                and t.status in ('published', 'closed', 'evaluation', 'standstill')) then
        raise exception 'the organisation % has a live bid and would have nobody', old.org_id using errcode = 'serialization_failure';
    end if;
    return null;
end $$;
create trigger memberships_keep_a_bidder after delete on memberships for each row execute function app.keep_a_bidder();

grant create on schema app to build14_system;
alter function app.live_bids owner to build14_system;
alter function app.keep_a_bidder owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.live_bids, app.keep_a_bidder from public;
grant execute on function app.live_bids to build14_app;
