//! The database as the domain sees it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use domain::{
    Error, Result,
    event::{Event, Topic},
    port::store::{Repositories, Store, UnitOfWork},
};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, TransactionOptions,
    TransactionTrait as _,
};
use tokio::sync::Notify;

use crate::{
    connect::{Connections, DatabaseConfig, connect},
    error::database,
    figures::change_feed,
    migration::migrate,
    repo::Repos,
    row::Row,
    sql::Sql,
};

/// The database.
pub struct SqlStore {
    read: Repos<DatabaseConnection>,
    write: DatabaseConnection,
    wake: Arc<Notify>,
}

impl SqlStore {
    /// Connects, without changing anything.
    pub async fn connect(config: &DatabaseConfig) -> Result<Self> {
        let Connections { read, write } = connect(config).await?;
        Ok(Self { read: Repos(read), write, wake: Arc::new(Notify::new()) })
    }

    /// Connects and applies the migrations that are missing.
    pub async fn open(config: &DatabaseConfig) -> Result<Self> {
        let store = Self::connect(config).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Applies the migrations that are missing and answers their names.
    pub async fn migrate(&self) -> Result<Vec<String>> {
        migrate(&self.write).await
    }

    /// Notified whenever something was committed: the outbox may hold events.
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }
}

/// Begins a transaction that may write. SQLite takes the write lock at once: a transaction that reads first and then
/// finds that another one wrote could not go on.
pub(crate) async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    db.begin_with_options(options).await.map_err(database)
}

#[async_trait]
impl Store for SqlStore {
    fn read(&self) -> &dyn Repositories {
        &self.read
    }

    async fn begin(&self) -> Result<Box<dyn UnitOfWork>> {
        let work = Repos(begin(&self.write).await?);
        Ok(Box::new(SqlWork {
            work,
            topics: Mutex::default(),
            recorded: AtomicBool::new(false),
            wake: Arc::clone(&self.wake),
        }))
    }

    fn writes_side_by_side(&self) -> bool {
        self.write.get_database_backend() == DbBackend::Postgres
    }

    async fn health(&self) -> Result<(), String> {
        self.read.0.ping().await.map_err(|error| {
            tracing::warn!(%error, "the database does not answer");
            "the database does not answer".to_owned()
        })
    }

    async fn unpublished(&self, most: u64) -> Result<Vec<(i64, Event)>> {
        let mut sql = Sql::new(self.read.0.get_database_backend());
        let most = sql.bind(i64::try_from(most).unwrap_or(i64::MAX));
        let statement = sql.statement(format!("SELECT place, event FROM outbox ORDER BY place LIMIT {most}"));
        let rows = self.read.0.query_all_raw(statement).await.map_err(database)?;
        rows.iter()
            .map(|row| {
                let mut row = Row::new(row)?;
                Ok((row.take()?, row.json()?))
            })
            .collect()
    }

    async fn published(&self, places: &[i64]) -> Result<()> {
        if places.is_empty() {
            return Ok(());
        }
        // Places are numbers of ours: nothing to escape.
        let places: Vec<String> = places.iter().map(ToString::to_string).collect();
        let text = format!("DELETE FROM outbox WHERE place IN ({})", places.join(", "));
        self.write.execute_unprepared(&text).await.map_err(database).map(drop)
    }
}

/// A transaction.
struct SqlWork {
    work: Repos<DatabaseTransaction>,
    /// The topics to raise at the end. Whoever raises one keeps everybody else from doing so until the transaction ends,
    /// and two who raise several in other orders would wait for each other for ever.
    topics: Mutex<BTreeSet<Topic>>,
    /// Whether figures were recorded: they enter the feed of changes at the end.
    recorded: AtomicBool,
    wake: Arc<Notify>,
}

#[async_trait]
impl UnitOfWork for SqlWork {
    fn repositories(&self) -> &dyn Repositories {
        &self.work
    }

    async fn emit(&self, event: &Event) -> Result<()> {
        let db = &self.work.0;
        let mut sql = Sql::new(db.get_database_backend());
        let event_json = sql.bind(serde_json::to_value(event).map_err(Error::internal)?);
        let statement = sql.statement(format!("INSERT INTO outbox (event) VALUES ({event_json})"));
        db.execute_raw(statement).await.map_err(database)?;
        if matches!(event, Event::ObservationsRecorded { .. }) {
            self.recorded.store(true, Ordering::Release);
        }
        self.topics.lock().unwrap_or_else(PoisonError::into_inner).extend(event.topics());
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        raise(&self.work.0, self.topics.into_inner().unwrap_or_else(PoisonError::into_inner)).await?;
        // Last of all: others who have recorded wait from here on.
        if self.recorded.load(Ordering::Acquire) {
            change_feed::settle(&self.work.0).await?;
        }
        self.work.0.commit().await.map_err(database)?;
        self.wake.notify_one();
        Ok(())
    }
}

/// Raises the versions of topics, in one order for everybody.
async fn raise(db: &DatabaseTransaction, topics: BTreeSet<Topic>) -> Result<()> {
    if topics.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(db.get_database_backend());
    let rows: Vec<String> = topics.into_iter().map(|topic| format!("({}, 1)", sql.bind(topic.key()))).collect();
    let text = format!(
        "INSERT INTO topic_version (topic, version) VALUES {} \
         ON CONFLICT (topic) DO UPDATE SET version = topic_version.version + 1",
        rows.join(", ")
    );
    db.execute_raw(sql.statement(text)).await.map_err(database).map(drop)
}
