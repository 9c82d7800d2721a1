-- Contracts, milestones, protected payments and the ledger (domain.md §3.3–§3.5, §7).
-- org_id is the owner's side everywhere; contractor_org_id the other party, copied into every child and held true by foreign keys.

-- Protects a table that two parties read: the owner's side writes, the contractor's may lock a row (FOR UPDATE) but not change it.
create procedure app.protect_contract_rows(tbl regclass) language plpgsql
    as $$
begin
    execute format('alter table %s enable row level security', tbl);
    execute format('alter table %s force row level security', tbl);
    execute format('create policy party_select on %s for select to build14_app using (org_id = app.org() or contractor_org_id = app.org())', tbl);
    execute format('create policy owner_insert on %s for insert to build14_app with check (org_id = app.org())', tbl);
    execute format('create policy owner_update on %s for update to build14_app using (org_id = app.org()) with check (org_id = app.org())', tbl);
    execute format('create policy contractor_lock on %s for update to build14_app using (contractor_org_id = app.org()) with check (false)', tbl);
end $$;

create table contracts (
    org_id uuid not null,
    id uuid not null,
    contractor_org_id uuid not null,
    project_id uuid not null,
    tender_id uuid not null,
    bid_id uuid not null,
    title text not null check (length(title) between 1 and 500),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    total bigint not null check (total > 0),
    status text not null default 'signing' check (status in
        ('draft', 'signing', 'active', 'suspended', 'practically_complete', 'closed', 'cancelled', 'terminated')),
    fee_bps integer not null check (fee_bps between 0 and 5000),
    processing_cost_bearer text not null check (processing_cost_bearer in ('owner', 'platform')),
    processing_bps integer not null check (processing_bps between 0 and 5000),
    processing_fixed bigint not null check (processing_fixed >= 0),
    document text not null,
    document_sha256 text not null check (document_sha256 ~ '^[0-9a-f]{64}$'),
    cancel_reason text,
    activated_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, id),
    unique (org_id, id, contractor_org_id),
    check (contractor_org_id <> org_id),
    check (status in ('draft', 'signing', 'cancelled') or activated_at is not null)
);
create unique index contracts_live_bid on contracts (org_id, bid_id) where status <> 'cancelled';
create index contracts_of_owner on contracts (org_id, created_at desc, id desc);
create index contracts_of_contractor on contracts (contractor_org_id, created_at desc, id desc);
create index contracts_by_id on contracts (id);
create trigger contracts_parties before update on contracts for each row
    execute function app.keep('org_id', 'id', 'contractor_org_id', 'project_id', 'tender_id', 'bid_id', 'title', 'currency', 'total', 'fee_bps',
        'processing_cost_bearer', 'processing_bps', 'processing_fixed', 'document', 'document_sha256', 'created_at');
call app.protect_contract_rows('contracts');
call app.open_to_system('contracts', 'select, update');
grant select, insert, update on contracts to build14_app;

create table contract_lines (
    org_id uuid not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    position integer not null check (position > 0),
    soq_line_id uuid not null,
    code text not null,
    description text not null,
    kind text not null,
    unit_code text,
    quantity numeric(18, 4),
    rate numeric(18, 4),
    amount bigint,
    counts boolean not null,
    primary key (org_id, contract_id, position),
    unique (org_id, contract_id, soq_line_id),
    foreign key (org_id, contract_id, contractor_org_id) references contracts (org_id, id, contractor_org_id),
    check (not counts or amount is not null)
);
create trigger contract_lines_stay before update or delete on contract_lines for each row execute function app.append_only();
call app.protect_contract_rows('contract_lines');
call app.open_to_system('contract_lines', 'select');
grant select, insert on contract_lines to build14_app;

