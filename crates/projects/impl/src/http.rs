//! Endpoints.

mod projects;
mod soqs;
mod team;
mod units;

use projects_api::perm;

/// The most bytes of a schedule of quantities: 20,000 lines.
const SOQ_BODY: usize = 10 << 20;

/// Adds the endpoints of this domain.
pub fn routes(r: &mut web::Routes) {
    r.tag("Projects", "Projects of the session's organisation.")
        .resource("projects")
        .add(perm::READ, || projects::list)
        .add(perm::CREATE, || projects::create)
        .tagged()
        .add(perm::READ, || projects::read)
        .tagged()
        .add(perm::UPDATE, || projects::replace)
        .tagged()
        .add(perm::UPDATE, || projects::change)
        .tagged()
        .add(perm::DELETE, || projects::remove);
    r.tag("Project teams", "Who works on a project, in which role.")
        .resource("projectMembers")
        .add(perm::MEMBERS_READ, || team::list)
        .add(perm::MEMBERS_MANAGE, || team::add)
        .tagged()
        .add(perm::MEMBERS_MANAGE, || team::set_role)
        .tagged()
        .add(perm::MEMBERS_MANAGE, || team::remove);
    r.tag("Units", "The houses and apartments of a project, with their floors.")
        .resource("projectUnits")
        .add(perm::UNITS_READ, || units::list)
        .add(perm::UNITS_EDIT, || units::add)
        .body_limit(4 << 20);
    r.tag(
        "Schedules of quantities",
        "What is to be built: numbered lines with unit of measure and quantity, in versions that freeze.",
    )
    .resource("soqs")
    .add(perm::SOQ_READ, || soqs::list)
    .add(perm::SOQ_EDIT, || soqs::create)
    .body_limit(SOQ_BODY)
    .tagged()
    .add(perm::SOQ_READ, || soqs::read)
    .tagged()
    .add(perm::SOQ_EDIT, || soqs::replace)
    .body_limit(SOQ_BODY)
    .tagged()
    .add(perm::SOQ_EDIT, || soqs::remove)
    .add(perm::SOQ_FREEZE, || soqs::freeze)
    .tagged()
    .resource("soqVersions")
    .add(perm::SOQ_EDIT, || soqs::new_version)
    .tagged();
}
