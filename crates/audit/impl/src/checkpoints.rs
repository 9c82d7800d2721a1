//! Heads signed from time to time, for all organisations: kept in the database, with a line in the log that vouches for all of them.

use chrono::SubsecRound;
use kernel::{Clock, Fault, OrgId, SystemClock, Timestamp};
use uow::{Alarm, SystemUow};

use crate::model::{Checkpoint, Round};
use crate::repo::checkpoints as repo;
use crate::signing::{Signer, head_statement, round_statement, sha256};

/// How many heads a round signs.
const MOST: i64 = 5_000;

/// What a round of signing did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signed {
    /// Its number; nothing if there was nothing new to sign, or somebody else was signing.
    pub round: Option<i64>,
    /// How many heads were signed.
    pub heads: usize,
    /// Organisations whose chain does not go on from the head that was signed last: they are not signed.
    pub broken: Vec<OrgId>,
}

/// A signature or checkpoint that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Whose chain, if it is one organisation's.
    pub org: Option<OrgId>,
    /// What does not hold.
    pub what: String,
}

/// Signs the heads that have moved since they were signed last, and writes the anchor of the round to the log.
///
/// # Errors
/// A fault of the database.
pub async fn sign_heads(system: &SystemUow, signer: &Signer) -> Result<Signed, Fault> {
    let (signed, anchor) = system
        .write(async |tx| {
            if !repo::take_turn(tx).await? {
                return Ok::<_, Fault>((Signed::default(), None));
            }
            let moved = repo::moved(tx, MOST).await?;
            let (goes_on, broken): (Vec<_>, Vec<_>) = moved.into_iter().partition(|head| head.goes_on);
            let broken: Vec<_> = broken.into_iter().map(|head| head.org).collect();
            for org in &broken {
                let detail = "its audit trail does not go on from the head that was signed last: it was rewritten or rolled back, and is \
                              signed no more; compare it with a backup";
                let about = ("organization", org.to_string());
                tx.alarm(Alarm { kind: "audit_rewritten", about, org: Some(*org), detail: detail.to_owned() }).await?;
            }
            if goes_on.is_empty() {
                return Ok((Signed { broken, ..Signed::default() }, None));
            }
            let last = repo::last_round(tx).await?;
            let at = SystemClock.now().trunc_subsecs(6);
            let number = last.as_ref().map_or(0, |round| round.round) + 1;
            let mut checkpoints: Vec<_> = goes_on
                .into_iter()
                .map(|head| {
                    let statement = head_statement(head.org, head.sequence, &head.hash, at);
                    Checkpoint {
                        org: head.org,
                        sequence: head.sequence,
                        signature: signer.sign(&statement).to_vec(),
                        hash: head.hash,
                        round: number,
                        signed_at: at,
                        key_id: signer.id().to_owned(),
                    }
                })
                .collect();
            checkpoints.sort_unstable_by_key(|head| head.org);
            let digest = digest_of(last.as_ref(), &checkpoints);
            let heads = i32::try_from(checkpoints.len()).map_err(Fault::internal)?;
            let statement = round_statement(number, heads, &digest, at);
            let signature = signer.sign(&statement).to_vec();
            let anchor = format!("{statement} {} {}", signer.id(), hex::encode(&signature));
            let key_id = signer.id().to_owned();
            repo::save(tx, &checkpoints, &Round { round: number, heads, digest, signed_at: at, key_id, signature }).await?;
            Ok((Signed { round: Some(number), heads: checkpoints.len(), broken }, Some(anchor)))
        })
        .await?;
    if let Some(anchor) = anchor {
        // Kept wherever logs are kept: `build14 doctor --anchor` compares it with the database.
        tracing::info!(target: "audit", anchor, "heads of the audit trail are signed");
    }
    Ok(signed)
}

/// Over the digest of the round before, and each head by organisation.
fn digest_of(last: Option<&Round>, checkpoints: &[Checkpoint]) -> Vec<u8> {
    let mut bytes = last.map_or_else(|| vec![0; 32], |round| round.digest.clone());
    for head in checkpoints {
        bytes.extend_from_slice(head.org.0.as_bytes());
        bytes.extend_from_slice(&head.sequence.to_be_bytes());
        bytes.extend_from_slice(&head.hash);
    }
    sha256(&bytes).to_vec()
}

