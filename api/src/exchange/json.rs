//! JSON as readers of figures meet it: an object of which every key is known, and a document far larger than memory.
//!
//! A key that stands twice is a fault: which of its values is meant cannot be known.

use std::{
    borrow::Cow,
    cell::Cell,
    fmt,
    io::{self, BufRead, Read},
    rc::Rc,
};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    failure::{Failure, FailureCode},
    report::Reason,
};

/// The longest part of a document that is held at once, in bytes.
pub const LONGEST_PART: usize = 1024 * 1024;
/// The longest message kept of a fault, characters; it may quote the text.
const LONGEST_MESSAGE: usize = 200;

/// What a row's object may hold.
pub trait Fields<'de> {
    /// Takes the value of a key.
    ///
    /// # Errors
    /// Whatever is wrong with it; [`unknown`] for a key that should not be there.
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Why a row's object could not be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key at fault; blank if it is the text itself.
    pub key: String,
    /// What is wrong.
    pub message: String,
}

impl From<Fault> for Reason {
    fn from(Fault { key, message }: Fault) -> Self {
        let kind = if key.is_empty() { "not a good JSON object" } else { "not a good value" };
        Self::detailed("INVALID", key, kind, message)
    }
}

/// What a message says, without its end if it is long and without control characters: it may quote the text.
pub fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let mut short: String = text.chars().take(LONGEST_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The same document with every number as a text of its digits, as it is written: what reads JSON refuses the whole document
/// for one number that is too large for it, and rounds others.
pub fn numbers_as_texts(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        written.push_str(before);
        let is_text = from.starts_with('"');
        let (token, behind) = from.split_at(if is_text { quoted(from) } else { number(from) });
        // What only looks like a number is left for whoever reads the document to refuse.
        let is_number = !is_text && serde_json::from_str::<&RawValue>(token).is_ok();
        let mark = if is_number { "\"" } else { "" };
        written.extend([mark, token, mark]);
        rest = behind;
    }
    written.push_str(rest);
    written
}

/// How long the text is that begins with this quotation mark, in bytes; all of it if it does not end.
fn quoted(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return at + 1,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    text.len()
}

/// How long what may be a number is that begins here, in bytes.
fn number(text: &str) -> usize {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.bytes().take_while(part).count()
}

/// Refuses a key that should not be there.
pub fn unknown<E: serde::de::Error>(expected: &str) -> E {
    E::custom(format!("there is no such key; expected {expected}"))
}

/// Reads one object, key by key.
///
/// # Errors
/// What is wrong with it and at which key.
pub fn object<'de>(text: &'de str, fields: &mut impl Fields<'de>) -> Result<(), Fault> {
    let mut key = String::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let read = json.deserialize_map(Walk { fields, key: &mut key }).and_then(|()| json.end());
    read.map_err(|error| Fault { key, message: message(&error) })
}

struct Walk<'f, F> {
    fields: &'f mut F,
    key: &'f mut String,
}

impl<'de, F: Fields<'de>> Visitor<'de> for Walk<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text<'de>>()? {
            self.key.clear();
            self.key.extend(key.0.chars().take(LONGEST_MESSAGE));
            self.fields.take(&key.0, &mut map)?;
            self.key.clear();
        }
        Ok(())
    }
}

/// A value that a key has at most once. `null` is none.
#[derive(Debug, Clone)]
pub struct Slot<T> {
    met: bool,
    value: Option<T>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { met: false, value: None }
    }
}

impl<T> Slot<T> {
    /// Takes the value that stands next.
    ///
    /// # Errors
    /// If the key stood there before, or the value is not of its kind.
    pub fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error>
    where
        T: Deserialize<'de>,
    {
        if std::mem::replace(&mut self.met, true) {
            return Err(A::Error::custom("this key stands twice"));
        }
        self.value = map.next_value()?;
        Ok(())
    }

    /// The value, if there is one.
    pub const fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Whether the key was met.
    pub const fn is_met(&self) -> bool {
        self.met
    }
}

impl<T: AsRef<str>> Slot<T> {
    /// The value as text without the white space around it; blank if there is none.
    pub fn text(&self) -> &str {
        self.value.as_ref().map_or("", |text| text.as_ref().trim())
    }
}

/// A text, taken from the document as it stands where it has no escapes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

/// A text, number or truth value, as text: programs write numbers as either.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scalar<'a>(pub Cow<'a, str>);

/// A number, exactly as it is written: what reads JSON rounds long ones less well than they were printed, and a figure that
/// was exported must not come back as another.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Exact(pub f64);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let number = text.parse().ok().filter(|number: &f64| is_number && number.is_finite());
        number.map(Self).ok_or_else(|| D::Error::custom("expected a number"))
    }
}

