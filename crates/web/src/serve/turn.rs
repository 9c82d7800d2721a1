//! One request at a time: whose turn it is on a connection.
//!
//! actix-http reads ahead, and keeps what an answer needs to know of its request (whether it is a HEAD, whether the connection ends with it) once per
//! connection. A request that is read before the answer to the one in front is complete changes that answer: behind a large answer a HEAD took its
//! body away, so that the client took the next answer for it, and what came behind `Connection: close` was still done. So our stream hands
//! on the bytes of one request, and keeps those behind it until the answer is written; behind the last request of a connection it hands on none.
//!
//! **Where a request ends** only actix-http says. The stream looks for the empty line that ends a head (`ends`), hands on so much, and waits. What
//! actix-http has read comes at once to [`telling`], which stands around the App and tells here what follows: the two cannot be of different
//! minds about lengths, since one of them has none. What actix-http refuses never comes here, and nothing is handed on behind it. A body that came with
//! its head is copied once, at most what one reading brings; all else goes straight into the buffer of actix-http.
//!
//! **When an answer is written**: its body ([`Answer`]) is dropped when the last of it is encoded, whatever its length, its kind and its method are. The
//! stream is flushed when all that was encoded has been taken by it. So an answer is written with the first flush after its body is gone, and by then
//! actix-http has nothing left of that request but a rest of its body that nobody wanted, which ends the connection or is read away in front of
//! the next head.
//!
//! **Who wakes whom**: what opens the way happens while actix-http is being polled, which ends with a flush, and there the task is woken
//! if something was kept back from it. It begins with reading.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_http::{Payload, Request, Response};
use actix_service::{Service, ServiceFactory, apply_fn_factory};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::{ConnectionType, Version, header};
use actix_web::{Error, HttpMessage};
use bytes::Bytes;

/// What follows the head of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    Nothing,
    Length(u64),
    Chunks,
    /// All that comes.
    Rest,
}

impl Body {
    /// As actix-http has read it: by its rules, in their order.
    fn of(request: &mut Request) -> Self {
        if matches!(request.payload(), Payload::None) {
            return Self::Nothing;
        }
        if request.chunked().unwrap_or_default() {
            return Self::Chunks;
        }
        let headers = &request.head().headers;
        let mut upgrades = headers.get_all(header::UPGRADE).filter_map(|value| value.to_str().ok());
        if upgrades.any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket")) {
            return Self::Rest;
        }
        let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        length.map_or(Self::Rest, Self::Length)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    No,
    /// All of the answer is encoded.
    Made,
    Written,
}

/// What the App knows of the request that has its turn, for the stream.
#[derive(Debug)]
pub struct Turn {
    body: Cell<Option<Body>>,
    last: Cell<bool>,
    answered: Cell<Answered>,
}

impl Turn {
    pub fn new() -> Rc<Self> {
        Rc::new(Self { body: Cell::new(None), last: Cell::new(false), answered: Cell::new(Answered::No) })
    }

    /// What follows the head that was handed on last; `None` until it is known, and once it was told.
    pub fn body(&self) -> Option<Body> {
        self.body.take()
    }

    /// Whether no request follows this one.
    pub fn is_last(&self) -> bool {
        self.last.get()
    }

    /// All that was encoded is written.
    pub fn flushed(&self) {
        if self.answered.get() == Answered::Made {
            self.answered.set(Answered::Written);
        }
    }

    /// Whether the answer is written. It is the next one's turn then.
    pub fn pass(&self) -> bool {
        let written = self.answered.get() == Answered::Written;
        if written {
            self.answered.set(Answered::No);
        }
        written
    }
}

/// The App, telling the stream of each connection about its requests and answers.
pub fn telling<A>(
    app: A,
) -> impl ServiceFactory<Request, Config = A::Config, Response = Response<Answer>, Error = Error, InitError = A::InitError>
where
    A: ServiceFactory<Request, Response = ServiceResponse<BoxBody>, Error = Error>,
{
    apply_fn_factory::<A, A, _, _, Request, Request, _, _>(app, |mut request: Request, app: &A::Service| {
        let turn = request.conn_data::<Rc<Turn>>().map(Rc::clone);
        if let Some(turn) = &turn {
            turn.body.set(Some(Body::of(&mut request)));
            turn.last.set(!keeps_alive(&request));
        }
        let answering = app.call(request);
        async move {
            let mut response: Response<BoxBody> = match answering.await {
                Ok(response) => response.into(),
                Err(error) => error.into(),
            };
            // Heads are used again, and keep the version of the answer before; one of HTTP/1.0 would seem to be a last one. That of this answer is set
            // when it is encoded.
            response.head_mut().version = Version::HTTP_11;
            if let Some(turn) = &turn
                && !response.head().keep_alive()
            {
                turn.last.set(true);
            }
            Ok::<_, Error>(response.map_body(|_, body| Answer { body, turn }))
        }
    })
}

/// Neither `Connection: close` nor `upgrade`, nor HTTP/1.0 without `keep-alive`.
fn keeps_alive(request: &Request) -> bool {
    request.head().connection_type() == ConnectionType::KeepAlive
}

/// The body of an answer: when it goes, all of the answer is encoded.
pub struct Answer {
    body: BoxBody,
    turn: Option<Rc<Turn>>,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(turn) = &self.turn {
            turn.answered.set(Answered::Made);
        }
    }
}
