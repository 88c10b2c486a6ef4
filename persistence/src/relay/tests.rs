#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use domain::{
    Error,
    event::Event,
    id::IndicatorId,
    port::{bus::Bus, store::Store},
};
use futures_util::stream::{self, BoxStream, StreamExt};
use uuid::Uuid;

use super::*;
use crate::{
    SqlStore,
    tests::{Scratch, on_both},
};

/// Writes down what is published, after it has failed a few times.
#[derive(Default)]
struct Notebook {
    failures: AtomicU32,
    heard: Mutex<Vec<Event>>,
}

#[async_trait]
impl Bus for Notebook {
    async fn publish(&self, events: &[Event]) -> domain::Result<()> {
        if self.failures.load(Ordering::SeqCst) > 0 {
            self.failures.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::Busy);
        }
        self.heard.lock().unwrap().extend_from_slice(events);
        Ok(())
    }

    fn subscribe(&self) -> BoxStream<'static, Event> {
        stream::pending().boxed()
    }

    async fn health(&self) -> Result<(), String> {
        Ok(())
    }
}

fn event() -> Event {
    Event::ObservationsRecorded { indicators: BTreeSet::from([IndicatorId::from(Uuid::now_v7())]), revisions: 1 }
}

async fn emit(store: &SqlStore, events: &[Event]) {
    let work = store.begin().await.unwrap();
    for event in events {
        work.emit(event).await.unwrap();
    }
    work.commit().await.unwrap();
}

/// Waits until the outbox is empty.
async fn carried(store: &SqlStore) {
    for _ in 0..200 {
        if store.unpublished(1).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("events stay in the outbox");
}

on_both! {
    async fn events_are_published_in_their_order_once_the_bus_can_be_reached(scratch: &Scratch) {
        let store = &scratch.store;
        let bus = Arc::new(Notebook { failures: AtomicU32::new(1), ..Notebook::default() });
        let events: Vec<_> = (0..1_200).map(|_| event()).collect();
        emit(store, &events[..700]).await;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(relay(store.clone(), bus.clone(), store.wake(), async move { stopped.await.unwrap() }));
        carried(store).await;
        emit(store, &events[700..]).await;
        carried(store).await;
        stop.send(()).unwrap();
        task.await.unwrap();
        assert!(*bus.heard.lock().unwrap() == events);
    }
}

on_both! {
    async fn relays_side_by_side_lose_nothing(scratch: &Scratch) {
        let store = &scratch.store;
        let bus = Arc::new(Notebook::default());
        let tasks: Vec<_> = (0..3)
            .map(|_| tokio::spawn(relay(store.clone(), bus.clone(), Arc::new(Notify::new()), std::future::pending())))
            .collect();
        let events: Vec<_> = (0..300).map(|_| event()).collect();
        for some in events.chunks(30) {
            emit(store, some).await;
        }
        carried(store).await;
        for task in tasks {
            task.abort();
            let _ = task.await;
        }
        let heard = bus.heard.lock().unwrap();
        assert!(events.iter().all(|event| heard.contains(event)));
    }
}
