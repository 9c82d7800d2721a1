-- An identity that its person unlinked stays, as one that leads nowhere: without, the next sign-in at its provider would link it again by its address.
-- Only whoever is signed in takes it up again, as another row. It goes with the account.
alter table identities add column unlinked_at timestamptz;
create trigger identities_stay_unlinked before update on identities for each row when (old.unlinked_at is not null)
    execute function app.keep('unlinked_at', 'last_used_at');
