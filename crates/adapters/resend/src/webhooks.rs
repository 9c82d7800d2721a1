//! What Resend tells of mails that it took.

use kernel::Timestamp;
use mail_api::{MailId, MailNews, MailReport, MailReports, NotTheirs, SignedReport};
use secrecy::SecretString;
use serde_json::Value;

use crate::signature::{key, verify};

/// The port, for the secrets of one endpoint; during rotation the old and the new one.
pub struct Webhooks {
    keys: Vec<Vec<u8>>,
}

impl Webhooks {
    /// With these secrets, `whsec_…`; what is none lets nobody in.
    #[must_use]
    pub fn new(secrets: &[SecretString]) -> Self {
        Self { keys: secrets.iter().filter_map(key).collect() }
    }
}

impl MailReports for Webhooks {
    fn read(&self, report: &SignedReport<'_>, now: Timestamp) -> Result<Option<MailReport>, NotTheirs> {
        verify(report, &self.keys, now)?;
        let event: Value = serde_json::from_slice(report.body).map_err(|_| NotTheirs("the body is no report"))?;
        let kind = event["type"].as_str().ok_or(NotTheirs("the body is no report"))?;
        let data = &event["data"];
        let news = match kind {
            "email.bounced" => {
                let bounce = &data["bounce"];
                let word = |member: &str| bounce[member].as_str().unwrap_or_default();
                // Resend tells of nothing but what came back for good; a word beside that says otherwise where it is.
                let for_good = !["transient", "undetermined"].contains(&word("type").to_ascii_lowercase().as_str());
                let words = [word("type"), word("subType"), word("message")].map(str::trim);
                let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
                MailNews::Bounced { for_good, reason: words.join(" ") }
            }
            "email.complained" => MailNews::Complained,
            _ => return Ok(None),
        };
        let Some(provider_id) = data["email_id"].as_str().filter(|id| (1..=255).contains(&id.len()) && !id.contains('\0')) else {
            return Ok(None);
        };
        Ok(Some(MailReport { mail: ours(&data["tags"]), provider_id: provider_id.to_owned(), news }))
    }
}

/// Our own id of the mail, among the tags: an object of names, or a list of pairs.
fn ours(tags: &Value) -> Option<MailId> {
    let pairs = tags.as_array().into_iter().flatten();
    let listed = pairs.filter(|pair| pair["name"] == "mail").find_map(|pair| pair["value"].as_str());
    tags["mail"].as_str().or(listed)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::signature::sign;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn read(event: &Value) -> Result<Option<MailReport>, NotTheirs> {
        let (body, now) = (event.to_string(), chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time"));
        let signature = sign(&SECRET.into(), "msg_1", 1_700_000_000, body.as_bytes()).expect("it signs");
        let report =
            SignedReport { id: Some("msg_1"), timestamp: Some("1700000000"), signature: Some(&signature), body: body.as_bytes() };
        Webhooks::new(&[SECRET.into()]).read(&report, now)
    }

    #[test]
    fn a_bounce_says_which_mail_and_whether_for_good() {
        let id = MailId::new();
        let event = |kind: &str, tags: Value| {
            json!({"type": "email.bounced", "data": {"email_id": "re_1", "to": ["ada@example.com"], "tags": tags,
                "bounce": {"type": kind, "subType": "General", "message": "no such mailbox"}}})
        };
        let told = |mail, for_good, reason: &str| {
            let news = MailNews::Bounced { for_good, reason: reason.to_owned() };
            Ok(Some(MailReport { mail, provider_id: "re_1".to_owned(), news }))
        };
        let object = json!({ "mail": id });
        assert_eq!(read(&event("Permanent", object)), told(Some(id), true, "Permanent General no such mailbox"));
        let list = json!([{"name": "x", "value": "y"}, {"name": "mail", "value": id}]);
        assert_eq!(read(&event("Transient", list)), told(Some(id), false, "Transient General no such mailbox"));
        assert_eq!(read(&event("", Value::Null)), told(None, true, "General no such mailbox"));
        assert_eq!(read(&event("Permanent", json!({"mail": "x"}))), told(None, true, "Permanent General no such mailbox"));
    }

    #[test]
    fn of_everything_else_nothing_follows() {
        let complained = json!({"type": "email.complained", "data": {"email_id": "re_1"}});
        let report = MailReport { mail: None, provider_id: "re_1".to_owned(), news: MailNews::Complained };
        assert_eq!(read(&complained), Ok(Some(report)));
        for event in [
            json!({"type": "email.delivered", "data": {"email_id": "re_1"}}),
            json!({"type": "domain.updated", "data": {}}),
            json!({"type": "email.bounced", "data": {}}),
            json!({"type": "email.bounced", "data": {"email_id": ""}}),
            json!({"type": "email.bounced", "data": {"email_id": "a\u{0}b"}}),
        ] {
            assert_eq!(read(&event), Ok(None), "{event}");
        }
        assert_eq!(read(&json!({"data": {}})), Err(NotTheirs("the body is no report")));
        assert_eq!(read(&json!(1)), Err(NotTheirs("the body is no report")));
    }
}
