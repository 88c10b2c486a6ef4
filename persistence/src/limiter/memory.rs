//! The limiter of a single process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::port::limiter::{Limit, Limiter};
use moka::{Expiry, future, policy::EvictionPolicy};
use tokio::time::Instant;

use super::Bucket;

/// Bytes of keys and what is counted under them, kept at most: some hundred thousand addresses.
pub(super) const CAPACITY: u64 = 16 << 20;
/// About what a key takes besides its own bytes.
const OVERHEAD: usize = 100;

struct Entry {
    /// When everything is back: microseconds after the limiter began.
    full_at: AtomicU64,
    /// After so long without use everything is back in any case, and the entry says nothing more.
    whole: Duration,
}

struct Idle;

impl Expiry<String, Arc<Entry>> for Idle {
    fn expire_after_create(&self, _: &String, entry: &Arc<Entry>, _: std::time::Instant) -> Option<Duration> {
        Some(entry.whole)
    }

    fn expire_after_read(
        &self,
        _: &String,
        entry: &Arc<Entry>,
        _: std::time::Instant,
        _: Option<Duration>,
        _: std::time::Instant,
    ) -> Option<Duration> {
        Some(entry.whole)
    }
}

/// Counts in memory.
pub(super) struct MemoryLimiter {
    entries: future::Cache<String, Arc<Entry>>,
    began: Instant,
}

impl MemoryLimiter {
    pub(super) fn new(capacity: u64) -> Self {
        let weigh = |key: &String, _: &Arc<Entry>| u32::try_from(key.len() + OVERHEAD).unwrap_or(u32::MAX);
        // Not by frequency: while many keys are in use, a new one would not be counted at all.
        let entries = future::Cache::builder()
            .max_capacity(capacity)
            .weigher(weigh)
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(Idle)
            .build();
        Self { entries, began: Instant::now() }
    }

    /// How many keys are kept, once what is too much is gone.
    #[cfg(test)]
    pub(super) async fn keys(&self) -> u64 {
        self.entries.run_pending_tasks().await;
        self.entries.entry_count()
    }

    /// Takes at a moment: microseconds after the limiter began.
    pub(super) async fn take_at(&self, key: &str, bucket: Bucket, now: u64) -> Option<Duration> {
        let Bucket { interval, whole } = bucket;
        let entry = async { Arc::new(Entry { full_at: AtomicU64::new(0), whole: Duration::from_micros(whole) }) };
        let entry = self.entries.get_with_by_ref(key, entry).await;
        let farthest = now.saturating_add(whole);
        // No farther even where a larger limit was meant before.
        let next = |full_at: u64| full_at.clamp(now, farthest).saturating_add(interval);
        let taken = entry.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            Some(next(full_at)).filter(|next| *next <= farthest)
        });
        taken.err().map(|full_at| Duration::from_micros(next(full_at) - farthest))
    }
}

#[async_trait]
impl Limiter for MemoryLimiter {
    async fn take(&self, key: &str, limit: Limit) -> Option<Duration> {
        let Some(bucket) = Bucket::new(limit) else { return Some(limit.per) };
        let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.take_at(key, bucket, now).await
    }

    async fn forgive(&self, key: &str) {
        self.entries.invalidate(key).await;
    }

    async fn health(&self) -> Result<(), String> {
        Ok(())
    }
}