create table contract_signatures (
    org_id uuid not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    party text not null check (party in ('owner', 'contractor')),
    user_id uuid not null,
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    signed_at timestamptz not null default now(),
    primary key (org_id, contract_id, party),
    unique (org_id, contract_id, user_id),
    foreign key (org_id, contract_id, contractor_org_id) references contracts (org_id, id, contractor_org_id)
);
create index contract_signatures_of on contract_signatures (contract_id);
create trigger contract_signatures_stay before update or delete on contract_signatures for each row execute function app.append_only();
alter table contract_signatures enable row level security;
alter table contract_signatures force row level security;
create policy party_select on contract_signatures for select to build14_app using (org_id = app.org() or contractor_org_id = app.org());
create policy party_signs on contract_signatures for insert to build14_app with check (
    user_id = app.user_id()
    and ((party = 'owner' and org_id = app.org()) or (party = 'contractor' and contractor_org_id = app.org())));
call app.open_to_system('contract_signatures', 'select');
grant select, insert on contract_signatures to build14_app;

create table milestones (
    org_id uuid not null,
    id uuid not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    position integer not null check (position > 0),
    title text not null check (length(title) between 1 and 500),
    amount bigint not null check (amount > 0),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    due_on date,
    status text not null default 'planned' check (status in
        ('planned', 'funding', 'funded', 'in_review', 'escalated', 'approved', 'released', 'disputed', 'refund_pending', 'refunded', 'cancelled')),
    frozen boolean not null default false,
    submissions integer not null default 0 check (submissions >= 0),
    submitted_by uuid,
    submitted_at timestamptz,
    review_due_at timestamptz check (review_due_at is null or status in ('in_review', 'escalated')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, id),
    unique (org_id, contract_id, position),
    unique (org_id, id, contract_id, contractor_org_id),
    foreign key (org_id, contract_id, contractor_org_id) references contracts (org_id, id, contractor_org_id)
);
create index milestones_of_contract on milestones (contract_id, position);
create index milestones_by_id on milestones (id);
create index milestones_in_review on milestones (review_due_at) where status = 'in_review';
create trigger milestones_keep before update on milestones for each row
    execute function app.keep('org_id', 'id', 'contract_id', 'contractor_org_id', 'position', 'amount', 'currency', 'created_at');
create function app.milestone_moves() returns trigger language plpgsql
    as $$
begin
    if old.status <> new.status and (old.status, new.status) not in (
        ('planned', 'funding'), ('planned', 'cancelled'), ('funding', 'planned'), ('funding', 'funded'), ('funded', 'in_review'),
        ('in_review', 'funded'), ('in_review', 'escalated'), ('in_review', 'approved'), ('escalated', 'funded'), ('escalated', 'approved'),
        ('approved', 'released'), ('approved', 'funded')) then
        raise exception 'a milestone never moves from % to %', old.status, new.status using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger milestones_moves before update on milestones for each row execute function app.milestone_moves();
call app.protect_contract_rows('milestones');
-- M5 is the contractor's: it may submit work, and nothing else.
create policy contractor_submits on milestones for update to build14_app
    using (contractor_org_id = app.org() and status = 'funded')
    with check (contractor_org_id = app.org() and status = 'in_review');
call app.open_to_system('milestones', 'select');
grant select, insert, update on milestones to build14_app;

create table milestone_reviews (
    org_id uuid not null,
    id uuid not null,
    milestone_id uuid not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    kind text not null check (kind in ('submitted', 'changes_requested', 'approved', 'escalated')),
    note text,
    evidence jsonb not null default '[]' check (jsonb_typeof(evidence) = 'array'),
    amount bigint check (amount > 0),
    by_user uuid,
    created_at timestamptz not null default now(),
    primary key (org_id, id),
    foreign key (org_id, milestone_id, contract_id, contractor_org_id) references milestones (org_id, id, contract_id, contractor_org_id)
);
create index milestone_reviews_of on milestone_reviews (milestone_id, created_at, id);
create trigger milestone_reviews_stay before update or delete on milestone_reviews for each row execute function app.append_only();
alter table milestone_reviews enable row level security;
alter table milestone_reviews force row level security;
create policy party_select on milestone_reviews for select to build14_app using (org_id = app.org() or contractor_org_id = app.org());
create policy party_insert on milestone_reviews for insert to build14_app with check (
    (kind = 'submitted' and contractor_org_id = app.org()) or (kind <> 'submitted' and org_id = app.org()));
grant select, insert on milestone_reviews to build14_app;

