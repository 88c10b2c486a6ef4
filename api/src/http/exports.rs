//! Figures to take out: `GET /exports` answers a file, piece by piece, of what the caller may read.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self, Bytes},
};
use domain::error::Error;

use super::{Shared, request_id::request_id};
use crate::{
    auth::viewer,
    exchange::export::{Export, settings},
    refusal::Refusal,
};

/// How much is handed over at a time, bytes; the next is made only when it is taken.
const PIECE: usize = 32 * 1024;
/// The header that says what the format has no word for.
pub(super) const NOT_CARRIED: &str = "concert-not-carried";

/// The header that says what else was asked for and is not in it.
pub(super) const LEFT_OUT: &str = "concert-left-out";

/// Answers the file that the address describes.
pub(super) async fn get(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    answer(&request, &shared).await.unwrap_or_else(|refusal| refusal.response())
}

async fn answer(request: &HttpRequest, shared: &Shared) -> Result<HttpResponse, Refusal> {
    let viewer = viewer(request, request_id(request), &shared.authenticator).await?;
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
        .map_err(|_| Refusal::bad_request("the query string cannot be read"))?;
    let options = settings(&pairs).map_err(|bad| {
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, "BAD_USER_INPUT", bad.message);
        bad.field.into_iter().fold(refusal, |refusal, field| refusal.with("field", field))
    })?;
    let export = Export::begin(&shared.services, &viewer.actor, &options).await.map_err(Refusal::of)?;
    let mut response = HttpResponse::Ok();
    response
        .content_type(export.media_type())
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", export.file_name())))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // What is in it depends on who asks.
        .insert_header((header::VARY, "Authorization"));
    let not_carried = options.format.not_carried();
    if !not_carried.is_empty() {
        response.insert_header((NOT_CARRIED, not_carried.join(", ")));
    }
    let definitions = export.other_definitions();
    if definitions > 0 {
        response.insert_header((LEFT_OUT, format!("definitions={definitions}")));
    }
    Ok(response.streaming(pieces(export)))
}

/// The file in pieces. One that cannot be completed is broken off, so that nobody takes it for whole.
fn pieces(export: Export) -> impl futures_util::Stream<Item = Result<Bytes, actix_web::Error>> {
    futures_util::stream::try_unfold((export, Bytes::new()), |(mut export, mut rest)| async move {
        if rest.is_empty() {
            match export.next().await {
                Ok(Some(part)) => rest = part.into(),
                Ok(None) => return Ok(None),
                Err(error) => return Err(broken_off(&error)),
            }
        }
        let piece = rest.split_to(rest.len().min(PIECE));
        Ok(Some((piece, (export, rest))))
    })
}

fn broken_off(error: &Error) -> actix_web::Error {
    match error {
        Error::Internal(detail) => tracing::error!(%detail, "an export was broken off"),
        other => tracing::warn!(error = %other, "an export was broken off"),
    }
    actix_web::error::ErrorInternalServerError("the export was broken off")
}
