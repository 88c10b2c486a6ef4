//! The composition root: chooses the adapters, then does what the command line says.

use std::{io::Write as _, net::TcpListener, process::ExitCode, sync::Arc, time::Duration};

use api::{
    auth::Authenticator,
    cli::{AuditCommand, Cli, Command, Demo, load_demo},
    config::{ServeSettings, Settings},
    graphql::schema::sdl,
    http::build,
    readiness::Dependencies,
    shutdown::{requested, stop_when},
    telemetry,
};
use clap::Parser as _;
use domain::{
    access::Actor,
    error::Error,
    port::{bus::Bus, clock::SystemClock},
    service::Services,
};
use persistence::{DatabaseConfig, SqlStore, bus, cache, relay};

/// Where records go unless a setting says otherwise.
const DATABASE: &str = "concert.db";
/// Where the demo goes.
const DEMO_DATABASE: &str = "concert-demo.db";

/// The use cases over the adapters that the settings name, and what runs beside them.
struct Composition {
    services: Services,
    store: Arc<SqlStore>,
    bus: Arc<dyn Bus>,
}

async fn compose(settings: &Settings, database: &str) -> domain::Result<Composition> {
    let config = DatabaseConfig {
        max_connections: settings.database_connections,
        statement_timeout: Duration::from_secs(settings.statement_timeout),
        ..DatabaseConfig::new(settings.database_url_or(database))
    };
    let redis = settings.redis_url.as_deref();
    let (bus, cache) = (bus::open(redis)?, cache::open(redis)?);
    let store = Arc::new(SqlStore::connect(&config).await?);
    for name in store.migrate().await? {
        tracing::info!(name, "migrated");
    }
    let services = Services::new(store.clone(), cache, Arc::new(SystemClock));
    Ok(Composition { services, store, bus })
}

#[actix_web::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = telemetry::init(&cli.settings.log, cli.settings.log_format) {
        eprintln!("error: CONCERT_LOG: {error}");
        return ExitCode::from(2);
    }
    match run(cli).await {
        Ok(code) => code,
        Err(error) => {
            match error {
                Error::Internal(detail) => eprintln!("error: {detail}"),
                Error::Busy => eprintln!("error: the database cannot be used just now; the log says more"),
                other => eprintln!("error: {other}"),
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> domain::Result<ExitCode> {
    match cli.command {
        Command::Schema => {
            // A reader that has seen enough may close the pipe.
            let _ = std::io::stdout().write_all(sdl().as_bytes());
        }
        Command::Migrate => {
            compose(&cli.settings, DATABASE).await?;
            println!("The database is up to date.");
        }
        Command::Import(arguments) => {
            let import = arguments.prepare().unwrap_or_else(|error| error.exit());
            let composition = compose(&cli.settings, DATABASE).await?;
            let code = import.run(&composition.services, &Actor::operator("import")).await;
            return Ok(ExitCode::from(code));
        }
        Command::Audit(AuditCommand::Export(arguments)) => {
            let arguments = arguments.check().unwrap_or_else(|error| error.exit());
            let composition = compose(&cli.settings, DATABASE).await?;
            return arguments.run(&composition.services, &Actor::operator("operator")).await;
        }
        Command::Audit(AuditCommand::Verify(arguments)) => return Ok(arguments.run()),
        Command::Serve(settings) => {
            serve(compose(&cli.settings, DATABASE).await?, &settings, None).await?;
        }
        Command::Demo(settings) => {
            let composition = compose(&cli.settings, DEMO_DATABASE).await?;
            let demo = load_demo(&composition.services).await?;
            serve(composition, &settings, Some(demo)).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(composition: Composition, settings: &ServeSettings, demo: Option<Demo>) -> domain::Result<()> {
    let Composition { services, store, bus } = composition;
    let refused = |error| Error::internal(format!("CONCERT_LISTEN: cannot listen on {}: {error}", settings.listen));
    let listener = TcpListener::bind(settings.listen).map_err(refused)?;
    let authenticator = Authenticator::new(settings.admin_token.clone());
    let readiness = Arc::new(Dependencies::new(services.clone(), Arc::clone(&bus)));
    let running = build(services, authenticator, readiness, settings.http(), listener).map_err(Error::internal)?;
    tracing::info!(address = %running.address, "serving");
    let wake = store.wake();
    actix_web::rt::spawn(relay(store, bus, wake, requested().map_err(Error::internal)?));
    actix_web::rt::spawn(stop_when(requested().map_err(Error::internal)?, running.handle()));
    if let Some(demo) = demo {
        // Whoever started the demo is a person at a terminal.
        println!("{}", demo.welcome(running.address));
    }
    running.server.await.map_err(Error::internal)
}
