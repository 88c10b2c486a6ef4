//! Units of work: all or nothing, one after the other, with their events.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{
    access::Scope,
    event::{Event, Topic},
    observation::{Figure, NewObservation},
    period::Period,
    port::figures::Recorder,
    port::store::Store as _,
    series::Series,
};
use sea_orm::ConnectionTrait as _;
use uuid::Uuid;

use super::{Scratch, on_both, samples::*};
use crate::SqlStore;

fn event(topics: impl IntoIterator<Item = Topic>) -> Event {
    Event::RecordChanged {
        noun: "Community".into(),
        id: Uuid::now_v7(),
        version: 1,
        topics: topics.into_iter().collect::<BTreeSet<_>>(),
    }
}

on_both! {
    async fn what_is_dropped_leaves_nothing_and_what_is_committed_lasts(scratch: &Scratch) {
        let store = &*scratch.store;
        let record = stored(community("here"), moment(0));
        let topics = [Topic::Communities];
        for commit in [false, true] {
            let work = store.begin().await.unwrap();
            work.repositories().communities().insert(&record).await.unwrap();
            work.emit(&event(topics)).await.unwrap();
            // Seen within, not without.
            let within = work.repositories().communities().get(&Scope::Public, &[record.id]).await.unwrap();
            assert_eq!(within.len(), 1);
            assert!(store.read().communities().get(&Scope::Public, &[record.id]).await.unwrap().is_empty());
            if commit {
                work.commit().await.unwrap();
            } else {
                drop(work);
            }
            let there = usize::from(commit);
            assert_eq!(store.read().communities().get(&Scope::Public, &[record.id]).await.unwrap().len(), there);
            assert_eq!(store.unpublished(10).await.unwrap().len(), there);
            assert_eq!(store.read().topic_versions(&topics).await.unwrap(), [i64::from(commit)]);
        }
    }

    async fn events_wait_in_order_until_they_are_published(scratch: &Scratch) {
        let store = &*scratch.store;
        let (network, indicator) = (Topic::Network(Uuid::now_v7().into()), Topic::Indicator(Uuid::now_v7().into()));
        let events = [event([network]), event([]), event([indicator, network])];
        for event in &events {
            let work = store.begin().await.unwrap();
            work.emit(event).await.unwrap();
            work.commit().await.unwrap();
        }
        let versions = store.read().topic_versions(&[indicator, Topic::Communities, network]).await.unwrap();
        assert_eq!(versions, [1, 0, 2]);
        let waiting = store.unpublished(2).await.unwrap();
        assert_eq!(waiting.iter().map(|(_, event)| event).collect::<Vec<_>>(), [&events[0], &events[1]]);
        store.published(&waiting.iter().map(|(place, _)| *place).collect::<Vec<_>>()).await.unwrap();
        store.published(&[]).await.unwrap();
        let waiting = store.unpublished(10).await.unwrap();
        assert_eq!(waiting.iter().map(|(_, event)| event).collect::<Vec<_>>(), [&events[2]]);
    }

    async fn migrating_again_changes_nothing(scratch: &Scratch) {
        assert_eq!(scratch.store.migrate().await.unwrap(), Vec::<String>::new());
        let again = SqlStore::open(&scratch.config).await.unwrap();
        assert_eq!(again.migrate().await.unwrap(), Vec::<String>::new());
    }

    async fn writers_side_by_side_take_turns(scratch: &Scratch) {
        let store = &scratch.store;
        // Another process, as far as the database can tell.
        let other = Arc::new(SqlStore::open(&scratch.config).await.unwrap());
        let counter = stored(community("counter"), moment(0));
        keep_all(store, std::slice::from_ref(&counter)).await;
        let writers = (0..40).map(|n| {
            let store = Arc::clone(if n % 2 == 0 { store } else { &other });
            let id = counter.id;
            tokio::spawn(async move {
                let work = store.begin().await.unwrap();
                // Read, then write: the order in which a transaction that began as a reader would fail.
                assert_eq!(work.repositories().communities().get(&Scope::Everything, &[id]).await.unwrap().len(), 1);
                let record = stored(community(&format!("w{n}")), moment(n));
                work.repositories().communities().insert(&record).await.unwrap();
                work.emit(&event([Topic::Communities])).await.unwrap();
                work.commit().await.unwrap();
                assert_eq!(store.read().communities().get(&Scope::Public, &[record.id]).await.unwrap().len(), 1);
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        assert_eq!(store.read().topic_versions(&[Topic::Communities]).await.unwrap(), [40]);
        assert_eq!(store.unpublished(100).await.unwrap().len(), 40);
    }

    async fn units_of_work_that_touch_the_same_topics_in_other_orders_do_not_block_each_other(scratch: &Scratch) {
        let store = &scratch.store;
        let topics: Vec<Topic> = (0..4).map(|_| Topic::Network(Uuid::now_v7().into())).collect();
        let workers = (0..12_usize).map(|n| {
            let (store, mut topics) = (Arc::clone(store), topics.clone());
            topics.rotate_left(n % 4);
            tokio::spawn(async move {
                let work = store.begin().await?;
                for topic in topics {
                    work.emit(&event([topic])).await?;
                    tokio::task::yield_now().await;
                }
                work.commit().await
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap().unwrap();
        }
        assert_eq!(store.read().topic_versions(&topics).await.unwrap(), [12; 4]);
    }
}

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    let Some(scratch) = Scratch::postgres("persistence::tests::work::replicas_that_start_together_migrate_once").await
    else {
        return;
    };
    let admin = sea_orm::Database::connect(&scratch.config.url).await.unwrap();
    admin.execute_unprepared("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
    let replicas = (0..4).map(|_| {
        let config = scratch.config.clone();
        tokio::spawn(async move { SqlStore::connect(&config).await?.migrate().await })
    });
    let mut applied = Vec::new();
    for replica in replicas.collect::<Vec<_>>() {
        applied.push(replica.await.unwrap().unwrap().len());
    }
    applied.sort_unstable();
    assert_eq!(applied[..3], [0; 3]);
    assert!(applied[3] > 1);
    admin.close().await.unwrap();
    scratch.end().await;
}

#[tokio::test]
async fn a_database_in_memory_works_and_goes_with_its_store() {
    let store = SqlStore::open(&crate::DatabaseConfig::new("sqlite::memory:")).await.unwrap();
    let record = keep(&store, community("here")).await;
    assert_eq!(store.read().communities().get(&Scope::Public, &[record.id]).await.unwrap(), [record]);
    let other = SqlStore::open(&crate::DatabaseConfig::new("sqlite::memory:")).await.unwrap();
    assert!(
        other
            .read()
            .communities()
            .list(&Scope::Public, &domain::page::ListQuery::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

/// Invariant 5: a definition is not taken for unobserved while its first figure is on its way. On `SQLite` the second unit of
/// work would not have begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_a_definition_is_observed_waits_for_whoever_records_under_it() {
    let name = "persistence::tests::work::whether_a_definition_is_observed_waits_for_whoever_records_under_it";
    let Some(scratch) = Scratch::postgres(name).await else { return };
    let world = World::create(&scratch.store).await;
    let definition = keep(&scratch.store, version(world.indicator.id, 2)).await.id;
    let recorder = scratch.store.begin().await.unwrap();
    let series = Series { indicator_version: definition, ..world.series.value.clone() };
    let figures = recorder.repositories().figures();
    let series = figures.ensure_series(&[series], moment(1), "test").await.unwrap()[0];
    let figure = NewObservation {
        series,
        period: Period::year(2020).unwrap(),
        figure: Figure::of(1.0),
        inherits: false,
        smallest_count: None,
        cause: Default::default(),
    };
    figures.record(&[figure], moment(1), Recorder::seeing("test")).await.unwrap();

    let store = Arc::clone(&scratch.store);
    let mut asked = tokio::spawn(async move {
        let work = store.begin().await.unwrap();
        work.repositories().figures().is_observed(definition).await.unwrap()
    });
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut asked).await.is_err(), "it did not wait");
    recorder.commit().await.unwrap();
    assert!(asked.await.unwrap());
    scratch.end().await;
}
