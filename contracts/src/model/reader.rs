//! Reads a JSON value into a type exactly as JSON Schema sees it.
//!
//! serde's own readers take an array for a struct, null for an absent field, and do not take 1.0 for 1. A schema says
//! the opposite of each, and what one accepts and the other refuses is not a contract.

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use crate::strict::MAX_EXACT_INTEGER;

/// Reads a value that [`crate::strict`] accepted.
///
/// # Errors
/// In words, without anything from the value.
pub fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    T::deserialize(Reader(value))
}

#[derive(Clone, Copy)]
struct Reader<'a>(&'a Value);

impl<'de> IntoDeserializer<'de, Error> for Reader<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The whole number that this is, however it is written.
fn whole(value: &Value) -> Option<u64> {
    const MAX: f64 = MAX_EXACT_INTEGER as f64;
    let Value::Number(number) = value else { return None };
    number
        .as_u64()
        .or_else(|| number.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=MAX).contains(n)).map(|n| n as u64))
}

impl<'de> Reader<'de> {
    fn object<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Object(members) = self.0 else { return Err(Error::custom("not an object")) };
        visitor.visit_map(MapDeserializer::new(members.iter().map(|(name, value)| (name.as_str(), Reader(value)))))
    }

    fn array<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Array(items) = self.0 else { return Err(Error::custom("not an array")) };
        visitor.visit_seq(SeqDeserializer::new(items.iter().map(Reader)))
    }

    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::String(text) = self.0 else { return Err(Error::custom("not a string")) };
        visitor.visit_borrowed_str(text)
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (_, _, Some(number)) => visitor.visit_f64(number),
                _ => Err(Error::custom("not a number")),
            },
            Value::String(_) => self.text(visitor),
            Value::Array(_) => self.array(visitor),
            Value::Object(_) => self.object(visitor),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u64(whole(self.0).ok_or_else(|| Error::custom("not a whole number from 0"))?)
    }

    /// A field that is there has a value; null is one, and few types take it.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.object(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.object(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.array(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct enum
        identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Point {
        x: u64,
        y: Option<u64>,
    }

    #[test]
    fn what_serde_would_let_through_is_refused() {
        assert_eq!(read::<Point>(&json!({"x": 1.0})).unwrap(), Point { x: 1, y: None });
        for other in
            [json!([1, 2]), json!({"x": 1, "y": null}), json!({"x": 1, "z": 1}), json!({"x": 1.5}), json!({"x": -1})]
        {
            assert!(read::<Point>(&other).is_err(), "{other}");
        }
    }
}
