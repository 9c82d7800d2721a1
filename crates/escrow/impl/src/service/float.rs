//! The platform's own money at the provider: it is topped up, paid out to the platform's bank, and taken by the provider for costs that belong to
//! no contract. Operators' verbs, no tenant's.

use escrow_api::StatementEntry;
use kernel::{Currency, Decision, Fault, Money, MoneyError, Timestamp};
use rust_decimal::Decimal;
use uow::SystemUow;

use super::alarms::PAYOUT;
use super::coverage::{Coverage, announce, look_in};
use crate::ledger::{Account, Posting};
use crate::repo;

/// The name of an account that the platform's own money stands in.
fn name(account: i16) -> &'static str {
    if account == Account::StripeAvailable.code() {
        "stripe_available"
    } else if account == Account::Bank.code() {
        "bank"
    } else if account == Account::DisputeAndLoss.code() {
        "dispute_and_loss"
    } else {
        "float"
    }
}

/// Why a float is not posted.
#[derive(Debug, thiserror::Error)]
pub enum FloatError {
    /// It is not a currency that is used here.
    #[error("{0}")]
    Currency(MoneyError),
    /// It is not an amount of that currency.
    #[error("the amount {given:?} is not one of {currency}: {why}")]
    Amount {
        /// What was given.
        given: String,
        /// The currency.
        currency: Currency,
        /// What is wrong with it.
        why: MoneyError,
    },
    /// It is nothing, or less.
    #[error(
        "the amount must be above zero: a float comes in (`build14 float`), a payout or a cost goes out (`build14 payout`, `build14 cost`)"
    )]
    NotPositive,
    /// It is not the id of such a thing.
    #[error("the source must be the provider's id of the {what}, such as {prefix}1Mt…: at most 255 visible characters")]
    Source {
        /// What it is to be.
        what: &'static str,
        /// How such ids begin.
        prefix: &'static str,
    },
    /// The source stands in the ledger with another amount: it is not changed.
    #[error("{source_object} was posted on {at} over {posted}, not {asked}: nothing was posted")]
    Differs {
        /// The source.
        source_object: String,
        /// What was posted for it.
        posted: Money,
        /// What was to be posted.
        asked: Money,
        /// When it was posted.
        at: Timestamp,
    },
    /// Nobody's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What becomes of the platform's own money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    ComesIn,
    IsPaidOut,
    IsTaken,
}

impl Own {
    /// What the source is, and how its ids begin: of one source there is one posting, so its id alone tells which.
    const fn source(self) -> (&'static str, &'static str) {
        match self {
            Self::ComesIn => ("top-up", "tu_"),
            Self::IsPaidOut => ("payout", "po_"),
            Self::IsTaken => ("balance transaction that took it", "txn_"),
        }
    }
}

/// A float, a payout or a cost to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Float {
    own: Own,
    /// Below zero: it went out.
    amount: Money,
    source: String,
}

impl Float {
    /// From what an operator types: `5000.00`, `EUR`, `tu_…`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(amount: &str, currency: &str, source: &str) -> Result<Self, FloatError> {
        Self::checked(Own::ComesIn, amount, currency, source)
    }

    fn checked(own: Own, amount: &str, currency: &str, source: &str) -> Result<Self, FloatError> {
        let currency: Currency = currency.parse().map_err(FloatError::Currency)?;
        let wrong = |why| FloatError::Amount { given: amount.to_owned(), currency, why };
        let decimal: Decimal = amount.parse().map_err(|_| wrong(MoneyError::NotADecimal(amount.to_owned())))?;
        let money = Money::from_decimal(decimal, currency).map_err(wrong)?;
        if money.minor() <= 0 {
            return Err(FloatError::NotPositive);
        }
        let (what, prefix) = own.source();
        let id = source.strip_prefix(prefix).unwrap_or_default();
        if id.is_empty() || source.len() > 255 || !source.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(FloatError::Source { what, prefix });
        }
        let amount = if own == Own::ComesIn { money } else { Money::from_minor(-money.minor(), currency) };
        Ok(Self { own, amount, source: source.to_owned() })
    }

    /// A payout of the platform's own money, from what an operator types: `250.00`, `EUR`, `po_…`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn payout(amount: &str, currency: &str, source: &str) -> Result<Self, FloatError> {
        Self::checked(Own::IsPaidOut, amount, currency, source)
    }

    /// What the provider took of the platform's own money, such as the fee of a dispute, from what an operator types: `15.00`, `EUR`, `txn_…`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn cost(amount: &str, currency: &str, source: &str) -> Result<Self, FloatError> {
        Self::checked(Own::IsTaken, amount, currency, source)
    }
}

/// What stands in the ledger for a float.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FloatPosted {
    /// Whether this call posted it.
    pub fresh: bool,
    /// When it was posted.
    pub at: Timestamp,
    /// Who posted it; unknown of those of before it was asked for.
    pub operator: Option<String>,
    /// Its two postings.
    pub entries: Vec<StatementEntry>,
    /// What its currency has over what it owes; negative: what it lacks. New funding and new releases stand still once more lacks than the
    /// reserve.
    pub surplus: Money,
    /// How much may lack before they stand still.
    pub reserve: Money,
    /// What the provider's balance lacked of what the books said, when it was last asked: while it does, they stand still, too.
    pub missing: Money,
    /// Releases that waited for it and are sent now.
    pub resumed: usize,
}

