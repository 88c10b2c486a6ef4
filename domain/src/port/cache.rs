//! Keeping computed results for a while.

use std::time::Duration;

use async_trait::async_trait;

/// Keeps bytes by key. It may forget anything at any time and never fails: a cache that cannot be reached holds nothing.
#[async_trait]
pub trait Cache: Send + Sync {
    /// What was put under the key, if it is still there.
    async fn get(&self, key: &str) -> Option<Vec<u8>>;

    /// Keeps bytes under the key for at most `ttl`.
    async fn put(&self, key: &str, bytes: Vec<u8>, ttl: Duration);

    /// Whether the cache can be reached; the text is for operators.
    async fn health(&self) -> Result<(), String>;
}
