//! Lists of what hangs on networks, communities, indicators and series: every order is walked, every filter is held against
//! the records themselves.

use std::cmp::Ordering;

use domain::{
    access::Scope,
    baseline::{Baseline, BaselineFilter, BaselineSort},
    indicator::{IndicatorVersion, IndicatorVersionFilter, IndicatorVersionSort, Polarity},
    membership::{Membership, MembershipFilter, MembershipSort},
    page::{ListQuery, PageArgs},
    period::Period,
    port::store::{Holds, Repositories, Store as _},
    record::{Noun, Stored},
    series::{Series, SeriesFilter, SeriesSort},
    target::{Target, TargetFilter, TargetSort},
};

use super::{Scratch, on_both, pages::hold_against, samples::*};
use crate::SqlStore;

/// The filter finds those for which the condition holds: some, and not all.
async fn holds<N: Noun>(store: &SqlStore, all: &[Stored<N>], filter: N::Filter, condition: impl Fn(&N) -> bool)
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let name = format!("{filter:?}");
    let query = ListQuery { filter, page: PageArgs::first(100), count: true, ..ListQuery::default() };
    let page = Holds::<N>::repository(store.read()).list(&Scope::Everything, &query).await.unwrap();
    let mut found: Vec<_> = page.items.into_iter().map(|(_, record)| record.id).collect();
    let mut expected: Vec<_> = all.iter().filter(|record| condition(&record.value)).map(|record| record.id).collect();
    assert!(!expected.is_empty() && expected.len() < all.len(), "{name} tells nothing apart");
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{name}");
    assert_eq!(page.total, Some(expected.len() as u64), "{name}");
}

fn by_time<N: Noun>(a: &Stored<N>, b: &Stored<N>) -> Ordering {
    a.meta.created_at.cmp(&b.meta.created_at)
}

/// With equal values in every order, and created in none of them.
fn kept<N: Noun>(values: impl IntoIterator<Item = N>) -> Vec<Stored<N>> {
    values.into_iter().enumerate().map(|(n, value)| stored(value, moment([9, 0, 5, 0][n % 4]))).collect()
}

