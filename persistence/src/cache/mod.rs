//! Keeping computed results for a while: in this process, or in Redis for all of them.

mod memory;
mod redis;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use domain::{Result, port::cache::Cache};

/// A cache in Redis, or in this process if none is named. Redis need not be there yet. To be called within a tokio runtime.
///
/// # Errors
/// [`domain::Error::Internal`] for an address that cannot be read.
pub fn open(redis_url: Option<&str>) -> Result<Arc<dyn Cache>> {
    match redis_url {
        Some(url) => Ok(Arc::new(redis::RedisCache::open(url)?)),
        None => Ok(Arc::new(memory::MemoryCache::new(memory::CAPACITY))),
    }
}
