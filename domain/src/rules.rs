//! Checks that several records share.

use chrono::NaiveDate;

use crate::{
    error::{ProblemCode, Problems},
    text::LocalizedText,
};

/// The longest name or title, in characters of each language.
pub const NAME_LENGTH: usize = 200;
/// The longest prose, in characters of each language.
pub const PROSE_LENGTH: usize = 20_000;
/// The longest plain label, such as a person's name.
pub const LABEL_LENGTH: usize = 200;

/// The most communities that can be named as readers, or that a token is for; and the most indicators of a token.
pub const MOST_NAMED: usize = 500;
/// The most communities that join in an initiative.
pub const MOST_JOINED: usize = 100;
/// The most phases of an initiative.
pub const MOST_PHASES: usize = 100;
/// The most codes of a community.
pub const MOST_CODES: usize = 100;
/// The most population estimates of a community.
pub const MOST_POPULATIONS: usize = 200;
/// The most identifiers of a partner elsewhere.
pub const MOST_IDENTIFIERS: usize = 50;

/// A localized text that must not be longer than `max` characters in any language.
pub(crate) fn text(problems: &mut Problems, path: &str, text: &LocalizedText, max: usize) {
    if let Err(error) = text.check_length(max) {
        problems.add(path, ProblemCode::TooLong, error.to_string());
    }
}

/// The same for a text that may be absent.
pub(crate) fn optional_text(problems: &mut Problems, path: &str, value: Option<&LocalizedText>, max: usize) {
    if let Some(value) = value {
        text(problems, path, value, max);
    }
}

/// A plain label: not blank, not over long, no control characters.
pub(crate) fn label(problems: &mut Problems, path: &str, label: &str) {
    if label.trim().is_empty() {
        problems.add(path, ProblemCode::Required, "it must not be blank");
    } else if label.chars().count() > LABEL_LENGTH {
        problems.add(path, ProblemCode::TooLong, format!("it must not be longer than {LABEL_LENGTH} characters"));
    } else if label.chars().any(char::is_control) {
        problems.add(path, ProblemCode::Invalid, "it must not hold control characters");
    }
}

/// An end that must not lie before its beginning.
pub(crate) fn dates_in_order(problems: &mut Problems, path: &str, from: NaiveDate, until: Option<NaiveDate>) {
    if let Some(until) = until {
        problems.require(until >= from, path, ProblemCode::OutOfRange, format!("{until} lies before {from}"));
    }
}

/// A list without repetition.
pub(crate) fn distinct<T: PartialEq>(problems: &mut Problems, path: &str, items: &[T]) {
    for (index, item) in items.iter().enumerate() {
        if items.iter().take(index).any(|earlier| earlier == item) {
            problems.add(format!("{path}.{index}"), ProblemCode::Taken, "it stands twice in this list");
        }
    }
}

/// A list that is not longer than `max`.
pub(crate) fn at_most<T>(problems: &mut Problems, path: &str, items: &[T], max: usize) {
    problems.require(items.len() <= max, path, ProblemCode::TooLong, format!("at most {max} are kept here"));
}
