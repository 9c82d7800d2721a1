//! Wire types of a tender's milestones.

use chrono::NaiveDate;
use kernel::Money;
use serde::{Deserialize, Serialize};
use tenders_api::{Milestone, Share, StatedAmount};
use utoipa::ToSchema;
use web::{AmountIn, AmountOrMoney, CurrencyCode, Decimal4, Decimal4Out, Faults, MoneyIn, MoneyOut};

/// A payable part.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewTenderMilestone, example = json!({"title": "Foundations", "percent": "60", "dueOn": "2099-06-30"}))]
pub struct MilestoneIn {
    /// What is to be done.
    #[schema(min_length = 1, max_length = 200, example = "Structure complete")]
    pub title: String,
    /// Percent of the contract sum; all of them add up to 100.
    pub percent: Option<Decimal4>,
    /// An exact amount, in the project's currency. Bids must come to the sum of all amounts, or to more if one milestone takes the rest.
    pub amount: Option<AmountOrMoney>,
    /// Takes what the amounts of the others leave of the contract sum.
    pub remainder: Option<bool>,
    /// The contract sum is divided in proportion to the weights, to the minor unit: equal weights for equal parts. At most 1000000.
    pub weight: Option<Decimal4>,
    /// The day by which it is to be done; may be left out.
    pub due_on: Option<NaiveDate>,
}

impl MilestoneIn {
    /// What it is of the contract sum; the fault of saying nothing, or several things.
    pub fn share(&self, at: usize, faults: &mut Faults) -> Option<Share> {
        let amount = self.amount.map(|amount| {
            let (value, currency) = amount.parts();
            Share::Amount(StatedAmount { value, currency })
        });
        let given = [
            self.percent.map(|percent| Share::Percent(percent.0)),
            amount,
            self.weight.map(|weight| Share::Weight(weight.0)),
            self.remainder.unwrap_or(false).then_some(Share::Remainder),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(share), None) => Some(share),
            (None, _) => {
                faults.push(
                    format!("/milestones/{at}"),
                    "REQUIRED",
                    "give its percent, amount or weight, or let it be the remainder",
                );
                None
            }
            (Some(_), Some(_)) => {
                let detail = "give one of percent, amount, weight and remainder";
                faults.push(format!("/milestones/{at}"), "NOT_ALLOWED", detail);
                None
            }
        }
    }
}

impl From<&Milestone> for MilestoneIn {
    fn from(m: &Milestone) -> Self {
        let MilestoneOut { title, percent, amount, remainder, weight, due_on } = m.into();
        let money = |MoneyOut(money): MoneyOut| {
            let (amount, currency) = (AmountIn(money.to_decimal()), CurrencyCode(money.currency()));
            AmountOrMoney::Money(MoneyIn { amount, currency })
        };
        let decimal = |Decimal4Out(decimal): Decimal4Out| Decimal4(decimal);
        Self {
            title,
            percent: percent.map(decimal),
            amount: amount.map(money),
            remainder: remainder.then_some(true),
            weight: weight.map(decimal),
            due_on,
        }
    }
}

/// A payable part.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenderMilestone)]
pub struct MilestoneOut {
    /// What is to be done.
    pub title: String,
    /// Percent of the contract sum. Null unless the milestones of the tender have percentages.
    pub percent: Option<Decimal4Out>,
    /// Null unless the milestones of the tender have amounts, and of the one that takes the rest.
    pub amount: Option<MoneyOut>,
    /// Whether it takes what the amounts of the others leave.
    pub remainder: bool,
    /// Null unless the milestones of the tender have weights.
    pub weight: Option<Decimal4Out>,
    /// The day by which it is to be done; null if none was set.
    pub due_on: Option<NaiveDate>,
}

impl From<&Milestone> for MilestoneOut {
    fn from(m: &Milestone) -> Self {
        let (mut percent, mut amount, mut weight) = (None, None, None);
        match m.share {
            Share::Percent(share) => percent = Some(share.into()),
            Share::Weight(share) => weight = Some(share.into()),
            Share::Amount(stated) => {
                amount = stated.currency.and_then(|currency| Money::from_decimal(stated.value, currency).ok()).map(MoneyOut);
            }
            Share::Remainder => {}
        }
        Self { title: m.title.clone(), percent, amount, remainder: m.share == Share::Remainder, weight, due_on: m.due_on }
    }
}
