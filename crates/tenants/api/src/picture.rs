//! Where the picture of an organisation or a person may come from.

use kernel::FieldFault;

/// The most bytes of an address.
const MOST: usize = 2000;

/// What is wrong with the address of a picture, if one is given: others are shown it, so it is `https://host…`, and nothing that a browser would run.
#[must_use]
pub fn fault_of_picture(address: Option<&str>, pointer: &str) -> Option<FieldFault> {
    let detail = "must be an https address of at most 2000 characters";
    address.filter(|address| !is_https(address)).map(|_| FieldFault::new(pointer, "INVALID_FORMAT", detail))
}

fn is_https(address: &str) -> bool {
    let host = |rest: &str| rest.split(['/', '?', '#']).next().is_some_and(|host| !host.is_empty() && !host.contains('@'));
    address.len() <= MOST
        && address.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b))
        && address.strip_prefix("https://").is_some_and(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_from_https_only() {
        let long = format!("https://example.com/{}", "x".repeat(1980));
        for good in ["https://example.com/a.png", "https://example.com", "https://[::1]:8/x?y#z", &long] {
            assert_eq!(fault_of_picture(Some(good), "/image"), None, "{good}");
        }
        assert_eq!(fault_of_picture(None, "/image"), None);
        for bad in [
            "http://example.com",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://a b",
            "https://u@h/",
            "https://x/\"><",
            &format!("{long}x"),
        ] {
            let fault = fault_of_picture(Some(bad), "/image").map(|fault| (fault.pointer, fault.code));
            assert_eq!(fault, Some(("/image".to_owned(), "INVALID_FORMAT")), "{bad}");
        }
    }
}
