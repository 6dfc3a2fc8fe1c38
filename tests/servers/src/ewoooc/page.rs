//! Where a page ends and the next one begins: the last row's key, in a form that nobody reads anything into.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::refusal::Refusal;

/// A row's place in an order: the value it is sorted by, and its id among those of the same value.
#[derive(Debug, PartialEq)]
pub struct Place {
    pub value: String,
    pub id: String,
}

impl Place {
    /// The place of a row.
    pub fn of(value: &str, id: &str) -> Self {
        Self { value: value.to_owned(), id: id.to_owned() }
    }

    /// As a cursor.
    pub fn written(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{}\n{}", self.value, self.id))
    }

    /// From a cursor.
    pub fn read(cursor: &str) -> Result<Self, Refusal> {
        let unknown = || Refusal::Arguments("cursor must be the next_cursor of a page".to_owned());
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| unknown())?;
        let text = String::from_utf8(bytes).map_err(|_| unknown())?;
        let (value, id) = text.split_once('\n').ok_or_else(unknown)?;
        Ok(Self::of(value, id))
    }
}
