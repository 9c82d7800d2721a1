//! What answers look like: examples of the document.

use serde_json::{Value, json};

/// A milestone that nobody funded yet, of an amount and with what is held of it.
fn part(id: &str, position: u32, title: &str, amount: &str, due_on: &str) -> Value {
    json!({
        "id": id, "contractId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b40", "position": position, "title": title,
        "amount": {"amount": amount, "currency": "EUR"}, "dueOn": due_on, "status": "planned", "frozen": false, "holds": [],
        "held": {"amount": "0.00", "currency": "EUR"}, "submissions": 0, "submittedAt": null, "reviewDueAt": null,
        "escrowId": null, "release": null, "createdAt": "2099-04-16T09:00:00Z", "updatedAt": "2099-04-16T09:00:00Z"
    })
}

/// A contract in force.
pub(super) fn contract() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b40", "tenderId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b30",
        "bidId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b31", "projectId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11",
        "title": "Shell works of Villa am See", "status": "active",
        "ownerOrganizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13",
        "contractorOrganizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b15", "total": {"amount": "24521.20", "currency": "EUR"},
        "terms": {
            "feeBps": 250, "processingCostBearer": "owner", "processingBps": 290,
            "processingFixed": {"amount": "0.30", "currency": "EUR"}
        },
        "documentSha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "signatures": [
            {"party": "owner", "userId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12", "signedAt": "2099-04-16T10:00:00Z"},
            {"party": "contractor", "userId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b17", "signedAt": "2099-04-16T15:00:00Z"}
        ],
        "milestones": [
            part("01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b41", 1, "Foundations", "14712.72", "2099-06-30"),
            part("01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b42", 2, "Site cleared", "9808.48", "2099-09-30")
        ],
        "frozen": false, "holds": [], "cancelReason": null, "termination": null, "activatedAt": "2099-04-16T15:00:00Z",
        "completedAt": null, "createdAt": "2099-04-16T09:00:00Z", "updatedAt": "2099-04-16T15:00:00Z"
    })
}

/// Its first milestone, funded, with a part of it approved.
pub(super) fn milestone() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b41", "contractId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b40", "position": 1,
        "title": "Foundations", "amount": {"amount": "14712.72", "currency": "EUR"}, "dueOn": "2099-06-30", "status": "approved",
        "frozen": false, "holds": [], "held": {"amount": "4712.72", "currency": "EUR"}, "submissions": 1,
        "submittedAt": "2099-06-20T14:00:00Z", "reviewDueAt": null, "escrowId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b50",
        "release": release(), "createdAt": "2099-04-16T09:00:00Z", "updatedAt": "2099-06-21T08:00:00Z"
    })
}

/// The payment that funded it.
pub(super) fn escrow() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b50", "contractId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b40",
        "milestoneId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b41", "milestoneStatus": "funded", "status": "available",
        "amount": {"amount": "14712.72", "currency": "EUR"}, "fee": {"amount": "367.82", "currency": "EUR"},
        "charged": {"amount": "15152.45", "currency": "EUR"}, "held": {"amount": "14712.72", "currency": "EUR"},
        "paymentIntentId": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "availableOn": "2099-06-05T00:00:00Z", "lastError": null,
        "release": null, "createdAt": "2099-06-01T09:00:00Z", "updatedAt": "2099-06-05T00:05:00Z"
    })
}

/// The release of what was approved of it.
pub(super) fn release() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b51", "escrowId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b50",
        "milestoneId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b41", "sequence": 1, "status": "approved",
        "gross": {"amount": "10000.00", "currency": "EUR"}, "fee": {"amount": "250.00", "currency": "EUR"},
        "net": {"amount": "9750.00", "currency": "EUR"}, "transferId": null, "reversed": {"amount": "0.00", "currency": "EUR"},
        "unsettled": {"amount": "0.00", "currency": "EUR"}, "lastError": null, "createdAt": "2099-06-21T08:00:00Z", "sentAt": null
    })
}

/// The contract's ledger once that payment came in.
pub(super) fn statement() -> Value {
    let euros = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    let (milestone, at) = ("01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b41", "2099-06-01T09:02:00Z");
    json!({
        "contractId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b40",
        "transactions": [
            {"id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b52", "kind": "payment_received", "source": "stripe",
             "sourceId": "ch_3MmlLrLkdIwHu7ix0snN0B15", "reverses": null, "at": at,
             "entries": [
                {"account": 1000, "name": "stripe_pending", "subject": null, "amount": euros("15152.45")},
                {"account": 2000, "name": "held", "subject": milestone, "amount": euros("-14712.72")},
                {"account": 4010, "name": "fee_recovery", "subject": null, "amount": euros("-439.73")}
             ]},
            {"id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b53", "kind": "processing_fee_kept", "source": "stripe",
             "sourceId": "txn_1MiN3gLkdIwHu7ixxapQrznl", "reverses": null, "at": at,
             "entries": [
                {"account": 5000, "name": "stripe_fees", "subject": null, "amount": euros("439.73")},
                {"account": 1000, "name": "stripe_pending", "subject": null, "amount": euros("-439.73")}
             ]}
        ],
        "balances": [
            {"account": 1000, "name": "stripe_pending", "subject": null, "balance": euros("14712.72")},
            {"account": 2000, "name": "held", "subject": milestone, "balance": euros("-14712.72")},
            {"account": 4010, "name": "fee_recovery", "subject": null, "balance": euros("-439.73")},
            {"account": 5000, "name": "stripe_fees", "subject": null, "balance": euros("439.73")}
        ],
        "milestones": [
            {"milestoneId": milestone, "funded": euros("14712.72"), "held": euros("14712.72"), "frozen": euros("0.00"),
             "reserved": euros("0.00"), "released": euros("0.00")}
        ],
        "sum": euros("0.00")
    })
}
