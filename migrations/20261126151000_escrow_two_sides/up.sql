-- Who belongs to both sides of a business: asked of the platform's functions, since a tenant's own view of another one's members is empty.

-- When the person first acted in the organisation, by a session there or by founding it. Any organisation can add anybody's e-mail: a
-- membership that was never taken up is the organisation's doing alone, and is not held against the person where that organisation would
-- gain by it.
alter table memberships add column taken_up_at timestamptz;
set local role build14_system;
update memberships set taken_up_at = created_at;
reset role;

create function app.membership_founds() returns trigger language plpgsql
    as $$
begin
    if new.user_id = app.user_id() then
        new.taken_up_at := now();
    end if;
    return new;
end $$;
create trigger memberships_founds before insert on memberships for each row execute function app.membership_founds();

create function app.membership_taken_up() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    update memberships set taken_up_at = now() where org_id = new.org_id and user_id = new.user_id and taken_up_at is null;
    return null;
end $$;
create trigger sessions_take_up after insert on sessions for each row execute function app.membership_taken_up();

-- What ties a person of one party of a contract to the other party: told to the two parties alone.
create function app.ties_to_other_party(p_org uuid, p_contract uuid, p_person uuid, out member boolean, out taken_up boolean)
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
declare
    contractor uuid;
    other uuid;
begin
    select c.contractor_org_id into contractor from contracts c where c.org_id = p_org and c.id = p_contract;
    if not found or (app.org() in (p_org, contractor)) is not true then
        raise exception 'contract % is not of this organisation', p_contract using errcode = 'insufficient_privilege';
    end if;
    other := case when app.org() = p_org then contractor else p_org end;
    select m.taken_up_at is not null into taken_up from memberships m where m.org_id = other and m.user_id = p_person;
    member := found;
    taken_up := coalesce(taken_up, false);
end $$;

-- Whether a person of a tender's owner acts for one of its bidders; which, and how many there are, is not told.
create function app.acts_for_a_bidder(p_org uuid, p_tender uuid, p_person uuid) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
begin
    if app.org() is distinct from p_org or not exists (select from tenders t where t.org_id = p_org and t.id = p_tender) then
        raise exception 'tender % is not of this organisation', p_tender using errcode = 'insufficient_privilege';
    end if;
    return exists (select from bids b join memberships m on m.org_id = b.bidder_org_id and m.user_id = p_person
        where b.org_id = p_org and b.tender_id = p_tender and b.status not in ('draft', 'withdrawn', 'lapsed') and m.taken_up_at is not null);
end $$;

-- Whether a person of a tender's owner is a member of the bidder of an opened bid.
create function app.is_of_the_bidder(p_org uuid, p_bid uuid, p_person uuid) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
declare
    bidder uuid;
begin
    select b.bidder_org_id into bidder from bids b where b.org_id = p_org and b.id = p_bid and b.opened_at is not null;
    if not found or app.org() is distinct from p_org then
        raise exception 'bid % is not open to this organisation', p_bid using errcode = 'insufficient_privilege';
    end if;
    return exists (select from memberships m where m.org_id = bidder and m.user_id = p_person);
end $$;

-- The fees of a payment's releases never exceed the fee that was shown, and are exactly it once all of it is released. Looked at when the
-- money is reserved: later it may have left. What the provider refused is void and does not count.
create function app.release_fees_add_up() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    shown record;
    so_far record;
begin
    select p.amount, p.fee into shown from payments p where p.org_id = new.org_id and p.id = new.payment_id;
    select sum(r.gross) as gross, sum(r.fee) as fee into so_far
        from releases r where r.org_id = new.org_id and r.payment_id = new.payment_id and r.status <> 'failed';
    -- Fees that were once rounded part by part may exceed it: then nothing more is taken.
    if so_far.gross > shown.amount or (new.fee > 0 and so_far.fee > shown.fee) or (so_far.gross = shown.amount and so_far.fee < shown.fee) then
        raise exception 'payment % of % with a fee of % would be released as % with a fee of %',
            new.payment_id, shown.amount, shown.fee, so_far.gross, so_far.fee
            using errcode = 'check_violation', constraint = 'releases_fees_add_up';
    end if;
    return null;
end $$;
create trigger releases_fees_add_up after insert on releases for each row execute function app.release_fees_add_up();

grant create on schema app to build14_system;
alter function app.membership_taken_up owner to build14_system;
alter function app.ties_to_other_party owner to build14_system;
alter function app.acts_for_a_bidder owner to build14_system;
alter function app.is_of_the_bidder owner to build14_system;
alter function app.release_fees_add_up owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.membership_taken_up, app.ties_to_other_party, app.acts_for_a_bidder, app.is_of_the_bidder,
    app.release_fees_add_up from public;
grant execute on function app.ties_to_other_party, app.acts_for_a_bidder, app.is_of_the_bidder to build14_app;
