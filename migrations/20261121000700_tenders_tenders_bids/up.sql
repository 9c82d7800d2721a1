-- Tenders, their invitations and snapshots, sealed bids, opening and award (domain.md §3.1 to §3.3).
-- org_id is the owner organisation everywhere; bidder_org_id is the other party. What the serving role must not be able to do by itself
-- (close, open, complete, count sealed bids) is done by functions of build14_system that check its preconditions.

create table tenders (
    org_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    soq_id uuid not null,
    soq_version integer check (soq_version > 0),
    title text not null check (length(title) between 1 and 200),
    description text,
    procurement_method text not null check (procurement_method in ('open', 'limited')),
    status text not null check (status in
        ('draft', 'published', 'closed', 'evaluation', 'standstill', 'complete', 'unsuccessful', 'cancelled')),
    currency text not null check (length(currency) = 3),
    submission_deadline timestamptz not null,
    questions_until timestamptz check (questions_until <= submission_deadline),
    min_bids integer not null default 1 check (min_bids between 1 and 1000),
    related_tender_id uuid,
    published_at timestamptz,
    closed_at timestamptz,
    opened_at timestamptz,
    seal_root bytea check (length(seal_root) = 32),
    standstill_until timestamptz,
    cancelled_at timestamptz,
    cancel_reason text,
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, id),
    foreign key (org_id, related_tender_id) references tenders (org_id, id),
    constraint tenders_project_fkey foreign key (org_id, project_id) references projects (org_id, id),
    constraint tenders_soq_fkey foreign key (org_id, project_id, soq_id) references soqs (org_id, project_id, id),
    check (status <> 'draft' or (published_at is null and closed_at is null and opened_at is null)),
    check (status in ('draft', 'cancelled') or (published_at is not null and soq_version is not null)),
    check (status not in ('closed', 'evaluation', 'standstill', 'complete') or (closed_at is not null and seal_root is not null)),
    check (status not in ('evaluation', 'standstill', 'complete') or opened_at is not null),
    check ((status = 'cancelled') = (cancelled_at is not null))
);
create index tenders_list on tenders (org_id, created_at desc, id desc);
create index tenders_market on tenders (created_at desc, id desc) where published_at is not null;
create index tenders_by_id on tenders (id);
create index tenders_of_project on tenders (org_id, project_id);
create index tenders_of_soq on tenders (org_id, soq_id);

-- Who may see or bid for a tender beside an open call. An invitation by e-mail is one of an organisation as soon as it is known whose
-- the address is (app.resolve_invitations). Until then it counts for the person with that e-mail, in whichever organisation they act:
-- nothing is written down when they do, since the owner would see in it that they bid.
create table tender_invitations (
    org_id uuid not null,
    id uuid not null,
    tender_id uuid not null,
    invited_org_id uuid check (invited_org_id <> org_id),
    email text check (length(email) between 3 and 254),
    -- As users.email_key: normalised by the application.
    email_key text,
    invited_by uuid,
    sent_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (org_id, id),
    foreign key (org_id, tender_id) references tenders (org_id, id) on delete cascade,
    constraint tender_invitations_who check (invited_org_id is not null or email is not null),
    check ((email is null) = (email_key is null))
);
create unique index tender_invitations_org on tender_invitations (org_id, tender_id, invited_org_id) where invited_org_id is not null;
create unique index tender_invitations_email on tender_invitations (org_id, tender_id, email_key) where email_key is not null;
create index tender_invitations_list on tender_invitations (org_id, tender_id, created_at desc, id desc);
create index tender_invitations_invited on tender_invitations (invited_org_id, tender_id) where invited_org_id is not null;
create index tender_invitations_unresolved on tender_invitations (email_key, tender_id) where invited_org_id is null;

-- The milestones that the contract will have.
create table tender_milestones (
    org_id uuid not null,
    tender_id uuid not null,
    position integer not null check (position > 0),
    title text not null check (length(title) between 1 and 200),
    percent numeric(7, 4) not null check (percent > 0 and percent <= 100),
    due_on date,
    primary key (org_id, tender_id, position),
    foreign key (org_id, tender_id) references tenders (org_id, id) on delete cascade
);

