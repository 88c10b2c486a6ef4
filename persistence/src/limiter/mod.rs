//! Keeping anybody from doing something too often: counted in this process, or in Redis for all of them.
//!
//! Both count by the generic cell rate algorithm (ITU-T I.371, annex A): of each key only the moment is kept at which
//! its bucket would be full again. Each use moves it one interval further away, and is refused where that would be more
//! than the whole bucket from now.

mod memory;
mod redis;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use domain::{
    Result,
    port::limiter::{Limit, Limiter},
};

/// A limiter in Redis, or in this process if none is named. Redis need not be there yet. To be called within a tokio
/// runtime.
///
/// # Errors
/// [`domain::Error::Internal`] for an address that cannot be read.
pub fn open(redis_url: Option<&str>) -> Result<Arc<dyn Limiter>> {
    match redis_url {
        Some(url) => Ok(Arc::new(redis::RedisLimiter::open(url)?)),
        None => Ok(Arc::new(memory::MemoryLimiter::new(memory::CAPACITY))),
    }
}

/// A limit in microseconds.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// After how long one use comes back.
    interval: u64,
    /// After how long all of them are back: a whole number of intervals, which `per` itself need not be.
    whole: u64,
}

impl Bucket {
    /// Nothing for a limit that never allows anything.
    fn new(limit: Limit) -> Option<Self> {
        let burst = u64::from(limit.burst);
        let per = u64::try_from(limit.per.as_micros()).unwrap_or(u64::MAX);
        let interval = per.checked_div(burst)?;
        Some(Self { interval, whole: interval.saturating_mul(burst) })
    }
}
