//! What readers read of figures besides the current ones: as they were known, in comparisons, and in totals. The second half of
//! the plain model.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::{
    access::Reader,
    decision::AuthorityAct,
    id::{NetworkId, SeriesId},
    learning::Visibility,
    observation::{Observation, ObservationStatus},
    period::Period,
    record::Stored,
    series::Series,
};

use super::sight_model::{Eyes, active, lasts};

impl Eyes<'_> {
    /// The figures of a series as they were known at a moment, as far as the reader may read their history.
    pub(super) fn known_at(&self, series: SeriesId, moment: DateTime<Utc>) -> Vec<&Observation> {
        let periods: BTreeSet<Period> =
            self.world.observations.iter().filter(|found| found.series == series).map(|found| found.period).collect();
        let was_current =
            |found: &&Observation| found.recorded_at <= moment && found.superseded_at.is_none_or(|end| moment < end);
        periods.into_iter().flat_map(|period| self.revisions(series, period)).filter(was_current).collect()
    }

    /// What a series gives to the totals of a network besides what the reader reads alone: the figure, whether members read it,
    /// and the networks whose totals it may enter.
    pub(super) fn withheld(
        &self,
        series: &Stored<Series>,
        network: NetworkId,
        period: Option<Period>,
    ) -> Option<(Observation, bool, BTreeSet<NetworkId>)> {
        let (world, day, reader) = (self.world, self.now.date_naive(), self.reader.as_ref()?);
        let (community, indicator) = (series.community, series.indicator);
        let visibility = world.rule(community, indicator)?.visibility;
        let limited = reader.limited.networks.contains(&network) && reader.limited.indicators.contains(&indicator);
        let belongs = limited || reader.networks.contains(&network) || reader.coordinated.contains(&network);
        let enters = match visibility {
            Visibility::AggregateOnly => belongs || reader.funded.contains(&network),
            Visibility::Network | Visibility::Public => reader.funded.contains(&network),
            _ => false,
        };
        if !enters || self.figures(community, indicator) {
            return None;
        }
        // Whoever reads, only what is for everybody as such enters.
        let everybody = Eyes { world, now: self.now, reader: Some(Reader::default()) };
        let mut free: Vec<&Observation> = world
            .observations
            .iter()
            .filter(|found| found.series == series.id && found.superseded_at.is_none())
            .filter(|found| everybody.figure((community, indicator), &found.figure))
            .filter(|found| everybody.many(series.id, found.period, false))
            .collect();
        free.sort_by_key(|found| found.period);
        let counts =
            |found: &&&Observation| found.figure.value.is_some() && found.figure.status != ObservationStatus::Forecast;
        let current = match period {
            Some(period) => free.iter().find(|found| found.period == period),
            None => free.iter().rfind(counts),
        };
        let current = *current?;
        let allowed = |act, network| world.is_allowed(act, (community, indicator), Some(network), day);
        let networks: BTreeSet<NetworkId> = active(&world.memberships)
            .filter(|place| place.community == community && place.is_current(day))
            .filter(|place| place.consent.as_ref().is_some_and(|consent| lasts(consent.expires_on, day)))
            .map(|place| place.network)
            .filter(|&network| allowed(AuthorityAct::Aggregate, network))
            .filter(|&network| visibility == Visibility::AggregateOnly || allowed(AuthorityAct::Publish, network))
            .collect();
        networks.contains(&network).then(|| (current.clone(), visibility != Visibility::AggregateOnly, networks))
    }

    /// The newest figure of a series as it was known at a moment.
    pub(super) fn newest_at(&self, series: SeriesId, moment: DateTime<Utc>) -> Option<&Observation> {
        let counts =
            |found: &&Observation| found.figure.value.is_some() && found.figure.status != ObservationStatus::Forecast;
        self.known_at(series, moment).into_iter().rfind(counts)
    }

    /// What a series gives to a comparison in a network, now or as it was known at a moment: the figure, its baseline and whether that is the declared one,
    /// whether the series broke in between, and whether it may enter totals.
    pub(super) fn candidate(
        &self,
        series: &Stored<Series>,
        network: NetworkId,
        period: Option<Period>,
        as_of: Option<DateTime<Utc>>,
    ) -> Option<(Observation, Option<Observation>, bool, bool)> {
        let (world, day) = (self.world, self.now.date_naive());
        let allowed = |act| world.is_allowed(act, (series.community, series.indicator), Some(network), day);
        let seen = as_of.map_or_else(|| self.observations(series.id), |moment| self.known_at(series.id, moment));
        let newest = || as_of.map_or_else(|| self.latest(series.id), |moment| self.newest_at(series.id, moment));
        let at = |period: Period| seen.iter().find(|found| found.period == period).copied();
        let current = if let Some(period) = period { at(period)? } else { newest()? };
        if !allowed(AuthorityAct::Compare) {
            return None;
        }
        let declared = active(&world.baselines).find(|baseline| baseline.series == series.id);
        let baseline = declared.and_then(|declared| at(declared.period)).filter(|found| found.figure.value.is_some());
        let broke = baseline.is_some_and(|baseline| {
            // Also one that the reader does not see.
            let current_ones = world.observations.iter().filter(|found| match as_of {
                None => found.superseded_at.is_none(),
                Some(moment) => found.recorded_at <= moment && found.superseded_at.is_none_or(|end| moment < end),
            });
            current_ones.filter(|found| found.series == series.id).any(|found| {
                found.figure.status == ObservationStatus::SeriesBreak
                    && baseline.period.end() < found.period.end()
                    && found.period.end() <= current.period.end()
            })
        });
        Some((current.clone(), baseline.cloned(), broke, allowed(AuthorityAct::Aggregate)))
    }
}
