//! What the server says, with one word translated on the way: the SQLSTATE of errors that are worth another try.
//!
//! diesel keeps no SQLSTATE: it knows ten kinds of errors, and everything else is `Unknown` with a message in whatever language the server
//! speaks. So deadlocks, time-outs and shutdowns are told to it as 40001, which it does know (`SerializationFailure`); their message stays.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// `serialization_failure`.
const TRY_AGAIN: &[u8; 5] = b"40001";

/// Whether the same statements may well succeed a moment later: races that PostgreSQL resolved against us, time-outs, spent resources,
/// a server or a pooler that goes away.
fn is_transient(code: &[u8]) -> bool {
    // 25P03: idle_in_transaction_session_timeout. 55P03: lock_not_available. 57014: query_canceled. 57P: operator intervention.
    matches!(code, b"25P03" | b"55P03" | b"57014")
        || [&b"08"[..], b"40", b"53", b"57P"].iter().any(|class| code.starts_with(class))
}

/// Translates the error in the body of an `ErrorResponse`: fields of a kind and a text that ends with a zero.
fn translate(body: &mut [u8]) {
    let mut at = 0;
    while let Some(&kind) = body.get(at).filter(|kind| **kind != 0) {
        let Some(length) = body[at + 1..].iter().position(|byte| *byte == 0) else { return };
        let text = &mut body[at + 1..at + 1 + length];
        if kind == b'C' && text.len() == TRY_AGAIN.len() && is_transient(text) {
            text.copy_from_slice(TRY_AGAIN);
        }
        at += length + 2;
    }
}

/// Where in the stream of messages we are: each is its kind, its length and so many bytes less four.
#[derive(Debug, Clone, Copy)]
enum At {
    /// So many bytes into a header.
    Header([u8; 5], usize),
    /// So many bytes before the end of a message that does not matter.
    Message(usize),
    /// At the begin of the body of an error, of so many bytes.
    Error(usize),
}

const BEGIN: At = At::Header([0; 5], 0);

#[derive(Debug)]
struct Walk(At);

impl Walk {
    /// Goes over what came and translates it in place. How many bytes may be passed on: the rest is the begin of an error's body.
    fn over(&mut self, chunk: &mut [u8]) -> usize {
        let mut here = 0;
        while here < chunk.len() {
            let left = chunk.len() - here;
            match &mut self.0 {
                At::Header(header, have) => {
                    let taken = (header.len() - *have).min(left);
                    header[*have..*have + taken].copy_from_slice(&chunk[here..here + taken]);
                    *have += taken;
                    here += taken;
                    if *have == header.len() {
                        let [kind, length @ ..] = *header;
                        let body = (u32::from_be_bytes(length) as usize).saturating_sub(4);
                        self.0 = match (kind, body) {
                            (_, 0) => BEGIN,
                            (b'E', body) => At::Error(body),
                            (_, body) => At::Message(body),
                        };
                    }
                }
                At::Message(body) => {
                    let passed = (*body).min(left);
                    here += passed;
                    *body -= passed;
                    if *body == 0 {
                        self.0 = BEGIN;
                    }
                }
                At::Error(body) if *body > left => break,
                At::Error(body) => {
                    let end = here + *body;
                    translate(&mut chunk[here..end]);
                    here = end;
                    self.0 = BEGIN;
                }
            }
        }
        here
    }
}

/// What bytes go through.
#[derive(Debug)]
pub(crate) enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
}

