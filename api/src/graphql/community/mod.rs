//! Communities in the schema.

mod input;
mod rows;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{
    access::{Needs, Role},
    baseline::BaselineParent,
    community as noun,
    id::CommunityId,
    initiative::InitiativeParent,
    learning::LearningParent,
    membership::MembershipParent,
    partner::PartnerParent,
    record::Stored,
    series::SeriesParent,
    target::TargetParent,
};

pub use input::CommunityMutation;

use super::{
    baseline::{Baseline, BaselineFilter, BaselineOrder},
    connection::{Connection, Listed, Paging, Shows, children},
    context::ContextExt as _,
    id,
    initiative::{Initiative, InitiativeFilter, InitiativeOrder},
    input::{ExternalIdInput, key_opt},
    latest::{self, LatestValue},
    learning::{Learning, LearningFilter, LearningOrder},
    loaders::KnownCommunity,
    membership::{Membership, MembershipFilter, MembershipOrder},
    order::{order, ordered},
    partner::{Partner, PartnerFilter, PartnerOrder},
    record::{RecordFields, may_change},
    rows::Rows,
    scalars::{Date, DateTime, LanguageTag},
    series::{DisaggregationInput, Series, SeriesFilter, SeriesOrder},
    target::{Target, TargetFilter, TargetOrder},
    text::{LocalizedText, serve},
};

/// What kind of place a community is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::CommunityKind")]
pub enum CommunityKind {
    /// A city, town, village or district with its own council.
    Municipality,
    /// A county or county-level authority.
    County,
    /// A region, province, state or nation.
    Region,
    /// A First Nation.
    FirstNation,
    /// A part of a municipality.
    Neighbourhood,
    /// Any other kind.
    Other,
}

/// A community: a place whose partners act together.
#[derive(Clone)]
pub struct Community(Arc<Stored<noun::Community>>);

impl From<Arc<Stored<noun::Community>>> for Community {
    fn from(record: Arc<Stored<noun::Community>>) -> Self {
        Self(record)
    }
}

impl Listed for Community {
    const NAME: &'static str = "Community";
}

impl Shows for Community {
    type Noun = noun::Community;

    /// Communities stand beside every figure and seldom change: they are kept in memory.
    async fn find(ctx: &Context<'_>, id: CommunityId) -> domain::Result<Option<Arc<Stored<noun::Community>>>> {
        ctx.batch().load_one(KnownCommunity(id)).await
    }
}

/// A point on the globe, WGS 84.
#[derive(Debug, Clone, Copy, SimpleObject, InputObject)]
#[graphql(input_name = "CoordinatesInput")]
pub struct Coordinates {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
}

/// A code that others know a community by.
#[derive(Debug, Clone, SimpleObject)]
pub struct CommunityCode {
    /// Who gives the codes: `statcan:SGC`, `us:FIPS`, `uk:GSS`.
    pub scheme: String,
    /// The code.
    pub code: String,
    /// The first day it is in force, if known.
    pub valid_from: Option<Date>,
    /// The first day it is no longer in force: municipalities merge and split.
    pub valid_until: Option<Date>,
}

/// A population estimate or count.
#[derive(Debug, Clone, SimpleObject)]
pub struct Population {
    /// The day it holds for.
    pub as_of: Date,
    /// Persons.
    pub persons: i64,
    /// Where the figure comes from.
    pub source: Option<String>,
}

impl From<&noun::Population> for Population {
    fn from(population: &noun::Population) -> Self {
        Self { as_of: population.as_of.into(), persons: population.persons, source: population.source.clone() }
    }
}

/// A community: a place whose partners act together.
#[Object]
impl Community {
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

