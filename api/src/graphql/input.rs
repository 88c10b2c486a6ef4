//! Reading the fields of inputs: whatever is wrong names the field it came in.

use std::{fmt::Display, str::FromStr};

use async_graphql::{InputObject, MaybeUndefined, SimpleObject};
use domain::{
    error::{Error, FieldPath, ProblemCode, Result},
    key::ExternalId,
};
use serde::Deserialize;

/// A text that must be a key, code or the like.
pub fn key<T: FromStr<Err: Display>>(text: &str, path: impl Into<FieldPath>) -> Result<T> {
    text.parse().map_err(|error: T::Err| Error::invalid(path, ProblemCode::Invalid, error.to_string()))
}

/// The same for a text that may be absent.
pub fn key_opt<T: FromStr<Err: Display>>(text: Option<&str>, path: &str) -> Result<Option<T>> {
    text.map(|text| key(text, path)).transpose()
}

/// What an optional field of an update means: left out, it stays; null, it goes; otherwise it is read.
pub fn patch<I, T>(
    given: MaybeUndefined<I>,
    present: &Option<T>,
    read: impl FnOnce(I) -> Result<T>,
) -> Result<Option<T>>
where
    T: Clone,
{
    match given {
        MaybeUndefined::Undefined => Ok(present.clone()),
        MaybeUndefined::Null => Ok(None),
        MaybeUndefined::Value(value) => read(value).map(Some),
    }
}

/// What a required field of an update means: left out, it stays; otherwise it is read.
pub fn replace<I, T>(given: Option<I>, present: &T, read: impl FnOnce(I) -> Result<T>) -> Result<T>
where
    T: Clone,
{
    given.map_or_else(|| Ok(present.clone()), read)
}

/// Reads every element of a list; a problem names its place.
pub fn each<I, T>(items: Vec<I>, path: &str, read: impl Fn(I, &str) -> Result<T>) -> Result<Vec<T>> {
    items.into_iter().enumerate().map(|(index, item)| read(item, &format!("{path}.{index}"))).collect()
}

/// A code that others know something by.
#[derive(Debug, Clone, InputObject, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalIdInput {
    /// Who gives the codes: `statcan:SGC`, `us:FIPS`, `uk:GSS`.
    pub scheme: String,
    /// The code within the scheme.
    pub code: String,
}

impl ExternalIdInput {
    /// The code given in the field `path`.
    pub fn get(self, path: &str) -> Result<ExternalId> {
        Ok(ExternalId {
            scheme: key(&self.scheme, format!("{path}.scheme"))?,
            code: key(&self.code, format!("{path}.code"))?,
        })
    }
}

/// A code that others know something by.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "ExternalId")]
pub struct ShownExternalId {
    /// Who gives the codes.
    pub scheme: String,
    /// The code within the scheme.
    pub code: String,
}

impl From<&ExternalId> for ShownExternalId {
    fn from(id: &ExternalId) -> Self {
        Self { scheme: id.scheme.to_string(), code: id.code.to_string() }
    }
}

/// A number of things to answer, from `least` to `most`.
///
/// # Errors
/// A validation error naming the argument `path`.
pub fn within(path: &'static str, given: i32, least: usize, most: usize) -> Result<usize> {
    usize::try_from(given).ok().filter(|given| (least..=most).contains(given)).ok_or_else(|| {
        let message = format!("{given} is out of range: ask for {least} to {most}");
        Error::invalid(path, ProblemCode::OutOfRange, message)
    })
}
