//! Rules of API keys, pure.

use auth_api::{ApiKey, ApiKeyChange, Leavers, Network, NewApiKey, Rotation, needs_person};
use chrono::TimeDelta;
use kernel::{FieldFault, Permission, Timestamp, text};

/// A key as it is kept, and what its organisation does with those of leavers.
pub(crate) struct StoredKey {
    pub(crate) key: ApiKey,
    pub(crate) leavers: Leavers,
}

/// What a new key may be.
pub(crate) struct Checked {
    pub(crate) name: String,
    pub(crate) scopes: Vec<Permission>,
    pub(crate) networks: Vec<Network>,
    pub(crate) expires_at: Timestamp,
}

/// How long a key lives unless its creator says otherwise.
const A_YEAR: TimeDelta = TimeDelta::days(365);
/// The longest name.
const NAME: usize = 100;
/// The most networks that one names.
const MOST_NETWORKS: usize = 50;

/// Checks a new key: its scopes are among those that are `known`, and none of persons; it ends, and not later than after `longest`.
pub(crate) fn checked(
    new: NewApiKey,
    known: &[Permission],
    now: Timestamp,
    longest: TimeDelta,
) -> Result<Checked, Vec<FieldFault>> {
    let mut faults = Vec::new();
    let name = checked_name(&new.name, &mut faults);
    let scopes = checked_scopes(&new.scopes, known, &mut faults);
    let networks = checked_networks(&new.networks, &mut faults);
    let expires_at = checked_end(new.expires_at, now, longest, &mut faults);
    if faults.is_empty() { Ok(Checked { name, scopes, networks, expires_at }) } else { Err(faults) }
}

/// Checks what of a key is changed.
pub(crate) fn checked_change(change: &ApiKeyChange) -> Result<(String, Vec<Network>), Vec<FieldFault>> {
    let mut faults = Vec::new();
    let (name, networks) = (checked_name(&change.name, &mut faults), checked_networks(&change.networks, &mut faults));
    if faults.is_empty() { Ok((name, networks)) } else { Err(faults) }
}

/// Checks how a key is replaced: for how long both work, and when the new one ends.
pub(crate) fn checked_rotation(
    how: Rotation,
    now: Timestamp,
    longest: TimeDelta,
) -> Result<(TimeDelta, Timestamp), Vec<FieldFault>> {
    let mut faults = Vec::new();
    if how.overlap_hours > Rotation::MOST_OVERLAP_HOURS {
        let detail = format!("must be at most {}, which is a week", Rotation::MOST_OVERLAP_HOURS);
        faults.push(FieldFault::new("/overlapHours", "OUT_OF_RANGE", detail));
    }
    let expires_at = checked_end(how.expires_at, now, longest, &mut faults);
    if faults.is_empty() { Ok((TimeDelta::hours(how.overlap_hours.into()), expires_at)) } else { Err(faults) }
}

fn checked_name(name: &str, faults: &mut Vec<FieldFault>) -> String {
    text::line(name, NAME).unwrap_or_else(|flaw| {
        faults.push(flaw.at("/name"));
        String::new()
    })
}

fn checked_scopes(names: &[String], known: &[Permission], faults: &mut Vec<FieldFault>) -> Vec<Permission> {
    if names.is_empty() {
        faults.push(FieldFault::new("/scopes", "TOO_FEW", "must name at least one permission"));
    }
    let mut scopes = Vec::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        match known.iter().find(|known| known.name() == name) {
            Some(permission) if needs_person(*permission) => {
                let detail = format!("{name} wants a natural person: no API key is given it");
                faults.push(FieldFault::new(format!("/scopes/{at}"), "PERSON_REQUIRED", detail));
            }
            Some(permission) => scopes.push(*permission),
            None => {
                let detail =
                    "must be the name of a permission, such as projects.read: `permissions` of GET /api/auth/session lists yours";
                faults.push(FieldFault::new(format!("/scopes/{at}"), "NOT_ONE_OF", detail));
            }
        }
    }
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