-- The schedule of quantities as it was at publication. Without the owner's estimates: fixed_rate is the amount of a provisional sum only.
create table tender_lines (
    org_id uuid not null,
    tender_id uuid not null,
    soq_line_id uuid not null,
    position integer not null check (position > 0),
    code text not null,
    description text not null,
    kind text not null,
    unit_code text,
    unit_text text,
    quantity numeric(18, 4) check (quantity >= 0),
    fixed_rate numeric(18, 4) check (fixed_rate >= 0),
    unit_id uuid,
    primary key (org_id, tender_id, soq_line_id),
    unique (org_id, tender_id, position),
    foreign key (org_id, tender_id) references tenders (org_id, id) on delete cascade,
    check (fixed_rate is null or kind in ('provisional_defined', 'provisional_undefined'))
);

-- The key that seals a tender's bids, wrapped by the server's key `key_id`. Destroyed when the bids are never to be opened.
create table tender_keys (
    org_id uuid not null,
    tender_id uuid not null,
    key_id text not null,
    wrapped bytea,
    created_at timestamptz not null default now(),
    destroyed_at timestamptz,
    primary key (org_id, tender_id),
    foreign key (org_id, tender_id) references tenders (org_id, id),
    check ((wrapped is null) = (destroyed_at is not null))
);

-- The leaves of the Merkle tree fixed at the deadline: real bids among decoys, so that they do not tell how many bids there are.
create table tender_seals (
    org_id uuid not null,
    tender_id uuid not null,
    leaves bytea[] not null,
    created_at timestamptz not null default now(),
    primary key (org_id, tender_id),
    foreign key (org_id, tender_id) references tenders (org_id, id)
);

-- What tells real leaves from decoys: closed to the serving role, published with the opening record.
create table tender_seal_secrets (
    org_id uuid not null,
    tender_id uuid not null,
    decoy_seed bytea not null check (length(decoy_seed) = 32),
    submitted integer not null,
    primary key (org_id, tender_id),
    foreign key (org_id, tender_id) references tenders (org_id, id)
);

-- Bids. Until opened_at is set only the bidder sees the row; what it offers stands sealed in bid_revisions. What was not submitted has no
-- receipt and can therefore neither be counted, nor be a leaf, nor be opened: a draft, also once it lapsed.
create table bids (
    org_id uuid not null,
    id uuid not null,
    tender_id uuid not null,
    bidder_org_id uuid not null,
    status text not null check (status in ('draft', 'submitted', 'needs_reconfirm', 'withdrawn', 'lapsed', 'opened', 'valid',
        'disqualified', 'awarded', 'forfeited', 'unsuccessful', 'expired')),
    revision integer not null check (revision > 0),
    receipt_sha256 bytea check (length(receipt_sha256) = 32),
    received_at timestamptz,
    -- What the receipt of a withdrawal stands for: it holds nothing that was offered.
    withdrawal_document text,
    opened_at timestamptz,
    total bigint check (total >= 0),
    currency text not null check (length(currency) = 3),
    valid_until date,
    note text,
    rank integer check (rank > 0),
    disqualified_code text,
    disqualified_reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, id),
    foreign key (org_id, tender_id) references tenders (org_id, id),
    constraint bids_not_own check (bidder_org_id <> org_id),
    constraint bids_receipt check ((receipt_sha256 is null) = (received_at is null) and case status
        when 'draft' then receipt_sha256 is null when 'lapsed' then true else receipt_sha256 is not null end),
    constraint bids_withdrawal check ((status = 'withdrawn') = (withdrawal_document is not null)),
    check ((status in ('draft', 'submitted', 'needs_reconfirm', 'withdrawn', 'lapsed')) = (opened_at is null)),
    check (opened_at is not null or (total is null and valid_until is null and note is null and rank is null)),
    check ((status = 'disqualified') = (disqualified_code is not null and disqualified_reason is not null))
);
create unique index bids_one_live on bids (org_id, tender_id, bidder_org_id) where status not in ('withdrawn', 'lapsed');
create index bids_list on bids (org_id, tender_id, created_at desc, id desc);
create index bids_own on bids (bidder_org_id, tender_id, created_at desc, id desc);
create index bids_by_id on bids (id);

-- Every offer that was submitted, sealed: nonce and XChaCha20-Poly1305 ciphertext. Superseded ones stay sealed for ever. What was only
-- saved as a draft has no receipt, and is sealed so that it does not open as an offer.
create table bid_revisions (
    org_id uuid not null,
    bid_id uuid not null,
    revision integer not null check (revision > 0),
    tender_id uuid not null,
    bidder_org_id uuid not null,
    sealed bytea not null,
    receipt_sha256 bytea check (length(receipt_sha256) = 32),
    received_at timestamptz,
    primary key (org_id, bid_id, revision),
    foreign key (org_id, bid_id) references bids (org_id, id),
    constraint bid_revisions_receipt check ((receipt_sha256 is null) = (received_at is null))
);

