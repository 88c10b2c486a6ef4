//! Much at once, and several at once.

use std::collections::HashMap;

use domain::{
    access::Scope,
    error::ProblemCode,
    id::SeriesId,
    observation::{Figure, NewObservation, ObservationStatus, Outcome},
    period::Period,
    port::figures::Recorder,
    port::store::Store,
    series::{Disaggregation, Series},
};

use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};

use super::support::{World, hour, world};
use crate::{
    SqlStore,
    tests::{Scratch, on_both},
};

fn part(world: &World, number: usize) -> Series {
    Series {
        community: world.communities[0],
        indicator: world.indicator,
        indicator_version: world.version,
        source: world.sources[0],
        disaggregation: Disaggregation::new([("number", number.to_string())]).unwrap(),
    }
}

fn plain(series: SeriesId, period: Period) -> NewObservation {
    NewObservation {
        series,
        period,
        figure: Figure::of(1.0),
        inherits: false,
        smallest_count: None,
        cause: Default::default(),
    }
}

async fn many_series(store: &SqlStore, world: &World, count: usize) -> Vec<SeriesId> {
    let series: Vec<_> = (0..count).map(|number| part(world, number)).collect();
    let work = store.begin().await.unwrap();
    let ids = work.repositories().figures().ensure_series(&series, hour(0), "test").await.unwrap();
    work.commit().await.unwrap();
    ids
}

fn value(number: usize) -> f64 {
    // Doubles that no short decimal text stands for.
    std::f64::consts::PI * f64::from(u32::try_from(number).unwrap()) / 7.0
}

on_both! {
    async fn many_figures_of_many_chunks_come_back_bit_by_bit(scratch: &Scratch) {
        let store = &scratch.store;
        let world = world(store).await;
        let ids = many_series(store, &world, 700).await;
        let years = || (2000..2008).map(|year| Period::year(year).unwrap());
        let new: Vec<_> = ids
            .iter()
            .flat_map(|id| years().map(move |period| (*id, period)))
            .enumerate()
            .map(|(number, (series, period))| NewObservation { series, period, figure: Figure::of(value(number)), inherits: false, smallest_count: None, cause: Default::default() })
            .collect();
        assert_eq!(new.len(), 5_600);
        for (at, expected) in [(1, Outcome::Created), (2, Outcome::Unchanged)] {
            let work = store.begin().await.unwrap();
            let outcomes = work.repositories().figures().record(&new, hour(at), Recorder::seeing("test")).await.unwrap();
            work.commit().await.unwrap();
            assert!(outcomes.iter().all(|outcome| *outcome == expected));
        }
        let read = store.read().figures().latest_of(&Scope::Public, &ids, hour(3)).await.unwrap();
        for (number, id) in ids.iter().enumerate() {
            let found = read[id].figure.value.unwrap();
            assert_eq!(found.to_bits(), value(number * 8 + 7).to_bits());
        }
    }
}

on_both! {
    async fn what_is_rolled_back_leaves_nothing(scratch: &Scratch) {
        let store = &scratch.store;
        let world = world(store).await;
        let ids = many_series(store, &world, 1).await;
        let new = NewObservation { series: ids[0], period: Period::year(2020).unwrap(), figure: Figure::of(1.0), inherits: false, smallest_count: None, cause: Default::default() };
        let work = store.begin().await.unwrap();
        work.repositories().figures().record(&[new], hour(1), Recorder::seeing("test")).await.unwrap();
        drop(work);
        assert!(store.read().figures().latest_of(&Scope::Everything, &ids, hour(3)).await.unwrap().is_empty());
        assert!(!store.read().figures().is_observed(world.version).await.unwrap());
    }
}

on_both! {
    async fn a_series_that_does_not_exist_is_a_fault(scratch: &Scratch) {
        let store = &scratch.store;
        let new = NewObservation {
            series: uuid::Uuid::now_v7().into(),
            period: Period::year(2020).unwrap(),
            figure: Figure::of(1.0),
            inherits: false,
            smallest_count: None, cause: Default::default()
        };
        let valueless = Figure { status: ObservationStatus::Missing, ..Figure::default() };
        for figure in [Figure::of(1.0), valueless] {
            let work = store.begin().await.unwrap();
            let new = NewObservation { figure, ..new.clone() };
            let result = work.repositories().figures().record(&[new], hour(1), Recorder::seeing("test")).await;
            assert!(matches!(result, Err(domain::Error::Internal(_))), "{result:?}");
        }
    }
}

