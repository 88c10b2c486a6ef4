//! The one error type of the domain. The outer layers translate to and from it and add nothing of their own to what a caller reads.

use std::fmt;

/// What an operation of the domain answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation was refused or failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The input breaks rules; every broken rule is named, so that a form can show them at once.
    #[error("{0}")]
    Validation(Problems),
    /// There is no such thing, or the reader may not know that there is.
    #[error("no {noun} with this {key}")]
    NotFound {
        /// What was looked for, as the schema names it: `Community`.
        noun: &'static str,
        /// The argument it was looked for by: `id`, `slug`, `code`.
        key: &'static str,
    },
    /// Somebody else changed the same thing in the meantime, or it contradicts what is already there.
    #[error("{0}")]
    Conflict(Problem),
    /// The actor is known and may not do this.
    #[error("you may not {0}")]
    Forbidden(&'static str),
    /// The actor must say who they are first.
    #[error("sign in to {0}")]
    Unauthenticated(&'static str),
    /// It was tried too often.
    #[error("too many attempts; try again in {0} seconds")]
    Throttled(u64),
    /// The service cannot do it just now; the same call may go through later.
    #[error("the service is busy; try again")]
    Busy,
    /// A fault of ours. The text is for the log alone and never reaches a caller.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// A refusal for a single field.
    pub fn invalid(path: impl Into<FieldPath>, code: ProblemCode, message: impl Into<String>) -> Self {
        Self::Validation(Problems::one(Problem::new(path, code, message)))
    }

    /// A fault of ours, with what the log should say.
    pub fn internal(detail: impl fmt::Display) -> Self {
        Self::Internal(detail.to_string())
    }

    /// Whether the same call may succeed later without change.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy | Self::Throttled(_))
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Validation(Problems::one(problem))
    }
}

crate::code::codes! {
    /// The kind of rule that was broken; stable, for programs.
    pub enum ProblemCode {
        /// A value is needed here.
        Required = "REQUIRED",
        /// The value is not of the expected form.
        Invalid = "INVALID",
        /// The text is longer than allowed.
        TooLong = "TOO_LONG",
        /// The number, date or period lies outside its range.
        OutOfRange = "OUT_OF_RANGE",
        /// Something else already has this name, code or key.
        Taken = "TAKEN",
        /// What the value refers to does not exist.
        NotFound = "NOT_FOUND",
        /// The version given is not the current one: somebody changed the record in between.
        StaleVersion = "STALE_VERSION",
        /// It contradicts what is already there.
        Conflict = "CONFLICT",
        /// Periods of one kind may not overlap.
        Overlap = "OVERLAP",
        /// It can no longer be changed.
        Immutable = "IMMUTABLE",
        /// The record is archived.
        Archived = "ARCHIVED",
        /// The period is locked.
        Locked = "LOCKED",
        /// The actor may not do this.
        Forbidden = "FORBIDDEN",
        /// A data-quality rule refuses it.
        Quality = "QUALITY",
    }
}

/// Where in the input a problem lies: `["input", "codes", "0", "code"]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldPath(pub Vec<String>);

impl FieldPath {
    /// This path with one more step at its end.
    #[must_use]
    pub fn then(&self, step: impl fmt::Display) -> Self {
        let mut path = self.clone();
        path.0.push(step.to_string());
        path
    }
}

impl From<&str> for FieldPath {
    /// `"codes.0.code"` is three steps; an empty text is the input as a whole.
    fn from(text: &str) -> Self {
        Self(text.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect())
    }
}

impl From<String> for FieldPath {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field at fault.
    pub path: FieldPath,
    /// The kind of rule, for programs.
    pub code: ProblemCode,
    /// What is wrong and what would be right, for people.
    pub message: String,
}

impl Problem {
    /// A broken rule at `path`.
    pub fn new(path: impl Into<FieldPath>, code: ProblemCode, message: impl Into<String>) -> Self {
        Self { path: path.into(), code, message: message.into() }
    }
}

impl Error {
    /// The same about an input that calls a field otherwise.
    #[must_use]
    pub fn renamed(self, field: &str, other: &str) -> Self {
        let rename = |mut problem: Problem| {
            if let Some(first) = problem.path.0.first_mut().filter(|first| *first == field) {
                other.clone_into(first);
            }
            problem
        };
        match self {
            Self::Validation(problems) => Self::Validation(Problems(problems.0.into_iter().map(rename).collect())),
            Self::Conflict(problem) => Self::Conflict(rename(problem)),
            other => other,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.0.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

/// Every rule that an input breaks, gathered in one pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Just one.
    pub fn one(problem: Problem) -> Self {
        Self(vec![problem])
    }

    /// Notes a broken rule.
    pub fn add(&mut self, path: impl Into<FieldPath>, code: ProblemCode, message: impl Into<String>) {
        self.0.push(Problem::new(path, code, message));
    }

    /// Notes one that was found elsewhere.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Notes a broken rule unless `holds`.
    pub fn require(&mut self, holds: bool, path: impl Into<FieldPath>, code: ProblemCode, message: impl Into<String>) {
        if !holds {
            self.add(path, code, message);
        }
    }

    /// The problems found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An error if anything was found.
    pub fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Validation(self)) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}
