//! Learnings in the schema.

mod input;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use domain::{indicator::IndicatorParent, learning as noun, record::Stored};

pub use input::LearningMutation;

use super::{
    community::Community,
    connection::{Connection, Paging, children},
    id,
    indicator::{Indicator, IndicatorFilter, IndicatorOrder},
    initiative::{Initiative, Issue},
    order::{order, ordered},
    record::{RecordFields, by_id_opt, may_change, referred, shows},
    scalars::{DateTime, LanguageTag},
    text::{LocalizedText, serve, serve_opt},
};

/// What kind of lesson it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::LearningKind")]
pub enum LearningKind {
    /// Something worked.
    Worked,
    /// Something did not work.
    DidNotWork,
    /// Something happened that nobody expected.
    Unexpected,
    /// Something must be in place for success.
    ConditionForSuccess,
}

/// How well a lesson is supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::EvidenceStage")]
pub enum EvidenceStage {
    /// First signs.
    Emerging,
    /// Some evidence in one place.
    Promising,
    /// Evidence in several places.
    Leading,
    /// Independent successful application elsewhere.
    Best,
}

/// Where a learning stands in its life: DRAFT, SHARED, UNDER_REVIEW, EVALUATED, ARCHIVED in this order; any may become RETRACTED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::LearningStatus")]
pub enum LearningStatus {
    /// Being written.
    Draft,
    /// Shared with whoever its visibility names.
    Shared,
    /// Under review by others.
    UnderReview,
    /// Reviewed.
    Evaluated,
    /// No longer current.
    Archived,
    /// Withdrawn.
    Retracted,
}

/// Who may read something, from fewest to most; AGGREGATE_ONLY is counted and never read alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::Visibility")]
pub enum Visibility {
    /// Whoever wrote it.
    Private,
    /// The community it belongs to.
    Community,
    /// Communities that were named.
    NamedCommunities,
    /// The communities of the network.
    Network,
    /// Everybody.
    Public,
    /// Nobody alone: it enters totals only.
    AggregateOnly,
}

/// A learning: what a community tried, what came of it, and why it thinks so.
#[derive(Clone)]
pub struct Learning(Arc<Stored<noun::Learning>>);

shows!(Learning, noun::Learning);

/// A learning: what a community tried, what came of it, and why it thinks so.
#[Object]
impl Learning {
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

    /// Its readable address.
    async fn slug(&self) -> &str {
        self.0.slug.as_str()
    }

    /// The community that learned it.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Community> {
        referred(ctx, self.0.community).await
    }

    /// The initiative it comes from.
    async fn initiative(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Initiative>> {
        by_id_opt(ctx, self.0.initiative).await
    }

    /// Who wrote it down.
    async fn author(&self) -> &str {
        &self.0.author
    }

    /// What kind of lesson it is.
    async fn kind(&self) -> LearningKind {
        self.0.kind.into()
    }

    /// What it is about.
    async fn issue(&self) -> Issue {
        self.0.issue.into()
    }

    /// Its title.
    async fn title(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<LocalizedText> {
        serve(ctx, &self.0.title, locale)
    }

    /// The situation in which it was learned.
    async fn context(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.context.as_ref(), locale)
    }

    /// What was done.
    async fn what_we_did(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<LocalizedText> {
        serve(ctx, &self.0.what_we_did, locale)
    }

    /// What came of it.
    async fn what_happened(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<LocalizedText> {
        serve(ctx, &self.0.what_happened, locale)
    }

    /// Why its authors think so.
    async fn why_we_think_so(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.why_we_think_so.as_ref(), locale)
    }

    /// How well it is supported.
    async fn evidence_stage(&self) -> EvidenceStage {
        self.0.evidence_stage.into()
    }

    /// Who may read it.
    async fn visibility(&self) -> Visibility {
        self.0.visibility.into()
    }

    /// The communities that may read it, for NAMED_COMMUNITIES: whoever reads it reads with whom it is shared.
    async fn named_communities(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Community>> {
        futures_util::future::try_join_all(self.0.named.iter().map(|&id| referred(ctx, id))).await
    }

    /// Where it stands.
    async fn status(&self) -> LearningStatus {
        self.0.status.into()
    }

    /// When it was shared.
    async fn shared_at(&self) -> Option<DateTime> {
        self.0.shared_at.map(Into::into)
    }

    /// The languages in which it can be read whole.
    async fn languages(&self) -> Vec<LanguageTag> {
        self.0.languages().into_iter().map(Into::into).collect()
    }

    /// The indicators it speaks of.
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
        children(ctx, IndicatorParent::Learning, self.0.id, query).await
    }
}

order! { "learnings", LearningOrder, LearningOrderField, noun::LearningSort,
    /// When it was shared.
    SharedAt,
    /// The title in its source language.
    Title,
    /// When it was recorded.
    CreatedAt,
}

/// What learnings are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct LearningFilter {
    /// From this community.
    pub community: Option<ID>,
    /// From this initiative.
    pub initiative: Option<ID>,
    /// From a member of this network.
    pub network: Option<ID>,
    /// Speaking of this indicator.
    pub indicator: Option<ID>,
    /// About one of these issues.
    pub issues: Option<Vec<Issue>>,
    /// Of one of these kinds.
    pub kinds: Option<Vec<LearningKind>>,
    /// At one of these stages of evidence.
    pub evidence_stages: Option<Vec<EvidenceStage>>,
    /// In one of these statuses.
    pub statuses: Option<Vec<LearningStatus>>,
    /// Readable whole in this language, or in a variety of it: `fr` finds `fr-CA` too.
    pub language: Option<LanguageTag>,
    /// The title in any language or the slug contains this, whatever the case and marks.
    pub text: Option<String>,
    /// Archived ones too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl LearningFilter {
    /// The filter, and whether archived records are listed too.
    pub fn read(self) -> domain::Result<(noun::LearningFilter, bool)> {
        let filter = noun::LearningFilter {
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            initiative: id::parse_opt(self.initiative.as_ref(), "filter.initiative")?,
            network: id::parse_opt(self.network.as_ref(), "filter.network")?,
            indicator: id::parse_opt(self.indicator.as_ref(), "filter.indicator")?,
            issues: self.issues.map(|issues| issues.into_iter().map(Into::into).collect()),
            kinds: self.kinds.map(|kinds| kinds.into_iter().map(Into::into).collect()),
            evidence_stages: self.evidence_stages.map(|stages| stages.into_iter().map(Into::into).collect()),
            statuses: self.statuses.map(|statuses| statuses.into_iter().map(Into::into).collect()),
            language: self.language.map(|language| language.get("filter.language")).transpose()?,
            text: self.text,
        };
        Ok((filter, self.include_archived))
    }
}
