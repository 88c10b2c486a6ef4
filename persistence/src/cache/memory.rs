//! The cache of a single process.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use domain::port::cache::Cache;
use moka::{Expiry, future};

/// Bytes of keys and values kept at most.
pub(super) const CAPACITY: u64 = 4 << 20;

struct Entry {
    bytes: Vec<u8>,
    ttl: Duration,
}

/// Each entry lives as long as whoever put it there said.
struct OwnTime;

impl Expiry<String, Arc<Entry>> for OwnTime {
    fn expire_after_create(&self, _: &String, entry: &Arc<Entry>, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(&self, _: &String, entry: &Arc<Entry>, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.ttl)
    }
}

/// Keeps bytes in memory.
pub(super) struct MemoryCache {
    entries: future::Cache<String, Arc<Entry>>,
}

impl MemoryCache {
    pub(super) fn new(capacity: u64) -> Self {
        let weigh = |key: &String, entry: &Arc<Entry>| u32::try_from(key.len() + entry.bytes.len()).unwrap_or(u32::MAX);
        let entries = future::Cache::builder().max_capacity(capacity).weigher(weigh).expire_after(OwnTime).build();
        Self { entries }
    }

    /// Waits until what is too much is gone.
    #[cfg(test)]
    pub(super) async fn settle(&self) {
        self.entries.run_pending_tasks().await;
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.entries.get(key).await.map(|entry| entry.bytes.clone())
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, ttl: Duration) {
        self.entries.insert(key.to_owned(), Arc::new(Entry { bytes, ttl })).await;
    }

    async fn health(&self) -> Result<(), String> {
        Ok(())
    }
}
