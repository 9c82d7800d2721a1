-- A charge, a transfer and a balance transaction of the provider are one thing in the world, and are posted once in the ledgers of all
-- organisations together. `ledger_transactions_source` keeps that within one; a shard knows no more. This table stays with the coordinator.
create table posted_objects (
    provider text not null check (provider <> '14build'),
    object text not null,
    kind text not null,
    transaction_id uuid not null,
    constraint posted_objects_once primary key (provider, object, kind)
);
create trigger posted_objects_stay before update or delete on posted_objects for each row execute function app.append_only();
create trigger posted_objects_never_emptied before truncate on posted_objects execute function app.append_only();
alter table posted_objects enable row level security;
alter table posted_objects force row level security;
call app.open_to_system('posted_objects', 'select, insert');
-- What was posted twice before stays posted: the doctor tells of it.
insert into posted_objects (provider, object, kind, transaction_id)
    select t.source_provider, t.source_object, t.source_kind, t.id from ledger_transactions t where t.source_provider <> '14build'
    order by t.created_at, t.id
    on conflict on constraint posted_objects_once do nothing;

-- Takes the provider's object of a fresh posting for it, for good. Only what stands in the tenant's own ledger is taken.
create function app.take_posted_object(p_org uuid, p_transaction uuid) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    t ledger_transactions%rowtype;
begin
    select * into t from ledger_transactions x where x.org_id = p_org and x.id = p_transaction;
    if not found or p_org is distinct from app.org() then
        raise exception 'posting % is not in the tenant''s ledger', p_transaction using errcode = 'insufficient_privilege';
    end if;
    insert into posted_objects (provider, object, kind, transaction_id)
        values (t.source_provider, t.source_object, t.source_kind, t.id)
        on conflict on constraint posted_objects_once do nothing;
    if not found and not exists (select from posted_objects o
        where o.provider = t.source_provider and o.object = t.source_object and o.kind = t.source_kind and o.transaction_id = t.id) then
        raise exception '% (%) of % is posted in another ledger already: one thing in the world is posted once',
            t.source_object, t.source_kind, t.source_provider using errcode = 'unique_violation', constraint = 'posted_objects_once';
    end if;
end $$;

grant create on schema app to build14_system;
alter function app.take_posted_object owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.take_posted_object from public;
grant execute on function app.take_posted_object to build14_app;
