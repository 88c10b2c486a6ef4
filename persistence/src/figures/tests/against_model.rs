//! Random histories, recorded into a database and into the model.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::{
    access::Scope,
    baseline::Baseline,
    decision::{AuthorityAct, AuthorityDecision},
    id::SeriesId,
    observation::{Confidentiality, Figure, NewObservation, Observation, ObservationFilter, ObservationStatus},
    page::{Direction, ListQuery, Order, PageArgs},
    period::Period,
    port::{
        figures::Recorder,
        figures::{CandidateQuery, Figures},
        store::Store,
    },
    revision::{Cause, RetractionReason},
    series::{Disaggregation, Series},
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{
    model::{Became, Model, became},
    support::{World, day, hour, stored, world},
};
use crate::{
    SqlStore,
    tests::{Scratch, on_both},
};

const SCOPES: [Scope; 2] = [Scope::Everything, Scope::Public];

fn period() -> impl Strategy<Value = Period> {
    let year = (2018..2023).prop_map(|year| Period::year(year).unwrap());
    let months = (2019..2021, 1u32..=12, prop_oneof![Just(1u32), Just(2), Just(3), Just(6), Just(12), Just(24)])
        .prop_map(|(year, month, months)| Period::months(year, month, months).unwrap());
    let range = (1u64..40, 1u64..40).prop_map(|(from, days)| {
        let start = day("2020-01-01") + chrono::Days::new(from);
        Period::from_dates(start, start + chrono::Days::new(days)).unwrap()
    });
    prop_oneof![3 => year, 2 => months, 1 => range]
}

fn figure() -> impl Strategy<Value = Figure> {
    let status = prop_oneof![
        6 => Just(ObservationStatus::Normal),
        2 => Just(ObservationStatus::SeriesBreak),
        1 => Just(ObservationStatus::Forecast),
        2 => Just(ObservationStatus::Missing),
    ];
    let who = prop_oneof![
        5 => Just((Confidentiality::Free, None)),
        2 => Just((Confidentiality::Internal, None)),
        3 => prop_oneof![Just(1), Just(3), Just(6)].prop_map(|at| (Confidentiality::Embargoed, Some(hour(at)))),
    ];
    let number = || prop_oneof![3 => Just(None), 1 => prop_oneof![Just(0.1), Just(1e300), Just(2.5e-7)].prop_map(Some)];
    let hard = prop_oneof![Just("NULL"), Just("null"), Just(""), Just("{}"), Just("a\r\n\tb"), Just("\\N")];
    let words = prop_oneof![
        8 => Just(None),
        2 => "[a-z\"\\\\{},' é]{0,6}".prop_map(Some),
        1 => hard.prop_map(|text| Some(text.to_owned())),
    ];
    (0..3u8, status, who, (number(), number(), number(), number()), words.clone(), words).prop_map(
        |(
            value,
            status,
            (confidentiality, embargo_until),
            (numerator, denominator, lower, upper),
            note,
            external_id,
        )| Figure {
            value: (!status.is_without_value()).then_some(f64::from(value) + 0.1),
            numerator,
            denominator,
            lower,
            upper,
            status,
            confidentiality,
            embargo_until,
            note,
            external_id,
        },
    )
}

/// Figures by the number of their series; nothing where what is known is retracted.
type Pushes = Vec<(usize, Period, Option<Figure>)>;

/// Some calls of `record`: hours since the one before, and figures by the number of their series.
fn history() -> impl Strategy<Value = Vec<(i64, Pushes)>> {
    let said = prop_oneof![5 => figure().prop_map(Some), 1 => Just(None)];
    let pushes = proptest::collection::vec((0..4usize, period(), said), 1..16);
    proptest::collection::vec((prop_oneof![1 => Just(0i64), 4 => Just(1)], pushes), 1..6)
}

