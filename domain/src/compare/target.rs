//! Distance to the target.

use std::{cmp::Reverse, collections::HashMap};

use chrono::NaiveDate;

use super::{
    Candidate, TargetFigure,
    change::Pair,
    choose::value,
    number::{PERCENT_PLACES, clean, places},
};
use crate::{
    id::{CommunityId, IndicatorVersionId, TargetId},
    indicator::IndicatorVersion,
    observation::ObservationStatus,
    record::Stored,
    target::Target,
};

/// Current targets, by whom and by which version they were set. A target counts only for figures of its own version.
pub(super) struct Targets<'a> {
    own: HashMap<(CommunityId, IndicatorVersionId), &'a Stored<Target>>,
    network: HashMap<IndicatorVersionId, &'a Stored<Target>>,
}

impl<'a> Targets<'a> {
    /// Of several targets, the one that falls due first of those not due before `day`, the last day of the period compared; if
    /// all were due before it, the one due last. Of two due on one day, the one set later, which has the larger id.
    pub(super) fn new(targets: &'a [Stored<Target>], day: NaiveDate) -> Self {
        let (mut own, mut network) = (HashMap::new(), HashMap::new());
        let best = |held: &mut &'a Stored<Target>, target| {
            if preference(target, day) > preference(held, day) {
                *held = target;
            }
        };
        for target in targets.iter().filter(|target| target.meta.archived_at.is_none()) {
            let version = target.indicator_version;
            match target.community {
                Some(community) => best(own.entry((community, version)).or_insert(target), target),
                None => best(network.entry(version).or_insert(target), target),
            }
        }
        Self { own, network }
    }

    /// The target that applies to a community's figures by a version: its own before the network's; and whether it is its own.
    fn applying(&self, community: CommunityId, version: IndicatorVersionId) -> Option<(&'a Stored<Target>, bool)> {
        let own = self.own.get(&(community, version)).map(|target| (*target, true));
        own.or_else(|| self.network.get(&version).map(|target| (*target, false)))
    }

    /// The target that applies to a candidate by `version`, and how far it is away: gap = d (T - v), in the unit of the
    /// version, and progress = 100 (v - v0) / (T - v0) percent, 0 at the baseline and 100 at the target, not clamped. There is
    /// no gap for a figure that departs from the definition, and no progress without `pair` or where T = v0.
    pub(super) fn figure(
        &self,
        candidate: &Candidate,
        version: &IndicatorVersion,
        pair: Option<Pair>,
    ) -> Option<TargetFigure> {
        let (target, own) = self.applying(candidate.series.community, candidate.series.indicator_version)?;
        let figure = &candidate.current.figure;
        let now = value(figure).filter(|_| figure.status != ObservationStatus::DefinitionDiffers);
        Some(TargetFigure {
            id: target.id,
            value: target.value.value,
            due_on: target.due_on,
            own,
            gap: version.polarity.sign().zip(now).and_then(|(sign, now)| gap(sign, target.value.value, now, version)),
            progress: pair.and_then(|pair| progress(pair, target.value.value)),
        })
    }
}

fn preference(target: &Stored<Target>, day: NaiveDate) -> (bool, Result<Reverse<NaiveDate>, NaiveDate>, TargetId) {
    let ahead = target.due_on >= day;
    // The two never meet: the first field has told them apart.
    (ahead, if ahead { Ok(Reverse(target.due_on)) } else { Err(target.due_on) }, target.id)
}

fn gap(sign: f64, target: f64, now: f64, version: &IndicatorVersion) -> Option<f64> {
    clean(sign * (target - now), places(version))
}

fn progress(Pair { now, start }: Pair, target: f64) -> Option<f64> {
    // 0 / 0 and x / 0 are not finite: T = v0 gives nothing.
    clean(100.0 * ((now - start) / (target - start)), PERCENT_PLACES)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    // Winnipeg: from 15.7 % to 9.8 %, on the way to 7.25 %: -5.9 of -8.45 points.
    #[case(9.8, 15.7, 7.25, Some(69.822_485_207))]
    #[case(15.7, 15.7, 7.25, Some(0.0))]
    #[case(7.25, 15.7, 7.25, Some(100.0))]
    #[case(5.0, 10.0, 7.5, Some(200.0))]
    #[case(12.0, 10.0, 7.5, Some(-80.0))]
    #[case(9.8, 7.25, 7.25, None)]
    #[case(7.25, 7.25, 7.25, None)]
    #[case(f64::MAX, -f64::MAX, f64::MAX, None)]
    fn progress_is_not_clamped(
        #[case] now: f64,
        #[case] start: f64,
        #[case] target: f64,
        #[case] percent: Option<f64>,
    ) {
        assert_eq!(progress(Pair { now, start }, target), percent);
    }
}
