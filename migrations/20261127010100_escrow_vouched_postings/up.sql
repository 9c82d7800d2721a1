-- A posting is the program's own: it vouches for each with a key that the serving role cannot read (decision 29). Beside that every posting
-- is held against what it is about, and money leaves only that the ledger reserved, to whom it is owed.

-- HMAC-SHA256's two pads of one random key, and the key. Read by the program as the platform.
create table app.ledger_key (
    only_row boolean primary key default true check (only_row),
    key bytea not null check (length(key) = 32),
    inner_pad bytea not null check (length(inner_pad) = 64),
    outer_pad bytea not null check (length(outer_pad) = 64)
);
do $$
declare
    fresh bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
    inner_pad bytea := fresh || decode(repeat('00', 32), 'hex');
    outer_pad bytea := inner_pad;
begin
    for i in 0..63 loop
        inner_pad := set_byte(inner_pad, i, get_byte(inner_pad, i) # 54);
        outer_pad := set_byte(outer_pad, i, get_byte(outer_pad, i) # 92);
    end loop;
    insert into app.ledger_key (key, inner_pad, outer_pad) values (fresh, inner_pad, outer_pad);
end $$;
create trigger ledger_key_stays before update or delete on app.ledger_key for each row execute function app.append_only();
create trigger ledger_key_never_emptied before truncate on app.ledger_key execute function app.append_only();
alter table app.ledger_key enable row level security;
alter table app.ledger_key force row level security;
call app.open_to_system('app.ledger_key', 'select');

-- The proof of a posting. For the platform: whoever can call it can post.
create function app.ledger_proof(p_posting text) returns bytea language plpgsql stable
    as $$
begin
    return (select sha256(k.outer_pad || sha256(k.inner_pad || convert_to(p_posting, 'UTF8'))) from app.ledger_key k);
end $$;
revoke all on function app.ledger_proof from public;
grant execute on function app.ledger_proof to build14_system;

-- Whether a posting says what the payment or release that it is about says. Run by app.post_ledger.
create function app.posting_agrees(p_org uuid, p_contract uuid, p_kind text, p_object text, p_entries jsonb) returns boolean language plpgsql stable
    as $$
begin
    return case
        when p_kind = 'E1' then exists (select from payments p
            where p.org_id = p_org and p.contract_id = p_contract and p.charge = p_object and p.status in ('succeeded', 'available')
                and p_entries @> jsonb_build_array(jsonb_build_object('account', 1000, 'amount', p.charged),
                    jsonb_build_object('account', 2000, 'subject', p.milestone_id, 'amount', -p.amount)))
        when p_kind = 'E13' then exists (select from payments p
            where p.org_id = p_org and p.contract_id = p_contract and p.charge = p_object and p.status = 'suspense')
        when p_kind in ('E1b', 'E2') then exists (select from payments p
            where p.org_id = p_org and p.contract_id = p_contract and p.balance_transaction = p_object
                and p.status in ('succeeded', 'available', 'suspense'))
        when p_kind in ('E3', 'E3v') then exists (select from releases r
            where r.org_id = p_org and r.contract_id = p_contract and r.id::text = p_object
                and r.status in ('approved', 'sending', 'unknown') and (p_kind = 'E3') = (r.status = 'approved')
                and p_entries @> jsonb_build_array(
                    jsonb_build_object('account', 2000, 'subject', r.milestone_id, 'amount', case p_kind when 'E3' then r.gross else -r.gross end),
                    jsonb_build_object('account', 2020, 'subject', r.id, 'amount', case p_kind when 'E3' then -r.net else r.net end)))
        when p_kind = 'E4' then exists (select from releases r
            where r.org_id = p_org and r.contract_id = p_contract and r.status in ('sending', 'unknown')
                and p_entries @> jsonb_build_array(jsonb_build_object('account', 2020, 'subject', r.id, 'amount', r.net),
                    jsonb_build_object('account', 1010, 'amount', -r.net)))
        when p_kind = 'E5' then exists (select from releases r
            where r.org_id = p_org and r.contract_id = p_contract and r.status in ('sent', 'part_reversed', 'reversed')
                and p_entries @> jsonb_build_array(jsonb_build_object('account', 2090, 'subject', r.id)))
        else false end;
end $$;
revoke all on function app.posting_agrees from public;
grant execute on function app.posting_agrees to build14_system;

-- Writes a ledger transaction of one of the tenant's own contracts, once per source: a repetition gives back the first one's id. The posting
-- is a JSON object: org, id, contract, kind, provider, object, sourceKind, currency, reverses, and
-- entries: [{"account": 2000, "subject": "<uuid>" or null, "amount": -1000000}, …]
drop function app.post_ledger(uuid, uuid, text, text, text, text, text, uuid, jsonb);
create function app.post_ledger(p_posting text, p_proof bytea, out posted uuid, out fresh boolean)
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    p constant jsonb := p_posting::jsonb;
    c contracts%rowtype;
    known contracts.id%type;
    line record;
begin
    -- Compared by their digests: how much of a guess is right takes no time.
    if p_proof is null or sha256(p_proof) <> sha256(app.ledger_proof(p_posting)) then
        raise exception 'nobody vouches for this posting' using errcode = 'insufficient_privilege';
    end if;
    select * into c from contracts where org_id = app.org() and org_id = (p ->> 'org')::uuid and id = (p ->> 'contract')::uuid;
    if not found then
        raise exception 'the ledger of contract % is not the tenant''s to write', p ->> 'contract' using errcode = 'insufficient_privilege';
    end if;
    if not exists (select from escrow_accounts a where a.org_id = c.org_id and a.contract_id = c.id) then
        raise exception 'contract % has no escrow account: it was never in force', c.id
            using errcode = 'integrity_constraint_violation', constraint = 'ledger_of_contracts_in_force';
    end if;
    insert into ledger_transactions (org_id, id, contract_id, contractor_org_id, kind, source_provider, source_object, source_kind, currency, reverses)
        values (c.org_id, (p ->> 'id')::uuid, c.id, c.contractor_org_id, p ->> 'kind', p ->> 'provider', p ->> 'object', p ->> 'sourceKind',
            p ->> 'currency', (p ->> 'reverses')::uuid)
        on conflict on constraint ledger_transactions_source do nothing
        returning id into posted;
    fresh := found;
    if not fresh then
        select t.id, t.contract_id into posted, known from ledger_transactions t
            where t.org_id = c.org_id and t.source_provider = p ->> 'provider' and t.source_object = p ->> 'object'
                and t.source_kind = p ->> 'sourceKind';
        if known is distinct from c.id then
            raise exception 'source % % was posted to another contract', p ->> 'object', p ->> 'sourceKind'
                using errcode = 'integrity_constraint_violation';
        end if;
        return;
    end if;
    if not app.posting_agrees(c.org_id, c.id, p ->> 'kind', p ->> 'object', p -> 'entries') then
        raise exception 'posting % of % is not what its payment or release says', p ->> 'kind', p ->> 'object'
            using errcode = 'integrity_constraint_violation', constraint = 'ledger_posting_agrees';
    end if;
    insert into ledger_entries (org_id, transaction_id, position, contract_id, contractor_org_id, account, subject, amount, currency)
        select c.org_id, posted, e.position, c.id, c.contractor_org_id,
               (e.entry ->> 'account')::smallint, (e.entry ->> 'subject')::uuid, (e.entry ->> 'amount')::bigint, p ->> 'currency'
        from jsonb_array_elements(p -> 'entries') with ordinality as e (entry, position);
    -- In one order for everyone, so that two postings never wait for each other in a circle. A row is there before it changes: what an
    -- upsert proposes would have to pass the CHECK by itself.
    for line in
        select e.account, coalesce(e.subject, c.id) as subject, sum(e.amount) as amount
        from ledger_entries e where e.org_id = c.org_id and e.transaction_id = posted
        group by 1, 2 order by 1, 2
    loop
        insert into ledger_balances (org_id, contract_id, contractor_org_id, account, subject, currency, balance)
            values (c.org_id, c.id, c.contractor_org_id, line.account, line.subject, p ->> 'currency', 0)
            on conflict (org_id, contract_id, account, subject, currency) do nothing;
        update ledger_balances b set balance = b.balance + line.amount, updated_at = now()
            where b.org_id = c.org_id and b.contract_id = c.id and b.account = line.account and b.subject = line.subject
              and b.currency = p ->> 'currency';
    end loop;
end $$;

-- At commit: what is to be sent is reserved in the ledger, to the cent. A release without that is not taken up.
create function app.release_is_reserved() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    r releases%rowtype;
begin
    select * into r from releases x where x.org_id = new.org_id and x.id = new.id;
    if r.status in ('requested', 'approved', 'sending', 'unknown') and (
        not exists (select from ledger_balances b where b.org_id = r.org_id and b.contract_id = r.contract_id and b.account = 2020
            and b.subject = r.id and b.currency = r.currency and b.balance = -r.net)
        or r.fee > 0 and not exists (select from ledger_balances b where b.org_id = r.org_id and b.contract_id = r.contract_id
            and b.account = 2050 and b.subject = r.id and b.currency = r.currency and b.balance = -r.fee)) then
        raise exception 'release % is %, and the ledger reserves no % for it', r.id, r.status, r.net
            using errcode = 'check_violation', constraint = 'releases_reserved';
    end if;
    return null;
end $$;
create constraint trigger releases_reserved after insert or update of status on releases deferrable initially deferred
    for each row execute function app.release_is_reserved();

-- Money that has not arrived goes to the contractor's own account. What was found at the provider is noted as it is.
create function app.release_goes_to_the_payee() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if not exists (select from payee_accounts p where p.org_id = new.contractor_org_id and p.account = new.destination) then
        raise exception 'release % does not go to %, which is not its payee''s account', new.id, new.destination
            using errcode = 'integrity_constraint_violation', constraint = 'releases_to_the_payee';
    end if;
    return new;
end $$;
create trigger releases_to_the_payee before update on releases for each row
    when (new.destination is distinct from old.destination and new.destination is not null
        and new.status in ('requested', 'approved', 'sending', 'unknown'))
    execute function app.release_goes_to_the_payee();

-- By the charge that brought it money is sent on, and what befalls it is found: it stays.
create trigger payments_charge_stays before update on payments for each row when (old.charge is not null)
    execute function app.keep('charge', 'balance_transaction');

grant create on schema app to build14_system;
alter function app.post_ledger owner to build14_system;
alter function app.release_is_reserved owner to build14_system;
alter function app.release_goes_to_the_payee owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.post_ledger, app.release_is_reserved, app.release_goes_to_the_payee from public;
grant execute on function app.post_ledger to build14_app;
