//! Files to import: `POST /imports` takes one, `GET /imports/ID` says how far it is, `GET /imports/ID/rejects` what was not kept.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use domain::{
    access::Actor,
    error::Error,
    import_job::{ImportJob, ImportJobId},
    service::{Services, Upload},
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::{Shared, import_summary::summary, request_id::request_id};
use crate::{
    auth::viewer,
    exchange::{Importer, Options, Stage, asked},
    graphql::{context::Viewer, id},
    refusal::Refusal,
};

/// Bytes of a file that are kept together.
const PIECE: usize = 256 * 1024;
/// The longest that a caller who wants the outcome itself is kept waiting.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked whether there is one.
const LOOK: Duration = Duration::from_millis(50);
/// Rejected rows written out at a time: each has up to 64 KiB.
pub(super) const ROWS: u64 = 250;

/// Takes a file and answers 202 with its job; with `async=false` it waits for the outcome.
pub(super) async fn post(request: HttpRequest, payload: web::Payload, shared: web::Data<Shared>) -> HttpResponse {
    upload(&request, payload, &shared).await.unwrap_or_else(|refusal| refusal.response())
}

/// How far a job is.
pub(super) async fn get(request: HttpRequest, path: web::Path<String>, shared: web::Data<Shared>) -> HttpResponse {
    match found(&request, &path, &shared).await {
        Ok((_, job)) => HttpResponse::Ok().json(told(&job)),
        Err(refusal) => refusal.response(),
    }
}

/// The rows of a job that were not kept, as CSV.
pub(super) async fn rejects(request: HttpRequest, path: web::Path<String>, shared: web::Data<Shared>) -> HttpResponse {
    let (actor, job) = match found(&request, &path, &shared).await {
        Ok((actor, job)) if shared.services.may_see_rows(&actor, &job) => (actor, Arc::new(job)),
        Ok(_) => return missing().response(),
        Err(refusal) => return refusal.response(),
    };
    let services = shared.services.clone();
    let rows = futures_util::stream::unfold(Some(0), move |from| {
        let (services, actor, job) = (services.clone(), actor.clone(), Arc::clone(&job));
        async move {
            let from: u64 = from?;
            let rows = match services.import_rejects(&actor, &job, from, ROWS).await {
                Ok(rows) => rows,
                Err(error) => return Some((Err(actix_web::error::ErrorInternalServerError(error.to_string())), None)),
            };
            let next = (rows.len() as u64 == ROWS).then_some(from + ROWS);
            let mut text = csv::Writer::from_writer(Vec::new());
            if from == 0 {
                let _ = text.write_record(["line", "column", "code", "reason", "row"]);
            }
            for row in rows {
                let line = row.line.to_string();
                // Writing to memory cannot fail.
                let _ = text.write_record([line.as_str(), &row.column, &row.code, &row.message, &row.row]);
            }
            Some((Ok(web::Bytes::from(text.into_inner().unwrap_or_default())), next))
        }
    });
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"rejects.csv\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(rows)
}

async fn found(request: &HttpRequest, path: &str, shared: &Shared) -> Result<(Actor, ImportJob), Refusal> {
    let viewer = viewer(request, request_id(request), &shared.authenticator).await?;
    let id = id::decode_import_job(path);
    let job = match id {
        Some(id) => shared.services.import_job(&viewer.actor, id).await.map_err(Refusal::of)?,
        None => None,
    };
    job.map(|job| (viewer.actor, job)).ok_or_else(missing)
}

fn missing() -> Refusal {
    Refusal::of(Error::NotFound { noun: "ImportJob", key: "id" })
}

/// What the address of an upload says.
struct Asked {
    pairs: Vec<(String, String)>,
    options: Options,
    name: String,
    waits: bool,
}

impl Asked {
    async fn read(request: &HttpRequest, services: &Services) -> Result<Self, Refusal> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|_| Refusal::bad_request("the query string cannot be read"))?;
        let mut pairs = pairs.into_inner();
        let mut own = |name: &str| {
            let place = pairs.iter().position(|(given, _)| given == name)?;
            Some(pairs.remove(place).1)
        };
        let name = own("name").unwrap_or_default();
        let waits = match own("async").as_deref() {
            None | Some("true") => false,
            Some("false") => true,
            Some(_) => return Err(Refusal::bad_request("async is true or false").with("field", "async")),
        };
        let asked = asked(services, pairs, Stage::Begins).await.map_err(Refusal::of)?.map_err(|bad| {
            let refusal = Refusal::new(StatusCode::BAD_REQUEST, "BAD_USER_INPUT", bad.message);
            bad.field.into_iter().fold(refusal, |refusal, field| refusal.with("field", field))
        })?;
        Ok(Self { pairs: asked.pairs, options: asked.options, name, waits })
    }
}