create table escrow_accounts (
    org_id uuid not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    status text not null default 'active' check (status in ('open', 'active', 'frozen', 'closing', 'closed')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, contract_id, currency),
    foreign key (org_id, contract_id, contractor_org_id) references contracts (org_id, id, contractor_org_id)
);
create trigger escrow_accounts_keep before update on escrow_accounts for each row
    execute function app.keep('org_id', 'contract_id', 'contractor_org_id', 'currency', 'created_at');
call app.protect_contract_rows('escrow_accounts');
call app.open_to_system('escrow_accounts', 'select, insert');
grant select, insert, update on escrow_accounts to build14_app;

create table payments (
    org_id uuid not null,
    id uuid not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    milestone_id uuid not null,
    status text not null default 'created' check (status in
        ('created', 'requires_action', 'processing', 'succeeded', 'available', 'failed', 'canceled', 'suspense')),
    amount bigint not null check (amount > 0),
    fee bigint not null check (fee >= 0 and fee < amount),
    charged bigint not null check (charged >= amount),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    intent text,
    charge text,
    balance_transaction text,
    available_on timestamptz,
    -- When its money came, by the clock that decides deadlines: held money grows old (domain.md §2.3).
    funded_at timestamptz,
    last_error text,
    next_poll_at timestamptz not null default now(),
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, id),
    unique (org_id, intent),
    unique (org_id, charge),
    foreign key (org_id, milestone_id, contract_id, contractor_org_id) references milestones (org_id, id, contract_id, contractor_org_id),
    check (status not in ('succeeded', 'available', 'suspense') or (intent is not null and charge is not null and balance_transaction is not null)),
    check (status not in ('succeeded', 'available') or funded_at is not null)
);
create unique index payments_live on payments (org_id, milestone_id)
    where status in ('created', 'requires_action', 'processing', 'succeeded', 'available');
create index payments_of_owner on payments (org_id, created_at desc, id desc);
create index payments_of_contractor on payments (contractor_org_id, created_at desc, id desc);
create index payments_by_id on payments (id);
create index payments_by_intent on payments (intent);
create index payments_to_poll on payments (next_poll_at) where status in ('created', 'requires_action', 'processing', 'succeeded');
create index payments_of_milestone on payments (milestone_id, id desc);
create trigger payments_keep before update on payments for each row
    execute function app.keep('org_id', 'id', 'contract_id', 'contractor_org_id', 'milestone_id', 'amount', 'fee', 'charged', 'currency', 'created_at');
call app.protect_contract_rows('payments');
call app.open_to_system('payments', 'select');
grant select, insert, update on payments to build14_app;

create table releases (
    org_id uuid not null,
    id uuid not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    milestone_id uuid not null,
    payment_id uuid not null,
    seq integer not null check (seq > 0),
    status text not null check (status in
        ('requested', 'approved', 'sending', 'unknown', 'sent', 'failed', 'part_reversed', 'reversed')),
    gross bigint not null,
    fee bigint not null check (fee >= 0),
    net bigint not null check (net > 0),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    requested_by uuid,
    approved_by uuid,
    destination text,
    transfer text,
    attempts integer not null default 0,
    -- When it was put on its way: no attempt touches it, so however often it is tried, how long it has been under way is known.
    sending_since timestamptz,
    -- When the order to transfer may have left for the first time: set durably before the call, cleared when it is known not to have happened.
    maybe_sent_at timestamptz,
    last_error text,
    sent_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, id),
    unique (org_id, milestone_id, seq),
    unique (org_id, transfer),
    foreign key (org_id, milestone_id, contract_id, contractor_org_id) references milestones (org_id, id, contract_id, contractor_org_id),
    foreign key (org_id, payment_id) references payments (org_id, id),
    check (gross = fee + net),
    check (status <> 'sent' or (transfer is not null and sent_at is not null)),
    check (status not in ('sending', 'unknown') or sending_since is not null),
    check (approved_by is null or approved_by <> requested_by)
);
create unique index releases_live on releases (org_id, milestone_id) where status in ('requested', 'approved', 'sending', 'unknown');
create index releases_by_id on releases (id);
create index releases_by_transfer on releases (transfer);
create index releases_under_way on releases (updated_at) where status in ('sending', 'unknown');
create index releases_not_yet_sent on releases (currency) where status = 'sending' and maybe_sent_at is null;
create index releases_of_milestone on releases (milestone_id, seq desc);
create index releases_of_payment on releases (payment_id, seq desc);
create trigger releases_keep before update on releases for each row
    execute function app.keep('org_id', 'id', 'contract_id', 'contractor_org_id', 'milestone_id', 'payment_id', 'seq', 'gross', 'fee', 'net',
        'currency', 'requested_by', 'approved_by', 'created_at');