-- The lines of opened bids.
create table bid_lines (
    org_id uuid not null,
    bid_id uuid not null,
    soq_line_id uuid not null,
    bidder_org_id uuid not null,
    position integer not null,
    rate numeric(18, 4) not null check (rate >= 0),
    amount bigint not null check (amount >= 0),
    primary key (org_id, bid_id, soq_line_id),
    foreign key (org_id, bid_id) references bids (org_id, id)
);

-- The opening, for anyone to check: root, every receipt, the seed of the decoys, who opened and when. Ranks stand with the bids.
create table opening_records (
    org_id uuid not null,
    tender_id uuid not null,
    root bytea not null,
    receipts bytea[] not null,
    decoy_seed bytea not null,
    submitted integer not null,
    opened_by uuid[] not null,
    opened_at timestamptz not null,
    primary key (org_id, tender_id),
    foreign key (org_id, tender_id) references tenders (org_id, id)
);

-- Awards (domain.md §3.3 A1 to A3): one live award per tender.
create table awards (
    org_id uuid not null,
    id uuid not null,
    tender_id uuid not null,
    bid_id uuid not null,
    bidder_org_id uuid not null,
    status text not null check (status in ('pending', 'active', 'cancelled')),
    amount bigint not null check (amount >= 0),
    currency text not null,
    reason text,
    contract_id uuid,
    standstill_until timestamptz not null,
    awarded_by uuid[] not null,
    cancel_reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, id),
    foreign key (org_id, tender_id) references tenders (org_id, id),
    foreign key (org_id, bid_id) references bids (org_id, id),
    check (status <> 'active' or contract_id is not null),
    check ((status = 'cancelled') = (cancel_reason is not null))
);
create unique index awards_one_live on awards (org_id, tender_id) where status in ('pending', 'active');
create index awards_list on awards (org_id, created_at desc, id desc);
create index awards_own on awards (bidder_org_id, tender_id);

-- Parties and identity never change.
create trigger keep before update on tenders for each row execute function app.keep('org_id', 'id', 'created_at', 'created_by');
create trigger keep before update on tender_invitations for each row
    execute function app.keep('org_id', 'id', 'tender_id', 'email', 'email_key');
create trigger keep_invited before update on tender_invitations for each row when (old.invited_org_id is not null)
    execute function app.keep('invited_org_id');
create trigger keep before update on tender_keys for each row execute function app.keep('org_id', 'tender_id');
create trigger keep before update on bids for each row execute function app.keep('org_id', 'id', 'tender_id', 'bidder_org_id', 'currency');
create trigger keep before update on awards for each row
    execute function app.keep('org_id', 'id', 'tender_id', 'bid_id', 'bidder_org_id', 'amount', 'currency');
create trigger written_once before update or delete on bid_revisions for each row execute function app.append_only();
create trigger written_once before update or delete on bid_lines for each row execute function app.append_only();
create trigger written_once before update or delete on opening_records for each row execute function app.append_only();
create trigger written_once before update or delete on tender_seals for each row execute function app.append_only();
create trigger written_once before update or delete on tender_seal_secrets for each row execute function app.append_only();

-- The tender's state machine behind the one in Rust: the serving role cannot close, open or complete by itself, nor move a deadline back.
create function app.guard_tender() returns trigger language plpgsql
    as $$
declare
    step text := old.status || '>' || new.status;
begin
    if old.status = 'draft' and new.status = 'draft' then
        return new;
    end if;
    if old.status <> new.status then
        if step not in ('draft>published', 'draft>cancelled', 'published>cancelled', 'closed>cancelled', 'evaluation>standstill',
                        'evaluation>unsuccessful', 'evaluation>cancelled', 'standstill>cancelled', 'standstill>evaluation')
           and not (current_user = 'build14_system' and step in
                        ('published>closed', 'published>unsuccessful', 'closed>evaluation', 'standstill>complete')) then
            raise exception 'a tender does not go from % to % here', old.status, new.status
                using errcode = 'integrity_constraint_violation';
        end if;
        if step = 'draft>published' and new.submission_deadline <= app.now() then
            raise exception 'a tender is published before its deadline' using errcode = 'integrity_constraint_violation';
        end if;
    end if;
    if old.status <> 'draft' then
        if new.submission_deadline <> old.submission_deadline and (old.status <> 'published' or new.status <> 'published'
            or new.submission_deadline < old.submission_deadline or app.now() >= old.submission_deadline) then
            raise exception 'the deadline only moves later, and only before it has passed'
                using errcode = 'integrity_constraint_violation';
        end if;
        if (old.project_id, old.soq_id, old.soq_version, old.procurement_method, old.currency, old.min_bids, old.published_at)
            is distinct from
           (new.project_id, new.soq_id, new.soq_version, new.procurement_method, new.currency, new.min_bids, new.published_at) then
            raise exception 'what a tender asks for does not change after publication' using errcode = 'integrity_constraint_violation';
        end if;
    end if;
    return new;
