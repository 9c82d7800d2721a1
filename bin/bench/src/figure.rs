//! A number that a benchmark found.

use crate::Goal;

/// A number that a benchmark found, with what it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it is of.
    pub name: &'static str,
    /// The number.
    pub value: f64,
    /// `ratio`, or what it is counted in.
    pub unit: &'static str,
    /// What docs/QUALITY.md asks for.
    pub goal: Goal,
}

impl Figure {
    /// A ratio of two measurements of one run.
    #[must_use]
    pub fn ratio(name: &'static str, value: f64, goal: Goal) -> Self {
        Self { name, value, unit: "ratio", goal }
    }

    /// As a line: the number stands last.
    #[must_use]
    pub fn line(&self) -> String {
        if self.unit == "ratio" {
            format!("{} ratio {:.2}", self.name, self.value)
        } else {
            format!("{} in {} {:.1}", self.name, self.unit, self.value)
        }
    }

    /// As a row of the table of all: name, goal, value, and whether it holds.
    #[must_use]
    pub fn row(&self) -> String {
        let value = if self.unit == "ratio" { format!("{:.2}", self.value) } else { format!("{:.1} {}", self.value, self.unit) };
        let holds = match self.goal.holds(self.value) {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        format!("| `{}` | {} | {value} | {holds} |", self.name, self.goal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_its_number() {
        assert_eq!(Figure::ratio("write", 0.6251, Goal::AtLeast(0.6)).line(), "write ratio 0.63");
        let decision = Figure { name: "permission_decision", value: 95.04, unit: "ns", goal: Goal::AtMost(1000.0) };
        assert_eq!(decision.line(), "permission_decision in ns 95.0");
    }

    #[test]
    fn a_row_says_whether_the_goal_holds() {
        assert_eq!(Figure::ratio("write", 0.5, Goal::AtLeast(0.6)).row(), "| `write` | ≥ 0.6 | 0.50 | no |");
        let decision = Figure { name: "permission_decision", value: 95.04, unit: "ns", goal: Goal::AtMost(1000.0) };
        assert_eq!(decision.row(), "| `permission_decision` | ≤ 1000 | 95.0 ns | yes |");
        let share = Figure { name: "share", value: 12.0, unit: "percent", goal: Goal::Told };
        assert_eq!(share.row(), "| `share` | told | 12.0 percent |  |");
    }
}
