//! The matrix of roles and permissions, `config/authz/matrix.txt`, as rows.

/// A role that holds a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Held<'a> {
    /// The role.
    pub role: &'a str,
    /// `organization` or `project`: where the role is one.
    pub domain: &'static str,
    /// The permission.
    pub permission: &'a str,
}

/// Every `x` of a matrix: a first line with the roles, those of teams right of a bar, then a line per permission. `#` begins a comment.
///
/// # Errors
/// The number of the line that does not fit, and why.
pub fn held(text: &str) -> Result<Vec<Held<'_>>, String> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let (_, head) = lines.next().ok_or("the matrix is empty")?;
    let (organization, project) =
        head.split_once('|').ok_or("the line with the roles has no bar between organisation and team")?;
    let roles: Vec<(&str, &'static str)> = organization
        .split_whitespace()
        .skip(1)
        .map(|role| (role, "organization"))
        .chain(project.split_whitespace().map(|role| (role, "project")))
        .collect();
    let bar = organization.split_whitespace().count() - 1;
    let mut held = Vec::new();
    for (number, line) in lines {
        let fault = |why: &str| format!("line {}: {why}: {line}", number + 1);
        let mut words = line.split_whitespace();
        let permission = words.next().unwrap_or_default();
        let mut marks: Vec<&str> = words.collect();
        if marks.get(bar) != Some(&"|") || marks.len() != roles.len() + 1 {
            return Err(fault("a mark for each role, and the bar where the first line has it"));
        }
        marks.remove(bar);
        for ((role, domain), mark) in roles.iter().zip(marks) {
            match mark {
                "x" => held.push(Held { role, domain, permission }),
                "-" => {}
                _ => return Err(fault("a mark is x or -")),
            }
        }
        if held.last().is_none_or(|last| last.permission != permission) {
            return Err(fault("nobody holds it"));
        }
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_x_is_a_row_and_what_does_not_fit_names_its_line() {
        let matrix = "# who may\npermission owner | team\n\na.read x | -\na.write x | x\n";
        let rows: Vec<_> = held(matrix).expect("fits").iter().map(|row| (row.role, row.domain, row.permission)).collect();
        assert_eq!(
            rows,
            [("owner", "organization", "a.read"), ("owner", "organization", "a.write"), ("team", "project", "a.write")]
        );
        for (wrong, why) in [
            ("", "empty"),
            ("permission owner team", "no bar"),
            ("p o | t\na.read x x", "line 2: a mark for each role"),
            ("p o | t\na.read | x x", "line 2: a mark for each role"),
            ("p o | t\na.read x | y", "line 2: a mark is x or -"),
            ("p o | t\na.read - | -", "line 2: nobody holds it"),
        ] {
            let fault = held(wrong).expect_err(wrong);
            assert!(fault.contains(why), "{wrong:?}: {fault}");
        }
    }
}
