//! Setting targets, and keeping them within range and better than their baselines (invariant 6), whichever of the three changes.

use std::collections::HashSet;

use super::{Context, Governed as _, Services, Session, records::all};
use crate::{
    access::{Actor, Scope},
    baseline::{Baseline, BaselineFilter},
    error::{Error, Problem, ProblemCode, Problems, Result},
    id::{CommunityId, IndicatorVersionId, SeriesId},
    indicator::IndicatorVersion,
    observation::Observation,
    period::Period,
    record::Stored,
    series::Series,
    target::{Target, TargetFilter},
};

impl Services {
    /// Sets a target. If it replaces another, that one is archived with it: moved targets keep their history.
    ///
    /// # Errors
    /// [`Error::Validation`] naming `replaces` for a target of somebody else, on another indicator, or already archived.
    pub async fn set_target(&self, actor: &Actor, target: Target) -> Result<Stored<Target>> {
        let session = self.session(actor, Target::TO_WRITE).await?;
        let refused = session.refused();
        let result = Box::pin(session.set_target(target)).await;
        self.denied(actor, &refused, result).await
    }
}

impl Session {
    async fn set_target(self, target: Target) -> Result<Stored<Target>> {
        let replaced = target.replaces;
        let record = self.create(target).await?;
        if let Some(id) = replaced {
            let earlier = self.repositories().targets().get(&Scope::Everything, &[id]).await?.pop();
            let same = |earlier: &Stored<Target>| {
                earlier.indicator == record.indicator
                    && earlier.network == record.network
                    && earlier.community == record.community
                    && earlier.meta.archived_at.is_none()
            };
            let earlier = earlier.filter(same).ok_or_else(|| {
                let message = "it is not a current target of the same owner on the same indicator";
                Error::invalid("replaces", ProblemCode::Invalid, message)
            })?;
            self.archive::<Target>(id, earlier.meta.version, true).await?;
        }
        self.commit().await?;
        Ok(record)
    }
}

/// Refuses a target on a performance measure (invariant 7: the members of a network are communities too), out of range, or, if a
/// community sets it, not better and later than each of its baselines.
pub(super) async fn check_target(target: &Target, context: &Context<'_>) -> Result<()> {
    let version = held_version(target.indicator_version, context).await?;
    let version = version.filter(|version| version.indicator == target.indicator).ok_or_else(|| {
        Error::invalid("indicatorVersion", ProblemCode::NotFound, "the indicator has no such version")
    })?;
    let mut problems = Problems::default();
    for indicator in context.repositories.indicators().get(&Scope::Everything, &[target.indicator]).await? {
        Series::check_kind(&indicator, &mut problems);
    }
    target.check_against(&version, None, &mut problems);
    problems.into_result()?;
    let Some(community) = target.community else { return Ok(()) };
    for baseline in baselines_of(community, target, context).await? {
        let mut problems = Problems::default();
        target.check_start(&version, baseline, &mut problems);
        problems.into_result()?;
    }
    Ok(())
}

/// Refuses a baseline without a value, or that a target of its community is not better and later than.
pub(super) async fn check_baseline(baseline: &Baseline, context: &Context<'_>) -> Result<()> {
    let Some(value) = current_value(context, baseline.series, baseline.period).await? else {
        let message = format!("the series has no value for {}", baseline.period);
        return Err(Error::invalid("period", ProblemCode::NotFound, message));
    };
    let series = context.repositories.series().get(&Scope::Everything, &[baseline.series]).await?.pop();
    // Targets speak of everybody.
    let Some(series) = series.filter(|series| series.disaggregation.is_total()) else { return Ok(()) };
    let Some(version) = held_version(series.indicator_version, context).await? else { return Ok(()) };
    let of_community = TargetFilter { community: Some(series.community), ..TargetFilter::default() };
    for target in targets_on(version.id, &version, of_community, context).await? {
        let mut problems = Problems::default();
        target.check_start(&version, (baseline.period, value), &mut problems);
        if let Some(problem) = problems.iter().next() {
            let message = format!("it contradicts the target due on {}: {}", target.due_on, problem.message);
            return Err(Error::Conflict(Problem::new("period", ProblemCode::Conflict, message)));
        }
    }
    Ok(())
}

/// Refuses a definition that leaves a target on it out of range. That its targets are better than their baselines needs no look:
/// a definition that changes has no figures, so no baselines.
pub(super) async fn check_version(
    id: IndicatorVersionId,
    version: &IndicatorVersion,
    context: &Context<'_>,
) -> Result<()> {
    let targets = targets_on(id, version, TargetFilter::default(), context).await?;
    if let Some(target) = targets.iter().find(|target| !version.allows(target.value.value)) {
        let (value, due_on) = (target.value.value, target.due_on);
        let message = format!("a target of {value}, due on {due_on}, lies outside its range: {}", version.range());
        let bound = if version.lower_bound().is_some_and(|low| value < low) { "minimum" } else { "maximum" };
        return Err(Error::Conflict(Problem::new(bound, ProblemCode::Conflict, message)));
    }
    Ok(())
}

/// The definition, held until the unit of work ends: a target and a baseline that are set at the same time see each other.
async fn held_version(id: IndicatorVersionId, context: &Context<'_>) -> Result<Option<Stored<IndicatorVersion>>> {
    context.repositories.hold(id.into()).await?;
    Ok(context.repositories.indicator_versions().get(&Scope::Everything, &[id]).await?.pop())
}

/// The current targets on a definition, of those that the filter finds.
async fn targets_on(
    id: IndicatorVersionId,
    version: &IndicatorVersion,
    filter: TargetFilter,
    context: &Context<'_>,
) -> Result<Vec<Stored<Target>>> {
    let filter = TargetFilter { indicator: Some(version.indicator), ..filter };
    let mut targets = all(context.repositories.targets(), filter).await?;
    targets.retain(|target| target.indicator_version == id);
    Ok(targets)
}

/// The declared baselines of the community's totals by the target's definition, one for each source that has any.
async fn baselines_of(community: CommunityId, target: &Target, context: &Context<'_>) -> Result<Vec<(Period, f64)>> {
    let filter =
        BaselineFilter { community: Some(community), indicator: Some(target.indicator), ..BaselineFilter::default() };
    let baselines = all(context.repositories.baselines(), filter).await?;
    let ids: Vec<_> = baselines.iter().map(|baseline| baseline.series).collect();
    let series = context.repositories.series().get(&Scope::Everything, &ids).await?;
    let speaks_of_it = |series: &&Stored<Series>| {
        series.indicator_version == target.indicator_version && series.disaggregation.is_total()
    };
    let totals: HashSet<SeriesId> = series.iter().filter(speaks_of_it).map(|series| series.id).collect();
    let mut found = Vec::new();
    for baseline in baselines.iter().filter(|baseline| totals.contains(&baseline.series)) {
        if let Some(value) = current_value(context, baseline.series, baseline.period).await? {
            found.push((baseline.period, value));
        }
    }
    Ok(found)
}

async fn current_value(context: &Context<'_>, series: SeriesId, period: Period) -> Result<Option<f64>> {
    let figures = context.repositories.figures();
    let revisions = figures.revisions(&Scope::Everything, &[(series, period)], context.now).await?;
    let current = revisions.into_iter().find(Observation::is_current);
    Ok(current.and_then(|current| current.figure.value))
}
