-- A release moves as the program moves it and no other way, money goes to its payee's account whichever statement says where, and a payment, a
-- funded milestone and a sent release are what the terms and the ledger say (decision 29).

create function app.release_moves() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
begin
    if old.status <> new.status and (old.status, new.status) not in (
        ('approved', 'sending'), ('sending', 'unknown'), ('sending', 'sent'), ('unknown', 'sent'), ('sending', 'failed'), ('unknown', 'failed'),
        ('sent', 'part_reversed'), ('sent', 'reversed'), ('part_reversed', 'reversed')) then
        raise exception 'a release never moves from % to %', old.status, new.status using errcode = 'integrity_constraint_violation';
    end if;
    -- That it may have been sent is taken back while it is known not to have left, and then only.
    if old.maybe_sent_at is not null and new.maybe_sent_at is null and (old.status <> 'sending' or new.status <> 'sending') then
        raise exception 'release % is %: that it may have been sent stays', old.id, old.status using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger releases_moves before update on releases for each row execute function app.release_moves();

-- Once it is over, it stays said where it went, with what and when.
create trigger releases_end_stays before update on releases for each row
    when (old.status in ('sent', 'failed', 'part_reversed', 'reversed'))
    execute function app.keep('destination', 'transfer', 'maybe_sent_at', 'sending_since', 'sent_at');

-- The provider's key lives for a day from the first attempt, which no later one moves.
create trigger releases_first_attempt_stays before update on releases for each row
    when (not pg_has_role(current_user, 'build14_system', 'usage') and old.maybe_sent_at is not null and new.maybe_sent_at is not null)
    execute function app.keep('maybe_sent_at');

drop trigger releases_destination_stays on releases;
create trigger releases_destination_stays before update on releases for each row
    when (old.maybe_sent_at is not null and old.destination is distinct from new.destination)
    execute function app.destination_stays();

-- Looked at when it is said where it goes, when it is put on its way, and when it may leave. What was found at the provider is noted as it is.
drop trigger releases_to_the_payee on releases;
create trigger releases_to_the_payee before update on releases for each row
    when (new.status in ('requested', 'approved', 'sending', 'unknown')
        and ((new.destination is distinct from old.destination and new.destination is not null)
            or (new.status is distinct from old.status and old.status = 'approved' and new.destination is not null)
            or (old.maybe_sent_at is null and new.maybe_sent_at is not null)))
    execute function app.release_goes_to_the_payee();

-- Whether an account is, or was, the contractor's of a contract in force: told to its owner, before money leaves to it.
create function app.is_payees_account(p_org uuid, p_contract uuid, p_account text) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
declare
    contractor uuid;
begin
    select c.contractor_org_id into contractor from contracts c
        where c.org_id = p_org and c.id = p_contract and c.org_id = app.org() and c.activated_at is not null;
    return found and (exists (select from payee_accounts p where p.org_id = contractor and p.account = p_account)
        or exists (select from payee_accounts_retired r where r.org_id = contractor and r.account = p_account));
end $$;

-- A payment is over its milestone, by the terms of its contract. The same sums as `Terms::charge_of` and `share` (escrow_api::bounds).
create function app.payment_by_terms() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    terms record;
    over record;
    fee numeric;
    charged numeric;
begin
    select m.amount, m.currency into over from milestones m where m.org_id = new.org_id and m.id = new.milestone_id;
    select c.fee_bps, c.processing_cost_bearer as bearer, c.processing_bps as bps, c.processing_fixed as fixed into terms
        from contracts c where c.org_id = new.org_id and c.id = new.contract_id;
    fee := div(over.amount::numeric * terms.fee_bps + 5000, 10000);
    charged := case terms.bearer
        when 'owner' then div((over.amount::numeric + terms.fixed) * 10000 + (10000 - terms.bps) - 1, 10000 - terms.bps)
        else over.amount end;
    if (new.amount, new.currency, new.fee::numeric, new.charged::numeric) is distinct from (over.amount, over.currency, fee, charged) then
        raise exception 'payment % of % with a fee of %, charged %: the terms say % with a fee of %, charged %',
            new.id, new.amount, new.fee, new.charged, over.amount, fee, charged
            using errcode = 'integrity_constraint_violation', constraint = 'payments_by_terms';
    end if;
    return new;
end $$;
create trigger payments_by_terms before insert on payments for each row execute function app.payment_by_terms();

-- At commit: what was sent is posted with its very transfer, and of what failed nothing is reserved any more.
create function app.release_is_posted() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    r releases%rowtype;
begin
    select * into r from releases x where x.org_id = new.org_id and x.id = new.id;
    if r.status in ('sent', 'part_reversed', 'reversed') and not exists (
            select from ledger_transactions t
            join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id
            where t.org_id = r.org_id and t.contract_id = r.contract_id and t.kind = 'release_sent' and t.source_object = r.transfer
                and e.account = 2020 and e.subject = r.id and e.amount = r.net)
        or r.status = 'failed' and exists (
            select from ledger_balances b
            where b.org_id = r.org_id and b.contract_id = r.contract_id and b.account = 2020 and b.subject = r.id and b.balance <> 0) then
        raise exception 'release % is %, and the ledger does not say so', r.id, r.status
            using errcode = 'check_violation', constraint = 'releases_posted';
    end if;
    return null;
end $$;
create constraint trigger releases_posted after update of status on releases deferrable initially deferred
    for each row execute function app.release_is_posted();

-- At commit: a milestone is funded while money is held for it, and released once none is.
create function app.milestone_is_held() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    m milestones%rowtype;
    held boolean;
begin
    select * into m from milestones x where x.org_id = new.org_id and x.id = new.id;
    held := exists (select from ledger_balances b
        where b.org_id = m.org_id and b.contract_id = m.contract_id and b.account = 2000 and b.subject = m.id and b.currency = m.currency
            and b.balance < 0);
    if m.status = 'funded' and not held or m.status = 'released' and held then
        raise exception 'milestone % is %, and the ledger does not say so', m.id, m.status
            using errcode = 'check_violation', constraint = 'milestones_held';
    end if;
    return null;
end $$;
create constraint trigger milestones_held after update of status on milestones deferrable initially deferred
    for each row execute function app.milestone_is_held();

grant create on schema app to build14_system;
alter function app.is_payees_account owner to build14_system;
alter function app.payment_by_terms owner to build14_system;
alter function app.release_is_posted owner to build14_system;
alter function app.milestone_is_held owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.is_payees_account, app.payment_by_terms, app.release_is_posted, app.milestone_is_held from public;
grant execute on function app.is_payees_account to build14_app;
