//! HEAD is GET without the body: the same route, the same rights, the same headers (RFC 9110 §9.3.2).

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use bytes::Bytes;

/// Makes a HEAD request the GET request that it stands for; says whether it was one.
pub fn as_get(request: &mut ServiceRequest) -> bool {
    let is_head = request.method() == Method::HEAD;
    if is_head {
        request.head_mut().method = Method::GET;
    }
    is_head
}

/// The answer to GET as the answer to HEAD: the body's length is told, the body is not sent.
pub fn without_body(response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
    response.map_body(|_, body| match body.size() {
        BodySize::Sized(length) => BoxBody::new(OnlyLength(length)),
        BodySize::None | BodySize::Stream => BoxBody::new(()),
    })
}

/// A body of which only the length is known.
struct OnlyLength(u64);

impl MessageBody for OnlyLength {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}
