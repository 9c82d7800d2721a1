CREATE OR REPLACE FUNCTION app.organization_card(organization uuid)
 returns TABLE(org_id uuid, name text, slug text, kind text, created_at timestamp with time zone, updated_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$ select o.org_id, o.name, o.slug, o.kind, o.created_at, o.updated_at from organizations o where o.org_id = organization $function$;

alter table approvals add constraint approvals_org_id_fkey foreign key (org_id) references organizations;
comment on table organizations is null;
comment on table users is null;
