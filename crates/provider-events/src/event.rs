//! What an event says: which object changed, and how, as far as this version has words for it.

use uuid::Uuid;

/// What kind of object an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A payment intent.
    PaymentIntent,
    /// A charge.
    Charge,
    /// A dispute of a charge.
    Dispute,
    /// A refund of a charge.
    Refund,
    /// A review of a payment by the provider.
    Review,
    /// An early warning of fraud by the card's network.
    FraudWarning,
    /// A transfer to a connected account.
    Transfer,
    /// A connected account, with what it may do.
    Account,
    /// The platform's balance.
    Balance,
    /// A payout from the balance to a bank.
    Payout,
    /// A top-up of the balance.
    TopUp,
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It came into being.
    Created,
    /// It is not as it was.
    Updated,
    /// It came to its end as wished.
    Succeeded,
    /// It did not.
    Failed,
    /// It was cancelled.
    Canceled,
    /// It was taken back.
    Reversed,
    /// It was given back, whole or in part.
    Refunded,
    /// It is over.
    Closed,
    /// Anything else: the object tells.
    Other,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The object.
    pub subject: Subject,
    /// What happened to it.
    pub change: Change,
}

/// An event of the payment provider: as little of it as it takes to find out what to look at. Nothing of it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEvent {
    /// Its id, `evt_…`: told again, it is the same.
    pub id: String,
    /// The provider's own word, such as `charge.dispute.created`: for logs and people.
    pub name: String,
    /// What it is about; `None` if this version has no word for it.
    pub kind: Option<Kind>,
    /// The object's id, if it names one.
    pub object: Option<String>,
    /// The connected account in which it happened; `None`: on the platform's own.
    pub account: Option<String>,
    /// The payment intent that the object belongs to, if it says so.
    pub intent: Option<String>,
    /// The thing of ours that the object's metadata name, if they name one.
    pub ours: Option<Uuid>,
    /// Whether it is about real money.
    pub livemode: bool,
}
