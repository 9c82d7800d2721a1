-- Holds: why money of a milestone, or of a whole contract, stands still. While one is open nothing is funded, approved or released there.
-- Written by app.place_hold and app.lift_hold alone. Both parties read that there is one, its kind and since when; what the provider's
-- object is, who placed it and why stays with the platform (the trails tell the parties what an operator said).

create table holds (
    org_id uuid not null,
    id uuid not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    -- Null: the whole contract.
    milestone_id uuid,
    kind text not null check (kind ~ '^[a-z][a-z_]{0,49}$'),
    -- The provider's object that it is about, such as dp_…; empty if there is none.
    object text not null default '' check (length(object) <= 255),
    reason text not null check (length(reason) between 1 and 2000),
    placed_at timestamptz not null default now(),
    -- The operator; null if the platform itself did it.
    placed_by text check (length(placed_by) between 1 and 200),
    lifted_at timestamptz,
    lifted_by text check (length(lifted_by) between 1 and 200),
    lift_reason text check (length(lift_reason) between 1 and 2000),
    primary key (org_id, id),
    foreign key (org_id, contract_id, contractor_org_id) references contracts (org_id, id, contractor_org_id),
    foreign key (org_id, milestone_id, contract_id, contractor_org_id) references milestones (org_id, id, contract_id, contractor_org_id),
    constraint holds_lifted_whole check ((lifted_at is null) = (lift_reason is null) and (lifted_by is null or lifted_at is not null)),
    constraint holds_of_operators check (kind <> 'operator' or placed_by is not null)
);
create unique index holds_open on holds (org_id, contract_id, milestone_id, kind, object) nulls not distinct where lifted_at is null;
create index holds_of_milestone on holds (org_id, milestone_id) where milestone_id is not null;
create trigger holds_keep before update on holds for each row
    execute function app.keep('org_id', 'id', 'contract_id', 'contractor_org_id', 'milestone_id', 'kind', 'object', 'reason', 'placed_at',
        'placed_by');
create trigger holds_lifted_stay before update on holds for each row when (old.lifted_at is not null) execute function app.append_only();
create trigger holds_stay before delete on holds for each row execute function app.append_only();
create trigger holds_never_emptied before truncate on holds execute function app.append_only();
alter table holds enable row level security;
alter table holds force row level security;
create policy party_select on holds for select to build14_app using (org_id = app.org() or contractor_org_id = app.org());
grant select (org_id, id, contract_id, contractor_org_id, milestone_id, kind, placed_at, lifted_at) on holds to build14_app;
call app.open_to_system('holds', 'select, insert, update');

-- milestones.frozen follows: true while an open hold covers the milestone.
grant update (frozen, updated_at) on milestones to build14_system;
create function app.freeze_by_holds() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    update milestones m set frozen = not m.frozen, updated_at = now()
        where m.org_id = new.org_id and m.contract_id = new.contract_id and (new.milestone_id is null or m.id = new.milestone_id)
          and m.frozen <> exists (select from holds h
              where h.org_id = m.org_id and h.contract_id = m.contract_id and (h.milestone_id is null or h.milestone_id = m.id)
                and h.lifted_at is null);
    return null;
end $$;
create trigger holds_freeze after insert or update on holds for each row execute function app.freeze_by_holds();

-- Tells both parties of a contract, in their trails, what became of a hold. What the platform noted for itself stays out.
create function app.record_hold(h holds, p_action text, p_request text, p_operator text, p_reason text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id, after)
        select party, gen_random_uuid(), p_action, case when h.milestone_id is null then 'contract' else 'milestone' end,
               coalesce(h.milestone_id, h.contract_id), p_request,
               jsonb_strip_nulls(jsonb_build_object('holdId', h.id, 'kind', h.kind, 'contractId', h.contract_id,
                   'operator', p_operator, 'reason', case when p_operator is not null then p_reason end))
        from unnest(array[h.org_id, h.contractor_org_id]) as party;
