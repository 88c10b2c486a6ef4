//! The rules of records that say where a series begins and where it is to go: baselines and targets.

use std::collections::BTreeSet;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Change, Context, Governed, governed::Concerned};
use crate::{
    access::{Needs, Scope},
    baseline::Baseline,
    error::{Error, Problem, ProblemCode, Problems, Result},
    event::Topic,
    id::{CommunityId, EntityId as _, NetworkId, SeriesId},
    observation::Observation,
    page::{ListQuery, MAX_PAGE, PageArgs},
    record::Stored,
    series::{Disaggregation, Series, SeriesFilter},
    target::Target,
};

#[async_trait]
impl Governed for Baseline {
    const TO_WRITE: &'static str = "declare baselines";

    async fn places(&self, _: Option<Self::Id>, context: &Context<'_>) -> Result<Vec<Concerned>> {
        Ok(vec![(context.community_of_series(self.series).await?, None)])
    }

    async fn needs(&self, _: Change<'_, Self>, context: &Context<'_>) -> Result<Vec<Needs>> {
        let community = context.community_of_series(self.series).await?;
        Ok(vec![community.map(Needs::steward).unwrap_or_default()])
    }

    async fn look_up(records: &[&Stored<Self>], context: &mut Context<'_>) -> Result<()> {
        let ids: Vec<_> = records.iter().map(|record| record.series).collect();
        context.know_series(&ids).await
    }

    /// Its indicator is known only through the series; `Communities`, on which every comparison depends, is as good, since
    /// baselines change rarely.
    fn topics(&self, _: Self::Id) -> BTreeSet<Topic> {
        [Topic::Communities].into()
    }

    /// A baseline is a figure that exists and has a value.
    async fn admit(self, _: Option<&Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        if current_value(context, self.series, self.period).await?.is_none() {
            let message = format!("the series has no value for {}", self.period);
            return Err(Error::invalid("period", ProblemCode::NotFound, message));
        }
        Ok(self)
    }
}

async fn current_value(context: &Context<'_>, series: SeriesId, period: crate::period::Period) -> Result<Option<f64>> {
    let revisions =
        context.repositories.figures().revisions(&Scope::Everything, &[(series, period)], context.now).await?;
    let current = revisions.into_iter().find(|revision: &Observation| revision.superseded_at.is_none());
    Ok(current.and_then(|current| current.figure.value))
}

#[async_trait]
impl Governed for Target {
    const TO_WRITE: &'static str = "set targets";

    fn concerns(&self) -> (Option<CommunityId>, Option<NetworkId>) {
        (self.community, self.network)
    }

    async fn needs(&self, _: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let network = self.network.map(Needs::coordinator);
        Ok(network.into_iter().chain(self.community.map(Needs::steward)).collect())
    }

    fn topics(&self, _: Self::Id) -> BTreeSet<Topic> {
        let network = self.network.map(Topic::Network);
        network.into_iter().chain([Topic::Indicator(self.indicator)]).collect()
    }

    async fn admit(self, before: Option<&Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        if before.is_some_and(|before| before.value != self) {
            let message = "a target does not change: set another in its place";
            return Err(Error::Conflict(Problem::new("id", ProblemCode::Immutable, message)));
        }
        let versions = context.repositories.indicator_versions();
        let version = versions.get(&Scope::Everything, &[self.indicator_version]).await?.pop();
        let version = version.filter(|version| version.indicator == self.indicator).ok_or_else(|| {
            Error::invalid("indicatorVersion", ProblemCode::NotFound, "the indicator has no such version")
        })?;
        let baseline = match self.community {
            Some(community) => self.baseline_of(community, context).await?,
            None => None,
        };
        let mut problems = Problems::default();
        self.check_against(&version.value, baseline, &mut problems);
        problems.into_result()?;
        Ok(self)
    }
}

impl Target {
    /// The declared baseline of the community's total by the target's definition, if there is one.
    async fn baseline_of(
        &self,
        community: CommunityId,
        context: &Context<'_>,
    ) -> Result<Option<(crate::period::Period, f64)>> {
        let query = ListQuery {
            filter: SeriesFilter {
                community: Some(community),
                indicators: Some(vec![self.indicator]),
                disaggregation: Some(Disaggregation::total()),
                source: None,
            },
            page: PageArgs::first(MAX_PAGE),
            ..ListQuery::default()
        };
        let series = context.repositories.series().list(&Scope::Everything, &query).await?;
        let of_version = |series: &Stored<Series>| series.indicator_version == self.indicator_version;
        let ids: Vec<Uuid> = series.items.iter().filter(|(_, s)| of_version(s)).map(|(_, s)| s.id.uuid()).collect();
        let baselines = context
            .repositories
            .baselines()
            .list_of(&Scope::Everything, crate::baseline::BaselineParent::Series, &ids, &ListQuery::default())
            .await?;
        for (_, baseline) in baselines.into_values().flat_map(|page| page.items) {
            if let Some(value) = current_value(context, baseline.series, baseline.period).await? {
                return Ok(Some((baseline.period, value)));
            }
        }
        Ok(None)
    }
}