call app.protect_contract_rows('releases');
call app.open_to_system('releases', 'select');
grant select, insert, update on releases to build14_app;

-- An organisation's own connected account; the other party learns through app.payee_of_contract whether it can be paid.
create table payee_accounts (
    org_id uuid not null primary key,
    account text,
    status text not null default 'onboarding' check (status in ('onboarding', 'active', 'restricted', 'closed')),
    requirements jsonb not null default '[]' check (jsonb_typeof(requirements) = 'array'),
    disabled_reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (org_id, account),
    check (status = 'onboarding' or account is not null)
);
create index payee_accounts_by_account on payee_accounts (account);
create trigger payee_accounts_keep before update on payee_accounts for each row execute function app.keep('org_id', 'created_at');
call app.protect('payee_accounts');
call app.open_to_system('payee_accounts', 'select');
grant select, insert, update on payee_accounts to build14_app;

-- The inbox of the payment provider's events; only the platform sees it. No payload is kept: state is always fetched.
create table webhook_events (
    id text primary key check (length(id) between 1 and 255),
    type text not null,
    object_id text not null,
    account text,
    intent text,
    our_id uuid,
    livemode boolean not null,
    received_at timestamptz not null default now(),
    processed_at timestamptz
);
create index webhook_events_waiting on webhook_events (received_at) where processed_at is null;
create index webhook_events_of_object on webhook_events (object_id) where processed_at is null;
alter table webhook_events enable row level security;
alter table webhook_events force row level security;
call app.open_to_system('webhook_events', 'select, insert, update, delete');

-- The chart of accounts (domain.md §7).
create table ledger_accounts (
    code smallint primary key,
    name text not null unique,
    liability boolean not null
);
insert into ledger_accounts (code, name, liability) values
    (1000, 'stripe_pending', false), (1010, 'stripe_available', false), (1020, 'dispute_in_progress', false), (1030, 'clawback_receivable', false),
    (1040, 'bank', false), (2000, 'held', true), (2010, 'frozen', true), (2020, 'release_payable', true), (2040, 'refund_payable', true),
    (2050, 'fee_pending', true), (2090, 'suspense', true), (3000, 'float', false), (4000, 'fee_revenue', false), (4010, 'fee_recovery', false),
    (4020, 'subscription_revenue', false), (5000, 'stripe_fees', false), (5010, 'dispute_and_loss', false);
alter table ledger_accounts enable row level security;
alter table ledger_accounts force row level security;
create policy tenants_read on ledger_accounts for select to build14_app using (app.org() is not null);
create policy platform on ledger_accounts for select to build14_system using (true);
grant select on ledger_accounts to build14_app, build14_system;

create table ledger_transactions (
    org_id uuid not null,
    id uuid not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    kind text not null check (kind in ('E1', 'E1b', 'E2', 'E3', 'E3v', 'E4', 'E5', 'E6', 'E7', 'E8', 'E9', 'E9b', 'E12', 'E13')),
    source_provider text not null,
    source_object text not null,
    source_kind text not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    reverses uuid,
    created_at timestamptz not null default now(),
    primary key (org_id, id),
    constraint ledger_transactions_source unique (org_id, source_provider, source_object, source_kind),
    unique (org_id, id, contract_id, contractor_org_id, currency),
    foreign key (org_id, contract_id, contractor_org_id) references contracts (org_id, id, contractor_org_id),
    foreign key (org_id, reverses) references ledger_transactions (org_id, id)
);
create index ledger_transactions_of_contract on ledger_transactions (contract_id, created_at, id);

