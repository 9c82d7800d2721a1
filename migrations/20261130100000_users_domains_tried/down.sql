alter table organization_domains drop column tried_at;
