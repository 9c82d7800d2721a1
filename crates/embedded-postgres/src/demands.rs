//! Which programs will do, and the variable that names them: what finding them and failing to find them both tell.

/// The environment variable that names the directory to use, and then no other is looked in; or `npm`, for those that npm brings.
pub const BIN_VARIABLE: &str = "BUILD14_POSTGRES_BIN";
/// The oldest major version that will do.
pub const OLDEST_MAJOR: u32 = 15;
