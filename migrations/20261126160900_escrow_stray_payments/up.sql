-- A payment begins at its beginning; or as what it was found to be: an intent beside its milestone's own, which can bring nothing but suspense.
drop policy owner_insert on payments;
create policy owner_insert on payments for insert to build14_app
    with check (org_id = app.org() and charge is null and balance_transaction is null and funded_at is null
        and created_by is not distinct from app.user_id()
        and ((status = 'created' and intent is null) or (status = 'failed' and intent is not null)));
