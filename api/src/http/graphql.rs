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
        types::{ExecutableDocument, OperationDefinition, OperationType},
    },
};
use domain::access::Who;
use futures_util::FutureExt as _;

use super::{
    MAX_BODY, MAX_PUSH_BODY, Shared,
    pieces::Pieces,
    request::{GraphqlRequest, MediaType},
    request_id::request_id,
    variables,
};
use crate::{
    auth::viewer,
    graphql::{
        context::Viewer,
        limits::{LimitExceeded, TextError, check_text},
        loaders::batch,
    },
    refusal::Refusal,
};

/// An answer that may hold more objects than this is large: it takes megabytes while it is made, and waits for its turn.
const LARGE: u64 = 1_000;

/// Answers depend on who asks, in which language and for which media type: nobody between keeps them.
const PRIVATE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

pub(super) async fn post(request: HttpRequest, payload: web::Payload, shared: web::Data<Shared>) -> HttpResponse {
    // Who asks is known before anything is read: programs that push may send more than anybody may.
    let viewer = viewer(&request, request_id(&request), &shared.authenticator).await;
    let read = match viewer {
        Ok(viewer) => {
            let anybody = matches!(viewer.actor.who, Who::Anonymous);
            let most = if anybody { MAX_BODY } else { MAX_PUSH_BODY };
            GraphqlRequest::from_body(&request, payload, most).await.map(|asked| (viewer, asked))
        }
        Err(refusal) => Err(refusal),
    };
    answer(&request, &shared, read, false).await
}

pub(super) async fn get(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let viewer = viewer(&request, request_id(&request), &shared.authenticator).await;
    let read = viewer.and_then(|viewer| Ok((viewer, GraphqlRequest::from_query(&request)?)));
    answer(&request, &shared, read, true).await
}

async fn answer(
    request: &HttpRequest,
    shared: &Shared,
    read: Result<(Viewer, GraphqlRequest), Refusal>,
    reading_only: bool,
) -> HttpResponse {
    let media = match MediaType::negotiate(request) {
        Ok(media) => media,
        Err(refusal) => return refusal.response(),
    };
    let work = AssertUnwindSafe(async {
        let (viewer, asked) = read?;
        execute(shared, viewer, asked, reading_only).await
    })
    .catch_unwind();
    let result = work.await.unwrap_or_else(|_| {
        // The panic hook has logged where; the caller learns nothing of it.
        let message = "Something went wrong here; it has been noted.";
        Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message))
    });
    match result {
        Ok(response) => executed(media, response),
        Err(refusal) => refused(media, &refusal),
    }
}

/// Executes a request that is within its limits.
async fn execute(
    shared: &Shared,
    viewer: Viewer,
    mut asked: GraphqlRequest,
    reading_only: bool,
) -> Result<Response, Refusal> {
    let (document, nodes) = parse(shared, &asked)?;
    let operation = operation(&document, asked.operation_name.as_deref())?;
    if reading_only && operation.ty != OperationType::Query {
        // Links and prefetching browsers send GET requests: they must never change anything.
        let message = "only queries are served by GET; use POST";
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message));
    }
    variables::check(operation, &asked.variables, &shared.inputs)?;
    variables::fill_in(operation, &mut asked.variables);
    let operation = operation.ty;
    let mut prepared = Request::new(asked.query).variables(asked.variables);
    if let Some(name) = asked.operation_name {
        prepared = prepared.operation_name(name);
    }
    prepared.set_parsed_query(document);
    let loader = batch(shared.services.clone(), viewer.actor.clone(), operation);
    let prepared = prepared.data(viewer).data(loader).data(shared.authenticator.clone()).data(asked.aside);
    let execution = async {
        // Held only while the answer is made. The semaphore is never closed, and without a turn nothing would be lost.
        let _turn = if nodes > LARGE { shared.large.acquire().await.ok() } else { None };
        shared.schema.execute(prepared).await
    };
    tokio::time::timeout(shared.config.execution_timeout, execution).await.map_err(|_| {
        let seconds = shared.config.execution_timeout.as_secs_f64();
        let message = format!("the request took longer than {seconds} seconds; ask for less at once");
        Refusal::new(StatusCode::GATEWAY_TIMEOUT, "TIMEOUT", message)
    })
}

/// The document, and how many objects its answer may hold.
fn parse(shared: &Shared, asked: &GraphqlRequest) -> Result<(ExecutableDocument, u64), Refusal> {
    let unreadable = |message: String| Refusal::document("GRAPHQL_PARSE_FAILED", message);
    check_text(&asked.query, &shared.config.limits).map_err(|error| match error {
        TextError::Limit(exceeded) => too_much(&exceeded),
        TextError::UnclosedString => unreadable(error.to_string()),
    })?;
    let document = parse_query(&asked.query).map_err(|error| {
        let mut refusal = unreadable(error.to_string());
        if let Some(position) = error.positions().next() {
            refusal = refusal.with("line", position.line).with("column", position.column);
        }
        refusal
    })?;
    let nodes = shared.config.limits.check(&document, &asked.variables, &shared.shape);
    Ok((document, nodes.map_err(|exceeded| too_much(&exceeded))?))
}

fn too_much(exceeded: &LimitExceeded) -> Refusal {
    Refusal::document("QUERY_LIMIT_EXCEEDED", exceeded.to_string())
        .with("limit", exceeded.limit)
        .with("allowed", exceeded.allowed)
        .with("found", exceeded.found)
}

/// The operation that is to be executed.
fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Result<&'a OperationDefinition, Refusal> {
    let mut operations = document.operations.iter();
    let unclear = |message: String| Refusal::document("OPERATION_RESOLUTION_FAILURE", message);
    let found = match name {
        Some(name) => operations
            .find(|(known, _)| known.is_some_and(|known| known == name))
            .ok_or_else(|| unclear(format!("the document has no operation named “{}”", short(name)))),
        None => match (operations.next(), operations.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(unclear("the document has several operations; say which in operationName".to_owned())),
        },
    };
    found.map(|(_, operation)| &operation.node)
}

/// Enough of a text to know it again.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn refused(media: MediaType, refusal: &Refusal) -> HttpResponse {
    let status = if refusal.well_formed && media == MediaType::Json { StatusCode::OK } else { refusal.status };
    let mut response = HttpResponse::build(status);
    match refusal.status {
        StatusCode::METHOD_NOT_ALLOWED => response.insert_header((header::ALLOW, "POST")),
        StatusCode::UNAUTHORIZED => response.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
        _ => &mut response,
    };
    response.insert_header(PRIVATE).content_type(media.header()).body(refusal.body().to_string())
}

fn executed(media: MediaType, mut response: Response) -> HttpResponse {
    // A request that failed before execution has no data at all; one whose data is null because a field failed has.
    let refused = !response.errors.is_empty()
        && response.data == Value::Null
        && response.errors.iter().all(|e| e.path.is_empty());
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
        Ok(body) => {
            HttpResponse::build(status).insert_header(PRIVATE).content_type(media.header()).body(Pieces(body.into()))
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Every error carries a code: those of resolvers have one, those of the library get one by the stage they come from.
/// What the library finds wrong while it executes is the value of an argument.
fn give_code(error: &mut ServerError, refused: bool) {
    let extensions = error.extensions.get_or_insert_with(Default::default);
    if extensions.get("code").is_some() {
        return;
    }
    extensions.set("code", if refused { "GRAPHQL_VALIDATION_FAILED" } else { "BAD_USER_INPUT" });
}
