//! What the HTTP server answers by itself, since no request was made of what it read: it says so without a body. Here it gets the one that every
//! error has, on its way to the client.

use actix_web::http::StatusCode;
use kernel::RequestId;

use crate::Problem;
use crate::problem::PROBLEM_JSON;

/// Longer than any answer of the server's own.
const LONGEST: usize = 256;
/// Every answer of the App names its request, and has a body if it is an error.
const BARE: &str = "\r\ncontent-length: 0\r\n";

/// Where the last answer in `written` begins, if it is one of the server's own.
pub fn begins(written: &[u8]) -> Option<usize> {
    if !written.ends_with(b"\r\n\r\n") {
        return None;
    }
    let tail = written.len().saturating_sub(LONGEST);
    let start = tail + written[tail..].windows(9).rposition(|window| window == b"HTTP/1.1 ")?;
    let head = std::str::from_utf8(&written[start..]).ok()?;
    (problem(head).is_some() && head.contains(BARE) && !head.contains("\r\nx-request-id:")).then_some(start)
}

/// The same answer, with a problem in it.
pub fn completed(bare: &[u8]) -> Vec<u8> {
    let head = String::from_utf8_lossy(bare);
    let Some(mut problem) = problem(&head) else { return bare.to_vec() };
    let id = RequestId::generate();
    tracing::debug!(target: "access", status = problem.status().as_u16(), request_id = id.as_str(), "no request could be made of what a client sent");
    problem.name_request(id.as_str());
    let body = serde_json::to_vec(&problem.body()).unwrap_or_default();
    let headers = format!(
        "\r\ncontent-length: {}\r\ncontent-type: {PROBLEM_JSON}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
         x-request-id: {}\r\n",
        body.len(),
        id.as_str()
    );
    [head.replacen(BARE, &headers, 1).as_bytes(), &body].concat()
}

/// What is wrong, by the status in which the server puts it.
fn problem(head: &str) -> Option<Problem> {
    match head.get(9..12)? {
        "400" => Some(Problem::malformed(
            "BAD_REQUEST",
            "this is not a request of HTTP/1.1: look at its first line, its headers and their lengths. TLS is not spoken at this port",
        )),
        "408" => Some(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "HEAD_TIMEOUT",
            "the first line and the headers of the request did not come in time: send them at once",
        )),
        "431" => Some(Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "HEAD_TOO_LARGE",
            "the first line and the headers of the request may have at most 131072 bytes together, and at most 96 headers",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: &str =
        "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\ndate: Fri, 27 Nov 2026 01:22:49 GMT\r\n\r\n";

    #[test]
    fn only_an_answer_of_the_servers_own_is_completed() {
        assert_eq!(begins(BAD.as_bytes()), Some(0));
        let ours = "HTTP/1.1 204 No Content\r\nx-request-id: a\r\n\r\n";
        assert_eq!(begins(format!("{ours}{BAD}").as_bytes()), Some(ours.len()));
        for other in [
            ours.to_owned(),
            BAD.replace("400", "304"),
            BAD.replace("content-length: 0", "content-length: 7"),
            BAD.replace("date", "x-request-id"),
            format!("{BAD}more"),
            String::new(),
        ] {
            assert_eq!(begins(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn it_stays_what_it_was_and_gets_a_body() {
        let text = String::from_utf8(completed(BAD.as_bytes())).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a body");
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n") && head.contains("\r\nconnection: close\r\n"), "{head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(400), Some("BAD_REQUEST")));
        assert!(head.contains(&format!("\r\nx-request-id: {}", body["requestId"].as_str().expect("an id"))), "{head}");
    }
}
