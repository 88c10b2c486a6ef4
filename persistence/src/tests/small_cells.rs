//! Figures behind which few persons stand, from recording to reading.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    access::{Reader, Scope},
    compare::Candidate,
    id::{CommunityId, EntityId as _, SeriesId},
    membership::Membership,
    network::Network,
    observation::{Figure, NewObservation, ObservationFilter, ObservationStatus},
    page::{ListQuery, PageArgs},
    period::Period,
    port::{
        figures::CandidateQuery,
        figures::Recorder,
        store::{Holds, Repositories, Store as _},
    },
    record::{Noun, Stored},
    series::{Disaggregation, Series, SeriesFilter, SeriesParent},
    small_cells::SuppressionPolicy,
    source::Source,
};

use super::{Scratch, on_both, samples::*};
use crate::SqlStore;

/// A community with a total, two parts of it, and a part by something else.
struct World {
    store: Arc<SqlStore>,
    records: super::samples::World,
    total: SeriesId,
    women: SeriesId,
    men: SeriesId,
    young: SeriesId,
}

const YEAR: i32 = 2020;

impl World {
    async fn new(scratch: &Scratch) -> Self {
        let store = Arc::clone(&scratch.store);
        let records = super::samples::World::create(&store).await;
        let of = |part: Option<(&str, &str)>| Series {
            community: records.other.id,
            disaggregation: Disaggregation::new(part).unwrap(),
            ..records.series.value.clone()
        };
        let parts = [None, Some(("sex", "women")), Some(("sex", "men")), Some(("age", "0-17"))];
        let work = store.begin().await.unwrap();
        let ids = work.repositories().figures().ensure_series(&parts.map(of), moment(0), "test").await.unwrap();
        work.commit().await.unwrap();
        let [total, women, men, young] = ids.try_into().unwrap();
        let world = Self { store, records, total, women, men, young };
        for (hour, (series, count)) in [(total, 200), (women, 5), (men, 95), (young, 40)].into_iter().enumerate() {
            world.push(series, count, i64::try_from(hour).unwrap()).await;
        }
        world
    }

    fn community(&self) -> CommunityId {
        self.records.other.id
    }

    /// Records that so many are counted, at an hour.
    async fn push(&self, series: SeriesId, count: i32, hour: i64) {
        let smallest_count = (1..100).contains(&count).then_some(count);
        self.record(series, Figure::of(f64::from(count)), smallest_count, hour).await;
    }

    async fn record(&self, series: SeriesId, figure: Figure, smallest_count: Option<i32>, hour: i64) {
        let period = Period::year(YEAR).unwrap();
        let new = NewObservation { series, period, figure, inherits: false, smallest_count, cause: Default::default() };
        let work = self.store.begin().await.unwrap();
        work.repositories().figures().record(&[new], at(hour), Recorder::seeing("test")).await.unwrap();
        work.commit().await.unwrap();
    }

    /// Whoever answers for the community.
    fn steward(&self) -> Scope {
        let own = [self.community()].into();
        Scope::of(Reader { own, stewarded: [self.community()].into(), ..Reader::default() })
    }

    /// Somebody who writes for the community and does not answer for it.
    fn contributor(&self) -> Scope {
        let own = [self.community()].into();
        Scope::of(Reader { own, contributed: [self.community()].into(), ..Reader::default() })
    }

    /// The values of total, women, men and young that a reader finds, the same by every way of reading.
    async fn seen(&self, scope: &Scope) -> [Option<f64>; 4] {
        let figures = self.store.read().figures();
        let series = [self.total, self.women, self.men, self.young];
        let latest = figures.latest_of(scope, &series, now()).await.unwrap();
        let seen = series.map(|id| latest.get(&id).and_then(|found| found.figure.value));
        let query: ListQuery<ObservationFilter, _> =
            ListQuery { page: PageArgs::first(5), count: true, ..ListQuery::default() };
        let pages = figures.observations(scope, &series, &query, now()).await.unwrap();
        let exist = self.series_listed(scope).await;
        for (place, (id, value)) in series.iter().zip(seen).enumerate() {
            let page = &pages[id];
            let listed = page.items.iter().map(|(_, found)| found.figure.value).collect::<Vec<_>>();
            assert_eq!((listed, page.total), (value.map(Some).into_iter().collect(), Some(u64::from(value.is_some()))));
            assert_eq!(exist.contains(id), value.is_some());
            let revisions = figures.revisions(scope, &[(*id, Period::year(YEAR).unwrap())], now()).await.unwrap();
            assert_eq!(revisions.last().and_then(|found| found.figure.value), value);
            let candidates = self.candidates(scope, place).await;
            assert_eq!(candidates.first().and_then(|found| found.current.figure.value), value);
        }
        seen
    }

