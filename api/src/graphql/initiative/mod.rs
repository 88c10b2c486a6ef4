//! Initiatives in the schema.

mod input;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{initiative as noun, learning::LearningParent, participation::ParticipationParent, record::Stored};

pub use input::InitiativeMutation;

use super::{
    community::Community,
    connection::{Connection, Paging, children},
    id,
    learning::{Learning, LearningFilter, LearningOrder},
    order::{order, ordered},
    participation::{Participation, ParticipationFilter, ParticipationOrder},
    record::{RecordFields, by_id, may_change, referred, shows},
    scalars::{Date, LanguageTag},
    text::{LocalizedText, serve, serve_opt},
};

/// What an initiative, indicator or learning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::Issue")]
pub enum Issue {
    /// Poverty.
    Poverty,
    /// Homelessness.
    Homelessness,
    /// Climate.
    Climate,
    /// Ecological transition.
    EcologicalTransition,
    /// Injustice.
    Injustice,
    /// Education.
    Education,
    /// Young people's way from school to work.
    YouthTransition,
    /// Health.
    Health,
    /// Food security.
    FoodSecurity,
    /// Any other issue.
    Other,
}

/// Where an initiative stands in its life: PROPOSED, then ACTIVE, which may be PAUSED and taken up again, then CLOSED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::InitiativeStatus")]
pub enum InitiativeStatus {
    /// Under discussion.
    Proposed,
    /// Under way.
    Active,
    /// Interrupted.
    Paused,
    /// Ended.
    Closed,
}

/// The phases of collective impact. They are not a staircase: going back is possible and recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::Phase")]
pub enum Phase {
    /// Are the preconditions met: influential champions, a sense of urgency, adequate resources?
    AssessReadiness,
    /// Champions meet, the issue is framed.
    InitiateAction,
    /// Common agenda, shared measures and backbone take shape.
    OrganizeForImpact,
    /// Partners act on the agenda.
    BeginImplementation,
    /// Action and impact are sustained.
    SustainActionAndImpact,
}

/// A stretch of an initiative's life in one phase.
#[derive(Debug, Clone, SimpleObject)]
pub struct PhaseInterval {
    /// The phase.
    pub phase: Phase,
    /// Its first day.
    pub started_on: Date,
    /// The first day of what followed; nothing for the present phase.
    pub ended_on: Option<Date>,
}

impl From<&noun::PhaseInterval> for PhaseInterval {
    fn from(interval: &noun::PhaseInterval) -> Self {
        Self {
            phase: interval.phase.into(),
            started_on: interval.started_on.into(),
            ended_on: interval.ended_on.map(Into::into),
        }
    }
}

/// An initiative: a structured, cross-sector effort of several years on one issue.
#[derive(Clone)]
pub struct Initiative(Arc<Stored<noun::Initiative>>);

shows!(Initiative, noun::Initiative);

/// An initiative: a structured, cross-sector effort of several years on one issue.
#[Object]
impl Initiative {
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

    /// The community that leads it.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Community> {
        referred(ctx, self.0.community).await
    }

    /// The other communities that take part.
    async fn other_communities(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Community>> {
        let others = self.0.other_communities.iter().map(|&id| by_id(ctx, id));
        Ok(futures_util::future::try_join_all(others).await?.into_iter().flatten().collect())
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

    /// What it does, in a few sentences.
    async fn summary(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.summary.as_ref(), locale)
    }

    /// Its first day.
    async fn started_on(&self) -> Date {
        self.0.started_on.into()
    }

    /// The day it is expected to end.
    async fn expected_end_on(&self) -> Option<Date> {
        self.0.expected_end_on.map(Into::into)
    }

    /// Where it stands.
    async fn status(&self) -> InitiativeStatus {
        self.0.status.into()
    }

    /// The phase it is in.
    async fn current_phase(&self) -> Option<PhaseInterval> {
        self.0.current_phase().map(Into::into)
    }

    /// Its phases so far, in order of time.
    async fn phases(&self) -> Vec<PhaseInterval> {
        self.0.phases.iter().map(Into::into).collect()
    }

    /// Who takes part.
    #[allow(clippy::too_many_arguments)]
    async fn participations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<ParticipationFilter>,
        #[graphql(desc = "The order; by the day of joining if left out.")] order_by: Option<ParticipationOrder>,
    ) -> async_graphql::Result<Connection<Participation>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        children(ctx, ParticipationParent::Initiative, self.0.id, query).await
    }

    /// What was learned in it.
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
        children(ctx, LearningParent::Initiative, self.0.id, query).await
    }
}

order! { "initiatives", InitiativeOrder, InitiativeOrderField, noun::InitiativeSort,
    /// The title in its source language.
    Title,
    /// The first day.
    StartedOn,
    /// When it was recorded.
    CreatedAt,
}

/// What initiatives are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct InitiativeFilter {
    /// Led or joined by this community.
    pub community: Option<ID>,
    /// Led by a member of this network.
    pub network: Option<ID>,
    /// With this partner taking part.
    pub partner: Option<ID>,
    /// About one of these issues.
    pub issues: Option<Vec<Issue>>,
    /// In one of these statuses.
    pub statuses: Option<Vec<InitiativeStatus>>,
    /// Now in one of these phases.
    pub phases: Option<Vec<Phase>>,
    /// The title in any language or the slug contains this, whatever the case and marks.
    pub text: Option<String>,
    /// Archived ones too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl InitiativeFilter {
    /// The filter, and whether archived records are listed too.
    pub fn read(self) -> domain::Result<(noun::InitiativeFilter, bool)> {
        let filter = noun::InitiativeFilter {
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            network: id::parse_opt(self.network.as_ref(), "filter.network")?,
            partner: id::parse_opt(self.partner.as_ref(), "filter.partner")?,
            issues: self.issues.map(|issues| issues.into_iter().map(Into::into).collect()),
            statuses: self.statuses.map(|statuses| statuses.into_iter().map(Into::into).collect()),
            phases: self.phases.map(|phases| phases.into_iter().map(Into::into).collect()),
            text: self.text,
        };
        Ok((filter, self.include_archived))
    }
}
