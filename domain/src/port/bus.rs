//! Telling every replica what changed.

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::{error::Result, event::Event};

/// Carries events to every process of the service. Delivery is at least once and may skip under failure: the database's
/// topic versions, not events, decide what is current.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Tells everybody, this process included.
    async fn publish(&self, events: &[Event]) -> Result<()>;

    /// Hears what everybody tells from now on. A listener that falls behind misses the oldest events.
    fn subscribe(&self) -> BoxStream<'static, Event>;

    /// Whether the carrier can be reached; the text is for operators.
    async fn health(&self) -> Result<(), String>;
}
