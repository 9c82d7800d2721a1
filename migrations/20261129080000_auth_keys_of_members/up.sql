-- A key of a leaver that is kept has an administrator's rights. So those of whoever was a plain member when they left are revoked whatever the organisation
-- decided: nobody gains by leaving.
create function app.revoke_keys_of_member(p_org uuid, p_person uuid, p_at timestamptz) returns setof uuid
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if app.org() is null then
        if not app.is_platform() then
            raise exception 'only the platform revokes keys in nobody''s name' using errcode = 'insufficient_privilege';
        end if;
    elsif app.org() is distinct from p_org then
        raise exception 'only within the organisation itself' using errcode = 'insufficient_privilege';
    end if;
    if exists (select from memberships m where m.org_id = p_org and m.user_id = p_person) then
        return;
    end if;
    return query update api_keys k set revoked_at = p_at, revoked_for = 'leaver', updated_at = p_at
        where k.org_id = p_org and k.created_by = p_person and k.revoked_at is null returning k.id;
end $$;
grant create on schema app to build14_system;
alter function app.revoke_keys_of_member owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.revoke_keys_of_member from public;
grant execute on function app.revoke_keys_of_member to build14_app, build14_system;
