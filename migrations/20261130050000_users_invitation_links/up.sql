-- Invitations by a link: whoever has it and a proven address, of one of its domains if it names any, joins, as long as it counts. Kept is the hash of
-- what it holds. The organisation stands in the link itself, so that it is looked for among that organisation's alone.
create table invitation_links (
    org_id uuid not null references organizations,
    id uuid not null,
    -- SHA-256 of what the link holds, which is known to its bearers alone.
    token_hash bytea not null check (length(token_hash) = 32),
    -- For whom it is, in the organisation's own words.
    label text check (length(label) between 1 and 100),
    -- Domains of addresses, as their keys have them; none: whatever address.
    domains text[] not null default '{}' check (cardinality(domains) <= 20),
    most_uses integer not null check (most_uses between 1 and 1000),
    uses integer not null default 0,
    created_by uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    primary key (org_id, id),
    constraint invitation_links_token_unique unique (org_id, token_hash),
    constraint invitation_links_counted check (uses between 0 and most_uses),
    constraint invitation_links_end_in_time check (expires_at > created_at and expires_at <= created_at + interval '91 days')
);
create index invitation_links_list on invitation_links (org_id, created_at desc, id desc);
call app.protect('invitation_links');
-- That one was used is the platform's to note; an organisation takes its own back.
grant select (org_id, id, label, domains, most_uses, uses, created_by, created_at, expires_at, revoked_at), insert, update (revoked_at)
    on invitation_links to build14_app;
call app.open_to_system('invitation_links', 'select, update');
drop policy tenant_delete on invitation_links;
create trigger invitation_links_keep before update on invitation_links for each row
    execute function app.keep('org_id', 'id', 'token_hash', 'label', 'domains', 'most_uses', 'created_by', 'created_at', 'expires_at');
create trigger invitation_links_revoked before update on invitation_links
    for each row when (old.revoked_at is not null) execute function app.append_only();
create trigger invitation_links_count_up before update on invitation_links
    for each row when (new.uses < old.uses) execute function app.append_only();

-- Made unused: what is inserted otherwise was not.
drop policy tenant_insert on invitation_links;
create policy tenant_insert on invitation_links for insert to build14_app
    with check (org_id = app.org() and created_by is not distinct from app.user_id() and uses = 0 and revoked_at is null);

-- An invitation by address is mailed again, a bounded number of times and not at short notice.
alter table member_invitations add column mailed smallint not null default 1;
alter table member_invitations add column mailed_at timestamptz not null default now();
alter table member_invitations add constraint member_invitations_few_mails check (mailed between 1 and 5) not valid;
grant update (mailed, mailed_at) on member_invitations to build14_app;
