drop function app.sign_contract;
revoke insert on contract_signatures from build14_system;
create policy party_signs on contract_signatures for insert to build14_app with check (user_id = app.user_id()
    and exists (select from memberships m where m.org_id = app.org() and m.user_id = contract_signatures.user_id)
    and ((party = 'owner' and org_id = app.org()) or (party = 'contractor' and contractor_org_id = app.org())));
grant insert on contract_signatures to build14_app;