on_both! {
    async fn of_memberships(scratch: &Scratch) {
        let store = &*scratch.store;
        let networks = [keep(store, network("n0", Vec::new())).await, keep(store, network("n1", Vec::new())).await];
        let mut values = Vec::new();
        for n in 0..5_usize {
            let community = keep(store, community(&format!("c{n}"))).await;
            for network in &networks {
                let joined_on = day(["2020-01-01", "2018-06-01", "2020-01-01"][values.len() % 3]);
                let left_on = (n % 2 == 0).then(|| day("2021-01-01"));
                values.push(Membership { joined_on, left_on, ..membership(network.id, community.id) });
            }
        }
        let all = kept(values);
        keep_all(store, &all).await;
        let sorts = [MembershipSort::JoinedOn, MembershipSort::CreatedAt];
        hold_against(store, &sorts, &all, |by, a, b| match by {
            MembershipSort::JoinedOn => a.joined_on.cmp(&b.joined_on),
            MembershipSort::CreatedAt => by_time(a, b),
        })
        .await;

        let (network, community) = (networks[1].id, all[4].community);
        let of_network = MembershipFilter { network: Some(network), ..MembershipFilter::default() };
        holds(store, &all, of_network.clone(), |m: &Membership| m.network == network).await;
        let of_community = MembershipFilter { community: Some(community), ..MembershipFilter::default() };
        holds(store, &all, of_community, |m: &Membership| m.community == community).await;
        // The first day belongs to it, and the day on which the community left does not.
        for on in ["2018-06-01", "2019-12-31", "2020-12-31", "2021-01-01"].map(day) {
            let filter = MembershipFilter { on: Some(on), ..of_network.clone() };
            holds(store, &all, filter, |m: &Membership| m.network == network && m.is_current(on)).await;
        }
    }

    async fn of_targets(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        let others = keep(store, indicator("other")).await;
        let other = keep(store, version(others.id, 1)).await;
        let mut values = vec![];
        for n in 0..9_usize {
            let by_community = if n % 3 == 0 { world.other.id } else { world.community.id };
            let one = if n % 2 == 0 {
                target(world.indicator.id, world.version.id, by_community)
            } else {
                target(others.id, other.id, by_community)
            };
            let due_on = day(["2030-12-31", "2027-01-01", "2028-06-30", "2027-01-01"][n % 4]);
            let of_network = Target { network: Some(world.network.id), community: None, ..one.clone() };
            values.push(Target { due_on, ..if n % 4 == 1 { of_network } else { one } });
        }
        let mut all = kept(values);
        keep_all(store, &all).await;
        all.push(world.target.clone());
        hold_against(store, &[TargetSort::DueOn, TargetSort::CreatedAt], &all, |by, a, b| match by {
            TargetSort::DueOn => a.due_on.cmp(&b.due_on),
            TargetSort::CreatedAt => by_time(a, b),
        })
        .await;

        let of_network = TargetFilter { network: Some(world.network.id), ..TargetFilter::default() };
        holds(store, &all, of_network, |t: &Target| t.network == Some(world.network.id)).await;
        let of_community = TargetFilter { community: Some(world.other.id), ..TargetFilter::default() };
        holds(store, &all, of_community, |t: &Target| t.community == Some(world.other.id)).await;
        let on_indicator = TargetFilter { indicator: Some(others.id), ..TargetFilter::default() };
        holds(store, &all, on_indicator, |t: &Target| t.indicator == others.id).await;
        // Both days belong to the span.
        let (from, until) = (day("2027-01-01"), day("2028-06-30"));
        let span = TargetFilter { due_from: Some(from), due_until: Some(until), ..TargetFilter::default() };
        holds(store, &all, span, |t: &Target| (from..=until).contains(&t.due_on)).await;
        let later = TargetFilter { due_from: Some(day("2027-01-02")), ..TargetFilter::default() };
        holds(store, &all, later, |t: &Target| t.due_on > from).await;
        let sooner = TargetFilter { due_until: Some(day("2028-06-29")), ..TargetFilter::default() };
        holds(store, &all, sooner, |t: &Target| t.due_on < until).await;
    }

    async fn of_series_and_their_baselines(scratch: &Scratch) {
        let store = &*scratch.store;
        let source = keep(store, source("s")).await;
        let communities = [keep(store, community("c0")).await, keep(store, community("c1")).await];
        let mut values = Vec::new();
        for code in ["i0", "i1"] {
            let indicator = keep(store, indicator(code)).await;
            let version = keep(store, version(indicator.id, 1)).await;
            for community in &communities {
                // Capitals, marks and what sorts between them: the order is that of the bytes.
                for part in ["sex=m", "", "sex=Z", "sex=é", "age=0-17"] {
                    let one = series(community.id, indicator.id, version.id, source.id);
                    values.push(Series { disaggregation: part.parse().unwrap(), ..one });
                }
            }
        }
        let all = kept(values);
        keep_all(store, &all).await;
        hold_against(store, &[SeriesSort::CreatedAt, SeriesSort::Disaggregation], &all, |by, a, b| match by {
            SeriesSort::CreatedAt => by_time(a, b),
            SeriesSort::Disaggregation => a.disaggregation.to_string().cmp(&b.disaggregation.to_string()),
        })
        .await;
        let (community, indicator) = (communities[1].id, all[0].indicator);
        let of_both =
            SeriesFilter { community: Some(community), indicators: Some(vec![indicator]), ..SeriesFilter::default() };
        holds(store, &all, of_both, |s: &Series| s.community == community && s.indicator == indicator).await;

        let periods = ["2015", "2015-Q4", "2014", "2015-11-16/P1Y"].map(|period| period.parse::<Period>().unwrap());
        let baselines = kept(
            all.iter().enumerate().map(|(n, series)| Baseline { period: periods[n % 4], ..baseline(series.id) }),
        );
        keep_all(store, &baselines).await;
        hold_against(store, &[BaselineSort::CreatedAt, BaselineSort::PeriodEnd], &baselines, |by, a, b| match by {
            BaselineSort::CreatedAt => by_time(a, b),
            BaselineSort::PeriodEnd => a.period.end().cmp(&b.period.end()),
        })
        .await;
        let of = |baseline: &Baseline| all.iter().find(|series| series.id == baseline.series).unwrap();
        let of_community = BaselineFilter { community: Some(community), ..BaselineFilter::default() };
        holds(store, &baselines, of_community, |b: &Baseline| of(b).community == community).await;
        let by_indicator = BaselineFilter { indicator: Some(indicator), ..BaselineFilter::default() };
        holds(store, &baselines, by_indicator, |b: &Baseline| of(b).indicator == indicator).await;
        let of_series = BaselineFilter { series: Some(all[7].id), ..BaselineFilter::default() };
        holds(store, &baselines, of_series, |b: &Baseline| b.series == all[7].id).await;
    }

    async fn of_definitions(scratch: &Scratch) {
        let store = &*scratch.store;
        let indicators = [keep(store, indicator("i0")).await, keep(store, indicator("i1")).await];
        let all = kept((0..12_usize).map(|n| IndicatorVersion {
            effective_from: day(["2020-01-01", "2015-01-01", "2020-01-02"][n % 3]),
            polarity: [Polarity::LowerIsBetter, Polarity::Neutral][n % 5 / 4],
            // Two digits: numbers are not ordered as texts.
            ..version(indicators[n % 2].id, [1, 9, 2, 10, 3, 11][n / 2])
        }));
        keep_all(store, &all).await;
        let sorts = [IndicatorVersionSort::Number, IndicatorVersionSort::EffectiveFrom];
        hold_against(store, &sorts, &all, |by, a, b| match by {
            IndicatorVersionSort::Number => a.number.cmp(&b.number),
            IndicatorVersionSort::EffectiveFrom => a.effective_from.cmp(&b.effective_from),
        })
        .await;

        let indicator = Some(indicators[0].id);
        let of_indicator = IndicatorVersionFilter { indicator, ..IndicatorVersionFilter::default() };
        holds(store, &all, of_indicator, |v: &IndicatorVersion| Some(v.indicator) == indicator).await;
        for by in ["2015-01-01", "2020-01-01"].map(day) {
            let effective = IndicatorVersionFilter { effective_by: Some(by), ..IndicatorVersionFilter::default() };
            holds(store, &all, effective, |v: &IndicatorVersion| v.effective_from <= by).await;
        }
        let neutral = IndicatorVersionFilter { polarity: Some(Polarity::Neutral), ..IndicatorVersionFilter::default() };
        holds(store, &all, neutral, |v: &IndicatorVersion| v.polarity == Polarity::Neutral).await;
    }
}
