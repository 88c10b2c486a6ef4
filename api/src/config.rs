//! The settings, by environment or by flag. A flag goes before the environment.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use domain::api_token::AddressRange;
use secrecy::SecretString;

use crate::{
    auth::{keys::Algorithm, oidc::Issuer},
    graphql::limits::Limits,
    http::HttpConfig,
    telemetry::LogFormat,
};

/// Settings of the database and the log, for every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// The database: `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/NAME` [default: an SQLite file in the working folder]
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// Redis, shared by all replicas for cached results and news of changes; without it both stay in this process
    #[arg(long, global = true, env = "REDIS_URL", hide_env_values = true, value_name = "URL")]
    pub redis_url: Option<String>,

    /// The most connections to the database
    #[arg(long, global = true, env = "CONCERT_DATABASE_CONNECTIONS", value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_connections: u32,

    /// The longest that a statement may take in the database, seconds (SQLite: one that reads)
    #[arg(long, global = true, env = "CONCERT_STATEMENT_TIMEOUT", value_name = "SECONDS", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub statement_timeout: u64,

    /// What is logged: error, warn, info, debug, or by part as RUST_LOG has it
    #[arg(
        long,
        global = true,
        env = "CONCERT_LOG",
        value_name = "FILTER",
        default_value = "info,sea_orm_migration=warn,actix_server=warn,async_graphql=warn"
    )]
    pub log: String,

    /// How the log is written
    #[arg(long, global = true, env = "CONCERT_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// Settings of the server.
#[derive(Debug, Clone, Args)]
pub struct ServeSettings {
    /// The address and port to listen on
    #[arg(long, env = "CONCERT_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// The administrator's token, at least 16 characters: whoever sends it as `Authorization: Bearer TOKEN` may read and
    /// change everything. Without it nobody may change anything
    #[arg(long, env = "CONCERT_ADMIN_TOKEN", hide_env_values = true, value_name = "TOKEN", value_parser = token)]
    pub admin_token: Option<SecretString>,

    /// Origins of web pages that may call the API from a browser, separated by commas
    #[arg(long, env = "CONCERT_CORS_ORIGINS", value_name = "ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub cors_origins: Vec<String>,

    /// Files with the private keys that access tokens are signed with, PKCS#8 PEM, separated by commas: the first signs, all
    /// verify [default: a key that the database keeps]
    #[arg(long, env = "CONCERT_SIGNING_KEYS", value_name = "FILES", value_delimiter = ',')]
    pub signing_keys: Vec<PathBuf>,

    /// What access tokens name as their issuer and audience
    #[arg(long, env = "CONCERT_TOKEN_ISSUER", value_name = "NAME", default_value = "concert")]
    pub token_issuer: String,

    /// Other identity providers whose access tokens are believed, as ISSUER=AUDIENCE, separated by commas
    #[arg(long, env = "CONCERT_OIDC_ISSUERS", value_name = "ISSUERS", value_delimiter = ',', value_parser = provider)]
    pub oidc_issuers: Vec<Issuer>,

    /// Addresses of proxies in front, such as 10.0.0.0/8: of requests from there, the client's address is what X-Forwarded-For
    /// says. Separated by commas
    #[arg(long, env = "CONCERT_TRUSTED_PROXIES", value_name = "RANGES", value_delimiter = ',')]
    pub trusted_proxies: Vec<AddressRange>,

    /// The largest file that is uploaded to be imported, MiB
    #[arg(long, env = "CONCERT_MAX_UPLOAD", value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub max_upload: u64,

    /// The longest that a request may be executed, seconds
    #[arg(long, env = "CONCERT_EXECUTION_TIMEOUT", value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub execution_timeout: u64,

    /// Threads that serve requests [default: one for each processor]
    #[arg(long, env = "CONCERT_WORKERS", value_name = "N")]
    pub workers: Option<std::num::NonZeroUsize>,
}

/// An identity provider, `https://id.example.org=concert`, whose tokens are signed by one of the usual algorithms.
fn provider(text: &str) -> Result<Issuer, &'static str> {
    let (issuer, audience) =
        text.rsplit_once('=').ok_or("write ISSUER=AUDIENCE, such as https://id.example.org=concert")?;
    Ok(Issuer {
        issuer: issuer.to_owned(),
        audience: audience.to_owned(),
        algorithms: vec![Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa],
        jwks_uri: None,
    })
}

/// A token that cannot be guessed by trying.
fn token(text: &str) -> Result<SecretString, &'static str> {
    if text.len() < 16 {
        return Err("the token is too short: give at least 16 characters");
    }
    Ok(text.to_owned().into())
}

/// An origin as browsers send it: scheme, host and perhaps a port, no path.
fn origin(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(host) if !host.is_empty() && !host.contains(['/', '*', ' ', '?', '#']) => Ok(text.to_owned()),
        _ => Err("write an origin such as https://example.org, without a path"),
    }
}

impl ServeSettings {
    /// How the HTTP side behaves.
    pub fn http(&self) -> HttpConfig {
        let usual = HttpConfig::default();
        let workers = self.workers.map_or(usual.workers, std::num::NonZeroUsize::get);
        HttpConfig {
            cors_origins: self.cors_origins.clone(),
            execution_timeout: Duration::from_secs(self.execution_timeout),
            workers,
            large_at_once: workers,
            max_upload: self.max_upload * 1024 * 1024,
            limits: Limits::default(),
            ..usual
        }
    }
}

impl Settings {
    /// The database, or the file that a command uses if none is named.
    pub fn database_url_or(&self, file: &str) -> String {
        self.database_url.clone().unwrap_or_else(|| format!("sqlite://{file}"))
    }
}
