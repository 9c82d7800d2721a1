//! The terms of currencies as `config/default.toml` has them.

fn faults(variables: &[(&str, &str)]) -> String {
    let variables: Vec<_> = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    crate::config::load_from(&variables).expect_err("refused").to_string()
}

#[test]
fn every_currency_that_is_taken_by_default_has_terms_and_is_not_over() {
    let settings = crate::config::load_from(&[]).expect("the defaults hold");
    let escrow = escrow::Settings::read(&mut settings.reader());
    let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 26).expect("a day");
    let taken = &escrow.currencies;
    assert_eq!(taken.len(), 22);
    assert!(taken.iter().all(|currency| currency.offered_on(today).is_ok() && escrow.processing.contains_key(currency)));
    // Contracts of projects that are there are made in all of them.
    assert_eq!(escrow.processing.len(), kernel::Currency::all().count());
    let euro = escrow.processing[&kernel::Currency::EUR];
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
    assert!(looks.contains("each must be longer") && looks.contains("1s must be from 1m to 1day"), "{looks}");
    let without = [("BUILD14__ESCROW__CURRENCIES", "EUR"), ("BUILD14__ESCROW__TERMS__SEK__RESERVE_MINOR", "")];
    let without: Vec<_> = without.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    assert!(crate::config::load_from(&without).is_ok(), "one that is not allowed needs none");
}
