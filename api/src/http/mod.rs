//! The HTTP side: one application, the same for the command line and for tests.

mod aside;
mod error;
mod explorer;
mod exports;
mod graphql;
mod health;
mod import_summary;
mod imports;
mod pieces;
mod request;
mod request_id;
mod variables;

use std::{
    future::ready,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use actix_cors::Cors;
use actix_web::{
    App, HttpResponse, HttpServer,
    body::{EitherBody, MessageBody},
    dev::{Server, ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse},
    guard,
    http::{
        Method, StatusCode,
        header::{self, ETag, EntityTag, IfNoneMatch},
    },
    middleware::{Compress, DefaultHeaders, Next, from_fn},
    web,
};
use domain::service::Services;
use tokio::sync::Semaphore;

pub use health::{Component, Readiness};
use variables::Inputs;

use crate::{
    auth::Authenticator,
    graphql::{
        limits::{Limits, Shape},
        schema::{ConcertSchema, schema, sdl},
    },
    import_jobs::ImportQueue,
    refusal::Refusal,
};

/// The largest request body, bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// The largest body of a GraphQL request of somebody who is known, bytes: a push of 10 000 rows.
pub const MAX_PUSH_BODY: usize = 8 * 1024 * 1024;

/// The largest file that is taken for an import unless a setting says otherwise, bytes.
pub const MAX_UPLOAD: u64 = 1024 * 1024 * 1024;

/// How the HTTP side behaves.
#[derive(Clone)]
pub struct HttpConfig {
    /// Origins of pages that browsers may let call the API; none by default.
    pub cors_origins: Vec<String>,
    /// The longest that a request may be executed.
    pub execution_timeout: Duration,
    /// The longest that running requests are waited for when the server stops.
    pub shutdown_timeout: Duration,
    /// Threads that serve requests.
    pub workers: usize,
    /// The limits on one request.
    pub limits: Limits,
    /// How many large answers are made at once; the others wait within their execution timeout. It bounds the memory that
    /// they take together, and lets small requests pass meanwhile.
    pub large_at_once: usize,
    /// The largest file that is taken for an import, bytes.
    pub max_upload: u64,
    /// Whoever works on files that have come in.
    pub imports: ImportQueue,
}

impl Default for HttpConfig {
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            cors_origins: Vec::new(),
            execution_timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(10),
            workers,
            limits: Limits::default(),
            large_at_once: workers,
            max_upload: MAX_UPLOAD,
            imports: ImportQueue::default(),
        }
    }
}

/// What every worker shares.
pub(crate) struct Shared {
    pub(crate) services: Services,
    pub(crate) schema: ConcertSchema,
    pub(crate) shape: Shape,
    pub(crate) inputs: Inputs,
    pub(crate) sdl: String,
    /// Tells this schema from others, for those who keep a copy.
    pub(crate) sdl_tag: EntityTag,
    pub(crate) authenticator: Authenticator,
    pub(crate) readiness: Arc<dyn Readiness>,
    /// Turns for large answers.
    pub(crate) large: Semaphore,
    pub(crate) config: HttpConfig,
}

impl Shared {
    fn new(
        services: Services,
        authenticator: Authenticator,
        readiness: Arc<dyn Readiness>,
        config: HttpConfig,
    ) -> std::io::Result<Self> {
        let sdl = sdl();
        let mut hasher = DefaultHasher::new();
        sdl.hash(&mut hasher);
        Ok(Self {
            shape: Shape::of(&sdl).map_err(std::io::Error::other)?,
            inputs: Inputs::of(&sdl).map_err(std::io::Error::other)?,
            schema: schema(services.clone()),
            services,
            // Weak, because the same schema is also sent compressed.
            sdl_tag: EntityTag::new_weak(format!("{:016x}", hasher.finish())),
            sdl,
            authenticator,
            readiness,
            large: Semaphore::new(config.large_at_once),
            config,
        })
    }
}

/// A server that runs once it is awaited or spawned, and its handle.
pub struct Running {
    /// The server; a future that ends when it has stopped.
    pub server: Server,
    /// The address that it listens on.
    pub address: std::net::SocketAddr,
}

impl Running {
    /// Stops it from elsewhere.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }
}