macro_rules! through {
    ($wire:ident, $stream:ident => $call:expr) => {
        match $wire.get_mut() {
            Wire::Tcp(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Wire::Unix(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        through!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        through!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        through!(self, stream => stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        through!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        through!(self, stream => stream.poll_shutdown(cx))
    }
}

/// A stream to a server.
#[derive(Debug)]
pub(crate) struct Translated<S> {
    inner: S,
    walk: Walk,
    /// The begin of an error's body whose end has not come yet.
    held: Vec<u8>,
    /// Translated, to be passed on.
    ready: Vec<u8>,
}

impl<S> Translated<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, walk: Walk(BEGIN), held: Vec::new(), ready: Vec::new() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Translated<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if !this.ready.is_empty() {
                let passed = this.ready.len().min(buf.remaining());
                buf.put_slice(&this.ready[..passed]);
                this.ready.drain(..passed);
                return Poll::Ready(Ok(()));
            }
            if this.held.is_empty() {
                let start = buf.filled().len();
                ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
                let chunk = &mut buf.filled_mut()[start..];
                if chunk.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                let passed = this.walk.over(chunk);
                this.held.extend_from_slice(&chunk[passed..]);
                buf.set_filled(start + passed);
                if passed > 0 {
                    return Poll::Ready(Ok(()));
                }
                // To pass nothing on would mean the end.
                continue;
            }
            let mut more = [0; 1024];
            let mut more = ReadBuf::new(&mut more);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut more))?;
            this.held.extend_from_slice(more.filled());
            let mut held = std::mem::take(&mut this.held);
            if !more.filled().is_empty() {
                let passed = this.walk.over(&mut held);
                this.held = held.split_off(passed);
            }
            this.ready = held;
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Translated<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Translated<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.inner.channel_binding()
    }
}

/// TLS whose plain text is translated.
pub(crate) struct TranslatedTls<T>(pub(crate) T);

impl<S, T> TlsConnect<S> for TranslatedTls<T>
where
    T: TlsConnect<S, Future: Send + 'static, Stream: Unpin + 'static>,
{
    type Stream = Translated<T::Stream>;
    type Error = T::Error;
    type Future = BoxFuture<'static, Result<Self::Stream, T::Error>>;

    fn connect(self, stream: S) -> Self::Future {
        self.0.connect(stream).map_ok(Translated::new).boxed()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
        [&[kind][..], &length, body].concat()
    }

    fn error(code: &str) -> Vec<u8> {
        message(b'E', format!("SFEHLER\0VERROR\0C{code}\0MVerklemmung entdeckt\0\0").as_bytes())
    }

    /// A conversation, in which whatever looks like an error but is none must stay as it is.
    fn conversation(code: &str) -> Vec<u8> {
        let row = message(b'D', &error("40P01"));
        [message(b'1', b""), row.clone(), error(code), message(b'Z', b"I"), message(b'N', b"C40P01\0\0"), row].concat()
    }

    async fn read(pieces: &[&[u8]], most: usize) -> Vec<u8> {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut translated = Translated::new(near);
        let mut told = Vec::new();
        for piece in pieces {
            tokio::io::AsyncWriteExt::write_all(&mut far, piece).await.expect("written");
            let mut buffer = vec![0; most];
            // Whatever can be passed on by now.
            while let Some(Ok(read)) = translated.read(&mut buffer).now_or_never() {
                told.extend_from_slice(&buffer[..read]);
            }
        }
        drop(far);
        translated.read_to_end(&mut told).await.expect("read");
        told
    }

    #[tokio::test]
    async fn what_is_worth_another_try_is_translated_wherever_the_stream_is_cut() {
        let (said, meant) = (conversation("40P01"), conversation("40001"));
        for cut in 0..said.len() {
            let (before, after) = said.split_at(cut);
            for most in [1, 7, 8192] {
                assert_eq!(read(&[before, after], most).await, meant, "cut at {cut}, {most} bytes at a time");
            }
        }
        let single: Vec<&[u8]> = said.chunks(1).collect();
        assert_eq!(read(&single, 8192).await, meant);
    }

    #[tokio::test]
    async fn other_errors_stay_what_they_are() {
        for code in ["23505", "42501", "42P01", "22P02", "P0001", "XX000", "57000", "25006"] {
            assert_eq!(read(&[&conversation(code)], 8192).await, conversation(code), "{code}");
        }
        for code in ["40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53300", "25P03", "08006", "08P01"] {
            assert_eq!(read(&[&conversation(code)], 8192).await, conversation("40001"), "{code}");
        }
    }

    #[tokio::test]
    async fn an_end_in_the_middle_of_an_error_is_the_end() {
        let said = error("40P01");
        assert_eq!(read(&[&said[..20]], 8192).await, said[..20]);
    }
}
