//! Rules of organisations and approvals, pure.

use chrono::TimeDelta;
use kernel::{FieldFault, OrgRole, Timestamp, UserId, text};
use tenants_api::{NewOrganization, NotYet, Organization, OrganizationChange, SessionRules, fault_of_picture};
use uuid::Uuid;

/// The longest slug without its suffix.
const SLUG_LENGTH: usize = 48;

/// A name as an address: lower-case ASCII letters and digits in words joined by `-`. Never empty.
pub(crate) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        let plain: &str = match c {
            'a'..='z' | '0'..='9' => {
                slug.push(c);
                ""
            }
            'ä' | 'æ' => "ae",
            'à' | 'á' | 'â' | 'ã' | 'å' => "a",
            'ç' => "c",
            'è' | 'é' | 'ê' | 'ë' => "e",
            'ì' | 'í' | 'î' | 'ï' => "i",
            'ñ' => "n",
            'ö' | 'œ' | 'ø' => "oe",
            'ò' | 'ó' | 'ô' | 'õ' => "o",
            'ß' => "ss",
            'ü' => "ue",
            'ù' | 'ú' | 'û' => "u",
            '\'' | '’' => "",
            _ if slug.is_empty() || slug.ends_with('-') => "",
            _ => "-",
        };
        slug.push_str(plain);
        if slug.len() >= SLUG_LENGTH {
            break;
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "organization".to_owned() } else { slug.to_owned() }
}

/// An organisation's name as it is kept, or what is wrong with it.
fn checked_name(name: String, pointer: &str, faults: &mut Vec<FieldFault>) -> String {
    text::line(&name, 200).unwrap_or_else(|flaw| {
        faults.push(flaw.at(pointer));
        name
    })
}

/// A new organisation, tidied.
pub(crate) fn checked_new(mut new: NewOrganization, pointer: &str) -> Result<NewOrganization, Vec<FieldFault>> {
    let mut faults = Vec::new();
    new.name = checked_name(new.name, pointer, &mut faults);
    if faults.is_empty() { Ok(new) } else { Err(faults) }
}

/// A change, tidied. Whether the time zone exists is for the database to say.
pub(crate) fn checked_change(mut change: OrganizationChange) -> Result<OrganizationChange, Vec<FieldFault>> {
    let mut faults = Vec::new();
    change.name = checked_name(change.name, "/name", &mut faults);
    if change.categories.len() > 50 {
        faults.push(FieldFault::new("/categories", "TOO_LONG", "must have at most 50 trades"));
    }
    for (index, category) in change.categories.iter_mut().enumerate() {
        match text::line(category, 60) {
            Ok(tidy) => *category = tidy,
            Err(flaw) => faults.push(flaw.at(format!("/categories/{index}"))),
        }
    }
    for (index, category) in change.categories.iter().enumerate() {
        if !category.trim().is_empty() && change.categories[..index].contains(category) {
            faults.push(FieldFault::new(format!("/categories/{index}"), "DUPLICATE", "is listed already"));
        }
    }
    faults.extend(fault_of_picture(change.logo_url.as_deref(), "/logoUrl"));
    if change.approval_threshold.is_some_and(|threshold| threshold.minor() < 0) {
        faults.push(FieldFault::new("/approvalThreshold/amount", "OUT_OF_RANGE", "must not be negative"));
    }
    let SessionRules { idle_minutes, lifetime_minutes, .. } = change.session_rules;
    for (pointer, minutes, least) in [
        ("/sessionIdleMinutes", idle_minutes, SessionRules::LEAST_IDLE_MINUTES),
        ("/sessionLifetimeMinutes", lifetime_minutes, SessionRules::LEAST_LIFETIME_MINUTES),
    ] {
        if minutes.is_some_and(|minutes| !(least..=SessionRules::MOST_MINUTES).contains(&minutes)) {
            let most = SessionRules::MOST_MINUTES;
            faults.push(FieldFault::new(pointer, "OUT_OF_RANGE", format!("must be {least} to {most}, or null")));
        }
    }
    if faults.is_empty() { Ok(change) } else { Err(faults) }
}

/// Whether a change would change nothing: then nothing is written, and the trail has nothing to tell.
pub(crate) fn is_so_already(organization: &Organization, change: &OrganizationChange) -> bool {
    let now = organization.clone();
    let now = OrganizationChange {
        name: now.name,
        kind: now.kind,
        categories: now.categories,
        approval_threshold: now.approval_threshold,
        timezone: now.timezone,
        session_rules: now.session_rules,
        logo_url: now.logo_url,
    };
    now == *change
}

/// Whether a verb at stake of an amount needs a second person.
pub(crate) use tenants_api::is_weighty as needs_second;

/// What becomes of a waiting approval when somebody asks for the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The same person again: it goes on waiting.
    Wait,
    /// Who asked first is gone: the present person asks first from now on.
    TakeOver,
    /// Another person: done.
    Complete,
}

/// The step that `present` takes on an approval that `first` asked for.
pub(crate) fn step(first: UserId, first_is_member: bool, present: UserId) -> Step {
    if first == present {
        Step::Wait
    } else if first_is_member {
        Step::Complete
    } else {
        Step::TakeOver
    }
}

