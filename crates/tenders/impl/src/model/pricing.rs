//! Pricing: the server computes every amount and total; an unpriced line is a fault, never a zero (docs/domain/schedules.md).

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use kernel::{Currency, FieldFault, MOST_FAULTS, Money, amount_of, text};
use rust_decimal::Decimal;
use tenders_api::{BidContent, BidLine, Error, Milestone, NewBid, OfferedRate, TenderLine};

use super::milestones;

/// The most that numeric(18,4) holds before the point.
const MOST_RATE: i64 = 100_000_000_000_000;
/// The most characters of a note.
const MOST_NOTE: usize = 4_000;

/// What the bid offers, computed, or its faults. `deadline` is its day in the tender's time zone. Every one of the tender's milestones must get something of the total.
///
/// # Errors
/// [`Error::Invalid`].
pub fn price(
    lines: &[TenderLine],
    bid: &NewBid,
    currency: Currency,
    deadline: NaiveDate,
    milestones: &[Milestone],
) -> Result<BidContent, Error> {
    content(lines, bid, currency, deadline, Completeness::Complete { milestones })
}

/// What a draft offers so far, computed, or the faults of what is given. Lines may be without a rate, and the total may be 0.
///
/// # Errors
/// [`Error::Invalid`].
pub fn price_draft(lines: &[TenderLine], draft: &NewBid, currency: Currency, deadline: NaiveDate) -> Result<BidContent, Error> {
    content(lines, draft, currency, deadline, Completeness::Draft)
}

/// How much of the schedule is to be priced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Completeness<'a> {
    Complete { milestones: &'a [Milestone] },
    Draft,
}

fn content(
    lines: &[TenderLine],
    bid: &NewBid,
    currency: Currency,
    deadline: NaiveDate,
    completeness: Completeness<'_>,
) -> Result<BidContent, Error> {
    let (mut faults, mut others) = (Vec::new(), Vec::new());
    let rates = rates(lines, &bid.lines, completeness, &mut faults);
    let priced = amounts(lines, &rates, currency, &mut faults);
    check_validity(bid.valid_until, deadline, &mut others);
    let note = text::optional_prose(bid.note.as_deref(), MOST_NOTE).unwrap_or_else(|flaw| {
        others.push(flaw.at("/note"));
        None
    });
    let total = total(lines, &priced, currency);
    let whole = faults.is_empty() && others.is_empty();
    match (total, completeness) {
        (None, _) => others.push(FieldFault::new("/lines", "OUT_OF_RANGE", "the total is too large")),
        (Some(total), Completeness::Complete { milestones }) if whole => {
            match milestones::unpayable_total(total, milestones, "/lines") {
                Some(misfit) => others.push(misfit),
                None => check_total(bid.total, total, whole, &mut others),
            }
        }
        (Some(total), _) => check_total(bid.total, total, whole, &mut others),
    }
    faults.truncate(MOST_FAULTS.saturating_sub(others.len()));
    faults.extend(others);
    match total {
        Some(total) if faults.is_empty() => Ok(BidContent { total, lines: priced, valid_until: bid.valid_until, note }),
        _ => Err(Error::Invalid(faults)),
    }
}

/// Amounts and total once more, at opening: what was sealed is checked like what comes from outside. Nothing if it does not agree.
#[must_use]
pub fn recheck(lines: &[TenderLine], content: &BidContent, currency: Currency) -> Option<()> {
    let rates = content.lines.iter().map(|line| (line.soq_line, line.rate)).collect();
    let mut faults = Vec::new();
    let priced = amounts(lines, &rates, currency, &mut faults);
    (faults.is_empty() && priced == content.lines && total(lines, &priced, currency) == Some(content.total)).then_some(())
}

type Rates = HashMap<kernel::SoqLineId, Decimal>;

