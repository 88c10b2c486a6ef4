//! A small JSON document as a whole. A key that stands twice in one object is a fault, and so is nesting beyond the 128
//! levels that serde_json follows.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// null.
    Nothing,
    /// A text; also a number or truth value, as it is written.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// An object.
    Map(BTreeMap<String, Tree>),
}

struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = list.next_element()? {
            parts.push(part);
        }
        Ok(Tree::List(parts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut parts = BTreeMap::new();
        while let Some((key, part)) = map.next_entry::<String, Tree>()? {
            let twice = parts.contains_key(&key);
            if twice {
                let key = crate::exchange::values::shown(&key);
                return Err(A::Error::custom(format!("“{key}” stands twice in one object")));
            }
            parts.insert(key, part);
        }
        Ok(Tree::Map(parts))
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Parts)
    }
}
