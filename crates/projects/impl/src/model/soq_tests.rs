//! Tests of the rules of schedules of quantities, with the vectors of docs/domain/schedules.md.

use proptest::prelude::*;

use super::*;
use crate::model::{dec, faults_of};

fn draft(kind: LineKind, quantity: Option<&str>, rate: Option<&str>) -> LineDraft {
    LineDraft {
        id: None,
        code: "01.1".into(),
        description: "Concrete C25/30".into(),
        kind,
        unit: None,
        unit_text: None,
        quantity: quantity.map(dec),
        estimate_rate: rate.map(dec),
        unit_id: None,
    }
}

fn schedule(drafts: Vec<LineDraft>) -> Result<Content, Error> {
    checked("Shell", drafts, Currency::EUR, &Known::default())
}

fn faults(drafts: Vec<LineDraft>) -> Vec<(String, &'static str)> {
    faults_of(schedule(drafts))
}

#[test]
fn the_vector_of_the_domain_page_adds_up() {
    use LineKind::{Heading, LumpSum, Measured, Optional, ProvisionalDefined};
    let content = schedule(vec![
        draft(Heading, None, None),
        draft(Measured, Some("120.5"), Some("62.5")),
        draft(Measured, Some("0.333"), Some("0.5")),
        draft(LumpSum, None, Some("1117.58")),
        draft(ProvisionalDefined, None, Some("1000")),
        draft(Optional, Some("10"), Some("99999")),
        draft(Measured, Some("3"), None),
    ])
    .expect("valid");
    let amounts: Vec<_> = content.lines.iter().map(|line| line.estimate_amount.map(Money::minor)).collect();
    assert_eq!(amounts, [None, Some(753_125), Some(17), Some(111_758), Some(100_000), Some(99_999_000), None]);
    assert_eq!(content.total.to_string(), "9649.00 EUR");

    // −5 % → 9166.55, 19 % of it = 1741.64, together 10908.19: the same rounding at every step.
    let discounted = amount_of(content.total.to_decimal(), dec("0.95"), Currency::EUR).expect("fits");
    let tax = amount_of(discounted.to_decimal(), dec("0.19"), Currency::EUR).expect("fits");
    assert_eq!((discounted.minor(), tax.minor()), (916_655, 174_164));
    assert_eq!(discounted.checked_add(tax).expect("fits").to_string(), "10908.19 EUR");
}