fn rates(lines: &[TenderLine], offered: &[OfferedRate], completeness: Completeness<'_>, faults: &mut Vec<FieldFault>) -> Rates {
    let known: HashMap<_, _> = lines.iter().map(|line| (line.soq_line, line)).collect();
    let (mut rates, mut seen) = (Rates::new(), HashSet::new());
    for (at, OfferedRate { soq_line, rate }) in offered.iter().enumerate() {
        let mut fault =
            |field: &str, code, detail: String| faults.push(FieldFault::new(format!("/lines/{at}/{field}"), code, detail));
        let Some(line) = known.get(soq_line) else {
            fault("soqLineId", "UNKNOWN_LINE", "is not a line of this tender".into());
            continue;
        };
        let code = &line.code;
        if !seen.insert(*soq_line) {
            fault("soqLineId", "DUPLICATE", format!("line {code} is priced twice"));
        } else if !line.kind.is_payable() {
            fault("soqLineId", "NOT_ALLOWED", format!("line {code} is a {}: it has no rate", line.kind));
        } else if rate.is_sign_negative() && !rate.is_zero() || *rate >= Decimal::from(MOST_RATE) {
            fault("rate", "OUT_OF_RANGE", "must not be negative, nor have more than 14 digits before the point".into());
        } else if rate.normalize().scale() > 4 {
            fault("rate", "TOO_MANY_DECIMALS", "at most 4 decimals are allowed".into());
        } else if line.fixed_rate.is_some_and(|fixed| fixed != *rate) {
            fault(
                "rate",
                "PROVISIONAL_SUM_CHANGED",
                format!("line {code} is a provisional sum: leave it out or repeat it unchanged"),
            );
        } else {
            rates.insert(*soq_line, rate.normalize());
        }
    }
    for line in lines.iter().filter(|line| line.kind.is_payable() && !seen.contains(&line.soq_line)) {
        match line.fixed_rate {
            Some(fixed) => {
                rates.insert(line.soq_line, fixed.normalize());
            }
            None if completeness == Completeness::Draft => {}
            None => faults.push(FieldFault::new("/lines", "LINE_NOT_PRICED", format!("line {} has no rate", line.code))),
        }
    }
    rates
}

fn amounts(lines: &[TenderLine], rates: &Rates, currency: Currency, faults: &mut Vec<FieldFault>) -> Vec<BidLine> {
    let mut priced = Vec::with_capacity(rates.len());
    for line in lines {
        let (Some(rate), Some(quantity)) = (rates.get(&line.soq_line), line.quantity) else { continue };
        match amount_of(quantity, *rate, currency) {
            Ok(amount) => priced.push(BidLine { soq_line: line.soq_line, rate: *rate, amount }),
            Err(error) => faults.push(FieldFault::new("/lines", "OUT_OF_RANGE", format!("line {}: {error}", line.code))),
        }
    }
    priced
}

fn total(lines: &[TenderLine], priced: &[BidLine], currency: Currency) -> Option<Money> {
    let counting: HashSet<_> = lines.iter().filter(|line| line.kind.counts_in_total()).map(|line| line.soq_line).collect();
    let mut amounts = priced.iter().filter(|line| counting.contains(&line.soq_line)).map(|line| line.amount);
    amounts.try_fold(Money::zero(currency), Money::checked_add)
}

fn check_validity(valid_until: NaiveDate, deadline: NaiveDate, faults: &mut Vec<FieldFault>) {
    if valid_until < deadline {
        let detail = format!("must be {deadline} or later: the day of the deadline in the time zone of the tender");
        faults.push(FieldFault::new("/validUntil", "TOO_SOON", detail));
    }
}

fn check_total(claimed: Option<Money>, total: Money, comparable: bool, faults: &mut Vec<FieldFault>) {
    let Some(claimed) = claimed else { return };
    if claimed.currency() != total.currency() {
        faults.push(FieldFault::new("/total/currency", "CURRENCY_MISMATCH", format!("must be {}", total.currency())));
    } else if comparable && claimed != total {
        let detail = format!("the lines add up to {}, not to {}", total.to_decimal(), claimed.to_decimal());
        faults.push(FieldFault::new("/total/amount", "TOTAL_DIFFERS", detail));
    }
}

#[cfg(test)]
#[path = "pricing_tests.rs"]
mod tests;
