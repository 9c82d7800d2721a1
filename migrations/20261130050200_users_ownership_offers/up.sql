-- An owner offers the organisation to one of its members; whoever accepts is its owner, and the other an administrator.
create table ownership_offers (
    org_id uuid not null references organizations,
    id uuid not null,
    offered_by uuid not null,
    offered_to uuid not null,
    status text not null default 'pending' check (status in ('pending', 'accepted', 'declined', 'withdrawn')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    decided_at timestamptz,
    primary key (org_id, id),
    constraint ownership_offers_to_another check (offered_to <> offered_by),
    constraint ownership_offers_decided check ((status = 'pending') = (decided_at is null)),
    constraint ownership_offers_end_in_time check (expires_at > created_at and expires_at <= created_at + interval '15 days')
);
create unique index ownership_offers_once on ownership_offers (org_id) where status = 'pending';
create index ownership_offers_list on ownership_offers (org_id, created_at desc, id desc);
call app.protect('ownership_offers');
drop policy tenant_delete on ownership_offers;
-- Each in one's own name, and undecided.
drop policy tenant_insert on ownership_offers;
create policy tenant_insert on ownership_offers for insert to build14_app
    with check (org_id = app.org() and offered_by is not distinct from app.user_id() and status = 'pending');
grant select, insert, update (status, decided_at) on ownership_offers to build14_app;
call app.open_to_system('ownership_offers', 'select, update');
create trigger ownership_offers_keep before update on ownership_offers
    for each row execute function app.keep('org_id', 'id', 'offered_by', 'offered_to', 'created_at', 'expires_at');
create trigger ownership_offers_decide_once before update on ownership_offers
    for each row when (old.status <> 'pending') execute function app.append_only();

-- What either asked for as the first of two persons is void once the ownership has moved, which the platform sees to: it says who gave which role.
call app.open_to_system('approvals', 'select, update');