/// An approval that waits for its second person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    pub id: Uuid,
    pub first: UserId,
    pub asked_at: Timestamp,
}

/// A waiting approval that was made void.
#[derive(Debug, Clone)]
pub(crate) struct Voided {
    pub id: Uuid,
    pub action: String,
    pub subject: Uuid,
}

kernel::named! {
    /// As what somebody gave a role.
    pub(crate) enum GranterRole {
        /// By founding the organisation, to themself.
        Founder = "founder",
        /// As an owner.
        Owner = "owner",
        /// As an admin.
        Admin = "admin",
        /// As a member, who runs a project.
        Member = "member",
        /// Before that was noted.
        Unknown = "unknown",
    }
}

impl From<OrgRole> for GranterRole {
    fn from(role: OrgRole) -> Self {
        match role {
            OrgRole::Owner => Self::Owner,
            OrgRole::Admin => Self::Admin,
            OrgRole::Member => Self::Member,
        }
    }
}

/// By whom, as what and when a person was made an approver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    pub by: Option<UserId>,
    pub granter: GranterRole,
    pub at: Timestamp,
}

impl Grant {
    /// Whether that was an owner, or the founding of the organisation itself.
    fn is_by_an_owner(&self) -> bool {
        matches!(self.granter, GranterRole::Founder | GranterRole::Owner)
    }
}

/// Whether somebody with this grant counts as one of two persons at `now`; as the second one after `first`, who asked at that time.
pub(crate) fn counts(grant: Grant, now: Timestamp, wait: TimeDelta, first: Option<(UserId, Timestamp)>) -> Result<(), NotYet> {
    let until = grant.at.checked_add_signed(wait).unwrap_or(Timestamp::MAX_UTC);
    if now >= until {
        return Ok(());
    }
    match first {
        _ if !grant.is_by_an_owner() => Err(NotYet::Granted { by: grant.by, until }),
        Some((first, asked_at)) if grant.by == Some(first) && grant.at > asked_at => {
            Err(NotYet::GrantedByTheFirst { by: first, until })
        }
        _ => Ok(()),
    }
}

/// By which custom role a person approves: when it was given to them, and when the permission was put into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddedGrant {
    pub given: Grant,
    pub added: Grant,
}

impl AddedGrant {
    /// The later of the two, which made them an approver.
    fn latest(&self) -> Grant {
        if self.added.at > self.given.at { self.added } else { self.given }
    }

    /// Both must count; but who gives a role as an owner gives what it holds by then.
    fn counts(&self, now: Timestamp, wait: TimeDelta, first: Option<(UserId, Timestamp)>) -> Result<(), NotYet> {
        let given = counts(self.given, now, wait, first);
        if self.given.is_by_an_owner() && self.given.at >= self.added.at {
            return given;
        }
        match (given, counts(self.added, now, wait, first)) {
            (Err(given), Err(added)) => Err(if added.until() > given.until() { added } else { given }),
            (given, added) => given.and(added),
        }
    }
}

