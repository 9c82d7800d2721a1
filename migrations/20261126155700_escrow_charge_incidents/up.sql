-- What befell charges after they were paid, as it was last seen at the payment provider: disputes, fraud warnings, refunds, reviews. The
-- platform's alone: the parties learn of the holds that follow.

create table charge_incidents (
    org_id uuid not null,
    payment_id uuid not null,
    kind text not null check (kind in ('dispute', 'fraud_warning', 'refund', 'review', 'charge')),
    -- The provider's object: dp_…, issfr_…, prv_…; for a refund the charge.
    object text not null check (length(object) between 1 and 255),
    -- The provider's word.
    state text not null check (length(state) <= 500),
    -- How far it got. It grows and never shrinks, so that news that come late, doubled or out of order change nothing.
    level bigint not null check (level >= 0),
    -- Nothing more is to come: no need to look again.
    is_over boolean not null,
    first_seen_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    primary key (org_id, payment_id, kind, object),
    foreign key (org_id, payment_id) references payments (org_id, id)
);
create index charge_incidents_open on charge_incidents (seen_at) where not is_over;
create index charge_incidents_of_object on charge_incidents (object);
create trigger charge_incidents_keep before update on charge_incidents for each row
    execute function app.keep('org_id', 'payment_id', 'kind', 'object', 'first_seen_at');
create function app.incidents_only_grow() returns trigger language plpgsql
    as $$
begin
    if new.level < old.level then
        raise exception 'an incident never goes back from % to %', old.level, new.level using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger charge_incidents_grow before update on charge_incidents for each row execute function app.incidents_only_grow();
create trigger charge_incidents_stay before delete on charge_incidents for each row execute function app.append_only();
alter table charge_incidents enable row level security;
alter table charge_incidents force row level security;
call app.open_to_system('charge_incidents', 'select, insert, update');
create index payments_by_charge on payments (charge);

-- Until when the provider's lists of incidents were read: what a webhook that never came would have told.
create table charge_watch (
    only_row boolean primary key default true check (only_row),
    looked_until timestamptz not null
);
alter table charge_watch enable row level security;
alter table charge_watch force row level security;
call app.open_to_system('charge_watch', 'select, insert, update');

-- Money of a milestone left although something befell its charge: the loss is the whole contract's. Its open holds of such kinds are placed
-- on the contract, too.
create function app.widen_holds(p_org uuid, p_contract uuid, p_milestone uuid, p_request text) returns integer
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    h holds%rowtype;
    widened integer := 0;
begin
    for h in
        select * from holds
        where org_id = p_org and contract_id = p_contract and milestone_id = p_milestone and lifted_at is null
          and kind in ('dispute', 'fraud_warning', 'refund', 'charge')
        order by placed_at, id
    loop
        perform app.check_hold_of(h.org_id, h.contractor_org_id);
        if app.place_hold(h.org_id, gen_random_uuid(), h.contract_id, null, h.kind, h.object, h.reason, null, p_request) then
            widened := widened + 1;
        end if;
    end loop;
    return widened;
end $$;
grant create on schema app to build14_system;
alter function app.widen_holds owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.widen_holds, app.incidents_only_grow from public;
grant execute on function app.widen_holds to build14_app, build14_system;
