//! Requests that are refused before they are executed, in the form of GraphQL errors.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use domain::error::Error;
use serde_json::{Map, Value, json};

/// A request that is refused before it is executed.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// Whether the request was a well-formed GraphQL request: those are answered 200 where the caller takes plain JSON, as
    /// the specification of GraphQL over HTTP has it.
    pub(crate) well_formed: bool,
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) extensions: Map<String, Value>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { well_formed: false, status, code, message: message.into(), extensions: Map::new() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    /// What a use case answered, outside GraphQL.
    #[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
    pub(crate) fn of(error: Error) -> Self {
        let (status, code, field) = match &error {
            Error::Validation(problems) => {
                let field = problems.iter().next().map(|problem| problem.path.to_string());
                (StatusCode::BAD_REQUEST, "BAD_USER_INPUT", field)
            }
            Error::Conflict(problem) => (StatusCode::CONFLICT, "CONFLICT", Some(problem.path.to_string())),
            Error::NotFound { key, .. } => (StatusCode::NOT_FOUND, "NOT_FOUND", Some((*key).to_owned())),
            Error::Forbidden(_) => (StatusCode::FORBIDDEN, "FORBIDDEN", None),
            Error::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", None),
            Error::Throttled(_) => (StatusCode::TOO_MANY_REQUESTS, "THROTTLED", None),
            Error::Busy => (StatusCode::SERVICE_UNAVAILABLE, "BUSY", None),
            Error::Internal(detail) => {
                tracing::error!(%detail, "internal error");
                let message = "Something went wrong here; it has been noted.";
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message);
            }
        };
        let refusal = Self::new(status, code, error.to_string());
        field.filter(|field| !field.is_empty()).into_iter().fold(refusal, |refusal, field| refusal.with("field", field))
    }

    /// A refusal of the document of a well-formed request.
    pub(crate) fn document(code: &'static str, message: impl Into<String>) -> Self {
        Self { well_formed: true, ..Self::new(StatusCode::BAD_REQUEST, code, message) }
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extensions.insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn body(&self) -> Value {
        let mut extensions = self.extensions.clone();
        extensions.insert("code".to_owned(), self.code.into());
        json!({ "errors": [{ "message": self.message, "extensions": extensions }] })
    }

    /// The refusal as plain JSON.
    pub(crate) fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.content_type("application/json; charset=utf-8").body(self.body().to_string())
    }
}
