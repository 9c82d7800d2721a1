-- A contract, its schedule and its milestones are what the program wrote, on a bid that was awarded; and that a transfer may have left is taken back
-- by the program alone (docs/decisions/0042).
create function app.open_contract(p_org uuid, p_contract text, p_proof bytea) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    p constant jsonb := p_contract::jsonb;
    c record;
begin
    select * into c from jsonb_to_record(p -> 'contract') as x (org_id uuid, id uuid, contractor_org_id uuid, project_id uuid, tender_id uuid,
        bid_id uuid, title text, currency text, total bigint, fee_bps integer, processing_cost_bearer text, processing_bps integer,
        processing_fixed bigint, document text, document_sha256 text);
    if not app.is_vouched('contract', p_contract, p_proof) or app.org() is distinct from p_org or c.org_id is distinct from p_org then
        raise exception 'nobody vouches for this contract' using errcode = 'insufficient_privilege';
    end if;
    if not exists (select from bids b where b.org_id = p_org and b.id = c.bid_id and b.tender_id = c.tender_id
        and b.bidder_org_id = c.contractor_org_id and b.status = 'awarded' and b.total = c.total and b.currency = c.currency) then
        raise exception 'bid % is not awarded as this contract says', c.bid_id using errcode = 'insufficient_privilege';
    end if;
    insert into contracts (org_id, id, contractor_org_id, project_id, tender_id, bid_id, title, currency, total, status, fee_bps,
            processing_cost_bearer, processing_bps, processing_fixed, document, document_sha256)
        values (p_org, c.id, c.contractor_org_id, c.project_id, c.tender_id, c.bid_id, c.title, c.currency, c.total, 'signing', c.fee_bps,
            c.processing_cost_bearer, c.processing_bps, c.processing_fixed, c.document, c.document_sha256);
    insert into contract_lines (org_id, contract_id, contractor_org_id, position, soq_line_id, code, description, kind, unit_code, quantity,
            rate, amount, counts)
        select k.org_id, k.id, k.contractor_org_id, l.position, l.soq_line_id, l.code, l.description, l.kind, l.unit_code, l.quantity,
            l.rate, l.amount, l.counts
        from contracts k cross join jsonb_to_recordset(p -> 'lines') as l (position integer, soq_line_id uuid, code text, description text,
            kind text, unit_code text, quantity numeric, rate numeric, amount bigint, counts boolean)
        where k.org_id = p_org and k.id = c.id;
    insert into milestones (org_id, id, contract_id, contractor_org_id, position, title, amount, currency, due_on)
        select k.org_id, m.id, k.id, k.contractor_org_id, m.position, m.title, m.amount, m.currency, m.due_on
        from contracts k cross join jsonb_to_recordset(p -> 'milestones') as m (id uuid, position integer, title text, amount bigint,
            currency text, due_on date)
        where k.org_id = p_org and k.id = c.id;
end $$;
revoke insert on contracts, contract_lines, milestones from build14_app;
drop policy owner_insert on contracts;
drop policy owner_insert on contract_lines;
drop policy owner_insert on milestones;
grant insert on contracts, contract_lines, milestones to build14_system;

-- That a release may have left is noted before each attempt, and whoever takes it back without having looked pays twice once the provider has
-- forgotten the attempt.
create function app.release_has_not_left(p_org uuid, p_release uuid, p_attempt integer, p_proof bytea) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if not app.is_vouched('not left', p_release || ':' || p_attempt, p_proof) or app.org() is distinct from p_org then
        raise exception 'nobody vouches that release % has not left', p_release using errcode = 'insufficient_privilege';
    end if;
    update releases r set maybe_sent_at = null
        where r.org_id = p_org and r.id = p_release and r.status = 'sending' and r.attempts = p_attempt;
end $$;
grant update (maybe_sent_at) on releases to build14_system;
drop trigger releases_first_attempt_stays on releases;
create trigger releases_first_attempt_stays before update on releases for each row
    when (not pg_has_role(current_user, 'build14_system', 'usage') and old.maybe_sent_at is not null)
    execute function app.keep('maybe_sent_at');

grant create on schema app to build14_system;
alter function app.open_contract owner to build14_system;
alter function app.release_has_not_left owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.open_contract, app.release_has_not_left from public;
grant execute on function app.open_contract, app.release_has_not_left to build14_app;
