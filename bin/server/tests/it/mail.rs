//! Mail over sockets, to servers that other people wrote: `aiosmtpd` of PyPI and `maildev` of npm, brought as the clients' tools are; and the
//! command that tries it out.

use std::process::Stdio;
use std::time::Duration;

use chrono::DateTime;
use mail_api::{Accepted, MailId, MailTransport, MessageId, OutgoingMail, Recipient, Refusal};
use mail_smtp::{Protection, Settings, Smtp};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::clients::peers::{Peers, folder, peers};
use crate::command_line::run;
use crate::process::free_address;

/// `clients/smtp_server.py`.
struct Server {
    port: u16,
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Server {
    async fn start(peers: &Peers, wants_password: bool) -> Self {
        let port = free_address().port();
        let mut command = Command::from(peers.python("python"));
        command.arg(folder().join("smtp_server.py")).arg(port.to_string());
        if wants_password {
            command.arg("auth");
        }
        command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().expect("Python runs");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        assert_eq!(lines.next_line().await.expect("reads").as_deref(), Some("listening"));
        Self { port, lines, _child: child }
    }

    /// The next mail that it took.
    async fn took(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(30), self.lines.next_line()).await.expect("in time");
        serde_json::from_str(&line.expect("reads").expect("a line")).expect("JSON")
    }
}

fn smtp(port: u16, protection: Protection, credentials: Option<(&str, &str)>) -> Smtp {
    let credentials = credentials.map(|(user, password)| (user.to_owned(), password.to_owned().into()));
    let (host, hello) = ("127.0.0.1".to_owned(), "app.build14.example".to_owned());
    let settings = Settings { host, port, protection, credentials, timeout: Duration::from_secs(10), hello };
    Smtp::new(&settings).expect("settings that hold")
}

fn mail(to: &str) -> OutgoingMail {
    let id = MailId::new();
    OutgoingMail {
        id,
        message_id: MessageId::of(id, "app.build14.example"),
        from: Recipient::at("no-reply@build14.example").named("14Build"),
        reply_to: Some(Recipient::at("help@build14.example")),
        to: Recipient::at(to).named("Ada \"the\" Lövelace\r\nBcc: eve@example.com"),
        date: DateTime::from_timestamp(1_741_392_065, 0).expect("a time"),
        subject: "Bestätigen Sie Ihre Adresse: 建設会社 €".to_owned(),
        html: format!("<p>Größe &lt;5 €</p>\n<p>{}</p>\n", "lang ".repeat(400)),
        text: "Größe 5 €\n.\n..\nFrom here\n".to_owned(),
    }
}

