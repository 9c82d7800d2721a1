//! The contract document: canonical JSON and its SHA-256, which both parties sign.

use std::fmt::Write as _;

use escrow_api::{ContractId, NewContract, Terms};
use kernel::OrgId;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A document and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) text: String,
    pub(crate) sha256: String,
}

/// A party as the document names it.
pub(crate) struct Named {
    pub(crate) id: OrgId,
    pub(crate) name: String,
}

/// Everything that the parties agree on.
pub(crate) fn write(id: ContractId, new: &NewContract, owner: &Named, contractor: &Named, terms: &Terms) -> Document {
    let lines: Vec<Value> = new
        .lines
        .iter()
        .map(|line| {
            json!({
                "position": line.position,
                "soqLineId": line.soq_line,
                "code": line.code,
                "description": line.description,
                "kind": line.kind,
                "unitCode": line.unit_code,
                "quantity": line.quantity.map(|q| q.normalize().to_string()),
                "rate": line.rate.map(|r| r.normalize().to_string()),
                "amount": line.amount,
                "counts": line.counts,
            })
        })
        .collect();
    let milestones: Vec<Value> = new
        .milestones
        .iter()
        .zip(1_u32..)
        .map(|(milestone, position)| {
            json!({ "position": position, "title": milestone.title, "amount": milestone.amount, "dueOn": milestone.due_on })
        })
        .collect();
    let value = json!({
        "contractId": id,
        "tenderId": new.tender,
        "bidId": new.bid,
        "projectId": new.project,
        "title": new.title,
        "owner": { "organizationId": owner.id, "name": owner.name },
        "contractor": { "organizationId": contractor.id, "name": contractor.name },
        "total": new.total,
        "lines": lines,
        "milestones": milestones,
        "terms": {
            "feeBps": terms.fee_bps,
            "processingCostBearer": terms.bearer,
            "processingBps": terms.processing_bps,
            "processingFixedMinor": terms.processing_fixed,
        },
    });
    let text = canonical(&value);
    let sha256 = hex::encode(Sha256::digest(text.as_bytes()));
    Document { text, sha256 }
}

/// JSON with sorted members and no white space, whatever features serde_json was compiled with.
fn canonical(value: &Value) -> String {
    let mut text = String::new();
    put(value, &mut text);
    text
}

fn put(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                put(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            text.push('{');
            for (index, name) in names.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                // Writing to a string cannot fail.
                let _ = write!(text, "{}:", Value::String(name.clone()));
                put(&members[name], text);
            }
            text.push('}');
        }
        scalar => {
            let _ = write!(text, "{scalar}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_sorted_at_every_depth_and_nothing_is_padded() {
        let value = json!({ "b": [ { "z": 1, "a": "ü\n" } ], "a": null });
        assert_eq!(canonical(&value), r#"{"a":null,"b":[{"a":"ü\n","z":1}]}"#);
    }
}
