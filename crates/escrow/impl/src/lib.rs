//! Contracts, milestones, protected payments and the ledger (docs/domain/contracts.md, docs/domain/money.md).
//!
//! An award opens a contract; both parties sign its document; the owner funds a milestone, the contractor works, the owner approves, the
//! money is released. Charges are on the platform's own account and a release is a separate transfer, so nobody is ever paid twice.
//!
//! Invariants, each kept by the database and looked at by [`doctor`]:
//! - The ledger sums to zero per transaction (deferred trigger), is written only by `app.post_ledger` with this program's proof, once per source, and never changed.
//! - A contract with its lines and milestones is written only by `app.open_contract`, with the same proof; that a release may have left is taken back
//!   likewise.
//! - What is held can never be overdrawn (CHECK on the balance row).
//! - Lines and milestones of a contract sum to its total (deferred trigger).
//! - One live payment per milestone, one release under way, one transfer per release.
//! - Coverage, per currency: the platform's float ([`post_float`]) and what is at the provider cover what is owed. Should more lack than the
//!   platform's reserve, new funding is refused and releases that have not left wait, until the sweep or a float finds it covered again; a
//!   person is woken meanwhile. What the provider takes above the estimate of the contract's terms is the platform's cost.
//! - The platform's own money is posted exactly as the provider shows the top-up, the payout or the booking, once, and never a payout of what is
//!   owed (trigger).
//! - The provider's own balance is read with each sweep and compared with the books, per currency: less stops the same, until it is right
//!   again. A balance that cannot be read changes nothing that was found before, and becomes an alarm.
//! - What a person must look at is an alarm: a row, raised in the transaction of what happened, until it is settled or over.
//! - A contract whose contractor's account is closed is suspended until the new one, which an owner of that side asks for, is active. What may
//!   have been sent to the old account is never sent to the new one.
//! - Held money does not grow old unseen: its contract is not funded further from 75 days on, a person is woken from 85 (docs/domain/money.md).
//! - A release on its way for an hour wakes a person. Unknown for a day, it is a person's to settle: [`Service::resolve_release`].
//! - A contract ends by agreement of both parties while nothing of its money is held or payable; afterwards what is paid is in suspense.
//! - Money in suspense stays there, found by the doctor, until a person has it given back ([`Service::refund_suspense`]); it pays for nothing else.
//! - What is missing at the provider stops its currency until it is posted: in the end as the platform's loss ([`post_loss`]),
//!   which what turns up again takes back ([`post_recovery`]).
//! - While a hold is open on a milestone or its contract (`holds`) nothing is funded, approved or released there, whoever asks, and nothing
//!   that waits is sent; `milestones.frozen` follows (trigger). [`freeze`] and [`unfreeze`] are a person's.
//! - The provider is never called inside a transaction. An intent row comes first, its id is the idempotency key, the result row follows;
//!   whatever dies in between, the same job run again comes to the same end. Only what is harmless until it is paid gets another key, once
//!   the provider failed under the first.
//!
//! What the provider tells by itself comes by `inbox`: this domain hears of payment intents, charges, transfers, accounts and the balance, and looks.
//!
//! [`Service`] is every service trait of `escrow-api`, the port of tenders, and what does the tasks of [`jobs`]; [`routes`] are the endpoints; [`MODULE`]
//! is how the server finds it all.
//!
//! Tables owned: `contracts`, `contract_lines`, `contract_signatures`, `contract_sums`, `contract_terminations`, `milestones`, `milestone_reviews`, `escrow_accounts`, `payments`,
//! `releases`, `release_replacements`, `payee_accounts`, `payee_accounts_retired`, `ledger_accounts`, `ledger_transactions`, `ledger_entries`, `ledger_balances`,
//! `posted_objects`, `refund_orders`, `platform_float`, `platform_coverage`, `platform_balance_looks`, `platform_reserves`, `holds`, `charge_incidents`, `charge_watch`.

mod http;
pub mod jobs;
mod ledger;
mod model;
mod module;
mod repo;
mod schema;
mod service;
mod settings;

pub use http::routes;
pub use module::MODULE;
pub use service::{
    Dependencies, Float, FloatError, FloatPosted, GivenBack, HoldError, HoldPlace, Lifted, LossError, NotGivenBack, Own,
    RecoveryError, Resolution, Service, SettledReversal, Settlement, Unsettled, doctor, freeze, post_float, post_loss,
    post_recovery, unfreeze,
};
pub use settings::{Processing, Settings};
