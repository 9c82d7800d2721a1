//! A filter as a condition: fixed words for what there is, a bind for each value that somebody sent.

use db::prelude::*;
use diesel::pg::Pg as Postgres;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid};
use directory_api::{Attribute, Comparison, Filter, Operand, Query};
use kernel::{Fault, OrgId, Timestamp};
use uuid::Uuid;

enum Bind {
    Org(Uuid),
    Text(String),
    Flag(bool),
    Time(Timestamp),
    Number(i64),
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct TotalRow {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// Where a list is looked for: how the ids of some are asked for, and how many there are. Both name the organisation, which is the first bind, and end in a
/// condition.
pub(super) struct Place {
    /// Selects ids.
    pub(super) ids: &'static str,
    /// Counts.
    pub(super) count: &'static str,
    /// The order.
    pub(super) order: &'static str,
}

/// The ids of the part of a list that is meant, in order, and how many there are in all.
pub(super) async fn find(tx: &ReadTx<'_>, org: OrgId, place: &Place, query: &Query) -> Result<(Vec<Uuid>, u64), Fault> {
    let mut condition = Condition { binds: vec![Bind::Org(org.0)] };
    let text = query.filter.as_ref().map_or_else(|| "true".to_owned(), |filter| condition.of(filter));
    let counted: TotalRow =
        bound(format!("{} and {text}", place.count), &condition.binds).get_result(&mut tx.pg()).await.fault()?;
    let total = u64::try_from(counted.total).unwrap_or_default();
    if query.count == 0 || query.skip >= total {
        return Ok((Vec::new(), total));
    }
    let (most, skipped) = (i64::from(query.count), i64::try_from(query.skip).unwrap_or(i64::MAX));
    let (most, skipped) = (condition.bind(Bind::Number(most)), condition.bind(Bind::Number(skipped)));
    let text = format!("{} and {text} {} limit {most} offset {skipped}", place.ids, place.order);
    let rows: Vec<IdRow> = bound(text, &condition.binds).load(&mut tx.pg()).await.fault()?;
    Ok((rows.into_iter().map(|row| row.id).collect(), total))
}

fn bound(text: String, binds: &[Bind]) -> BoxedSqlQuery<'_, Postgres, SqlQuery> {
    let mut query = diesel::sql_query(text).into_boxed::<Postgres>();
    for bind in binds {
        query = match bind {
            Bind::Org(id) => query.bind::<SqlUuid, _>(*id),
            Bind::Text(text) => query.bind::<Text, _>(text.as_str()),
            Bind::Flag(flag) => query.bind::<Bool, _>(*flag),
            Bind::Time(time) => query.bind::<Timestamptz, _>(*time),
            Bind::Number(number) => query.bind::<BigInt, _>(*number),
        };
    }
    query
}

struct Condition {
    binds: Vec<Bind>,
}

impl Condition {
    fn bind(&mut self, bind: Bind) -> String {
        self.binds.push(bind);
        format!("${}", self.binds.len())
    }

    fn of(&mut self, filter: &Filter) -> String {
        match filter {
            Filter::All(parts) => self.joined(parts, " and "),
            Filter::Any(parts) => self.joined(parts, " or "),
            Filter::Not(inner) => format!("not {}", self.of(inner)),
            Filter::Where(attribute, how, with) => {
                let one = self.one(*attribute, *how, with);
                match attribute {
                    Attribute::EmailValue | Attribute::EmailType | Attribute::EmailPrimary => of_an_email(&one),
                    Attribute::Member => of_a_member(&one),
                    _ => one,
                }
            }
            Filter::OneEmail(inner) => {
                let one = self.within(inner);
                of_an_email(&one)
            }
            Filter::Nothing => "false".to_owned(),
        }
    }

