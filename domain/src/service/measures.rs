//! The rules of records that say what is measured, and where it is to go: indicators with their versions, sources, baselines and
//! targets.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Change, Context, Governed, governed::Concerned, targets};
use crate::{
    access::{Needs, Role, Scope},
    baseline::Baseline,
    error::{Error, Problem, ProblemCode, Result},
    event::Topic,
    id::{CommunityId, IndicatorId, IndicatorVersionId, NetworkId},
    indicator::{Indicator, IndicatorVersion, IndicatorVersionFilter, IndicatorVersionSort, Polarity},
    mapping::Mapping,
    page::{Direction, ListQuery, Order, PageArgs},
    record::Stored,
    source::Source,
    target::Target,
};

#[async_trait]
impl Governed for Indicator {
    const TO_WRITE: &'static str = "change indicators";

    async fn needs(&self, change: Change<'_, Self>, context: &Context<'_>) -> Result<Vec<Needs>> {
        Ok(vec![match change {
            Change::Create => Needs::to_create_indicators(),
            Change::Update(before) | Change::Archive(before) | Change::Restore(before) => {
                indicator_needs(before.id, context).await?
            }
        }])
    }

    async fn look_up(records: &[&Stored<Self>], context: &mut Context<'_>) -> Result<()> {
        let ids: Vec<_> = records.iter().map(|record| record.id).collect();
        context.know_adopters(&ids).await
    }

    fn topics(&self, id: Self::Id) -> BTreeSet<Topic> {
        [Topic::Indicator(id)].into()
    }

    /// What kind of measure it is cannot change once it is defined: its figures would belong to the wrong owner.
    async fn admit(self, before: Option<&Stored<Self>>, _: &Context<'_>) -> Result<Self> {
        if before.is_some_and(|before| before.kind != self.kind) {
            let message = "the kind of an indicator does not change; another kind is another indicator";
            return Err(Error::Conflict(Problem::new("kind", ProblemCode::Immutable, message)));
        }
        Ok(self)
    }
}

#[async_trait]
impl Governed for IndicatorVersion {
    const TO_WRITE: &'static str = "change indicators";

    async fn needs(&self, _: Change<'_, Self>, context: &Context<'_>) -> Result<Vec<Needs>> {
        Ok(vec![indicator_needs(self.indicator, context).await?])
    }

    async fn look_up(records: &[&Stored<Self>], context: &mut Context<'_>) -> Result<()> {
        let ids: Vec<_> = records.iter().map(|record| record.indicator).collect();
        context.know_adopters(&ids).await
    }

    fn topics(&self, _: IndicatorVersionId) -> BTreeSet<Topic> {
        [Topic::Indicator(self.indicator)].into()
    }

    /// A new version takes the next number. Once figures are recorded under it, it never changes (invariant 5), except that which way
    /// is good can be said once where it was not: what the figures mean stays as it was.
    async fn admit(mut self, before: Option<&Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        let Some(before) = before else {
            self.number = next_number(self.indicator, context).await?;
            return Ok(self);
        };
        let says_which_way =
            before.polarity == Polarity::Neutral && Self { polarity: self.polarity, ..before.value.clone() } == self;
        if before.value != self && !says_which_way && context.repositories.figures().is_observed(before.id).await? {
            let message = "figures are recorded under this version, so it no longer changes: add another version";
            return Err(Error::Conflict(Problem::new("id", ProblemCode::Immutable, message)));
        }
        targets::check_version(before.id, &self, context).await?;
        Ok(self)
    }
}

/// Whoever runs a network that has adopted the indicator; any network, while none has.
async fn indicator_needs(indicator: IndicatorId, context: &Context<'_>) -> Result<Needs> {
    let networks = context.adopters_of(indicator).await?;
    let needs = networks.into_iter().map(Needs::coordinator).reduce(Needs::or);
    Ok(needs.unwrap_or_else(|| Needs::anywhere(&[Role::Coordinator])))
}

async fn next_number(indicator: IndicatorId, context: &Context<'_>) -> Result<i32> {
    let query = ListQuery {
        filter: IndicatorVersionFilter { indicator: Some(indicator), ..IndicatorVersionFilter::default() },
        order: Order { by: IndicatorVersionSort::Number, direction: Direction::Descending },
        page: PageArgs::first(1),
        archived: true,
        ..ListQuery::default()
    };
    let newest = context.repositories.indicator_versions().list(&Scope::Everything, &query).await?.items.pop();
    Ok(newest.map_or(1, |(_, newest)| newest.number.saturating_add(1)))
}

#[async_trait]
impl Governed for Source {
    const TO_WRITE: &'static str = "change sources";

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![("disclosureControlled", json!(self.disclosure_controlled))]
    }

    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let answering = || Needs::anywhere(&[Role::Steward, Role::Coordinator]);
        let before = match change {
            // That it controls disclosure decides what everybody reads of every community that it speaks of: no community
            // decides it for another.
            Change::Create if self.disclosure_controlled => return Ok(vec![Needs::administrator()]),
            Change::Create => return Ok(vec![Needs::to_create_partners_and_sources()]),
            Change::Archive(_) | Change::Restore(_) => return Ok(vec![answering()]),
            Change::Update(before) => &before.value,
        };
        let others = Self { disclosure_controlled: before.disclosure_controlled, ..self.clone() } != *before;
        let controlled = self.disclosure_controlled != before.disclosure_controlled;
        let nothing = (!others && !controlled).then(|| answering().or(Needs::administrator()));
        let needs = [others.then(answering), controlled.then(Needs::administrator), nothing];
        Ok(needs.into_iter().flatten().collect())
    }

    /// Whether its small figures are seen decides what is compared.
    fn topics(&self, _: Self::Id) -> BTreeSet<Topic> {
        [Topic::Communities].into()
    }
}

#[async_trait]
impl Governed for Mapping {
    const TO_WRITE: &'static str = "change mappings";

    /// Whoever may write sources.
    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        Ok(vec![match change {
            Change::Create => Needs::to_create_partners_and_sources(),
            Change::Update(_) | Change::Archive(_) | Change::Restore(_) => {
                Needs::anywhere(&[Role::Steward, Role::Coordinator])
            }
        }])
    }

    fn topics(&self, _: Self::Id) -> BTreeSet<Topic> {
        BTreeSet::new()
    }

    /// Another content takes the next number; what was said under one never changes.
    async fn admit(mut self, before: Option<&Stored<Self>>, _: &Context<'_>) -> Result<Self> {
        self.number = match before {
            None => 1,
            Some(before) => before.number.saturating_add(i32::from(before.content != self.content)),
        };
        Ok(self)
    }
}

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

    /// A baseline is a figure that exists and has a value, and that the community's targets are better and later than.
    async fn admit(self, _: Option<&Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        targets::check_baseline(&self, context).await?;
        Ok(self)
    }
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
        targets::check_target(&self, context).await?;
        Ok(self)
    }
}
