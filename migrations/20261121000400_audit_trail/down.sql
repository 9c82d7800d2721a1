drop function app.audit_verify(uuid);
drop trigger audit_entries_link on audit_entries;
drop function app.audit_link();
drop function app.audit_hash(audit_entries, bytea);
drop table audit_entries, audit_links, audit_heads;
