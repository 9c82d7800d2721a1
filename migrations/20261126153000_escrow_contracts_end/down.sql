drop function app.end_completed_tender;
drop function app.refuse_award;
drop function app.audit_for_bidder;
drop index awards_unsigned;
revoke update (sign_by) on awards from build14_app;
alter table awards drop column sign_by;
drop function app.audit_other_party;
drop function app.end_contract;
revoke update on milestones, escrow_accounts from build14_system;
-- Columns are revoked with their table: those that holds need are given again.
grant update (frozen, updated_at) on milestones to build14_system;
drop table contract_terminations;
create or replace function app.guard_tender() returns trigger language plpgsql
    as $$
declare
    step text := old.status || '>' || new.status;
begin
    if old.status = 'draft' and new.status = 'draft' then
        return new;
    end if;
    if old.status <> new.status then
        if step not in ('draft>published', 'draft>cancelled', 'published>cancelled', 'closed>cancelled', 'evaluation>standstill',
                        'evaluation>unsuccessful', 'evaluation>cancelled', 'standstill>cancelled', 'standstill>evaluation')
           and not (current_user = 'build14_system' and step in
                        ('published>closed', 'published>unsuccessful', 'closed>evaluation', 'standstill>complete')) then
            raise exception 'a tender does not go from % to % here', old.status, new.status
                using errcode = 'integrity_constraint_violation';
        end if;
        if step = 'draft>published' and new.submission_deadline <= app.now() then
            raise exception 'a tender is published before its deadline' using errcode = 'integrity_constraint_violation';
        end if;
    end if;
    if old.status <> 'draft' then
        if new.submission_deadline <> old.submission_deadline and (old.status <> 'published' or new.status <> 'published'
            or new.submission_deadline < old.submission_deadline or app.now() >= old.submission_deadline) then
            raise exception 'the deadline only moves later, and only before it has passed'
                using errcode = 'integrity_constraint_violation';
        end if;
        if (old.project_id, old.soq_id, old.soq_version, old.procurement_method, old.currency, old.min_bids, old.published_at)
            is distinct from
           (new.project_id, new.soq_id, new.soq_version, new.procurement_method, new.currency, new.min_bids, new.published_at) then
            raise exception 'what a tender asks for does not change after publication' using errcode = 'integrity_constraint_violation';
        end if;
    end if;
    return new;
end $$;
