//! Indicators and their versions in the schema.

mod input;
mod rows;
mod version;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use domain::{indicator as noun, learning::LearningParent, record::Stored, series::SeriesParent, target::TargetParent};

pub use input::IndicatorMutation;
pub use version::{IndicatorVersion, IndicatorVersionFilter, IndicatorVersionOrder, PeriodKind};

use super::{
    connection::{Connection, Paging, children},
    id,
    initiative::Issue,
    learning::{Learning, LearningFilter, LearningOrder},
    order::{order, ordered},
    record::{RecordFields, may_change, shows},
    scalars::LanguageTag,
    series::{Series, SeriesFilter, SeriesOrder},
    target::{Target, TargetFilter, TargetOrder},
    text::{LocalizedText, serve, serve_opt},
};

/// What an indicator tells about (Results-Based Accountability).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::IndicatorKind")]
pub enum IndicatorKind {
    /// How a whole population fares: belongs to communities.
    Population,
    /// How much a programme did: belongs to activities and partners.
    PerformanceHowMuch,
    /// How well it did it: belongs to activities and partners.
    PerformanceHowWell,
    /// Whether anybody is better off: belongs to activities and partners.
    PerformanceBetterOff,
}

/// An indicator: a question that many communities answer by the same measure.
#[derive(Clone)]
pub struct Indicator(Arc<Stored<noun::Indicator>>);

shows!(Indicator, noun::Indicator);

/// An indicator: a question that many communities answer by the same measure.
#[Object]
impl Indicator {
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

    /// Its stable code.
    async fn code(&self) -> &str {
        self.0.code.as_str()
    }

    /// What it tells about.
    async fn kind(&self) -> IndicatorKind {
        self.0.kind.into()
    }

    /// The issue it belongs to.
    async fn issue(&self) -> Option<Issue> {
        self.0.issue.map(Into::into)
    }

    /// Its name.
    async fn name(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<LocalizedText> {
        serve(ctx, &self.0.name, locale)
    }

    /// What it measures, in a few sentences.
    async fn description(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.description.as_ref(), locale)
    }

    /// The definition in force today: of those effective, the one with the highest number.
    async fn current_version(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<IndicatorVersion>> {
        version::current(ctx, self.0.id).await
    }

    /// Its definitions, by number.
    #[allow(clippy::too_many_arguments)]
    async fn versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<IndicatorVersionFilter>,
        #[graphql(desc = "The order; by number if left out.")] order_by: Option<IndicatorVersionOrder>,
    ) -> async_graphql::Result<Connection<IndicatorVersion>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        children(ctx, noun::IndicatorVersionParent::Indicator, self.0.id, query).await
    }

    /// Its figures over time, by community, source and part of the population.
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
        children(ctx, SeriesParent::Indicator, self.0.id, query).await
    }

    /// The targets set on it.
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
        children(ctx, TargetParent::Indicator, self.0.id, query).await
    }

    /// The learnings that speak of it.
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
        children(ctx, LearningParent::Indicator, self.0.id, query).await
    }
}

order! { "indicators", IndicatorOrder, IndicatorOrderField, noun::IndicatorSort,
    /// The code.
    Code,
    /// The name in its source language.
    Name,
    /// When it was recorded.
    CreatedAt,
}

/// What indicators are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct IndicatorFilter {
    /// Of one of these kinds.
    pub kinds: Option<Vec<IndicatorKind>>,
    /// About one of these issues.
    pub issues: Option<Vec<Issue>>,
    /// Adopted by this network.
    pub network: Option<ID>,
    /// The name in any language or the code contains this, whatever the case and marks.
    pub text: Option<String>,
    /// Archived ones too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl IndicatorFilter {
    /// The filter, and whether archived records are listed too.
    pub fn read(self) -> domain::Result<(noun::IndicatorFilter, bool)> {
        let filter = noun::IndicatorFilter {
            kinds: self.kinds.map(|kinds| kinds.into_iter().map(Into::into).collect()),
            issues: self.issues.map(|issues| issues.into_iter().map(Into::into).collect()),
            network: id::parse_opt(self.network.as_ref(), "filter.network")?,
            text: self.text,
        };
        Ok((filter, self.include_archived))
    }
}
