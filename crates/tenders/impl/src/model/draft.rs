//! What a draft must be like, and what must be right before it is published.

use chrono::TimeDelta;
use kernel::{Currency, FieldFault, MOST_FAULTS, Money, Timestamp, text};
use projects_api::{Soq, SoqStatus};
use tenders_api::{Draft, Milestone, ProcurementMethod, Share, StatedAmount, Tender, time};

use super::milestones;
use super::title::{self, MOST_DESCRIPTION, MOST_TITLE};

/// Questions end so long before the deadline, where the least period is long enough for that (docs/domain/tenders.md).
const ANSWERING: TimeDelta = TimeDelta::days(3);

/// The faults of a draft as it is written, in a project of `currency`, at `now` of the database's clock.
#[must_use]
pub fn faults(draft: &Draft, currency: Currency, now: Timestamp) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    if let Err(flaw) = text::line(&draft.title, MOST_TITLE) {
        faults.push(flaw.at("/title"));
    }
    if let Err(flaw) = text::optional_prose(draft.description.as_deref(), MOST_DESCRIPTION) {
        faults.push(flaw.at("/description"));
    }
    if draft.submission_deadline <= now {
        let detail = format!("must be later than the server's time {}", time(&now));
        faults.push(FieldFault::new("/submissionDeadline", "IN_THE_PAST", detail));
    }
    if draft.questions_until.is_some_and(|until| until > draft.submission_deadline) {
        faults.push(FieldFault::new("/questionsUntil", "AFTER_DEADLINE", "must not be later than submissionDeadline"));
    }
    if !(1..=1000).contains(&draft.min_bids) {
        faults.push(FieldFault::new("/minBids", "OUT_OF_RANGE", "must be 1 to 1000"));
    }
    milestones::check(&draft.milestones, currency, &mut faults);
    faults
}

/// Whether a draft that was checked is what stands there: then nothing is written, and the trail has nothing to tell.
#[must_use]
pub fn is_so_already(tender: &Tender, milestones: &[Milestone], draft: &Draft) -> bool {
    let share = |share: Share| match share {
        // Of the tender's currency, whether that was said or not.
        Share::Amount(stated) => Share::Amount(StatedAmount { currency: Some(tender.currency), ..stated }),
        other => other,
    };
    let milestone = |new: &Milestone| Milestone { title: title::title(&new.title), share: share(new.share), due_on: new.due_on };
    tender.soq == draft.soq
        && tender.title == title::title(&draft.title)
        && tender.description == title::description(draft.description.as_deref())
        && tender.method == draft.method
        && tender.submission_deadline == draft.submission_deadline
        && tender.questions_until == draft.questions_until
        && tender.min_bids == draft.min_bids
        && draft.milestones.iter().map(milestone).eq(milestones.iter().cloned())
}

/// What decides whether a second person is needed before there are bids: the owner's estimate. Without one for every line to be priced
/// nobody knows the amount, and it is taken for more than any threshold; so is an estimate of nothing.
#[must_use]
pub fn amount_at_stake(soq: &Soq) -> Money {
    estimate(soq).unwrap_or(Money::from_minor(i64::MAX, soq.currency))
}

/// What the owner expects it to cost, if every line to be priced has an estimate.
#[must_use]
pub fn estimate(soq: &Soq) -> Option<Money> {
    let known = soq.lines.iter().filter(|line| line.kind.is_payable()).all(|line| line.estimate_rate.is_some());
    (known && soq.estimate_total.minor() > 0).then_some(soq.estimate_total)
}

