//! What one may not see looks exactly like what does not exist, in every way of reading.

use domain::{
    access::Scope,
    baseline::{BaselineFilter, BaselineParent, BaselineSort},
    error::Result,
    id::EntityId as _,
    learning::{Learning, LearningParent, LearningStatus, Visibility},
    membership::MembershipParent,
    observation::{Figure, NewObservation},
    page::{ListQuery, PageArgs},
    period::Period,
    port::figures::Recorder,
    port::store::{Holds, Repositories, Store as _},
    record::{Noun, Stored},
    series::{Series, SeriesParent},
    target::TargetParent,
};
use uuid::Uuid;

use super::{Scratch, on_both, samples::*};
use crate::SqlStore;

/// Every way of reading a record must agree on whether the reader sees it.
async fn sees<N: Noun>(
    store: &SqlStore,
    scope: &Scope,
    record: &Stored<N>,
    parent: Option<(N::Parent, Uuid)>,
) -> Result<bool>
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let repository = Holds::<N>::repository(store.read());
    let seen = !repository.get(scope, &[record.id]).await?.is_empty();
    if let Some(key) = record.value.key() {
        assert_eq!(!repository.by_keys(scope, std::slice::from_ref(key)).await?.is_empty(), seen);
    }
    let query: ListQuery<N::Filter, N::Sort> =
        ListQuery { page: PageArgs::first(100), count: true, ..ListQuery::default() };
    let page = repository.list(scope, &query).await?;
    assert_eq!(page.items.iter().any(|(_, listed)| listed.id == record.id), seen);
    assert_eq!(page.total, Some(page.items.len() as u64));
    if let Some((parent, id)) = parent {
        let page = repository.list_of(scope, parent, &[id], &query).await?.remove(&id).unwrap_or_default();
        assert_eq!(page.items.iter().any(|(_, listed)| listed.id == record.id), seen);
        assert_eq!(page.total.unwrap_or(0), page.items.len() as u64);
    }
    Ok(seen)
}

on_both! {
    async fn the_public_reads_learnings_that_are_out_and_public(scratch: &Scratch) {
        let store = &*scratch.store;
        let home = keep(store, community("home")).await;
        for (n, &status) in LearningStatus::ALL.iter().enumerate() {
            for (m, &visibility) in Visibility::ALL.iter().enumerate() {
                let named = if visibility == Visibility::NamedCommunities { vec![home.id] } else { Vec::new() };
                let value = Learning { status, visibility, named, ..learning(&format!("l{n}-{m}"), home.id, None, Vec::new()) };
                let record = keep(store, value).await;
                let parent = Some((LearningParent::Community, home.id.uuid()));
                let public = sees(store, &Scope::Public, &record, parent).await.unwrap();
                assert_eq!(public, visibility == Visibility::Public && status.is_out(), "{status} {visibility}");
                assert!(sees(store, &Scope::Everything, &record, parent).await.unwrap());
            }
        }
    }

    async fn the_public_reads_memberships_without_their_consent(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        let parent = Some((MembershipParent::Network, world.network.id.uuid()));
        assert!(sees(store, &Scope::Public, &world.membership, parent).await.unwrap());
        let consent = async |scope| {
            let query = ListQuery::default();
            let parent = world.network.id.uuid();
            let mut found = store.read().memberships().get(scope, &[world.membership.id]).await.unwrap();
            found.extend(store.read().memberships().list(scope, &query).await.unwrap().items.into_iter().map(|(_, m)| m));
            let mut of = store.read().memberships().list_of(scope, MembershipParent::Network, &[parent], &query).await.unwrap();
            found.extend(of.remove(&parent).unwrap().items.into_iter().map(|(_, m)| m));
            assert_eq!(found.len(), 3);
            found.iter().map(|membership| membership.consent.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(consent(&Scope::Public).await, [false; 3]);
        assert_eq!(consent(&Scope::Everything).await, [true; 3]);
    }

    async fn a_data_authority_withholds_series_baselines_and_targets(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        let place = world.community.id.uuid();
        // The community itself is public as such.
        assert!(sees(store, &Scope::Public, &world.community, None).await.unwrap());
        for (scope, seen) in [(&Scope::Public, false), (&Scope::Everything, true)] {
            let of_series = Some((SeriesParent::Community, place));
            assert_eq!(sees(store, scope, &world.series, of_series).await.unwrap(), seen);
            for parent in [(BaselineParent::Community, place), (BaselineParent::Series, world.series.id.uuid())] {
                assert_eq!(sees(store, scope, &world.baseline, Some(parent)).await.unwrap(), seen);
            }
            let of_target = Some((TargetParent::Community, place));
            assert_eq!(sees(store, scope, &world.target, of_target).await.unwrap(), seen);
        }
        let open = Series { community: world.other.id, ..world.series.value.clone() };
        let open = keep(store, open).await;
        let parent = Some((SeriesParent::Community, world.other.id.uuid()));
        assert!(!sees(store, &Scope::Public, &open, parent).await.unwrap(), "no figure, no series");
        let work = store.begin().await.unwrap();
        let figure = Figure::of(1.0);
        let figure = NewObservation { series: open.id, period: Period::year(2015).unwrap(), figure, inherits: false, smallest_count: None, cause: Default::default() };
        work.repositories().figures().record(&[figure], moment(0), Recorder::seeing("test")).await.unwrap();
        work.commit().await.unwrap();
        assert!(sees(store, &Scope::Public, &open, Some((SeriesParent::Community, world.other.id.uuid()))).await.unwrap());
        let start = keep(store, baseline(open.id)).await;
        assert!(sees(store, &Scope::Public, &start, Some((BaselineParent::Series, open.id.uuid()))).await.unwrap());
        let query: ListQuery<BaselineFilter, BaselineSort> = ListQuery { count: true, ..ListQuery::default() };
        assert_eq!(store.read().baselines().list(&Scope::Public, &query).await.unwrap().total, Some(1));
    }
}
