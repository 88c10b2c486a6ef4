//! Changing initiatives.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use domain::{error::Result, initiative as noun};

use super::{Initiative, InitiativeStatus, Issue, Phase};
use crate::graphql::{
    id,
    input::{each, key, patch, replace},
    record::{ArchiveInput, archive, create, payload, update},
    scalars::Date,
    text::LocalizedTextInput,
};

/// A stretch of an initiative's life in one phase.
#[derive(Debug, Clone, InputObject)]
pub struct PhaseIntervalInput {
    /// The phase.
    pub phase: Phase,
    /// Its first day.
    pub started_on: Date,
    /// The first day of what followed; left out for the present phase.
    pub ended_on: Option<Date>,
}

/// An initiative to add.
#[derive(Debug, Clone, InputObject)]
pub struct InitiativeCreateInput {
    /// Its readable address: 1 to 80 of a-z, 0-9 and hyphens.
    pub slug: String,
    /// The community that leads it.
    pub community: ID,
    /// The other communities that take part.
    #[graphql(default)]
    pub other_communities: Vec<ID>,
    /// What it is about.
    pub issue: Issue,
    /// Its title, at most 200 characters.
    pub title: LocalizedTextInput,
    /// What it does, in a few sentences.
    pub summary: Option<LocalizedTextInput>,
    /// Its first day.
    pub started_on: Date,
    /// The day it is expected to end.
    pub expected_end_on: Option<Date>,
    /// Where it stands.
    pub status: InitiativeStatus,
    /// Its phases so far, in order of time; exactly one, the last, is open.
    pub phases: Vec<PhaseIntervalInput>,
}

/// A change of an initiative. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct InitiativeUpdateInput {
    /// The initiative.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// Its readable address.
    pub slug: Option<String>,
    /// The community that leads it.
    pub community: Option<ID>,
    /// The other communities that take part: the whole list.
    pub other_communities: Option<Vec<ID>>,
    /// What it is about.
    pub issue: Option<Issue>,
    /// Its title.
    pub title: Option<LocalizedTextInput>,
    /// What it does; null takes it away.
    pub summary: MaybeUndefined<LocalizedTextInput>,
    /// Its first day.
    pub started_on: Option<Date>,
    /// The day it is expected to end; null takes it away.
    pub expected_end_on: MaybeUndefined<Date>,
    /// Where it stands; PROPOSED, ACTIVE, PAUSED and CLOSED follow each other as their descriptions say.
    pub status: Option<InitiativeStatus>,
    /// Its phases so far, in order of time: the whole list.
    pub phases: Option<Vec<PhaseIntervalInput>>,
}

payload! {
    /// What a change of an initiative answers.
    InitiativePayload { initiative: Initiative }
}

fn phase(input: PhaseIntervalInput, path: &str) -> Result<noun::PhaseInterval> {
    Ok(noun::PhaseInterval {
        phase: input.phase.into(),
        started_on: input.started_on.get(format!("{path}.startedOn"))?,
        ended_on: input.ended_on.map(|day| day.get(format!("{path}.endedOn"))).transpose()?,
    })
}

impl InitiativeCreateInput {
    fn read(self) -> Result<noun::Initiative> {
        Ok(noun::Initiative {
            slug: key(&self.slug, "slug")?,
            community: id::parse(&self.community, "community")?,
            other_communities: id::parse_all(&self.other_communities, "otherCommunities")?,
            issue: self.issue.into(),
            title: self.title.get("title")?,
            summary: self.summary.map(|summary| summary.get("summary")).transpose()?,
            started_on: self.started_on.get("startedOn")?,
            expected_end_on: self.expected_end_on.map(|day| day.get("expectedEndOn")).transpose()?,
            status: self.status.into(),
            phases: each(self.phases, "phases", phase)?,
        })
    }
}

impl InitiativeUpdateInput {
    fn apply(self, now: &noun::Initiative) -> Result<noun::Initiative> {
        Ok(noun::Initiative {
            slug: replace(self.slug, &now.slug, |slug| key(&slug, "slug"))?,
            community: replace(self.community, &now.community, |id| id::parse(&id, "community"))?,
            other_communities: replace(self.other_communities, &now.other_communities, |ids| {
                id::parse_all(&ids, "otherCommunities")
            })?,
            issue: self.issue.map_or(now.issue, Into::into),
            title: replace(self.title, &now.title, |title| title.get("title"))?,
            summary: patch(self.summary, &now.summary, |summary| summary.get("summary"))?,
            started_on: replace(self.started_on, &now.started_on, |day| day.get("startedOn"))?,
            expected_end_on: patch(self.expected_end_on, &now.expected_end_on, |day| day.get("expectedEndOn"))?,
            status: self.status.map_or(now.status, Into::into),
            phases: replace(self.phases, &now.phases, |all| each(all, "phases", phase))?,
        })
    }
}

/// Changes of initiatives.
#[derive(Default)]
pub struct InitiativeMutation;

/// Changes of initiatives.
#[Object]
impl InitiativeMutation {
    /// Adds an initiative.
    async fn initiative_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: InitiativeCreateInput,
    ) -> async_graphql::Result<InitiativePayload> {
        InitiativePayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes an initiative.
    async fn initiative_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: InitiativeUpdateInput,
    ) -> async_graphql::Result<InitiativePayload> {
        let (id, version) = (input.id.clone(), input.version);
        InitiativePayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives an initiative or brings it back.
    async fn initiative_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<InitiativePayload> {
        InitiativePayload::of(archive::<noun::Initiative>(ctx, input).await, "input")
    }
}