/// Checks every signed head against its signature and against the chain, and every round against the heads in it and the round before.
///
/// # Errors
/// A fault of the database.
pub async fn verify_checkpoints(system: &SystemUow, signer: &Signer) -> Result<Vec<Broken>, Fault> {
    let mut broken: Vec<Broken> = system
        .read(async |tx| repo::not_in_chain(tx).await)
        .await?
        .into_iter()
        .map(|row| Broken { org: Some(row.org), what: format!("the chain no longer holds the signed head {}", row.sequence) })
        .collect();
    let (mut last, mut unknown): (Option<Round>, std::collections::BTreeSet<String>) = (None, std::collections::BTreeSet::new());
    let mut checks = |key: &str, statement: &str, signature: &[u8]| {
        signer.verifies(key, statement, signature).unwrap_or_else(|| {
            unknown.insert(key.to_owned());
            true
        })
    };
    loop {
        let after = last.as_ref().map_or(0, |round| round.round);
        let Some((round, heads)) = system.read(async |tx| repo::round_after(tx, after).await).await? else { break };
        if round.round != after + 1 {
            broken.push(Broken { org: None, what: format!("the signed rounds {} to {} are gone", after + 1, round.round - 1) });
        } else if digest_of(last.as_ref(), &heads) != round.digest {
            broken.push(Broken {
                org: None,
                what: format!("the heads of the signed round {} are not those that were signed", round.round),
            });
        }
        let statement = round_statement(round.round, round.heads, &round.digest, round.signed_at);
        if !checks(&round.key_id, &statement, &round.signature) {
            broken.push(Broken { org: None, what: format!("the signature of round {} does not hold", round.round) });
        }
        for head in &heads {
            let statement = head_statement(head.org, head.sequence, &head.hash, head.signed_at);
            if !checks(&head.key_id, &statement, &head.signature) {
                let what = format!("the signature of the head {} does not hold", head.sequence);
                broken.push(Broken { org: Some(head.org), what });
            }
        }
        last = Some(round);
    }
    for key in unknown {
        let what = format!(
            "heads were signed with the key {key}, which is not configured: give its public key in audit.previous_public_keys"
        );
        broken.push(Broken { org: None, what });
    }
    Ok(broken)
}

/// Compares a line of the log with the database: nothing if the round that it vouches for is still there.
///
/// # Errors
/// A fault of the database.
pub async fn verify_anchor(system: &SystemUow, signer: &Signer, anchor: &str) -> Result<Option<String>, Fault> {
    let Some(parsed) = Anchor::parse(anchor) else {
        return Ok(Some("it is not an anchor: give the text that the log has in `anchor`, whole".into()));
    };
    match signer.verifies(parsed.key_id, &parsed.statement, &parsed.signature) {
        None => return Ok(Some(format!("it is signed with the key {}, which is not configured", parsed.key_id))),
        Some(false) => return Ok(Some("its signature does not hold: it was not written by this platform".into())),
        Some(true) => {}
    }
    let found = system.read(async |tx| repo::round_after(tx, parsed.round - 1).await).await?;
    Ok(match found {
        Some((round, _)) if round.round == parsed.round && hex::encode(&round.digest) == parsed.digest => None,
        Some((round, _)) if round.round == parsed.round => {
            Some(format!("round {} holds other heads than were signed then", parsed.round))
        }
        _ => Some(format!("round {} is gone: the database is older than this line, or was cut", parsed.round)),
    })
}

/// Whether a text looks like a line of the log that vouches for a round, whoever wrote it.
#[must_use]
pub fn is_anchor(text: &str) -> bool {
    Anchor::parse(text).is_some()
}

/// A line of the log, taken apart.
struct Anchor<'a> {
    statement: String,
    round: i64,
    digest: &'a str,
    key_id: &'a str,
    signature: Vec<u8>,
}

impl<'a> Anchor<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<_> = text.split_whitespace().collect();
        let [format, round, heads, digest, at, key_id, signature] = parts[..] else { return None };
        let _is_a_time: Timestamp = at.parse().ok()?;
        let statement = format!("{format} {round} {heads} {digest} {at}");
        let known = format == "14build/audit-round/1";
        known.then_some(Self { statement, round: round.parse().ok()?, digest, key_id, signature: hex::decode(signature).ok()? })
    }
}
