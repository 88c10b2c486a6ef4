//! A database that cannot answer: the caller hears that it is busy, and nothing of how it is made.

use std::time::{Duration, Instant};

use domain::{Error, access::Scope, page::ListQuery, port::store::Store as _};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::{Scratch, samples::*};
use crate::{
    DatabaseConfig, SqlStore,
    connect::{Connections, connect},
    store::begin,
};

fn open_error(result: domain::Result<SqlStore>) -> String {
    result.err().map(|error| error.to_string()).unwrap()
}

#[tokio::test]
async fn a_setting_that_leads_nowhere_is_named_and_its_password_is_not() {
    let impatient =
        |url: &str| DatabaseConfig { acquire_timeout: Duration::from_millis(800), ..DatabaseConfig::new(url) };
    for url in [
        "postgres://user:s3cret@127.0.0.1:1/nowhere",
        "postgres://user:s3cret@127.0.0.1:99999/nowhere",
        "mysql://user:s3cret@127.0.0.1/x",
        "s3cret",
        "sqlite:///no/such/folder/s3cret-free.db",
    ] {
        let told = open_error(SqlStore::open(&impatient(url)).await);
        assert!(told.contains("DATABASE_URL"), "{told}");
        assert!(!told.contains("s3cret@") && !told.contains(":s3cret"), "{told}");
    }
    let told = open_error(SqlStore::open(&impatient("postgres://user:s3cret@127.0.0.1:1/nowhere")).await);
    assert!(told.contains("127.0.0.1:1") && told.contains("refused"), "{told}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "these are notes, not a database, and they are longer than one header".repeat(99)).unwrap();
    let told = open_error(SqlStore::open(&DatabaseConfig::new(format!("sqlite://{}", path.display()))).await);
    assert!(told.contains("DATABASE_URL"), "{told}");
}

#[tokio::test]
async fn a_second_writer_waits_its_turn_and_then_hears_that_it_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("concert.db").display());
    let config = DatabaseConfig { acquire_timeout: Duration::from_millis(300), ..DatabaseConfig::new(url) };
    let store = SqlStore::open(&config).await.unwrap();
    // One in the same process waits in the pool, one in another for the lock.
    let other = SqlStore::open(&config).await.unwrap();
    let work = store.begin().await.unwrap();
    assert_eq!(store.begin().await.err(), Some(Error::Busy));
    assert_eq!(other.begin().await.err(), Some(Error::Busy));
    // Readers read on.
    other.read().communities().list(&Scope::Public, &ListQuery::default()).await.unwrap();
    drop(work);
    other.begin().await.unwrap().commit().await.unwrap();
    store.begin().await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up() {
    let Some(scratch) =
        Scratch::postgres("persistence::tests::busy::a_statement_that_takes_too_long_is_given_up").await
    else {
        return;
    };
    let config = DatabaseConfig { statement_timeout: Duration::from_millis(200), ..scratch.config.clone() };
    let store = SqlStore::connect(&config).await.unwrap();
    let record = keep(&store, community("held")).await;
    let holder = scratch.store.begin().await.unwrap();
    let taken = stored(community("same"), moment(0));
    holder.repositories().communities().insert(&taken).await.unwrap();
    let work = store.begin().await.unwrap();
    // It must wait for the other to know whether the slug is taken.
    let waiting = work.repositories().communities().insert(&stored(community("same"), moment(0))).await;
    assert_eq!(waiting, Err(Error::Busy));
    drop((work, holder));
    assert_eq!(store.read().communities().get(&Scope::Public, &[record.id]).await.unwrap().len(), 1);
    drop(store);
    scratch.end().await;
}

#[tokio::test]
async fn a_long_reading_of_sqlite_is_given_up_and_others_are_not() {
    let scratch = Scratch::sqlite().await;
    let longest = Duration::from_millis(200);
    let config = DatabaseConfig { statement_timeout: longest, max_connections: 1, ..scratch.config.clone() };
    let connections = connect(&config).await.unwrap();
    let counting = |to: u64| {
        let text = format!(
            "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {to}) SELECT count(*) FROM c"
        );
        Statement::from_string(DbBackend::Sqlite, text)
    };
    for _ in 0..2 {
        // It would take minutes.
        let told = connections.read.query_all_raw(counting(10_000_000_000)).await.map_err(crate::error::database);
        assert_eq!(told.map(drop), Err(Error::Busy));
        // Each statement has its own time, however long the connection has been at work.
        let end = Instant::now() + longest * 2;
        while Instant::now() < end {
            connections.read.query_all_raw(counting(10_000)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_database_that_goes_away_is_busy_until_it_is_back() {
    let Some(scratch) =
        Scratch::postgres("persistence::tests::busy::a_database_that_goes_away_is_busy_until_it_is_back").await
    else {
        return;
    };
    let admin = sea_orm::Database::connect(std::env::var("CONCERT_TEST_DATABASE_URL").unwrap()).await.unwrap();
    let name = scratch.config.url.rsplit_once('/').unwrap().1;
    let store = SqlStore::connect(&DatabaseConfig { max_connections: 2, ..scratch.config.clone() }).await.unwrap();
    let query = ListQuery::default();
    store.read().communities().list(&Scope::Public, &query).await.unwrap();
    admin
        .execute_unprepared(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"))
        .await
        .unwrap();
    // Each connection that was cut is found out once.
    for _ in 0..10 {
        match store.read().communities().list(&Scope::Public, &query).await {
            Ok(_) => break,
            Err(error) => assert_eq!(error, Error::Busy),
        }
    }
    store.read().communities().list(&Scope::Public, &query).await.unwrap();
    drop(store);
    admin.close().await.unwrap();
    // The connections of the first store were cut too.
    while scratch.store.health().await.is_err() {}
    scratch.end().await;
}

/// SQLite undoes a transaction by itself when the disk is full. The driver, which does not learn of it, then takes the
/// connection to be within a transaction for ever: whoever wrote next was told that it was kept, and it was not.
#[tokio::test]
async fn a_transaction_that_the_database_undid_takes_no_later_one_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = DatabaseConfig::new(format!("sqlite://{}", folder.path().join("concert.db").display()));
    let Connections { read, write } = connect(&config).await.unwrap();
    write.execute_unprepared("CREATE TABLE note (text TEXT)").await.unwrap();
    let undone = begin(&write).await.unwrap();
    undone.execute_unprepared("ROLLBACK").await.unwrap();
    drop(undone);
    let given_up = begin(&write).await.unwrap();
    given_up.execute_unprepared("INSERT INTO note VALUES ('given up')").await.unwrap();
    drop(given_up);
    let kept = begin(&write).await.unwrap();
    kept.execute_unprepared("INSERT INTO note VALUES ('kept')").await.unwrap();
    kept.commit().await.unwrap();
    let notes = Statement::from_string(read.get_database_backend(), "SELECT text FROM note");
    let notes = read.query_all_raw(notes).await.unwrap();
    let notes: Vec<String> = notes.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert_eq!(notes, ["kept"]);
}
