//! Addresses that are not there, and methods that are not theirs.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};

use crate::refusal::Refusal;

pub(super) async fn not_found() -> HttpResponse {
    Refusal::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing here; the API is at /graphql").response()
}

pub(super) fn method_not_allowed(allow: &'static str) -> HttpResponse {
    let message = format!("this method is not for this address; use {allow}");
    let mut response = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message).response();
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allow));
    response
}
