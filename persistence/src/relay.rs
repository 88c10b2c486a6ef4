//! Carrying events from the outbox to the bus.

#[cfg(test)]
mod tests;

use std::{future::Future, sync::Arc, time::Duration};

use domain::{
    Result,
    port::{bus::Bus, store::Store},
};
use tokio::sync::Notify;

/// How many events are published together.
const BATCH: u64 = 500;
/// How often the outbox is looked into when nobody wakes the relay: others may have filled it, or died before publishing.
const PAUSE: Duration = Duration::from_secs(1);

/// Publishes what is in the outbox, oldest first, until `cancel` is done: every second, and whenever `wake` is notified.
///
/// Events leave the outbox after they are published, so none is lost whatever dies when; several relays side by side may
/// publish one twice. What is left when it ends is published by the next.
pub async fn relay(
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    wake: Arc<Notify>,
    cancel: impl Future<Output = ()> + Send,
) {
    let mut cancel = std::pin::pin!(cancel);
    let mut failing = false;
    loop {
        match publish_all(&*store, &*bus).await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "events wait in the outbox");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = &mut cancel => return,
            () = wake.notified(), if !failing => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn publish_all(store: &dyn Store, bus: &dyn Bus) -> Result<()> {
    loop {
        let (places, events): (Vec<_>, Vec<_>) = store.unpublished(BATCH).await?.into_iter().unzip();
        if events.is_empty() {
            return Ok(());
        }
        bus.publish(&events).await?;
        store.published(&places).await?;
    }
}
