//! What a list is narrowed by: the filters of SCIM (RFC 7644 §3.4.2.2) over the attributes that are kept.

use kernel::Timestamp;

/// What can be compared of a user or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// Its id.
    Id,
    /// What the directory calls it by itself.
    ExternalId,
    /// When it was made.
    Created,
    /// When it last changed.
    LastModified,
    /// By which name a user is known.
    UserName,
    /// What a user or a group is called.
    DisplayName,
    /// A user's whole name.
    FormattedName,
    /// A user's family name.
    FamilyName,
    /// A user's given name.
    GivenName,
    /// Whether a user is let in.
    Active,
    /// An address of a user.
    EmailValue,
    /// What an address of a user is for.
    EmailType,
    /// Whether an address of a user is the first.
    EmailPrimary,
    /// A member of a group.
    Member,
}

/// How something is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It is the same.
    Equal,
    /// It is not the same.
    NotEqual,
    /// It has that in it.
    Contains,
    /// It starts with that.
    StartsWith,
    /// It ends with that.
    EndsWith,
    /// It is greater, or later.
    Greater,
    /// It is greater or the same.
    GreaterOrEqual,
    /// It is less, or earlier.
    Less,
    /// It is less or the same.
    LessOrEqual,
    /// There is one.
    Present,
}

/// What something is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// Nothing: whether there is one.
    None,
    /// A text.
    Text(String),
    /// Whether.
    Flag(bool),
    /// An instant.
    Time(Timestamp),
}

/// Which users or groups are meant.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Those of which all of it holds.
    All(Vec<Filter>),
    /// Those of which any of it holds.
    Any(Vec<Filter>),
    /// Those of which it does not hold.
    Not(Box<Filter>),
    /// Those that compare like this.
    Where(Attribute, Comparison, Operand),
    /// Those of which one single address compares like this: tests of addresses alone stand in it.
    OneEmail(Box<Filter>),
    /// None: it asks for what this kind of thing has not got.
    Nothing,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Which are meant; all without.
    pub filter: Option<Filter>,
    /// How many are passed over.
    pub skip: u64,
    /// The most that are told.
    pub count: u32,
    /// Whether the members of groups are wanted.
    pub with_members: bool,
}

impl Query {
    /// So many are told if nobody says how many.
    pub const USUAL: u32 = 100;
    /// And so many at most.
    pub const MOST: u32 = 200;
}

/// A part of a list, as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<T> {
    /// How many there are in all.
    pub total: u64,
    /// Those of the part.
    pub items: Vec<T>,
}
