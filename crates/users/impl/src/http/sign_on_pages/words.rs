//! What the pages of single sign-on say, in each language.

use mail_api::Language;

/// The texts of one language.
pub(super) struct Words {
    /// Its name in a page.
    pub language: &'static str,
    /// The field of the address, and the button below it.
    pub email: &'static str,
    pub button: &'static str,
    /// The link to the organisation's sign-in.
    pub go: &'static str,
    /// The link to where the address is asked for.
    pub anew: &'static str,
    /// No organisation signs people in itself who have such an address; what was typed is none.
    pub nobody: &'static str,
    pub no_address: &'static str,
    /// Where a test told no address at all.
    pub none: &'static str,
    /// The address is asked for.
    pub ask: Said,
    /// An organisation signs people in itself who have it.
    pub found: Said,
    /// There is no other way into that organisation.
    pub enforced: Said,
    /// Something else than a page of this server led to the beginning of a sign-in.
    pub led: Said,
    /// A test passed: `{}` stands for the address.
    pub passed: Said,
    /// A test told an address that lets nobody in.
    pub failed: Said,
    /// There is no such organisation, or it signs nobody in itself.
    pub unknown: Said,
    /// It counts no more.
    pub spent: Said,
    /// The person did not agree there.
    pub declined: Said,
    /// The issuer does not answer.
    pub unreachable: Said,
    /// What it says is not believed.
    pub refused: Said,
    /// It tells no address of a proven domain.
    pub not_at_home: Said,
    /// Nobody has proven here that the address is theirs.
    pub unproven: Said,
    /// The person is no member, and nobody invited them.
    pub not_invited: Said,
    /// The directory has deactivated them.
    pub not_let_in: Said,
    /// The issuer knew somebody else by the address.
    pub subject_changed: Said,
    /// Another account has an address that looks the same.
    pub looks_taken: Said,
    /// The organisation is suspended.
    pub suspended: Said,
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
    email: "Your address",
    button: "Go on",
    go: "Go on to your organisation",
    anew: "To the sign-in",
    nobody: "No organisation signs people in itself who have such an address. Check it for a typing error, or sign in in your application, by password, mail or passkey.",
    no_address: "This is no e-mail address. One looks like name@example.com.",
    none: "no address",
    ask: Said {
        title: "Sign in",
        lead: "With the address that you have at your organisation. If it signs its people in itself, you are led there.",
    },
    found: Said { title: "Your organisation signs you in itself", lead: "Go on there, or sign in here another way." },
    enforced: Said {
        title: "Your organisation signs you in itself",
        lead: "It lets its people in by its own sign-in alone. Go on there.",
    },
    led: Said {
        title: "Do you want to sign in at your organisation?",
        lead: "Another page or a mail led you here. Go on only if you want to be signed in there.",
    },
    passed: Said {
        title: "The test passed",
        lead: "The issuer told {}, an address of a domain of your organisation. Nobody was signed in. You can turn single sign-on on now, and close this page.",
    },
    failed: Said {
        title: "The test did not pass",
        lead: "The issuer told {}: no address of a domain that your organisation has proven, so nobody would be let in by it. Prove the domain, or have the issuer tell the address (the claim `email`).",
    },
    unknown: Said {
        title: "There is no such sign-in here",
        lead: "No organisation signs anybody in by this link. Sign in another way.",
    },
    spent: Said {
        title: "This sign-in counts no more",
        lead: "It was ended already, took longer than ten minutes, or began in another browser. Begin anew, in this browser.",
    },
    declined: Said {
        title: "You were not signed in",
        lead: "You declined, or were refused, at your organisation. Nothing happened here. You may begin anew.",
    },
    unreachable: Said {
        title: "Your organisation's sign-in does not answer",
        lead: "It could not be asked who you are, or not in time. Nothing happened here. Try again later.",
    },
    refused: Said {
        title: "Your organisation's sign-in cannot be relied on",
        lead: "Nobody was signed in by its answer. Begin anew. If it happens again, tell who looks after the sign-in in your organisation.",
    },
    not_at_home: Said {
        title: "Your address is none of this organisation",
        lead: "Its sign-in tells no address of a domain that it has proven to be its own, and lets in nobody else. Tell who looks after it.",
    },
    unproven: Said {
        title: "The address of the account is not proven",
        lead: "There is an account with your address, and nobody has shown yet that it is theirs. Sign in by mail first: that proves it. Then sign in here.",
    },
    not_invited: Said {
        title: "You are no member of this organisation",
        lead: "Ask who manages its members to invite you. Then sign in again.",
    },
    not_let_in: Said {
        title: "Your organisation does not let you in",
        lead: "Its directory has deactivated you. Ask who keeps it.",
    },
    subject_changed: Said {
        title: "Your organisation knew somebody else by your address",
        lead: "You were not taken for them. Ask who manages the members to remove you and to invite you anew, then sign in again.",
    },
    looks_taken: Said {
        title: "The address belongs to another account",
        lead: "There is an account with an address that looks the same as yours. Nothing was changed.",
    },
    suspended: Said { title: "This organisation is suspended", lead: "Nobody acts in it until the platform resumes it." },
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
    email: "Ihre Adresse",
    button: "Weiter",
    go: "Weiter zu Ihrer Organisation",
    anew: "Zur Anmeldung",
    nobody: "Keine Organisation meldet Leute mit einer solchen Adresse selbst an. Prüfen Sie sie auf einen Tippfehler, oder melden Sie sich in Ihrer Anwendung an, mit Passwort, per Mail oder mit einem Passkey.",
    no_address: "Das ist keine E-Mail-Adresse. Sie sieht aus wie name@example.com.",
    none: "keine Adresse",
    ask: Said {
        title: "Anmelden",
        lead: "Mit der Adresse, die Sie bei Ihrer Organisation haben. Meldet diese ihre Leute selbst an, werden Sie dorthin geführt.",
    },
    found: Said {
        title: "Ihre Organisation meldet Sie selbst an",
        lead: "Gehen Sie dorthin weiter, oder melden Sie sich hier auf anderem Weg an.",
    },
    enforced: Said {
        title: "Ihre Organisation meldet Sie selbst an",
        lead: "Sie lässt ihre Leute nur über die eigene Anmeldung ein. Gehen Sie dorthin weiter.",
    },
    led: Said {
        title: "Wollen Sie sich bei Ihrer Organisation anmelden?",
        lead: "Eine andere Seite oder eine Mail hat Sie hierher geführt. Gehen Sie nur weiter, wenn Sie dort angemeldet werden wollen.",
    },
    passed: Said {
        title: "Die Probe ist bestanden",
        lead: "Der Anbieter hat {} genannt, eine Adresse einer Domain Ihrer Organisation. Niemand wurde angemeldet. Sie können Single Sign-on jetzt einschalten und diese Seite schließen.",
    },
    failed: Said {
        title: "Die Probe ist nicht bestanden",
        lead: "Der Anbieter hat {} genannt: keine Adresse einer Domain, die Ihre Organisation bestätigt hat; so käme niemand hinein. Bestätigen Sie die Domain oder lassen Sie den Anbieter die Adresse nennen (die Angabe `email`).",
    },
    unknown: Said {
        title: "Diese Anmeldung gibt es hier nicht",
        lead: "Keine Organisation meldet mit diesem Link jemanden an. Melden Sie sich auf anderem Weg an.",
    },
    spent: Said {
        title: "Diese Anmeldung gilt nicht mehr",
        lead: "Sie wurde schon beendet, hat länger als zehn Minuten gedauert oder in einem anderen Browser begonnen. Beginnen Sie in diesem Browser neu.",
    },
    declined: Said {
        title: "Sie wurden nicht angemeldet",
        lead: "Sie haben bei Ihrer Organisation abgelehnt oder wurden dort abgewiesen. Hier ist nichts geschehen. Sie können neu beginnen.",
    },
    unreachable: Said {
        title: "Die Anmeldung Ihrer Organisation antwortet nicht",
        lead: "Sie konnte nicht oder nicht rechtzeitig gefragt werden, wer Sie sind. Hier ist nichts geschehen. Versuchen Sie es später.",
    },
    refused: Said {
        title: "Auf die Anmeldung Ihrer Organisation ist kein Verlass",
        lead: "Niemand wurde mit ihrer Antwort angemeldet. Beginnen Sie neu. Geschieht es wieder, sagen Sie es, wer sich in Ihrer Organisation um die Anmeldung kümmert.",
    },
    not_at_home: Said {
        title: "Ihre Adresse gehört nicht zu dieser Organisation",
        lead: "Deren Anmeldung nennt keine Adresse einer Domain, die sie bestätigt hat, und lässt sonst niemanden ein. Sagen Sie es, wer sich darum kümmert.",
    },
    unproven: Said {
        title: "Die Adresse des Kontos ist nicht bestätigt",
        lead: "Es gibt ein Konto mit Ihrer Adresse, und noch hat niemand gezeigt, dass sie ihm gehört. Melden Sie sich zuerst per Mail an: das bestätigt sie. Danach melden Sie sich hier an.",
    },
    not_invited: Said {
        title: "Sie sind kein Mitglied dieser Organisation",
        lead: "Bitten Sie, wer ihre Mitglieder verwaltet, Sie einzuladen. Melden Sie sich danach wieder an.",
    },
    not_let_in: Said {
        title: "Ihre Organisation lässt Sie nicht ein",
        lead: "Ihr Verzeichnis hat Sie abgeschaltet. Fragen Sie, wer es führt.",
    },
    subject_changed: Said {
        title: "Ihre Organisation kannte unter Ihrer Adresse jemand anderen",
        lead: "Sie wurden nicht für diese Person gehalten. Bitten Sie die Mitgliederverwaltung, Sie zu entfernen und neu einzuladen, und melden Sie sich danach wieder an.",
    },
    looks_taken: Said {
        title: "Die Adresse gehört zu einem anderen Konto",
        lead: "Es gibt ein Konto mit einer Adresse, die gleich aussieht wie Ihre. Es wurde nichts geändert.",
    },
    suspended: Said { title: "Diese Organisation ist gesperrt", lead: "Niemand handelt in ihr, bis die Plattform sie freigibt." },
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