end $$;

-- Who may place or lift a hold of this contract: the platform, and whoever acts in the name of one of its two parties.
create function app.check_hold_of(p_org uuid, p_contractor uuid) returns void language plpgsql
    as $$
begin
    if app.org() is null then
        if coalesce(nullif(current_setting('role', true), 'none'), session_user) <> 'build14_system' then
            raise exception 'only the platform acts in nobody''s name' using errcode = 'insufficient_privilege';
        end if;
    elsif app.org() not in (p_org, p_contractor) then
        raise exception 'the contract is not the tenant''s' using errcode = 'insufficient_privilege';
    end if;
end $$;

-- Places a hold on a milestone, or on a whole contract, in the order of locks that every verb keeps: contract, milestones. One open hold
-- per place, kind and object: says whether this one is new.
create function app.place_hold(p_org uuid, p_id uuid, p_contract uuid, p_milestone uuid, p_kind text, p_object text, p_reason text,
    p_operator text, p_request text) returns boolean
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    c contracts%rowtype;
    h holds%rowtype;
begin
    select * into c from contracts where org_id = p_org and id = p_contract for share;
    if not found then
        raise exception 'there is no contract % of %', p_contract, p_org using errcode = 'no_data_found';
    end if;
    perform app.check_hold_of(c.org_id, c.contractor_org_id);
    perform from milestones
        where org_id = p_org and contract_id = p_contract and (p_milestone is null or id = p_milestone) order by position for update;
    if not found then
        raise exception 'there is no milestone % of contract %', p_milestone, p_contract using errcode = 'no_data_found';
    end if;
    insert into holds (org_id, id, contract_id, contractor_org_id, milestone_id, kind, object, reason, placed_by)
        values (c.org_id, p_id, c.id, c.contractor_org_id, p_milestone, p_kind, p_object, p_reason, p_operator)
        on conflict (org_id, contract_id, milestone_id, kind, object) where lifted_at is null do nothing
        returning * into h;
    if not found then
        return false;
    end if;
    perform app.record_hold(h, 'escrow.hold_placed', p_request, p_operator, p_reason);
    return true;
end $$;

-- Lifts an open hold: says whether it was open. Never in a person's own name: what stopped the money is not a tenant's to lift.
create function app.lift_hold(p_org uuid, p_id uuid, p_operator text, p_reason text, p_request text) returns boolean
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    h holds%rowtype;
begin
    if app.user_id() is not null then
        raise exception 'a hold is lifted by the platform alone' using errcode = 'insufficient_privilege';
    end if;
    select * into h from holds where org_id = p_org and id = p_id;
    if not found then
        raise exception 'there is no hold % of %', p_id, p_org using errcode = 'no_data_found';
    end if;
    perform app.check_hold_of(h.org_id, h.contractor_org_id);
    perform from contracts where org_id = h.org_id and id = h.contract_id for share;
    perform from milestones
        where org_id = h.org_id and contract_id = h.contract_id and (h.milestone_id is null or id = h.milestone_id) order by position for update;
    update holds set lifted_at = now(), lifted_by = p_operator, lift_reason = p_reason
        where org_id = p_org and id = p_id and lifted_at is null returning * into h;
    if not found then
        return false;
    end if;
    perform app.record_hold(h, 'escrow.hold_lifted', p_request, p_operator, p_reason);
    return true;
end $$;

grant create on schema app to build14_system;
alter function app.freeze_by_holds owner to build14_system;
alter function app.record_hold owner to build14_system;
alter function app.place_hold owner to build14_system;
alter function app.lift_hold owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.freeze_by_holds, app.record_hold, app.check_hold_of, app.place_hold, app.lift_hold from public;
grant execute on function app.check_hold_of to build14_system;
grant execute on function app.place_hold, app.lift_hold to build14_app, build14_system;
