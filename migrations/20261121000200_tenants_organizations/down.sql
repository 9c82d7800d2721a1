drop function app.person_for_email(uuid, text, text, text);
drop function app.found_organization(uuid, text, text, text);
drop function app.organization_card(uuid);
drop policy colleagues on users;
drop table approvals, memberships, organizations;
drop function app.keep_an_owner(), app.memberships_of_the_living();
