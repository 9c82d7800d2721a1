-- A bid at or after the deadline is refused by the name of a constraint. The policies of bids and bid_revisions refuse it, too, but what
-- violates a policy PostgreSQL tells in words alone, in the server's language, and with the code of any missing privilege.
create function app.bid_in_time() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
begin
    -- What the platform's functions write (closing, opening) and the owner (ranking) has bounds of its own.
    if pg_has_role(current_user, 'build14_system', 'usage') or new.bidder_org_id is distinct from app.org() then
        return new;
    end if;
    if not exists (select from tenders t where t.org_id = new.org_id and t.id = new.tender_id
        and t.status = 'published' and app.now() < t.submission_deadline) then
        raise exception 'the tender takes no bids any more' using errcode = 'check_violation', constraint = 'bid_in_time';
    end if;
    return new;
end $$;
create trigger in_time before insert or update on bids for each row when (new.opened_at is null) execute function app.bid_in_time();
create trigger in_time before insert on bid_revisions for each row execute function app.bid_in_time();
