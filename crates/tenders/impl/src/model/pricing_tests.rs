//! Exact values and every fault of pricing.

use kernel::SoqLineId;
use projects_api::LineKind;
use proptest::prelude::*;

use super::*;

fn dec(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn line(code: &str, kind: LineKind, quantity: Option<&str>, fixed: Option<&str>) -> TenderLine {
    TenderLine {
        soq_line: SoqLineId::new(),
        position: 1,
        code: code.into(),
        description: code.into(),
        kind,
        unit_code: Some("MTQ".into()),
        unit_text: None,
        quantity: quantity.map(dec),
        fixed_rate: fixed.map(dec),
        unit: None,
    }
}

fn schedule() -> Vec<TenderLine> {
    vec![
        line("01", LineKind::Heading, None, None),
        line("01.1", LineKind::Measured, Some("120.5"), None),
        line("01.2", LineKind::LumpSum, Some("1"), None),
        line("01.3", LineKind::ProvisionalDefined, Some("1"), Some("500")),
        line("01.4", LineKind::Optional, Some("2"), None),
    ]
}

/// So many milestones.
fn plan_of(number: usize) -> Vec<Milestone> {
    vec![Milestone { title: "Part".into(), share: tenders_api::Share::Weight(Decimal::ONE), due_on: None }; number]
}

fn deadline() -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 1, 15).expect("a date")
}

fn bid(lines: &[TenderLine], rates: &[(usize, &str)]) -> NewBid {
    let lines = rates.iter().map(|(at, rate)| OfferedRate { soq_line: lines[*at].soq_line, rate: dec(rate) }).collect();
    NewBid { lines, valid_until: NaiveDate::from_ymd_opt(2027, 1, 15).expect("a date"), note: None, total: None }
}