on_both! {
    async fn what_contradicts_itself_is_refused_however_far_apart_it_comes(scratch: &Scratch) {
        let store = &scratch.store;
        let world = world(store).await;
        let ids = many_series(store, &world, 40).await;
        let all = ids.iter().flat_map(|id| (1800..1980).map(move |year| (*id, Period::year(year).unwrap())));
        let mut new: Vec<_> = all.map(|(series, period)| NewObservation {
            series, period, figure: Figure::of(1.0), inherits: false, smallest_count: None, cause: Default::default()
        }).collect();
        let contradicting = NewObservation { figure: Figure::of(2.0), ..new[0].clone() };
        new.push(contradicting);
        for (at, said) in [(1, Outcome::Created), (2, Outcome::Unchanged)] {
            let work = store.begin().await.unwrap();
            let outcomes = work.repositories().figures().record(&new, hour(at), Recorder::seeing("test")).await.unwrap();
            work.commit().await.unwrap();
            let (last, others) = outcomes.split_last().unwrap();
            assert!(others.iter().all(|outcome| *outcome == said));
            assert!(matches!(last, Outcome::Rejected(problem) if problem.code == ProblemCode::Conflict), "{last:?}");
        }
        let read = store.read().figures().latest_of(&Scope::Everything, &ids, hour(99)).await.unwrap();
        assert!(ids.iter().all(|id| read[id].period == Period::year(1979).unwrap()));
    }
}

on_both! {
    async fn newest_values_stay_right_where_a_series_is_written_in_two_parts(scratch: &Scratch) {
        let store = &scratch.store;
        let world = world(store).await;
        let ids = many_series(store, &world, 40).await;
        let figure = |year: i32, value: Option<f64>| match value {
            Some(value) => Figure::of(value + f64::from(year)),
            None => Figure { status: ObservationStatus::Missing, ..Figure::default() },
        };
        let new = |id: &SeriesId, year: i32, value: Option<f64>| NewObservation {
            series: *id, period: Period::year(year).unwrap(), figure: figure(year, value), inherits: false, smallest_count: None,
            cause: Default::default()
        };
        // In the order of the primary key the middle of the list falls into one of the series.
        let first: Vec<_> = ids.iter().flat_map(|id| (1700..1870).map(|year| new(id, year, Some(0.0)))).collect();
        // Everything is revised, by turns: the newest too, not the newest, the newest is taken away, and another comes behind it.
        let second: Vec<_> = ids.iter().enumerate().flat_map(|(place, id)| {
            let last = match place % 4 { 0 => 1870, 1 => 1869, _ => 1871 };
            (1701..last).map(move |year| {
                let taken = (place % 4 == 2 && year == 1869) || (place % 4 == 3 && year >= 1869);
                new(id, year, (!taken).then_some(0.5))
            })
        }).collect();
        for (at, figures) in [(1, first), (2, second)] {
            let work = store.begin().await.unwrap();
            let outcomes = work.repositories().figures().record(&figures, hour(at), Recorder::seeing("test")).await.unwrap();
            assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Created | Outcome::Updated)));
            work.commit().await.unwrap();
        }
        let read = store.read().figures().latest_of(&Scope::Everything, &ids, hour(99)).await.unwrap();
        for (place, id) in ids.iter().enumerate() {
            let (year, value) = match place % 4 { 0 => (1869, 0.5), 1 => (1869, 0.0), 2 => (1870, 0.5), _ => (1868, 0.5) };
            let found = (read[id].period, read[id].figure.value);
            assert_eq!(found, (Period::year(year).unwrap(), Some(value + f64::from(year))), "{place}");
        }
    }
}