#[test]
fn lines_are_numbered_in_order_and_keep_their_identity() {
    let id = SoqLineId::new();
    let known = Known { lines: HashSet::from([id]), units: HashSet::new() };
    let kept = LineDraft { id: Some(id), ..draft(LineKind::Measured, Some("1"), None) };
    let content = checked(" Shell ", vec![draft(LineKind::Text, None, None), kept], Currency::EUR, &known).expect("valid");
    assert_eq!(content.title, "Shell");
    assert_eq!(content.lines.iter().map(|line| line.position).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(content.lines[1].id, id);
    assert_ne!(content.lines[0].id, id);
}

#[test]
fn references_must_be_known_and_identities_unique() {
    let (known_line, known_unit) = (SoqLineId::new(), UnitId::new());
    let known = Known { lines: HashSet::from([known_line]), units: HashSet::from([known_unit]) };
    let with = |id, unit_id| LineDraft { id, unit_id, ..draft(LineKind::Measured, Some("1"), None) };
    let lines = vec![
        with(Some(known_line), Some(known_unit)),
        with(Some(known_line), None),
        with(Some(SoqLineId::new()), Some(UnitId::new())),
    ];
    assert_eq!(
        faults_of(checked("Shell", lines, Currency::EUR, &known)),
        [
            ("/lines/1/id".to_owned(), "DUPLICATE"),
            ("/lines/2/id".to_owned(), "NOT_FOUND"),
            ("/lines/2/unitId".to_owned(), "NOT_FOUND"),
        ]
    );
}

#[test]
fn headings_and_texts_have_no_price() {
    for kind in [LineKind::Heading, LineKind::Text] {
        let line = LineDraft { unit: Some("m2".into()), ..draft(kind, Some("1"), Some("1")) };
        assert_eq!(
            faults(vec![line]),
            [
                ("/lines/0/unitCode".to_owned(), "NOT_ALLOWED"),
                ("/lines/0/quantity".to_owned(), "NOT_ALLOWED"),
                ("/lines/0/estimateRate".to_owned(), "NOT_ALLOWED"),
            ]
        );
    }
}

#[test]
fn sums_are_one_whole_and_provisional_sums_name_their_amount() {
    use LineKind::{LumpSum, Measured, Optional, ProvisionalDefined, ProvisionalUndefined};
    for kind in [LumpSum, ProvisionalDefined, ProvisionalUndefined] {
        let content = schedule(vec![draft(kind, None, Some("500"))]).expect("valid");
        assert_eq!((content.lines[0].quantity, content.lines[0].unit_code.as_deref()), (Some(Decimal::ONE), Some("LS")));
        assert!(schedule(vec![draft(kind, Some("1.0000"), Some("500"))]).is_ok());
        assert_eq!(faults(vec![draft(kind, Some("2"), Some("500"))]), [("/lines/0/quantity".to_owned(), "OUT_OF_RANGE")]);
    }
    for kind in [ProvisionalDefined, ProvisionalUndefined] {
        assert_eq!(faults(vec![draft(kind, None, None)]), [("/lines/0/estimateRate".to_owned(), "REQUIRED")]);
        assert_eq!(faults(vec![draft(kind, None, Some("0.005"))]), [("/lines/0/estimateRate".to_owned(), "TOO_MANY_DECIMALS")]);
    }
    assert!(schedule(vec![draft(LumpSum, None, None)]).is_ok(), "an estimate may be missing");
    for kind in [Measured, Optional] {
        assert_eq!(faults(vec![draft(kind, None, Some("1"))]), [("/lines/0/quantity".to_owned(), "REQUIRED")]);
        assert_eq!(faults(vec![draft(kind, Some("0"), None)]), [("/lines/0/quantity".to_owned(), "OUT_OF_RANGE")]);
    }
}

#[test]
fn units_are_normalised_and_unknown_ones_kept_as_text() {
    let with = |unit: Option<&str>, text: Option<&str>| {
        let line = LineDraft {
            unit: unit.map(str::to_owned),
            unit_text: text.map(str::to_owned),
            ..draft(LineKind::Measured, Some("1"), None)
        };
        let line = schedule(vec![line]).expect("valid").lines.remove(0);
        (line.unit_code, line.unit_text)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(with(Some(" Sq. m. "), None), (some("MTK"), some("Sq. m.")));
    assert_eq!(with(Some("MTQ"), Some("cbm")), (some("MTQ"), some("cbm")));
    assert_eq!(with(None, Some("Stk")), (some("H87"), some("Stk")));
    assert_eq!(with(Some("P. point"), None), (None, some("P. point")));
    assert_eq!(with(Some("  "), None), (None, None));
    assert_eq!(with(Some("SMI"), Some("Miles")), (some("SMI"), some("Miles")), "both are kept");
    assert_eq!(with(Some("SMI"), None), (some("SMI"), some("SMI")), "every code of the Recommendations");
    assert_eq!(with(Some("XBG"), Some("bags of 25 kg")), (some("XBG"), some("bags of 25 kg")));
    assert_eq!(with(Some("EA"), Some("per door")), (some("EA"), some("per door")), "with a text, the code is the code");
    for code in ["LM", "RM", "HA", "KGS", "NR", "EA", "STK"] {
        assert_eq!(with(Some(code), None), (some(code), some(code)), "alone, too");
    }
    assert_eq!(with(None, Some("EA")), (some("H87"), some("EA")), "a text is a usual spelling first");
    assert_eq!(with(Some("rm"), None), (None, some("rm")), "a ream, or running metres: nobody guesses");
    assert_eq!(with(Some("\u{200b}"), Some("\u{3164} ")), (None, None), "what nobody sees is no unit");
    assert_eq!(with(None, Some("M4")), (None, some("M4")), "a text is not searched for rare codes");
}

#[test]
fn a_unit_code_beside_a_text_is_never_dropped() {
    let line = LineDraft {
        unit: Some("Sack".to_owned()),
        unit_text: Some("Sack zu 25 kg".to_owned()),
        ..draft(LineKind::Measured, Some("1"), None)
    };
    assert_eq!(faults(vec![line]), [("/lines/0/unitCode".to_owned(), "NOT_ONE_OF")]);
}

#[test]
fn units_are_visible_text() {
    let line = LineDraft {
        unit: Some("m2\u{200b}".to_owned()),
        unit_text: Some("m\u{202e}2".to_owned()),
        ..draft(LineKind::Measured, Some("1"), None)
    };
    let expected = ["/lines/0/unitCode", "/lines/0/unitText"].map(|pointer| (pointer.to_owned(), "INVALID_CHARACTER"));
    assert_eq!(faults(vec![line]), expected);
    let long = LineDraft { unit_text: Some("ä".repeat(41)), ..draft(LineKind::Measured, Some("1"), None) };
    assert_eq!(faults(vec![long]), [("/lines/0/unitText".to_owned(), "TOO_LONG")]);
}

#[test]
fn what_is_too_large_is_told_not_a_panic() {
    let most = "99999999999999.9999";
    assert_eq!(
        faults(vec![draft(LineKind::Measured, Some(most), Some(most))]),
        [("/lines/0/estimateRate".to_owned(), "OUT_OF_RANGE")]
    );
    let nearly = draft(LineKind::Measured, Some("900"), Some("99999999999999"));
    assert!(schedule(vec![nearly.clone()]).is_ok());
    assert_eq!(faults(vec![nearly.clone(), nearly]), [("/lines".to_owned(), "OUT_OF_RANGE")]);
    let long = LineDraft { code: "x".repeat(65), description: "ä".repeat(4001), ..draft(LineKind::Text, None, None) };
    let expected = [("/lines/0/code".to_owned(), "TOO_LONG"), ("/lines/0/description".to_owned(), "TOO_LONG")];
    assert_eq!(faults(vec![long]), expected);
    let decimals = draft(LineKind::Measured, Some("0.00001"), Some("100000000000000"));
    let expected = [("/lines/0/quantity".to_owned(), "TOO_MANY_DECIMALS"), ("/lines/0/estimateRate".to_owned(), "OUT_OF_RANGE")];
    assert_eq!(faults(vec![decimals]), expected);
    assert_eq!(faults(vec![draft(LineKind::Text, None, None); MOST_LINES + 1]), [("/lines".to_owned(), "TOO_MANY")]);
    assert_eq!(faults(vec![draft(LineKind::Measured, None, None); 1000]).len(), 100, "the first hundred faults are enough");
}

#[test]
fn only_a_draft_with_something_to_price_can_be_frozen() {
    let lines = |kind| schedule(vec![draft(kind, (kind == LineKind::Measured).then_some("1"), None)]).expect("valid").lines;
    assert!(freezable(SoqStatus::Draft, &lines(LineKind::Measured)).is_ok());
    assert!(matches!(freezable(SoqStatus::Draft, &lines(LineKind::Heading)), Err(Error::State { .. })));
    assert!(matches!(freezable(SoqStatus::Draft, &[]), Err(Error::State { .. })));
    assert!(matches!(freezable(SoqStatus::Frozen, &lines(LineKind::Measured)), Err(Error::SoqFrozen)));
}

fn any_draft() -> impl Strategy<Value = LineDraft> {
    (prop::sample::select(LineKind::ALL), 1_i64..100_000_000, prop::option::of(0_i64..100_000_000)).prop_map(
        |(kind, quantity, rate)| {
            let measured = matches!(kind, LineKind::Measured | LineKind::Optional);
            let rate = rate.map(|rate| if kind.is_provisional() { Decimal::new(rate, 2) } else { Decimal::new(rate, 4) });
            let rate = if kind.is_provisional() { Some(rate.unwrap_or(Decimal::ONE)) } else { rate };
            LineDraft {
                quantity: measured.then(|| Decimal::new(quantity, 4)),
                estimate_rate: kind.is_payable().then_some(rate).flatten(),
                ..draft(kind, None, None)
            }
        },
    )
}

proptest! {
    #[test]
    fn the_total_is_the_sum_of_rounded_lines(drafts in prop::collection::vec(any_draft(), 0..60)) {
        // In integers of 10⁻⁸, rounded half up to cents: an independent reckoning.
        let expected: i128 = drafts.iter().filter(|d| d.kind.counts_in_total()).filter_map(|d| {
            let units = |value: Decimal| value.mantissa() * 10_i128.pow(4 - value.scale());
            Some(units(d.quantity.unwrap_or(Decimal::ONE)) * units(d.estimate_rate?))
        }).map(|amount| (amount + 500_000) / 1_000_000).sum();
        let content = schedule(drafts).expect("valid");
        prop_assert_eq!(i128::from(content.total.minor()), expected);
    }

    #[test]
    fn no_input_panics(kind in prop::sample::select(LineKind::ALL), quantity: Option<i64>, rate: Option<i64>, scale in 0_u32..20, unit: Option<String>, text in "\\PC*") {
        let line = LineDraft {
            quantity: quantity.map(|n| Decimal::new(n, scale)),
            estimate_rate: rate.map(|n| Decimal::new(n, scale)),
            unit,
            description: text.clone(),
            code: text,
            ..draft(kind, None, None)
        };
        if let Ok(content) = schedule(vec![line]) {
            let line = &content.lines[0];
            prop_assert_eq!(line.kind.is_payable(), line.quantity.is_some());
        }
    }
}
