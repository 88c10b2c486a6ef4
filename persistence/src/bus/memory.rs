//! The bus of a single process.

use async_trait::async_trait;
use domain::{Result, event::Event, port::bus::Bus};
use futures_util::stream::BoxStream;
use tokio::sync::broadcast;

/// Carries events within this process.
pub(super) struct MemoryBus {
    sender: broadcast::Sender<Event>,
}

impl MemoryBus {
    pub(super) fn new() -> Self {
        Self { sender: broadcast::Sender::new(super::BACKLOG) }
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn publish(&self, events: &[Event]) -> Result<()> {
        for event in events {
            // An error says that nobody listens.
            let _ = self.sender.send(event.clone());
        }
        Ok(())
    }

    fn subscribe(&self) -> BoxStream<'static, Event> {
        super::listen(&self.sender)
    }

    async fn health(&self) -> Result<(), String> {
        Ok(())
    }
}