on_both! {
    async fn recorders_side_by_side_lose_nothing(scratch: &Scratch) {
        let store = &scratch.store;
        let world = world(store).await;
        let ids = many_series(store, &world, 40).await;
        let period = Period::year(2020).unwrap();
        let recorder = |number: usize| {
            let (store, mut ids) = (store.clone(), ids.clone());
            if number.is_multiple_of(2) {
                ids.reverse();
            }
            async move {
                let figure = Figure::of(value(number + 1));
                let new: Vec<_> =
                    ids.iter().map(|id| NewObservation { series: *id, period, figure: figure.clone(), inherits: false, smallest_count: None, cause: Default::default() }).collect();
                let work = store.begin().await.unwrap();
                let at = hour(i64::try_from(number).unwrap());
                work.repositories().figures().record(&new, at, Recorder::seeing("test")).await.unwrap();
                work.commit().await.unwrap();
            }
        };
        let tasks: Vec<_> = (0..12).map(|number| tokio::spawn(recorder(number))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        let keys: Vec<_> = ids.iter().map(|id| (*id, period)).collect();
        let mut revisions: HashMap<SeriesId, Vec<_>> = HashMap::new();
        for found in store.read().figures().revisions(&Scope::Everything, &keys, hour(99)).await.unwrap() {
            revisions.entry(found.series).or_default().push(found);
        }
        for id in &ids {
            let numbers: Vec<_> = revisions[id].iter().map(|found| found.revision).collect();
            assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
            assert_eq!(revisions[id].iter().filter(|found| found.superseded_at.is_none()).count(), 1);
        }
    }
}

on_both! {
    async fn series_created_side_by_side_are_created_once(scratch: &Scratch) {
        let store = &scratch.store;
        let world = std::sync::Arc::new(world(store).await);
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let (store, world) = (store.clone(), world.clone());
                tokio::spawn(async move { many_series(&store, &world, 300).await })
            })
            .collect();
        let mut found = Vec::new();
        for task in tasks {
            found.push(task.await.unwrap());
        }
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

on_both! {
    async fn a_value_taken_back_is_not_the_newest_any_more(scratch: &Scratch) {
        let store = &scratch.store;
        let world = world(store).await;
        let ids = many_series(store, &world, 2).await;
        let missing = Figure { external_id: Some("x".into()), ..Figure::default() };
        let forecast = Figure { status: ObservationStatus::Forecast, ..Figure::of(3.0) };
        // Year of the figure, the figure, and the newest value afterwards.
        let steps = [
            (2020, Figure::of(1.0), Some(1.0)),
            (2020, missing.clone(), None),
            (2020, Figure::of(2.0), Some(2.0)),
            (2021, forecast.clone(), Some(2.0)),
            (2021, Figure::of(4.0), Some(4.0)),
            (2021, missing, Some(2.0)),
            (2020, forecast, None),
        ];
        for (at, (year, figure, newest)) in (1..).zip(steps) {
            let new = NewObservation { series: ids[0], period: Period::year(year).unwrap(), figure, inherits: false, smallest_count: None, cause: Default::default() };
            let other = NewObservation { series: ids[1], period: Period::year(2000 + at).unwrap(), figure: Figure::of(9.0), inherits: false, smallest_count: None, cause: Default::default() };
            let work = store.begin().await.unwrap();
            work.repositories().figures().record(&[new, other], hour(i64::from(at)), Recorder::seeing("test")).await.unwrap();
            work.commit().await.unwrap();
            let read = store.read().figures().latest_of(&Scope::Everything, &ids, hour(99)).await.unwrap();
            assert_eq!(read.get(&ids[0]).and_then(|found| found.figure.value), newest, "step {at}");
            assert_eq!(read[&ids[1]].period, Period::year(2000 + at).unwrap());
        }
    }
}

/// An import that was undone leaves pages of dead rows, and statistics that call them empty.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undone_rows_do_not_mislead_the_planner() {
    let Some(scratch) = Scratch::postgres(concat!(module_path!(), "::undone_rows_do_not_mislead_the_planner")).await
    else {
        return;
    };
    let store = &scratch.store;
    let world = world(store).await;
    let admin = Database::connect(&scratch.config.url).await.unwrap();
    let period = Period::year(2020).unwrap();
    let fill = async || {
        let work = store.begin().await.unwrap();
        let series: Vec<_> = (0..3_000).map(|number| part(&world, number)).collect();
        let figures = work.repositories().figures();
        let ids = figures.ensure_series(&series, hour(0), "test").await.unwrap();
        let new: Vec<_> = ids.into_iter().map(|series| plain(series, period)).collect();
        figures.record(&new, hour(1), Recorder::seeing("test")).await.unwrap();
        work
    };
    let counted = async || {
        let text = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND reltuples >= 3000 \
             AND (relname = 'series' OR relname LIKE 'observation%')";
        let row = admin.query_one_raw(Statement::from_string(DbBackend::Postgres, text)).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap()
    };
    drop(fill().await);
    admin.execute_unprepared("VACUUM (ANALYZE, TRUNCATE FALSE) series, observation, latest_observation").await.unwrap();
    assert_eq!(counted().await, 0);
    let work = fill().await;
    assert_eq!(counted().await, 2, "within the transaction the planner knows what is there");
    work.commit().await.unwrap();
    admin.close().await.unwrap();
    scratch.end().await;
}

