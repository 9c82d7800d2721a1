drop function app.is_registered(uuid, uuid);
CREATE OR REPLACE FUNCTION app.is_registered(person uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
    if not exists (select from memberships where org_id = app.org() and user_id = person) then
        raise exception 'only about members of the organisation itself';
    end if;
    return exists (select from credentials where user_id = person);
end $function$

;
grant create on schema app to build14_system;
alter function app.is_registered(uuid) owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.is_registered(uuid) from public;
grant execute on function app.is_registered(uuid) to build14_app;
