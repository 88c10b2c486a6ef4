//! What the rules of records look at, one by one or for many records together.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::{
    access::{Actor, Scope},
    error::Result,
    id::{CommunityId, IndicatorId, InitiativeId, NetworkId, SeriesId},
    port::store::Repositories,
};

/// What a rule can look at.
pub struct Context<'a> {
    /// Everything, within the session.
    pub repositories: &'a dyn Repositories,
    /// Who makes the change.
    pub actor: &'a Actor,
    /// The moment of the session.
    pub now: DateTime<Utc>,
    known: Known,
}

/// What was looked up for many records; nothing of what is missing here is known to be missing.
#[derive(Default)]
struct Known {
    initiatives: HashMap<InitiativeId, CommunityId>,
    series: HashMap<SeriesId, CommunityId>,
    adopters: HashMap<IndicatorId, Vec<NetworkId>>,
}

impl<'a> Context<'a> {
    /// What this actor's change looks at.
    pub fn new(repositories: &'a dyn Repositories, actor: &'a Actor, now: DateTime<Utc>) -> Self {
        Self { repositories, actor, now, known: Known::default() }
    }

    /// Looks up the communities of these initiatives; one statement.
    pub async fn know_initiatives(&mut self, ids: &[InitiativeId]) -> Result<()> {
        let found = self.repositories.initiatives().get(&Scope::Everything, ids).await?;
        self.known.initiatives.extend(found.iter().map(|initiative| (initiative.id, initiative.community)));
        Ok(())
    }

    /// Looks up the communities of these series; one statement.
    pub async fn know_series(&mut self, ids: &[SeriesId]) -> Result<()> {
        let found = self.repositories.series().get(&Scope::Everything, ids).await?;
        self.known.series.extend(found.iter().map(|series| (series.id, series.community)));
        Ok(())
    }

    /// Looks up the networks that have adopted these indicators; one statement.
    pub async fn know_adopters(&mut self, ids: &[IndicatorId]) -> Result<()> {
        self.known.adopters.extend(ids.iter().map(|&id| (id, Vec::new())));
        for (indicator, network) in self.repositories.adopters(ids).await? {
            self.known.adopters.entry(indicator).or_default().push(network);
        }
        Ok(())
    }

    /// Whose initiative this is.
    pub async fn community_of_initiative(&self, id: InitiativeId) -> Result<Option<CommunityId>> {
        if let Some(&community) = self.known.initiatives.get(&id) {
            return Ok(Some(community));
        }
        let found = self.repositories.initiatives().get(&Scope::Everything, &[id]).await?;
        Ok(found.first().map(|initiative| initiative.community))
    }

    /// Whose series this is.
    pub async fn community_of_series(&self, id: SeriesId) -> Result<Option<CommunityId>> {
        if let Some(&community) = self.known.series.get(&id) {
            return Ok(Some(community));
        }
        let found = self.repositories.series().get(&Scope::Everything, &[id]).await?;
        Ok(found.first().map(|series| series.community))
    }

    /// The networks that have adopted this indicator.
    pub async fn adopters_of(&self, id: IndicatorId) -> Result<Vec<NetworkId>> {
        if let Some(networks) = self.known.adopters.get(&id) {
            return Ok(networks.clone());
        }
        Ok(self.repositories.adopters(&[id]).await?.into_iter().map(|(_, network)| network).collect())
    }
}
