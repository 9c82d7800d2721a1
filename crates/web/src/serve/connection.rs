//! `Connection`: a client's stream that notes what the client does, and breaks when its seat is taken away.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::crowd::Seat;

/// A client's stream with its seat.
pub struct Connection {
    stream: TcpStream,
    seat: Arc<Seat>,
}

impl Connection {
    pub fn new(stream: TcpStream, seat: Arc<Seat>) -> Self {
        Self { stream, seat }
    }

    pub fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }

    /// An error if the seat was taken away, now or while this was on its way to wait.
    fn waits<T>(&self, context: &Context<'_>) -> Poll<io::Result<T>> {
        self.seat.waits(context);
        if self.seat.is_lost() { Poll::Ready(Err(lost())) } else { Poll::Pending }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.seat.leave();
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
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Pending => this.waits(context),
            Poll::Ready(result) => {
                if buffer.filled().len() > before {
                    this.seat.heard();
                }
                Poll::Ready(result)
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
        match Pin::new(&mut this.stream).poll_write(context, bytes) {
            Poll::Pending => {
                this.seat.blocked();
                this.waits(context)
            }
            Poll::Ready(result) => {
                if let Ok(taken) = result {
                    this.seat.took(taken);
                }
                Poll::Ready(result)
            }
        }
    }

    /// Called when all that was to be written is.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.seat.caught_up();
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