/// What keeps a draft from being published, all at once.
#[must_use]
pub fn not_ready(
    tender: &Tender,
    milestones: &[Milestone],
    soq: &Soq,
    invited: bool,
    now: Timestamp,
    least_period: TimeDelta,
) -> Vec<FieldFault> {
    let (mut faults, mut others) = (Vec::new(), Vec::new());
    if soq.status != SoqStatus::Frozen {
        faults.push(FieldFault::new("/soqId", "SOQ_NOT_FROZEN", "freeze the schedule of quantities first"));
    }
    if !soq.lines.iter().any(|line| line.kind.is_payable()) {
        faults.push(FieldFault::new(
            "/soqId",
            "SOQ_WITHOUT_PAYABLE_LINE",
            "the schedule of quantities needs a line to be priced",
        ));
    }
    for line in soq.lines.iter().filter(|line| line.kind.is_payable()) {
        let code = &line.code;
        if line.unit_code.is_none() && line.unit_text.is_none() && !line.kind.is_provisional() {
            faults.push(FieldFault::new("/soqId", "UNIT_MISSING", format!("line {code}: it has no unit of measure")));
        }
        if line.quantity.is_none() {
            faults.push(FieldFault::new("/soqId", "QUANTITY_MISSING", format!("line {code}: it has no quantity")));
        }
        if line.kind.is_provisional() && line.estimate_rate.is_none() {
            faults.push(FieldFault::new(
                "/soqId",
                "PROVISIONAL_SUM_MISSING",
                format!("line {code}: the provisional sum is not set"),
            ));
        }
    }
    if tender.currency != soq.currency {
        others.push(FieldFault::new(
            "/soqId",
            "CURRENCY_MISMATCH",
            "the schedule of quantities has another currency than the tender",
        ));
    }
    milestones::check(milestones, tender.currency, &mut others);
    if tender.method == ProcurementMethod::Limited && !invited {
        let detail = "a limited tender needs at least one invitation, of an organisation or by e-mail";
        others.push(FieldFault::new("/procurementMethod", "NO_INVITATION", detail));
    }
    others.extend(deadline_faults(tender.submission_deadline, tender.questions_until, now, least_period));
    faults.truncate(MOST_FAULTS.saturating_sub(others.len()));
    faults.extend(others);
    faults
}

/// Whether there is time enough for bidders.
#[must_use]
pub fn deadline_faults(
    deadline: Timestamp,
    questions_until: Option<Timestamp>,
    now: Timestamp,
    least_period: TimeDelta,
) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let earliest = now.checked_add_signed(least_period);
    if earliest.is_none_or(|earliest| deadline < earliest) {
        let period = words(least_period);
        let detail = format!("must be at least {period} after the server's time {}", time(&now));
        faults.push(FieldFault::new("/submissionDeadline", "TOO_SOON", detail));
    }
    if let Some(until) = questions_until {
        let last = if least_period >= ANSWERING { deadline - ANSWERING } else { deadline };
        if until > last {
            let detail = format!("must be at most {}, so that the answers can be used", time(&last));
            faults.push(FieldFault::new("/questionsUntil", "TOO_LATE", detail));
        }
    }
    faults
}

fn words(period: TimeDelta) -> String {
    match period.num_seconds() {
        seconds if seconds % 86_400 == 0 && seconds > 0 => format!("{} days", seconds / 86_400),
        seconds => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).expect("a time")
    }

    fn codes(deadline: i64, questions: Option<i64>, least: TimeDelta) -> Vec<&'static str> {
        deadline_faults(at(deadline), questions.map(at), at(0), least).into_iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn the_deadline_leaves_the_least_period() {
        assert!(codes(2, None, TimeDelta::seconds(2)).is_empty());
        assert_eq!(codes(1, None, TimeDelta::seconds(2)), ["TOO_SOON"]);
        assert_eq!(codes(604_799, None, TimeDelta::days(7)), ["TOO_SOON"]);
    }

    #[test]
    fn questions_end_three_days_before_where_the_period_allows() {
        let day = 86_400;
        assert!(codes(7 * day, Some(4 * day), TimeDelta::days(7)).is_empty());
        assert_eq!(codes(7 * day, Some(4 * day + 1), TimeDelta::days(7)), ["TOO_LATE"]);
        assert!(codes(10, Some(10), TimeDelta::seconds(2)).is_empty(), "in development there is no time for that");
    }
}
