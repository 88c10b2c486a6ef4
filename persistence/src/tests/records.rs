//! What is kept comes back as it was; what may not be kept is refused, naming the field.

use domain::{
    access::{Actor, Scope},
    community::CommunityCode,
    error::{Error, Problem, ProblemCode},
    id::NodeRef,
    key::ExternalId,
    network::Network,
    port::store::{Holds, Repositories, Store as _},
    record::{Noun, Stored},
};
use uuid::Uuid;

use super::{Scratch, on_both, samples::*};
use crate::SqlStore;

async fn comes_back<N: Noun>(store: &SqlStore, record: &Stored<N>)
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let repository = Holds::<N>::repository(store.read());
    assert_eq!(repository.get(&Scope::Everything, &[record.id]).await.unwrap(), std::slice::from_ref(record));
    if let Some(key) = record.value.key() {
        assert_eq!(
            repository.by_keys(&Scope::Everything, std::slice::from_ref(key)).await.unwrap(),
            std::slice::from_ref(record)
        );
    }
    let absent = N::Id::from(Uuid::now_v7());
    assert_eq!(repository.get(&Scope::Everything, &[absent]).await.unwrap(), []);
    assert_eq!(repository.get(&Scope::Everything, &[absent, record.id]).await.unwrap().len(), 1);
    assert_eq!(repository.get(&Scope::Everything, &[]).await.unwrap(), []);
}

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> Problem {
    match result {
        Err(Error::Conflict(problem)) => problem,
        other => panic!("expected a conflict: {other:?}"),
    }
}

/// What a refused insertion complains of.
async fn refused<N: Noun>(store: &SqlStore, value: N) -> (String, ProblemCode)
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let work = store.begin().await.unwrap();
    let problem = problem(work.repositories().repository().insert(&stored(value, moment(1))).await);
    let told = problem.message.to_lowercase();
    assert!(!["insert", "sql", "constraint", "unique"].iter().any(|word| told.contains(word)), "{told}");
    (problem.path.to_string(), problem.code)
}