    /// Whether you may archive it, or bring it back.
    async fn viewer_can_archive(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.archive)
    }

    /// Whether you may record its figures, or send them in for its steward to publish.
    async fn viewer_can_record_figures(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may_record(ctx.actor(), self.0.id)
    }

    /// Whether you may publish figures that wait, and whether those that you record are published at once.
    async fn viewer_can_publish_figures(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may(ctx.actor(), &Needs::steward(self.0.id))
    }

    /// Whether you may write down initiatives and learnings for it.
    async fn viewer_can_contribute(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may(ctx.actor(), &Needs::contributor(self.0.id))
    }

    /// Whether you may say how far its figures are shared, and set its baselines and targets.
    async fn viewer_can_share(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may(ctx.actor(), &Needs::steward(self.0.id))
    }

    /// Whether you may decide for the Indigenous data authority that speaks for it; never where none does.
    async fn viewer_can_decide(&self, ctx: &Context<'_>) -> bool {
        self.0.indigenous_data_authority.is_some()
            && ctx.services().may(ctx.actor(), &Needs::community(self.0.id, &[Role::DataAuthority]))
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

    /// What kind of place it is.
    async fn kind(&self) -> CommunityKind {
        self.0.kind.into()
    }

    /// Its country, ISO 3166-1 alpha-2.
    async fn country(&self) -> &str {
        self.0.country.as_str()
    }

    /// Its province, state or region, ISO 3166-2.
    async fn subdivision(&self) -> Option<&str> {
        self.0.subdivision.as_ref().map(AsRef::as_ref)
    }

    /// Where it lies, for a map.
    async fn coordinates(&self) -> Option<Coordinates> {
        self.0.coordinates.map(|noun::Coordinates { latitude, longitude }| Coordinates { latitude, longitude })
    }

    /// Its time zone by the IANA name.
    async fn timezone(&self) -> Option<&str> {
        self.0.timezone.as_deref()
    }

    /// The languages it works in, the first first.
    async fn languages(&self) -> Vec<LanguageTag> {
        self.0.languages.iter().cloned().map(Into::into).collect()
    }

    /// The codes that others know it by.
    async fn codes(&self) -> Vec<CommunityCode> {
        let code = |code: &noun::CommunityCode| CommunityCode {
            scheme: code.scheme.to_string(),
            code: code.code.to_string(),
            valid_from: code.valid_from.map(Into::into),
            valid_until: code.valid_until.map(Into::into),
        };
        self.0.codes.iter().map(code).collect()
    }

    /// Other spellings of its name by which imported rows find it.
    async fn aliases(&self) -> &[String] {
        &self.0.aliases
    }

    /// The newest population estimate.
    async fn population(&self) -> Option<Population> {
        self.0.latest_population().map(Into::into)
    }

    /// Its population over time.
    async fn populations(&self) -> Vec<Population> {
        self.0.populations.iter().map(Into::into).collect()
    }

    /// The Indigenous data authority that decides about its data, if there is one (OCAP: ownership, control, access,
    /// possession). Without its decision nothing of it is public or compared.
    async fn indigenous_data_authority(&self) -> Option<&str> {
        self.0.indigenous_data_authority.as_deref()
    }

    /// The networks it is or was in.
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
        children(ctx, MembershipParent::Community, self.0.id, query).await
    }

    /// The initiatives that it leads or takes part in.
    #[allow(clippy::too_many_arguments)]
    async fn initiatives(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<InitiativeFilter>,
        #[graphql(desc = "The order; by title if left out.")] order_by: Option<InitiativeOrder>,
    ) -> async_graphql::Result<Connection<Initiative>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        children(ctx, InitiativeParent::Community, self.0.id, query).await
    }

    /// The partners who take part in its initiatives.
    #[allow(clippy::too_many_arguments)]
    async fn partners(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<PartnerFilter>,
        #[graphql(desc = "The order; by name if left out.")] order_by: Option<PartnerOrder>,
    ) -> async_graphql::Result<Connection<Partner>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        children(ctx, PartnerParent::Community, self.0.id, query).await
    }

    /// What it learned.
    #[allow(clippy::too_many_arguments)]
    async fn learnings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<LearningFilter>,
        #[graphql(desc = "The order; by the moment of sharing if left out.")] order_by: Option<LearningOrder>,
    ) -> async_graphql::Result<Connection<Learning>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        children(ctx, LearningParent::Community, self.0.id, query).await
    }

    /// Its figures over time, by indicator, source and part of the population.
    #[allow(clippy::too_many_arguments)]
    async fn series(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<SeriesFilter>,
        #[graphql(desc = "The order; by time if left out.")] order_by: Option<SeriesOrder>,
    ) -> async_graphql::Result<Connection<Series>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        children(ctx, SeriesParent::Community, self.0.id, query).await
    }

    /// The targets that it set for itself.
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
        children(ctx, TargetParent::Community, self.0.id, query).await
    }

    /// The starting points that it declared.
    #[allow(clippy::too_many_arguments)]
    async fn baselines(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<BaselineFilter>,
        #[graphql(desc = "The order; by time if left out.")] order_by: Option<BaselineOrder>,
    ) -> async_graphql::Result<Connection<Baseline>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        children(ctx, BaselineParent::Community, self.0.id, query).await
    }

    /// The newest value of each of its indicators, by definition and source: the latest period with a value that is not a
    /// forecast. In the order of the indicators named.
    #[allow(clippy::too_many_arguments)]
    async fn latest_values(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these indicators, by code, at most 50; all if left out.")] indicators: Option<
            Vec<String>,
        >,
        #[graphql(desc = "About this part of the population; everybody if left out.")] disaggregation: Option<
            Vec<DisaggregationInput>,
        >,
        #[graphql(
            desc = "As they were known at this moment, as far as the reader may see them now; as they are known now if left out."
        )]
        as_of: Option<DateTime>,
        #[graphql(desc = "So many at most, 1 to 500; if left out, 10 for each indicator named, or 100.")] first: Option<
            i32,
        >,
    ) -> async_graphql::Result<Rows<LatestValue>> {
        let asked = latest::Asked { indicators, part: disaggregation, as_of, first };
        latest::latest_values(ctx, self.0.id, asked).await
    }
}

order! { "communities", CommunityOrder, CommunityOrderField, noun::CommunitySort,
    /// The name in its source language.
    Name,
    /// The newest population estimate.
    Population,
    /// When it was recorded.
    CreatedAt,
}

/// What communities are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct CommunityFilter {
    /// Members of this network today.
    pub network: Option<ID>,
    /// Of one of these kinds.
    pub kinds: Option<Vec<CommunityKind>>,
    /// In this country, ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// In this subdivision, ISO 3166-2.
    pub subdivision: Option<String>,
    /// Known by this code.
    pub code: Option<ExternalIdInput>,
    /// At least this many persons by the newest estimate.
    pub population_at_least: Option<i64>,
    /// At most this many persons by the newest estimate.
    pub population_at_most: Option<i64>,
    /// The name in any language, an alias or the slug contains this, whatever the case and marks.
    pub text: Option<String>,
    /// Archived ones too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl CommunityFilter {
    /// The filter, and whether archived records are listed too.
    pub fn read(self) -> domain::Result<(noun::CommunityFilter, bool)> {
        let filter = noun::CommunityFilter {
            network: id::parse_opt(self.network.as_ref(), "filter.network")?,
            kinds: self.kinds.map(|kinds| kinds.into_iter().map(Into::into).collect()),
            country: key_opt(self.country.as_deref(), "filter.country")?,
            subdivision: key_opt(self.subdivision.as_deref(), "filter.subdivision")?,
            code: self.code.map(|code| code.get("filter.code")).transpose()?,
            population_at_least: self.population_at_least,
            population_at_most: self.population_at_most,
            text: self.text,
        };
        Ok((filter, self.include_archived))
    }
}
