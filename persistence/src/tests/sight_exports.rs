//! Exports for random people: what they hold is what the policy says, no more than any other way of reading.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    access::Scope,
    export::{ExportFilter, ExportPart, ExportSpan},
    observation::Observation,
    port::export::Exports,
    record::Stored,
    series::Series,
};

use super::{
    samples::day,
    sight_model::{Eyes, World},
};

/// Exports everything, a span of it, and what was known at some moments.
pub(super) async fn check_exports(
    exports: &dyn Exports,
    world: &World,
    eyes: &Eyes<'_>,
    scope: &Scope,
    now: DateTime<Utc>,
) {
    let mut moments: Vec<_> = world.observations.iter().map(|found| found.recorded_at).collect();
    moments.sort_unstable();
    let before = moments.first().map(|first| *first - TimeDelta::microseconds(1));
    let spans = [
        ExportSpan::default(),
        ExportSpan { from: Some(day("2020-06-01")), ..ExportSpan::default() },
        ExportSpan { until: Some(day("2020-06-01")), ..ExportSpan::default() },
        ExportSpan { as_of: before, ..ExportSpan::default() },
        ExportSpan { as_of: moments.get(moments.len() / 2).copied(), ..ExportSpan::default() },
        ExportSpan { as_of: Some(now), ..ExportSpan::default() },
    ];
    for span in spans {
        let filter = ExportFilter {
            communities: world.communities.iter().map(|community| community.id).collect(),
            span,
            ..ExportFilter::default()
        };
        let mut expected: Vec<(&Stored<Series>, Observation)> = Vec::new();
        for series in &world.series {
            let seen = match span.as_of {
                Some(moment) => eyes.known_at(series.id, moment),
                None => eyes.observations(series.id),
            };
            let wanted = seen.into_iter().filter(|found| {
                span.from.is_none_or(|from| found.period.end() > from)
                    && span.until.is_none_or(|until| found.period.start() <= until)
            });
            expected.extend(wanted.map(|found| (series, found.clone())));
        }
        let parts: BTreeSet<_> = expected.iter().map(|(series, _)| part(series)).collect();
        let read: BTreeSet<_> = exports.parts(scope, &filter, now).await.unwrap().into_iter().collect();
        assert_eq!(read, parts, "{scope:?} {span:?} at {now}");
        let read = exports.page(scope, &filter, None, now).await.unwrap();
        assert_eq!(read.next, None);
        let told = |series: &Series, found: &Observation| {
            format!("{series:?} {} {} {:?}", found.period, found.revision, found.figure)
        };
        let read: BTreeSet<_> = read.figures.iter().map(|(series, found)| told(series, found)).collect();
        let expected: BTreeSet<_> = expected.iter().map(|(series, found)| told(series, found)).collect();
        assert_eq!(read, expected, "{scope:?} {span:?} at {now}");
    }
}

fn part(series: &Series) -> ExportPart {
    ExportPart {
        indicator: series.indicator,
        version: series.indicator_version,
        source: series.source,
        disaggregation: series.disaggregation.clone(),
    }
}
