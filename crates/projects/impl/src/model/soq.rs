//! The rules of schedules of quantities: what a line of each kind must and must not have, and what it all adds up to (docs/domain/schedules.md).

use std::collections::HashSet;

use kernel::{Currency, Money, MoneyError, SoqLineId, amount_of, text};
use projects_api::{Error, LineDraft, LineKind, SoqLine, SoqStatus, UnitId};
use rust_decimal::Decimal;

use super::Faults;
use super::measure::{LUMP_SUM, code_of, given_code};

/// The most lines of one version.
pub(crate) const MOST_LINES: usize = 20_000;
const MOST_DESCRIPTION: usize = 4000;
const MOST_CODE: usize = 64;
const MOST_UNIT: usize = 40;

/// What a line may refer to.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Lines of this version and of the one before.
    pub lines: HashSet<SoqLineId>,
    /// Units of the project.
    pub units: HashSet<UnitId>,
}

/// Title, lines and total as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub title: String,
    pub lines: Vec<SoqLine>,
    pub total: Money,
}

/// A schedule's content by the rules of each kind of line.
///
/// # Errors
/// [`Error::Invalid`] with every fault of every line.
pub(crate) fn checked(title: &str, drafts: Vec<LineDraft>, currency: Currency, known: &Known) -> Result<Content, Error> {
    let mut faults = Faults::default();
    let title = faults.text("/title", title, 200);
    if drafts.len() > MOST_LINES {
        faults.push("/lines", "TOO_MANY", format!("a schedule may have at most {MOST_LINES} lines"));
        faults.finish()?;
    }
    let mut seen = HashSet::with_capacity(drafts.len());
    let mut lines = Vec::with_capacity(drafts.len());
    for (position, draft) in (1..).zip(drafts) {
        let at = At(position - 1);
        if let Some(id) = draft.id {
            if !known.lines.contains(&id) {
                faults.push(at.to("id"), "NOT_FOUND", "is not a line of this schedule: leave it out for a new line");
            } else if !seen.insert(id) {
                faults.push(at.to("id"), "DUPLICATE", "stands at an earlier line: leave it out for a new line");
            }
        }
        if draft.unit_id.is_some_and(|unit| !known.units.contains(&unit)) {
            faults.push(at.to("unitId"), "NOT_FOUND", "is not a unit of this project");
        }
        lines.push(line(draft, position, at, currency, &mut faults));
    }
    let total = total_of(&lines, currency);
    if total.is_none() {
        faults.push("/lines", "OUT_OF_RANGE", "the total is too large");
    }
    faults.finish()?;
    Ok(Content { title, lines, total: total.unwrap_or(Money::zero(currency)) })
}

/// Σ of the rounded amounts that count; `None` if it is too large.
pub(crate) fn total_of(lines: &[SoqLine], currency: Currency) -> Option<Money> {
    let mut counting = lines.iter().filter(|line| line.kind.counts_in_total()).filter_map(|line| line.estimate_amount);
    counting.try_fold(Money::zero(currency), Money::checked_add)
}

/// Whether a version may be frozen.
///
/// # Errors
/// [`Error::SoqFrozen`] if it is already, [`Error::State`] if nothing in it can be priced.
pub(crate) fn freezable(status: SoqStatus, lines: &[SoqLine]) -> Result<(), Error> {
    if status == SoqStatus::Frozen {
        return Err(Error::SoqFrozen);
    }
    if lines.iter().any(|line| line.kind.is_payable()) {
        return Ok(());
    }
    let hint = "add a line that can be priced before freezing it";
    Err(Error::state("schedule of quantities", status.name(), hint))
}

/// The place of a line in the body.
#[derive(Clone, Copy)]
struct At(u32);

impl At {
    fn to(self, member: &str) -> String {
        format!("/lines/{}/{member}", self.0)
    }
}

fn line(draft: LineDraft, position: u32, at: At, currency: Currency, faults: &mut Faults) -> SoqLine {
    let kind = draft.kind;
    let code = if draft.code.trim().is_empty() { String::new() } else { faults.text(&at.to("code"), &draft.code, MOST_CODE) };
    let description = faults.prose(&at.to("description"), &draft.description, MOST_DESCRIPTION);
    let (unit_code, unit_text) = unit(&draft, at, faults);
    let quantity = quantity(&draft, at, faults);
    let estimate_rate = estimate_rate(&draft, at, currency, faults);
    let amount = quantity.zip(estimate_rate).map(|(quantity, rate)| amount_of(quantity, rate, currency));
    if let Some(Err(_)) = amount {
        faults.push(at.to("estimateRate"), "OUT_OF_RANGE", "quantity × estimateRate is too large");
    }
    SoqLine {
        id: draft.id.unwrap_or_else(SoqLineId::new),
        position,
        code,
        description,
        kind,
        unit_code,
        unit_text,
        quantity,
        estimate_rate,
        estimate_amount: amount.and_then(Result::ok),
        unit: draft.unit_id,
    }
}

