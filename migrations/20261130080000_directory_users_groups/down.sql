drop trigger memberships_meet_directory on memberships;
drop trigger memberships_let_in on memberships;
drop function app.restore_directory_member, app.note_directory_end, app.memberships_meet_directory, app.memberships_let_in;
drop table directory_group_members, directory_groups, directory_users;
