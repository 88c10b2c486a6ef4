//! GraphQL over HTTP, after the specification of the GraphQL foundation (draft of 2023 and later): what the library's own
//! integration leaves open (statuses, media types, mutations by GET, body limits) is decided here.

use std::panic::AssertUnwindSafe;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use async_graphql::{
    Request, Response, ServerError, Value,
    parser::{
        parse_query,
        types::{ExecutableDocument, OperationType},
    },
};
use futures_util::FutureExt as _;

use super::{
    Shared,
    error::Refusal,
    request::{GraphqlRequest, MediaType},
};
use crate::{
    auth::viewer,
    graphql::{
        limits::{LimitExceeded, check_text},
        loaders::batch,
    },
};

pub(super) async fn post(request: HttpRequest, payload: web::Payload, shared: web::Data<Shared>) -> HttpResponse {
    let read = GraphqlRequest::from_body(&request, payload).await;
    answer(&request, &shared, read, false).await
}

pub(super) async fn get(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let read = GraphqlRequest::from_query(&request);
    answer(&request, &shared, read, true).await
}

async fn answer(
    request: &HttpRequest,
    shared: &Shared,
    read: Result<GraphqlRequest, Refusal>,
    reading_only: bool,
) -> HttpResponse {
    let media = match MediaType::negotiate(request) {
        Ok(media) => media,
        Err(refusal) => return refusal.response(),
    };
    let result = async { execute(request, shared, read?, reading_only).await }.await;
    match result {
        Ok(response) => executed(media, response),
        Err(refusal) => refused(media, &refusal),
    }
}

/// Executes a request that is within its limits.
async fn execute(
    request: &HttpRequest,
    shared: &Shared,
    asked: GraphqlRequest,
    reading_only: bool,
) -> Result<Response, Refusal> {
    let viewer = viewer(request, &shared.authenticator)?;
    let document = parse(shared, &asked)?;
    if reading_only {
        refuse_writing(&document, asked.operation_name.as_deref())?;
    }
    let mut prepared = Request::new(asked.query).variables(asked.variables);
    if let Some(name) = asked.operation_name {
        prepared = prepared.operation_name(name);
    }
    prepared.set_parsed_query(document);
    let loader = batch(shared.services.clone(), viewer.actor.clone());
    let execution = AssertUnwindSafe(shared.schema.execute(prepared.data(viewer).data(loader))).catch_unwind();
    match tokio::time::timeout(shared.config.execution_timeout, execution).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) => {
            // The panic hook has logged where; the caller learns nothing of it.
            let message = "Something went wrong here; it has been noted.";
            Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message))
        }
        Err(_) => {
            let seconds = shared.config.execution_timeout.as_secs_f64();
            let message = format!("the request took longer than {seconds} seconds; ask for less at once");
            Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, "TIMEOUT", message))
        }
    }
}

fn parse(shared: &Shared, asked: &GraphqlRequest) -> Result<ExecutableDocument, Refusal> {
    check_text(&asked.query, &shared.config.limits).map_err(too_much)?;
    let document = parse_query(&asked.query).map_err(|error| {
        let mut refusal = Refusal::document("GRAPHQL_PARSE_FAILED", error.to_string());
        if let Some(position) = error.positions().next() {
            refusal = refusal.with("line", position.line).with("column", position.column);
        }
        refusal
    })?;
    shared.config.limits.check(&document, &asked.variables, &shared.shape).map_err(too_much)?;
    Ok(document)
}

fn too_much(exceeded: LimitExceeded) -> Refusal {
    Refusal::document("QUERY_LIMIT_EXCEEDED", exceeded.to_string())
        .with("limit", exceeded.limit)
        .with("allowed", exceeded.allowed)
        .with("found", exceeded.found)
}

/// Links and prefetching browsers send GET requests: they must never change anything.
fn refuse_writing(document: &ExecutableDocument, operation_name: Option<&str>) -> Result<(), Refusal> {
    let chosen = |name: Option<&async_graphql::Name>| operation_name.is_none_or(|wanted| name.is_some_and(|name| name == wanted));
    let writes =
        document.operations.iter().any(|(name, operation)| chosen(name) && operation.node.ty != OperationType::Query);
    if !writes {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "only queries are served by GET; use POST"))
}

fn refused(media: MediaType, refusal: &Refusal) -> HttpResponse {
    let status = if refusal.well_formed && media == MediaType::Json { StatusCode::OK } else { refusal.status };
    let mut response = HttpResponse::build(status);
    match refusal.status {
        StatusCode::METHOD_NOT_ALLOWED => response.insert_header((header::ALLOW, "POST")),
        StatusCode::UNAUTHORIZED => response.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
        _ => &mut response,
    };
    response.content_type(media.header()).body(refusal.body().to_string())
}

fn executed(media: MediaType, mut response: Response) -> HttpResponse {
    // A request that failed before execution has no data at all; one whose data is null because a field failed has.
    let refused = !response.errors.is_empty() && response.data == Value::Null && response.errors.iter().all(|e| e.path.is_empty());
    for error in &mut response.errors {
        give_code(error, refused);
    }
    let status = if refused && media == MediaType::Response { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let body = if refused {
        serde_json::to_string(&serde_json::json!({ "errors": response.errors }))
    } else {
        serde_json::to_string(&response)
    };
    match body {
        Ok(body) => HttpResponse::build(status).content_type(media.header()).body(body),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Every error carries a code: those of resolvers have one, those of the library get one by the stage they come from.
fn give_code(error: &mut ServerError, refused: bool) {
    let extensions = error.extensions.get_or_insert_with(Default::default);
    if extensions.get("code").is_some() {
        return;
    }
    let operation = error.message.contains("peration name") || error.message.contains("Unknown operation");
    extensions.set("code", match (refused, operation) {
        (true, true) => "OPERATION_RESOLUTION_FAILURE",
        (true, false) => "GRAPHQL_VALIDATION_FAILED",
        (false, _) => "BAD_USER_INPUT",
    });
}
