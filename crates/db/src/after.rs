//! The cursor of a list.

/// The rows after a page's cursor, of a boxed query of a list that goes by two columns, newest first: `db::after!(query, page, bids::created_at,
/// bids::id)`. `<=` bounds the index scan; the second condition cuts the rows of the very instant.
#[macro_export]
macro_rules! after {
    ($query:expr, $page:expr, $at:expr, $id:expr) => {
        match $page.after {
            Some(after) => $query.filter($at.le(after.created_at)).filter($at.lt(after.created_at).or($id.lt(after.id))),
            None => $query,
        }
    };
}
