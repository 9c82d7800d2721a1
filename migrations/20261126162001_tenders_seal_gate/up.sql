-- What a bidder and an owner lock in common, and what an opening must find unchanged.

-- Bids and the closing meet at a lock of their own, not at the tender's row: what the owner does to the tender (extend, cancel, invite)
-- never waits for a bid that is being stored, so that waiting tells nobody that somebody bids. Only the closing waits, and only where
-- nobody watches it: a caller without patience leaves the tender as it is.
create function app.tender_gate(which uuid) returns bigint language sql immutable parallel safe
    as $$ select hashtextextended(which::text, 14) $$;

-- Keeps the tender from being closed until the caller's commit and tells its state and the time, read after the lock was got. Nothing
-- for a tender that the caller may not see. The own tender is told, so that it can be refused as such.
create or replace function app.hold_tender_for_bid(which uuid)
    returns table (org_id uuid, status text, submission_deadline timestamptz, currency text, server_time timestamptz)
    language plpgsql security definer set search_path = public, pg_temp
    as $$
#variable_conflict use_column
declare
    t tenders;
begin
    select * into t from tenders where id = which and (org_id = app.org() or (published_at is not null and (procurement_method = 'open'
        or exists (select from tender_invitations i where i.org_id = tenders.org_id and i.tender_id = tenders.id and i.sent_at is not null
            and (i.invited_org_id = app.org() or (i.invited_org_id is null
                and i.email_key = (select u.email_key from users u where u.id = app.user_id()))))
        or exists (select from bids b where b.org_id = tenders.org_id and b.tender_id = tenders.id and b.bidder_org_id = app.org()))));
    if not found then
        return;
    end if;
    perform pg_advisory_xact_lock_shared(app.tender_gate(t.id));
    -- A statement of its own: it sees what was closed, cancelled or extended while the gate was waited for.
    return query select o.org_id, o.status, o.submission_deadline, o.currency, app.now() from tenders o
        where o.org_id = t.org_id and o.id = t.id;
end $$;

-- As before (T6 and T7), at the gate: it waits for the bids that are being stored, or, without patience, answers nothing while there are
-- any. Of two closings the second waits for the tender's row and finds it closed.
drop function app.close_tender(uuid);
create function app.close_tender(which uuid, patient boolean default true) returns text
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    t tenders;
    number integer;
    capacity integer := 64;
    seed bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
    level bytea[];
begin
    select * into t from tenders where org_id = app.org() and id = which;
    if not found or t.status <> 'published' or app.now() < t.submission_deadline then
        return null;
    end if;
    -- Whoever waits here holds nothing that the owner could wait for.
    if patient then
        perform pg_advisory_xact_lock(app.tender_gate(t.id));
    end if;
    select * into t from tenders where org_id = app.org() and id = which for no key update;
    if not found or t.status <> 'published' or app.now() < t.submission_deadline then
        return null;
    end if;
    if not patient and not pg_try_advisory_xact_lock(app.tender_gate(t.id)) then
        return null;
    end if;
    update bids set status = 'lapsed', updated_at = now()
        where org_id = t.org_id and tender_id = t.id and status in ('draft', 'needs_reconfirm');
    select count(*) into number from bids where org_id = t.org_id and tender_id = t.id and status = 'submitted';
    while capacity < number loop
        capacity := capacity * 2;
    end loop;
    select array_agg(leaf order by leaf) into level from (
        select sha256('\x00'::bytea || b.receipt_sha256) as leaf from bids b
            where b.org_id = t.org_id and b.tender_id = t.id and b.status = 'submitted'
        union all
        select sha256('\x00'::bytea || sha256('\x02'::bytea || seed || int4send(i))) from generate_series(1, capacity - number) i
    ) leaves;
    insert into tender_seals (org_id, tender_id, leaves) values (t.org_id, t.id, level);
    insert into tender_seal_secrets (org_id, tender_id, decoy_seed, submitted) values (t.org_id, t.id, seed, number);
    while cardinality(level) > 1 loop
        level := (select array_agg(sha256('\x01'::bytea || level[2 * i - 1] || level[2 * i]) order by i)
            from generate_series(1, cardinality(level) / 2) i);
    end loop;
    t.status := case when number < t.min_bids then 'unsuccessful' else 'closed' end;
    update tenders set status = t.status, closed_at = app.now(), seal_root = level[1], updated_at = now()
        where org_id = t.org_id and id = t.id;
    if t.status = 'unsuccessful' then
        update tender_keys set wrapped = null, destroyed_at = now() where org_id = t.org_id and tender_id = t.id;
    end if;
    return t.status;
end $$;

-- The root of a tree of sorted leaves, a power of two of them.
create function app.merkle_root(leaves bytea[]) returns bytea language plpgsql immutable
    as $$
declare
    level bytea[] := leaves;
begin
    while cardinality(level) > 1 loop
        level := (select array_agg(sha256('\x01'::bytea || level[2 * i - 1] || level[2 * i]) order by i)
            from generate_series(1, cardinality(level) / 2) i);
    end loop;
    return level[1];
end $$;

-- What does not agree with what was fixed when the tender was closed: number, receipts and root, rebuilt from the bids; and, once opened,
-- the record. Nothing if everything does. It names neither bids nor their number.
create function app.seal_faults(organization uuid, which uuid) returns setof text
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
declare
    t tenders;
    fixed bytea[];
    secret tender_seal_secrets;
    record opening_records;
    counted bytea[];
    rebuilt bytea[];
