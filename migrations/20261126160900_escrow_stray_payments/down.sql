drop policy owner_insert on payments;
create policy owner_insert on payments for insert to build14_app
    with check (org_id = app.org() and status = 'created' and intent is null and charge is null and balance_transaction is null
        and funded_at is null and created_by is not distinct from app.user_id());
