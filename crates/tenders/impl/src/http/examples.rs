//! Bodies of the document, and what answers look like. The deadlines lie so far ahead that they do so whenever one of these is sent
//! (docs/decisions/0046-examples-that-are-sent.md).

use serde_json::{Value, json};

/// A tender as its owner writes it.
pub fn tender_in() -> Value {
    json!({
        "projectId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11", "soqId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b20",
        "title": "Shell works of Villa am See", "description": "Foundations and site installation; access by the lake road.",
        "procurementMethod": "open", "submissionDeadline": "2099-03-31T12:00:00Z", "questionsUntil": "2099-03-24T12:00:00Z",
        "minBids": 1,
        "milestones": [
            {"title": "Foundations", "percent": "60", "dueOn": "2099-06-30"},
            {"title": "Site cleared", "percent": "40", "dueOn": "2099-09-30"}
        ]
    })
}

/// What of a draft changes.
pub fn tender_patch() -> Value {
    json!({"description": "Foundations and site installation; access by the main road.", "questionsUntil": null})
}

/// That tender, published, with the schedule to be priced.
pub fn tender() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b30", "ownerOrganizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13",
        "role": "bidder", "projectId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11", "soqId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b20",
        "soqVersion": 1, "title": "Shell works of Villa am See",
        "description": "Foundations and site installation; access by the lake road.", "procurementMethod": "open",
        "status": "published", "currency": "EUR", "submissionDeadline": "2099-03-31T12:00:00Z",
        "timeZone": "Europe/Berlin", "questionsUntil": "2099-03-24T12:00:00Z", "minBids": 1, "relatedTenderId": null, "publishedAt": "2026-11-21T10:00:00Z",
        "closedAt": null, "openedAt": null, "sealRoot": null, "standstillUntil": null, "cancelReason": null, "invited": true,
        "awardedBidId": null, "contractId": null, "signBy": null,
        "milestones": [
            {"title": "Foundations", "percent": "60", "amount": null, "remainder": false, "weight": null, "dueOn": "2099-06-30"},
            {"title": "Site cleared", "percent": "40", "amount": null, "remainder": false, "weight": null, "dueOn": "2099-09-30"}
        ],
        "lines": [
            {"id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b21", "position": 1, "code": "01", "description": "Concrete works",
             "kind": "heading", "unitCode": null, "unitText": null, "quantity": null, "fixedRate": null, "unitId": null},
            {"id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b22", "position": 2, "code": "01.10",
             "description": "Concrete C30/37 in foundations", "kind": "measured", "unitCode": "MTQ", "unitText": "m3",
             "quantity": "118", "fixedRate": null, "unitId": null},
            {"id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b23", "position": 3, "code": "01.20", "description": "Site installation",
             "kind": "lump_sum", "unitCode": "LS", "unitText": null, "quantity": "1", "fixedRate": null, "unitId": null}
        ],
        "createdAt": "2026-11-21T09:30:00Z", "updatedAt": "2026-11-21T10:00:00Z"
    })
}

/// One person was enough.
pub fn approval() -> Value {
    json!({"status": "complete", "firstApproverId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12", "secondApproverId": null})
}

/// Somebody who need not have an account yet.
pub fn invitation() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b32", "tenderId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b30", "organizationId": null,
        "email": "bids@acme.example", "sentAt": "2026-11-21T10:00:00Z", "createdAt": "2026-11-21T09:40:00Z"
    })
}

/// A bid for every line of the tender: 118 × 168.40 and 1 × 4650.00.
pub fn bid_in() -> Value {
    json!({
        "lines": [
            {"soqLineId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b22", "rate": "168.40"},
            {"soqLineId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b23", "rate": "4650.00"}
        ],
        "validUntil": "2099-12-31", "note": "Start within two weeks", "total": {"amount": "24521.20", "currency": "EUR"}
    })
}

/// That bid, sealed, as its bidder sees it.
pub fn bid() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b31", "tenderId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b30",
        "bidderOrganizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b15", "status": "submitted", "revision": 1,
        "total": {"amount": "24521.20", "currency": "EUR"},
        "lines": [
            {"soqLineId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b22", "rate": "168.4",
             "amount": {"amount": "19871.20", "currency": "EUR"}},
            {"soqLineId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b23", "rate": "4650",
             "amount": {"amount": "4650.00", "currency": "EUR"}}
        ],
        "validUntil": "2099-12-31", "note": "Start within two weeks",
        "receipt": {
            "sha256": "affb2a641452d8bc59120c55b0b603c6e55310af2c5082d88ec593f2c856c857", "receivedAt": "2026-11-21T11:00:00Z",
            "document": "{\"format\":\"14build/bid/1\",…}"
        },
        "rank": null, "openedAt": null, "disqualification": null, "proof": null, "createdAt": "2026-11-21T11:00:00Z",
        "updatedAt": "2026-11-21T11:00:00Z"
    })
}

/// The opening, as the owner sees it, of that bid and of a dearer one.
pub fn opening_record() -> Value {
    json!({
        "tenderId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b30",
        "root": "976d3592027b7b225d1779ae681de0963c0bd46aada3ae4a0b23de12257c6959",
        "receipts": [
            "affb2a641452d8bc59120c55b0b603c6e55310af2c5082d88ec593f2c856c857",
            "b5302ac8dc630fe26bfd56048c0a097101958ba3850a9cb346baff50808555ae"
        ],
        "decoySeed": "b4aa748cb070a43dbc6a2f75b378e67e66f35161db20a478b1e344de1d945e4a", "leaves": 64,
        "openedAt": "2099-03-31T12:05:00Z", "openedBy": ["01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12"], "ownProof": null,
        "ranking": [
            {"bidId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b31", "bidderOrganizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b15", "rank": 1,
             "total": {"amount": "24521.20", "currency": "EUR"}},
            {"bidId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b33", "bidderOrganizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b18", "rank": 2,
             "total": {"amount": "26084.00", "currency": "EUR"}}
        ],
        "unreadable": []
    })
}

/// What an award of that bid opens.
pub fn awarded_contract() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b40", "tenderId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b30",
        "bidId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b31", "status": "signing",
        "documentSha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "ownerOrganizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13",
        "contractorOrganizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b15",
        "total": {"amount": "24521.20", "currency": "EUR"},
        "milestones": [
            {"id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b41", "position": 1, "status": "planned", "title": "Foundations",
             "amount": {"amount": "14712.72", "currency": "EUR"}, "dueOn": "2099-06-30"},
            {"id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b42", "position": 2, "status": "planned", "title": "Site cleared",
             "amount": {"amount": "9808.48", "currency": "EUR"}, "dueOn": "2099-09-30"}
        ]
    })
}
