//! Exact values and every fault of pricing.

use kernel::SoqLineId;
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
        kind: kind.name().into(),
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

fn deadline() -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000, 0).expect("2027-01-15T08:00:00Z")
}

fn bid(lines: &[TenderLine], rates: &[(usize, &str)]) -> NewBid {
    let lines = rates.iter().map(|(at, rate)| OfferedRate { soq_line: lines[*at].soq_line, rate: dec(rate) }).collect();
    NewBid { lines, valid_until: NaiveDate::from_ymd_opt(2027, 1, 15).expect("a date"), note: None, total: None }
}

fn faults(lines: &[TenderLine], bid: &NewBid) -> Vec<String> {
    match price(lines, bid, Currency::EUR, deadline()) {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|f| format!("{} {}", f.pointer, f.code)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_server_sums_rounded_lines_and_fills_provisional_sums() {
    let lines = schedule();
    let content =
        price(&lines, &bid(&lines, &[(1, "10.2345"), (2, "99.99"), (4, "7")]), Currency::EUR, deadline()).expect("valid");
    // 120.5 × 10.2345 = 1233.25725 → 1233.26; the optional line does not count.
    let amounts: Vec<_> = content.lines.iter().map(|line| line.amount.minor()).collect();
    assert_eq!(amounts, [123_326, 9_999, 50_000, 1_400]);
    assert_eq!(content.total.to_string(), "1833.25 EUR");
    assert_eq!(recheck(&lines, &content, Currency::EUR), Some(()));
}

#[test]
fn the_vector_of_the_domain_page_holds() {
    let lines = vec![line("1", LineKind::Measured, Some("100"), None), line("2", LineKind::Measured, Some("7"), None)];
    let content = price(&lines, &bid(&lines, &[(0, "90.02"), (1, "92.4286")]), Currency::EUR, deadline()).expect("valid");
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
            "/lines/0/soqLineId NOT_PRICED",
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
fn a_total_that_the_client_sends_is_compared() {
    let lines = schedule();
    let mut offer = bid(&lines, &[(1, "10"), (2, "1"), (4, "0")]);
    offer.total = Some(Money::from_minor(170_600, Currency::EUR));
    assert!(price(&lines, &offer, Currency::EUR, deadline()).is_ok());
    offer.total = Some(Money::from_minor(170_601, Currency::EUR));
    assert_eq!(faults(&lines, &offer), ["/total/amount TOTAL_DIFFERS"]);
    offer.total = Some(Money::from_minor(170_600, "USD".parse().expect("known")));
    assert_eq!(faults(&lines, &offer), ["/total/currency CURRENCY_DIFFERS"]);
}

#[test]
fn a_bid_of_nothing_and_one_beyond_measure_are_refused() {
    let lines = vec![line("1", LineKind::Measured, Some("99999999999999"), None)];
    assert_eq!(faults(&lines, &bid(&lines, &[(0, "0")])), ["/lines OUT_OF_RANGE"]);
    assert_eq!(faults(&lines, &bid(&lines, &[(0, "99999999999999")])), ["/lines OUT_OF_RANGE", "/lines OUT_OF_RANGE"][..1]);
}

#[test]
fn what_was_sealed_is_checked_again() {
    let lines = schedule();
    let mut content = price(&lines, &bid(&lines, &[(1, "10"), (2, "1"), (4, "0")]), Currency::EUR, deadline()).expect("valid");
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
        match price(&lines, &offer, Currency::EUR, deadline()) {
            Ok(content) => prop_assert_eq!(content.total.minor(), expected),
            Err(_) => prop_assert_eq!(expected, 0),
        }
    }
}
