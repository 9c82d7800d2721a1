//! Rules of people, pure.

use auth_api::email;
use kernel::FieldFault;
use users_api::{NewMember, ProfileChange};

fn check_name(name: &str, faults: &mut Vec<FieldFault>) {
    let length = name.trim().chars().count();
    if length == 0 {
        faults.push(FieldFault::new("/name", "REQUIRED", "must not be blank"));
    } else if length > 200 {
        faults.push(FieldFault::new("/name", "TOO_LONG", "must have at most 200 characters"));
    }
}

/// A profile, tidied.
pub(crate) fn checked_profile(mut change: ProfileChange) -> Result<ProfileChange, Vec<FieldFault>> {
    let mut faults = Vec::new();
    check_name(&change.name, &mut faults);
    change.name = change.name.trim().to_owned();
    if let Some(image) = &change.image
        && !is_https(image)
    {
        faults.push(FieldFault::new("/image", "INVALID_FORMAT", "must be an https address of at most 2000 characters"));
    }
    if faults.is_empty() { Ok(change) } else { Err(faults) }
}

/// `https://host…`: shown to others, so nothing that a browser would run.
fn is_https(address: &str) -> bool {
    let rest = address.strip_prefix("https://");
    let host = |rest: &str| rest.split(['/', '?', '#']).next().is_some_and(|host| !host.is_empty() && !host.contains('@'));
    address.len() <= 2000
        && address.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b))
        && rest.is_some_and(host)
}

/// A new member, tidied.
pub(crate) fn checked_member(mut new: NewMember) -> Result<NewMember, Vec<FieldFault>> {
    let mut faults = Vec::new();
    new.email = new.email.trim().to_owned();
    if !email::is_plausible(&new.email) {
        faults.push(FieldFault::new("/email", "INVALID_FORMAT", "must be an email address"));
    }
    check_name(&new.name, &mut faults);
    new.name = new.name.trim().to_owned();
    if faults.is_empty() { Ok(new) } else { Err(faults) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;
    use kernel::OrgRole;

    #[test]
    fn pictures_come_from_https_only() {
        for good in ["https://example.com/a.png", "https://example.com", "https://[::1]:8/x?y#z"] {
            assert!(is_https(good), "{good}");
        }
        for bad in [
            "http://example.com",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://a b",
            "https://u@h/",
            "https://x/\"><",
        ] {
            assert!(!is_https(bad), "{bad}");
        }
    }

    #[test]
    fn all_faults_of_a_member_are_told() {
        let faults = checked_member(NewMember { email: "x".into(), name: " ".into(), role: OrgRole::Member }).unwrap_err();
        assert_eq!(faults.into_iter().map(|f| f.pointer).collect::<Vec<_>>(), ["/email", "/name"]);
    }
}
