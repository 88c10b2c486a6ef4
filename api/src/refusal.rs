//! Requests that are refused before they are executed, in the form of GraphQL errors.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use domain::error::Error;
use serde_json::{Map, Value, json};

use crate::graphql::error::Told;

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
        let status = match &error {
            Error::Validation(_) => StatusCode::BAD_REQUEST,
            Error::Conflict(_) => StatusCode::CONFLICT,
            Error::NotFound { .. } => StatusCode::NOT_FOUND,
            Error::Forbidden(_) => StatusCode::FORBIDDEN,
            Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Error::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Error::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let Told { message, code, field, retry_after } = Told::of(&error);
        let mut refusal = Self::new(status, code, message);
        refusal.extensions.extend(field.map(|field| ("field".to_owned(), field.into())));
        refusal.extensions.extend(retry_after.map(|seconds| ("retryAfter".to_owned(), seconds.into())));
        refusal
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
        if let Some(seconds) = self.extensions.get("retryAfter").and_then(Value::as_u64) {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        response.content_type("application/json; charset=utf-8").body(self.body().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_tried_too_often_is_told_how_long_to_wait() {
        let refusal = Refusal::of(Error::Throttled(7));
        assert_eq!(refusal.body()["errors"][0]["extensions"], json!({ "code": "THROTTLED", "retryAfter": 7 }));
        let response = refusal.response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()), Some("7"));
    }
}
