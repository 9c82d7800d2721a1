//! The languages that mails are written in.

kernel::named! {
    /// The language that somebody is written to in.
    pub enum Language {
        /// German.
        German = "de",
        /// English, also for whoever wants another one.
        English = "en",
    }
}

impl Language {
    /// The one that a request's `Accept-Language` likes best, of those that there are.
    #[must_use]
    pub fn accepted(header: Option<&str>) -> Self {
        let mut best = (Self::English, 0);
        for wish in header.unwrap_or_default().split(',').take(20) {
            let mut parts = wish.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
            let primary = tag.split('-').next().unwrap_or_default();
            if let Some(language) = Self::from_name(primary)
                && weight > best.1
            {
                best = (language, weight);
            }
        }
        best.0
    }
}

/// A quality of RFC 9110 in thousandths; what is none counts as nothing.
fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" => 1000,
        "0" if digits(fraction) => format!("{fraction:0<3}").parse().unwrap_or_default(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wish_with_the_greatest_weight_counts_among_the_languages_that_there_are() {
        for (header, language) in [
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("en-GB, de;q=0.9", Language::English),
            ("fr, de;q=0.4, en;q=0.5", Language::English),
            ("fr;q=1, de;q=0.001", Language::German),
            ("DE", Language::German),
            ("de;q=0", Language::English),
            ("de;q=x", Language::English),
            ("*", Language::English),
            ("", Language::English),
            ("ja", Language::English),
        ] {
            assert_eq!(Language::accepted(Some(header)), language, "{header}");
        }
        assert_eq!(Language::accepted(None), Language::English);
    }
}
