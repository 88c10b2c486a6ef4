//! What of the demo is in the database, by the names that its data uses.

use std::{collections::HashMap, fmt::Display, hash::Hash};

use domain::{
    access::Actor,
    community::Community,
    error::{Error, Result},
    id::{CommunityId, IndicatorId, IndicatorVersionId, InitiativeId, NetworkId, PartnerId},
    indicator::{Indicator, IndicatorVersion, IndicatorVersionFilter},
    initiative::Initiative,
    key::{Code, Slug},
    network::Network,
    page::{ListQuery, PageArgs},
    partner::Partner,
    port::store::{Holds, Repositories},
    record::Noun,
    service::Services,
};

use super::data::Data;

/// The ids of the demo's records.
#[derive(Default)]
pub(super) struct Known {
    pub(super) communities: HashMap<Slug, CommunityId>,
    pub(super) indicators: HashMap<Code, (IndicatorId, IndicatorVersionId)>,
    pub(super) networks: HashMap<Slug, NetworkId>,
    pub(super) partners: HashMap<Slug, PartnerId>,
    pub(super) initiatives: HashMap<Slug, InitiativeId>,
}

pub(super) fn find<K: Eq + Hash + Display, V: Copy>(known: &HashMap<K, V>, key: &K) -> Result<V> {
    known.get(key).copied().ok_or_else(|| Error::internal(format!("the demo names {key}, which it does not have")))
}

pub(super) fn all<K: Eq + Hash + Display, V: Copy>(known: &HashMap<K, V>, keys: &[K]) -> Result<Vec<V>> {
    keys.iter().map(|key| find(known, key)).collect()
}

impl Known {
    /// The records of the demo, if every one is there.
    pub(super) async fn of(services: &Services, actor: &Actor, data: &Data) -> Result<Option<Self>> {
        let records = Records { services, actor };
        let communities =
            records.ids::<Community>(data.communities.iter().map(|given| given.slug.clone()).collect()).await?;
        let indicators =
            records.ids::<Indicator>(data.indicators.iter().map(|given| given.code.clone()).collect()).await?;
        let networks = records.ids::<Network>(data.networks.iter().map(|given| given.slug.clone()).collect()).await?;
        let partners = records.ids::<Partner>(data.partners.iter().map(|given| given.slug.clone()).collect()).await?;
        let initiatives =
            records.ids::<Initiative>(data.initiatives.iter().map(|given| given.slug.clone()).collect()).await?;
        let (Some(communities), Some(indicators), Some(networks), Some(partners), Some(initiatives)) =
            (communities, indicators, networks, partners, initiatives)
        else {
            return Ok(None);
        };
        let indicators = records.with_versions(indicators).await?;
        Ok(indicators.map(|indicators| Self { communities, indicators, networks, partners, initiatives }))
    }
}

struct Records<'a> {
    services: &'a Services,
    actor: &'a Actor,
}

impl Records<'_> {
    /// The ids of the records with these keys, if every one is there.
    async fn ids<N: Noun>(&self, keys: Vec<N::Key>) -> Result<Option<HashMap<N::Key, N::Id>>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        let found = self.services.by_keys::<N>(self.actor, &keys).await?;
        let ids: HashMap<_, _> = found.iter().filter_map(|record| Some((record.key()?.clone(), record.id))).collect();
        Ok((ids.len() == keys.len()).then_some(ids))
    }

    /// The indicators with the only version that the demo gives each.
    async fn with_versions(
        &self,
        indicators: HashMap<Code, IndicatorId>,
    ) -> Result<Option<HashMap<Code, (IndicatorId, IndicatorVersionId)>>> {
        let mut known = HashMap::new();
        for (code, indicator) in indicators {
            let filter = IndicatorVersionFilter { indicator: Some(indicator), ..IndicatorVersionFilter::default() };
            let query = ListQuery { filter, page: PageArgs::first(2), ..ListQuery::default() };
            let page = self.services.list::<IndicatorVersion>(self.actor, &query).await?;
            let [(_, version)] = page.items.as_slice() else { return Ok(None) };
            known.insert(code, (indicator, version.id));
        }
        Ok(Some(known))
    }
}
