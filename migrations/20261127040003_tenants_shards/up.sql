-- Tenants' own tables keep no foreign key into identity, which stays on the coordinator (decision 34). Row-level security lets nobody write an
-- approval of another organisation than the transaction's, and organisations are never deleted.
alter table approvals drop constraint approvals_org_id_fkey;

-- As before, in plpgsql.
create or replace function app.organization_card(organization uuid)
    returns table (org_id uuid, name text, slug text, kind text, created_at timestamptz, updated_at timestamptz)
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
#variable_conflict use_column
begin
    return query select o.org_id, o.name, o.slug, o.kind, o.created_at, o.updated_at from organizations o where o.org_id = organization;
end $$;

comment on table organizations is 'On a distributed engine on the coordinator, with users, memberships and sessions: nothing distributed refers to it.';
comment on table users is 'On a distributed engine on the coordinator, with organizations, memberships and sessions: nothing distributed refers to it.';
