create or replace function app.give_custom_role_to_members() returns trigger language plpgsql
    as $$
begin
    if not exists (select from memberships m where m.org_id = new.org_id and m.user_id = new.user_id) then
        raise exception 'only a member of the organisation is given its roles' using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
alter function app.note_custom_grant() reset search_path;
