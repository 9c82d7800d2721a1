//! What the pages say, in each language.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_api::Purpose;
use mail_api::Language;
use web::FormPage;

/// A page that says something and asks for nothing.
pub(super) fn says(words: &Words, status: StatusCode, title: &str, lead: &str) -> HttpResponse {
    FormPage { status, language: words.language, title, lead, fault: None, form: None }.response()
}

/// The texts of one language. `{}` stands for an address.
pub(super) struct Words {
    /// Its name in a page.
    pub language: &'static str,
    /// The field of a new password.
    pub password: &'static str,
    /// Of a link that counts no more: heading and text.
    pub spent: &'static str,
    pub spent_lead: &'static str,
    /// Of an address that another account has: heading and text.
    pub taken: &'static str,
    pub taken_lead: &'static str,
    /// Of an address that was confirmed by somebody who is not signed in: what came of it.
    pub ended_lead: &'static str,
    /// Of a form that is shown once more.
    pub again: &'static str,
    /// The page that asks for a second factor: heading, text, field, button, and what is wrong with what was typed.
    pub second: &'static str,
    pub second_lead: &'static str,
    pub second_lead_passkey: &'static str,
    pub second_code: &'static str,
    pub second_button: &'static str,
    pub second_again: &'static str,
    pub second_wrong: &'static str,
    /// Of a sign-in that waits no more: heading and text.
    pub pending_spent: &'static str,
    pub pending_spent_lead: &'static str,
    /// In the order of [`Purpose::ALL`].
    acts: [Act; 4],
    /// What is wrong with a password, by code.
    faults: &'static [(&'static str, &'static str)],
}

/// What a link is for.
struct Act {
    title: &'static str,
    lead: &'static str,
    button: &'static str,
    done: &'static str,
    done_lead: &'static str,
}

static ENGLISH: Words = Words {
    language: "en",
    password: "New password, at least 8 characters",
    spent: "This link counts no more",
    spent_lead: "It was used already, is older than ten minutes, or was replaced by a newer one. Ask for another mail, and open the link of the last one.",
    taken: "The address belongs to another account",
    taken_lead: "There is an account with this address, or with one that looks the same. Nothing was changed.",
    ended_lead: "You are not signed in here, so whoever registered may have been somebody else: the password, the sessions, passkeys, linked sign-ins and keys that were set up before have ended. Sign in by mail, or set a new password by mail.",
    again: "That did not work. The link still counts.",
    second: "Your second factor",
    second_lead: "Type what your authenticator shows now, or one of your recovery codes.",
    second_lead_passkey: "Use your passkey, or type what your authenticator shows now, or one of your recovery codes.",
    second_code: "Code",
    second_button: "Sign in",
    second_again: "That did not work. You have a few more tries.",
    second_wrong: "The code is wrong, or was used already: type the one that the authenticator shows next, or a recovery code.",
    pending_spent: "Sign in again",
    pending_spent_lead: "This sign-in was ended already, has taken too long or too many tries, or began in another browser.",
    acts: [
        Act {
            title: "Is this your address?",
            lead: "Somebody registered {} with 14Build. If that was you, confirm it in the browser in which you are signed in, or type the code of the mail there. Confirmed where you are not signed in, it ends the password and everything else that was set up before. If it was not you, close this page: nothing happens.",
            button: "Confirm the address",
            done: "Your address is confirmed",
            done_lead: "You may close this page.",
        },
        Act {
            title: "Choose a new password",
            lead: "For the account of {}. You are signed out everywhere then, and sign in with the new password.",
            button: "Set the password",
            done: "Your password is set",
            done_lead: "All sessions of the account have ended. Sign in with the new password.",
        },
        Act {
            title: "Sign in",
            lead: "As {}, in this browser.",
            button: "Sign in",
            done: "You are signed in",
            done_lead: "Go on in your application, in this browser. You may close this page.",
        },
        Act {
            title: "Use this address from now on?",
            lead: "Your account gets the address {}. You sign in with it then.",
            button: "Change the address",
            done: "Your address is changed",
            done_lead: "Other sessions of the account have ended. You may close this page.",
        },
    ],
    faults: &[],
};