begin
    select * into t from tenders where org_id = organization and id = which;
    if not found or t.closed_at is null then
        return;
    end if;
    select s.leaves into fixed from tender_seals s where s.org_id = organization and s.tender_id = which;
    select * into secret from tender_seal_secrets s where s.org_id = organization and s.tender_id = which;
    if fixed is null or secret.decoy_seed is null then
        return next 'what was fixed at closing is gone';
        return;
    end if;
    if app.merkle_root(fixed) is distinct from t.seal_root then
        return next 'the root is not that of the leaves fixed at closing';
    end if;
    select coalesce(array_agg(b.receipt_sha256 order by b.receipt_sha256), '{}') into counted from bids b
        where b.org_id = organization and b.tender_id = which
            and case when t.opened_at is null then b.status = 'submitted' else b.opened_at is not null end;
    if cardinality(counted) <> secret.submitted then
        return next 'not as many bids count as at closing';
    end if;
    select array_agg(leaf order by leaf) into rebuilt from (
        select sha256('\x00'::bytea || receipt) as leaf from unnest(counted) receipt
        union all
        select sha256('\x00'::bytea || sha256('\x02'::bytea || secret.decoy_seed || int4send(i)))
            from generate_series(1, cardinality(fixed) - cardinality(counted)) i
    ) leaves;
    if rebuilt is distinct from fixed then
        return next 'the receipts of the bids do not give the root fixed at closing';
    end if;
    if exists (select from bids b where b.org_id = organization and b.tender_id = which
        and case when t.opened_at is null then b.status = 'submitted' else b.opened_at is not null end
        and not exists (select from bid_revisions r where r.org_id = b.org_id and r.bid_id = b.id and r.revision = b.revision
            and r.tender_id = b.tender_id and r.bidder_org_id = b.bidder_org_id and r.receipt_sha256 = b.receipt_sha256)) then
        return next 'a bid that counts has no sealed offer with its receipt';
    end if;
    if t.opened_at is not null then
        select * into record from opening_records r where r.org_id = organization and r.tender_id = which;
        if record.root is null then
            return next 'the opening record is gone';
        elsif (record.root, record.receipts, record.submitted, record.decoy_seed)
            is distinct from (t.seal_root, counted, secret.submitted, secret.decoy_seed) then
            return next 'the opening record does not agree with what was fixed at closing';
        end if;
    end if;
end $$;

-- As before (T8 and B9), and only if number, receipts and root are those fixed at closing.
create or replace function app.open_bids(which uuid, persons uuid[])
    returns table (bid_id uuid, bidder_org_id uuid, revision integer, sealed bytea, receipt_sha256 bytea, received_at timestamptz)
    language plpgsql security definer set search_path = public, pg_temp
    as $$
#variable_conflict use_column
declare
    t tenders;
    secret tender_seal_secrets;
    moment timestamptz := app.now();
begin
    select * into t from tenders where org_id = app.org() and id = which for no key update;
    if not found or t.status <> 'closed' or moment < t.submission_deadline then
        raise exception 'the bids of this tender cannot be opened' using errcode = 'insufficient_privilege';
    end if;
    if exists (select from app.seal_faults(t.org_id, t.id)) then
        raise exception 'the bids do not agree with what was fixed at closing: nothing is opened'
            using errcode = 'integrity_constraint_violation', constraint = 'tender_seal_intact';
    end if;
    select * into strict secret from tender_seal_secrets s where s.org_id = t.org_id and s.tender_id = t.id;
    if secret.submitted < t.min_bids then
        raise exception 'too few bids: they stay sealed' using errcode = 'insufficient_privilege';
    end if;
    update tenders set status = 'evaluation', opened_at = moment, updated_at = now() where org_id = t.org_id and id = t.id;
    insert into opening_records (org_id, tender_id, root, receipts, decoy_seed, submitted, opened_by, opened_at)
        select t.org_id, t.id, t.seal_root, array_agg(b.receipt_sha256 order by b.receipt_sha256), secret.decoy_seed, secret.submitted,
            persons, moment from bids b where b.org_id = t.org_id and b.tender_id = t.id and b.status = 'submitted';
    update bids set status = 'opened', opened_at = moment, updated_at = now()
        where org_id = t.org_id and tender_id = t.id and status = 'submitted';
    return query select b.id, b.bidder_org_id, b.revision, r.sealed, b.receipt_sha256, b.received_at
        from bids b join bid_revisions r on r.org_id = b.org_id and r.bid_id = b.id and r.revision = b.revision
        where b.org_id = t.org_id and b.tender_id = t.id and b.status = 'opened' order by b.id;
end $$;

-- Everybody who has a receipt reads the record, whatever became of the bid since: it is what the receipt is checked against.
create index bid_revisions_of_bidder on bid_revisions (bidder_org_id, tender_id);
drop policy parties_select on opening_records;
create policy parties_select on opening_records for select to build14_app using (org_id = app.org() or exists (
    select from bid_revisions r where r.org_id = opening_records.org_id and r.tender_id = opening_records.tender_id
        and r.bidder_org_id = app.org() and r.receipt_sha256 is not null));

-- For the sweep that finds what a lost job would have done.
create index tenders_due on tenders (submission_deadline) where status = 'published';
create index awards_due on awards (standstill_until) where status = 'pending' and contract_id is null;

grant create on schema app to build14_system;
alter function app.close_tender owner to build14_system;
alter function app.seal_faults owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.close_tender, app.seal_faults from public;
grant execute on function app.close_tender to build14_app;