on_both! {
    async fn every_kind_comes_back_as_it_was_kept(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        comes_back(store, &world.network).await;
        comes_back(store, &world.membership).await;
        comes_back(store, &world.community).await;
        comes_back(store, &world.other).await;
        comes_back(store, &world.initiative).await;
        comes_back(store, &world.partner).await;
        comes_back(store, &world.participation).await;
        comes_back(store, &world.indicator).await;
        comes_back(store, &world.version).await;
        comes_back(store, &world.source).await;
        comes_back(store, &world.series).await;
        comes_back(store, &world.baseline).await;
        comes_back(store, &world.target).await;
        comes_back(store, &world.learning).await;
    }

    async fn numbers_keep_every_bit(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        for value in [0.1 + 0.2, f64::MIN_POSITIVE, f64::MAX, 1e15 + 0.3, 1.0 / 3.0] {
            let target = domain::target::Target { value, ..world.target.value.clone() };
            let kept = keep(store, target).await;
            let found = store.read().targets().get(&Scope::Everything, &[kept.id]).await.unwrap();
            assert_eq!(found[0].value.value.to_bits(), value.to_bits(), "{value}");
        }
    }

    async fn a_change_takes_the_place_of_what_was_seen_and_of_nothing_else(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        let actor = Actor::operator("editor");
        let before = world.network;
        let renamed = Network { name: text("Renamed"), ends_on: None, indicators: Vec::new(), ..before.value.clone() };
        let after = before.changed(renamed, 1, &actor, moment(9)).unwrap();
        let work = store.begin().await.unwrap();
        work.repositories().networks().update(&after).await.unwrap();
        work.commit().await.unwrap();
        comes_back(store, &after).await;

        let work = store.begin().await.unwrap();
        let stale = problem(work.repositories().networks().update(&after).await);
        assert_eq!((stale.path.to_string(), stale.code), ("version".to_owned(), ProblemCode::StaleVersion));
        drop(work);

        let archived = after.archived(true, 2, &actor, moment(10)).unwrap();
        let work = store.begin().await.unwrap();
        work.repositories().networks().update(&archived).await.unwrap();
        work.commit().await.unwrap();
        comes_back(store, &archived).await;
    }

    async fn what_is_taken_is_refused_by_its_field(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        let taken = |field: &str| (field.to_owned(), ProblemCode::Taken);
        assert_eq!(refused(store, world.network.value.clone()).await, taken("slug"));
        assert_eq!(refused(store, community("elsewhere")).await, taken("slug"));
        let same_code = full_community("another", "2443027");
        assert_eq!(refused(store, same_code).await, taken("codes"));
        assert_eq!(refused(store, world.initiative.value.clone()).await, taken("slug"));
        assert_eq!(refused(store, world.partner.value.clone()).await, taken("slug"));
        assert_eq!(refused(store, world.indicator.value.clone()).await, taken("code"));
        assert_eq!(refused(store, world.version.value.clone()).await, taken("number"));
        assert_eq!(refused(store, world.source.value.clone()).await, taken("key"));
        assert_eq!(refused(store, world.series.value.clone()).await.1, ProblemCode::Taken);
        assert_eq!(refused(store, world.baseline.value.clone()).await, taken("series"));
        // The same code within another scheme is another code.
        let mut other_scheme = full_community("another", "2443027");
        other_scheme.codes = vec![CommunityCode::from(ExternalId {
            scheme: "iso".parse().unwrap(),
            code: "2443027".parse().unwrap(),
        })];
        keep(store, other_scheme).await;
    }

    async fn an_archived_baseline_makes_room_for_another(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        let archived = world.baseline.archived(true, 1, &Actor::operator("a"), moment(5)).unwrap();
        let work = store.begin().await.unwrap();
        work.repositories().baselines().update(&archived).await.unwrap();
        work.repositories().baselines().insert(&stored(world.baseline.value.clone(), moment(6))).await.unwrap();
        work.commit().await.unwrap();
    }

    async fn codes_given_up_are_free_for_others(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        let mut without = world.community.value.clone();
        without.codes.clear();
        let changed = world.community.changed(without, 1, &Actor::operator("a"), moment(2)).unwrap();
        let work = store.begin().await.unwrap();
        work.repositories().communities().update(&changed).await.unwrap();
        work.repositories().communities().insert(&stored(full_community("successor", "2443027"), moment(3))).await.unwrap();
        work.commit().await.unwrap();
    }

    async fn what_refers_to_nothing_is_refused(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        let nobody = world.partner.id;
        let work = store.begin().await.unwrap();
        let lost = participation(Uuid::now_v7().into(), nobody);
        let result = work.repositories().participations().insert(&stored(lost, moment(0))).await;
        let Err(Error::Validation(problems)) = result else { panic!("{result:?}") };
        assert_eq!(problems.iter().next().map(|problem| problem.code), Some(ProblemCode::NotFound));
    }

    async fn missing_references_are_told_and_archived_ones_are_there(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        let archived = world.partner.archived(true, 1, &Actor::operator("a"), moment(5)).unwrap();
        let work = store.begin().await.unwrap();
        work.repositories().partners().update(&archived).await.unwrap();
        work.commit().await.unwrap();
        let there: Vec<NodeRef> = vec![
            world.network.id.into(),
            world.membership.id.into(),
            world.community.id.into(),
            world.initiative.id.into(),
            world.partner.id.into(),
            world.participation.id.into(),
            world.indicator.id.into(),
            world.version.id.into(),
            world.source.id.into(),
            world.series.id.into(),
            world.baseline.id.into(),
            world.target.id.into(),
            world.learning.id.into(),
        ];
        assert_eq!(store.read().missing(&Scope::Everything, &there).await.unwrap(), []);
        // An id of another kind is not there.
        let elsewhere: Vec<NodeRef> = there.iter().zip(there.iter().skip(1)).map(|(a, b)| NodeRef { kind: a.kind, id: b.id }).collect();
        let mixed: Vec<NodeRef> = there.iter().chain(&elsewhere).copied().collect();
        assert_eq!(store.read().missing(&Scope::Everything, &mixed).await.unwrap(), elsewhere);
        assert_eq!(store.read().missing(&Scope::Everything, &[]).await.unwrap(), []);
    }
}
