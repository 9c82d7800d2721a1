//! Who a connection turns out to be. Isolation hangs on the role: a superuser, a role with BYPASSRLS or the owner of the tables passes
//! row-level security, without a word.

use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::Fault;
use secrecy::SecretString;

use crate::connect::establish;
use crate::error::fault_of;

/// A role that may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `build14_app`: what tenants' requests and jobs run as.
    App,
    /// `build14_system`: the platform's own paths across tenants.
    System,
}

impl Role {
    /// Its name in PostgreSQL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::App => "build14_app",
            Self::System => "build14_system",
        }
    }
}

/// Who the connections of a pool must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The role that statements run as.
    pub role: Role,
    /// Whether the login, too, must be harmless. One that may take every role, such as a developer's superuser, could take back what
    /// `options=-c role=…` gave up.
    pub login: bool,
}

/// What is wrong with who we are; `{role}` is the role that is wanted, `{login}` whether the login counts too.
///
/// A membership counts even where its rights have to be taken first (`set role`): what could be taken is as good as had.
const FAULTS: &str = "
    select format('%I %s', rolname, fault) as fault
    from pg_roles r, lateral (values
        (rolsuper, 'is a superuser'),
        (rolbypassrls, 'has BYPASSRLS'),
        (not rolsuper and exists (
            select from pg_roles g where (g.rolsuper or g.rolbypassrls) and pg_has_role(r.oid, g.oid, 'member') and g.oid <> r.oid
         ), 'is a member of a role that is a superuser or has BYPASSRLS'),
        (not rolsuper and pg_has_role(r.oid, to_regrole('build14_owner'), 'member'), 'is build14_owner or a member of it, and so owns the tables'),
        (not rolsuper and exists (
            select from pg_class c
            where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, to_regnamespace('app')) and c.relowner = r.oid
         ), 'owns tables'),
        (not rolsuper and '{role}' = 'build14_app' and pg_has_role(r.oid, to_regrole('build14_system'), 'member'),
         'is build14_system or a member of it, and so sees every tenant'),
        (not rolsuper and not coalesce(pg_has_role(r.oid, to_regrole('{role}'), 'member'), false), 'is neither {role} nor a member of it')
    ) as found (holds, fault)
    where holds and (rolname = current_user or ({login} and rolname = session_user))";

/// Tables whose policies do not hold for whoever asks.
const INACTIVE: &str = "
    select format('row-level security of the table %s is not active for %I', c.oid::regclass, current_user) as fault
    from pg_class c
    where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, to_regnamespace('app'))
      and c.relname <> '__diesel_schema_migrations' and not row_security_active(c.oid)";

/// So many tables are named, the others counted.
const NAMED: usize = 3;

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    fault: String,
}

impl Identity {
    /// `role`, whatever login took it.
    #[must_use]
    pub const fn of(role: Role) -> Self {
        Self { role, login: false }
    }

    fn faults(self) -> String {
        FAULTS.replace("{role}", self.role.name()).replace("{login}", if self.login { "true" } else { "false" })
    }

    fn advice(self) -> String {
        let role = self.role.name();
        let variable = match self.role {
            Role::App => "BUILD14__DATABASE__URL",
            Role::System => "BUILD14__DATABASE__SYSTEM_URL",
        };
        format!(
            "This connection has to be {role} and nothing above it: give {variable} a URL that signs in as {role}. If the URL sets the \
             role in its options, a pooler on the way may have dropped them: sign in as the role itself, or go past the pooler \
             (docs/OPERATIONS.md)"
        )
    }

    /// Statements that fail, with what to do, on a connection that is not who it must be. For every new connection.
    #[must_use]
    pub fn verification(self) -> String {
        // Both texts are constants without a quote.
        format!(
            "do $verify$
             declare
                 faults text;
             begin
                 select string_agg(fault, '; ' order by fault) into faults from ({}) f;
                 if faults is not null then
                     raise exception using errcode = 'invalid_authorization_specification', constraint = '{SERVING_ROLE}', message = faults || '. {}';
                 end if;
             end $verify$",
            self.faults(),
            self.advice()
        )
    }
}

/// The name under which a connection is refused that is not who it must be.
const SERVING_ROLE: &str = "serving_role";

/// What was said to a connection that was refused for who it is.
pub(crate) fn refused(error: &diesel::ConnectionError) -> Option<String> {
    match error {
        diesel::ConnectionError::CouldntSetupConfiguration(diesel::result::Error::DatabaseError(_, refusal)) => {
            (refusal.constraint_name() == Some(SERVING_ROLE)).then(|| refusal.message().to_owned())
        }
        _ => None,
    }
}

/// Everything for which this connection's rows might be others' too: who it is, and each table whose policies do not hold for it.
pub(crate) async fn exposures(connection: &mut AsyncPgConnection, identity: Identity) -> diesel::QueryResult<Vec<String>> {
    let faults: Vec<Row> = diesel::sql_query(format!("{} order by 1", identity.faults())).load(connection).await?;
    let inactive: Vec<Row> = diesel::sql_query(format!("{INACTIVE} order by 1")).load(connection).await?;
    let more = inactive.len().saturating_sub(NAMED);
    let mut found: Vec<String> = faults.into_iter().chain(inactive.into_iter().take(NAMED)).map(|row| row.fault).collect();
    if more > 0 {
        found.push(format!("nor is that of {more} more tables"));
    }
    Ok(found)
}

/// As `exposures`, on a connection of its own, which need not be who it must be.
///
/// # Errors
/// A fault of the database.
pub async fn exposures_of(url: &SecretString, identity: Identity) -> Result<Vec<String>, Fault> {
    let (mut connection, _driver) = establish(url).await.map_err(Fault::unavailable)?;
    exposures(&mut connection, identity).await.map_err(fault_of)
}

/// Who a connection of this URL is, and who signed in for it, where that is another one.
///
/// # Errors
/// A fault of the database.
pub async fn who(url: &SecretString) -> Result<String, Fault> {
    let (mut connection, _driver) = establish(url).await.map_err(Fault::unavailable)?;
    let sql = "select case when session_user = current_user then format('%I', current_user)
                    else format('%I, signed in as %I', current_user, session_user) end as fault";
    let row: Row = diesel::sql_query(sql).get_result(&mut connection).await.map_err(fault_of)?;
    Ok(row.fault)
}

/// What is said to whoever must mend it.
#[must_use]
pub fn refusal(identity: Identity, exposures: &[String]) -> String {
    format!("{}. {}", exposures.join("; "), identity.advice())
}