async fn upload(request: &HttpRequest, payload: web::Payload, shared: &Shared) -> Result<HttpResponse, Refusal> {
    let viewer = viewer(request, request_id(request), &shared.authenticator).await?;
    let asked = Asked::read(request, &shared.services).await?;
    let encoding = request.headers().get(header::CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    if encoding.is_some_and(|encoding| encoding != b"identity" && encoding != b"gzip") {
        let message = "send the file plain or as gzip";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > shared.config.max_upload) {
        return Err(too_large(shared));
    }
    let services = &shared.services;
    let create = asked.options.create;
    let upload = Upload {
        name: asked.name,
        settings: serde_json::to_string(&asked.pairs).unwrap_or_default(),
        dry_run: asked.options.dry_run,
        creates: create.communities || create.indicators || create.sources,
    };
    let job = begin(shared, &viewer, &asked.options, upload).await?;
    let received = receive(shared, job.id, payload).await;
    let received = match received {
        Ok(bytes) => services.end_upload(job.id, bytes).await.map_err(Refusal::of),
        Err(refusal) => Err(refusal),
    };
    if let Err(refusal) = received {
        // What cannot be removed now is swept away later.
        if let Err(error) = services.break_off_upload(job.id).await {
            tracing::warn!(%error, "an upload could not be removed");
        }
        return Err(refusal);
    }
    shared.config.imports.wake();
    let job = if asked.waits { wait(shared, &viewer, job.id).await? } else { present(shared, &viewer, job.id).await? };
    let address = format!("/imports/{}", id::encode_import_job(job.id).as_str());
    let status = if job.state.is_over() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let body = if asked.waits && job.state.is_over() && asked.options.dhis2.strategy.is_some() {
        summary(shared, &viewer.actor, &job, asked.options.dhis2.strategy).await?
    } else {
        told(&job)
    };
    Ok(HttpResponse::build(status).insert_header((header::LOCATION, address)).json(body))
}

/// Begins an upload of somebody who may, of what the settings name.
async fn begin(shared: &Shared, viewer: &Viewer, options: &Options, upload: Upload) -> Result<ImportJob, Refusal> {
    let job = shared.services.begin_upload(&viewer.actor, upload).await.map_err(Refusal::of)?;
    // Told before anything is sent: a wrong network, source, indicator.
    if let Err(error) = Importer::new(&shared.services, &viewer.actor, options).check().await {
        shared.services.break_off_upload(job.id).await.map_err(Refusal::of)?;
        return Err(Refusal::of(error));
    }
    Ok(job)
}

fn too_large(shared: &Shared) -> Refusal {
    let most = shared.config.max_upload;
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", format!("the file is larger than {most} bytes"))
        .with("limit", most)
}

/// Keeps the file piece by piece, and reads on only when a piece is kept; answers its size.
async fn receive(shared: &Shared, job: ImportJobId, mut payload: web::Payload) -> Result<i64, Refusal> {
    let (mut rest, mut number, mut size) = (Vec::with_capacity(PIECE), 0, 0_u64);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::bad_request("the file broke off"))?;
        size += chunk.len() as u64;
        if size > shared.config.max_upload {
            return Err(too_large(shared));
        }
        rest.extend_from_slice(&chunk);
        if rest.len() >= PIECE {
            shared.services.keep_piece(job, number, &rest).await.map_err(Refusal::of)?;
            (rest, number) = (Vec::with_capacity(PIECE), number + 1);
        }
    }
    if size == 0 {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "EMPTY_FILE", "there is nothing in it"));
    }
    if !rest.is_empty() {
        shared.services.keep_piece(job, number, &rest).await.map_err(Refusal::of)?;
    }
    i64::try_from(size).map_err(|_| too_large(shared))
}

async fn present(shared: &Shared, viewer: &Viewer, id: ImportJobId) -> Result<ImportJob, Refusal> {
    let found = shared.services.import_job(&viewer.actor, id).await.map_err(Refusal::of)?;
    found.ok_or_else(|| Refusal::of(Error::NotFound { noun: "ImportJob", key: "id" }))
}

async fn wait(shared: &Shared, viewer: &Viewer, id: ImportJobId) -> Result<ImportJob, Refusal> {
    let mut waited = Duration::ZERO;
    loop {
        let job = present(shared, viewer, id).await?;
        if job.state.is_over() || waited >= PATIENCE {
            return Ok(job);
        }
        actix_web::rt::time::sleep(LOOK).await;
        waited += LOOK;
    }
}

/// A job as JSON; the same as `importJob` in the schema.
fn told(job: &ImportJob) -> Value {
    let counts = &job.progress.counts;
    json!({
        "id": id::encode_import_job(job.id).as_str(),
        "name": job.name,
        "state": job.state.code(),
        "dryRun": job.dry_run,
        "bytes": job.bytes,
        "readBytes": job.progress.bytes,
        "counts": counts,
        "notes": job.progress.notes,
        "failure": job.failure,
        "createdAt": job.created_at,
        "startedAt": job.started_at,
        "finishedAt": job.finished_at,
    })
}
