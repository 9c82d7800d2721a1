//! Commands about money that moved at the payment provider: the platform's own, and what became of releases there.

use std::process::ExitCode;

use escrow::Own;
use kernel::{Decision, counted};

use super::reach::{on_both, on_services};
use super::{block_on, print_line};
use crate::config::Settings;
use crate::services;

/// What an operator names of the platform's own money. Its amount the provider tells.
#[derive(Debug, clap::Args)]
pub struct OwnMoney {
    /// The provider's id of what moved it
    #[arg(long)]
    source: String,
    /// How much you think it is, such as 250.00: refused if the provider says otherwise
    #[arg(long, allow_hyphen_values = true, requires = "currency")]
    amount: Option<String>,
    /// ISO 4217 code of that amount, such as EUR
    #[arg(long, requires = "amount")]
    currency: Option<String>,
}

/// `build14 float|payout|cost --source … [--amount … --currency …] --operator … [--reason …]`
///
/// # Errors
/// What is wrong with the source or the amount; if the provider shows no such object, no money moved, or it was posted before; if a payout was not
/// all the platform's own; if the database or the provider does not answer.
pub fn own_money(settings: &Settings, own: Own, named: &OwnMoney, by: &Decision) -> anyhow::Result<ExitCode> {
    let expected = named.amount.as_deref().zip(named.currency.as_deref());
    let float = escrow::Float::parse(own, &named.source, expected)?;
    let kind = match own {
        Own::ComesIn => "float",
        Own::IsPaidOut => "payout",
        Own::IsTaken => "cost",
    };
    block_on(async {
        let posted =
            on_both(settings, async |urls, stripe| services::post_float(settings, &urls.system, stripe, &float, by).await)
                .await?;
        tell(&format!("{kind} {}, {} at the provider", named.source, posted.status), &posted);
        Ok(ExitCode::SUCCESS)
    })
}

/// What was posted of the platform's own money, and where that leaves its currency.
fn tell(what: &str, posted: &escrow::FloatPosted) {
    print_line(what);
    for entry in &posted.entries {
        print_line(&format!("     {} {:<20} {:>16}", entry.account, entry.name, entry.amount.to_string()));
    }
    let (surplus, currency) = (posted.surplus, posted.surplus.currency());
    if surplus.minor().saturating_add(posted.reserve.minor()) < 0 {
        print_line(&format!("{currency} is short ({surplus}): new funding and new releases are stopped"));
    } else if posted.missing.minor() > 0 {
        let missing = posted.missing;
        print_line(&format!(
            "by the books {currency} has a surplus of {surplus}, but Stripe's balance lacked {missing} when it was last asked: the sweep asks again"
        ));
    } else if surplus.minor() < 0 {
        let reserve = posted.reserve;
        print_line(&format!("{currency} is short ({surplus}), within the platform's reserve of {reserve}: nothing is stopped"));
    } else {
        let on = counted(posted.resumed, "waiting release goes on", "waiting releases go on");
        print_line(&format!("{currency} is covered, with a surplus of {surplus}; {on}"));
    }
}

/// `build14 loss --amount … --currency … --operator … --reason …`
///
/// # Errors
/// If nothing is missing at the provider, or another amount; if the database or the provider does not answer.
pub fn loss(settings: &Settings, amount: &str, currency: &str, by: &Decision) -> anyhow::Result<ExitCode> {
    block_on(async {
        let posted = on_both(settings, async |urls, stripe| {
            services::post_loss(settings, &urls.system, stripe, (amount, currency), by).await
        })
        .await?;
        let loss = &posted.source;
        tell(&format!("loss {loss}, missing at the provider; what turns up again: `build14 recovery --loss {loss}`"), &posted);
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 recovery --loss <id> --amount … --currency … --operator … --reason …`
///
/// # Errors
/// If there is no such loss, less of it is open or there; if the database or the provider does not answer.
pub fn recovery(settings: &Settings, loss: uuid::Uuid, named: (&str, &str), by: &Decision) -> anyhow::Result<ExitCode> {
    block_on(async {
        let posted = on_both(settings, async |urls, stripe| {
            services::post_recovery(settings, &urls.system, stripe, loss, named, by).await
        })
        .await?;
        tell(&format!("recovery {}, of loss {loss}", posted.source), &posted);
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 suspense-refund --payment <id> --operator … --reason …`
///
/// # Errors
/// If nothing of the payment waits in suspense, or the provider does not give it back.
pub fn suspense_refund(settings: &Settings, payment: uuid::Uuid, by: &Decision) -> anyhow::Result<ExitCode> {
    block_on(async {
        let given = on_services(settings, async |services| Ok(services.refund_suspense(payment.into(), by).await?)).await?;
        print_line(&format!("payment {payment}: given back with {}; {} of it wait", given.refunds.join(", "), given.waiting));
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 release-settle --release <id> (--sent tr_… | --not-sent) --operator … [--reason …]`
///
/// # Errors
/// If the release is not unknown, may still be sent by itself, or the provider's transfers say otherwise.
pub fn release_settle(settings: &Settings, release: uuid::Uuid, sent: Option<String>, by: &Decision) -> anyhow::Result<ExitCode> {
    let resolution = sent.map_or(escrow::Resolution::NotSent, escrow::Resolution::Sent);
    block_on(async {
        let resolved =
            on_services(settings, async |services| Ok(services.resolve_release(release.into(), &resolution, by).await?)).await?;
        let transfer = resolved.transfer.as_deref().unwrap_or("no transfer");
        print_line(&format!("release {release} is {} ({transfer})", resolved.status.name()));
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 reversal-settle --release <id> (--paid-with tr_… | --paid-outside <reference> --amount … | --held-again) --operator … --reason …`
///
/// # Errors
/// If nothing of the release came back, or another amount than was paid outside, or the provider's transfers say otherwise.
pub fn reversal_settle(
    settings: &Settings,
    release: uuid::Uuid,
    paid_with: Option<String>,
    paid_outside: Option<(kernel::Reason, rust_decimal::Decimal)>,
    by: &Decision,
) -> anyhow::Result<ExitCode> {
    let settlement = match (paid_with, paid_outside) {
        (Some(transfer), _) => escrow::Settlement::PaidWith(transfer),
        (None, Some((reference, amount))) => escrow::Settlement::PaidOutside { reference, amount },
        (None, None) => escrow::Settlement::HeldAgain,
    };
    block_on(async {
        let settled =
            on_services(settings, async |services| Ok(services.settle_reversal(release.into(), &settlement, by).await?)).await?;
        let escrow::SettledReversal { amount, .. } = settled;
        print_line(&format!("release {release}: what came back ({amount}) is settled; its contract's money may move again"));
        Ok(ExitCode::SUCCESS)
    })
}
