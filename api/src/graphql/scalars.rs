//! The scalars of the schema. On the way in a scalar keeps what it could not read, so that the resolver can say which
//! field was wrong: a parse error of the library names a type and a position, not a field.

use std::{fmt, str::FromStr};

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{NaiveDate, Utc};
use domain::error::{Error, FieldPath, ProblemCode, Result};
use serde::{Deserialize, Deserializer, de::Visitor};

macro_rules! scalar {
    ($(#[$meta:meta])* $name:ident as $graphql:literal, $inner:ty, $url:literal, $read:expr, $write:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name(std::result::Result<$inner, String>);

        impl From<$inner> for $name {
            fn from(inner: $inner) -> Self {
                Self(Ok(inner))
            }
        }

        impl $name {
            /// What was given in the field `path`.
            ///
            /// # Errors
            /// A validation error naming the field, if it could not be read.
            pub fn get(self, path: impl Into<FieldPath>) -> Result<$inner> {
                self.0.map_err(|message| Error::invalid(path, ProblemCode::Invalid, message))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let read: fn(&str) -> std::result::Result<$inner, String> = $read;
                deserializer.deserialize_str(Text(read)).map(Self)
            }
        }

        $(#[$meta])*
        #[Scalar(name = $graphql, specified_by_url = $url)]
        impl ScalarType for $name {
            fn parse(value: Value) -> InputValueResult<Self> {
                let read: fn(&str) -> std::result::Result<$inner, String> = $read;
                match value {
                    Value::String(text) => Ok(Self(read(&text))),
                    other => Err(InputValueError::expected_type(other)),
                }
            }

            fn to_value(&self) -> Value {
                let write: fn(&$inner) -> String = $write;
                self.0.as_ref().map_or(Value::Null, |inner| Value::String(write(inner)))
            }
        }
    };
}

/// Reads a scalar from its text.
struct Text<T>(fn(&str) -> std::result::Result<T, String>);

impl<T> Visitor<'_> for Text<T> {
    type Value = std::result::Result<T, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
        Ok((self.0)(text))
    }
}

fn parse<T: FromStr<Err: std::fmt::Display>>(text: &str) -> std::result::Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Exactly ten characters, as the form has it: `FromStr` of the library takes `2020-1-1` and `+12345-6-7` as well.
fn day(text: &str) -> Option<NaiveDate> {
    let form = |(place, byte): (usize, u8)| if matches!(place, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    let is_whole = text.len() == 10 && !text.starts_with('0') && text.bytes().enumerate().all(form);
    is_whole.then(|| text.parse().ok()).flatten()
}

scalar! {
    /// A calendar day, `YYYY-MM-DD`, in the years 1000 to 9999.
    Date as "Date", NaiveDate, "https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
    |text| day(text).ok_or_else(|| format!("“{}” is not a day: write YYYY-MM-DD, in the years 1000 to 9999", short(text))),
    written::date
}

scalar! {
    /// A moment in UTC, to the microsecond: `2026-01-31T08:30:00.000000Z`.
    DateTime as "DateTime", chrono::DateTime<Utc>, "https://www.rfc-editor.org/rfc/rfc3339",
    |text| chrono::DateTime::parse_from_rfc3339(text)
        .map(|moment| moment.with_timezone(&Utc))
        .map_err(|_| format!("“{}” is not a moment of RFC 3339, such as 2026-01-31T08:30:00Z", short(text))),
    written::moment
}

scalar! {
    /// A period of time: `2023` (calendar year), `2023-S1` (half-year), `2023-Q1` (quarter), `2023-03` (month), `2023-W10` (ISO
    /// week), `2023-03-15` (day), or start and ISO 8601 duration: `2014-04-01/P1Y` (fiscal year), `2016-01-01/P3Y` (window of
    /// years), `2015-11-16/P17D` (any other span). Read in several other spellings as well, as the guide to formats lists them.
    Period as "Period", domain::period::Period, "https://www.iso.org/iso-8601-date-and-time-format.html",
    parse, ToString::to_string
}

scalar! {
    /// A language tag of BCP 47: `en`, `fr`, `fr-CA`.
    LanguageTag as "LanguageTag", domain::text::LanguageTag, "https://www.rfc-editor.org/rfc/rfc5646",
    parse, ToString::to_string
}

scalar! {
    /// An absolute http or https address.
    URL as "URL", domain::key::Url, "https://url.spec.whatwg.org/",
    parse, ToString::to_string
}

/// How the scalars are written, for those who write JSON themselves.
pub(super) mod written {
    use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

    /// A day.
    #[allow(clippy::trivially_copy_pass_by_ref)] // as all scalars are written
    pub fn date(day: &NaiveDate) -> String {
        // ISO 8601, four digits: the domain keeps to the years 1000 to 9999.
        day.to_string()
    }

    /// A moment.
    pub fn moment(moment: &DateTime<Utc>) -> String {
        moment.to_rfc3339_opts(SecondsFormat::Micros, true)
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A count that may be more than an `Int` can say; a `Float` says up to 2^53 exactly.
#[allow(clippy::cast_precision_loss)]
pub const fn whole(count: i64) -> f64 {
    count as f64
}

/// A count as the schema tells it; what is more than an `Int` holds is told as the largest.
pub fn number(count: impl TryInto<i32>) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2020-01-31", true)]
    #[case("1000-01-01", true)]
    #[case("9999-12-31", true)]
    #[case("2024-02-29", true)]
    #[case("2023-02-29", false)]
    #[case("2020-1-1", false)]
    #[case("2020-001-1", false)]
    #[case("0999-12-31", false)]
    #[case("+12345-6-7", false)]
    #[case("+2020-01-1", false)]
    #[case("12345-01-01", false)]
    #[case("-2020-01-01", false)]
    #[case(" 2020-01-01", false)]
    #[case("2020-01-01 ", false)]
    #[case("2020/01/01", false)]
    #[case("２０２０-01", false)]
    #[case("20200101", false)]
    #[case("", false)]
    fn a_day_has_one_form(#[case] text: &str, #[case] good: bool) {
        let read = Date::parse(Value::String(text.to_owned())).ok().map(|date| date.get("day"));
        assert_eq!(read.is_some_and(|day| day.is_ok_and(|day| day.to_string() == text)), good);
    }
}
