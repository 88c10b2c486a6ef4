//! Ports that have nothing to give.

use std::time::Duration;

use domain::{
    Error, Result,
    event::Event,
    port::{
        cache::Cache,
        limiter::{Limit, Limiter},
        store::{Repositories, Store, UnitOfWork},
    },
};

/// Reading fails as if by a mistake in the program; writing never begins.
pub(super) struct Nothing;

#[async_trait::async_trait]
impl Store for Nothing {
    fn read(&self) -> &dyn Repositories {
        panic!("the secret of /var/lib")
    }

    async fn begin(&self) -> Result<Box<dyn UnitOfWork>> {
        tokio::time::sleep(Duration::from_mins(1)).await;
        Err(Error::Busy)
    }

    fn writes_side_by_side(&self) -> bool {
        false
    }

    async fn health(&self) -> std::result::Result<(), String> {
        Ok(())
    }

    async fn unpublished(&self, _most: u64) -> Result<Vec<(i64, Event)>> {
        Ok(Vec::new())
    }

    async fn published(&self, _places: &[i64]) -> Result<()> {
        Ok(())
    }
}

#[async_trait::async_trait]
impl Cache for Nothing {
    async fn get(&self, _key: &str) -> Option<Vec<u8>> {
        None
    }

    async fn put(&self, _key: &str, _bytes: Vec<u8>, _ttl: Duration) {}

    async fn health(&self) -> std::result::Result<(), String> {
        Ok(())
    }
}

/// How everything fares, as the test has it.
#[async_trait::async_trait]
impl Limiter for Nothing {
    async fn take(&self, _: &str, _: Limit) -> Option<Duration> {
        None
    }

    async fn forgive(&self, _: &str) {}

    async fn health(&self) -> std::result::Result<(), String> {
        Ok(())
    }
}
