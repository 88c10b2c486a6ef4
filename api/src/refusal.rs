//! Requests that are refused before they are executed, in the form of GraphQL errors.

use actix_web::{HttpResponse, http::StatusCode};
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
        HttpResponse::build(self.status).content_type("application/json; charset=utf-8").body(self.body().to_string())
    }
}
