//! Something to fill each template with: for the preview, and for tests.

use std::time::Duration;

use chrono::DateTime;
use kernel::Timestamp;
use mail_api::{Content, FactorChange, KeyChange, Link, SignOnChange, Template};

/// A mail from this template, as somebody could get it.
pub(crate) fn sample(template: Template) -> Content {
    let at: Timestamp = DateTime::from_timestamp(1_798_790_700, 0).unwrap_or_default();
    let token = "3q2-7wEjRWeJq83vEjRWeA";
    match template {
        Template::VerifyAddress => Content::VerifyAddress {
            link: Link::to("/auth/verify").with("token", token),
            code: "48291735".to_owned(),
            minutes: 10,
            ends_what_was_before: Some(true),
        },
        Template::ResetPassword => Content::ResetPassword {
            link: Link::to("/auth/reset").with("token", token),
            code: Some("17350248".to_owned()),
            minutes: 10,
        },
        Template::MagicLink => {
            Content::MagicLink { link: Link::to("/auth/magic").with("token", token), code: "60241811".to_owned(), minutes: 10 }
        }
        Template::NoAccount => Content::NoAccount { at },
        Template::AddressChangeAsked => {
            Content::AddressChangeAsked { new_address: "a…@example.org".to_owned(), at, minutes: 10 }
        }
        Template::AddressLeft => Content::AddressLeft {
            new_address: "a…@example.org".to_owned(),
            at,
            link: Some(Link::to("/recover").with_secret("token", token)),
        },
        Template::AddressTaken => Content::AddressTaken { at },
        Template::NewDevice => Content::NewDevice {
            device: "Firefox on Windows".to_owned(),
            from: Some("203.0.113.7".to_owned()),
            at,
            link: Some(Link::to("/sessions")),
        },
        Template::PasswordChanged => Content::PasswordChanged { at, link: Some(Link::to("/reset-password")) },
        Template::IdentityLinked => {
            Content::IdentityLinked { provider: "Google".to_owned(), at, link: Some(Link::to("/settings")) }
        }
        Template::IdentityUnlinked => {
            Content::IdentityUnlinked { provider: "Google".to_owned(), at, link: Some(Link::to("/settings")) }
        }
        Template::PasskeyAdded => Content::PasskeyAdded { passkey: "Ada's phone".to_owned(), at },
        Template::PasskeyRemoved => Content::PasskeyRemoved { passkey: "Ada's phone".to_owned(), at },
        Template::PasskeyCopied => Content::PasskeyCopied { passkey: "Ada's phone".to_owned(), at },
        Template::SecondFactorChanged => {
            Content::SecondFactorChanged { change: FactorChange::RecoveryCodeUsed, at, recovery_codes_left: Some(9) }
        }
        Template::MemberInvitation => Content::MemberInvitation {
            inviter: "Grace Hopper".to_owned(),
            organization: "Müller & Söhne GmbH".to_owned(),
            link: Link::to("/invitation").with("id", "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b60"),
            until: Some(at),
        },
        Template::ApiKeyChanged => Content::ApiKeyChanged {
            api_key: "Bookkeeping".to_owned(),
            prefix: "b14_live_7Qm".to_owned(),
            change: KeyChange::Made,
            at,
        },
        Template::MemberJoined => Content::MemberJoined {
            member: "Grace Hopper".to_owned(),
            address: "grace@example.com".to_owned(),
            organization: "Müller & Söhne GmbH".to_owned(),
            label: Some("Site managers".to_owned()),
            domain: None,
        },
        Template::DomainMissing => Content::DomainMissing {
            domain: "example.com".to_owned(),
            organization: "Müller & Söhne GmbH".to_owned(),
            record: "_14build-challenge.example.com".to_owned(),
            until: Some(at),
        },
        Template::OrganizationSuspended => Content::OrganizationSuspended {
            organization: "Müller & Söhne GmbH".to_owned(),
            at,
            reason: "Documents of the company register are missing".to_owned(),
        },
        Template::OrganizationResumed => Content::OrganizationResumed { organization: "Müller & Söhne GmbH".to_owned(), at },
        Template::SingleSignOnChanged => Content::SingleSignOnChanged {
            organization: "Müller & Söhne GmbH".to_owned(),
            change: SignOnChange::Enforced,
            by: "Grace Hopper".to_owned(),
            at,
        },
        Template::SingleSignOnLinked => Content::SingleSignOnLinked { organization: "Müller & Söhne GmbH".to_owned(), at },
        Template::SupportStarted => Content::SupportStarted {
            organization: "Müller & Söhne GmbH".to_owned(),
            operator: "Olga Operator".to_owned(),
            reason: "Ticket 4711: a contract is missing in the list".to_owned(),
            at,
            until: at + Duration::from_secs(3600),
        },
        Template::OwnershipOffered => Content::OwnershipOffered {
            owner: "Grace Hopper".to_owned(),
            organization: "Müller & Söhne GmbH".to_owned(),
            link: Link::to("/ownership-offer").with("id", "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b64"),
            until: at,
        },
        Template::OwnershipMoved => Content::OwnershipMoved {
            organization: "Müller & Söhne GmbH".to_owned(),
            owner: "Ada Lovelace".to_owned(),
            former: "Grace Hopper".to_owned(),
        },
        Template::TenderInvitation => Content::TenderInvitation {
            organization: "Villa Developments".to_owned(),
            tender: "Masonry of the villa".to_owned(),
            deadline: at,
            link: Link::to("/tenders/01a1fc9e-bd46-72c5-b79d-03458dc919d0"),
        },
        Template::OrganizationLeaving => Content::OrganizationLeaving {
            organization: "Müller & Söhne GmbH".to_owned(),
            at,
            until: at + Duration::from_secs(14 * 24 * 3600),
            link: Some(Link::to("/keep-organization").with("id", "01a1fc9e-bd46-72c5-b79d-03458dc919d0")),
        },
        Template::OrganizationKept => Content::OrganizationKept { organization: "Müller & Söhne GmbH".to_owned(), at },
        Template::ExportReady => Content::ExportReady {
            organization: Some("Müller & Söhne GmbH".to_owned()),
            until: at,
            link: Link::to("/exports/01a1fc9e-bd46-72c5-b79d-03458dc919d0"),
        },
        Template::AccountLeaving => Content::AccountLeaving {
            at,
            until: at + Duration::from_secs(14 * 24 * 3600),
            link: Link::to("/auth/restore").with("token", token),
        },
        Template::AccountKept => Content::AccountKept { at },
        Template::Test => Content::Test { at },
    }
}
