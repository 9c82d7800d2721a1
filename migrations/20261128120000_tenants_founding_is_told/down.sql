drop function app.found_organization(uuid, text, text, text, text);
create function app.found_organization(organization uuid, its_name text, its_slug text, its_kind text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if app.user_id() is null then
        raise exception 'only a person can found an organisation';
    end if;
    insert into organizations (org_id, name, slug, kind) values (organization, its_name, its_slug, its_kind);
    insert into memberships (org_id, user_id, role, granted_by, granter_role)
        values (organization, app.user_id(), 'owner', app.user_id(), 'founder');
end $$;
grant create on schema app to build14_system;
alter function app.found_organization(uuid, text, text, text) owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.found_organization(uuid, text, text, text) from public;
grant execute on function app.found_organization(uuid, text, text, text) to build14_app;