    async fn series_listed(&self, scope: &Scope) -> Vec<SeriesId> {
        let repository = self.store.read().series();
        let query: ListQuery<SeriesFilter, _> =
            ListQuery { page: PageArgs::first(9), count: true, ..ListQuery::default() };
        let community = self.community().uuid();
        let mut pages = repository.list_of(scope, SeriesParent::Community, &[community], &query).await.unwrap();
        let page = pages.remove(&community).unwrap_or_default();
        assert_eq!(page.total.unwrap_or_default(), page.items.len() as u64);
        page.items.into_iter().map(|(_, series)| series.id).collect()
    }

    async fn candidates(&self, scope: &Scope, part: usize) -> Vec<Candidate> {
        let parts = [None, Some(("sex", "women")), Some(("sex", "men")), Some(("age", "0-17"))];
        let mut found = Vec::new();
        for period in [None, Some(Period::year(YEAR).unwrap())] {
            let query = CandidateQuery {
                network: self.records.network.id,
                communities: vec![self.community()],
                indicator: self.records.indicator.id,
                disaggregation: Disaggregation::new(parts[part]).unwrap(),
                period,
                baseline_period: None,
                as_of: None,
                now: now(),
            };
            found.push(self.store.read().figures().candidates(scope, &query).await.unwrap());
        }
        assert_eq!(found[0], found[1]);
        found.remove(0)
    }

    async fn revisions(&self, scope: &Scope, series: SeriesId) -> Vec<Option<f64>> {
        let keys = [(series, Period::year(YEAR).unwrap())];
        let found = self.store.read().figures().revisions(scope, &keys, now()).await.unwrap();
        found.iter().map(|found| found.figure.value).collect()
    }
}

fn at(hour: i64) -> DateTime<Utc> {
    moment(0) + TimeDelta::hours(hour)
}

fn now() -> DateTime<Utc> {
    at(1_000)
}

async fn update<N>(store: &SqlStore, record: &Stored<N>, change: impl FnOnce(&mut N))
where
    N: Noun,
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let mut record = record.clone();
    change(&mut record.value);
    record.meta.version += 1;
    let work = store.begin().await.unwrap();
    Holds::<N>::repository(work.repositories()).update(&record).await.unwrap();
    work.commit().await.unwrap();
}

/// Everything is there.
const ALL: [Option<f64>; 4] = [Some(200.0), Some(5.0), Some(95.0), Some(40.0)];
/// The parts of the breakdown with the small one are not.
const WITHOUT: [Option<f64>; 4] = [Some(200.0), None, None, Some(40.0)];