create table ledger_entries (
    org_id uuid not null,
    transaction_id uuid not null,
    position smallint not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    account smallint not null references ledger_accounts (code),
    subject uuid,
    amount bigint not null check (amount <> 0),
    currency text not null,
    primary key (org_id, transaction_id, position),
    foreign key (org_id, transaction_id, contract_id, contractor_org_id, currency)
        references ledger_transactions (org_id, id, contract_id, contractor_org_id, currency)
);
create index ledger_entries_of_contract on ledger_entries (contract_id, account, subject);

-- One row per contract, account and subject (the contract itself where an account has none): locked while it changes, never one hot row.
create table ledger_balances (
    org_id uuid not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    account smallint not null references ledger_accounts (code),
    subject uuid not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    balance bigint not null,
    updated_at timestamptz not null default now(),
    primary key (org_id, contract_id, account, subject, currency),
    foreign key (org_id, contract_id, contractor_org_id) references contracts (org_id, id, contractor_org_id),
    -- I3: what we owe never turns into what we are owed.
    constraint ledger_balances_liability check (account not between 2000 and 2099 or balance <= 0)
);
create index ledger_balances_of_subject on ledger_balances (subject, account);
create index ledger_balances_of_contract on ledger_balances (contract_id, account);

create procedure app.protect_ledger(tbl regclass, commands text) language plpgsql
    as $$
begin
    execute format('alter table %s enable row level security', tbl);
    execute format('alter table %s force row level security', tbl);
    execute format('create policy party_select on %s for select to build14_app using (org_id = app.org() or contractor_org_id = app.org())', tbl);
    execute format('grant select on %s to build14_app', tbl);
    call app.open_to_system(tbl, commands);
end $$;
call app.protect_ledger('ledger_transactions', 'select, insert');
call app.protect_ledger('ledger_entries', 'select, insert');
call app.protect_ledger('ledger_balances', 'select, insert, update');
drop procedure app.protect_ledger;
create trigger ledger_transactions_stay before update or delete on ledger_transactions for each row execute function app.append_only();
create trigger ledger_entries_stay before update or delete on ledger_entries for each row execute function app.append_only();
create trigger ledger_transactions_never_emptied before truncate on ledger_transactions execute function app.append_only();
create trigger ledger_entries_never_emptied before truncate on ledger_entries execute function app.append_only();

-- I1: every transaction has entries and they sum to zero.
create function app.ledger_sums_to_zero() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    org uuid;
    tx uuid;
    parts bigint;
    total numeric;
begin
    org := new.org_id;
    tx := case tg_table_name when 'ledger_entries' then (to_jsonb(new) ->> 'transaction_id')::uuid else (to_jsonb(new) ->> 'id')::uuid end;
    select count(*), coalesce(sum(e.amount), 0) into parts, total
        from ledger_entries e where e.org_id = org and e.transaction_id = tx;
    if parts < 2 or total <> 0 then
        raise exception 'ledger transaction % has % entries that sum to %', tx, parts, total
            using errcode = 'check_violation', constraint = 'ledger_sums_to_zero';
    end if;
    return null;
end $$;
create constraint trigger ledger_entries_zero after insert on ledger_entries deferrable initially deferred for each row
    execute function app.ledger_sums_to_zero();
create constraint trigger ledger_transactions_zero after insert on ledger_transactions deferrable initially deferred for each row
    execute function app.ledger_sums_to_zero();

-- I5: the counting lines and the milestones of a contract each sum to its total.
create function app.contract_sums_agree() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    row_now jsonb := to_jsonb(coalesce(new, old));
    org uuid := (row_now ->> 'org_id')::uuid;
    contract uuid := (case tg_table_name when 'contracts' then row_now ->> 'id' else row_now ->> 'contract_id' end)::uuid;
    sum_wanted bigint;
    sum_lines numeric;
    sum_milestones numeric;
begin
    select c.total into sum_wanted from contracts c where c.org_id = org and c.id = contract;
    select coalesce(sum(l.amount), 0) into sum_lines from contract_lines l where l.org_id = org and l.contract_id = contract and l.counts;
    select coalesce(sum(m.amount), 0) into sum_milestones from milestones m where m.org_id = org and m.contract_id = contract;
    if sum_wanted is not null and (sum_lines <> sum_wanted or sum_milestones <> sum_wanted) then
        raise exception 'contract % is over %, but its lines sum to % and its milestones to %', contract, sum_wanted, sum_lines, sum_milestones
            using errcode = 'check_violation', constraint = 'contract_sums_agree';
    end if;
    return null;
