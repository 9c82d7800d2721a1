//! What the pages of sign-in elsewhere say, in each language.

use mail_api::Language;

/// The texts of one language.
pub(super) struct Words {
    /// Its name in a page.
    pub language: &'static str,
    /// There is no such provider.
    pub unknown: Said,
    /// It counts no more.
    pub spent: Said,
    /// The person did not agree at the provider.
    pub declined: Said,
    /// The provider does not answer.
    pub unreachable: Said,
    /// What it says is not believed.
    pub refused: Said,
    /// It does not say that the address is the person's.
    pub not_vouched: Said,
    /// Nobody has proven here that it is.
    pub unproven: Said,
    /// The account of the address has a second factor.
    pub second_factor: Said,
    /// Whoever had the identity here unlinked it.
    pub unlinked: Said,
    /// Another account has an address that looks the same.
    pub looks_taken: Said,
    /// The identity is another account's.
    pub taken: Said,
    /// The account has as many as it may have.
    pub many: Said,
    /// The account is being removed.
    pub leaving: Said,
    /// The link that led here leads on to another server.
    pub astray: Said,
}

/// Heading and text of a page.
pub(super) struct Said {
    pub title: &'static str,
    pub lead: &'static str,
}

static ENGLISH: Words = Words {
    language: "en",
    unknown: Said {
        title: "There is no such sign-in here",
        lead: "This server does not sign anybody in by that provider. Sign in another way.",
    },
    spent: Said {
        title: "This sign-in counts no more",
        lead: "It was ended already, took longer than ten minutes, or began in another browser. Begin anew, in this browser.",
    },
    declined: Said {
        title: "You were not signed in",
        lead: "You declined, or were refused, at the provider. Nothing happened here. You may begin anew, or sign in another way.",
    },
    unreachable: Said {
        title: "The provider does not answer",
        lead: "It could not be asked who you are, or not in time. Nothing happened here. Try again later, or sign in another way.",
    },
    refused: Said {
        title: "The provider's answer cannot be relied on",
        lead: "Nobody was signed in by it. Begin anew, or sign in another way. If it happens again, tell whoever runs this server.",
    },
    not_vouched: Said {
        title: "The provider does not vouch for your address",
        lead: "It tells no address of yours, or does not say that it is verified. Sign in by mail first, then link the provider in your account.",
    },
    unproven: Said {
        title: "The address of the account is not proven",
        lead: "There is an account with your address, and nobody has proven yet that it is theirs. Sign in by mail first: that proves it. Then sign in here.",
    },
    second_factor: Said {
        title: "The account of your address has a second factor",
        lead: "This sign-in is not linked with it yet, and is linked by nobody who has not shown that. Sign in here another way, then link the provider in your account.",
    },
    unlinked: Said {
        title: "This sign-in was unlinked",
        lead: "It was unlinked from its account here, and signs nobody in. Sign in another way, then link the provider in your account again.",
    },
    looks_taken: Said {
        title: "The address belongs to another account",
        lead: "There is an account with an address that looks the same as yours. Nothing was changed.",
    },
    taken: Said {
        title: "This identity belongs to another account",
        lead: "It signs in with another account already. Sign in with that one and unlink it there first. Nothing was changed.",
    },
    many: Said { title: "Your account has too many identities", lead: "Unlink one in your account first. Nothing was changed." },
    leaving: Said {
        title: "This account is being removed",
        lead: "The link of the mail that told you so takes that back. Then sign in.",
    },
    astray: Said {
        title: "This link leads astray",
        lead: "It names a place on another server to go on at. Begin at the application instead.",
    },
};

static GERMAN: Words = Words {
    language: "de",
    unknown: Said {
        title: "Diese Anmeldung gibt es hier nicht",
        lead: "Dieser Server meldet niemanden über diesen Anbieter an. Melden Sie sich auf anderem Weg an.",
    },
    spent: Said {
        title: "Diese Anmeldung gilt nicht mehr",
        lead: "Sie wurde schon beendet, hat länger als zehn Minuten gedauert oder in einem anderen Browser begonnen. Beginnen Sie in diesem Browser neu.",
    },
    declined: Said {
        title: "Sie wurden nicht angemeldet",
        lead: "Sie haben beim Anbieter abgelehnt oder wurden dort abgewiesen. Hier ist nichts geschehen. Sie können neu beginnen oder sich auf anderem Weg anmelden.",
    },
    unreachable: Said {
        title: "Der Anbieter antwortet nicht",
        lead: "Er konnte nicht oder nicht rechtzeitig gefragt werden, wer Sie sind. Hier ist nichts geschehen. Versuchen Sie es später oder melden Sie sich auf anderem Weg an.",
    },
    refused: Said {
        title: "Auf die Antwort des Anbieters ist kein Verlass",
        lead: "Niemand wurde damit angemeldet. Beginnen Sie neu oder melden Sie sich auf anderem Weg an. Geschieht es wieder, sagen Sie es dem Betreiber dieses Servers.",
    },
    not_vouched: Said {
        title: "Der Anbieter bürgt nicht für Ihre Adresse",
        lead: "Er nennt keine Adresse von Ihnen oder sagt nicht, dass sie bestätigt ist. Melden Sie sich zuerst per Mail an und verknüpfen Sie ihn dann in Ihrem Konto.",
    },
    unproven: Said {
        title: "Die Adresse des Kontos ist nicht bestätigt",
        lead: "Es gibt ein Konto mit Ihrer Adresse, und noch hat niemand gezeigt, dass sie ihm gehört. Melden Sie sich zuerst per Mail an: das bestätigt sie. Danach melden Sie sich hier an.",
    },
    second_factor: Said {
        title: "Das Konto Ihrer Adresse hat einen zweiten Faktor",
        lead: "Diese Anmeldung ist noch nicht mit ihm verknüpft, und niemand verknüpft sie, der ihn nicht gezeigt hat. Melden Sie sich hier auf anderem Weg an und verknüpfen Sie den Anbieter dann in Ihrem Konto.",
    },
    unlinked: Said {
        title: "Diese Anmeldung wurde gelöst",
        lead: "Sie wurde hier von ihrem Konto gelöst und meldet niemanden mehr an. Melden Sie sich auf anderem Weg an und verknüpfen Sie den Anbieter dann wieder in Ihrem Konto.",
    },
    looks_taken: Said {
        title: "Die Adresse gehört zu einem anderen Konto",
        lead: "Es gibt ein Konto mit einer Adresse, die gleich aussieht wie Ihre. Es wurde nichts geändert.",
    },
    taken: Said {
        title: "Diese Identität gehört zu einem anderen Konto",
        lead: "Sie meldet schon mit einem anderen Konto an. Melden Sie sich mit jenem an und lösen Sie sie dort zuerst. Es wurde nichts geändert.",
    },
    many: Said {
        title: "Ihr Konto hat zu viele Identitäten",
        lead: "Lösen Sie zuerst eine in Ihrem Konto. Es wurde nichts geändert.",
    },
    leaving: Said {
        title: "Dieses Konto wird gelöscht",
        lead: "Der Link in der Mail, die Ihnen das mitgeteilt hat, nimmt es zurück. Melden Sie sich danach an.",
    },
    astray: Said {
        title: "Dieser Link führt in die Irre",
        lead: "Er nennt eine Stelle auf einem anderen Server, an der es weitergehen soll. Beginnen Sie stattdessen bei der Anwendung.",
    },
};

impl Words {
    /// Those of a language.
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::German => &GERMAN,
            Language::English => &ENGLISH,
        }
    }
}
