//! A number that a benchmark found.

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
    pub goal: &'static str,
}

impl Figure {
    /// A ratio of two measurements of one run.
    #[must_use]
    pub fn ratio(name: &'static str, value: f64, goal: &'static str) -> Self {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_its_number() {
        assert_eq!(Figure::ratio("write", 0.6251, "≥ 0.6").line(), "write ratio 0.63");
        let decision = Figure { name: "permission_decision", value: 95.04, unit: "ns", goal: "≤ 1000" };
        assert_eq!(decision.line(), "permission_decision in ns 95.0");
    }
}
