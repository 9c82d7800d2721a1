//! Keyset pages: a list is walked by the position of its last row, newest first, never by an offset.

use uuid::Uuid;

use crate::Timestamp;

/// The place of a row in a list that is ordered by `(created_at, id)`, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// When the row was made.
    pub created_at: Timestamp,
    /// Its id, which decides among rows of one instant.
    pub id: Uuid,
}

/// What part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The most rows to return, 1 to 100.
    pub limit: u16,
    /// Start behind this row; `None` starts at the newest.
    pub after: Option<Position>,
}

impl PageRequest {
    /// The first page of `limit` rows.
    #[must_use]
    pub const fn first(limit: u16) -> Self {
        Self { limit, after: None }
    }

    /// How many rows to read: one more than the limit, which tells whether another page follows.
    #[must_use]
    pub fn fetch(self) -> i64 {
        i64::from(self.limit) + 1
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// Where the next page starts, if there is one.
    pub next: Option<Position>,
}

impl<T> Page<T> {
    /// Cuts rows that were read with [`PageRequest::fetch`] down to the page that was asked for.
    #[must_use]
    pub fn cut(mut rows: Vec<T>, request: PageRequest, position: impl Fn(&T) -> Position) -> Self {
        let more = rows.len() > usize::from(request.limit);
        rows.truncate(usize::from(request.limit));
        let next = more.then(|| rows.last().map(position)).flatten();
        Self { items: rows, next }
    }

    /// The same page of another type.
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}