fn faults(lines: &[TenderLine], bid: &NewBid) -> Vec<String> {
    match price(lines, bid, Currency::EUR, deadline(), &plan_of(1)) {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|f| format!("{} {}", f.pointer, f.code)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_server_sums_rounded_lines_and_fills_provisional_sums() {
    let lines = schedule();
    let content = price(&lines, &bid(&lines, &[(1, "10.2345"), (2, "99.99"), (4, "7")]), Currency::EUR, deadline(), &plan_of(1))
        .expect("valid");
    // 120.5 × 10.2345 = 1233.25725 → 1233.26; the optional line does not count.
    let amounts: Vec<_> = content.lines.iter().map(|line| line.amount.minor()).collect();
    assert_eq!(amounts, [123_326, 9_999, 50_000, 1_400]);
    assert_eq!(content.total.to_string(), "1833.25 EUR");
    assert_eq!(recheck(&lines, &content, Currency::EUR), Some(()));
}

#[test]
fn the_vector_of_the_domain_page_holds() {
    let lines = vec![line("1", LineKind::Measured, Some("100"), None), line("2", LineKind::Measured, Some("7"), None)];
    let content =
        price(&lines, &bid(&lines, &[(0, "90.02"), (1, "92.4286")]), Currency::EUR, deadline(), &plan_of(1)).expect("valid");
    assert_eq!(content.total.to_string(), "9649.00 EUR");
}

#[test]
fn all_faults_come_at_once() {
    let lines = schedule();
    let mut offer = bid(&lines, &[(0, "1"), (1, "-1"), (1, "2"), (3, "501"), (4, "0.00001")]);
    offer.lines.push(OfferedRate { soq_line: SoqLineId::new(), rate: dec("1") });
    offer.valid_until = NaiveDate::from_ymd_opt(2027, 1, 14).expect("a date");
    assert_eq!(
        faults(&lines, &offer),
        [
            "/lines/0/soqLineId NOT_ALLOWED",
            "/lines/1/rate OUT_OF_RANGE",
            "/lines/2/soqLineId DUPLICATE",
            "/lines/3/rate PROVISIONAL_SUM_CHANGED",
            "/lines/4/rate TOO_MANY_DECIMALS",
            "/lines/5/soqLineId UNKNOWN_LINE",
            "/lines LINE_NOT_PRICED",
            "/validUntil TOO_SOON",
        ]
    );
}

#[test]
fn a_draft_may_price_some_lines_or_none() {
    let lines = schedule();
    let draft = |offer: &NewBid| price_draft(&lines, offer, Currency::EUR, deadline()).expect("valid");
    let some = draft(&bid(&lines, &[(1, "10")]));
    assert_eq!((some.lines.len(), some.total.to_string()), (2, "1705.00 EUR".to_owned()), "with the provisional sum");
    assert_eq!(draft(&bid(&lines, &[])).total.to_string(), "500.00 EUR");
    let free = [line("1", LineKind::Measured, Some("1"), None), line("2", LineKind::Measured, Some("1"), None)];
    let nothing = price_draft(&free, &bid(&free, &[(0, "0")]), Currency::EUR, deadline()).expect("a total of 0 is fine");
    assert_eq!((nothing.lines.len(), nothing.total.minor()), (1, 0));
}

#[test]
fn what_a_draft_gives_is_checked() {
    let lines = schedule();
    let mut draft = bid(&lines, &[(1, "99999999999999"), (3, "501")]);
    draft.valid_until = NaiveDate::from_ymd_opt(2027, 1, 14).expect("a date");
    draft.total = Some(Money::from_minor(1, "USD".parse().expect("known")));
    let refused = |draft: &NewBid| match price_draft(&lines, draft, Currency::EUR, deadline()) {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|f| format!("{} {}", f.pointer, f.code)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let expected = ["/lines/1/rate PROVISIONAL_SUM_CHANGED", "/validUntil TOO_SOON", "/total/currency CURRENCY_MISMATCH"];
    assert_eq!(refused(&draft), expected);
    let mut draft = bid(&lines, &[(1, "10")]);
    draft.total = Some(Money::from_minor(120_500, Currency::EUR));
    assert_eq!(refused(&draft), ["/total/amount TOTAL_DIFFERS"], "the provisional sum counts");
    draft.total = Some(Money::from_minor(170_500, Currency::EUR));
    assert!(price_draft(&lines, &draft, Currency::EUR, deadline()).is_ok());
    let lines = vec![line("1", LineKind::Measured, Some("99999999999999"), None)];
    let beyond = price_draft(&lines, &bid(&lines, &[(0, "99999999999999")]), Currency::EUR, deadline());
    assert!(matches!(beyond, Err(Error::Invalid(_))), "beyond measure");
}

#[test]
fn a_total_that_the_client_sends_is_compared() {
    let lines = schedule();
    let mut offer = bid(&lines, &[(1, "10"), (2, "1"), (4, "0")]);
    offer.total = Some(Money::from_minor(170_600, Currency::EUR));
    assert!(price(&lines, &offer, Currency::EUR, deadline(), &plan_of(1)).is_ok());
    offer.total = Some(Money::from_minor(170_601, Currency::EUR));
    assert_eq!(faults(&lines, &offer), ["/total/amount TOTAL_DIFFERS"]);
    offer.total = Some(Money::from_minor(170_600, "USD".parse().expect("known")));
    assert_eq!(faults(&lines, &offer), ["/total/currency CURRENCY_MISMATCH"]);
}

#[test]
fn a_bid_of_nothing_and_one_beyond_measure_are_refused() {
    let lines = vec![line("1", LineKind::Measured, Some("99999999999999"), None)];
    assert_eq!(faults(&lines, &bid(&lines, &[(0, "0")])), ["/lines OUT_OF_RANGE"]);
    assert_eq!(faults(&lines, &bid(&lines, &[(0, "99999999999999")])), ["/lines OUT_OF_RANGE", "/lines OUT_OF_RANGE"][..1]);
}

#[test]
fn every_milestone_gets_something_of_the_total() {
    let lines = vec![line("1", LineKind::Measured, Some("1"), None)];
    let offer = bid(&lines, &[(0, "0.02")]);
    assert!(price(&lines, &offer, Currency::EUR, deadline(), &plan_of(2)).is_ok());
    let Err(Error::Invalid(faults)) = price(&lines, &offer, Currency::EUR, deadline(), &plan_of(3)) else {
        panic!("it is refused")
    };
    let told: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.code, f.detail.as_str())).collect();
    let detail = "the total must be at least 0.03 EUR: it is 0.02 EUR, to be paid in 3 milestones";
    assert_eq!(told, [("/lines", "OUT_OF_RANGE", detail)]);
    assert!(price_draft(&lines, &offer, Currency::EUR, deadline()).is_ok(), "a draft is not awarded");
}

#[test]
fn a_hundred_faults_are_told_those_of_the_whole_among_them() {
    let lines: Vec<_> = (0..20_000).map(|_| line("x", LineKind::Measured, Some("1"), None)).collect();
    let mut offer = bid(&lines, &[]);
    offer.valid_until = NaiveDate::from_ymd_opt(2027, 1, 14).expect("a date");
    let faults = faults(&lines, &offer);
    assert_eq!((faults.len(), faults[98].as_str(), faults[99].as_str()), (100, "/lines LINE_NOT_PRICED", "/validUntil TOO_SOON"));
}

#[test]
fn what_was_sealed_is_checked_again() {
    let lines = schedule();
    let mut content =
        price(&lines, &bid(&lines, &[(1, "10"), (2, "1"), (4, "0")]), Currency::EUR, deadline(), &plan_of(1)).expect("valid");
    content.total = Money::from_minor(content.total.minor() - 1, Currency::EUR);
    assert_eq!(recheck(&lines, &content, Currency::EUR), None);
}

proptest! {
    #[test]
    fn the_total_is_the_sum_of_the_rounded_lines(parts in prop::collection::vec((1_i64..10_000_000, 1_i64..10_000_000), 1..20)) {
        let lines: Vec<_> = parts.iter().map(|(quantity, _)| {
            TenderLine { quantity: Some(Decimal::new(*quantity, 4)), ..line("x", LineKind::Measured, None, None) }
        }).collect();
        let mut offer = bid(&lines, &[]);
        offer.lines = lines.iter().zip(&parts).map(|(line, (_, rate))| OfferedRate { soq_line: line.soq_line, rate: Decimal::new(*rate, 4) }).collect();
        // In units of 10⁻⁸: half up to 10⁻².
        let expected: i64 = parts.iter().map(|(quantity, rate)| (quantity * rate + 500_000) / 1_000_000).sum();
        match price(&lines, &offer, Currency::EUR, deadline(), &plan_of(1)) {
            Ok(content) => prop_assert_eq!(content.total.minor(), expected),
            Err(_) => prop_assert_eq!(expected, 0),
        }
    }
}
