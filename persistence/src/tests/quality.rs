//! What data-quality rules look at.

use std::collections::{BTreeSet, HashMap};

use domain::{
    observation::{Figure, NewObservation, ObservationStatus},
    period::{Period, PeriodKind},
    port::{figures::Recorder, quality::Stretch, store::Store as _},
    quality::Past,
    series::{Disaggregation, Series},
    series_break::{BreakReason, SeriesBreak},
};

use super::{
    Scratch, on_both,
    samples::{keep, network},
};
use crate::{
    SqlStore,
    figures::tests::support::{World, day, hour, world},
};

fn series(world: &World, part: &str) -> Series {
    Series {
        community: world.communities[0],
        indicator: world.indicator,
        indicator_version: world.version,
        source: world.sources[0],
        disaggregation: part.parse().unwrap(),
    }
}

async fn record(store: &SqlStore, rows: &[(&Series, &str, Figure)], at: i64) {
    let work = store.begin().await.unwrap();
    let figures = work.repositories().figures();
    for (series, period, figure) in rows {
        let id = figures.ensure_series(std::slice::from_ref(*series), hour(at), "t").await.unwrap()[0];
        let period: Period = period.parse().unwrap();
        let new = NewObservation {
            series: id,
            period,
            figure: figure.clone(),
            inherits: false,
            smallest_count: None,
            cause: Default::default(),
        };
        figures.record(&[new], hour(at), Recorder::seeing("t")).await.unwrap();
    }
    work.commit().await.unwrap();
}

on_both! {
    async fn histories_have_current_values_of_one_kind_within_a_stretch(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = world(store).await;
        let (total, part, none) = (series(&world, ""), series(&world, "a=b"), series(&world, "a=c"));
        let of = |value: f64, status| Figure { status, ..Figure::of(value) };
        let missing = Figure { status: ObservationStatus::Missing, ..Figure::default() };
        record(store, &[
            (&total, "2015", of(1.0, ObservationStatus::Normal)), (&total, "2016", of(2.0, ObservationStatus::Normal)),
            (&total, "2017", of(3.0, ObservationStatus::SeriesBreak)), (&total, "2018", missing),
            (&total, "2019", of(5.0, ObservationStatus::Forecast)), (&total, "2020", of(6.0, ObservationStatus::Normal)),
            (&total, "2016-07", of(9.0, ObservationStatus::Normal)), (&part, "2016", of(7.0, ObservationStatus::Normal)),
        ], 1).await;
        record(store, &[(&total, "2016", of(2.5, ObservationStatus::Normal))], 2).await;
        let stretch = |series, kind| Stretch { series, kind, since: day("2016-01-01"), until: day("2020-01-01") };
        let asked = [
            stretch(&none, PeriodKind::Year), stretch(&total, PeriodKind::Year), stretch(&part, PeriodKind::Year),
            stretch(&total, PeriodKind::Month),
        ];
        let found = store.read().quality().values(&asked).await.unwrap();
        let told: Vec<Vec<(String, Past)>> =
            found.iter().map(|history| history.iter().map(|(period, past)| (period.to_string(), *past)).collect()).collect();
        let known = |period: &str, value, breaks| (period.to_owned(), Past { value, breaks });
        assert_eq!(told, [
            vec![], vec![known("2016", 2.5, false), known("2017", 3.0, true)], vec![known("2016", 7.0, false)],
            vec![known("2016-07", 9.0, false)],
        ]);
        assert!(store.read().quality().values(&[]).await.unwrap().is_empty());
    }

    async fn breaks_are_those_of_the_indicator_and_of_the_source_or_of_any(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = world(store).await;
        let declared = |starts_on: &str, source: Option<usize>| SeriesBreak {
            community: world.communities[0], indicator: world.indicator, source: source.map(|place| world.sources[place]),
            starts_on: day(starts_on), reason: BreakReason::Method, note: None, bridge: None,
        };
        for declared in [declared("2015-01-01", None), declared("2016-01-01", Some(0)), declared("2017-01-01", Some(1))] {
            keep(store, declared).await;
        }
        keep(store, SeriesBreak { community: world.communities[1], ..declared("2018-01-01", None) }).await;
        let (own, part) = (series(&world, ""), series(&world, "a=b"));
        let by_other = Series { source: world.sources[1], ..own.clone() };
        let found = store.read().quality().breaks(&[&own, &by_other, &part]).await.unwrap();
        let days = |of: [&str; 2]| of.map(day).into_iter().collect::<BTreeSet<_>>();
        let own = days(["2015-01-01", "2016-01-01"]);
        assert_eq!(found, [own.clone(), days(["2015-01-01", "2017-01-01"]), own]);
        assert!(store.read().quality().breaks(&[]).await.unwrap().is_empty());
    }

    async fn breakdowns_are_the_total_and_every_part_by_one_dimension(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = world(store).await;
        let (total, old, young, both) = (series(&world, ""), series(&world, "age=old"), series(&world, "age=young"), series(&world, "age=old;sex=f"));
        record(store, &[
            (&total, "2020", Figure::of(3.0)), (&old, "2020", Figure::of(1.0)), (&young, "2019", Figure::of(2.0)),
            (&both, "2020", Figure::of(9.0)),
        ], 1).await;
        let year = |text: &str| text.parse::<Period>().unwrap();
        let asked = [(total.clone(), year("2020")), (total.clone(), year("2018"))];
        let found = store.read().quality().breakdowns(&asked).await.unwrap();
        let part = |text: &str| text.parse::<Disaggregation>().unwrap();
        let values = |total, old, young| HashMap::from([(part(""), total), (part("age=old"), old), (part("age=young"), young)]);
        assert_eq!(found, [values(Some(3.0), Some(1.0), None), values(None, None, None)]);
        assert!(store.read().quality().breakdowns(&[]).await.unwrap().is_empty());
    }

    async fn members_are_those_of_the_day(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = world(store).await;
        let net = keep(store, network("net", Vec::new())).await.id;
        let communities: BTreeSet<_> = world.communities.into_iter().collect();
        let of = |place: usize, joined: &str, left: Option<&str>| domain::membership::Membership {
            network: net, community: world.communities[place], joined_on: day(joined), left_on: left.map(day), consent: None,
        };
        keep(store, of(0, "2015-01-01", None)).await;
        keep(store, of(1, "2015-01-01", Some("2020-01-01"))).await;
        let members = async |on: &str| {
            let found = store.read().quality().networks_of(&communities, day(on)).await.unwrap();
            found.into_iter().map(|(community, _)| community).collect::<BTreeSet<_>>()
        };
        assert_eq!(members("2019-12-31").await, BTreeSet::from([world.communities[0], world.communities[1]]));
        assert_eq!(members("2020-01-01").await, BTreeSet::from([world.communities[0]]));
        assert!(members("2014-12-31").await.is_empty());
    }
}
