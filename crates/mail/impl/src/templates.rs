//! The templates, compiled in. One file per mail and language is the source of both its forms, so that they say the same: what stands around its
//! words is the layout's, `base.html` or `base.txt`.

use mail_api::{Language, Template};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

/// The words of a mail.
macro_rules! words {
    ($($template:ident $name:literal,)+) => {
        const fn words(template: Template, language: Language) -> &'static str {
            match (template, language) {$(
                (Template::$template, Language::German) => include_str!(concat!("../templates/", $name, ".de")),
                (Template::$template, Language::English) => include_str!(concat!("../templates/", $name, ".en")),
            )+}
        }
    };
}

words! {
    VerifyAddress "verify-address",
    ResetPassword "reset-password",
    MagicLink "magic-link",
    NoAccount "no-account",
    AddressChangeAsked "address-change-asked",
    AddressLeft "address-left",
    AddressTaken "address-taken",
    NewDevice "new-device",
    PasswordChanged "password-changed",
    IdentityLinked "identity-linked",
    IdentityUnlinked "identity-unlinked",
    PasskeyAdded "passkey-added",
    PasskeyRemoved "passkey-removed",
    PasskeyCopied "passkey-copied",
    SecondFactorChanged "second-factor-changed",
    ApiKeyChanged "api-key-changed",
    MemberInvitation "member-invitation",
    MemberJoined "member-joined",
    DomainMissing "domain-missing",
    OrganizationSuspended "organization-suspended",
    OrganizationResumed "organization-resumed",
    SingleSignOnChanged "single-sign-on-changed",
    SingleSignOnLinked "single-sign-on-linked",
    SupportStarted "support-started",
    OwnershipOffered "ownership-offered",
    OwnershipMoved "ownership-moved",
    TenderInvitation "tender-invitation",
    OrganizationLeaving "organization-leaving",
    OrganizationKept "organization-kept",
    ExportReady "export-ready",
    AccountLeaving "account-leaving",
    AccountKept "account-kept",
    Test "test",
}

/// A form of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For programs that show HTML: whatever is put in is escaped.
    Html,
    /// For the others: its first line is the subject.
    Text,
}

impl Form {
    /// As its layout ends.
    pub(crate) const fn layout(self) -> &'static str {
        match self {
            Self::Html => "base.html",
            Self::Text => "base.txt",
        }
    }

    /// What a mail of this form is called.
    pub(crate) fn name(self, template: Template, language: Language) -> String {
        let ending = match self {
            Self::Html => "html",
            Self::Text => "txt",
        };
        format!("{template}.{language}.{ending}")
    }
}

/// Every template under its names, and the pages that show them.
///
/// # Errors
/// A mistake in a template of this program, which a test finds.
pub(crate) fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|name| if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None });
    for (name, source) in [
        ("base.html", include_str!("../templates/base.html")),
        ("base.txt", include_str!("../templates/base.txt")),
        ("page.html", include_str!("../pages/page.html")),
        ("mailbox.html", include_str!("../pages/mailbox.html")),
        ("mail.html", include_str!("../pages/mail.html")),
        ("templates.html", include_str!("../pages/templates.html")),
        ("preview.html", include_str!("../pages/preview.html")),
    ] {
        environment.add_template(name, source)?;
    }
    for template in Template::ALL {
        for language in Language::ALL {
            for form in [Form::Html, Form::Text] {
                environment.add_template_owned(form.name(*template, *language), words(*template, *language))?;
            }
        }
    }
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_one() {
        let environment = environment().unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(environment.templates().count(), 7 + Template::ALL.len() * 4);
    }
}
