-- What was there before keeps the rule as well.
alter table organizations validate constraint organizations_mfa_policy_named;
