drop trigger organizations_tell_mfa_policy on organizations;
alter table organizations drop constraint organizations_mfa_policy_named, drop column mfa_policy;
