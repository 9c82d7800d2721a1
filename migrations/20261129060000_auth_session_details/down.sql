drop trigger sessions_keep on sessions;
create trigger sessions_keep before update on sessions
    for each row execute function app.keep('token_hash', 'id', 'user_id', 'org_id', 'created_at', 'expires_at');
drop index sessions_of_organization;
alter table sessions
    drop constraint sessions_device_short,
    drop constraint sessions_address_short,
    drop constraint sessions_method_check,
    drop constraint sessions_authenticated_before_end,
    drop column device,
    drop column address,
    drop column last_seen_at,
    drop column authenticated_at,
    drop column sign_in_id,
    drop column method;