#[tokio::test]
async fn a_server_takes_mail_and_what_it_refuses_is_told_apart() {
    let Some(peers) = peers("an SMTP server takes mail, and what it refuses is told apart") else { return };
    let mut server = Server::start(peers, false).await;
    let smtp = smtp(server.port, Protection::None, None);
    let ada = mail("ada@example.com");
    assert_eq!(smtp.send(&ada).await, Ok(Accepted::default()));
    let seen = server.took().await;
    assert_eq!(seen["from"], "no-reply@build14.example");
    assert_eq!(seen["to"], serde_json::json!(["ada@example.com"]), "no header became a recipient");
    assert_eq!(seen["hello"], "app.build14.example");
    let header = |name: &str| seen["headers"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(header("message-id"), format!("<{}@app.build14.example>", ada.id));
    assert_eq!(header("subject"), ada.subject);
    assert_eq!(header("auto-submitted"), "auto-generated");
    assert_eq!(header("reply-to"), "help@build14.example");
    assert_eq!(header("date"), "Sat, 08 Mar 2025 00:01:05 +0000");
    assert_eq!(header("bcc"), "");
    assert!(header("to").contains("Lövelace") && header("to").ends_with("<ada@example.com>"), "{}", header("to"));
    let lines = |text: &Value| text.as_str().unwrap_or_default().replace("\r\n", "\n");
    assert_eq!((lines(&seen["plain"]).trim_end(), lines(&seen["html"]).trim_end()), (ada.text.trim_end(), ada.html.trim_end()));

    let refused = smtp.send(&mail("nobody@example.com")).await.expect_err("there is nobody");
    assert!(matches!(&refused, Refusal::NoMailbox { reason } if reason.starts_with("550 5.1.1 ")), "{refused}");
    let refused = smtp.send(&mail("unwanted@example.com")).await.expect_err("a policy");
    assert!(matches!(&refused, Refusal::Permanent { reason } if reason.starts_with("550 5.7.1 ")), "{refused}");
    let later = mail("later@example.com");
    let refused = smtp.send(&later).await.expect_err("not now");
    assert!(matches!(&refused, Refusal::Temporary { reason, .. } if reason.starts_with("451 ")), "{refused}");
    assert_eq!(smtp.send(&later).await, Ok(Accepted::default()));
    assert_eq!(server.took().await["headers"]["message-id"], format!("<{}@app.build14.example>", later.id));
    // The connection is of use after a refusal, and several at a time are.
    let many: Vec<_> = (0..12).map(|number| mail(&format!("person{number}@example.com"))).collect();
    let sent = futures::future::join_all(many.iter().map(|mail| smtp.send(mail))).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    for _ in 0..many.len() {
        server.took().await;
    }
}

#[tokio::test]
async fn nothing_is_said_to_a_server_without_tls_or_with_a_wrong_password() {
    let Some(peers) = peers("nothing is said to an SMTP server without TLS, or that takes another password") else { return };
    let mut server = Server::start(peers, true).await;
    let send = async |protection, credentials| {
        smtp(server.port, protection, credentials).send(&mail("ada@example.com")).await.expect_err("it is refused")
    };
    let plain = send(Protection::StartTls, Some(("build14", "correct"))).await;
    assert!(matches!(&plain, Refusal::Ours { reason } if reason.contains("STARTTLS")), "{plain}");
    let wrong = send(Protection::None, Some(("build14", "wrong"))).await;
    assert!(matches!(&wrong, Refusal::Ours { reason } if reason.starts_with("535 ")), "{wrong}");
    let nameless = send(Protection::None, None).await;
    assert!(matches!(&nameless, Refusal::Ours { reason } if reason.starts_with("530 ")), "{nameless}");
    let right = smtp(server.port, Protection::None, Some(("build14", "correct")));
    assert_eq!(right.send(&mail("ada@example.com")).await, Ok(Accepted::default()));
    assert_eq!(server.took().await["to"], serde_json::json!(["ada@example.com"]), "the first that it took");
    let nobody = smtp(free_address().port(), Protection::None, None).send(&mail("ada@example.com")).await;
    assert!(matches!(nobody, Err(Refusal::Temporary { .. })), "{nobody:?}");
}

#[tokio::test]
async fn another_server_shows_the_mail_as_it_was_written() {
    let Some(peers) = peers("maildev shows mail as it was written") else { return };
    let (port, shown, kept) = (free_address().port(), free_address(), tempfile::tempdir().expect("a folder"));
    let mut command = Command::from(peers.npm("maildev"));
    command.args(["--ip", "127.0.0.1", "--web-ip", "127.0.0.1", "--smtp", &port.to_string(), "--web", &shown.port().to_string()]);
    command.arg("--mail-directory").arg(kept.path().join("mails"));
    let _child = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("Node.js runs");
    let (smtp, ada) = (smtp(port, Protection::None, None), mail("ada@example.com"));
    testkit::until("it takes the mail", async || smtp.send(&ada).await.ok()).await;
    let url = format!("http://{shown}/email");
    let mails: Value = testkit::until("it shows the mail", async || {
        let mails = reqwest::get(&url).await.ok()?.json::<Value>().await.ok()?;
        (!mails.as_array()?.is_empty()).then_some(mails)
    })
    .await;
    let seen = &mails[0];
    assert_eq!(seen["subject"], ada.subject.as_str(), "{seen}");
    assert_eq!(seen["to"][0]["address"], "ada@example.com", "{seen}");
    assert!(seen["html"].as_str().is_some_and(|html| html.contains("<p>Größe &lt;5 €</p>")), "{seen}");
    let text = seen["text"].as_str().unwrap_or_default().replace("\r\n", "\n");
    assert_eq!(text.trim_end(), ada.text.trim_end(), "{seen}");
    assert_eq!(seen["headers"]["auto-submitted"], "auto-generated", "{seen}");
}

#[tokio::test]
async fn an_operator_tries_out_whether_mail_leaves() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().to_string_lossy().into_owned();
    let kept = [("BUILD14__DATA_DIR", folder.as_str())];
    let (code, said, complained) = run(&["mail", "test", "ada@example.com", "--language", "de"], &kept).await;
    assert!(code == Some(0) && said.starts_with("outbox took the mail. Its Message-ID is <"), "{said}{complained}");
    let outbox = data.path().join("outbox");
    let mut files: Vec<_> = std::fs::read_dir(outbox).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let source = std::fs::read_to_string(&files[0]).expect("reads");
    assert!(files.len() == 2 && source.contains("To: ada@example.com\r\n"), "{files:?}: {source}");
    let port = free_address().port().to_string();
    let nowhere = [
        ("BUILD14__DATA_DIR", folder.as_str()),
        ("BUILD14__MAIL__TRANSPORT", "smtp"),
        ("BUILD14__MAIL__SMTP__HOST", "127.0.0.1"),
        ("BUILD14__MAIL__SMTP__PORT", port.as_str()),
        ("BUILD14__MAIL__SMTP__SECURITY", "none"),
    ];
    let (code, _, complained) = run(&["mail", "test", "ada@example.com"], &nowhere).await;
    assert!(code == Some(1) && complained.contains("refused for now: "), "{complained}");
}