async fn four_series(store: &SqlStore, world: &World, case: usize) -> (Vec<SeriesId>, Disaggregation) {
    let disaggregation = Disaggregation::new([("case", case.to_string())]).unwrap();
    let places = [(0, 0), (0, 1), (1, 0), (2, 0)];
    let series = places.map(|(community, source): (usize, usize)| Series {
        community: world.communities[community],
        indicator: world.indicator,
        indicator_version: world.version,
        source: world.sources[source],
        disaggregation: disaggregation.clone(),
    });
    let work = store.begin().await.unwrap();
    let ids = work.repositories().figures().ensure_series(&series, hour(0), "test").await.unwrap();
    assert_eq!(work.repositories().figures().ensure_series(&series, hour(1), "test").await.unwrap(), ids);
    work.commit().await.unwrap();
    (ids, disaggregation)
}

on_both! {
    async fn what_is_kept_is_what_a_plain_model_keeps(scratch: &Scratch) {
        let store = &scratch.store;
        let world = world(store).await;
        let mut runner = TestRunner::deterministic();
        for case in 0..24 {
            let calls = history().new_tree(&mut runner).unwrap().current();
            let (ids, disaggregation) = four_series(store, &world, case).await;
            let mut model = Model { withheld: vec![ids[3]], ..Model::default() };
            let mut at = 0;
            for (hours, pushes) in &calls {
                at += hours;
                record(store, &mut model, &ids, hour(at), pushes).await;
            }
            for now in [hour(0), hour(2), hour(9)] {
                for scope in SCOPES {
                    check_lists(store, &model, &ids, &scope, now).await;
                    check_newest(store, &model, &world, &ids, &disaggregation, &scope, now).await;
                }
            }
            check_candidates(store, &model, &world, &ids, &disaggregation).await;
        }
    }
}

async fn record(
    store: &SqlStore,
    model: &mut Model,
    ids: &[SeriesId],
    at: DateTime<Utc>,
    pushes: &[(usize, Period, Option<Figure>)],
) {
    let new: Vec<_> = pushes
        .iter()
        .map(|(series, period, figure)| {
            let (series, period) = (ids[*series], *period);
            let Some(figure) = figure.clone() else {
                let cause = Cause { retraction: Some(RetractionReason::Error), ..Cause::default() };
                return NewObservation::retraction(series, period, None, cause);
            };
            NewObservation { series, period, figure, inherits: false, smallest_count: None, cause: Cause::default() }
        })
        .collect();
    let work = store.begin().await.unwrap();
    let outcomes = work.repositories().figures().record(&new, at, Recorder::seeing("test")).await.unwrap();
    work.commit().await.unwrap();
    model.said_again.clear();
    let expected: Vec<Became> = new.iter().map(|new| model.record(new, at, "test")).collect();
    assert_eq!(outcomes.iter().map(became).collect::<Vec<_>>(), expected, "{new:#?}");
}

async fn check_lists(store: &SqlStore, model: &Model, ids: &[SeriesId], scope: &Scope, now: DateTime<Utc>) {
    let figures = store.read().figures();
    let visible = model.visible(scope, now);
    for (direction, size) in [(Direction::Ascending, 3), (Direction::Descending, 100)] {
        for id in ids {
            let read = walk(figures, scope, *id, direction, size, now).await;
            let mut expected: Vec<_> = visible.iter().filter(|found| found.series == *id).cloned().collect();
            if direction == Direction::Descending {
                expected.reverse();
            }
            assert_eq!(read, expected);
        }
    }
    let keys: HashSet<_> = model.revisions.iter().map(|revision| (revision.series, revision.period)).collect();
    for (series, period) in keys {
        let read = figures.revisions(scope, &[(series, period)], now).await.unwrap();
        assert_eq!(read, model.history(scope, series, period, now));
    }
}

