//! What the doctor asks: every invariant of the ledger (docs/domain/money.md) and every state that would need a person, across all tenants.

use db::prelude::*;
use escrow_api::Finding;
use kernel::{Fault, Money};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    subject: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

/// An instant as people are told it everywhere: RFC 3339, UTC, to the second.
macro_rules! at {
    ($instant:literal) => {
        concat!("to_char(", $instant, " at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
    };
}

/// An amount that [`amounts`] writes as people do.
macro_rules! money {
    ($minor:literal, $currency:literal) => {
        concat!("'[[' || (", $minor, ")::bigint || ' ' || ", $currency, " || ']]'")
    };
}

/// Everything that is looked at: the names of [`CHECKS`], and how long money is held, which the service asks for.
pub(crate) const RULES: &[&str] = &[
    "LEDGER_UNBALANCED",
    "LEDGER_BALANCE_WRONG",
    "MONEY_STATE_MISMATCH",
    "CONTRACT_SUM_WRONG",
    "PROVIDER_OBJECT_UNPOSTED",
    "COVERAGE_SHORT",
    "COVERAGE_STALE",
    "BALANCE_SHORT",
    "BALANCE_UNREAD",
    "PAYMENT_IN_SUSPENSE",
    "PAYMENT_STUCK",
    "RELEASE_STUCK",
    "HOLD",
    "HOLD_LEFT",
    "TRANSFER_REVERSED",
    "CONTRACT_WITHOUT_ACCOUNT",
    "MONEY_HELD_LONG",
    "MONEY_HELD_TOO_LONG",
];

/// Each query yields what is wrong: nothing, in a healthy database.
const CHECKS: &[(&str, &str)] = &[
    (
        "LEDGER_UNBALANCED",
        concat!(
            "select t.id::text as subject, format('%s has %s entries that sum to %s', t.kind, count(e.amount), ",
            money!("coalesce(sum(e.amount), 0)", "coalesce(min(e.currency), '')"),
            ") as detail
         from ledger_transactions t left join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id
         group by t.org_id, t.id, t.kind having coalesce(sum(e.amount), 0) <> 0 or count(e.amount) < 2",
        ),
    ),
    (
        "LEDGER_BALANCE_WRONG",
        concat!(
            "select contract_id::text as subject, format('account %s of %s stands at %s, its entries sum to %s', account, s, ",
            money!("max(balance)", "currency"),
            ", ",
            money!("max(total)", "currency"),
            ") as detail
         from (select contract_id, account, subject as s, currency, balance, 0::numeric as total from ledger_balances
               union all
               select contract_id, account, coalesce(subject, contract_id), currency, 0, sum(amount) from ledger_entries group by 1, 2, 3, 4) as compared
         group by contract_id, account, s, currency having sum(balance) <> sum(total)
         union all
         select contract_id::text, format('liability %s of %s has a debit balance of %s', account, subject, ",
            money!("balance", "currency"),
            ")
         from ledger_balances where account between 2000 and 2099 and balance > 0",
        ),
    ),
    (
        "MONEY_STATE_MISMATCH",
        concat!(
            "select r.id::text as subject, format('release is %s, but %s of its %s is reserved', r.status, ",
            money!("coalesce(-sum(b.balance), 0)", "r.currency"),
            ", ",
            money!("r.gross", "r.currency"),
            ") as detail
         from releases r left join ledger_balances b on b.org_id = r.org_id and b.contract_id = r.contract_id and b.subject = r.id and b.account in (2020, 2050)
         group by r.org_id, r.id, r.status, r.gross, r.currency
         having coalesce(-sum(b.balance), 0) <> case when r.status in ('requested', 'approved', 'sending', 'unknown') then r.gross else 0 end
         union all
         select r.id::text, format('%s of what came back is not settled, but %s waits in suspense', ",
            money!("r.reversed - r.reversal_settled", "r.currency"),
            ", ",
            money!("coalesce(-b.balance, 0)", "r.currency"),
            ")
         from releases r left join ledger_balances b on b.org_id = r.org_id and b.contract_id = r.contract_id and b.subject = r.id and b.account = 2090
         where r.reversed - r.reversal_settled <> coalesce(-b.balance, 0)
         union all
         select m.id::text, format('milestone is %s, but %s is held', m.status, ",
            money!("coalesce(-b.balance, 0)", "m.currency"),
            ")
         from milestones m left join ledger_balances b on b.org_id = m.org_id and b.contract_id = m.contract_id and b.subject = m.id and b.account = 2000
         where (m.status in ('planned', 'released', 'cancelled', 'refunded') and coalesce(b.balance, 0) <> 0)
            or (m.status in ('funded', 'in_review', 'escalated') and coalesce(b.balance, 0) >= 0)",
        ),
    ),
    (
        "CONTRACT_SUM_WRONG",
        concat!(
            "select m.id::text as subject, format('%s was funded for a milestone of %s', ",
            money!("-sum(e.amount)", "m.currency"),
            ", ",
            money!("m.amount", "m.currency"),
            ") as detail
         from milestones m
         join ledger_entries e on e.org_id = m.org_id and e.contract_id = m.contract_id and e.subject = m.id and e.account = 2000
         join ledger_transactions t on t.org_id = e.org_id and t.id = e.transaction_id and t.kind = 'payment_received'
         group by m.org_id, m.id, m.amount, m.currency having -sum(e.amount) > m.amount
         union all
         select c.id::text, format('contract of %s has milestones of %s', ",
            money!("c.total", "c.currency"),
            ", ",
            money!("coalesce(sum(m.amount), 0)", "c.currency"),
            ")
         from contracts c left join milestones m on m.org_id = c.org_id and m.contract_id = c.id
         group by c.org_id, c.id, c.total, c.currency having coalesce(sum(m.amount), 0) <> c.total",
        ),
    ),
    (
        "PROVIDER_OBJECT_UNPOSTED",
        "select r.id::text as subject, format('release is %s with transfer %s, but the ledger has %s such transfers', r.status, coalesce(r.transfer, 'none'), count(t.id)) as detail
         from releases r left join ledger_transactions t
           on t.org_id = r.org_id and t.kind = 'release_sent' and t.source_provider = 'stripe' and t.source_object = r.transfer
         group by r.org_id, r.id, r.status, r.transfer having count(t.id) <> case when r.status in ('sent', 'part_reversed', 'reversed') then 1 else 0 end
         union all
         select p.id::text, format('payment is %s with charge %s, but the ledger has %s such charges', p.status, coalesce(p.charge, 'none'), count(t.id))
         from payments p left join ledger_transactions t
           on t.org_id = p.org_id and t.kind in ('payment_received', 'payment_in_suspense') and t.source_provider = 'stripe' and t.source_object = p.charge
         group by p.org_id, p.id, p.status, p.charge
         having count(t.id) <> case when p.status in ('succeeded', 'available', 'suspense') then 1 else 0 end
         union all
         select t.id::text, format('transfer %s paid a payee again, and nobody looks at it', t.source_object) from ledger_transactions t
         where t.kind = 'reversal_paid_again'
           and not exists (select from release_replacements p where p.org_id = t.org_id and p.transfer = t.source_object)
         union all
         select t.id::text, format('%s (%s) is posted here, but was taken for another posting, or for none', t.source_object, t.source_kind)
         from ledger_transactions t where t.source_provider <> '14build' and not exists (select from posted_objects o
             where o.provider = t.source_provider and o.object = t.source_object and o.kind = t.source_kind and o.transaction_id = t.id)",
    ),
    (
        "COVERAGE_SHORT",
        concat!(
            "select c.currency as subject, format('money of %s and a float of %s do not cover liabilities of %s, %s are missing: %s, %s', ",
            money!("c.money", "c.currency"),
            ", ",
            money!("c.floated", "c.currency"),
            ", ",
            money!("c.owed", "c.currency"),
            ", ",
            money!("c.owed - c.money - c.floated", "c.currency"),
            ",
             case when c.owed - c.money - c.floated > coalesce(r.amount, 0) then 'new funding is stopped'
                  else format('within the reserve of %s, nothing is stopped', ",
            money!("r.amount", "c.currency"),
            ") end,
             (select case count(*) when 1 then '1 release waits' else count(*) || ' releases wait' end
              from releases r where r.currency = c.currency and r.status = 'sending' and r.maybe_sent_at is null)) as detail
         from app.coverage() c left join platform_reserves r using (currency) where c.money + c.floated < c.owed order by c.currency",
        ),
    ),
    (
        "COVERAGE_STALE",
        concat!(
            "select k.currency as subject, format('covered, yet stopped since %s: the sweep looked last at %s', ",
            at!("k.short_since"),
            ", ",
            at!("k.checked_at"),
            ") as detail
         from platform_coverage k join app.coverage() c using (currency)
         left join platform_reserves r using (currency)
         where k.surplus + coalesce(r.amount, 0) < 0 and c.money + c.floated >= c.owed and k.checked_at < now() - interval '10 minutes'",
        ),
    ),
    (
        "BALANCE_SHORT",
        concat!(
            "select currency as subject, format('Stripe held %s while the books said %s, since %s, asked last at %s: funding and releases are stopped', ",
            money!("provider_holds", "currency"),
            ", ",
            money!("provider_should", "currency"),
            ", ",
            at!("balance_short_since"),
            ", ",
            at!("balance_asked_at"),
            ") as detail
         from platform_coverage where balance_short_since is not null order by currency",
        ),
    ),
    (
        "BALANCE_UNREAD",
        concat!(
            "select 'stripe' as subject, format('the balance could not be read %s times in a row, since %s: %s', failures, ",
            at!("failing_since"),
            ", last_error) as detail
         from platform_balance_looks where failures >= 5",
        ),
    ),
    (
        "PAYMENT_IN_SUSPENSE",
        concat!(
            "select p.id::text as subject, format('intent %s was paid otherwise than asked: %s of it wait, `build14 suspense-refund` gives it back', p.intent, ",
            money!("coalesce(-s.amount, 0)", "coalesce(s.currency, p.currency)"),
            ") as detail
         from payments p left join lateral (
             select sum(e.amount) as amount, min(e.currency) as currency from ledger_transactions t
             join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id
             where t.org_id = p.org_id and e.account = 2090
               and (t.kind = 'payment_in_suspense' and t.source_object = p.charge
                    or t.reverses = (select k.id from ledger_transactions k
                        where k.org_id = p.org_id and k.kind = 'payment_in_suspense' and k.source_object = p.charge))) s on true
         where p.status = 'suspense' and s.amount is distinct from 0",
        ),
    ),
    (
        "PAYMENT_STUCK",
        concat!(
            "select id::text as subject, format('payment is %s, was seen last at %s and was to be looked at by %s', status, ",
            at!("coalesce(looked_at, created_at)"),
            ", ",
            at!("next_poll_at"),
            ") as detail
         from payments where status in ('created', 'requires_action', 'processing', 'succeeded')
           and (next_poll_at < now() - interval '1 hour' or coalesce(looked_at, created_at) < now() - interval '1 day')",
        ),
    ),
    (
        "RELEASE_STUCK",
        concat!(
            "select id::text as subject, format('release is %s, on its way since %s, after %s: %s', status, ",
            at!("sending_since"),
            ", case attempts when 1 then '1 attempt' else attempts || ' attempts' end, coalesce(last_error, 'no error')) as detail
         from releases where status in ('sending', 'unknown') and sending_since < now() - interval '1 hour'
           and (maybe_sent_at is not null or not exists (select from milestones m where m.org_id = releases.org_id and m.id = releases.milestone_id and m.frozen))",
        ),
    ),
    (
        "HOLD",
        "select m.id::text as subject, format('milestone is %s, but %s it', case when m.frozen then 'frozen' else 'not frozen' end,
             case count(h.id) when 1 then '1 open hold covers' else count(h.id) || ' open holds cover' end) as detail
         from milestones m left join holds h
           on h.org_id = m.org_id and h.contract_id = m.contract_id and (h.milestone_id is null or h.milestone_id = m.id) and h.lifted_at is null
         group by m.org_id, m.id, m.frozen having m.frozen <> (count(h.id) > 0)",
    ),
    (
        "HOLD_LEFT",
        concat!(
            "select coalesce(h.milestone_id, h.contract_id)::text as subject, format('%s since %s, for more than a day, and no alarm tells of it: %s. `build14 unfreeze` lets its money move again',
                 case when h.milestone_id is null then 'contract is frozen' else 'milestone is frozen' end, ",
            at!("h.placed_at"),
            ", h.reason) as detail
         from holds h where h.lifted_at is null and h.placed_at < now() - interval '1 day'
           and not exists (select from alarms a where a.settled_at is null and a.object_id = h.object and h.object <> '')
         order by h.placed_at, h.id",
        ),
    ),
    (
        "TRANSFER_REVERSED",
        concat!(
            "select r.id::text as subject, format('%s of %s of transfer %s came back%s, %s of it is settled: funding and releases of contract %s are stopped until `build14 reversal-settle`', ",
            money!("r.reversed", "r.currency"),
            ", ",
            money!("r.net", "r.currency"),
            ", r.transfer, (select coalesce(string_agg(format(', %s of %s of transfer %s, which paid it again, too', ",
            money!("p.reversed", "r.currency"),
            ", ",
            money!("p.amount", "r.currency"),
            ", p.transfer), '' order by p.made_at, p.transfer), '')
                from release_replacements p where p.org_id = r.org_id and p.release_id = r.id and p.reversed > 0), ",
            money!("r.reversal_settled", "r.currency"),
            ", r.contract_id) as detail
         from releases r where r.reversed > r.reversal_settled",
        ),
    ),
    (
        "CONTRACT_WITHOUT_ACCOUNT",
        "select c.id::text as subject, 'contract is in force without an contract account' as detail
         from contracts c left join escrow_accounts a on a.org_id = c.org_id and a.contract_id = c.id
         where c.status in ('active', 'suspended', 'practically_complete') and a.contract_id is null",
    ),
];

/// A text in which `[[1234 EUR]]` became `12.34 EUR`. What is no amount stays as it is.
fn amounts(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, opened)) = rest.split_once("[[") {
        written.push_str(before);
        let amount = opened.split_once("]]").and_then(|(inside, after)| {
            let (minor, currency) = inside.split_once(' ')?;
            let currency = currency.parse().ok()?;
            Some((Money::from_minor(minor.parse().ok()?, currency), after))
        });
        match amount {
            Some((money, after)) => {
                written.push_str(&money.to_string());
                rest = after;
            }
            None => {
                written.push_str("[[");
                rest = opened;
            }
        }
    }
    written.push_str(rest);
    written
}

/// Everything that the queries find. Empty: all is well.
pub(crate) async fn findings(tx: &ReadTx<'_>) -> Result<Vec<Finding>, Fault> {
    let mut findings = Vec::new();
    for (rule, sql) in CHECKS {
        let rows: Vec<Row> = diesel::sql_query(*sql).load(&mut tx.pg()).await.fault()?;
        findings.extend(rows.into_iter().map(|row| Finding { rule, subject: row.subject, detail: amounts(&row.detail) }));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::{CHECKS, RULES, amounts};

    #[test]
    fn every_check_is_among_the_rules() {
        let checked: Vec<_> = CHECKS.iter().map(|(rule, _)| *rule).chain(["MONEY_HELD_LONG", "MONEY_HELD_TOO_LONG"]).collect();
        assert_eq!(checked, RULES);
    }

    #[test]
    fn amounts_are_written_as_people_do() {
        for (text, expected) in [
            ("[[1234 EUR]] of [[-7 JPY]] is [[0 EUR]]", "12.34 EUR of -7 JPY is 0.00 EUR"),
            ("it said [[x]], [[1 XXX]] and [[", "it said [[x]], [[1 XXX]] and [["),
            ("[[[5 EUR]]]", "[[[5 EUR]]]"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(amounts(text), expected);
        }
    }
}
