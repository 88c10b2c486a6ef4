//! Telling every replica what changed: within this process, or through Redis to all of them.

mod memory;
mod redis;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use domain::{Result, event::Event, port::bus::Bus};
use futures_util::{StreamExt, stream, stream::BoxStream};
use tokio::sync::broadcast::{self, error::RecvError};

/// How many events a listener may fall behind before it misses the oldest.
const BACKLOG: usize = 1_024;

/// A bus through Redis, or within this process if none is named. Redis need not be there yet. To be called within a tokio
/// runtime.
///
/// # Errors
/// [`domain::Error::Internal`] for an address that cannot be read.
pub fn open(redis_url: Option<&str>) -> Result<Arc<dyn Bus>> {
    match redis_url {
        Some(url) => Ok(Arc::new(redis::RedisBus::open(url)?)),
        None => Ok(Arc::new(memory::MemoryBus::new())),
    }
}

/// What a listener hears from now on; where it fell behind, it goes on with the oldest event still kept.
fn listen(sender: &broadcast::Sender<Event>) -> BoxStream<'static, Event> {
    let next = |mut receiver: broadcast::Receiver<Event>| async move {
        loop {
            match receiver.recv().await {
                Ok(event) => return Some((event, receiver)),
                Err(RecvError::Lagged(missed)) => tracing::debug!(missed, "a listener fell behind"),
                Err(RecvError::Closed) => return None,
            }
        }
    };
    stream::unfold(sender.subscribe(), next).boxed()
}
