-- From which tables whoever serves may delete, and which verb does it: said where the rows are chosen. Everywhere else rows stay, or the platform removes
-- them. To lock a row takes an update of a column, never this.
comment on policy tenant_delete on memberships is 'a member is removed, or leaves; the last owner stays (memberships_last_owner)';
comment on policy tenant_delete on member_custom_roles is 'a custom role is taken from a member, and every one from who leaves';
comment on policy tenant_delete on custom_roles is 'a custom role that nobody has is removed (member_custom_roles_in_use)';
comment on policy tenant_delete on custom_role_permissions is 'a permission is taken out of a custom role';
comment on policy tenant_delete on organization_domains is 'a domain is given up';
comment on policy tenant_delete on directory_users is 'a directory forgets somebody, and an organisation that leaves its directory';
comment on policy tenant_delete on directory_groups is 'a directory removes a group, and an organisation that leaves its directory';
comment on policy tenant_delete on directory_group_members is 'somebody is taken out of a group of the directory';
comment on policy tenant_delete on projects is 'a project that was never tendered is removed (projects_tendered_stay)';
comment on policy tenant_delete on project_members is 'somebody is taken out of a team, and of all teams when they leave';
comment on policy tenant_delete on soqs is 'a draft of a schedule of quantities is removed (soqs_frozen_stay)';
comment on policy tenant_delete on soq_lines is 'the lines of a draft are written anew (soq_lines_frozen_delete)';
comment on policy owner_delete on tenders is 'a draft of a tender is removed';
comment on policy draft_delete on tender_milestones is 'the milestones of a draft are written anew (leave_a_draft)';
