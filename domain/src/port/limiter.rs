//! Keeping anybody from doing something too often.

use std::time::Duration;

use async_trait::async_trait;

/// How often something may be done: `burst` times at once; each one used up comes back after its share of `per`. With a
/// burst of ten per minute, one comes back every six seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many times at once. Zero never allows it.
    pub burst: u32,
    /// How long it takes from none left until all of them are back. Shares are whole microseconds, rounded down; of
    /// less than one, everything is allowed.
    pub per: Duration,
}

/// Counts what is done by key. It never fails: where what all processes share cannot be reached, each counts by itself.
/// A key should always come with the same limit.
#[async_trait]
pub trait Limiter: Send + Sync {
    /// Does it once more: nothing if that is allowed, otherwise how long to wait until it will be. What is refused does
    /// not count.
    async fn take(&self, key: &str, limit: Limit) -> Option<Duration>;

    /// Forgets what was done under the key, so that everything is allowed at once again.
    async fn forgive(&self, key: &str);

    /// Whether what all processes share can be reached; the text is for operators.
    async fn health(&self) -> Result<(), String>;
}
