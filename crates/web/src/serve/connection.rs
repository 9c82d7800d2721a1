//! `Connection`: a client's stream that notes what the client does, hands on one request at a time, and breaks when its seat is taken away.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::gate::Gate;
use super::turn::Turn;
use super::unread;
use crate::crowd::Seat;

/// At the end so much of what nobody has read is read and thrown away.
const LEFT_OVER: usize = 128 << 10;

/// A client's stream with its seat.
pub struct Connection {
    stream: TcpStream,
    seat: Arc<Seat>,
    gate: Gate,
    /// What is sent in the place of an answer of the server's own, and how much of it is sent.
    instead: Option<(Vec<u8>, usize)>,
}

impl Connection {
    pub fn new(stream: TcpStream, seat: Arc<Seat>) -> Self {
        Self { stream, seat, gate: Gate::new(), instead: None }
    }

    pub fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }

    pub fn turn(&self) -> &Rc<Turn> {
        self.gate.turn()
    }

    /// An error if the seat was taken away, now or while this was on its way to wait.
    fn waits<T>(&self, context: &Context<'_>) -> Poll<io::Result<T>> {
        self.seat.waits(context);
        if self.seat.is_lost() { Poll::Ready(Err(lost())) } else { Poll::Pending }
    }

    fn put(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Pending => {
                self.seat.blocked();
                self.waits(context)
            }
            Poll::Ready(result) => {
                if let Ok(taken) = result {
                    self.seat.took(taken);
                }
                Poll::Ready(result)
            }
        }
    }

    /// Sends what is to be sent instead of `bytes`, which count as written once all of it is.
    fn put_instead(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (text, mut sent) = self.instead.take().unwrap_or_else(|| (unread::completed(bytes), 0));
        while sent < text.len() {
            match self.put(context, &text[sent..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(taken)) => sent += taken,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.instead = Some((text, sent));
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.seat.leave();
        // Who closes with something unread resets the connection, and an answer that is on its way may be lost with it.
        let (mut scratch, mut left) = ([0; 4096], LEFT_OVER);
        while left > 0
            && let Ok(1..) = self.stream.try_read(&mut scratch)
        {
            left = left.saturating_sub(scratch.len());
        }
    }
}

fn lost() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client was too slow, or one of too many")
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.seat.is_lost() {
            return Poll::Ready(Err(lost()));
        }
        let before = buffer.filled().len();
        loop {
            this.gate.look();
            if this.gate.is_cut() || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let is_head = this.gate.is_before_a_head();
            if this.gate.keeps_something() {
                if !this.gate.hand_on(buffer) {
                    return this.waits(context);
                }
            } else {
                match Pin::new(&mut this.stream).poll_read(context, buffer) {
                    Poll::Pending => return this.waits(context),
                    Poll::Ready(Ok(())) if buffer.filled().len() > before => this.gate.sift(buffer, before),
                    // The end, or an error.
                    Poll::Ready(result) => return Poll::Ready(result),
                }
            }
            if buffer.filled().len() > before {
                if is_head {
                    this.seat.heard();
                }
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.seat.is_lost() {
            return Poll::Ready(Err(lost()));
        }
        match unread::begins(bytes) {
            Some(0) => this.put_instead(context, bytes),
            // What stands before it, first.
            Some(start) => this.put(context, &bytes[..start]),
            None => this.put(context, bytes),
        }
    }

    /// Called when all that was to be written is.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.seat.caught_up();
        if this.gate.flushed() {
            context.waker().wake_by_ref();
        }
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
