-- A token of support that was found in public ends its session, and that is said.
alter table support_sessions drop constraint support_sessions_ended_for_check;
alter table support_sessions add constraint support_sessions_ended_for_known
    check (ended_for in ('over', 'revoked', 'operator', 'leaving', 'leak')) not valid;