end $$;
create trigger guard before update on tenders for each row execute function app.guard_tender();

-- A project that was never tendered takes its unpublished tenders along when it is deleted; a published one holds it.
create function app.drop_unpublished_tenders() returns trigger language plpgsql
    as $$
begin
    delete from tenders where org_id = old.org_id and project_id = old.id and published_at is null;
    return old;
end $$;
create trigger tenders_unpublished_go before delete on projects for each row execute function app.drop_unpublished_tenders();

-- Row-level security. Owner: org_id = app.org(). Others see a tender once it is published, if the call is open or they are invited.
do $$
declare
    tbl text;
begin
    foreach tbl in array array['tenders', 'tender_invitations', 'tender_milestones', 'tender_lines', 'tender_keys', 'tender_seals',
                               'tender_seal_secrets', 'bids', 'bid_revisions', 'bid_lines', 'opening_records', 'awards'] loop
        execute format('alter table %I enable row level security', tbl);
        execute format('alter table %I force row level security', tbl);
    end loop;
end $$;

create policy parties_select on tender_invitations for select to build14_app
    using (org_id = app.org() or (sent_at is not null and (invited_org_id = app.org()
        or (invited_org_id is null and app.org() is not null
            and email_key = (select u.email_key from users u where u.id = app.user_id())))));
create policy owner_insert on tender_invitations for insert to build14_app with check (org_id = app.org());
create policy owner_update on tender_invitations for update to build14_app using (org_id = app.org()) with check (org_id = app.org());
grant select, insert, update (sent_at) on tender_invitations to build14_app;

-- Row-level security shows another organisation's invitations to the invited alone. Who has a bid goes on seeing the tender: also the
-- colleagues of a person who was invited by e-mail.
create policy parties_select on tenders for select to build14_app
    using (org_id = app.org() or (app.org() is not null and published_at is not null and (procurement_method = 'open'
        or exists (select from tender_invitations i where i.org_id = tenders.org_id and i.tender_id = tenders.id)
        or exists (select from bids b where b.org_id = tenders.org_id and b.tender_id = tenders.id and b.bidder_org_id = app.org()))));
create policy owner_insert on tenders for insert to build14_app with check (org_id = app.org() and status = 'draft');
create policy owner_update on tenders for update to build14_app using (org_id = app.org()) with check (org_id = app.org());
create policy owner_delete on tenders for delete to build14_app using (org_id = app.org() and published_at is null);
grant select, insert, delete on tenders to build14_app;
grant update (soq_id, soq_version, title, description, procurement_method, status, submission_deadline, questions_until, min_bids,
    published_at, standstill_until, cancelled_at, cancel_reason, updated_at) on tenders to build14_app;

create policy parties_select on tender_milestones for select to build14_app
    using (exists (select from tenders t where t.org_id = tender_milestones.org_id and t.id = tender_milestones.tender_id));
create policy draft_insert on tender_milestones for insert to build14_app with check (org_id = app.org() and exists (
    select from tenders t where t.org_id = tender_milestones.org_id and t.id = tender_milestones.tender_id and t.status = 'draft'));
create policy draft_delete on tender_milestones for delete to build14_app using (org_id = app.org() and exists (
    select from tenders t where t.org_id = tender_milestones.org_id and t.id = tender_milestones.tender_id and t.status = 'draft'));
grant select, insert, delete on tender_milestones to build14_app;

create policy parties_select on tender_lines for select to build14_app
    using (exists (select from tenders t where t.org_id = tender_lines.org_id and t.id = tender_lines.tender_id));
create policy draft_insert on tender_lines for insert to build14_app with check (org_id = app.org() and exists (
    select from tenders t where t.org_id = tender_lines.org_id and t.id = tender_lines.tender_id and t.status = 'draft'));