/// As [`counts`], of somebody whom custom roles alone let approve: one that counts is enough, and what made them an approver by it is answered. Else
/// which will count first; none if no role of theirs does by now.
pub(crate) fn added_counts(
    grants: &[AddedGrant],
    now: Timestamp,
    wait: TimeDelta,
    first: Option<(UserId, Timestamp)>,
) -> Result<Grant, Option<NotYet>> {
    let mut soonest: Option<NotYet> = None;
    for grant in grants {
        match grant.counts(now, wait, first) {
            Ok(()) => return Ok(grant.latest()),
            Err(why) if soonest.is_none_or(|known| why.until() < known.until()) => soonest = Some(why),
            Err(_) => {}
        }
    }
    Err(soonest)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;
    use kernel::{Currency, Money};
    use proptest::prelude::*;
    use tenants_api::OrgKind;

    #[test]
    fn slugs_are_readable() {
        assert_eq!(slug("Müller & Söhne Bau GmbH"), "mueller-soehne-bau-gmbh");
        assert_eq!(slug("  O'Brien's   Works "), "obriens-works");
        assert_eq!(slug("建設会社"), "organization");
        assert_eq!(slug("-- 14 Build --"), "14-build");
    }

    proptest! {
        #[test]
        fn any_name_makes_a_slug_that_the_database_takes(name in ".{0,300}") {
            let slug = slug(&name);
            prop_assert!(!slug.is_empty() && slug.len() <= SLUG_LENGTH + 4);
            prop_assert!(slug.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())));
        }
    }

    #[test]
    fn the_threshold_itself_needs_a_second_person() {
        let eur = |minor| Money::from_minor(minor, Currency::EUR);
        assert!(!needs_second(None, eur(1_000_000)));
        assert!(!needs_second(Some(eur(1_000)), eur(999)));
        assert!(needs_second(Some(eur(1_000)), eur(1_000)));
        assert!(needs_second(Some(eur(0)), eur(0)));
        assert!(needs_second(Some(eur(1_000)), Money::from_minor(1, "USD".parse().unwrap())));
    }

    #[test]
    fn one_person_never_completes_alone() {
        let (a, b) = (UserId::new(), UserId::new());
        assert_eq!(step(a, true, a), Step::Wait);
        assert_eq!(step(a, false, a), Step::Wait);
        assert_eq!(step(a, true, b), Step::Complete);
        assert_eq!(step(a, false, b), Step::TakeOver);
    }

    #[test]
    fn who_was_made_an_approver_by_an_owner_counts_at_once_and_others_after_a_while() {
        let (owner, other) = (UserId::new(), UserId::new());
        let at = chrono::DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let (wait, minute) = (TimeDelta::hours(24), TimeDelta::minutes(1));
        let grant = |by, granter| Grant { by: Some(by), granter, at };
        let (as_owner, as_admin) = (GranterRole::Owner, GranterRole::Admin);
        assert_eq!(counts(grant(owner, as_owner), at, wait, None), Ok(()));
        assert_eq!(counts(grant(owner, as_owner), at, wait, Some((owner, at))), Ok(()), "made one, then asked");
        assert_eq!(counts(grant(owner, as_owner), at, wait, Some((other, at - minute))), Ok(()));
        let late = NotYet::GrantedByTheFirst { by: owner, until: at + wait };
        assert_eq!(counts(grant(owner, as_owner), at + minute, wait, Some((owner, at - minute))), Err(late));
        let young = NotYet::Granted { by: Some(other), until: at + wait };
        assert_eq!(counts(grant(other, as_admin), at + wait - minute, wait, None), Err(young));
        assert_eq!(counts(grant(other, as_admin), at + wait, wait, Some((other, at - minute))), Ok(()));
    }

    #[test]
    fn whom_a_custom_role_made_an_approver_waits_for_the_giving_and_for_what_was_put_into_it() {
        let (owner, admin) = (UserId::new(), UserId::new());
        let at = chrono::DateTime::UNIX_EPOCH + TimeDelta::days(9);
        let (wait, hour) = (TimeDelta::hours(24), TimeDelta::hours(1));
        let by = |who: UserId, at: Timestamp| Grant {
            by: Some(who),
            granter: if who == owner { GranterRole::Owner } else { GranterRole::Admin },
            at,
        };
        let asked = |given: Grant, added: Grant, first| added_counts(&[AddedGrant { given, added }], at, wait, first);
        let long_ago = at - wait;
        let young = |since: Timestamp| -> Result<Grant, Option<NotYet>> {
            Err(Some(NotYet::Granted { by: Some(admin), until: since + wait }))
        };
        // A harmless role was given long ago, and is made one that approves now: that is what waits.
        assert_eq!(asked(by(admin, long_ago), by(admin, at - hour), None), young(at - hour));
        assert_eq!(asked(by(owner, long_ago), by(admin, at - hour), None), young(at - hour), "given before it approved");
        // One that approves since long ago is given now.
        assert_eq!(asked(by(admin, at - hour), by(owner, long_ago), None), young(at - hour));
        assert_eq!(asked(by(admin, at - hour), by(admin, at - hour - hour), None), young(at - hour), "the later of both");
        // An owner gives what the role holds by then, whoever put it there.
        assert_eq!(asked(by(owner, at), by(admin, at - hour), None), Ok(by(owner, at)));
        assert_eq!(asked(by(admin, long_ago), by(owner, at), None), Ok(by(owner, at)));
        let late = NotYet::GrantedByTheFirst { by: owner, until: at + wait };
        assert_eq!(asked(by(owner, at), by(admin, long_ago), Some((owner, at - hour))), Err(Some(late)));
        // Of several roles one is enough; of none nobody approves.
        let several = [
            AddedGrant { given: by(admin, at), added: by(admin, long_ago) },
            AddedGrant { given: by(admin, long_ago), added: by(admin, long_ago) },
        ];
        assert_eq!(added_counts(&several, at, wait, None), Ok(by(admin, long_ago)));
        assert_eq!(added_counts(&several[..1], at, wait, None), young(at));
        assert_eq!(added_counts(&[], at, wait, None), Err(None));
    }

    #[test]
    fn every_fault_of_a_change_is_told() {
        let change = OrganizationChange {
            name: "  ".into(),
            kind: OrgKind::Both,
            categories: vec!["roofing".into(), " ".into(), " roofing ".into()],
            approval_threshold: Some(Money::from_minor(-1, Currency::EUR)),
            timezone: "UTC".into(),
            session_rules: SessionRules { idle_minutes: Some(4), lifetime_minutes: Some(576_001), mfa_policy: None },
            logo_url: Some("http://example.com/logo.png".into()),
        };
        let pointers: Vec<String> = checked_change(change).unwrap_err().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(
            pointers,
            [
                "/name",
                "/categories/1",
                "/categories/2",
                "/logoUrl",
                "/approvalThreshold/amount",
                "/sessionIdleMinutes",
                "/sessionLifetimeMinutes"
            ]
        );
    }
}