/// Builds the server over the use cases, on a listener that is already bound.
///
/// # Errors
/// Whatever the operating system says of the listener; a schema that cannot be read back, which tests rule out.
pub fn build(
    services: Services,
    authenticator: Authenticator,
    readiness: Arc<dyn Readiness>,
    config: HttpConfig,
    listener: std::net::TcpListener,
) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    let (workers, grace) = (config.workers, config.shutdown_timeout);
    let shared = web::Data::new(Shared::new(services, authenticator, readiness, config)?);
    let server = HttpServer::new(move || app(shared.clone()))
        .workers(workers)
        .shutdown_timeout(grace.as_secs())
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(Running { server, address })
}

/// The application: the addresses it serves, and what every request passes through.
fn app(
    shared: web::Data<Shared>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let cors = cors(&shared.config.cors_origins);
    App::new()
        .app_data(shared)
        .wrap(Compress::default())
        .wrap(cors)
        .wrap(from_fn(coded_preflight))
        .wrap(
            DefaultHeaders::new()
                .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .add((header::REFERRER_POLICY, "no-referrer")),
        )
        // Outermost, so that refusals of the layers within carry an id too.
        .wrap(from_fn(request_id::with_request_id))
        .configure(routes)
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/graphql")
                .route(web::post().to(graphql::post))
                .route(web::get().to(graphql::get))
                .default_service(web::to(|| ready(error::method_not_allowed("GET, POST")))),
        )
        .service(
            web::resource("/imports")
                .route(web::post().to(imports::post))
                .default_service(web::to(|| ready(error::method_not_allowed("POST")))),
        )
        .service(reading("/imports/{id}", get().to(imports::get)))
        .service(reading("/imports/{id}/rejects", get().to(imports::rejects)))
        .service(reading("/exports", get().to(exports::get)))
        .service(reading("/", get().to(explorer::page)))
        .service(reading("/explorer.js", get().to(explorer::script)))
        .service(reading("/livez", get().to(health::live)))
        .service(reading("/readyz", get().to(health::ready)))
        .service(reading("/.well-known/jwks.json", get().to(jwks)))
        .service(reading("/schema.graphql", get().to(schema_file)))
        .default_service(web::to(error::not_found));
}

/// GET, and HEAD, to which the server sends the same without a body.
fn get() -> actix_web::Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// A resource that is only read.
fn reading(path: &str, route: actix_web::Route) -> actix_web::Resource {
    web::resource(path).route(route).default_service(web::to(|| ready(error::method_not_allowed("GET, HEAD"))))
}

/// The public keys of access tokens (RFC 7517), for whoever verifies them elsewhere.
async fn jwks(shared: web::Data<Shared>) -> HttpResponse {
    match shared.authenticator.jwks().await {
        Some(keys) => HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "public, max-age=60"))
            .content_type("application/jwk-set+json")
            .body(keys.to_string()),
        None => error::not_found().await,
    }
}

async fn schema_file(shared: web::Data<Shared>, known: Option<web::Header<IfNoneMatch>>) -> HttpResponse {
    let known = known.is_some_and(|known| match known.into_inner() {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|tag| tag.weak_eq(&shared.sdl_tag)),
    });
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header(ETag(shared.sdl_tag.clone()));
    if known { response.finish() } else { response.content_type("text/plain; charset=utf-8").body(shared.sdl.clone()) }
}

/// What CORS refuses of a preflight it says in plain text; here every error has a code.
async fn coded_preflight<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let response = next.call(request).await?;
    if !preflight || response.status() != StatusCode::BAD_REQUEST {
        return Ok(response.map_into_left_body());
    }
    let message = "pages of this origin may not ask for this here: see CONCERT_CORS_ORIGINS";
    let refusal = Refusal::new(StatusCode::BAD_REQUEST, "ORIGIN_NOT_ALLOWED", message);
    Ok(response.into_response(refusal.response()).map_into_right_body())
}

/// No origin is allowed unless it is listed.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST])
        .allowed_headers([header::ACCEPT, header::ACCEPT_LANGUAGE, header::AUTHORIZATION, header::CONTENT_TYPE])
        .allowed_header(request_id::HEADER)
        .expose_headers([request_id::HEADER, exports::NOT_CARRIED, exports::LEFT_OUT, "content-disposition"])
        .max_age(3_600);
    // Requests from other origins are answered without CORS headers: the browser refuses them, and whoever is no browser
    // is none of CORS's business.
    origins.iter().fold(cors.block_on_origin_mismatch(false), |cors, origin| cors.allowed_origin(origin))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
