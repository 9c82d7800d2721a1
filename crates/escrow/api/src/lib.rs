//! Contracts, milestones, protected payments and the ledger as other crates see them.
//!
//! Two ports meet here: [`ContractsPort`], through which an award becomes a contract, and [`PaymentProvider`], through which money moves.

pub mod bounds;
mod contract;
mod error;
pub mod fake;
mod hold;
mod ids;
mod provider;
mod service;
mod state;
mod types;

pub use bounds::MilestoneBounds;
pub use contract::{ContractActivated, ContractEnded, ContractsPort, NewContract, NewContractLine, NewMilestone, OpenedContract};
pub use error::Error;
pub use hold::{Hold, HoldKind, HoldScope};
pub use ids::{ContractId, MilestoneId, PaymentId, ReleaseId};
pub use provider::{
    AccountState, BalanceMovement, ChargeNews, ChargeState, DisputeStage, DisputeState, FraudWarning, Holding, IntentStatus,
    NewPaymentIntent, OwnTransfer, PaymentIntentState, PaymentProvider, ProviderError, RefundOrder, RefundState, SettledFunds,
    TransferOrder, TransferState,
};
pub use service::{
    Approve, Contracts, Fund, Milestones, Payees, Payments, RequestChanges, RequestedAmount, Sign, SubmitWork, Terminate,
};
pub use state::{
    ContractStatus, CostBearer, LedgerSource, MilestoneStatus, Party, PayeeStatus, PaymentStatus, ReleaseStatus, ReviewKind,
    TransactionKind,
};
pub use types::{
    Approval, Contract, Finding, Funding, Milestone, MilestoneStory, MilestoneSummary, Onboarding, Payee, Payment, Release,
    Releasing, Review, Signature, Statement, StatementBalance, StatementEntry, StatementTransaction, Terminating, Termination,
    Terms,
};

/// Permissions of this domain (docs/domain/roles.md).
pub mod perm {
    use kernel::Permission;
    /// See contracts (as the owner's side).
    pub const CONTRACTS_READ: Permission = Permission("contracts.read");
    /// Sign for the owner.
    pub const CONTRACTS_SIGN_OWNER: Permission = Permission("contracts.sign_owner");
    /// Sign for the contractor.
    pub const CONTRACTS_SIGN_CONTRACTOR: Permission = Permission("contracts.sign_contractor");
    /// Propose to end a contract, agree to it, or withdraw the proposal; for either side.
    pub const CONTRACTS_TERMINATE: Permission = Permission("contracts.terminate");
    /// Declare practical completion.
    pub const CONTRACTS_COMPLETE: Permission = Permission("contracts.complete");
    /// See milestones.
    pub const MILESTONES_READ: Permission = Permission("milestones.read");
    /// Fund a milestone.
    pub const MILESTONES_FUND: Permission = Permission("milestones.fund");
    /// Submit work (contractor).
    pub const MILESTONES_SUBMIT_WORK: Permission = Permission("milestones.submit_work");
    /// Ask for changes to submitted work.
    pub const MILESTONES_REQUEST_CHANGES: Permission = Permission("milestones.request_changes");
    /// Approve submitted work.
    pub const MILESTONES_APPROVE: Permission = Permission("milestones.approve");
    /// See protected payments.
    pub const ESCROW_READ: Permission = Permission("escrow.read");
    /// Release held money.
    pub const ESCROW_RELEASE: Permission = Permission("escrow.release");
    /// See the statement of a contract.
    pub const STATEMENT_READ: Permission = Permission("statement.read");
    /// See the organisation's payee account.
    pub const PAYEE_READ: Permission = Permission("payee_account.read");
    /// Onboard the organisation's payee account.
    pub const PAYEE_MANAGE: Permission = Permission("payee_account.manage");
    /// Have a new payee account made where the one there was is closed.
    pub const PAYEE_REPLACE: Permission = Permission("payee_account.replace");
    /// All of them.
    pub const ALL: &[Permission] = &[
        CONTRACTS_READ,
        CONTRACTS_SIGN_OWNER,
        CONTRACTS_SIGN_CONTRACTOR,
        CONTRACTS_TERMINATE,
        CONTRACTS_COMPLETE,
        MILESTONES_READ,
        MILESTONES_FUND,
        MILESTONES_SUBMIT_WORK,
        MILESTONES_REQUEST_CHANGES,
        MILESTONES_APPROVE,
        ESCROW_READ,
        ESCROW_RELEASE,
        STATEMENT_READ,
        PAYEE_READ,
        PAYEE_MANAGE,
        PAYEE_REPLACE,
    ];
}
