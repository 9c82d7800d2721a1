//! The rules of projects: details that make sense together, and which step of status may follow which.

use chrono::NaiveDate;
use kernel::{Currency, ProjectRole};
use projects_api::{Error, Project, ProjectDetails, ProjectStatus};

use super::Faults;

/// The details as they are kept: text trimmed, blank text dropped.
///
/// # Errors
/// [`Error::Invalid`] with every fault.
pub(crate) fn checked(details: ProjectDetails) -> Result<ProjectDetails, Error> {
    let mut faults = Faults::default();
    let name = faults.text("/name", &details.name, 200);
    let description = faults.optional_text("/description", details.description.as_deref(), 4000);
    let address = faults.optional_text("/address", details.address.as_deref(), 500);
    if let Some(budget) = details.budget {
        if budget.currency() != details.currency {
            faults.push("/budget", "CURRENCY_MISMATCH", "must be in the project's currency");
        }
        if budget.minor() < 0 {
            faults.push("/budget", "OUT_OF_RANGE", "must not be negative");
        }
    }
    if let (Some(starts_on), Some(ends_on)) = (details.starts_on, details.ends_on)
        && ends_on < starts_on
    {
        faults.push("/endsOn", "BEFORE_START", format!("must not be before startsOn, {starts_on}"));
    }
    faults.finish()?;
    Ok(ProjectDetails { name, description, address, ..details })
}

/// Passes if a project may be begun in the currency on this day, where the platform takes only some (`taken`). One that was begun goes on
/// in its currency.
///
/// # Errors
/// [`Error::Invalid`], naming what to use instead.
pub(crate) fn offered(currency: Currency, taken: Option<&[Currency]>, today: NaiveDate) -> Result<(), Error> {
    let refused = |code, detail| Err(Error::invalid("/currency", code, detail));
    if let Err(ended) = currency.offered_on(today) {
        return refused("CURRENCY_ENDED", ended.to_string());
    }
    match taken {
        Some(taken) if !taken.contains(&currency) => {
            let codes: Vec<_> = taken.iter().filter(|other| other.offered_on(today).is_ok()).map(|other| other.code()).collect();
            refused("NOT_ONE_OF", format!("no new project is made in {currency} here; use one of {}", codes.join(", ")))
        }
        _ => Ok(()),
    }
}

/// The status after a step that a person asks for; `None` asks for none.
///
/// # Errors
/// [`Error::State`].
pub(crate) fn step(project: &Project, to: Option<ProjectStatus>) -> Result<ProjectStatus, Error> {
    use ProjectStatus::{Active, Archived, Completed, Planning};
    let from = project.status;
    let to = to.unwrap_or(from);
    let refused = |hint| Err(Error::state("project", from.name(), hint));
    match (from, to) {
        (from, to) if from == to => Ok(to),
        (_, Planning) if project.tendered_at.is_some() => refused("a tender was published, so it is past planning"),
        (Planning | Completed | Archived, Active)
        | (Planning | Active | Completed, Archived)
        | (Active, Completed)
        | (Active | Archived, Planning) => Ok(to),
        (_, Completed) => refused("only an active project can be completed"),
        _ => refused("make it active first"),
    }
}

/// Whether a change would change nothing: then nothing is written, and the trail has nothing to tell.
pub(crate) fn is_so_already(project: &Project, details: &ProjectDetails, status: ProjectStatus) -> bool {
    let now = ProjectDetails {
        name: project.name.clone(),
        description: project.description.clone(),
        address: project.address.clone(),
        currency: project.currency,
        budget: project.budget,
        starts_on: project.starts_on,
        ends_on: project.ends_on,
    };
    now == *details && project.status == status
}

/// Only members of the organisation join a team.
pub(crate) fn not_a_member() -> Error {
    let detail = "is not a member of the organisation: invite the person first";
    Error::invalid("/userId", "NOT_A_MEMBER", detail)
}