on_both! {
    async fn a_series_without_figures_is_taken_back_by_whoever_created_it_just_now(scratch: &Scratch) {
        let store = &scratch.store;
        let world = world(store).await;
        let series: Vec<_> = [0, 1, 2, 1].map(|number| part(&world, number)).into();
        let known = many_series(store, &world, 1).await;
        let work = store.begin().await.unwrap();
        let figures = work.repositories().figures();
        assert_eq!(figures.find_series(&series).await.unwrap(), [Some(known[0]), None, None, None]);
        let ids = figures.ensure_series(&series, hour(1), "test").await.unwrap();
        let found: Vec<_> = ids.iter().copied().map(Some).collect();
        assert_eq!(figures.find_series(&series).await.unwrap(), found);
        figures.record(&[plain(ids[1], Period::year(2020).unwrap())], hour(1), Recorder::seeing("test")).await.unwrap();
        figures.drop_unused(&ids, hour(1), "another").await.unwrap();
        figures.drop_unused(&ids, hour(2), "test").await.unwrap();
        assert_eq!(figures.find_series(&series).await.unwrap(), found, "they are of somebody else, or another time");
        figures.drop_unused(&ids, hour(1), "test").await.unwrap();
        let left = [found[0], found[1], None, found[1]];
        assert_eq!(figures.find_series(&series).await.unwrap(), left, "one was there, and one has a figure");
        work.commit().await.unwrap();
    }

    // Whoever began earlier may record later: at every moment one figure was known, as readers of an earlier moment are told.
    async fn what_is_recorded_later_is_known_from_later_on(scratch: &Scratch) {
        let store = &scratch.store;
        let world = world(store).await;
        let id = many_series(store, &world, 1).await[0];
        let period: Period = "2020".parse().unwrap();
        for (value, at) in [(1.0, 1), (2.0, 3), (3.0, 2)] {
            let new = NewObservation { figure: Figure::of(value), ..plain(id, period) };
            let work = store.begin().await.unwrap();
            let outcomes = work.repositories().figures().record(&[new], hour(at), Recorder::seeing("test")).await.unwrap();
            assert!(matches!(outcomes[..], [Outcome::Created | Outcome::Updated]), "{outcomes:?}");
            work.commit().await.unwrap();
        }
        let revisions = store.read().figures().revisions(&Scope::Everything, &[(id, period)], hour(9)).await.unwrap();
        let values: Vec<_> = revisions.iter().map(|one| one.figure.value.unwrap()).collect();
        assert_eq!(values, [1.0, 2.0, 3.0]);
        for pair in revisions.windows(2) {
            assert!(pair[0].recorded_at < pair[1].recorded_at, "{pair:#?}");
            assert_eq!(pair[0].superseded_at, Some(pair[1].recorded_at), "one ends where the next begins");
        }
        assert_eq!(revisions[2].superseded_at, None);
    }
}
