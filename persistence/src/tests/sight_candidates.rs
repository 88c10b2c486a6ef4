//! What random people compare: the figures that may answer for a community, and those that enter totals alone.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{
    access::Scope,
    id::SeriesId,
    period::Period,
    port::figures::{CandidateQuery, Figures},
    series::Disaggregation,
};

use super::sight_model::{Eyes, World};

/// Compares in two networks, for the newest period and for one, by every indicator.
pub(super) async fn check_candidates(
    figures: &dyn Figures,
    world: &World,
    eyes: &Eyes<'_>,
    scope: &Scope,
    as_of: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) {
    let total = Disaggregation::total();
    let year = Period::year(2020).unwrap();
    for (network, period) in [(0, None), (0, Some(year)), (1, None), (1, Some(year))] {
        for indicator in &world.indicators {
            let network = world.networks[network].id;
            let query = CandidateQuery {
                network,
                communities: world.communities.iter().map(|community| community.id).collect(),
                indicator: indicator.id,
                disaggregation: total.clone(),
                period,
                baseline_period: None,
                as_of,
                now,
            };
            let read = figures.candidates(scope, &query).await.unwrap();
            let read: BTreeMap<SeriesId, _> = read
                .into_iter()
                .map(|found| {
                    assert_eq!(found.baseline_declared, found.baseline.is_some());
                    let said = (found.current, found.baseline, found.broken_since_baseline, found.aggregated);
                    (found.series_id, said)
                })
                .collect();
            let expected: BTreeMap<_, _> = world
                .series
                .iter()
                .filter(|series| series.indicator == indicator.id && series.disaggregation == total)
                .filter_map(|series| eyes.candidate(series, network, period, as_of).map(|said| (series.id, said)))
                .collect();
            assert_eq!(read, expected, "{scope:?} at {now} as of {as_of:?}");
            // Of the present alone.
            let mut read = figures.withheld(scope, &query).await.unwrap();
            read.sort_by_key(|found| (found.community, found.source, found.period));
            let read: Vec<_> = read
                .into_iter()
                .map(|found| {
                    (found.community, found.source, found.period, found.figure, found.read_by_members, found.networks)
                })
                .collect();
            let mut expected: Vec<_> = world
                .series
                .iter()
                .filter(|series| series.indicator == indicator.id && series.disaggregation == total)
                .filter_map(|series| {
                    let (found, by_members, networks) = eyes.withheld(series, network, period)?;
                    Some((series.community, series.source, found.period, found.figure, by_members, networks))
                })
                .collect();
            expected.sort_by_key(|found| (found.0, found.1, found.2));
            assert_eq!(read, expected, "withheld from {scope:?} at {now}");
        }
    }
}
