//! What the tests of comparisons are made of.

mod examples;
mod properties;
mod totals;

use chrono::{DateTime, NaiveDate};
use uuid::Uuid;

use super::*;
use crate::{
    id::IndicatorId,
    indicator::{Additivity, Measure, Polarity},
    observation::Figure,
    period::PeriodKind,
    record::{Meta, Noun},
    series::Disaggregation,
    text::LocalizedText,
};

pub(super) fn id<T: From<Uuid>>(number: u32) -> T {
    T::from(Uuid::from_u128(number.into()))
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn period(text: &str) -> Period {
    text.parse().unwrap()
}

pub(super) fn text(text: &str) -> LocalizedText {
    LocalizedText::new("en".parse().unwrap(), text).unwrap()
}

/// A percentage with one decimal, measured every year.
pub(super) fn version(polarity: Polarity) -> IndicatorVersion {
    IndicatorVersion {
        indicator: id(1),
        number: 1,
        measure: Measure::Percentage,
        unit: text("%"),
        currency: None,
        decimals: 1,
        minimum: None,
        maximum: None,
        polarity,
        numerator: None,
        denominator: Some(text("children")),
        multiplier: Some(100.0),
        frequency: PeriodKind::Year,
        additivity: Additivity::RatioOfSums,
        effective_from: day("2010-01-01"),
        counts_persons: true,
    }
}

pub(super) fn stored<N: Noun>(number: u32, value: N) -> Stored<N> {
    let meta = Meta {
        version: 1,
        created_at: DateTime::UNIX_EPOCH,
        created_by: "test".to_owned(),
        updated_at: DateTime::UNIX_EPOCH,
        updated_by: "test".to_owned(),
        archived_at: None,
    };
    Stored { id: id(number), meta, value }
}

pub(super) fn member(community: u32) -> Member {
    Member { community: id(community), population: Some(1_000), geography_changes: Vec::new() }
}

pub(super) fn observation(series: SeriesId, when: &str, figure: Figure) -> Observation {
    Observation {
        series,
        period: period(when),
        revision: 1,
        figure,
        recorded_at: DateTime::UNIX_EPOCH,
        recorded_by: "test".to_owned(),
        superseded_at: None,
        cause: Default::default(),
    }
}

/// A figure of a community by version 1 from source 1.
pub(super) fn candidate(community: u32, when: &str, figure: Figure) -> Candidate {
    offer(community, 1, 1, when, figure)
}

/// A figure of a community by a version from a source.
pub(super) fn offer(community: u32, version: u32, source: u32, when: &str, figure: Figure) -> Candidate {
    let series_id = id(community * 10_000 + version * 100 + source);
    let series = Series {
        community: id(community),
        indicator: id::<IndicatorId>(1),
        indicator_version: id(version),
        source: id(source),
        disaggregation: Disaggregation::total(),
    };
    let current = observation(series_id, when, figure);
    Candidate {
        series_id,
        series,
        current,
        baseline: None,
        baseline_declared: false,
        broken_since_baseline: false,
        crossing: Default::default(),
        aggregated: true,
    }
}

impl Candidate {
    pub(super) fn since(mut self, when: &str, value: f64) -> Self {
        self.baseline = Some(observation(self.series_id, when, Figure::of(value)));
        self.baseline_declared = true;
        self
    }
}

/// A target by version 1: a community's own, or the network's for community 0.
pub(super) fn target(number: u32, community: u32, value: f64, due_on: &str) -> Stored<Target> {
    stored(
        number,
        Target {
            indicator: id(1),
            indicator_version: id(1),
            network: (community == 0).then(|| id(1)),
            community: (community > 0).then(|| id(community)),
            value,
            due_on: day(due_on),
            note: None,
            replaces: None,
        },
    )
}

/// A comparison by version 1 of the communities that have a candidate.
pub(super) fn input(version: IndicatorVersion, candidates: Vec<Candidate>) -> Input {
    let mut communities: Vec<CommunityId> = candidates.iter().map(|candidate| candidate.series.community).collect();
    communities.dedup();
    let members = communities.into_iter().map(|community| Member { community, ..member(0) }).collect();
    Input {
        members,
        versions: vec![stored(1, version)],
        version: id(1),
        candidates,
        withheld: Vec::new(),
        suppression: SuppressionPolicy::default(),
        targets: Vec::new(),
        period: None,
    }
}

/// Candidates by version 1 for 2020 with these values, of the communities 1, 2, 3 …
pub(super) fn values(values: &[f64]) -> Vec<Candidate> {
    (1..).zip(values).map(|(community, &value)| candidate(community, "2020", Figure::of(value))).collect()
}

pub(super) fn cell(comparison: &Comparison, index: usize) -> &Cell {
    comparison.entries[index].cell.as_ref().unwrap()
}
