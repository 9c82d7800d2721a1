//! What the pages of passkeys say, in each language.

use mail_api::Language;

/// The texts of one language.
pub(super) struct Words {
    /// Its name in a page.
    pub language: &'static str,
    pub sign_in: Act,
    pub add: Act,
    pub factor: Offered,
    /// The field of a new passkey's name, and what stands in it at first.
    pub name: &'static str,
    pub named: &'static str,
    /// Recovery codes are shown.
    pub codes: &'static str,
    /// Where no script runs, and where the browser knows no passkeys.
    pub without: &'static str,
    pub unsupported: &'static str,
    /// The person chose none, or took too long.
    pub cancelled: &'static str,
    /// The authenticator has one already.
    pub known: &'static str,
    /// The proof of who the person is has become old; nobody is signed in; the address is not proven.
    pub stale: &'static str,
    pub stranger: &'static str,
    pub unproven: &'static str,
    /// The sign-in waits no more.
    pub spent: &'static str,
    /// The page was opened under another name than that of the server.
    pub elsewhere: &'static str,
    pub failed: &'static str,
}

/// What a page is for.
#[derive(Clone, Copy)]
pub(super) struct Act {
    pub title: &'static str,
    pub lead: &'static str,
    pub button: &'static str,
    pub done: &'static str,
    pub refused: &'static str,
}

/// A passkey as second factor, on the page that asks for one.
#[derive(Clone, Copy)]
pub(super) struct Offered {
    pub button: &'static str,
    pub done: &'static str,
    pub refused: &'static str,
}

static ENGLISH: Words = Words {
    language: "en",
    sign_in: Act {
        title: "Sign in with a passkey",
        lead: "Your device asks for your finger, your face or its code. No password, and no name.",
        button: "Sign in",
        done: "You are signed in. Go on in your application, in this browser. You may close this page.",
        refused: "This passkey signs nobody in here: it was removed, or is another server's.",
    },
    add: Act {
        title: "Add a passkey",
        lead: "From then on you sign in with this device, without a password; and who knows your password needs it, too. We write to you that it was added.",
        button: "Add a passkey",
        done: "The passkey was added. You sign in with it from now on.",
        refused: "The passkey was not added: your browser's answer does not fit. Try again.",
    },
    factor: Offered {
        button: "Use your passkey",
        done: "You are signed in. Go on in your application, in this browser. You may close this page.",
        refused: "This passkey is none of your account: it was removed, or is another one's. Try again, or type a code.",
    },
    name: "What do you call it?",
    named: "My passkey",
    codes: "The passkey was added. Keep these recovery codes where nobody else finds them: each signs you in once, should you lose your devices. They are not shown again.",
    without: "Your browser asks for passkeys by a script, and runs none. Allow scripts of this page, or sign in another way.",
    unsupported: "This browser knows no passkeys. Use another one, or sign in another way.",
    cancelled: "No passkey was chosen. Try again when you are ready.",
    known: "This device has a passkey of your account already.",
    stale: "It is a while since you proved who you are. Sign in again, then come back to this page.",
    stranger: "Nobody is signed in in this browser. Sign in first, then come back to this page.",
    unproven: "Prove your address first: we sent you a mail with a link when you registered.",
    spent: "This sign-in was ended already, has taken too long or too many tries, or began in another browser. Sign in again.",
    elsewhere: "Passkeys work under the name of this server alone. Open this page there.",
    failed: "That did not work. Try again in a moment.",
};

static GERMAN: Words = Words {
    language: "de",
    sign_in: Act {
        title: "Mit einem Passkey anmelden",
        lead: "Ihr Gerät fragt nach Ihrem Finger, Ihrem Gesicht oder seinem Code. Kein Passwort und kein Name.",
        button: "Anmelden",
        done: "Sie sind angemeldet. Machen Sie in Ihrer Anwendung weiter, in diesem Browser. Sie können diese Seite schließen.",
        refused: "Dieser Passkey meldet hier niemanden an: er wurde entfernt oder gehört zu einem anderen Server.",
    },
    add: Act {
        title: "Einen Passkey hinzufügen",
        lead: "Von da an melden Sie sich mit diesem Gerät an, ohne Passwort; und wer Ihr Passwort kennt, braucht es auch. Wir schreiben Ihnen, dass er hinzugefügt wurde.",
        button: "Passkey hinzufügen",
        done: "Der Passkey wurde hinzugefügt. Mit ihm melden Sie sich ab jetzt an.",
        refused: "Der Passkey wurde nicht hinzugefügt: die Antwort Ihres Browsers passt nicht. Versuchen Sie es noch einmal.",
    },
    factor: Offered {
        button: "Passkey verwenden",
        done: "Sie sind angemeldet. Machen Sie in Ihrer Anwendung weiter, in diesem Browser. Sie können diese Seite schließen.",
        refused: "Dieser Passkey gehört nicht zu Ihrem Konto: er wurde entfernt oder ist der eines anderen. Versuchen Sie es noch einmal oder geben Sie einen Code ein.",
    },
    name: "Wie nennen Sie ihn?",
    named: "Mein Passkey",
    codes: "Der Passkey wurde hinzugefügt. Bewahren Sie diese Wiederherstellungscodes auf, wo niemand sonst sie findet: mit jedem melden Sie sich einmal an, falls Sie Ihre Geräte verlieren. Sie werden nicht noch einmal gezeigt.",
    without: "Ihr Browser fragt mit einem Skript nach Passkeys und führt keines aus. Erlauben Sie Skripte dieser Seite oder melden Sie sich anders an.",
    unsupported: "Dieser Browser kennt keine Passkeys. Nehmen Sie einen anderen oder melden Sie sich anders an.",
    cancelled: "Es wurde kein Passkey gewählt. Versuchen Sie es noch einmal, wenn Sie so weit sind.",
    known: "Dieses Gerät hat schon einen Passkey Ihres Kontos.",
    stale: "Es ist eine Weile her, dass Sie gezeigt haben, wer Sie sind. Melden Sie sich noch einmal an und kommen Sie dann auf diese Seite zurück.",
    stranger: "In diesem Browser ist niemand angemeldet. Melden Sie sich zuerst an und kommen Sie dann auf diese Seite zurück.",
    unproven: "Bestätigen Sie zuerst Ihre Adresse: bei der Registrierung haben wir Ihnen eine Mail mit einem Link geschickt.",
    spent: "Diese Anmeldung wurde schon beendet, hat zu lange gedauert oder zu viele Versuche gebraucht, oder sie begann in einem anderen Browser. Melden Sie sich noch einmal an.",
    elsewhere: "Passkeys gehen nur unter dem Namen dieses Servers. Öffnen Sie diese Seite dort.",
    failed: "Das hat nicht geklappt. Versuchen Sie es gleich noch einmal.",
};

impl Words {
    /// Those of a language.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::German => &GERMAN,
            Language::English => &ENGLISH,
        }
    }
}
