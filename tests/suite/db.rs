//! A database for each test.

use std::{fs::OpenOptions, io::Write as _};

use persistence::DatabaseConfig;
use sea_orm::{ConnectionTrait as _, Database};
use tempfile::TempDir;
use uuid::Uuid;

/// Notes that a test did not run where it is, and why: it is reported so, not as passed.
pub fn not_run(test: &str, why: &str) {
    if let Ok(path) = std::env::var("CONCERT_TEST_NOT_RUN") {
        let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{test}: {why}").unwrap();
    }
}

/// A database that nobody else uses.
pub struct TestDatabase {
    pub url: String,
    /// Where an SQLite file lives; gone with the test.
    _folder: Option<TempDir>,
}

/// The PostgreSQL server to use, if one is named.
pub fn postgres() -> Option<String> {
    std::env::var("CONCERT_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())
}

/// The Redis server to use, if one is named.
pub fn redis() -> Option<String> {
    std::env::var("CONCERT_TEST_REDIS_URL").ok().filter(|url| !url.is_empty())
}

impl TestDatabase {
    /// An empty one.
    pub async fn new() -> Self {
        let Some(server) = postgres() else { return Self::sqlite() };
        let name = format!("concert_{}", Uuid::now_v7().simple());
        let admin = Database::connect(&server).await.unwrap();
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        admin.close().await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        Self { url: format!("{base}/{name}"), _folder: None }
    }

    /// An empty SQLite file, whatever the tests run on.
    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("concert.db").display());
        Self { url, _folder: Some(folder) }
    }

    /// How to connect to it; few connections, for many tests share a server.
    pub fn config(&self) -> DatabaseConfig {
        DatabaseConfig { max_connections: 4, ..DatabaseConfig::new(&self.url) }
    }
}
