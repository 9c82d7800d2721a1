-- Domains of organisations, proven by a text that their owner publishes: whoever has proven an address there may join. That one is proven is the
-- platform's to note, which has looked.
create table organization_domains (
    org_id uuid not null references organizations,
    id uuid not null,
    -- As the keys of addresses have it.
    domain text not null check (length(domain) between 3 and 253),
    -- What has to be published.
    challenge text not null check (length(challenge) between 40 and 100),
    claimed_by uuid not null,
    created_at timestamptz not null,
    proven_at timestamptz,
    looked_at timestamptz,
    -- Since when it is not published any more, though it was.
    missing_since timestamptz,
    primary key (org_id, id),
    constraint organization_domains_once unique (org_id, domain),
    constraint organization_domains_missed_once_proven check (missing_since is null or proven_at is not null),
    constraint organization_domains_looked_at_to_prove check (proven_at is null or looked_at is not null)
);
-- A proven domain is one organisation's.
create unique index organization_domains_one_organisation on organization_domains (domain) where proven_at is not null;
create index organization_domains_list on organization_domains (org_id, created_at desc, id desc);
create index organization_domains_due on organization_domains (looked_at) where proven_at is not null;
call app.protect('organization_domains');
drop policy tenant_update on organization_domains;
drop policy tenant_insert on organization_domains;
create policy tenant_insert on organization_domains for insert to build14_app
    with check (org_id = app.org() and claimed_by is not distinct from app.user_id() and proven_at is null and looked_at is null);
grant select, insert, delete on organization_domains to build14_app;
call app.open_to_system('organization_domains', 'select, update, delete');
create trigger organization_domains_keep before update on organization_domains
    for each row execute function app.keep('org_id', 'id', 'domain', 'challenge', 'claimed_by', 'created_at');
