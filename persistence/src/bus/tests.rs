#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{collections::BTreeSet, time::Duration};

use domain::{Error, event::Event, id::IndicatorId};
use futures_util::StreamExt;
use uuid::Uuid;

use super::{memory::MemoryBus, redis::RedisBus, *};
use crate::link::proxy::{self, Proxy};

fn event() -> Event {
    Event::ObservationsRecorded { indicators: BTreeSet::from([IndicatorId::from(Uuid::now_v7())]), revisions: 3 }
}

/// Publishes until it can be done: a bus just opened may not be connected yet.
async fn publish(bus: &dyn Bus, event: &Event) {
    for _ in 0..100 {
        if bus.publish(std::slice::from_ref(event)).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("cannot publish");
}

/// The next events up to this one; other tests use the same channel.
async fn hears(stream: &mut BoxStream<'static, Event>, event: &Event) -> bool {
    let wait = async {
        while let Some(heard) = stream.next().await {
            if heard == *event {
                return true;
            }
        }
        false
    };
    tokio::time::timeout(Duration::from_secs(5), wait).await.unwrap_or(false)
}

#[tokio::test]
async fn every_listener_of_a_process_hears_every_event_from_then_on() {
    let bus = MemoryBus::new();
    bus.publish(&[event()]).await.unwrap();
    let (mut first, mut second) = (bus.subscribe(), bus.subscribe());
    let events = [event(), event()];
    bus.publish(&events).await.unwrap();
    for stream in [&mut first, &mut second] {
        assert_eq!(stream.next().await.as_ref(), Some(&events[0]));
        assert_eq!(stream.next().await.as_ref(), Some(&events[1]));
    }
}

#[tokio::test]
async fn a_listener_that_falls_behind_goes_on() {
    let bus = MemoryBus::new();
    let mut stream = bus.subscribe();
    for _ in 0..BACKLOG + 10 {
        bus.publish(&[event()]).await.unwrap();
    }
    let last = event();
    bus.publish(std::slice::from_ref(&last)).await.unwrap();
    assert!(hears(&mut stream, &last).await);
}

#[tokio::test]
async fn without_redis_a_bus_says_so_at_once_and_keeps_nothing_back() {
    // Nobody listens at the discard port of this machine.
    let bus = RedisBus::open("redis://127.0.0.1:9").unwrap();
    assert_eq!(bus.publish(&[event()]).await, Err(Error::Busy));
    assert!(bus.health().await.is_err());
    assert!(matches!(RedisBus::open("http://a"), Err(Error::Internal(text)) if !text.contains("http")));
}

#[tokio::test]
async fn every_process_hears_what_one_says_through_redis() {
    let Some(url) = proxy::redis("bus::tests::every_process_hears_what_one_says_through_redis") else { return };
    let (here, there) = (RedisBus::open(&url).unwrap(), RedisBus::open(&url).unwrap());
    let (mut at_home, mut abroad) = (here.subscribe(), there.subscribe());
    // Each hears itself once it can publish.
    publish(&there, &event()).await;
    let news = event();
    publish(&here, &news).await;
    assert!(hears(&mut at_home, &news).await);
    assert!(hears(&mut abroad, &news).await);
    assert_eq!(here.health().await, Ok(()));
}

#[tokio::test]
async fn a_bus_takes_up_again_when_redis_is_back() {
    let Some(proxy) = Proxy::to_redis("bus::tests::a_bus_takes_up_again_when_redis_is_back").await else { return };
    let bus = RedisBus::open(&proxy.url).unwrap();
    let mut stream = bus.subscribe();
    publish(&bus, &event()).await;
    proxy.cut();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(bus.publish(&[event()]).await, Err(Error::Busy));
    assert!(bus.health().await.is_err());
    proxy.mend();
    let news = event();
    publish(&bus, &news).await;
    assert!(hears(&mut stream, &news).await);
    assert_eq!(bus.health().await, Ok(()));
}