static GERMAN: Words = Words {
    language: "de",
    password: "Neues Passwort, mindestens 8 Zeichen",
    spent: "Dieser Link gilt nicht mehr",
    spent_lead: "Er wurde schon benutzt, ist älter als zehn Minuten oder durch einen neueren ersetzt. Fordern Sie eine neue Mail an und öffnen Sie den Link der letzten.",
    taken: "Die Adresse gehört zu einem anderen Konto",
    taken_lead: "Es gibt ein Konto mit dieser Adresse oder mit einer, die gleich aussieht. Es wurde nichts geändert.",
    ended_lead: "Sie sind hier nicht angemeldet, also kann sich jemand anderes registriert haben: Passwort, Sitzungen, Passkeys, verknüpfte Anmeldungen und Schlüssel von vorher sind beendet. Melden Sie sich per Mail an oder setzen Sie per Mail ein neues Passwort.",
    again: "Das hat nicht geklappt. Der Link gilt weiterhin.",
    second: "Ihr zweiter Faktor",
    second_lead: "Geben Sie ein, was Ihr Authenticator gerade zeigt, oder einen Ihrer Wiederherstellungscodes.",
    second_lead_passkey: "Verwenden Sie Ihren Passkey oder geben Sie ein, was Ihr Authenticator gerade zeigt, oder einen Ihrer Wiederherstellungscodes.",
    second_code: "Code",
    second_button: "Anmelden",
    second_again: "Das hat nicht geklappt. Sie haben noch einige Versuche.",
    second_wrong: "Der Code ist falsch oder wurde schon benutzt: geben Sie den nächsten ein, den der Authenticator zeigt, oder einen Wiederherstellungscode.",
    pending_spent: "Melden Sie sich noch einmal an",
    pending_spent_lead: "Diese Anmeldung wurde schon beendet, hat zu lange gedauert oder zu viele Versuche gebraucht, oder sie begann in einem anderen Browser.",
    acts: [
        Act {
            title: "Ist das Ihre Adresse?",
            lead: "Jemand hat {} bei 14Build registriert. Wenn Sie das waren, bestätigen Sie es in dem Browser, in dem Sie angemeldet sind, oder geben Sie dort den Code der Mail ein. Wo Sie nicht angemeldet sind, beendet die Bestätigung das Passwort und alles andere, was vorher eingerichtet wurde. Wenn Sie es nicht waren, schließen Sie diese Seite: es geschieht nichts.",
            button: "Adresse bestätigen",
            done: "Ihre Adresse ist bestätigt",
            done_lead: "Sie können diese Seite schließen.",
        },
        Act {
            title: "Neues Passwort wählen",
            lead: "Für das Konto von {}. Sie werden dabei überall abgemeldet und melden sich mit dem neuen Passwort an.",
            button: "Passwort setzen",
            done: "Ihr Passwort ist gesetzt",
            done_lead: "Alle Sitzungen des Kontos sind beendet. Melden Sie sich mit dem neuen Passwort an.",
        },
        Act {
            title: "Anmelden",
            lead: "Als {}, in diesem Browser.",
            button: "Anmelden",
            done: "Sie sind angemeldet",
            done_lead: "Machen Sie in Ihrer Anwendung weiter, in diesem Browser. Sie können diese Seite schließen.",
        },
        Act {
            title: "Diese Adresse ab jetzt verwenden?",
            lead: "Ihr Konto bekommt die Adresse {}. Mit ihr melden Sie sich dann an.",
            button: "Adresse ändern",
            done: "Ihre Adresse ist geändert",
            done_lead: "Die anderen Sitzungen des Kontos sind beendet. Sie können diese Seite schließen.",
        },
    ],
    faults: &[
        ("TOO_SHORT", "Das Passwort muss mindestens 8 Zeichen haben."),
        ("TOO_LONG", "Das Passwort darf höchstens 128 Zeichen haben."),
        ("TOO_COMMON", "Dieses Passwort wird als eines der ersten probiert: wählen Sie ein anderes."),
        ("SAME_AS_EMAIL", "Das Passwort darf nicht die Adresse sein."),
        (
            "TOO_PERSONAL",
            "Das Passwort ist kaum mehr als Ihr Name, Ihre Adresse, Ihre Organisation oder unser Name: nehmen Sie andere Wörter dazu.",
        ),
        ("BREACHED", "Dieses Passwort ist bei einem anderen Dienst bekannt geworden: wählen Sie ein anderes."),
        ("TOO_SIMPLE", "Das Passwort ist kaum mehr als wiederholte Zeichen oder Tasten in einer Reihe: mischen Sie mehr."),
    ],
};

impl Words {
    /// Those of a language.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::German => &GERMAN,
            Language::English => &ENGLISH,
        }
    }

    fn act(&self, purpose: Purpose) -> &Act {
        match purpose {
            Purpose::VerifyAddress => &self.acts[0],
            Purpose::ResetPassword => &self.acts[1],
            Purpose::MagicLink => &self.acts[2],
            Purpose::ChangeAddress => &self.acts[3],
        }
    }

    /// Heading and button.
    pub fn asks(&self, purpose: Purpose) -> (&'static str, &'static str) {
        let act = self.act(purpose);
        (act.title, act.button)
    }

    /// What the button will do, for this address.
    pub fn lead(&self, purpose: Purpose, address: &str) -> String {
        self.act(purpose).lead.replace("{}", address)
    }

    /// Heading and text of what was done.
    pub fn done(&self, purpose: Purpose) -> (&'static str, &'static str) {
        let act = self.act(purpose);
        (act.done, act.done_lead)
    }

    /// What is wrong with what was sent: in English as the API says it.
    pub fn fault(&self, code: &str, detail: &str) -> String {
        let known = self.faults.iter().find(|(known, _)| *known == code);
        known.map_or_else(|| format!("{}: {detail}", self.password), |(_, text)| (*text).to_owned())
    }
}
