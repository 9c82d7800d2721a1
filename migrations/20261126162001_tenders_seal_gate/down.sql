drop index awards_due;
drop index tenders_due;
drop policy parties_select on opening_records;
create policy parties_select on opening_records for select to build14_app using (org_id = app.org() or exists (
    select from bids b where b.org_id = opening_records.org_id and b.tender_id = opening_records.tender_id
        and b.bidder_org_id = app.org() and b.opened_at is not null));
drop index bid_revisions_of_bidder;
drop function app.close_tender;
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
    select * into t from tenders where org_id = app.org() and id = which for update;
    if not found or t.status <> 'closed' or moment < t.submission_deadline then
        raise exception 'the bids of this tender cannot be opened' using errcode = 'insufficient_privilege';
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
drop function app.seal_faults;
drop function app.merkle_root;
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
        or exists (select from bids b where b.org_id = tenders.org_id and b.tender_id = tenders.id and b.bidder_org_id = app.org()))))
        for share;
    if found then
        return query select t.org_id, t.status, t.submission_deadline, t.currency, app.now();
    end if;
end $$;
drop function app.tender_gate;
create function app.close_tender(which uuid) returns text
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    t tenders;
    number integer;
    capacity integer := 64;
    seed bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
    level bytea[];
begin
    select * into t from tenders where org_id = app.org() and id = which for update;
    if not found or t.status <> 'published' or app.now() < t.submission_deadline then
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

grant create on schema app to build14_system;
alter function app.close_tender owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.close_tender from public;
grant execute on function app.close_tender to build14_app;
