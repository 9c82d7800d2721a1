-- As before; whose member is asked about is told (decision 34). It is answered about the organisation itself alone.
drop function app.is_registered(uuid);
create function app.is_registered(p_org uuid, person uuid) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
begin
    if app.org() is distinct from p_org or not exists (select from memberships m where m.org_id = p_org and m.user_id = person) then
        raise exception 'only about members of the organisation itself' using errcode = 'insufficient_privilege';
    end if;
    return exists (select from credentials where user_id = person);
end $$;
grant create on schema app to build14_system;
alter function app.is_registered(uuid, uuid) owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.is_registered(uuid, uuid) from public;
grant execute on function app.is_registered(uuid, uuid) to build14_app;
