//! An operator of the platform who looks at an organisation.

use build14::config::load_from;
use build14::database::Urls;
use build14::services::support::support_desk;
use mail_api::Language;
use secrecy::ExposeSecret;

use super::{Client, Party, World};

impl World {
    /// Lets an operator look at a party's organisation, which has consented to it, as `build14 support start` does.
    pub async fn support(&self, at: &Party) -> Client {
        let data = ("BUILD14__DATA_DIR".to_owned(), self.data.path().to_string_lossy().into_owned());
        let settings = load_from(&[data]).unwrap_or_else(|faults| panic!("{faults}"));
        let urls = Urls { app: self.db.app_url().await, system: self.db.system_url().await, owner: None, admin: None };
        let desk = support_desk(&settings, &urls).await.expect("the desk stands");
        let by = kernel::Decision {
            operator: "Olga Operator".parse().expect("a name"),
            reason: Some("Ticket 4711".parse().expect("a reason")),
        };
        let started = desk.start(at.org.parse().expect("an id"), &by, 60, Language::English).await.expect("it consents");
        self.anonymous().with_token(started.token.expose_secret())
    }
}
