//! SQL of people.

pub(crate) mod departures;
pub(crate) mod domains;
pub(crate) mod exports;
pub(crate) mod invitations;
pub(crate) mod links;
pub(crate) mod ownership;

use auth_api::Error as SignInError;
use auth_api::email::{self, Email};
use db::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as Refused};
use kernel::{Fault, Timestamp, UserId};
use mail_api::Language;
use users_api::{Error, ProfileChange, User};
use uuid::Uuid;

use crate::schema::users;

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    email: String,
    name: String,
    image: Option<String>,
    email_verified: bool,
    language: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        let Row { id, email, name, image, email_verified, language, created_at, updated_at } = row;
        // One that an older program does not know is none to it.
        let language = language.as_deref().and_then(Language::from_name);
        Self { id: UserId(id), email, name, image, email_verified, language, created_at, updated_at }
    }
}

/// One person, if the transaction sees them.
pub(crate) async fn get(tx: &ReadTx<'_>, user: UserId) -> Result<User, Error> {
    let query = users::table.find(user.0).select(Row::as_select());
    Ok(query.first(&mut tx.pg()).await.not_found(|| Error::NotFound("person"))?.into())
}

/// One person, if the transaction sees them.
pub(crate) async fn get_in(tx: &mut Tx, user: UserId) -> Result<User, Error> {
    let query = users::table.find(user.0).select(Row::as_select());
    Ok(query.first(tx.pg()).await.not_found(|| Error::NotFound("person"))?.into())
}

/// The address and the name of a person who has not removed the account. For the platform.
pub(crate) async fn address_of(tx: &mut Tx, user: UserId) -> Result<Option<(String, String)>, Fault> {
    let query = users::table.find(user.0).filter(users::removed_at.is_null()).select((users::email, users::name));
    query.first(tx.pg()).await.optional().fault()
}

/// One person, locked.
pub(crate) async fn lock(tx: &mut Tx, user: UserId) -> Result<User, Error> {
    let query = users::table.find(user.0).for_no_key_update().select(Row::as_select());
    Ok(query.first(tx.pg()).await.not_found(|| Error::NotFound("person"))?.into())
}

/// Locks a person so that nobody adds them anywhere meanwhile; `false` if they are removed already. For the platform.
pub(crate) async fn lock_for_removal(tx: &mut Tx, user: UserId) -> Result<bool, Fault> {
    let query = users::table.find(user.0).filter(users::removed_at.is_null()).for_update().select(users::id);
    Ok(query.first::<Uuid>(tx.pg()).await.optional().fault()?.is_some())
}

