//! The composition root: chooses the adapters, then does what the command line says.

use std::{io::Write as _, net::TcpListener, process::ExitCode, sync::Arc, time::Duration};

use api::{
    auth::{
        Authenticator, forget_on_change,
        keyring::{Keyring, TokenNames, new_key},
        oidc::{Fetch, HttpFetch, Providers},
        write_uses,
    },
    cli::{AuditCommand, Cli, Command, Demo, KeyCommand, load_demo},
    config::{ServeSettings, Settings},
    graphql::schema::sdl,
    http::build,
    import_jobs::work_on_imports,
    readiness::Dependencies,
    shutdown::{Beside, requested, stop_when},
    telemetry,
};
use clap::Parser as _;
use domain::{
    access::Actor,
    error::{Error, ProblemCode},
    port::{
        bus::Bus,
        clock::{Clock as _, SystemClock},
    },
    service::{
        Services,
        identity::{Identity, Throttle},
    },
};
use persistence::{DatabaseConfig, SqlStore, bus, cache, limiter, relay};

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

/// Whose tries commands count: nobody's, in this process alone.
const COMMAND_LINE: &str = "command line";

/// `installation` keeps the counts of this installation from those of others that share a Redis.
async fn compose(settings: &Settings, database: &str, installation: &str) -> domain::Result<Composition> {
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
    let throttle = Throttle::usual(limiter::open(redis)?, installation);
    let services = Services::new(store.clone(), cache, Arc::new(SystemClock), throttle);
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
            compose(&cli.settings, DATABASE, COMMAND_LINE).await?;
            println!("The database is up to date.");
        }
        Command::Import(arguments) if arguments.infers().is_some() => return Ok(arguments.propose()),
        Command::Import(arguments) => {
            let import = arguments.prepare().unwrap_or_else(|error| error.exit());
            let composition = compose(&cli.settings, DATABASE, COMMAND_LINE).await?;
            let code = import.run(&composition.services, &Actor::operator("import")).await;
            return Ok(ExitCode::from(code));
        }
        Command::Export(arguments) => {
            let export = arguments.prepare().unwrap_or_else(|error| error.exit());
            let composition = compose(&cli.settings, DATABASE, COMMAND_LINE).await?;
            return export.run(&composition.services, &Actor::operator("export")).await;
        }
        Command::Audit(AuditCommand::Export(arguments)) => {
            let arguments = arguments.check().unwrap_or_else(|error| error.exit());
            let composition = compose(&cli.settings, DATABASE, COMMAND_LINE).await?;
            return arguments.run(&composition.services, &Actor::operator("operator")).await;
        }
        Command::Audit(AuditCommand::Verify(arguments)) => return Ok(arguments.run()),
        Command::User(command) => {
            let composition = compose(&cli.settings, DATABASE, COMMAND_LINE).await?;
            command.run(&identity(&composition).await?, &Actor::operator("operator")).await?;
        }
        Command::Token(command) => {
            let composition = compose(&cli.settings, DATABASE, COMMAND_LINE).await?;
            command.run(&identity(&composition).await?, &Actor::operator("operator")).await?;
        }
        Command::Key(command) => {
            let (services, actor) =
                (compose(&cli.settings, DATABASE, COMMAND_LINE).await?.services, Actor::operator("operator"));
            match command {
                KeyCommand::Rotate => {
                    let key = new_key(SystemClock.now())?;
                    services.add_key(&actor, &key).await?;
                    println!("{}", key.kid);
                }
                KeyCommand::Retire { kid } => {
                    services.retire_key(&actor, &kid).await?;
                    println!("{kid} is retired.");
                }
            }
        }
        Command::Serve(settings) => {
            let composition = compose(&cli.settings, DATABASE, &settings.token_issuer).await?;
            serve(composition, &settings, None).await?;
        }
        Command::Demo(settings) => {
            let composition = compose(&cli.settings, DEMO_DATABASE, &settings.token_issuer).await?;
            let demo = load_demo(&composition.services).await?;
            serve(composition, &settings, Some(demo)).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The use cases of signing in, with the keys that the database keeps.
async fn identity(composition: &Composition) -> domain::Result<Identity> {
    let keyring = Keyring::open(composition.store.clone(), TokenNames::default(), &[], SystemClock.now()).await?;
    Ok(Identity::new(composition.services.clone(), Arc::new(keyring)))
}

/// Knows operators, accounts and tokens, as the settings say.
async fn authenticator(
    composition: &Composition,
    settings: &ServeSettings,
) -> domain::Result<(Authenticator, Arc<Keyring>)> {
    let read = |path: &std::path::PathBuf| {
        std::fs::read_to_string(path).map(Into::into).map_err(|error| {
            let message = format!("{}: {error}", path.display());
            Error::invalid("CONCERT_SIGNING_KEYS", ProblemCode::Invalid, message)
        })
    };
    let given = settings.signing_keys.iter().map(read).collect::<domain::Result<Vec<_>>>()?;
    let names = TokenNames { issuer: settings.token_issuer.clone(), audience: settings.token_issuer.clone() };
    let keyring = Arc::new(Keyring::open(composition.store.clone(), names, &given, SystemClock.now()).await?);
    let providers = if settings.oidc_issuers.is_empty() {
        None
    } else {
        let refused = |error: String| Error::invalid("CONCERT_OIDC_ISSUERS", ProblemCode::Invalid, error);
        let fetch: Arc<dyn Fetch> = Arc::new(HttpFetch::new().map_err(|error| refused(error.to_string()))?);
        Some(Providers::new(settings.oidc_issuers.clone(), &fetch).map_err(|error| refused(error.to_string()))?)
    };
    let identity = Identity::new(composition.services.clone(), Arc::clone(&keyring) as _);
    let authenticator = Authenticator::new(settings.admin_token.clone()).behind(settings.trusted_proxies.clone());
    Ok((authenticator.with_accounts(identity, Arc::clone(&keyring), providers), keyring))
}

async fn serve(composition: Composition, settings: &ServeSettings, demo: Option<Demo>) -> domain::Result<()> {
    let (authenticator, keyring) = authenticator(&composition, settings).await?;
    let Composition { services, store, bus } = composition;
    let refused = |error| Error::internal(format!("CONCERT_LISTEN: cannot listen on {}: {error}", settings.listen));
    let listener = TcpListener::bind(settings.listen).map_err(refused)?;
    let mut beside = Beside::default();
    let stop = || requested().map_err(Error::internal);
    beside.run_until(stop()?, forget_on_change(services.clone(), keyring, Arc::clone(&bus)));
    let readiness = Arc::new(Dependencies::new(services.clone(), Arc::clone(&bus)));
    let (services_of_imports, http) = (services.clone(), settings.http());
    let queue = http.imports.clone();
    let running = build(services.clone(), authenticator, readiness, http, listener).map_err(Error::internal)?;
    tracing::info!(address = %running.address, "serving");
    beside.run(work_on_imports(services_of_imports, queue, stop()?));
    beside.run(write_uses(services.clone(), stop()?));
    let wake = store.wake();
    beside.run(relay(store, bus, wake, stop()?));
    beside.run(stop_when(stop()?, running.handle()));
    if let Some(demo) = demo {
        // Whoever started the demo is a person at a terminal.
        println!("{}", demo.welcome(running.address));
    }
    let ended = running.server.await;
    beside.ended().await;
    ended.map_err(Error::internal)?;
    // Those of the requests that were finished last.
    services.write_uses().await
}
