//! The HTTP side: one application, the same for the command line and for tests.

mod error;
mod explorer;
mod graphql;
mod health;
mod request;
mod request_id;

use std::{sync::Arc, time::Duration};

use actix_cors::Cors;
use actix_web::{
    App, HttpResponse, HttpServer,
    dev::{Server, ServerHandle},
    http::{Method, header},
    middleware::{Compress, DefaultHeaders, from_fn},
    web,
};
use domain::service::Services;

pub(crate) use error::Refusal;
pub use health::{Component, Readiness};

use crate::{
    auth::Authenticator,
    graphql::{
        limits::{Limits, Shape},
        schema::{ConcertSchema, schema, sdl},
    },
};

/// The largest request body, bytes.
pub const MAX_BODY: usize = 1024 * 1024;

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
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            cors_origins: Vec::new(),
            execution_timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(10),
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            limits: Limits::default(),
        }
    }
}

/// What every worker shares.
pub(crate) struct Shared {
    pub(crate) services: Services,
    pub(crate) schema: ConcertSchema,
    pub(crate) shape: Shape,
    pub(crate) sdl: String,
    pub(crate) authenticator: Authenticator,
    pub(crate) readiness: Arc<dyn Readiness>,
    pub(crate) config: HttpConfig,
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
    let sdl = sdl();
    let shape = Shape::of(&sdl).map_err(std::io::Error::other)?;
    let schema = schema(services.clone());
    let (workers, grace) = (config.workers, config.shutdown_timeout);
    let shared = web::Data::new(Shared { services, schema, shape, sdl, authenticator, readiness, config });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .app_data(web::PayloadConfig::new(MAX_BODY))
            .wrap(Compress::default())
            .wrap(cors(&shared.config.cors_origins))
            .wrap(DefaultHeaders::new().add((header::X_CONTENT_TYPE_OPTIONS, "nosniff")).add((header::REFERRER_POLICY, "no-referrer")))
            // Outermost, so that refusals of the layers within carry an id too.
            .wrap(from_fn(request_id::with_request_id))
            .configure(routes)
    })
    .workers(workers)
    .shutdown_timeout(grace.as_secs())
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(Running { server, address })
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/graphql")
                .route(web::post().to(graphql::post))
                .route(web::get().to(graphql::get))
                .default_service(web::to(|| error::method_not_allowed("GET, POST"))),
        )
        .service(reading("/", web::get().to(explorer::page)))
        .service(reading("/explorer.js", web::get().to(explorer::script)))
        .service(reading("/livez", web::get().to(health::live)))
        .service(reading("/readyz", web::get().to(health::ready)))
        .service(reading("/schema.graphql", web::get().to(schema_file)))
        .default_service(web::to(error::not_found));
}

/// A resource that is only read.
fn reading(path: &str, route: actix_web::Route) -> actix_web::Resource {
    web::resource(path).route(route).default_service(web::to(|| error::method_not_allowed("GET")))
}

async fn schema_file(shared: web::Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(shared.sdl.clone())
}

/// No origin is allowed unless it is listed.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST])
        .allowed_headers([header::ACCEPT, header::ACCEPT_LANGUAGE, header::AUTHORIZATION, header::CONTENT_TYPE])
        .allowed_header(request_id::HEADER)
        .expose_headers([request_id::HEADER])
        .max_age(3_600);
    // Requests from other origins are answered without CORS headers: the browser refuses them, and whoever is no browser
    // is none of CORS's business.
    origins.iter().fold(cors.block_on_origin_mismatch(false), |cors, origin| cors.allowed_origin(origin))
}