/// Those of `ids` whom the transaction sees.
pub(crate) async fn by_ids(tx: &ReadTx<'_>, ids: &[UserId]) -> Result<Vec<User>, Fault> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<Row> = users::table.filter(users::id.eq_any(ids)).select(Row::as_select()).load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// A person who has not removed the account. For the platform.
pub(crate) async fn living(tx: &ReadTx<'_>, user: UserId) -> Result<Option<User>, Fault> {
    let query = users::table.find(user.0).filter(users::removed_at.is_null()).select(Row::as_select());
    let row: Option<Row> = query.first(&mut tx.pg()).await.optional().fault()?;
    Ok(row.map(User::from))
}

/// The person of an email. For the platform.
pub(crate) async fn by_email(tx: &ReadTx<'_>, email: &str) -> Result<Option<User>, Fault> {
    let living = users::email_key.eq(email::key(email)).and(users::removed_at.is_null());
    let query = users::table.filter(living).select(Row::as_select());
    let row: Option<Row> = query.first(&mut tx.pg()).await.optional().fault()?;
    Ok(row.map(User::from))
}

/// The language that whoever has proven this address has chosen. For the platform.
pub(crate) async fn language_of(tx: &mut Tx, address: &str) -> Result<Option<Language>, Fault> {
    let proven = users::email_key.eq(email::key(address)).and(users::email_verified).and(users::removed_at.is_null());
    let chosen: Option<Option<String>> =
        users::table.filter(proven).select(users::language).first(tx.pg()).await.optional().fault()?;
    Ok(chosen.flatten().as_deref().and_then(Language::from_name))
}

/// A new person; `None` if the email is another's, or looks like another's. For the platform.
pub(crate) async fn insert(tx: &mut Tx, email: &Email, name: &str) -> Result<Option<UserId>, Fault> {
    let id = UserId::new();
    let inserted = diesel::insert_into(users::table)
        .values((
            users::id.eq(id.0),
            users::email.eq(email.as_str()),
            users::email_key.eq(email.key()),
            users::email_look.eq(email.look()),
            users::name.eq(name),
        ))
        // By key or by look.
        .on_conflict_do_nothing()
        .execute(tx.pg())
        .await
        .fault()?;
    Ok((inserted == 1).then_some(id))
}

/// Writes a profile.
pub(crate) async fn save(tx: &mut Tx, user: UserId, change: &ProfileChange) -> Result<User, Fault> {
    let at = db::touched(tx).await?;
    let row: Row = diesel::update(users::table.find(user.0))
        .set((
            users::name.eq(&change.name),
            users::image.eq(&change.image),
            users::language.eq(change.language.map(Language::name)),
            users::updated_at.eq(at),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(row.into())
}

/// Renames a person whose address nobody has proven; `false` if somebody has. For the platform.
pub(crate) async fn rename_unproven(tx: &mut Tx, user: UserId, name: &str) -> Result<bool, Fault> {
    let at = db::touched(tx).await?;
    let renamed = diesel::update(users::table.find(user.0).filter(users::email_verified.eq(false)))
        .set((users::name.eq(name), users::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(renamed == 1)
}

/// Notes that the address of this key, which the person still has, is proven; whether it was before. For the platform.
pub(crate) async fn prove(tx: &mut Tx, user: UserId, email_key: &str) -> Result<Option<bool>, Fault> {
    let theirs = users::email_key.eq(email_key).and(users::removed_at.is_null());
    let query = users::table.find(user.0).filter(theirs).for_no_key_update().select(users::email_verified);
    let before: Option<bool> = query.first(tx.pg()).await.optional().fault()?;
    if before == Some(false) {
        let at = db::touched(tx).await?;
        diesel::update(users::table.find(user.0))
            .set((users::email_verified.eq(true), users::updated_at.eq(at)))
            .execute(tx.pg())
            .await
            .fault()?;
    }
    Ok(before)
}

/// Gives a person another address, which is proven; answers the one before, none of who removed the account. For the platform.
pub(crate) async fn readdress(tx: &mut Tx, user: UserId, email: &Email) -> Result<Option<String>, SignInError> {
    let living = users::table.find(user.0).filter(users::removed_at.is_null());
    let before: Option<String> = living.for_update().select(users::email).first(tx.pg()).await.optional().fault()?;
    if before.is_none() {
        return Ok(None);
    }
    let at = db::touched(tx).await?;
    let changed = diesel::update(users::table.find(user.0))
        .set((
            users::email.eq(email.as_str()),
            users::email_key.eq(email.key()),
            users::email_look.eq(email.look()),
            users::email_verified.eq(true),
            users::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await;
    match changed {
        // By key or by look.
        Err(Refused::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Err(SignInError::EmailTaken),
        changed => {
            changed.fault()?;
            Ok(before)
        }
    }
}

/// Leaves nothing of a person but the id. For the platform.
pub(crate) async fn anonymise(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    let nobody = format!("removed-{}@{}", user.0.simple(), email::REMOVED_DOMAIN);
    let at = db::touched(tx).await?;
    diesel::update(users::table.find(user.0))
        .set((
            users::email.eq(&nobody),
            users::email_key.eq(&nobody),
            users::email_look.eq(None::<String>),
            users::name.eq("Removed account"),
            users::image.eq(None::<String>),
            users::language.eq(None::<String>),
            users::email_verified.eq(false),
            users::removed_at.eq(at),
            users::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}