end $$;
create constraint trigger contracts_sums after insert on contracts deferrable initially deferred for each row
    execute function app.contract_sums_agree();
create constraint trigger contract_lines_sums after insert on contract_lines deferrable initially deferred for each row
    execute function app.contract_sums_agree();
create constraint trigger milestones_sums after insert or delete on milestones deferrable initially deferred for each row
    execute function app.contract_sums_agree();

-- Writes a ledger transaction of one of the tenant's own contracts, once per source: a repetition gives back the first one's id.
-- entries: [{"account": 2000, "subject": "<uuid>" or null, "amount": -1000000}, …]
create function app.post_ledger(
    p_id uuid, p_contract uuid, p_kind text, p_provider text, p_object text, p_source_kind text, p_currency text, p_reverses uuid, p_entries jsonb,
    out posted uuid, out fresh boolean
) language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    c contracts%rowtype;
    known contracts.id%type;
    line record;
begin
    select * into c from contracts where org_id = app.org() and id = p_contract;
    if not found then
        raise exception 'the ledger of contract % is not the tenant''s to write', p_contract using errcode = 'insufficient_privilege';
    end if;
    insert into ledger_transactions (org_id, id, contract_id, contractor_org_id, kind, source_provider, source_object, source_kind, currency, reverses)
        values (c.org_id, p_id, c.id, c.contractor_org_id, p_kind, p_provider, p_object, p_source_kind, p_currency, p_reverses)
        on conflict on constraint ledger_transactions_source do nothing
        returning id into posted;
    fresh := found;
    if not fresh then
        select t.id, t.contract_id into posted, known from ledger_transactions t
            where t.org_id = c.org_id and t.source_provider = p_provider and t.source_object = p_object and t.source_kind = p_source_kind;
        if known is distinct from p_contract then
            raise exception 'source % % was posted to another contract', p_object, p_source_kind using errcode = 'integrity_constraint_violation';
        end if;
        return;
    end if;
    insert into ledger_entries (org_id, transaction_id, position, contract_id, contractor_org_id, account, subject, amount, currency)
        select c.org_id, posted, e.position, c.id, c.contractor_org_id,
               (e.entry ->> 'account')::smallint, (e.entry ->> 'subject')::uuid, (e.entry ->> 'amount')::bigint, p_currency
        from jsonb_array_elements(p_entries) with ordinality as e (entry, position);
    -- In one order for everyone, so that two postings never wait for each other in a circle. A row is there before it changes: what an
    -- upsert proposes would have to pass the CHECK by itself.
    for line in
        select e.account, coalesce(e.subject, c.id) as subject, sum(e.amount) as amount
        from ledger_entries e where e.org_id = c.org_id and e.transaction_id = posted
        group by 1, 2 order by 1, 2
    loop
        insert into ledger_balances (org_id, contract_id, contractor_org_id, account, subject, currency, balance)
            values (c.org_id, c.id, c.contractor_org_id, line.account, line.subject, p_currency, 0)
            on conflict (org_id, contract_id, account, subject, currency) do nothing;
        update ledger_balances b set balance = b.balance + line.amount, updated_at = now()
            where b.org_id = c.org_id and b.contract_id = c.id and b.account = line.account and b.subject = line.subject
              and b.currency = p_currency;
    end loop;
end $$;

-- E0, the platform's float, belongs to no contract: a ledger of its own, where a row is a whole double entry. It stands for the two postings
-- `1010 +amount · 3000 −amount`, which cannot but sum to zero. Once per source, positive, never changed, closed to tenants.
create table platform_float (
    id uuid primary key,
    source_provider text not null check (length(source_provider) between 1 and 50),
    source_object text not null check (source_object ~ '^[[:graph:]]{1,255}$'),
    amount bigint not null check (amount > 0),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz not null default now(),
    constraint platform_float_source unique (source_provider, source_object)
);
create trigger platform_float_stays before update or delete on platform_float for each row execute function app.append_only();
create trigger platform_float_never_emptied before truncate on platform_float execute function app.append_only();
alter table platform_float enable row level security;
alter table platform_float force row level security;
call app.open_to_system('platform_float', 'select, insert');

