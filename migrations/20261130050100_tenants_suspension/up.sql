-- The platform suspends an organisation: nobody acts in it until it is resumed. Only the platform writes it. And where the organisation's logo is.
alter table organizations add column suspended_at timestamptz;
alter table organizations add column suspended_for text;
alter table organizations add column logo_url text;
alter table organizations add constraint organizations_suspended_for_a_reason
    check ((suspended_at is null) = (suspended_for is null) and length(suspended_for) between 1 and 1000) not valid;
alter table organizations add constraint organizations_logo_by_https
    check (logo_url like 'https://%' and length(logo_url) <= 2000) not valid;
grant update (logo_url) on organizations to build14_app;

-- Every server looks anew at the sessions and keys of the organisation.
create trigger organizations_tell_suspension after update of suspended_at on organizations
    for each row when (old.suspended_at is distinct from new.suspended_at)
    execute function app.organization_tells_sessions();
