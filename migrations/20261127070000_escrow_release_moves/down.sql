drop trigger milestones_held on milestones;
drop function app.milestone_is_held;
drop trigger releases_posted on releases;
drop function app.release_is_posted;
drop trigger payments_by_terms on payments;
drop function app.payment_by_terms;
drop function app.is_payees_account;
drop trigger releases_to_the_payee on releases;
create trigger releases_to_the_payee before update on releases for each row
    when (new.destination is distinct from old.destination and new.destination is not null
        and new.status in ('requested', 'approved', 'sending', 'unknown'))
    execute function app.release_goes_to_the_payee();
drop trigger releases_destination_stays on releases;
create trigger releases_destination_stays before update on releases for each row
    when (old.maybe_sent_at is not null and new.maybe_sent_at is not null and old.destination is distinct from new.destination)
    execute function app.destination_stays();
drop trigger releases_first_attempt_stays on releases;
drop trigger releases_end_stays on releases;
drop trigger releases_moves on releases;
drop function app.release_moves;
