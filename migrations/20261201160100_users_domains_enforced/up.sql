-- Trigger: an organisation whose people sign in by its own issuer alone gives up none of its proven domains, since with them nobody would have to any more.
-- Whether they have to is the owners' to say; whoever manages members gives domains up. The platform goes by what is published.
create function app.keep_enforced_domain() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if app.org() is not null
        and exists (select from sign_on_connections c where c.org_id = old.org_id and c.mode = 'enforced') then
        raise exception 'single sign-on is enforced for addresses of this domain'
            using errcode = 'check_violation', constraint = 'organization_domains_enforced', table = 'organization_domains';
    end if;
    return old;
end $$;
grant create on schema app to build14_system;
alter function app.keep_enforced_domain owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.keep_enforced_domain from public;
create trigger organization_domains_enforced before delete on organization_domains
    for each row when (old.proven_at is not null) execute function app.keep_enforced_domain();