fn checked_networks(texts: &[String], faults: &mut Vec<FieldFault>) -> Vec<Network> {
    if texts.len() > MOST_NETWORKS {
        let detail = format!("must be at most {MOST_NETWORKS}");
        faults.push(FieldFault::new("/allowedNetworks", "TOO_MANY", detail));
    }
    let mut networks: Vec<Network> = Vec::with_capacity(texts.len().min(MOST_NETWORKS));
    for (at, text) in texts.iter().take(MOST_NETWORKS).enumerate() {
        match text.parse() {
            Ok(network) if networks.contains(&network) => {}
            Ok(network) => networks.push(network),
            Err(_) => {
                let detail = "must be a network such as 203.0.113.0/24 or 2001:db8::/32, or an address";
                faults.push(FieldFault::new(format!("/allowedNetworks/{at}"), "INVALID_FORMAT", detail));
            }
        }
    }
    networks
}

fn checked_end(end: Option<Timestamp>, now: Timestamp, longest: TimeDelta, faults: &mut Vec<FieldFault>) -> Timestamp {
    let last = now + longest;
    let end = end.unwrap_or_else(|| last.min(now + A_YEAR));
    if end <= now || end > last {
        let detail = format!("must be in the future, and not later than {}", kernel::rfc3339(last));
        faults.push(FieldFault::new("/expiresAt", "OUT_OF_RANGE", detail));
    }
    end
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    const KNOWN: &[Permission] = &[Permission("b.write"), Permission("a.read"), Permission("members.manage")];
    const LONGEST: TimeDelta = TimeDelta::days(400);

    fn now() -> Timestamp {
        chrono::DateTime::UNIX_EPOCH
    }

    fn new(scopes: &[&str], networks: &[&str], days: Option<i64>) -> NewApiKey {
        NewApiKey {
            name: " Books ".into(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            networks: networks.iter().map(|network| (*network).to_owned()).collect(),
            expires_at: days.map(|days| now() + TimeDelta::days(days)),
        }
    }

    fn codes(new: NewApiKey) -> Vec<(String, &'static str)> {
        let faults = checked(new, KNOWN, now(), LONGEST).err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn a_key_is_kept_in_one_form_and_ends_in_a_year() {
        let key =
            checked(new(&["b.write", "a.read", "a.read"], &["10.1.1.1/8", "10.0.0.0/8"], None), KNOWN, now(), LONGEST).unwrap();
        assert_eq!((key.name.as_str(), key.scopes), ("Books", vec![Permission("a.read"), Permission("b.write")]));
        assert_eq!(key.expires_at, now() + TimeDelta::days(365));
        assert_eq!(key.networks.iter().map(ToString::to_string).collect::<Vec<_>>()[0], "10.0.0.0/8");
        let short = checked(new(&["a.read"], &[], None), KNOWN, now(), TimeDelta::days(30)).unwrap();
        assert_eq!(short.expires_at, now() + TimeDelta::days(30), "not longer than a deployment lets one live");
    }

    #[test]
    fn what_a_key_cannot_be_is_told_with_its_place() {
        assert_eq!(codes(new(&[], &[], None)), [("/scopes".to_owned(), "TOO_FEW")]);
        let wrong = new(&["a.read", "c.read", "members.manage"], &["here", "10.0.0.0/8"], Some(0));
        let expected = [
            ("/scopes/1", "NOT_ONE_OF"),
            ("/scopes/2", "PERSON_REQUIRED"),
            ("/allowedNetworks/0", "INVALID_FORMAT"),
            ("/expiresAt", "OUT_OF_RANGE"),
        ];
        assert_eq!(codes(wrong), expected.map(|(pointer, code)| (pointer.to_owned(), code)));
        assert_eq!(codes(new(&["a.read"], &[], Some(401))), [("/expiresAt".to_owned(), "OUT_OF_RANGE")]);
        assert_eq!(codes(new(&["a.read"], &["10.0.0.1"; 51], None)), [("/allowedNetworks".to_owned(), "TOO_MANY")]);
    }

    #[test]
    fn two_keys_overlap_for_a_week_at_most() {
        let rotation = |overlap_hours: u32| checked_rotation(Rotation { overlap_hours, expires_at: None }, now(), LONGEST);
        assert_eq!(rotation(168).unwrap().0, TimeDelta::days(7));
        assert_eq!(rotation(0).unwrap().0, TimeDelta::zero());
        assert_eq!(rotation(169).err().unwrap()[0].code, "OUT_OF_RANGE");
    }
}
