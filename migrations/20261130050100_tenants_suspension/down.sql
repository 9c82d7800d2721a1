drop trigger organizations_tell_suspension on organizations;
alter table organizations
    drop constraint organizations_suspended_for_a_reason,
    drop constraint organizations_logo_by_https,
    drop column suspended_at,
    drop column suspended_for,
    drop column logo_url;
