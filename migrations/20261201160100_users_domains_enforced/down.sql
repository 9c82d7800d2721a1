drop trigger organization_domains_enforced on organization_domains;
drop function app.keep_enforced_domain();
