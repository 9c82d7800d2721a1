//! Rules of people, pure.

use auth_api::email::Email;
use kernel::{FieldFault, OrgId, OrgRole, Timestamp, UserId, text};
use mail_api::Language;
use tenants_api::fault_of_picture;
use users_api::{Departure, Export, NewInvitation, ProfileChange, User};
use uuid::Uuid;

kernel::named! {
    /// Where an invitation into an organisation stands.
    pub(crate) enum InvitationStatus {
        /// Nobody has answered it.
        Pending = "pending",
        /// The person is a member by it.
        Accepted = "accepted",
        /// The person said no.
        Declined = "declined",
        /// Taken back by the organisation.
        Withdrawn = "withdrawn",
    }
}

kernel::named! {
    /// How far somebody has gone who leaves the platform.
    pub(crate) enum DepartureState {
        /// It can be taken back.
        Waiting = "waiting",
        /// It was taken back.
        Kept = "kept",
        /// What is kept of them goes.
        Leaving = "leaving",
        /// They are gone.
        Left = "left",
    }
}

/// Who leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaver {
    /// An organisation.
    Organization(OrgId),
    /// A person.
    Person(UserId),
}

/// A departure as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct StoredDeparture {
    pub(crate) departure: Departure,
    pub(crate) leaver: Leaver,
    /// In which language is written what is told of it.
    pub(crate) language: Language,
    pub(crate) state: DepartureState,
    /// How many steps of the end are done.
    pub(crate) steps: i16,
}

/// An archive as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct StoredExport {
    pub(crate) export: Export,
    /// Who asked for it.
    pub(crate) user: UserId,
    /// In which language is written that it is there.
    pub(crate) language: Language,
}

/// An invitation as it is kept: what the person's side of it needs.
#[derive(Debug, Clone)]
pub(crate) struct Invitation {
    pub(crate) org: OrgId,
    pub(crate) id: Uuid,
    pub(crate) invited_by: UserId,
    pub(crate) status: InvitationStatus,
    pub(crate) created_at: Timestamp,
}

fn checked_name(name: String, faults: &mut Vec<FieldFault>) -> String {
    text::line(&name, 200).unwrap_or_else(|flaw| {
        faults.push(flaw.at("/name"));
        name
    })
}

/// A profile, tidied.
pub(crate) fn checked_profile(mut change: ProfileChange) -> Result<ProfileChange, Vec<FieldFault>> {
    let mut faults = Vec::new();
    change.name = checked_name(change.name, &mut faults);
    faults.extend(fault_of_picture(change.image.as_deref(), "/image"));
    if faults.is_empty() { Ok(change) } else { Err(faults) }
}

/// Which fields of a profile a change changes, by their names on the wire.
pub(crate) fn changed(before: &User, change: &ProfileChange) -> Vec<&'static str> {
    let fields = [
        ("name", before.name != change.name),
        ("image", before.image != change.image),
        ("locale", before.language != change.language),
    ];
    fields.into_iter().filter(|(_, is_changed)| *is_changed).map(|(field, _)| field).collect()
}

/// The address and the name of an invitation, tidied. The answer is the same whoever has the address: it depends on the input alone.
pub(crate) fn checked_invitation(new: NewInvitation) -> Result<(Email, Option<String>), Vec<FieldFault>> {
    let mut faults = Vec::new();
    let email = Email::parse(&new.email).map_err(|flaw| faults.push(flaw.at("/email"))).ok();
    let name = new.name.map(|name| checked_name(name, &mut faults));
    if new.role != OrgRole::Member {
        let detail = "who comes is known when they have come, so an invitation gives membership alone: promote the person with \
                      PUT /api/users/{id} once they have accepted and you know who they are";
        faults.push(FieldFault::new("/role", "ROLE_AFTER_JOINING", detail));
    }
    match email {
        Some(email) if faults.is_empty() => Ok((email, name)),
        _ => Err(faults),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    #[test]
    fn all_faults_of_an_invitation_are_told() {
        let new =
            NewInvitation { email: "x".into(), name: Some("\u{200b}".into()), role: OrgRole::Admin, language: Language::English };
        let faults = checked_invitation(new).unwrap_err();
        assert_eq!(faults.into_iter().map(|f| f.pointer).collect::<Vec<_>>(), ["/email", "/name", "/role"]);
    }
}