/// As [`Scalar`], where the document is not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owned(pub String);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Scalar<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Owned {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

struct Texts;

impl<'de> Visitor<'de> for Texts {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

struct Scalars;

impl<'de> Visitor<'de> for Scalars {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(if value { "true" } else { "false" }))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_string()))
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Texts).map(Self)
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalars).map(Self)
    }
}

impl<'de> Deserialize<'de> for Owned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalars).map(|text| Self(text.into_owned()))
    }
}

/// Leaves a value behind.
///
/// # Errors
/// If it is not JSON.
pub fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|_| ())
}

/// How much more of a document may be read before the next part of it is done.
#[derive(Clone)]
pub struct Allowance(Rc<Cell<usize>>);

impl Allowance {
    /// Begins the next part.
    pub fn renew(&self) {
        self.0.set(LONGEST_PART);
    }

    /// Whether a part was longer than is allowed.
    pub fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// Gives out a document byte by byte, as serde_json takes it, but no part of it without end.
pub struct Guarded<'a> {
    text: &'a mut dyn BufRead,
    buffer: Vec<u8>,
    at: usize,
    allowance: Allowance,
}

impl<'a> Guarded<'a> {
    /// The document and its allowance.
    pub fn new(text: &'a mut dyn BufRead) -> (Self, Allowance) {
        let allowance = Allowance(Rc::new(Cell::new(LONGEST_PART)));
        (Self { text, buffer: Vec::new(), at: 0, allowance: allowance.clone() }, allowance)
    }
}

impl Read for Guarded<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.buffer.len() {
            let chunk = self.text.fill_buf()?;
            let length = chunk.len();
            self.buffer.clear();
            self.buffer.extend_from_slice(chunk);
            self.text.consume(length);
            self.at = 0;
        }
        let left = self.allowance.0.get();
        let there = self.buffer.get(self.at..).unwrap_or_default();
        if left == 0 && !there.is_empty() {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a part of the document is too long"));
        }
        let length = there.len().min(out.len()).min(left);
        if let (Some(out), Some(there)) = (out.get_mut(..length), there.get(..length)) {
            out.copy_from_slice(there);
        }
        self.at += length;
        self.allowance.0.set(left - length);
        Ok(length)
    }
}

/// Why a document could not be read to its end.
pub fn failure(error: serde_json::Error, allowance: &Allowance) -> Failure {
    let line = u64::try_from(error.line()).unwrap_or(u64::MAX);
    if error.is_io() {
        if allowance.is_spent() {
            let message = "a part of the document is longer than 1 MiB: is a quotation mark or bracket missing?";
            return Failure::new(FailureCode::TooLong, message).at(line);
        }
        return Failure::reading(&io::Error::from(error), line);
    }
    Failure::new(FailureCode::Malformed, message(&error)).at(line)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Pair<'a> {
        name: Slot<Text<'a>>,
        value: Slot<Scalar<'a>>,
    }

    impl<'de> Fields<'de> for Pair<'de> {
        fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
            match key {
                "name" => self.name.fill(map),
                "value" => self.value.fill(map),
                "rest" => skip(map),
                _ => Err(unknown("name, value or rest")),
            }
        }
    }

    fn fault(text: &str) -> (String, String) {
        let fault = object(text, &mut Pair::default()).unwrap_err();
        (fault.key, fault.message)
    }

    #[test]
    fn an_object_is_read_key_by_key() {
        let mut pair = Pair::default();
        object("{\"rest\": [{}], \"name\": \" a\\u0062 \", \"value\": 1.50}", &mut pair).unwrap();
        assert_eq!((pair.name.text(), pair.value.text()), ("ab", "1.5"));
        let mut none = Pair::default();
        object("{\"name\": null}", &mut none).unwrap();
        assert_eq!((none.name.text(), none.name.is_met(), none.value.is_met()), ("", true, false));
    }

    #[test]
    fn a_fault_names_its_key() {
        assert_eq!(fault("{\"name\": 1}").0, "name");
        assert!(fault("{\"name\": \"a\", \"name\": \"b\"}").1.contains("twice"));
        assert_eq!(fault("{\"value\": [1]}").0, "value");
        assert_eq!(fault("{\"colour\": 1}").0, "colour");
        for text in ["", "[]", "null", "{", "{\"name\": \"a\"} x", "{\"na\u{0}me\": 1}", "\u{0}"] {
            assert_eq!(fault(text).0, "", "{text}");
        }
        let long = fault(&format!("{{\"value\": [\"{}\"]}}", "x".repeat(10_000)));
        assert!(long.1.chars().count() <= LONGEST_MESSAGE + 1);
        assert_eq!(fault(&format!("{{\"rest\": {}", "[".repeat(100_000))).0, "rest");
    }
}
