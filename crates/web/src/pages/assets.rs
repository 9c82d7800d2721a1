//! What pages and browsers load besides.

use std::sync::LazyLock;

use bytes::Bytes;

use super::kept::Kept;

/// How pages look.
pub static STYLE: LazyLock<Kept> = LazyLock::new(|| Kept::new("text/css; charset=utf-8", include_str!("assets/pages.css")));

/// The icon.
pub static ICON: LazyLock<Kept> = LazyLock::new(|| Kept::new("image/svg+xml", include_str!("assets/favicon.svg")));

/// The icon for browsers that take no other, and for those that ask without having been told of one.
pub static OLD_ICON: LazyLock<Kept> =
    LazyLock::new(|| Kept::new("image/x-icon", Bytes::from_static(include_bytes!("assets/favicon.ico"))));

/// What crawlers leave alone.
pub static ROBOTS: LazyLock<Kept> = LazyLock::new(|| Kept::new("text/plain; charset=utf-8", include_str!("assets/robots.txt")));
