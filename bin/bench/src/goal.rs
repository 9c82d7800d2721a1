//! What a figure should be.

use std::fmt;

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// This, a fifth of it more or less.
    About(f64),
    /// Nothing is asked of it: it is told.
    Told,
}

impl Goal {
    /// Whether a number is as it should be; nothing is said of what is only told.
    #[must_use]
    pub fn holds(self, value: f64) -> Option<bool> {
        match self {
            Self::AtLeast(least) => Some(value >= least),
            Self::AtMost(most) => Some(value <= most),
            Self::About(one) => Some((one * 0.8..=one * 1.2).contains(&value)),
            Self::Told => None,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "≥ {least}"),
            Self::AtMost(most) => write!(f, "≤ {most}"),
            Self::About(one) => write!(f, "about {one}"),
            Self::Told => f.write_str("told"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_holds_up_to_its_edge() {
        assert_eq!([0.59, 0.6, 0.61].map(|value| Goal::AtLeast(0.6).holds(value)), [Some(false), Some(true), Some(true)]);
        assert_eq!([1.19, 1.2, 1.21].map(|value| Goal::AtMost(1.2).holds(value)), [Some(true), Some(true), Some(false)]);
        assert_eq!([0.79, 0.81, 1.19, 1.21].map(|value| Goal::About(1.0).holds(value)), [false, true, true, false].map(Some));
        assert_eq!(Goal::Told.holds(7.0), None);
    }

    #[test]
    fn no_number_holds_no_goal() {
        for goal in [Goal::AtLeast(1.0), Goal::AtMost(1.0), Goal::About(1.0)] {
            assert_eq!(goal.holds(f64::NAN), Some(false));
        }
    }

    #[test]
    fn a_goal_is_read_as_it_is_written_in_the_table() {
        assert_eq!(Goal::AtLeast(0.65).to_string(), "≥ 0.65");
        assert_eq!(Goal::AtMost(1000.0).to_string(), "≤ 1000");
        assert_eq!(Goal::About(1.0).to_string(), "about 1");
    }
}