    /// What stands within one address.
    fn within(&mut self, filter: &Filter) -> String {
        match filter {
            Filter::All(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.within(part)).collect();
                format!("({})", parts.join(" and "))
            }
            Filter::Any(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.within(part)).collect();
                format!("({})", parts.join(" or "))
            }
            Filter::Not(inner) => format!("not {}", self.within(inner)),
            Filter::Where(attribute, how, with) => self.one(*attribute, *how, with),
            Filter::OneEmail(_) | Filter::Nothing => "false".to_owned(),
        }
    }

    fn joined(&mut self, parts: &[Filter], word: &str) -> String {
        let parts: Vec<_> = parts.iter().map(|part| self.of(part)).collect();
        format!("({})", parts.join(word))
    }

    fn one(&mut self, attribute: Attribute, how: Comparison, with: &Operand) -> String {
        // Whatever its capitals, but for ids of others.
        let (column, exact) = match attribute {
            Attribute::Id => ("d.id::text", false),
            Attribute::ExternalId => ("d.external_id", true),
            Attribute::Created => ("d.created_at", true),
            Attribute::LastModified => ("d.updated_at", true),
            Attribute::UserName => ("d.user_name_key", false),
            Attribute::DisplayName => ("lower(d.display_name)", false),
            Attribute::FormattedName => ("lower(d.formatted_name)", false),
            Attribute::FamilyName => ("lower(d.family_name)", false),
            Attribute::GivenName => ("lower(d.given_name)", false),
            Attribute::Active => ("d.active", true),
            Attribute::EmailValue => ("lower(e ->> 'value')", false),
            Attribute::EmailType => ("lower(e ->> 'type')", false),
            Attribute::EmailPrimary => ("coalesce((e ->> 'primary')::boolean, false)", true),
            Attribute::Member => ("m.member", false),
        };
        let with = match with {
            Operand::None => return format!("{column} is not null"),
            Operand::Text(text) if exact => self.bind(Bind::Text(text.clone())),
            Operand::Text(text) => self.bind(Bind::Text(text.to_lowercase())),
            Operand::Flag(flag) => self.bind(Bind::Flag(*flag)),
            Operand::Time(time) => self.bind(Bind::Time(*time)),
        };
        // What is not there is neither equal nor greater: false, so that its contrary is true.
        match how {
            Comparison::Equal => format!("coalesce({column} = {with}, false)"),
            Comparison::NotEqual => format!("{column} is distinct from {with}"),
            Comparison::Contains => format!("coalesce(position({with} in {column}) > 0, false)"),
            Comparison::StartsWith => format!("coalesce(starts_with({column}, {with}), false)"),
            Comparison::EndsWith => format!("coalesce(right({column}, length({with})) = {with}, false)"),
            Comparison::Greater => format!("coalesce({column} > {with}, false)"),
            Comparison::GreaterOrEqual => format!("coalesce({column} >= {with}, false)"),
            Comparison::Less => format!("coalesce({column} < {with}, false)"),
            Comparison::LessOrEqual => format!("coalesce({column} <= {with}, false)"),
            Comparison::Present => format!("{column} is not null"),
        }
    }
}

fn of_an_email(condition: &str) -> String {
    format!("exists (select from jsonb_array_elements(d.emails) e where {condition})")
}

fn of_a_member(condition: &str) -> String {
    format!("exists (select from directory_group_members m where m.org_id = $1 and m.group_id = d.id and {condition})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_sent_is_a_bind_and_never_a_word() {
        let evil = "'; drop table directory_users; --";
        let text = |attribute, how| Filter::Where(attribute, how, Operand::Text(evil.to_owned()));
        let filter = Filter::Any(vec![
            Filter::Not(Box::new(text(Attribute::UserName, Comparison::Equal))),
            Filter::OneEmail(Box::new(Filter::All(vec![
                text(Attribute::EmailValue, Comparison::EndsWith),
                text(Attribute::EmailType, Comparison::NotEqual),
            ]))),
            text(Attribute::Member, Comparison::Contains),
            Filter::Where(Attribute::Active, Comparison::Equal, Operand::Flag(true)),
            Filter::Nothing,
        ]);
        let mut condition = Condition { binds: vec![Bind::Org(Uuid::nil())] };
        let sql = condition.of(&filter);
        assert!(!sql.contains("drop"), "{sql}");
        assert_eq!(
            sql,
            "(not coalesce(d.user_name_key = $2, false) or exists (select from jsonb_array_elements(d.emails) e where (coalesce(right(lower(e ->> \
             'value'), length($3)) = $3, false) and lower(e ->> 'type') is distinct from $4)) or exists (select from directory_group_members m \
             where m.org_id = $1 and m.group_id = d.id and coalesce(position($5 in m.member) > 0, false)) or coalesce(d.active = $6, false) or \
             false)"
        );
        assert_eq!(condition.binds.len(), 6);
    }
}
