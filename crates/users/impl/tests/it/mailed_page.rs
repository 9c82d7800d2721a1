//! A page to which the link of a mail leads: opened, and its button pressed, by whoever's session the browser has.

use actix_web::test::TestRequest;

use crate::scenery::{Account, Answer, Replica};

/// A page about the thing of this id.
pub struct MailedPage<'a> {
    pub replica: &'a Replica,
    pub path: &'static str,
    pub id: &'a str,
}

impl MailedPage<'_> {
    /// Follows the link.
    pub async fn open(&self, who: Option<&Account>) -> Answer {
        self.replica.send(by(TestRequest::get().uri(&format!("{}?id={}", self.path, self.id)), who)).await
    }

    /// Presses the button, on a page of this site (`Sec-Fetch-Site`).
    pub async fn press(&self, who: Option<&Account>, site: &'static str) -> Answer {
        let request = TestRequest::post().uri(self.path).insert_header(("Host", "build14.example"));
        let request = request.insert_header(("Sec-Fetch-Site", site)).set_form(&[("token", self.id)][..]);
        self.replica.send(by(request, who)).await
    }
}

/// The session is a cookie here, as a browser has it.
fn by(request: TestRequest, who: Option<&Account>) -> TestRequest {
    match who {
        Some(who) => request.insert_header(("Cookie", format!("__Host-session={}", who.token))),
        None => request,
    }
}

/// Passes if the page has this status and says this; a refusal does not say which organisation it would have been, which is Ada's.
pub fn says(answer: &Answer, status: u16, text: &str) {
    let html = answer.body.as_str().unwrap();
    assert!(answer.status.as_u16() == status && html.contains(text), "{}: {html}", answer.status);
    assert!(status == 200 || !html.contains("ada works"), "told to nobody else: {html}");
}
