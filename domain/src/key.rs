//! Short texts that programs exchange: slugs, codes, country and subdivision codes, links.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a key was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(String);

macro_rules! keys {
    ($($(#[$meta:meta])* $name:ident, $check:ident;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl FromStr for $name {
            type Err = KeyError;
            fn from_str(text: &str) -> Result<Self, KeyError> { $check(text).map(Self) }
        }
        impl TryFrom<String> for $name {
            type Error = KeyError;
            fn try_from(text: String) -> Result<Self, KeyError> { text.parse() }
        }
        impl From<$name> for String {
            fn from(key: $name) -> Self { key.0 }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )+};
}

keys! {
    /// The readable part of an address: 1-80 of `a-z`, `0-9` and `-`, beginning and ending with a letter or digit.
    Slug, slug;
    /// The code of an indicator or source: 1-120 of letters, digits and `. _ - : /`, beginning with a letter or digit.
    Code, code;
    /// The scheme of an external code, such as `statcan:SGC`, `us:FIPS`, `osdg:GeoCode`: as a [`Code`], at most 40 characters.
    Scheme, scheme;
    /// A country by ISO 3166-1 alpha-2: two capital letters.
    CountryCode, country;
    /// A subdivision by ISO 3166-2: country, hyphen, one to three letters or digits, such as `CA-MB`.
    SubdivisionCode, subdivision;
    /// A currency by ISO 4217: three capital letters.
    CurrencyCode, currency;
    /// An absolute `http` or `https` address of at most 2,000 characters.
    Url, url;
    /// An e-mail address, in lower case: at most 254 characters, something before the last `@` and a domain after it.
    Email, email;
}

fn quoted(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    format!("“{short}{}”", if short.len() < text.len() { "…" } else { "" })
}

fn slug(text: &str) -> Result<String, KeyError> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = (1..=80).contains(&text.len())
        && text.chars().all(|c| inner(c) || c == '-')
        && text.starts_with(inner)
        && text.ends_with(inner);
    good.then(|| text.to_owned()).ok_or_else(|| {
        KeyError(format!(
            "{} is not a slug: 1 to 80 of a-z, 0-9 and hyphens, with no hyphen at either end",
            quoted(text)
        ))
    })
}

fn code_of(text: &str, max: usize) -> Option<String> {
    let good = (1..=max).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-:/".contains(c));
    good.then(|| text.to_owned())
}

fn code(text: &str) -> Result<String, KeyError> {
    code_of(text, 120).ok_or_else(|| {
        KeyError(format!(
            "{} is not a code: 1 to 120 letters, digits and . _ - : /, beginning with a letter or digit",
            quoted(text)
        ))
    })
}

fn scheme(text: &str) -> Result<String, KeyError> {
    code_of(text, 40).ok_or_else(|| {
        KeyError(format!("{} is not a code scheme: 1 to 40 letters, digits and . _ - : /", quoted(text)))
    })
}

fn capitals(text: &str, length: usize) -> bool {
    text.len() == length && text.chars().all(|c| c.is_ascii_uppercase())
}

fn country(text: &str) -> Result<String, KeyError> {
    capitals(text, 2)
        .then(|| text.to_owned())
        .ok_or_else(|| KeyError(format!("{} is not a country: two capital letters of ISO 3166-1", quoted(text))))
}

fn subdivision(text: &str) -> Result<String, KeyError> {
    let good = text.split_once('-').is_some_and(|(country, part)| {
        capitals(country, 2)
            && (1..=3).contains(&part.len())
            && part.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    });
    good.then(|| text.to_owned())
        .ok_or_else(|| KeyError(format!("{} is not a subdivision of ISO 3166-2, such as CA-MB", quoted(text))))
}

fn currency(text: &str) -> Result<String, KeyError> {
    capitals(text, 3)
        .then(|| text.to_owned())
        .ok_or_else(|| KeyError(format!("{} is not a currency: three capital letters of ISO 4217", quoted(text))))
}

fn url(text: &str) -> Result<String, KeyError> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let good = text.len() <= 2_000
        && rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['))
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"`\\".contains(c));
    good.then(|| text.to_owned())
        .ok_or_else(|| KeyError(format!("{} is not an absolute http or https address", quoted(text))))
}

/// Whether letters go to it is known only when it does; this keeps out what certainly is none. Mail hosts tell no upper from
/// lower case, and two accounts that differ in it alone would be one person.
fn email(text: &str) -> Result<String, KeyError> {
    let good = text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[]\\,;:\"".contains(c))
        && text.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && !domain.contains('@')
                && domain.split('.').count() >= 2
                && domain.split('.').all(|label| !label.is_empty() && label.len() <= 63)
        });
    good.then(|| text.to_lowercase())
        .ok_or_else(|| KeyError(format!("{} is not an e-mail address, such as name@example.org", quoted(text))))
}

impl Slug {
    /// The slug that a name suggests: letters without marks in lower case, everything else a hyphen. `None` if nothing is left.
    pub fn suggest(name: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in crate::fold::fold(name).chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.ends_with('-') && !slug.is_empty() {
                slug.push('-');
            }
            if slug.len() == 80 {
                break;
            }
        }
        slug.trim_end_matches('-').parse().ok()
    }
}

/// A code that others know something by: `statcan:SGC` `4611040`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExternalId {
    /// Who gives the codes.
    pub scheme: Scheme,
    /// The code within the scheme.
    pub code: Code,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("winnipeg", true)]
    #[case("trois-rivieres", true)]
    #[case("", false)]
    #[case("-a", false)]
    #[case("Winnipeg", false)]
    #[case("montréal", false)]
    fn a_slug_is_plain(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<Slug>().is_ok(), good);
    }

    #[rstest]
    #[case("Montréal", "montreal")]
    #[case("St. Catharines–Niagara, Ontario", "st-catharines-niagara-ontario")]
    #[case("  Bristol, City of ", "bristol-city-of")]
    fn a_name_suggests_its_slug(#[case] name: &str, #[case] slug: &str) {
        assert_eq!(Slug::suggest(name).map(String::from).as_deref(), Some(slug));
    }

    #[rstest]
    #[case("https://example.org/a?b=c", true)]
    #[case("javascript:alert(1)", false)]
    #[case("https://", false)]
    #[case("http://a b", false)]
    fn a_link_is_http(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<Url>().is_ok(), good);
    }

    #[rstest]
    #[case("CA-MB", true)]
    #[case("GB-ENG", true)]
    #[case("CA", false)]
    #[case("ca-mb", false)]
    fn a_subdivision_names_its_country(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<SubdivisionCode>().is_ok(), good);
    }
}
