//! The bus of several processes: one Redis channel, heard once by each process and handed on within it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{Error, Result, event::Event, port::bus::Bus};
use futures_util::stream::BoxStream;
use redis::{PushInfo, PushKind, Value, cmd};
use tokio::{
    sync::{broadcast, mpsc},
    task::AbortHandle,
};

use crate::link::{self, Link};

const CHANNEL: &str = "concert:events";

/// How often the connection is proved, and the subscription renewed if it was lost.
const BEAT: Duration = Duration::from_secs(1);

/// Carries events through Redis.
pub(super) struct RedisBus {
    link: Arc<Link>,
    sender: broadcast::Sender<Event>,
    /// Whether this process hears what it publishes.
    hearing: Arc<AtomicBool>,
    tasks: [AbortHandle; 2],
}

impl RedisBus {
    pub(super) fn open(url: &str) -> Result<Self> {
        let (sink, pushed) = mpsc::unbounded_channel();
        let config = link::config().set_push_sender(sink).set_automatic_resubscription();
        let link = Arc::new(Link::open(url, config, "events: other replicas are told when it is back")?);
        let sender = broadcast::Sender::new(super::BACKLOG);
        let hearing = Arc::new(AtomicBool::new(false));
        let hear = tokio::spawn(hear(pushed, sender.clone(), Arc::clone(&hearing)));
        let beat = tokio::spawn(beat(Arc::clone(&link), Arc::clone(&hearing)));
        Ok(Self { link, sender, hearing, tasks: [hear.abort_handle(), beat.abort_handle()] })
    }
}

impl Drop for RedisBus {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Hands on what the channel carries.
async fn hear(
    mut pushed: mpsc::UnboundedReceiver<PushInfo>,
    sender: broadcast::Sender<Event>,
    hearing: Arc<AtomicBool>,
) {
    while let Some(PushInfo { kind, data }) = pushed.recv().await {
        match kind {
            PushKind::Disconnection => hearing.store(false, Ordering::Relaxed),
            PushKind::Subscribe => hearing.store(true, Ordering::Relaxed),
            PushKind::Message => {
                let Some(Value::BulkString(bytes)) = data.get(1) else { continue };
                match serde_json::from_slice::<Vec<Event>>(bytes) {
                    // An error of the sender says that nobody listens.
                    Ok(events) => events.into_iter().for_each(|event| drop(sender.send(event))),
                    // Another release of the service may know other events.
                    Err(error) => tracing::debug!(%error, "an event could not be read"),
                }
            }
            _ => {}
        }
    }
}

/// Keeps the subscription: it proves the connection, so that a lost one is found even when nothing happens.
async fn beat(link: Arc<Link>, hearing: Arc<AtomicBool>) {
    let mut clock = tokio::time::interval(BEAT);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        // The link itself logs what fails.
        if hearing.load(Ordering::Relaxed) {
            if link.ask_now::<String>(&cmd("PING")).await.is_err() {
                hearing.store(false, Ordering::Relaxed);
            }
        } else if link.call(|mut manager| async move { manager.subscribe(CHANNEL).await }).await.is_ok() {
            hearing.store(true, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl Bus for RedisBus {
    /// # Errors
    /// [`Error::Busy`] while Redis is not there, or this process does not hear it yet: it would miss its own events.
    async fn publish(&self, events: &[Event]) -> Result<()> {
        if !self.hearing.load(Ordering::Relaxed) {
            return Err(Error::Busy);
        }
        let payload = serde_json::to_vec(events).map_err(Error::internal)?;
        let told = self.link.ask_now::<i64>(cmd("PUBLISH").arg(CHANNEL).arg(payload)).await;
        told.map(drop).map_err(|_| Error::Busy)
    }

    fn subscribe(&self) -> BoxStream<'static, Event> {
        super::listen(&self.sender)
    }

    async fn health(&self) -> Result<(), String> {
        self.link.ask_now::<String>(&cmd("PING")).await.map(drop)
    }
}