/// Whether the team still has someone who runs the project once a member has `after` (or has left).
///
/// # Errors
/// [`Error::LastProjectOwner`].
pub(crate) fn keeps_owner(before: ProjectRole, after: Option<ProjectRole>, owners: i64) -> Result<(), Error> {
    let steps_down = before == ProjectRole::ProjectOwner && after != Some(ProjectRole::ProjectOwner);
    if steps_down && owners <= 1 { Err(Error::LastProjectOwner) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kernel::{Money, OrgId, ProjectId, UserId};

    use super::*;
    use crate::model::faults_of;

    fn details() -> ProjectDetails {
        ProjectDetails {
            name: " Villa ".into(),
            description: Some("  ".into()),
            address: Some("Hauptstraße 1".into()),
            currency: Currency::EUR,
            budget: Some(Money::from_minor(100, Currency::EUR)),
            starts_on: NaiveDate::from_ymd_opt(2026, 5, 1),
            ends_on: NaiveDate::from_ymd_opt(2026, 5, 1),
        }
    }

    fn project(status: ProjectStatus, tendered: bool) -> Project {
        Project {
            id: ProjectId::new(),
            org: OrgId::new(),
            owner: UserId::new(),
            name: "Villa".into(),
            description: None,
            address: None,
            status,
            currency: Currency::EUR,
            budget: None,
            starts_on: None,
            ends_on: None,
            tendered_at: tendered.then_some(DateTime::UNIX_EPOCH),
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn text_is_trimmed_and_blank_text_dropped() {
        let kept = checked(details()).expect("valid");
        assert_eq!((kept.name.as_str(), kept.description, kept.address.as_deref()), ("Villa", None, Some("Hauptstraße 1")));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let wrong = ProjectDetails {
            name: "\u{2003}".into(),
            description: Some("x".repeat(4001)),
            budget: Some(Money::from_minor(1, "USD".parse().expect("known"))),
            ends_on: NaiveDate::from_ymd_opt(2026, 4, 30),
            ..details()
        };
        assert_eq!(
            faults_of(checked(wrong)),
            [
                ("/name".to_owned(), "REQUIRED"),
                ("/description".to_owned(), "TOO_LONG"),
                ("/budget".to_owned(), "CURRENCY_MISMATCH"),
                ("/endsOn".to_owned(), "BEFORE_START")
            ]
        );
    }

    #[test]
    fn a_tendered_project_never_goes_back_to_planning_and_staying_is_always_allowed() {
        for &from in ProjectStatus::ALL {
            assert_eq!(step(&project(from, false), None).expect("stays"), from);
            assert_eq!(step(&project(from, false), Some(from)).expect("stays"), from);
            if from != ProjectStatus::Planning {
                let refused = step(&project(from, true), Some(ProjectStatus::Planning));
                assert!(matches!(refused, Err(Error::State { state, .. }) if state == from.name()));
            }
            assert!(step(&project(from, true), Some(ProjectStatus::Archived)).is_ok(), "anything can be put away");
        }
        assert!(step(&project(ProjectStatus::Planning, false), Some(ProjectStatus::Completed)).is_err());
        assert!(step(&project(ProjectStatus::Archived, false), Some(ProjectStatus::Planning)).is_ok());
    }

    #[test]
    fn the_last_project_owner_stays() {
        use ProjectRole::{InHouseUser, ProjectOwner};
        assert!(matches!(keeps_owner(ProjectOwner, None, 1), Err(Error::LastProjectOwner)));
        assert!(matches!(keeps_owner(ProjectOwner, Some(InHouseUser), 1), Err(Error::LastProjectOwner)));
        assert!(keeps_owner(ProjectOwner, Some(ProjectOwner), 1).is_ok());
        assert!(keeps_owner(ProjectOwner, None, 2).is_ok());
        assert!(keeps_owner(InHouseUser, None, 1).is_ok());
    }

    #[test]
    fn where_the_platform_takes_only_some_currencies_the_others_are_refused_by_name() {
        let (pound, today) = ("GBP".parse().expect("known"), NaiveDate::from_ymd_opt(2026, 11, 26).expect("a day"));
        assert!(offered(pound, None, today).is_ok());
        let Err(Error::Invalid(faults)) = offered(pound, Some(&[Currency::EUR]), today) else { panic!("refused") };
        assert_eq!((faults[0].pointer.as_str(), faults[0].code), ("/currency", "NOT_ONE_OF"));
        assert_eq!(faults[0].detail, "no new project is made in GBP here; use one of EUR");
    }
}