grant select, insert on tender_lines to build14_app;

create policy parties_select on tender_keys for select to build14_app
    using (exists (select from tenders t where t.org_id = tender_keys.org_id and t.id = tender_keys.tender_id));
create policy draft_insert on tender_keys for insert to build14_app with check (org_id = app.org() and exists (
    select from tenders t where t.org_id = tender_keys.org_id and t.id = tender_keys.tender_id and t.status = 'draft'));
grant select, insert on tender_keys to build14_app;

create policy parties_select on tender_seals for select to build14_app
    using (exists (select from tenders t where t.org_id = tender_seals.org_id and t.id = tender_seals.tender_id));
grant select on tender_seals to build14_app;

-- A bidder writes its bid only while the tender takes bids, by the database's clock; the owner only once it is opened.
create policy parties_select on bids for select to build14_app
    using (bidder_org_id = app.org() or (org_id = app.org() and opened_at is not null));
create policy bidder_insert on bids for insert to build14_app
    with check (bidder_org_id = app.org() and opened_at is null and exists (
        select from tenders t where t.org_id = bids.org_id and t.id = bids.tender_id
            and t.status = 'published' and app.now() < t.submission_deadline));
create policy bidder_update on bids for update to build14_app
    using (bidder_org_id = app.org() and opened_at is null)
    with check (bidder_org_id = app.org() and opened_at is null and exists (
        select from tenders t where t.org_id = bids.org_id and t.id = bids.tender_id
            and t.status = 'published' and app.now() < t.submission_deadline));
create policy owner_update on bids for update to build14_app
    using (org_id = app.org() and opened_at is not null) with check (org_id = app.org() and opened_at is not null);
grant select, insert on bids to build14_app;
grant update (status, revision, receipt_sha256, received_at, withdrawal_document, total, valid_until, note, rank, disqualified_code,
    disqualified_reason, updated_at) on bids to build14_app;

create policy bidder_select on bid_revisions for select to build14_app using (bidder_org_id = app.org());
create policy bidder_insert on bid_revisions for insert to build14_app
    with check (bidder_org_id = app.org() and exists (
        select from bids b join tenders t on t.org_id = b.org_id and t.id = b.tender_id
            where b.org_id = bid_revisions.org_id and b.id = bid_revisions.bid_id and b.bidder_org_id = app.org()
                and b.tender_id = bid_revisions.tender_id and t.status = 'published' and app.now() < t.submission_deadline));
grant select, insert on bid_revisions to build14_app;

create policy parties_select on bid_lines for select to build14_app using (bidder_org_id = app.org() or org_id = app.org());
create policy owner_insert on bid_lines for insert to build14_app with check (org_id = app.org() and exists (
    select from bids b where b.org_id = bid_lines.org_id and b.id = bid_lines.bid_id and b.bidder_org_id = bid_lines.bidder_org_id
        and b.opened_at is not null));
grant select, insert on bid_lines to build14_app;

create policy parties_select on opening_records for select to build14_app using (org_id = app.org() or exists (
    select from bids b where b.org_id = opening_records.org_id and b.tender_id = opening_records.tender_id
        and b.bidder_org_id = app.org() and b.opened_at is not null));
grant select on opening_records to build14_app;

create policy parties_select on awards for select to build14_app using (org_id = app.org() or bidder_org_id = app.org());
create policy owner_insert on awards for insert to build14_app with check (org_id = app.org() and status = 'pending');
create policy owner_update on awards for update to build14_app using (org_id = app.org()) with check (org_id = app.org());
grant select, insert on awards to build14_app;
grant update (status, contract_id, cancel_reason, updated_at) on awards to build14_app;

call app.open_to_system('tenders', 'select, update');
call app.open_to_system('tender_invitations', 'select, update');
call app.open_to_system('tender_keys', 'select, update');
call app.open_to_system('tender_seals', 'select, insert');
call app.open_to_system('tender_seal_secrets', 'select, insert');
call app.open_to_system('bids', 'select, update');
call app.open_to_system('bid_revisions', 'select');
call app.open_to_system('opening_records', 'select, insert');
call app.open_to_system('awards', 'select, update');

-- Holds the tender still for a bidder (FOR SHARE: closing waits for the bids that are under way) and tells its state and the time, read
-- after the lock was got. Nothing for a tender that the caller may not see. The own tender is told, so that it can be refused as such.
create function app.hold_tender_for_bid(which uuid)
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

