create or replace function app.restore_directory_member(p_org uuid, p_id uuid) returns uuid
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    v_person uuid;
begin
    if p_org is distinct from app.org() then
        raise exception 'only within the organisation itself' using errcode = 'insufficient_privilege';
    end if;
    select d.person into v_person from directory_users d
        where d.org_id = p_org and d.id = p_id and d.active and d.ended_at is not null for update;
    if v_person is null then
        return null;
    end if;
    perform from users u where u.id = v_person and u.removed_at is null for key share;
    if not found then
        -- The account is gone, and with it whom the record meant.
        update directory_users d set person = null, ended_at = null where d.org_id = p_org and d.id = p_id;
        return null;
    end if;
    insert into memberships (org_id, user_id, role, granted_by, granter_role)
        values (p_org, v_person, 'member', app.user_id(),
            coalesce((select m.role from memberships m where m.org_id = p_org and m.user_id = app.user_id()), 'unknown'))
        on conflict do nothing;
    if found then
        return v_person;
    end if;
    update directory_users d set ended_at = null where d.org_id = p_org and d.id = p_id;
    return null;
end $$;
