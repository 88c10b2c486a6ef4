//! Networks in the schema.

mod input;

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::{
    access::Needs, community::CommunityParent, indicator::IndicatorParent, membership::MembershipParent,
    network as noun, record::Stored, small_cells, target::TargetParent,
};

pub use input::NetworkMutation;

use super::{
    community::{Community, CommunityFilter, CommunityOrder},
    connection::{Connection, Paging, children},
    context::ContextExt as _,
    id,
    indicator::{Indicator, IndicatorFilter, IndicatorOrder},
    membership::{Membership, MembershipFilter, MembershipOrder},
    order::{order, ordered},
    record::{RecordFields, may_change, shows},
    scalars::{Date, LanguageTag},
    target::{Target, TargetFilter, TargetOrder},
    text::{LocalizedText, serve, serve_opt},
};

/// What a network withholds because few stand behind it.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct SuppressionPolicy {
    /// Figures behind which fewer persons stand are read only by those who answer for them.
    suppress_below: i32,
    /// Figures behind which fewer persons stand carry a warning.
    flag_below: i32,
    /// A total needs so many communities.
    minimum_communities: i32,
    /// No community makes up more of a total than this, in percent.
    maximum_share: f64,
}

impl From<small_cells::SuppressionPolicy> for SuppressionPolicy {
    fn from(policy: small_cells::SuppressionPolicy) -> Self {
        let small_cells::SuppressionPolicy { suppress_below, flag_below, minimum_communities, maximum_share } = policy;
        Self { suppress_below, flag_below, minimum_communities, maximum_share }
    }
}

/// A network of communities that share lessons and compare progress.
#[derive(Clone)]
pub struct Network(Arc<Stored<noun::Network>>);

shows!(Network, noun::Network);

/// A network of communities that share lessons and compare progress.
#[Object]
impl Network {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(self.0.id)
    }

    /// Version and times.
    #[graphql(flatten)]
    async fn record(&self) -> RecordFields {
        (&self.0.meta).into()
    }

    /// Whether you may change it.
    async fn viewer_can_update(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.update)
    }

    /// Whether you may take in members, and set targets of the network.
    async fn viewer_can_add_members(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may(ctx.actor(), &Needs::coordinator(self.0.id))
    }

    /// Whether you may archive it, or bring it back.
    async fn viewer_can_archive(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.archive)
    }

    /// Its readable address.
    async fn slug(&self) -> &str {
        self.0.slug.as_str()
    }

    /// Its name.
    async fn name(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<LocalizedText> {
        serve(ctx, &self.0.name, locale)
    }

    /// What it is for.
    async fn purpose(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.purpose.as_ref(), locale)
    }

    /// Its first day.
    async fn starts_on(&self) -> Date {
        self.0.starts_on.into()
    }

    /// Its last day, if it is to end.
    async fn ends_on(&self) -> Option<Date> {
        self.0.ends_on.map(Into::into)
    }

    /// What it withholds because few stand behind it.
    async fn suppression(&self) -> SuppressionPolicy {
        self.0.suppression.into()
    }

    /// The communities that are members today.
    #[allow(clippy::too_many_arguments)]
    async fn communities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<CommunityFilter>,
        #[graphql(desc = "The order; by name if left out.")] order_by: Option<CommunityOrder>,
    ) -> async_graphql::Result<Connection<Community>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        children(ctx, CommunityParent::Network, self.0.id, query).await
    }

    /// The memberships, past ones too.
    #[allow(clippy::too_many_arguments)]
    async fn memberships(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<MembershipFilter>,
        #[graphql(desc = "The order; by the day of joining if left out.")] order_by: Option<MembershipOrder>,
    ) -> async_graphql::Result<Connection<Membership>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        children(ctx, MembershipParent::Network, self.0.id, query).await
    }

    /// The indicators that its communities agreed to share.
    #[allow(clippy::too_many_arguments)]
    async fn indicators(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<IndicatorFilter>,
        #[graphql(desc = "The order; by code if left out.")] order_by: Option<IndicatorOrder>,
    ) -> async_graphql::Result<Connection<Indicator>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        children(ctx, IndicatorParent::Network, self.0.id, query).await
    }

    /// The targets that it set for its members.
    #[allow(clippy::too_many_arguments)]
    async fn targets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<TargetFilter>,
        #[graphql(desc = "The order; by the day they fall due if left out.")] order_by: Option<TargetOrder>,
    ) -> async_graphql::Result<Connection<Target>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        children(ctx, TargetParent::Network, self.0.id, query).await
    }
}

order! { "networks", NetworkOrder, NetworkOrderField, noun::NetworkSort,
    /// The name in its source language.
    Name,
    /// The first day.
    StartsOn,
    /// When it was recorded.
    CreatedAt,
}

/// What networks are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct NetworkFilter {
    /// With this community as a member today.
    pub community: Option<ID>,
    /// Having adopted this indicator.
    pub indicator: Option<ID>,
    /// The name in any language or the slug contains this, whatever the case and marks.
    pub text: Option<String>,
    /// Archived ones too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl NetworkFilter {
    /// The filter, and whether archived records are listed too.
    pub fn read(self) -> domain::Result<(noun::NetworkFilter, bool)> {
        let filter = noun::NetworkFilter {
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            indicator: id::parse_opt(self.indicator.as_ref(), "filter.indicator")?,
            text: self.text,
        };
        Ok((filter, self.include_archived))
    }
}