-- T6 and T7: at the deadline drafts lapse, the Merkle root of the sealed bids is fixed, and too few bids end the tender with its key.
-- Answers the new state, or nothing if there is nothing to close. Tree: leaves sha256(00 receipt), decoys sha256(00 sha256(02 seed i))
-- up to a power of two of at least 64, sorted; nodes sha256(01 left right).
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

-- T8 and B9: opens every submitted bid at once, writes the record, and hands the sealed offers out for decryption. What it holds the
-- serving role to is the state, the time and the number of bids. That two persons turned their keys is the application's to see to, which
-- names them here: to look at the used approval would prove nothing, since the serving role writes approvals too.
create function app.open_bids(which uuid, persons uuid[])
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

-- Destroys the key of a tender that ended before its bids were opened (T13): they are never read.
create function app.destroy_tender_key(which uuid) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    update tender_keys k set wrapped = null, destroyed_at = now() from tenders t
        where t.org_id = app.org() and t.id = which and t.status in ('cancelled', 'unsuccessful') and t.opened_at is null
            and k.org_id = t.org_id and k.tender_id = t.id and k.destroyed_at is null;
end $$;

-- T11, A2, B14: both parties signed. Runs as either party, whoever signed last. Answers whether anything was still to be done. The contract
-- must have become active; it may have been suspended since.
create function app.complete_tender(which uuid, contract uuid) returns boolean
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    t tenders;
    a awards;
begin
    select * into t from tenders where id = which and exists (select from awards w where w.org_id = tenders.org_id
        and w.tender_id = tenders.id and w.contract_id = contract and app.org() in (w.org_id, w.bidder_org_id)) for update;
    if not found or t.status <> 'standstill' or app.now() < t.standstill_until or not exists (select from contracts c
        where c.org_id = t.org_id and c.id = contract and c.tender_id = t.id and c.activated_at is not null) then
        return false;
    end if;
    select * into a from awards where org_id = t.org_id and tender_id = t.id and contract_id = contract and status = 'pending' for update;
    if not found then
        return false;
    end if;
    update awards set status = 'active', updated_at = now() where org_id = a.org_id and id = a.id;
    update tenders set status = 'complete', updated_at = now() where org_id = t.org_id and id = t.id;
    update bids set status = 'unsuccessful', updated_at = now()
        where org_id = t.org_id and tender_id = t.id and status in ('opened', 'valid');
    return true;
end $$;

-- Makes the e-mail invitations of a tender invitations of an organisation, as far as it is sure which: of a person who can sign in and
-- belongs to one organisation beside the owner's. With more of them it stays open for which one they act: a membership alone proves
-- nothing, since any organisation can add anybody's e-mail. The tender is locked by the caller.
create function app.resolve_invitations(which uuid) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    i tender_invitations;
    organization uuid;
begin
    for i in select * from tender_invitations
        where org_id = app.org() and tender_id = which and invited_org_id is null order by created_at, id loop
        select (array_agg(m.org_id))[1] into organization
            from users u join credentials c on c.user_id = u.id join memberships m on m.user_id = u.id
            where u.email_key = i.email_key and m.org_id <> i.org_id having count(*) = 1;
        if organization is not null and not exists (select from tender_invitations o
            where o.org_id = i.org_id and o.tender_id = i.tender_id and o.invited_org_id = organization) then
            update tender_invitations set invited_org_id = organization where org_id = i.org_id and id = i.id;
        end if;
    end loop;
end $$;

-- Locks the project of a tender against its deletion, as the caller. Lock order: project, then tender: deleting a project takes its
-- unpublished tenders along.
create function app.lock_project_of_tender(which uuid) returns void language plpgsql
    as $$
begin
    perform from projects p join tenders t on t.org_id = p.org_id and t.project_id = p.id
        where t.org_id = app.org() and t.id = which for no key update of p;
end $$;

grant create on schema app to build14_system;
alter function app.resolve_invitations owner to build14_system;
alter function app.hold_tender_for_bid owner to build14_system;
alter function app.close_tender owner to build14_system;
alter function app.open_bids owner to build14_system;
alter function app.destroy_tender_key owner to build14_system;
alter function app.complete_tender owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.resolve_invitations, app.hold_tender_for_bid, app.close_tender, app.open_bids, app.destroy_tender_key,
    app.complete_tender from public;
grant execute on function app.resolve_invitations, app.hold_tender_for_bid, app.close_tender, app.open_bids, app.destroy_tender_key,
    app.complete_tender to build14_app;
