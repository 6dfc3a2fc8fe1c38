//! A header as it is given on a command line, `NAME=VALUE`: to be set by one program, to be insisted on by another.

use std::str::FromStr;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

/// A header with its value, which may be a secret: so there is no Debug.
#[derive(Clone)]
pub struct Header {
    name: HeaderName,
    value: HeaderValue,
}

impl Header {
    /// Whether a request has it, alone or among others of that name.
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        headers.get_all(&self.name).iter().any(|value| value == self.value)
    }

    /// In place of whatever there is of that name.
    pub fn set(&self, headers: &mut HeaderMap) {
        headers.insert(&self.name, self.value.clone());
    }
}

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("NAME=VALUE is wanted")?;
        let name = name.trim().parse().map_err(|_| "that is no name of a header")?;
        let mut value: HeaderValue = value.parse().map_err(|_| "that is no value of a header")?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }
}
