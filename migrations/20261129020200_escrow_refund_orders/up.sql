-- Who asks for a refund is kept before the provider is asked, whose event may be faster than its answer (decision 52). One command at a time: whoever
-- comes meanwhile is told so. For the platform alone.
create table refund_orders (
    org_id uuid not null,
    id uuid not null,
    payment_id uuid not null,
    operator text not null check (length(operator) between 1 and 200),
    reason text check (length(reason) between 1 and 1000),
    begun_at timestamptz not null,
    -- Right before the provider was asked; null if nothing was left to ask for.
    asked_at timestamptz check (asked_at >= begun_at),
    -- When the command ended, however it did; of one that died, when the next one took its place.
    ended_at timestamptz check (ended_at >= begun_at),
    primary key (org_id, id),
    foreign key (org_id, payment_id) references payments (org_id, id)
);
create unique index refund_orders_under_way on refund_orders (org_id, payment_id) where ended_at is null;
create index refund_orders_asked on refund_orders (org_id, payment_id, asked_at) where asked_at is not null;
create trigger refund_orders_keep before update on refund_orders for each row
    execute function app.keep('org_id', 'id', 'payment_id', 'operator', 'reason', 'begun_at');
create trigger refund_orders_asked_stays before update on refund_orders for each row when (old.asked_at is not null)
    execute function app.keep('asked_at');
create trigger refund_orders_ended_stay before update on refund_orders for each row when (old.ended_at is not null)
    execute function app.append_only();
create trigger refund_orders_stay before delete on refund_orders for each row execute function app.append_only();
create trigger refund_orders_never_emptied before truncate on refund_orders execute function app.append_only();
alter table refund_orders enable row level security;
alter table refund_orders force row level security;
call app.open_to_system('refund_orders', 'select, insert, update');
