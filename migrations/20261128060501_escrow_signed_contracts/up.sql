-- A contract is signed by a function of the platform: for the side that the transaction's organisation is, by its person, who is a member of it
-- (decision 34). A policy asked for the membership, which stands elsewhere than the contract.
create function app.sign_contract(p_org uuid, p_contract uuid, p_sha256 text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    c record;
begin
    select x.contractor_org_id into c from contracts x
        where x.org_id = p_org and x.id = p_contract and app.org() in (x.org_id, x.contractor_org_id);
    if not found or app.user_id() is null then
        raise exception 'contract % is not of this organisation, or nobody signs', p_contract using errcode = 'insufficient_privilege';
    end if;
    perform app.check_actor();
    insert into contract_signatures (org_id, contract_id, contractor_org_id, party, user_id, sha256)
        values (p_org, p_contract, c.contractor_org_id, case when app.org() = p_org then 'owner' else 'contractor' end, app.user_id(), p_sha256);
end $$;
revoke insert on contract_signatures from build14_app;
drop policy party_signs on contract_signatures;
grant insert on contract_signatures to build14_system;

grant create on schema app to build14_system;
alter function app.sign_contract owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.sign_contract from public;
grant execute on function app.sign_contract to build14_app;
