//! `Gate`: what of the bytes that came is handed on now, what later, and what never (`turn` says why).

use std::rc::Rc;

use tokio::io::ReadBuf;

use super::ends::{Chunks, Followed, Head};
use super::turn::{Body, Turn};

/// A byte that no head may have: actix-http refuses the request.
const NO_HEAD_HAS: u8 = 0;
/// Longer than this, the buffer of what is kept goes with what it held.
const MOST_KEPT_EMPTY: usize = 2048;

/// Which part of a request comes next.
#[derive(Debug)]
enum Part {
    Head(Head),
    /// The head is handed on; what follows it is not known yet.
    Unknown,
    Length(u64),
    Chunks(Chunks),
    Rest,
    /// The request is handed on.
    Whole,
    /// It was the last one, or broken: what comes is thrown away.
    Over,
    /// In the middle of a body, since it goes on as none does: for the reader the client has ended it there.
    Cut,
}

impl Part {
    /// How many of `bytes`, which come next, are handed on now.
    fn take(&mut self, bytes: &mut [u8]) -> usize {
        match self {
            Self::Head(head) => match head.follow(bytes) {
                Followed::On => bytes.len(),
                Followed::End(end) => {
                    *self = Self::Unknown;
                    end
                }
                Followed::Broken(at) => {
                    bytes[at] = NO_HEAD_HAS;
                    *self = Self::Over;
                    at + 1
                }
            },
            Self::Length(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= here as u64;
                if *left == 0 {
                    *self = Self::Whole;
                }
                here
            }
            Self::Chunks(chunks) => match chunks.follow(bytes) {
                Followed::On => bytes.len(),
                Followed::End(end) => {
                    *self = Self::Whole;
                    end
                }
                Followed::Broken(at) => {
                    *self = Self::Cut;
                    at
                }
            },
            Self::Rest => bytes.len(),
            Self::Unknown | Self::Whole | Self::Over | Self::Cut => 0,
        }
    }

    /// Whether something else must happen first.
    fn waits(&self) -> bool {
        matches!(self, Self::Unknown | Self::Whole)
    }

    /// Whether nothing of what comes is handed on any more.
    fn is_done(&self) -> bool {
        matches!(self, Self::Over | Self::Cut)
    }
}

/// Between a client's stream and its reader.
pub struct Gate {
    part: Part,
    /// What came and is not to be handed on yet; the first so many bytes of it were.
    kept: Vec<u8>,
    handed_on: usize,
    /// Whether the reader was told to wait although there was something.
    kept_back: bool,
    turn: Rc<Turn>,
}

impl Gate {
    pub fn new() -> Self {
        Self { part: Part::Head(Head::default()), kept: Vec::new(), handed_on: 0, kept_back: false, turn: Turn::new() }
    }

    pub fn turn(&self) -> &Rc<Turn> {
        &self.turn
    }

    /// Takes over what became known since.
    pub fn look(&mut self) {
        if matches!(self.part, Part::Unknown)
            && let Some(body) = self.turn.body()
        {
            self.part = match body {
                Body::Nothing | Body::Length(0) => Part::Whole,
                Body::Length(length) => Part::Length(length),
                Body::Chunks => Part::Chunks(Chunks::default()),
                Body::Rest => Part::Rest,
            };
        }
        if matches!(self.part, Part::Whole) {
            if self.turn.is_last() {
                self.part = Part::Over;
                self.forget();
            } else if self.turn.pass() {
                self.part = Part::Head(Head::default());
            }
        }
    }

    /// Whether a head comes next.
    pub fn is_before_a_head(&self) -> bool {
        matches!(self.part, Part::Head(_))
    }

    /// Whether the reader is to be told that the client has ended it.
    pub fn is_cut(&self) -> bool {
        matches!(self.part, Part::Cut)
    }

    pub fn keeps_something(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Hands on what is kept, as far as it may go; false if none of it may.
    pub fn hand_on(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        if self.part.waits() {
            self.kept_back = true;
            return false;
        }
        let end = self.kept.len().min(self.handed_on.saturating_add(buffer.remaining()));
        let next = &mut self.kept[self.handed_on..end];
        let now = self.part.take(next);
        buffer.put_slice(&next[..now]);
        self.handed_on += now;
        if self.part.is_done() || self.handed_on == self.kept.len() {
            self.forget();
        }
        true
    }

    /// Leaves in `buffer` what may be handed on of what came behind the first `before` bytes of it.
    pub fn sift(&mut self, buffer: &mut ReadBuf<'_>, before: usize) {
        let came = &mut buffer.filled_mut()[before..];
        let now = self.part.take(came);
        if !self.part.is_done() {
            self.kept.extend_from_slice(&came[now..]);
        }
        buffer.set_filled(before + now);
    }

    /// All that was to be written is; says whether the reader can have now what was kept back from it.
    pub fn flushed(&mut self) -> bool {
        self.turn.flushed();
        self.look();
        self.kept_back && !self.part.waits() && std::mem::take(&mut self.kept_back)
    }

    fn forget(&mut self) {
        self.handed_on = 0;
        if self.kept.capacity() > MOST_KEPT_EMPTY {
            self.kept = Vec::new();
        } else {
            self.kept.clear();
        }
    }
}
