//! Connecting to SQLite and PostgreSQL.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    Error, Result,
    error::{Problem, ProblemCode},
};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection,
    sqlx::{
        self, ConnectOptions as _, Connection as _,
        postgres::PgConnectOptions,
        sqlite::{SqliteConnectOptions, SqliteConnection},
    },
};

/// Hears the text of a statement.
type Listener = Arc<dyn Fn(&str) + Send + Sync>;

/// How to reach the database.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// `sqlite://file.db`, `sqlite::memory:` or `postgres://user:password@host/database`.
    pub url: String,
    /// The most connections at a time.
    pub max_connections: u32,
    /// The longest that a statement may take. On SQLite one that reads: those that write are few rows at a time, and nobody
    /// else's may run meanwhile.
    pub statement_timeout: Duration,
    /// The longest wait for a free connection.
    pub acquire_timeout: Duration,
    /// Hears the text of every statement that reads, for those who count them.
    pub on_read: Option<Listener>,
    /// The most pages of an SQLite file, for those who try what a full one does.
    pub most_pages: Option<u32>,
}

impl DatabaseConfig {
    /// The usual settings for a database at this address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 16,
            statement_timeout: Duration::from_secs(8),
            acquire_timeout: Duration::from_secs(5),
            on_read: None,
            most_pages: None,
        }
    }

    fn is_memory(&self) -> bool {
        self.url.contains(":memory:")
    }
}

/// Connections for reading, and for writing where that makes a difference: SQLite has one writer at a time, and whoever
/// waits for its turn in the pool never meets a locked database.
pub(crate) struct Connections {
    pub(crate) read: DatabaseConnection,
    pub(crate) write: DatabaseConnection,
}

/// Connects.
///
/// # Errors
/// [`Error::Validation`] naming `DATABASE_URL`, without repeating it: it may hold a password.
pub(crate) async fn connect(config: &DatabaseConfig) -> Result<Connections> {
    let mut connections = connect_only(config).await?;
    if let Some(hear) = config.on_read.clone() {
        connections.read.set_metric_callback(move |info| hear(&info.statement.sql));
    }
    Ok(connections)
}

async fn connect_only(config: &DatabaseConfig) -> Result<Connections> {
    if config.url.starts_with("postgres://") || config.url.starts_with("postgresql://") {
        let address: PgConnectOptions = config.url.parse().map_err(|_| {
            // The driver's own words may repeat the address.
            refused("it is not of the form postgres://user:password@host:port/database")
        })?;
        let Ok(pool) = Database::connect(postgres(config)).await else {
            return Err(unreachable(config, &address).await);
        };
        return Ok(Connections { read: pool.clone(), write: pool });
    }
    if !config.url.starts_with("sqlite:") || config.url.parse::<SqliteConnectOptions>().is_err() {
        return Err(refused("write sqlite://FILE or postgres://user:password@host:port/database"));
    }
    let write = open(writing(sqlite(config, 1))).await?;
    // A database in memory belongs to its one connection.
    let read = if config.is_memory() {
        write.clone()
    } else {
        open(reading(sqlite(config, config.max_connections), config.statement_timeout)).await?
    };
    Ok(Connections { read, write })
}

fn refused(message: impl Into<String>) -> Error {
    Problem::new("DATABASE_URL", ProblemCode::Invalid, message).into()
}

async fn open(options: ConnectOptions) -> Result<DatabaseConnection> {
    Database::connect(options).await.map_err(|error| refused(format!("the database cannot be opened: {error}")))
}

/// Why the server cannot be reached: a pool says only that it waited in vain.
async fn unreachable(config: &DatabaseConfig, address: &PgConnectOptions) -> Error {
    let reason = match tokio::time::timeout(config.acquire_timeout, address.connect()).await {
        Ok(Ok(_)) => "it answers only now".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it does not answer".to_owned(),
    };
    refused(format!("no connection to PostgreSQL at {}:{}: {reason}", address.get_host(), address.get_port()))
}

fn options(config: &DatabaseConfig, url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(config.acquire_timeout)
        .connect_timeout(config.acquire_timeout)
        // A ping on every checkout costs a third of the throughput of small queries.
        .test_before_acquire(false)
        .sqlx_logging(false);
    options
}

fn postgres(config: &DatabaseConfig) -> ConnectOptions {
    let mut options = options(config, &config.url, config.max_connections);
    options.statement_timeout(config.statement_timeout).set_application_name("concert");
    // Compiling a statement of ours takes longer than running it.
    options.map_sqlx_postgres_opts(|options| options.options([("jit", "off")]).statement_cache_capacity(256));
    options
}

fn sqlite(config: &DatabaseConfig, connections: u32) -> ConnectOptions {
    use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
    let mut options = options(config, &config.url, connections);
    if config.is_memory() {
        // Connections that are given up take such a database with them.
        options.idle_timeout(None).max_lifetime(None);
    }
    let (patience, most_pages) = (config.acquire_timeout, config.most_pages);
    options.map_sqlx_sqlite_opts(move |options| {
        let options = match most_pages {
            Some(most) => options.pragma("max_page_count", most.to_string()),
            None => options,
        };
        options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(patience)
            .statement_cache_capacity(256)
            // What reads thousands of rows would change threads for every fifty of them.
            .row_buffer_size(1_000)
            .pragma("cache_size", "-16000")
            .pragma("temp_store", "memory")
    });
    options
}

/// How many operations of SQLite's virtual machine are run between two looks at the clock, some tens of microseconds.
const OPERATIONS: i32 = 5_000;

/// SQLite knows no longest time of a statement, but asks now and then whether to go on. Nothing is read within a
/// transaction, so that every statement takes a connection out of the pool for itself.
fn reading(mut options: ConnectOptions, longest: Duration) -> ConnectOptions {
    options.map_sqlx_sqlite_pool_opts(move |pool| {
        pool.after_connect(move |connection, _| Box::pin(end_after(connection, longest))).before_acquire(
            move |connection, _| {
                Box::pin(async move {
                    end_after(connection, longest).await?;
                    Ok(true)
                })
            },
        )
    });
    options
}

/// Has whatever the connection runs from now on end after so long.
async fn end_after(connection: &mut SqliteConnection, longest: Duration) -> Result<(), sqlx::Error> {
    let began = Instant::now();
    connection.lock_handle().await?.set_progress_handler(OPERATIONS, move || began.elapsed() < longest);
    Ok(())
}

/// SQLite undoes a transaction by itself when it runs out of space, and the driver does not learn of it: it goes on counting
/// the transaction as open and nests all later ones in it, whose commits then keep nothing. Such a connection is given up.
fn writing(mut options: ConnectOptions) -> ConnectOptions {
    options.map_sqlx_sqlite_pool_opts(|pool| {
        pool.before_acquire(|connection, _| {
            Box::pin(async move {
                // Answered only when a rollback that was begun before has ended.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
    });
    options
}
