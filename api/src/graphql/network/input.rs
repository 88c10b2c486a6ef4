//! Changing networks.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use domain::{error::Result, network as noun, small_cells};

use super::Network;
use crate::graphql::{
    id,
    input::{key, patch, replace},
    record::{ArchiveInput, archive, create, payload, update},
    scalars::Date,
    text::LocalizedTextInput,
};

/// A network to add.
#[derive(Debug, Clone, InputObject)]
pub struct NetworkCreateInput {
    /// Its readable address: 1 to 80 of a-z, 0-9 and hyphens.
    pub slug: String,
    /// Its name, at most 200 characters.
    pub name: LocalizedTextInput,
    /// What it is for.
    pub purpose: Option<LocalizedTextInput>,
    /// Its first day.
    pub starts_on: Date,
    /// Its last day, if it is to end.
    pub ends_on: Option<Date>,
    /// The indicators that its communities agreed to share.
    #[graphql(default)]
    pub indicators: Vec<ID>,
    /// What it withholds because few stand behind it; what is left out is as anywhere.
    pub suppression: Option<SuppressionPolicyInput>,
}

/// What a network withholds because few stand behind it: it may be stricter than the default, never laxer. What is left out
/// stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct SuppressionPolicyInput {
    /// Figures behind which fewer persons stand are read only by those who answer for them, 10 to 100.
    pub suppress_below: Option<i32>,
    /// Figures behind which fewer persons stand carry a warning, 16 to 200 and not less than `suppressBelow`.
    pub flag_below: Option<i32>,
    /// A total needs so many communities, 3 to 100.
    pub minimum_communities: Option<i32>,
    /// No community makes up more of a total than this, in percent, 50 to 80.
    pub maximum_share: Option<f64>,
}

impl SuppressionPolicyInput {
    fn apply(self, now: small_cells::SuppressionPolicy) -> small_cells::SuppressionPolicy {
        small_cells::SuppressionPolicy {
            suppress_below: self.suppress_below.unwrap_or(now.suppress_below),
            flag_below: self.flag_below.unwrap_or(now.flag_below),
            minimum_communities: self.minimum_communities.unwrap_or(now.minimum_communities),
            maximum_share: self.maximum_share.unwrap_or(now.maximum_share),
        }
    }
}

/// A change of a network. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct NetworkUpdateInput {
    /// The network.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// Its readable address.
    pub slug: Option<String>,
    /// Its name.
    pub name: Option<LocalizedTextInput>,
    /// What it is for; null takes it away.
    pub purpose: MaybeUndefined<LocalizedTextInput>,
    /// Its first day.
    pub starts_on: Option<Date>,
    /// Its last day; null if it is not to end.
    pub ends_on: MaybeUndefined<Date>,
    /// The indicators that its communities agreed to share: the whole list.
    pub indicators: Option<Vec<ID>>,
    /// What it withholds because few stand behind it.
    pub suppression: Option<SuppressionPolicyInput>,
}

payload! {
    /// What a change of a network answers.
    NetworkPayload { network: Network }
}

impl NetworkCreateInput {
    fn read(self) -> Result<noun::Network> {
        Ok(noun::Network {
            slug: key(&self.slug, "slug")?,
            name: self.name.get("name")?,
            purpose: self.purpose.map(|purpose| purpose.get("purpose")).transpose()?,
            starts_on: self.starts_on.get("startsOn")?,
            ends_on: self.ends_on.map(|day| day.get("endsOn")).transpose()?,
            indicators: id::parse_all(&self.indicators, "indicators")?,
            suppression: self.suppression.map(|given| given.apply(Default::default())).unwrap_or_default(),
        })
    }
}

impl NetworkUpdateInput {
    fn apply(self, now: &noun::Network) -> Result<noun::Network> {
        Ok(noun::Network {
            slug: replace(self.slug, &now.slug, |slug| key(&slug, "slug"))?,
            name: replace(self.name, &now.name, |name| name.get("name"))?,
            purpose: patch(self.purpose, &now.purpose, |purpose| purpose.get("purpose"))?,
            starts_on: replace(self.starts_on, &now.starts_on, |day| day.get("startsOn"))?,
            ends_on: patch(self.ends_on, &now.ends_on, |day| day.get("endsOn"))?,
            indicators: replace(self.indicators, &now.indicators, |ids| id::parse_all(&ids, "indicators"))?,
            suppression: self.suppression.map_or(now.suppression, |given| given.apply(now.suppression)),
        })
    }
}

/// Changes of networks.
#[derive(Default)]
pub struct NetworkMutation;

/// Changes of networks.
#[Object]
impl NetworkMutation {
    /// Adds a network.
    async fn network_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: NetworkCreateInput,
    ) -> async_graphql::Result<NetworkPayload> {
        NetworkPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes a network.
    async fn network_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: NetworkUpdateInput,
    ) -> async_graphql::Result<NetworkPayload> {
        let (id, version) = (input.id.clone(), input.version);
        NetworkPayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a network or brings it back.
    async fn network_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<NetworkPayload> {
        NetworkPayload::of(archive::<noun::Network>(ctx, input).await, "input")
    }
}
