//! What holds where an optional property is not given.

/// Gives a type a method for each field that has a default: what is given, else the default. A test compares them with
/// the defaults of the schema.
macro_rules! defaults {
    ($owner:ty { $($field:ident: $type:ty = $value:expr;)+ }) => {
        impl $owner {
            $(
                #[doc = concat!("`", stringify!($field), "`, or its default.")]
                pub fn $field(&self) -> $type {
                    self.$field.map_or($value, Into::into)
                }
            )+

            #[cfg(test)]
            pub(crate) fn defaults() -> Vec<(&'static str, serde_json::Value)> {
                vec![$((stringify!($field), serde_json::json!($value))),+]
            }
        }
    };
}

/// Makes a type whose derive is `#[serde(remote = "Self")]` readable only where `holds` says that its rules between
/// fields are kept.
macro_rules! checked {
    ($type:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let read = <$type>::deserialize(deserializer)?;
                if read.holds() { Ok(read) } else { Err(serde::de::Error::custom("a rule between fields is broken")) }
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                <$type>::serialize(self, serializer)
            }
        }
    };
}
