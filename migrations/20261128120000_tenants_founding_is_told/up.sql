-- To be founded is an entry in one's own trail, also of an organisation that somebody founds besides the one they are in: no trail is empty.
drop function app.found_organization(uuid, text, text, text);
create function app.found_organization(organization uuid, its_name text, its_slug text, its_kind text, p_request text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if app.user_id() is null then
        raise exception 'only a person can found an organisation';
    end if;
    insert into organizations (org_id, name, slug, kind) values (organization, its_name, its_slug, its_kind);
    insert into memberships (org_id, user_id, role, granted_by, granter_role)
        values (organization, app.user_id(), 'owner', app.user_id(), 'founder');
    insert into audit_entries (org_id, id, actor_id, action, entity_type, entity_id, request_id, after)
        values (organization, gen_random_uuid(), app.user_id(), 'organizations.create', 'organization', organization, p_request,
            jsonb_build_object('id', organization, 'name', its_name, 'slug', its_slug, 'kind', its_kind));
end $$;
grant create on schema app to build14_system;
alter function app.found_organization(uuid, text, text, text, text) owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.found_organization(uuid, text, text, text, text) from public;
grant execute on function app.found_organization(uuid, text, text, text, text) to build14_app;

-- Those that were founded like this and not entered since.
alter table audit_entries no force row level security;
alter table audit_heads no force row level security;
alter table organizations no force row level security;
alter table memberships no force row level security;
insert into audit_entries (org_id, id, actor_id, action, entity_type, entity_id, request_id, after)
    select o.org_id, gen_random_uuid(), (select m.user_id from memberships m where m.org_id = o.org_id and m.granter_role = 'founder' limit 1),
        'organizations.create', 'organization', o.org_id, 'migration',
        jsonb_build_object('id', o.org_id, 'name', o.name, 'slug', o.slug, 'kind', o.kind)
    from organizations o where not exists (select from audit_heads h where h.org_id = o.org_id);
-- The links are made here, not at the commit, before which no table is altered.
set constraints all immediate;
alter table memberships force row level security;
alter table organizations force row level security;
alter table audit_heads force row level security;
alter table audit_entries force row level security;
