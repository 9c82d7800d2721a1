//! Where a request ends: the end of its head, and of a body in chunks. Whether it is right is not asked here: whoever reads it finds that out.
//!
//! What is broken in a way that two readers may take for two different ends is told, and goes no further: a line that ends in LF alone, and what
//! is no chunk.

/// What was found in bytes that were followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// All of them belong to it, and it goes on.
    On,
    /// So many of them belong to it.
    End(usize),
    /// The one behind so many cannot belong to it.
    Broken(usize),
}

/// How far a head was followed: what the last byte was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Head {
    /// Nothing, or the end of an empty line in front of the head.
    #[default]
    Before,
    BeforeCr,
    /// One in a line, or its CR.
    Line,
    Cr,
    /// The end of a line, or a CR behind it.
    Start,
    StartCr,
}

impl Head {
    /// On through `bytes`, until the empty line.
    pub fn follow(&mut self, bytes: &[u8]) -> Followed {
        let mut at = 0;
        while at < bytes.len() {
            if *self == Self::Line {
                let Some(rest) = bytes[at..].iter().position(|byte| matches!(byte, b'\r' | b'\n')) else { break };
                at += rest;
            }
            *self = match (*self, bytes[at]) {
                (Self::StartCr, b'\n') => return Followed::End(at + 1),
                (Self::BeforeCr, b'\n') => Self::Before,
                (Self::Cr, b'\n') => Self::Start,
                (_, b'\n') => return Followed::Broken(at),
                (Self::Before, b'\r') => Self::BeforeCr,
                (Self::Start, b'\r') => Self::StartCr,
                (_, b'\r') => Self::Cr,
                _ => Self::Line,
            };
            at += 1;
        }
        Followed::On
    }
}

/// How far a body in chunks was followed: what comes next, and how long the chunk is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Chunks {
    /// The first digit of a length.
    #[default]
    First,
    Size(u64),
    Blank(u64),
    Extension(u64),
    /// The LF behind the length.
    SizeLf(u64),
    /// So many bytes.
    Data(u64),
    DataCr,
    DataLf,
    /// A trailer, or the empty line.
    Start,
    StartLf,
    Trailer,
    TrailerLf,
    /// Nothing.
    End,
}

impl Chunks {
    /// On through `bytes`, until the empty line behind the last chunk.
    pub fn follow(&mut self, bytes: &[u8]) -> Followed {
        let mut at = 0;
        while at < bytes.len() {
            if let Self::Data(left) = *self {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                at += here;
                let left = left - here as u64;
                *self = if left == 0 { Self::DataCr } else { Self::Data(left) };
                continue;
            }
            let Some(next) = self.step(bytes[at]) else { return Followed::Broken(at) };
            *self = next;
            at += 1;
            if next == Self::End {
                return Followed::End(at);
            }
        }
        Followed::On
    }

    /// As `actix_http::h1::chunked` steps, but that trailers are lines of text.
    fn step(self, byte: u8) -> Option<Self> {
        let text = byte == b'\t' || !byte.is_ascii_control();
        Some(match (self, byte) {
            (Self::First, _) => Self::Size(digit(byte)?),
            (Self::Size(size) | Self::Blank(size), b' ' | b'\t') => Self::Blank(size),
            (Self::Size(size) | Self::Blank(size), b';') => Self::Extension(size),
            (Self::Size(size) | Self::Blank(size) | Self::Extension(size), b'\r') => Self::SizeLf(size),
            (Self::Size(size), _) => Self::Size(size.checked_mul(16)? | digit(byte)?),
            (Self::Extension(size), _) if text => Self::Extension(size),
            (Self::SizeLf(0), b'\n') | (Self::TrailerLf, b'\n') => Self::Start,
            (Self::SizeLf(size), b'\n') => Self::Data(size),
            (Self::DataCr, b'\r') => Self::DataLf,
            (Self::DataLf, b'\n') => Self::First,
            (Self::Start, b'\r') => Self::StartLf,
            (Self::StartLf, b'\n') => Self::End,
            (Self::Trailer, b'\r') => Self::TrailerLf,
            (Self::Start | Self::Trailer, _) if text => Self::Trailer,
            _ => return None,
        })
    }
}

fn digit(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in `text` at once, and byte by byte.
    fn both<F: Default>(text: &str, follow: impl Fn(&mut F, &[u8]) -> Followed) -> [Followed; 2] {
        let one_by_one = || {
            let mut followed = F::default();
            for (at, byte) in text.bytes().enumerate() {
                match follow(&mut followed, &[byte]) {
                    Followed::On => {}
                    Followed::End(_) => return Followed::End(at + 1),
                    Followed::Broken(_) => return Followed::Broken(at),
                }
            }
            Followed::On
        };
        [follow(&mut F::default(), text.as_bytes()), one_by_one()]
    }

    #[test]
    fn a_head_ends_with_its_empty_line() {
        for head in ["GET / HTTP/1.1\r\n\r\n", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", "\0\r\n\r\n"] {
            assert_eq!(both(&format!("{head}GET /"), Head::follow), [Followed::End(head.len()); 2], "{head:?}");
        }
        for part in ["", "\r\n", "\r\n\r\n\r\n\r\n", "GET / HTTP/1.1", "GET / HTTP/1.1\r\nHost: a\r\n", "G\r\n\r", "G\r\n\r\r\n"]
        {
            assert_eq!(both(part, Head::follow), [Followed::On; 2], "{part:?}");
        }
        for before in ["GET / HTTP/1.1", "GET / HTTP/1.1\r\nHost: a", "GET / HTTP/1.1\r\nHost: a\r\n", "", "\r\n"] {
            assert_eq!(both(&format!("{before}\n\r\n"), Head::follow), [Followed::Broken(before.len()); 2], "{before:?}");
        }
    }

    #[test]
    fn a_body_in_chunks_ends_behind_its_trailers() {
        for body in [
            "0\r\n\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            "003;a=\"b\"\r\n\r\n\r\r\n1 \t\r\n0\r\n0\t;x\r\n\r\n",
            "1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nA: b\r\nC:\td\r\n\r\n",
        ] {
            assert_eq!(both(&format!("{body}0\r\n\r\n"), Chunks::follow), [Followed::End(body.len()); 2], "{body:?}");
        }
        for part in ["", "1", "1\r\na", "1\r\na\r\n", "0\r\n", "0\r\nA: b\r\n", "0\r\n\r", "ffffffffffffffff\r\nabc"] {
            assert_eq!(both(part, Chunks::follow), [Followed::On; 2], "{part:?}");
        }
        for (before, bad) in [
            ("", "\r\n0\r\n\r\n"),
            ("", "-1"),
            ("", "+1"),
            ("0", "x1\r\n"),
            ("1 ", "1\r\n"),
            ("1", "\na"),
            ("1;a", "\na"),
            ("1\r", "a"),
            ("1\r\na", "b\r\n"),
            ("1\r\na", "\n0\r\n\r\n"),
            ("1\r\na\r", "0"),
            ("0\r\n", "\n"),
            ("0\r\nA: b", "\nGET / HTTP/1.1\r\n\r\n"),
            ("0\r\nA: b\r", "C"),
            ("0\r\n\r", "\r\n"),
            ("ffffffffffffffff", "f"),
        ] {
            assert_eq!(both(&format!("{before}{bad}"), Chunks::follow), [Followed::Broken(before.len()); 2], "{before:?}{bad:?}");
        }
    }
}