/// All pages of one series, one after the other; on the way back the same page again from its other side.
async fn walk(
    figures: &dyn Figures,
    scope: &Scope,
    series: SeriesId,
    direction: Direction,
    size: usize,
    now: DateTime<Utc>,
) -> Vec<Observation> {
    let mut all: Vec<Observation> = Vec::new();
    let mut query: ListQuery<ObservationFilter, _> = ListQuery {
        order: Order { direction, ..Order::default() },
        page: PageArgs::first(size),
        count: true,
        ..ListQuery::default()
    };
    loop {
        let page = figures.observations(scope, &[series], &query, now).await.unwrap().remove(&series).unwrap();
        let before = query.page.after.clone();
        if let Some((last, _)) = page.items.last() {
            let back = PageArgs { size, from_end: true, after: None, before: Some(last.clone()) };
            let back = ListQuery { page: back, ..query.clone() };
            let back = figures.observations(scope, &[series], &back, now).await.unwrap().remove(&series).unwrap();
            let known = all.iter().chain(page.items.iter().map(|(_, found)| found)).rev().skip(1).take(size);
            assert!(back.items.iter().rev().map(|(_, found)| found).eq(known));
            query.page.after = Some(last.clone());
        }
        assert_eq!(page.has_previous, before.is_some());
        all.extend(page.items.into_iter().map(|(_, found)| found));
        if !page.has_next {
            assert_eq!(page.total, Some(all.len() as u64));
            return all;
        }
    }
}

async fn check_newest(
    store: &SqlStore,
    model: &Model,
    world: &World,
    ids: &[SeriesId],
    disaggregation: &Disaggregation,
    scope: &Scope,
    now: DateTime<Utc>,
) {
    let figures = store.read().figures();
    let read = figures.latest_of(scope, ids, now).await.unwrap();
    for id in ids {
        assert_eq!(read.get(id).cloned(), model.latest(scope, *id, now));
    }
    for indicators in [vec![], vec![world.indicator]] {
        let all = figures.latest(scope, &world.communities, &indicators, disaggregation, now).await.unwrap();
        assert_eq!(all.len(), read.len());
        for latest in all {
            assert_eq!(Some(&latest.observation), read.get(&latest.series_id));
            assert_eq!(&latest.series.disaggregation, disaggregation);
        }
    }
}

async fn check_candidates(
    store: &SqlStore,
    model: &Model,
    world: &World,
    ids: &[SeriesId],
    disaggregation: &Disaggregation,
) {
    let mut periods: Vec<_> = model.revisions.iter().map(|revision| revision.period).collect();
    periods.sort();
    let (first, last) = (periods[0], periods[periods.len() - 1]);
    let work = store.begin().await.unwrap();
    for id in ids {
        let baseline = stored(Baseline { series: *id, period: first, note: None });
        work.repositories().baselines().insert(&baseline).await.unwrap();
    }
    // The community under an Indigenous data authority stands in comparisons only because that has decided so.
    for community in world.communities {
        let decision = AuthorityDecision {
            community,
            act: AuthorityAct::Compare,
            indicator: Some(world.indicator),
            network: None,
            expires_on: None,
            note: None,
        };
        work.repositories().authority_decisions().insert(&stored(decision)).await.unwrap();
    }
    work.commit().await.unwrap();
    for (period, asked) in
        [(None, None), (Some(last), None), (None, Some(first)), (Some(last), Some(periods[periods.len() / 2]))]
    {
        for (scope, now) in [(&Scope::Everything, hour(0)), (&Scope::Public, hour(2)), (&Scope::Public, hour(9))] {
            let query = CandidateQuery {
                network: uuid::Uuid::nil().into(),
                communities: world.communities.to_vec(),
                indicator: world.indicator,
                disaggregation: disaggregation.clone(),
                period,
                baseline_period: asked,
                as_of: None,
                now,
            };
            let read = store.read().figures().candidates(scope, &query).await.unwrap();
            let mut found = 0;
            for id in ids {
                let Some((current, baseline, broken)) = model.candidate(scope, *id, period, asked.or(Some(first)), now)
                else {
                    continue;
                };
                found += 1;
                let candidate = read.iter().find(|candidate| candidate.series_id == *id).unwrap();
                assert_eq!((&candidate.current, candidate.broken_since_baseline), (&current, broken));
                assert_eq!(candidate.baseline, baseline);
                let declared = baseline.is_some() && asked.is_none_or(|asked| asked == first);
                assert_eq!(candidate.baseline_declared, declared);
            }
            assert_eq!(read.len(), found);
        }
    }
}
