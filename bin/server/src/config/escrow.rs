//! `[escrow]`: fees, currencies and their terms, intervals.

use std::collections::BTreeMap;
use std::time::Duration;

use escrow::Processing;
use escrow_api::CostBearer;
use kernel::Currency;

use super::reader::Reader;

/// `[escrow]`
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Escrow {
    pub fee_basis_points: u32,
    pub processing_cost_bearer: CostBearer,
    /// In which new projects are made.
    pub currencies: Vec<Currency>,
    /// `[escrow.terms.<currency>]`
    pub terms: BTreeMap<Currency, Processing>,
    pub look_again_after: Vec<Duration>,
    pub look_again_every: Duration,
    pub look_when_read_after: Duration,
}

/// The most that the table of contracts takes (`fee_bps`, `processing_bps`).
const MOST_BASIS_POINTS: u32 = 5000;

/// The keys of a currency's terms.
fn terms_of(currency: Currency) -> [String; 3] {
    let code = currency.code().to_ascii_lowercase();
    ["processing_basis_points", "processing_fixed_minor", "reserve_minor"].map(|key| format!("escrow.terms.{code}.{key}"))
}

impl Reader {
    /// `[escrow]`
    pub(super) fn escrow(&mut self) -> Escrow {
        let bearer = self.text("escrow.processing_cost_bearer");
        let processing_cost_bearer = CostBearer::from_name(&bearer).unwrap_or_else(|| {
            self.fault("escrow.processing_cost_bearer", format!("{bearer:?} should be owner or platform"));
            CostBearer::Owner
        });
        Escrow {
            fee_basis_points: self.number("escrow.fee_basis_points", "250"),
            processing_cost_bearer,
            currencies: self.parsed_list("escrow.currencies"),
            terms: self.terms(),
            look_again_after: self.durations("escrow.look_again_after"),
            look_again_every: self.duration("escrow.look_again_every"),
            look_when_read_after: self.duration("escrow.look_when_read_after"),
        }
    }

    /// `[escrow.terms.<currency>]` of every currency of which all is given.
    fn terms(&mut self) -> BTreeMap<Currency, Processing> {
        let mut terms = BTreeMap::new();
        for currency in Currency::all() {
            let keys = terms_of(currency);
            if keys.iter().all(|key| self.given(key)) {
                let [bps, fixed, reserve] = &keys;
                let (fixed, reserve): (u32, u32) = (self.number(fixed, "30"), self.number(reserve, "100000"));
                let processing = Processing { bps: self.number(bps, "290"), fixed: fixed.into(), reserve: reserve.into() };
                terms.insert(currency, processing);
            }
        }
        terms
    }

    /// What a currency costs must be known before money is taken in it.
    pub(super) fn check_escrow(&mut self, escrow: &Escrow) {
        let too_much = format!("must be at most {MOST_BASIS_POINTS} (50 %)");
        if escrow.fee_basis_points > MOST_BASIS_POINTS {
            self.fault("escrow.fee_basis_points", &too_much);
        }
        for (currency, terms) in &escrow.terms {
            if terms.bps > MOST_BASIS_POINTS {
                self.fault(&terms_of(*currency)[0], &too_much);
            }
        }
        if escrow.currencies.is_empty() && self.list("escrow.currencies").is_empty() {
            self.fault("escrow.currencies", "at least one currency must be allowed, such as EUR");
        }
        for currency in &escrow.currencies {
            for key in terms_of(*currency).iter().filter(|_| !escrow.terms.contains_key(currency)) {
                if !self.given(key) {
                    self.fault(
                        key,
                        format!("must be given: escrow.currencies allows {currency}, and what a charge in it costs is not known"),
                    );
                }
            }
        }
        let first = &escrow.look_again_after;
        if first.windows(2).any(|pair| pair[0] >= pair[1]) {
            self.fault("escrow.look_again_after", "each must be longer than the one before, like 1m, 5m, 15m");
        }
        if escrow.look_again_every < Duration::from_secs(60) {
            self.fault("escrow.look_again_every", "must be a minute at least: everything under way is asked for so often");
        }
    }
}

#[cfg(test)]
mod tests {
    fn faults(variables: &[(&str, &str)]) -> String {
        let variables: Vec<_> = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        crate::config::load_from(&variables).expect_err("refused").to_string()
    }

    #[test]
    fn every_currency_that_is_taken_by_default_has_terms_and_is_not_over() {
        let settings = crate::config::load_from(&[]).expect("the defaults hold");
        let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 26).expect("a day");
        let taken = &settings.escrow.currencies;
        assert_eq!(taken.len(), 22);
        assert!(taken.iter().all(|currency| currency.offered_on(today).is_ok() && settings.escrow.terms.contains_key(currency)));
        // Contracts of projects that are there are made in all of them.
        assert_eq!(settings.escrow.terms.len(), kernel::Currency::all().count());
        let euro = settings.escrow.terms[&kernel::Currency::EUR];
        assert_eq!((euro.bps, euro.fixed, euro.reserve), (290, 30, 100_000));
    }

    #[test]
    fn a_currency_without_terms_refuses_to_start_and_so_do_terms_that_make_no_sense() {
        let said = faults(&[
            ("BUILD14__PROFILE", "production"),
            ("BUILD14__ESCROW__TERMS__SEK__PROCESSING_BASIS_POINTS", ""),
            ("BUILD14__ESCROW__TERMS__GBP__PROCESSING_BASIS_POINTS", "5001"),
        ]);
        assert!(said.contains("escrow.terms.sek.processing_basis_points: must be given: escrow.currencies allows SEK"), "{said}");
        assert!(said.contains("escrow.terms.gbp.processing_basis_points: must be at most 5000"), "{said}");
        assert!(
            faults(&[("BUILD14__ESCROW__CURRENCIES", "EUR, XYZ")]).contains("escrow.currencies: \"XYZ\" is not an ISO 4217 code")
        );
        assert!(faults(&[("BUILD14__ESCROW__CURRENCIES", "")]).contains("escrow.currencies: at least one"));
        assert!(faults(&[("BUILD14__ESCROW__TERMS__XYZ__RESERVE_MINOR", "1")]).contains("there is no such setting"));
        let looks = faults(&[("BUILD14__ESCROW__LOOK_AGAIN_AFTER", "5m, 1m"), ("BUILD14__ESCROW__LOOK_AGAIN_EVERY", "1s")]);
        assert!(looks.contains("each must be longer") && looks.contains("must be a minute at least"), "{looks}");
        let without = [("BUILD14__ESCROW__CURRENCIES", "EUR"), ("BUILD14__ESCROW__TERMS__SEK__RESERVE_MINOR", "")];
        let without: Vec<_> = without.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert!(crate::config::load_from(&without).is_ok(), "one that is not allowed needs none");
    }
}
