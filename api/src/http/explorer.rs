//! The explorer page: `GraphiQL`, in versions that the page itself pins by their digests.

use actix_web::{HttpResponse, http::header};

/// Nothing but this site and the pinned files; styles inline because the editor sets them so.
const POLICY: &str = "default-src 'none'; script-src 'self' https://cdn.jsdelivr.net; style-src 'unsafe-inline' \
     https://cdn.jsdelivr.net; img-src 'self' data:; font-src https://cdn.jsdelivr.net data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page.
pub(super) async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(include_str!("explorer.html"))
}

/// What starts the editor; a file of its own, so that the policy needs no exception for scripts in the page.
pub(super) async fn script() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(include_str!("explorer.js"))
}
