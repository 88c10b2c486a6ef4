//! A small JSON document as a whole. A key that stands twice in one object is a fault, and so is nesting beyond the 128
//! levels that serde_json follows.

use std::{cell::Cell, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};

use crate::exchange::{
    failure::{Failure, FailureCode},
    json,
};

/// The most parts of a document: each takes some hundred bytes, be it as small as `{}`.
const MOST_PARTS: usize = 500_000;

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// null.
    Nothing,
    /// A text; also a number or truth value, as it is written.
    Text(Box<str>),
    /// A list.
    List(Box<[Tree]>),
    /// An object.
    Map(Map),
}

/// The keys of an object with what stands under them, in the order of the keys. Most objects have a few: a list takes a tenth
/// of what a tree takes for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map(Box<[(Box<str>, Tree)]>);

impl Map {
    /// What stands under a key.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        let place = self.0.binary_search_by(|(own, _)| (**own).cmp(key)).ok()?;
        self.0.get(place).map(|(_, part)| part)
    }

    /// Every key with what stands under it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tree)> {
        self.0.iter().map(|(key, part)| (&**key, part))
    }
}

impl Tree {
    /// Reads a document.
    ///
    /// # Errors
    /// `ROW_TOO_LONG` for one of too many parts, MALFORMED for one that is not JSON or has a key twice in one object.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let left = Cell::new(MOST_PARTS);
        let text = json::numbers_as_texts(text);
        let mut document = serde_json::Deserializer::from_str(&text);
        let read = Parts { left: &left }.deserialize(&mut document).and_then(|tree| document.end().map(|()| tree));
        read.map_err(|error| {
            let line = u64::try_from(error.line()).unwrap_or(u64::MAX);
            if left.get() == 0 {
                let message = format!("the document has more than {MOST_PARTS} parts: divide it");
                return Failure::new(FailureCode::TooLong, message).at(line);
            }
            Failure::new(FailureCode::Malformed, json::message(&error)).at(line)
        })
    }
}

/// Reads a part while there may be more of them.
#[derive(Clone, Copy)]
struct Parts<'c> {
    left: &'c Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Parts<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        let left = self.left.get();
        if left == 0 {
            return Err(D::Error::custom("too many parts"));
        }
        self.left.set(left - 1);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Parts<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string().into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = list.next_element_seed(self)? {
            parts.push(part);
        }
        Ok(Tree::List(parts.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut parts: Vec<(Box<str>, Tree)> = Vec::new();
        while let Some(key) = map.next_key()? {
            parts.push((key, map.next_value_seed(self)?));
        }
        parts.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        if let Some([(key, _), _]) = parts.array_windows().find(|[(one, _), (other, _)]| one == other) {
            let key = crate::exchange::values::shown(key);
            return Err(A::Error::custom(format!("“{key}” stands twice in one object")));
        }
        Ok(Tree::Map(Map(parts.into())))
    }
}
