//! The store on both databases: every test runs on a fresh SQLite file and, where `CONCERT_TEST_DATABASE_URL` names a
//! PostgreSQL server on which databases may be created, on a fresh database there.

mod audit;
mod busy;
mod children;
mod identity;
mod import_jobs;
mod lists;
mod migrations;
mod pages;
mod pending;
mod quality;
mod records;
mod samples;
mod scopes;
mod sight;
mod sight_candidates;
mod sight_exports;
mod sight_feed;
mod sight_figures;
mod sight_model;
mod sight_records;
mod sight_world;
mod small_cells;
mod work;

use std::{io::Write as _, sync::Arc};

use domain::port::store::Store as _;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{DatabaseConfig, SqlStore};

/// A database of its own for one test.
pub(crate) struct Scratch {
    pub(crate) store: Arc<SqlStore>,
    pub(crate) config: DatabaseConfig,
    home: Home,
}

enum Home {
    Folder(#[expect(dead_code, reason = "the folder goes when this is dropped")] TempDir),
    Server(DatabaseConnection, String),
}

impl Scratch {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = DatabaseConfig::new(format!("sqlite://{}", folder.path().join("concert.db").display()));
        let store = Arc::new(SqlStore::open(&config).await.unwrap());
        Self { store, config, home: Home::Folder(folder) }
    }

    /// None where there is no server; `test` is then noted as not run.
    pub(crate) async fn postgres(test: &str) -> Option<Self> {
        let Ok(url) = std::env::var("CONCERT_TEST_DATABASE_URL") else {
            if let Ok(path) = std::env::var("CONCERT_TEST_NOT_RUN") {
                let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
                writeln!(file, "{test}: CONCERT_TEST_DATABASE_URL is not set").unwrap();
            }
            return None;
        };
        let server = Database::connect(&url).await.unwrap();
        let name = format!("concert_{}", Uuid::now_v7().simple());
        server.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        let config = DatabaseConfig::new(format!("{}/{name}", url.rsplit_once('/').unwrap().0));
        let store = Arc::new(SqlStore::open(&config).await.unwrap());
        Some(Self { store, config, home: Home::Server(server, name) })
    }

    pub(crate) async fn end(self) {
        self.store.health().await.unwrap();
        drop(self.store);
        if let Home::Server(server, name) = self.home {
            server.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        }
    }
}

/// Declares tests that run on both databases.
macro_rules! on_both {
    ($(async fn $name:ident($scratch:ident: &Scratch) $body:block)+) => {$(
        mod $name {
            #[allow(clippy::wildcard_imports, unused_imports)]
            use super::*;

            async fn test($scratch: &Scratch) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let scratch = Scratch::sqlite().await;
                test(&scratch).await;
                scratch.end().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let Some(scratch) = Scratch::postgres(concat!(module_path!(), "::postgres")).await else { return };
                test(&scratch).await;
                scratch.end().await;
            }
        }
    )+};
}
pub(crate) use on_both;
