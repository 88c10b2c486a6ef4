//! Patterns of the names of columns.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A pattern with captures in braces: `AGE{age}_{sex}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    steps: Vec<Step>,
}

/// What a pattern captured: names with what was found.
pub type Captures = Vec<(String, String)>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Literal(String),
    Capture(String),
}

/// Why a pattern was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(&'static str);

/// The most captures of one pattern: matching tries their lengths in turn.
const MOST_CAPTURES: usize = 4;

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.len() > 400 {
            return Err(PatternError("a pattern is at most 400 characters"));
        }
        let (mut steps, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let Some((before, after)) = rest.split_once('{') else {
                steps.push(Step::Literal(rest.to_owned()));
                break;
            };
            if !before.is_empty() {
                steps.push(Step::Literal(before.to_owned()));
            } else if matches!(steps.last(), Some(Step::Capture(_))) {
                return Err(PatternError("something must stand between two captures"));
            }
            let (name, behind) = after.split_once('}').ok_or(PatternError("a brace is not closed"))?;
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(PatternError("a capture is named by letters and digits"));
            }
            let name = Step::Capture(name.to_owned());
            if steps.contains(&name) {
                return Err(PatternError("two captures have one name"));
            }
            steps.push(name);
            rest = behind;
        }
        let pattern = Self { text: text.to_owned(), steps };
        match pattern.names().count() {
            0 => Err(PatternError("a pattern has a capture in braces: AGE{age}")),
            1..=MOST_CAPTURES => Ok(pattern),
            _ => Err(PatternError("a pattern has at most 4 captures")),
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Pattern {
    /// The names of the captures.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Capture(name) => Some(name.as_str()),
            Step::Literal(_) => None,
        })
    }

    /// What the captures are in a name, if it matches: each at least one character and one of those that `allowed` lists
    /// for it, if it lists any; the shortest from the left.
    pub fn capture<'a>(&self, name: &str, allowed: &impl Fn(&str) -> Option<&'a BTreeSet<String>>) -> Option<Captures> {
        let mut found = Vec::new();
        matches(&self.steps, name, allowed, &mut found).then_some(found)
    }
}

fn matches<'a>(
    steps: &[Step],
    rest: &str,
    allowed: &impl Fn(&str) -> Option<&'a BTreeSet<String>>,
    found: &mut Captures,
) -> bool {
    match steps.split_first() {
        None => rest.is_empty(),
        Some((Step::Literal(literal), after)) => {
            rest.strip_prefix(literal.as_str()).is_some_and(|rest| matches(after, rest, allowed, found))
        }
        Some((Step::Capture(name), after)) => {
            let ends = rest.char_indices().map(|(at, _)| at).skip(1).chain([rest.len()]);
            for end in ends.filter(|&end| end > 0) {
                let (value, behind) = rest.split_at(end);
                if allowed(name).is_some_and(|allowed| !allowed.contains(value)) {
                    continue;
                }
                found.push((name.clone(), value.to_owned()));
                if matches(after, behind, allowed, found) {
                    return true;
                }
                found.pop();
            }
            false
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn captured(pattern: &str, name: &str) -> Option<String> {
        let sexes: BTreeSet<String> = ["TOT", "FEM"].map(str::to_owned).into();
        let found = pattern.parse::<Pattern>().unwrap().capture(name, &|name| (name == "sex").then_some(&sexes))?;
        Some(found.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn captures_are_what_stands_in_their_places() {
        assert_eq!(captured("AGE{age}_{sex}", "AGE04_FEM").as_deref(), Some("age=04 sex=FEM"));
        assert_eq!(captured("{age}_{sex}", "MEDIAN_AGE_TOT").as_deref(), Some("age=MEDIAN_AGE sex=TOT"));
        assert_eq!(captured("{name}", "Doña Ana").as_deref(), Some("name=Doña Ana"));
        for (pattern, name) in [("AGE{age}_{sex}", "AGE04_MALE"), ("AGE{age}_{sex}", "AGE_TOT"), ("{name}", "")] {
            assert_eq!(captured(pattern, name), None, "{name}");
        }
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused() {
        for pattern in ["", "AGE", "{}", "{a", "{a}{b}", "{a}-{a}", "{a b}", "{a}.{b}.{c}.{d}.{e}"] {
            assert!(pattern.parse::<Pattern>().is_err(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_matched_or_not(pattern in "[a{}_é]{0,12}", name in "[ab_é]{0,20}") {
            if let Ok(pattern) = pattern.parse::<Pattern>()
                && let Some(found) = pattern.capture(&name, &|_| None)
            {
                prop_assert_eq!(found.len(), pattern.names().count());
            }
        }
    }
}
