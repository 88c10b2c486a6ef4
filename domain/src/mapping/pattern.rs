//! Patterns of the names of columns.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    str::FromStr,
};

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

/// The most captures of one pattern.
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
        let mut search = Search { allowed, found: Vec::new(), failed: HashSet::new(), dead: HashMap::new() };
        let matched = search.matches(&self.steps, name);
        matched.then(|| search.found.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// Tries what the captures of a pattern may be, no rest of the name twice.
struct Search<'s, F> {
    allowed: &'s F,
    found: Vec<(&'s str, &'s str)>,
    /// How many steps were left with how much of the name where a capture with listed values could not be matched.
    failed: HashSet<(usize, usize)>,
    /// By how many steps were left, the longest rest in which a capture of anything could not be matched: that tried all that a
    /// shorter one could try.
    dead: HashMap<usize, usize>,
}

impl<'s, 'a, F: Fn(&str) -> Option<&'a BTreeSet<String>>> Search<'s, F> {
    fn matches(&mut self, steps: &'s [Step], rest: &'s str) -> bool {
        match steps.split_first() {
            None => rest.is_empty(),
            Some((Step::Literal(literal), after)) => {
                rest.strip_prefix(literal.as_str()).is_some_and(|rest| self.matches(after, rest))
            }
            Some((Step::Capture(name), after)) => match (self.allowed)(name) {
                Some(listed) => self.listed(name, listed, (after, rest)),
                None => self.anything(name, (after, rest)),
            },
        }
    }

    /// The shortest of the listed values that the rest begins with and that all behind it matches.
    fn listed(&mut self, name: &'s str, listed: &BTreeSet<String>, (after, rest): (&'s [Step], &'s str)) -> bool {
        if !self.failed.insert((after.len(), rest.len())) {
            return false;
        }
        let mut ends: Vec<usize> =
            listed.iter().filter(|value| rest.starts_with(value.as_str())).map(String::len).collect();
        ends.sort_unstable();
        ends.into_iter().any(|end| self.ends(name, end, (after, rest)))
    }

    /// The shortest beginning of the rest that all behind it matches.
    fn anything(&mut self, name: &'s str, (after, rest): (&'s [Step], &'s str)) -> bool {
        if self.dead.get(&after.len()).is_some_and(|&dead| rest.len() <= dead) {
            return false;
        }
        let matched = match after.first() {
            None => self.ends(name, rest.len(), (after, rest)),
            // Two captures never stand side by side.
            Some(Step::Capture(_)) => false,
            Some(Step::Literal(literal)) => {
                let starts = rest.char_indices().map(|(at, _)| at).skip(1);
                let mut ends =
                    starts.filter(|&at| rest.get(at..).is_some_and(|rest| rest.starts_with(literal.as_str())));
                ends.any(|end| self.ends(name, end, (after, rest)))
            }
        };
        if !matched {
            self.dead.insert(after.len(), rest.len());
        }
        matched
    }

    /// Whether a capture may end here.
    fn ends(&mut self, name: &'s str, end: usize, (after, rest): (&'s [Step], &'s str)) -> bool {
        let Some((value, behind)) = rest.split_at_checked(end).filter(|(value, _)| !value.is_empty()) else {
            return false;
        };
        self.found.push((name, value));
        let matched = self.matches(after, behind);
        if !matched {
            self.found.pop();
        }
        matched
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The plainest search: every length of every capture in turn.
    fn tries<'a>(
        steps: &[Step],
        rest: &str,
        allowed: &impl Fn(&str) -> Option<&'a BTreeSet<String>>,
        found: &mut Captures,
    ) -> bool {
        match steps.split_first() {
            None => rest.is_empty(),
            Some((Step::Literal(literal), after)) => {
                rest.strip_prefix(literal.as_str()).is_some_and(|rest| tries(after, rest, allowed, found))
            }
            Some((Step::Capture(name), after)) => {
                (1..=rest.len()).filter(|&end| rest.is_char_boundary(end)).any(|end| {
                    let (value, behind) = rest.split_at(end);
                    if allowed(name).is_some_and(|allowed| !allowed.contains(value)) {
                        return false;
                    }
                    found.push((name.clone(), value.to_owned()));
                    let matched = tries(after, behind, allowed, found);
                    if !matched {
                        found.pop();
                    }
                    matched
                })
            }
        }
    }

    #[test]
    fn long_names_do_not_make_the_search_long() {
        let pattern: Pattern = "{w}a{x}a{y}a{z}b".parse().unwrap();
        let name = "a".repeat(100_000);
        assert_eq!(pattern.capture(&name, &|_| None), None);
        let listed: BTreeSet<String> = (1..10).map(|length| "a".repeat(length)).collect();
        assert_eq!(pattern.capture(&name[..4_000], &|name| (name != "z").then_some(&listed)), None);
    }

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
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn what_is_captured_is_what_trying_everything_captures(
            pattern in "[ab]{0,2}(\\{x\\}[ab]{1,2})?\\{y\\}[ab]{1,3}\\{z\\}[ab]{0,2}",
            name in "[abé]{0,14}",
            listed in proptest::collection::btree_set("[abé]{0,3}", 0..9),
            which in 0_usize..8,
        ) {
            let pattern: Pattern = pattern.parse().unwrap();
            let place = |capture: &str| ["x", "y", "z"].iter().position(|name| *name == capture).unwrap();
            let allowed = |capture: &str| (which >> place(capture) & 1 == 1).then_some(&listed);
            let mut tried = Captures::new();
            let expected = tries(&pattern.steps, &name, &allowed, &mut tried).then_some(tried);
            prop_assert_eq!(pattern.capture(&name, &allowed), expected);
        }

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
