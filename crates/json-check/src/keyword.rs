//! Our own keyword of JSON Schema, which schemas name and validators check.

use jsonschema::{Keyword, ValidationError};
use serde_json::Value;

/// Own keyword: the most decimals of a JSON number. `multipleOf` would compare binary floats.
pub const MAX_DECIMALS: &str = "x-max-decimals";

/// Its check.
pub(crate) struct MaxDecimals(pub(crate) u64);

impl MaxDecimals {
    /// The shortest text of a float is the text that was sent, up to 15 digits; longer ones are caught when their text is read.
    fn allows(&self, instance: &Value) -> bool {
        let Value::Number(number) = instance else { return true };
        let text = number.to_string();
        if text.contains(['e', 'E']) {
            return true;
        }
        let decimals = text.split_once('.').map_or("", |(_, decimals)| decimals).trim_end_matches('0');
        decimals.len() as u64 <= self.0
    }
}

impl<'i> Keyword<'i> for MaxDecimals {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.allows(instance) {
            return Ok(());
        }
        Err(ValidationError::custom(format!("TOO_MANY_DECIMALS: at most {} decimals are allowed", self.0)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.allows(instance)
    }
}