/// Posts a float, a payout or a cost, once per source, under the name of the person who does it, and looks at I7 in the same transaction: what waited for it goes on at once.
///
/// # Errors
/// [`FloatError::Differs`] if the source was posted with another amount or currency; a fault of the database.
pub async fn post_float(system: &SystemUow, float: &Float, by: &Decision) -> Result<FloatPosted, FloatError> {
    let Float { own, amount, source } = float;
    let currency = amount.currency();
    let posting = match own {
        Own::ComesIn => Posting::e0(source, amount.minor(), currency),
        Own::IsPaidOut => Posting::e11(source, -amount.minor(), currency),
        Own::IsTaken => Posting::platform_cost(source, -amount.minor(), currency),
    };
    let (posted, found) = system
        .write(async |tx| {
            let (row, fresh) = repo::coverage::post_float(tx, &posting.source, amount.minor(), currency.code(), by).await?;
            let posted = repo::money(row.amount, &row.currency)?;
            if posted != *amount {
                return Err(FloatError::Differs { source_object: source.clone(), posted, asked: *amount, at: row.created_at });
            }
            if *own == Own::IsPaidOut {
                tx.settle_alarms(PAYOUT, std::slice::from_ref(source), &by.operator, "posted (E11)").await?;
            }
            let found = look_in(tx, None).await?;
            let coverage = found.iter().find(|one| one.seen.currency == currency.code());
            let Coverage { seen, resumed } =
                coverage.ok_or_else(|| Fault::internal(format!("no coverage of {currency} after its float")))?;
            let entries = posting
                .entries
                .iter()
                .map(|entry| StatementEntry {
                    account: entry.account.unsigned_abs(),
                    name: name(entry.account).to_owned(),
                    subject: entry.subject,
                    amount: Money::from_minor(entry.amount, currency),
                })
                .collect();
            let surplus = Money::from_minor(seen.surplus, currency);
            let reserve = Money::from_minor(seen.reserve, currency);
            let missing = Money::from_minor(seen.missing(), currency);
            Ok((
                FloatPosted {
                    fresh,
                    at: row.created_at,
                    operator: row.operator,
                    entries,
                    surplus,
                    reserve,
                    missing,
                    resumed: *resumed,
                },
                found,
            ))
        })
        .await?;
    announce(&found)?;
    Ok(posted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_types_is_checked() {
        let float = Float::parse("5000.00", "EUR", "tu_123").expect("fine");
        assert_eq!(
            float,
            Float { own: Own::ComesIn, amount: Money::from_minor(500_000, Currency::EUR), source: "tu_123".to_owned() }
        );
        let cost = Float::cost("15.00", "EUR", "txn_1").expect("fine");
        assert_eq!(
            cost,
            Float { own: Own::IsTaken, amount: Money::from_minor(-1_500, Currency::EUR), source: "txn_1".to_owned() }
        );
        let wrong = |refused: Result<Float, FloatError>| refused.expect_err("refused").to_string();
        assert_eq!(
            wrong(Float::cost("15.00", "EUR", "dp_1")),
            "the source must be the provider's id of the balance transaction that took it, such as txn_1Mt…: at most 255 visible characters"
        );
        assert_eq!(
            wrong(Float::payout("15.00", "EUR", "dp_1")),
            "the source must be the provider's id of the payout, such as po_1Mt…: at most 255 visible characters"
        );
        let said = |amount, currency, source| Float::parse(amount, currency, source).expect_err("refused").to_string();
        let cases = [
            (said("5000.001", "EUR", "tu_1"), "the amount \"5000.001\" is not one of EUR: at most 2 decimals are allowed"),
            (said("0.5", "JPY", "tu_1"), "the amount \"0.5\" is not one of JPY: at most 0 decimals are allowed"),
            (
                said("much", "EUR", "tu_1"),
                "the amount \"much\" is not one of EUR: \"much\" is not a decimal number such as \"1234.50\"",
            ),
            (
                said("92233720368547758.08", "EUR", "tu_1"),
                "the amount \"92233720368547758.08\" is not one of EUR: the amount is too large",
            ),
            (
                said("0.00", "EUR", "tu_1"),
                "the amount must be above zero: a float comes in (`build14 float`), a payout or a cost goes out (`build14 payout`, `build14 cost`)",
            ),
            (
                said("-1", "EUR", "tu_1"),
                "the amount must be above zero: a float comes in (`build14 float`), a payout or a cost goes out (`build14 payout`, `build14 cost`)",
            ),
            (said("1", "EURO", "tu_1"), "\"EURO\" is not an ISO 4217 code of a currency that can be used here"),
            (
                said("1", "EUR", ""),
                "the source must be the provider's id of the top-up, such as tu_1Mt…: at most 255 visible characters",
            ),
            (
                said("1", "EUR", "a b"),
                "the source must be the provider's id of the top-up, such as tu_1Mt…: at most 255 visible characters",
            ),
        ];
        for (said, expected) in cases {
            assert_eq!(said, expected);
        }
    }
}