on_both! {
    async fn a_breakdown_with_a_small_part_is_for_those_who_answer_for_it(scratch: &Scratch) {
        let world = World::new(scratch).await;
        for scope in [Scope::Public, world.contributor()] {
            assert_eq!(world.seen(&scope).await, WITHOUT, "{scope:?}");
        }
        for scope in [Scope::Everything, world.steward()] {
            assert_eq!(world.seen(&scope).await, ALL, "{scope:?}");
        }
        // Those who answer for another community answer for nothing here.
        let other = world.records.community.id;
        let other = Scope::of(Reader { own: [other].into(), stewarded: [other].into(), ..Reader::default() });
        assert_eq!(world.seen(&other).await, WITHOUT);
    }

    async fn a_part_that_grows_opens_its_breakdown_but_not_its_history(scratch: &Scratch) {
        let world = World::new(scratch).await;
        world.push(world.women, 10, 10).await;
        let grown = [Some(200.0), Some(10.0), Some(95.0), Some(40.0)];
        assert_eq!(world.seen(&Scope::Public).await, grown);
        assert_eq!(world.revisions(&Scope::Public, world.women).await, [Some(10.0)]);
        assert_eq!(world.revisions(&world.steward(), world.women).await, [Some(5.0), Some(10.0)]);
        // What stood beside the small part would tell of it.
        world.push(world.men, 190, 11).await;
        assert_eq!(world.revisions(&Scope::Public, world.men).await, [Some(190.0)]);
        world.push(world.total, 210, 12).await;
        assert_eq!(world.revisions(&Scope::Public, world.total).await, [Some(200.0), Some(210.0)]);
        world.push(world.men, 9, 13).await;
        assert_eq!(world.seen(&Scope::Public).await, [Some(210.0), None, None, Some(40.0)]);
        assert_eq!(world.revisions(&Scope::Public, world.women).await, []);
        assert_eq!(world.revisions(&Scope::Everything, world.men).await, [Some(95.0), Some(190.0), Some(9.0)]);
    }

    async fn a_small_part_that_is_suppressed_in_its_place_is_not_worked_out(scratch: &Scratch) {
        let world = World::new(scratch).await;
        let suppressed = Figure { status: ObservationStatus::Suppressed, ..Figure::default() };
        world.record(world.women, suppressed, None, 10).await;
        assert_eq!(world.seen(&world.contributor()).await[2], None);
        world.push(world.women, 0, 11).await;
        assert_eq!(world.seen(&Scope::Public).await, [Some(200.0), Some(0.0), Some(95.0), Some(40.0)]);
    }

    async fn the_newest_figure_in_sight_is_one_before_the_small_one(scratch: &Scratch) {
        let world = World::new(scratch).await;
        let (period, figure) = (Period::year(YEAR - 1).unwrap(), Figure::of(12.0));
        let new = NewObservation { series: world.women, period, figure, inherits: false, smallest_count: Some(12), cause: Default::default() };
        let work = world.store.begin().await.unwrap();
        work.repositories().figures().record(&[new], at(10), Recorder::seeing("test")).await.unwrap();
        work.commit().await.unwrap();
        let figures = world.store.read().figures();
        for (scope, value) in [(Scope::Public, 12.0), (Scope::Everything, 5.0)] {
            let latest = figures.latest_of(&scope, &[world.women], now()).await.unwrap();
            assert_eq!(latest[&world.women].figure.value, Some(value));
        }
    }

    async fn the_strictest_network_of_the_day_decides(scratch: &Scratch) {
        let world = World::new(scratch).await;
        world.push(world.women, 20, 10).await;
        let store = &*world.store;
        let strict = SuppressionPolicy { suppress_below: 30, flag_below: 30, ..SuppressionPolicy::default() };
        let network =
            keep(store, Network { suppression: strict, ..network("strict", vec![world.records.indicator.id]) }).await;
        assert!(world.seen(&Scope::Public).await[1].is_some(), "no member of it");
        let day = now().date_naive();
        let place = keep(store, Membership { joined_on: day, ..membership(network.id, world.community()) }).await;
        assert_eq!(world.seen(&Scope::Public).await, WITHOUT);
        update(store, &place, |place: &mut Membership| place.left_on = Some(day)).await;
        assert!(world.seen(&Scope::Public).await[1].is_some(), "it has left");
        assert!(network.value.suppression == store.read().networks().get(&Scope::Public, &[network.id]).await.unwrap()[0].suppression);
    }

    async fn what_a_source_has_controlled_itself_is_shown(scratch: &Scratch) {
        let world = World::new(scratch).await;
        update(&world.store, &world.records.source, |source: &mut Source| source.disclosure_controlled = true).await;
        assert_eq!(world.seen(&Scope::Public).await, ALL);
        let source = world.records.source.id;
        assert!(world.store.read().sources().get(&Scope::Public, &[source]).await.unwrap()[0].disclosure_controlled);
    }
}
