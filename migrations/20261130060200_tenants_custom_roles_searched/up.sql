-- Nobody puts a temporary table before ours. And whoever is no member is refused as one who may not, as of any row of another tenant.
alter function app.note_custom_grant() set search_path = public, pg_temp;
create or replace function app.give_custom_role_to_members() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
begin
    if not exists (select from memberships m where m.org_id = new.org_id and m.user_id = new.user_id) then
        raise exception 'only a member of the organisation is given its roles' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