-- I7, currency by currency: what there is at the provider, what the platform added (E0), what is owed. Whoever asks sees what its policies
-- show: only to the platform's role are these the sums of all.
create function app.coverage() returns table (currency text, money numeric, floated numeric, owed numeric) language sql stable
    as $$
    select part.currency, sum(part.money), sum(part.floated), sum(part.owed)
    from (select b.currency, case when b.account < 2000 then b.balance else 0 end as money, 0 as floated,
                 case when b.account >= 2000 then -b.balance else 0 end as owed
          from ledger_balances b where b.account in (1000, 1010, 1020) or b.account between 2000 and 2099
          union all
          select f.currency, 0, f.amount, 0 from platform_float f) as part
    group by part.currency
$$;

-- What the sweep found when it last looked at I7. While the surplus is negative, new funding and new releases of the currency stand still.
create table platform_coverage (
    currency text primary key check (currency ~ '^[A-Z]{3}$'),
    surplus bigint not null,
    short_since timestamptz,
    checked_at timestamptz not null default now(),
    check ((surplus < 0) = (short_since is not null))
);
alter table platform_coverage enable row level security;
alter table platform_coverage force row level security;
call app.open_to_system('platform_coverage', 'select, insert, update');

-- All that a tenant learns of the platform's coverage: whether money of this currency stands still.
create function app.coverage_is_short(p_currency text) returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$ select exists (select from platform_coverage where currency = p_currency and surplus < 0) $$;

-- Whether the contractor of a contract can be paid, and where: told to the contract's parties only.
create function app.payee_of_contract(p_contract uuid, out account text, out status text)
    language sql stable security definer set search_path = public, pg_temp
    as $$
    select p.account, p.status
    from contracts c join payee_accounts p on p.org_id = c.contractor_org_id
    where c.id = p_contract and (c.org_id = app.org() or c.contractor_org_id = app.org())
$$;

-- C3 and K1 once both parties signed the document, whoever signed last: the event belongs to the owner's side, as the tender does.
create function app.activate_contract(p_contract uuid, p_event uuid, p_payload jsonb, p_request text) returns text
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    c contracts%rowtype;
begin
    select * into c from contracts where id = p_contract and (org_id = app.org() or contractor_org_id = app.org()) for update;
    if not found or c.status <> 'signing' then
        return 'not_signing';
    end if;
    if (select count(*) from contract_signatures s
        where s.org_id = c.org_id and s.contract_id = c.id and s.sha256 = c.document_sha256) < 2 then
        return 'waiting';
    end if;
    if not exists (select from payee_accounts p where p.org_id = c.contractor_org_id and p.status = 'active') then
        return 'payee_not_active';
    end if;
    update contracts set status = 'active', activated_at = now(), updated_at = now() where org_id = c.org_id and id = c.id;
    insert into escrow_accounts (org_id, contract_id, contractor_org_id, currency) values (c.org_id, c.id, c.contractor_org_id, c.currency);
    insert into outbox (id, org_id, kind, aggregate, payload, request_id)
        values (p_event, c.org_id, 'escrow.contract_activated', c.id, p_payload, p_request);
    notify outbox;
    return 'active';
end $$;
grant insert on outbox to build14_system;

grant create on schema app to build14_system;
alter function app.ledger_sums_to_zero owner to build14_system;
alter function app.contract_sums_agree owner to build14_system;
alter function app.post_ledger owner to build14_system;
alter function app.coverage_is_short owner to build14_system;
alter function app.payee_of_contract owner to build14_system;
alter function app.activate_contract owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.ledger_sums_to_zero, app.contract_sums_agree, app.post_ledger, app.payee_of_contract, app.activate_contract,
    app.coverage, app.coverage_is_short from public;
grant execute on function app.post_ledger, app.payee_of_contract, app.activate_contract, app.coverage_is_short to build14_app;
grant execute on function app.coverage to build14_system;
