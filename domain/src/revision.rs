//! Why a figure is revised: it was withdrawn, or it was changed after its period had been locked.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    code::codes,
    error::{Problem, ProblemCode},
};

/// The most figures that are retracted in one call.
pub const MOST_RETRACTED: usize = 1_000;
/// The longest note on a retraction or a restatement, characters.
pub const NOTE_LENGTH: usize = 2_000;

codes! {
    /// Why a figure was withdrawn.
    pub enum RetractionReason {
        /// It is wrong, and what would be right is not known.
        Error = "ERROR",
        /// It was recorded where it does not belong, or twice.
        Misplaced = "MISPLACED",
        /// Its source has withdrawn it.
        SourceWithdrew = "SOURCE_WITHDREW",
        /// It should not have been disclosed.
        Disclosure = "DISCLOSURE",
        /// Something else, which the note says.
        Other = "OTHER",
    }
}

codes! {
    /// Why a figure of a locked period was changed all the same.
    pub enum RestatementReason {
        /// It was wrong.
        Correction = "CORRECTION",
        /// It is measured by another method.
        MethodChange = "METHOD_CHANGE",
        /// Its source has revised it.
        SourceRevision = "SOURCE_REVISION",
        /// It came late, or more was known late.
        LateData = "LATE_DATA",
        /// Something else, which the note says.
        Other = "OTHER",
    }
}

/// The reason of a restatement. Its text form, also used in the database, is the code, and after a colon the note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restatement {
    /// The kind of reason.
    pub reason: RestatementReason,
    /// More about it.
    pub note: Option<String>,
}

impl fmt::Display for Restatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.note {
            None => self.reason.fmt(f),
            Some(note) => write!(f, "{}:{note}", self.reason),
        }
    }
}

impl FromStr for Restatement {
    type Err = crate::code::UnknownCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (reason, note) =
            text.split_once(':').map_or((text, None), |(reason, note)| (reason, Some(note.to_owned())));
        Ok(Self { reason: reason.parse()?, note })
    }
}

impl Restatement {
    /// Checks the note.
    ///
    /// # Errors
    /// The broken rule, naming `restate.note`.
    pub fn check(&self) -> Result<(), Problem> {
        check_note("restate.note", self.note.as_deref(), self.reason == RestatementReason::Other)
    }
}

/// Checks a note on a reason; it is needed where nothing else says what the reason is.
pub(crate) fn check_note(path: &'static str, note: Option<&str>, needed: bool) -> Result<(), Problem> {
    let Some(note) = note.filter(|note| !note.trim().is_empty()) else {
        let missing = || Problem::new(path, ProblemCode::Required, "a note says what the other reason is");
        return if needed { Err(missing()) } else { Ok(()) };
    };
    if note.chars().count() > NOTE_LENGTH {
        return Err(Problem::new(path, ProblemCode::TooLong, "a note is at most 2 000 characters"));
    }
    if note.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Problem::new(path, ProblemCode::Invalid, "it must not hold control characters"));
    }
    Ok(())
}

/// Why there is a revision, besides that it says something else than the one before, and on whose word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// It withdraws what was known: from then on there is no current figure, until another is recorded.
    pub retraction: Option<RetractionReason>,
    /// It was made after the period was locked.
    pub restatement: Option<Restatement>,
    /// Who had sent it in, where it waited until somebody else published it: [`crate::access::Actor::name`].
    pub sent_in_by: Option<String>,
}

impl Cause {
    /// Of a figure that is restated, or that is recorded like any other.
    pub fn of(restatement: Option<Restatement>) -> Self {
        Self { restatement, ..Self::default() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_restatement_comes_back_as_it_went(place in 0..RestatementReason::ALL.len(), note in proptest::option::of(".{0,40}")) {
            let reason = RestatementReason::ALL.get(place).copied().unwrap();
            let restatement = Restatement { reason, note };
            prop_assert_eq!(restatement.to_string().parse(), Ok(restatement));
        }
    }

    #[test]
    fn another_reason_needs_a_note() {
        let other =
            |note: Option<&str>| Restatement { reason: RestatementReason::Other, note: note.map(str::to_owned) };
        assert!(other(None).check().is_err() && other(Some(" ")).check().is_err());
        assert!(other(Some("moved")).check().is_ok());
        assert!(other(Some("\0")).check().is_err() && other(Some(&"x".repeat(2_001))).check().is_err());
        assert!(Restatement { reason: RestatementReason::LateData, note: None }.check().is_ok());
    }
}
