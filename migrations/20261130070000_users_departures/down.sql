create or replace trigger organizations_keep before update on organizations
    for each row execute function app.keep('org_id', 'slug', 'created_at');
revoke delete on member_invitations, invitation_links from build14_system;
drop table departures;