/// Whether its quantity is 1 by nature.
fn is_sum(kind: LineKind) -> bool {
    kind == LineKind::LumpSum || kind.is_provisional()
}

fn unit(draft: &LineDraft, at: At, faults: &mut Faults) -> (Option<String>, Option<String>) {
    let given = |written: &Option<String>| written.clone().filter(|written| !text::is_blank(written));
    let (unit, text) = (given(&draft.unit), given(&draft.unit_text));
    if !draft.kind.is_payable() {
        for (member, value) in [("unitCode", &unit), ("unitText", &text)] {
            if value.is_some() {
                faults.push(at.to(member), "NOT_ALLOWED", format!("a line of kind {} has no unit", draft.kind.name()));
            }
        }
        return (None, None);
    }
    let mut kept = |member, written: Option<String>| written.map(|written| faults.text(&at.to(member), &written, MOST_UNIT));
    let (unit, text) = (kept("unitCode", unit), kept("unitText", text));
    let code = match unit.as_deref() {
        Some(unit) => given_code(unit),
        None => text.as_deref().and_then(code_of),
    };
    if code.is_none() && text.is_some() && unit.as_ref().is_some_and(|unit| !unit.is_empty()) {
        let detail = "is no code of UNECE Recommendation 20 or 21, nor a usual spelling of one: leave it out and name the unit in unitText";
        faults.push(at.to("unitCode"), "NOT_ONE_OF", detail);
    }
    if is_sum(draft.kind) && text.is_none() && unit.as_deref().is_none_or(|unit| unit == LUMP_SUM) {
        // Nobody wrote a unit; nor when the answer comes back as it was.
        return (Some(LUMP_SUM.to_owned()), None);
    }
    let written = text.or(unit);
    (code.map(str::to_owned), written)
}

fn quantity(draft: &LineDraft, at: At, faults: &mut Faults) -> Option<Decimal> {
    let pointer = || at.to("quantity");
    let name = draft.kind.name();
    match draft.quantity {
        Some(_) if !draft.kind.is_payable() => {
            faults.push(pointer(), "NOT_ALLOWED", format!("a line of kind {name} has no quantity"));
            None
        }
        Some(quantity) if is_sum(draft.kind) && quantity != Decimal::ONE => {
            faults.push(pointer(), "OUT_OF_RANGE", format!("the quantity of a line of kind {name} is 1"));
            None
        }
        Some(quantity) if quantity <= Decimal::ZERO => {
            faults.push(pointer(), "OUT_OF_RANGE", "must be greater than 0");
            None
        }
        Some(quantity) => {
            faults.numeric(pointer, quantity);
            Some(quantity)
        }
        None if is_sum(draft.kind) => Some(Decimal::ONE),
        None => {
            if draft.kind.is_payable() {
                faults.push(pointer(), "REQUIRED", format!("a line of kind {name} needs a quantity"));
            }
            None
        }
    }
}

fn estimate_rate(draft: &LineDraft, at: At, currency: Currency, faults: &mut Faults) -> Option<Decimal> {
    let pointer = || at.to("estimateRate");
    let name = draft.kind.name();
    let Some(rate) = draft.estimate_rate else {
        if draft.kind.is_provisional() {
            faults.push(
                pointer(),
                "REQUIRED",
                format!("a line of kind {name} needs its sum as estimateRate: every bid carries it unchanged"),
            );
        }
        return None;
    };
    if !draft.kind.is_payable() {
        faults.push(pointer(), "NOT_ALLOWED", format!("a line of kind {name} has no rate"));
        return None;
    }
    if rate < Decimal::ZERO {
        faults.push(pointer(), "OUT_OF_RANGE", "must not be negative");
        return None;
    }
    if draft.kind.is_provisional()
        && let Err(error @ MoneyError::TooManyDecimals { .. }) = Money::from_decimal(rate, currency)
    {
        faults.push(pointer(), "TOO_MANY_DECIMALS", format!("the sum is an amount of money: {error}"));
    }
    faults.numeric(pointer, rate);
    Some(rate)
}

#[cfg(test)]
#[path = "soq_tests.rs"]
mod tests;
