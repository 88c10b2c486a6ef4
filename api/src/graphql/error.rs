//! The one place that gives errors their codes. Expected failures of a mutation become `userErrors` in its payload; all
//! others become errors of the response.

use async_graphql::{Enum, ErrorExtensions, SimpleObject};
use domain::error::{Error, FieldPath, Problem, ProblemCode};

/// Why a change was refused, for programs. Codes may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "ProblemCode")]
pub enum UserErrorCode {
    /// A value is needed here.
    Required,
    /// The value is not of the expected form.
    Invalid,
    /// The text or list is longer than allowed.
    TooLong,
    /// The number, date or period lies outside its range.
    OutOfRange,
    /// Something else already has this name, code or key.
    Taken,
    /// What the value refers to does not exist.
    NotFound,
    /// The version given is not the current one: the record changed in between.
    StaleVersion,
    /// It contradicts what is already there.
    Conflict,
    /// Periods of one kind may not overlap.
    Overlap,
    /// It can no longer be changed.
    Immutable,
    /// The record is archived.
    Archived,
    /// The period is locked: its figures change by a restatement alone, which gives a reason.
    Locked,
    /// The actor may not do this.
    Forbidden,
    /// A data-quality rule refuses it.
    Quality,
}

/// A reason why a change was refused. Nothing was changed.
#[derive(Debug, Clone, SimpleObject)]
pub struct UserError {
    /// The argument at fault, step by step: `["input", "codes", "0", "code"]`. Empty if it is none in particular.
    pub path: Vec<String>,
    /// What is wrong and what would be right, for people.
    pub message: String,
    /// The kind of problem, for programs.
    pub code: UserErrorCode,
}

impl UserError {
    fn new(prefix: &FieldPath, problem: Problem) -> Self {
        let path = prefix.0.iter().cloned().chain(problem.path.0).collect();
        Self { path, message: problem.message, code: problem.code.into() }
    }
}

/// Sorts a failed change into what its payload says and what is an error of the response; `prefix` is the argument that
/// the change came in.
///
/// # Errors
/// Whatever the caller could not have known better: authentication, throttling and faults.
pub fn user_errors(error: Error, prefix: &str) -> async_graphql::Result<Vec<UserError>> {
    let prefix = FieldPath::from(prefix);
    match error {
        Error::Validation(problems) => {
            Ok(problems.iter().cloned().map(|problem| UserError::new(&prefix, problem)).collect())
        }
        Error::Conflict(problem) => Ok(vec![UserError::new(&prefix, problem)]),
        Error::NotFound { key, .. } => {
            Ok(vec![UserError::new(&prefix, Problem::new(key, ProblemCode::NotFound, error.to_string()))])
        }
        Error::Forbidden(_) => {
            Ok(vec![UserError::new(&prefix, Problem::new("", ProblemCode::Forbidden, error.to_string()))])
        }
        Error::Unauthenticated(_) | Error::Throttled(_) | Error::Busy | Error::Internal(_) => Err(graphql(error)),
    }
}

/// What is told of a failed use case, whichever way it was asked for.
#[derive(Debug)]
pub struct Told {
    /// For people; says nothing of our faults.
    pub message: String,
    /// For programs.
    pub code: &'static str,
    /// The argument at fault, if it is one.
    pub field: Option<String>,
    /// After how many seconds to try again, for those who tried too often.
    pub retry_after: Option<u64>,
}

impl Told {
    /// Faults are written to the log, once, and answered with a fixed text.
    pub fn of(error: &Error) -> Self {
        let (mut field, mut retry_after) = (None, None);
        let code = match error {
            Error::Validation(problems) => {
                field = problems.iter().next().map(|problem| problem.path.to_string());
                "BAD_USER_INPUT"
            }
            Error::Conflict(problem) => {
                field = Some(problem.path.to_string());
                "CONFLICT"
            }
            Error::NotFound { key, .. } => {
                field = Some((*key).to_owned());
                "NOT_FOUND"
            }
            Error::Forbidden(_) => "FORBIDDEN",
            Error::Unauthenticated(_) => "UNAUTHENTICATED",
            Error::Throttled(seconds) => {
                retry_after = Some(*seconds);
                "THROTTLED"
            }
            Error::Busy => "BUSY",
            Error::Internal(detail) => {
                tracing::error!(%detail, "internal error");
                let message = "Something went wrong here; it has been noted.".to_owned();
                return Self { message, code: "INTERNAL", field, retry_after };
            }
        };
        Self { message: error.to_string(), code, field: field.filter(|field| !field.is_empty()), retry_after }
    }
}

/// A domain error as an error of the response, with `extensions.code` and, where there is one, `extensions.field`.
#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
pub fn graphql(error: Error) -> async_graphql::Error {
    let Told { message, code, field, retry_after } = Told::of(&error);
    async_graphql::Error::new(message).extend_with(|_, extensions| {
        extensions.set("code", code);
        if let Some(field) = field {
            extensions.set("field", field);
        }
        if let Some(seconds) = retry_after {
            extensions.set("retryAfter", seconds);
        }
    })
}

/// Turns domain results into results of resolvers.
pub trait IntoGraphql<T> {
    /// The same, with the error as an error of the response.
    fn into_graphql(self) -> async_graphql::Result<T>;
}

impl<T> IntoGraphql<T> for domain::Result<T> {
    fn into_graphql(self) -> async_graphql::Result<T> {
        self.map_err(graphql)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_faults_are_kept_to_ourselves() {
        let told = Told::of(&Error::internal("SELECT secret FROM place"));
        assert_eq!((told.code, told.message.as_str()), ("INTERNAL", "Something went wrong here; it has been noted."));
        let told = Told::of(&Error::Throttled(7));
        assert_eq!((told.code, told.retry_after, told.field), ("THROTTLED", Some(7), None));
        let told = Told::of(&Error::invalid("input.slug", ProblemCode::Invalid, "no"));
        assert_eq!((told.code, told.field.as_deref()), ("BAD_USER_INPUT", Some("input.slug")));
    }
}
