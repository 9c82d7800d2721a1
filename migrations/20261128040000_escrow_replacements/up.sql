-- A transfer by which a payee was paid what had come back can come back itself. It is kept with its release and looked at like the first one;
-- what comes back of it is unsettled again, and stops its contract as before (docs/domain/money.md).
create table release_replacements (
    org_id uuid not null,
    release_id uuid not null,
    transfer text not null check (length(transfer) between 1 and 255),
    amount bigint not null check (amount > 0),
    reversed bigint not null default 0,
    made_at timestamptz not null default now(),
    look_at timestamptz,
    primary key (org_id, release_id, transfer),
    constraint release_replacements_transfer unique (org_id, transfer),
    constraint release_replacements_reversed check (reversed between 0 and amount),
    foreign key (org_id, release_id) references releases (org_id, id)
);
-- Those that were made before: read by the owner, whatever policies it has.
alter table ledger_transactions no force row level security;
alter table ledger_entries no force row level security;
insert into release_replacements (org_id, release_id, transfer, amount, made_at)
    select t.org_id, e.subject, t.source_object, e.amount, t.created_at
    from ledger_transactions t join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id
    where t.kind = 'reversal_paid_again' and t.source_provider = 'stripe' and e.account = 2090;
alter table ledger_transactions force row level security;
alter table ledger_entries force row level security;
call app.protect('release_replacements');
call app.open_to_system('release_replacements', 'select');
grant select, insert on release_replacements to build14_app;
grant update (reversed, look_at) on release_replacements to build14_app;
-- Whose transfer it is that an event names, and those whose look is due.
create index release_replacements_by_transfer on release_replacements (transfer);
create index release_replacements_to_look on release_replacements (look_at nulls first, made_at) where reversed < amount;
create trigger release_replacements_keep before update on release_replacements
    for each row execute function app.keep('org_id', 'release_id', 'transfer', 'amount', 'made_at');

-- At commit: it is posted over what it says, and so is what came back of it.
create function app.replacement_is_posted() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    r release_replacements%rowtype;
begin
    select * into r from release_replacements x where x.org_id = new.org_id and x.release_id = new.release_id and x.transfer = new.transfer;
    if not exists (select from ledger_transactions t join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id
            where t.org_id = r.org_id and t.kind = 'reversal_paid_again' and t.source_object = r.transfer
                and e.account = 2090 and e.subject = r.release_id and e.amount = r.amount)
        or r.reversed > 0 and not exists (
            select from ledger_transactions t join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id
            where t.org_id = r.org_id and t.kind = 'transfer_reversed' and t.source_object = r.transfer
                and t.source_kind = 'reversed:' || r.reversed and e.account = 2090 and e.subject = r.release_id) then
        raise exception 'transfer % over % of release %, of which % came back, is not what the ledger says', r.transfer, r.amount, r.release_id,
            r.reversed using errcode = 'check_violation', constraint = 'release_replacements_posted';
    end if;
    return null;
end $$;
create constraint trigger release_replacements_posted after insert or update of reversed on release_replacements
    deferrable initially deferred for each row execute function app.replacement_is_posted();

-- At commit: what of a release waits for a person in the ledger is what came back and is not settled.
create function app.release_waits() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    r releases%rowtype;
    waits bigint;
begin
    select * into r from releases x where x.org_id = new.org_id and x.id = new.id;
    select b.balance into waits from ledger_balances b where b.org_id = r.org_id and b.contract_id = r.contract_id and b.account = 2090
        and b.subject = r.id and b.currency = r.currency;
    if r.reversed - r.reversal_settled <> coalesce(-waits, 0) then
        raise exception '% of release % came back and % of it is settled, yet % waits in the ledger', r.reversed, r.id, r.reversal_settled,
            coalesce(-waits, 0) using errcode = 'check_violation', constraint = 'releases_waiting';
    end if;
    return null;
end $$;
create constraint trigger releases_waiting after update of reversed, reversal_settled on releases
    deferrable initially deferred for each row execute function app.release_waits();

grant create on schema app to build14_system;
alter function app.replacement_is_posted owner to build14_system;
alter function app.release_waits owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.replacement_is_posted, app.release_waits from public;
