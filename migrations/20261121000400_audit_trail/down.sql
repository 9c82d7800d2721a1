drop function app.audit_verify(uuid);
drop table audit_entries cascade;
drop function app.audit_link(), app.audit_hash;
drop table audit_links, audit_heads;
