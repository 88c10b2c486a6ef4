//! Changing learnings.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use domain::{error::Result, learning as noun};

use super::{EvidenceStage, Issue, Learning, LearningKind, LearningStatus, Visibility};
use crate::graphql::{
    id,
    input::{key, patch, replace},
    record::{ArchiveInput, archive, create, payload, update},
    text::LocalizedTextInput,
};

/// A learning to add.
#[derive(Debug, Clone, InputObject)]
pub struct LearningCreateInput {
    /// Its readable address: 1 to 80 of a-z, 0-9 and hyphens.
    pub slug: String,
    /// The community that learned it.
    pub community: ID,
    /// The initiative it comes from.
    pub initiative: Option<ID>,
    /// Who wrote it down, at most 200 characters.
    pub author: String,
    /// What kind of lesson it is.
    pub kind: LearningKind,
    /// What it is about.
    pub issue: Issue,
    /// Its title, at most 200 characters.
    pub title: LocalizedTextInput,
    /// The situation in which it was learned.
    pub context: Option<LocalizedTextInput>,
    /// What was done.
    pub what_we_did: LocalizedTextInput,
    /// What came of it.
    pub what_happened: LocalizedTextInput,
    /// Why its authors think so.
    pub why_we_think_so: Option<LocalizedTextInput>,
    /// How well it is supported.
    pub evidence_stage: EvidenceStage,
    /// Who may read it.
    pub visibility: Visibility,
    /// The communities that may read it, for NAMED_COMMUNITIES.
    #[graphql(default)]
    pub named_communities: Vec<ID>,
    /// DRAFT while it is being written, SHARED at once.
    #[graphql(default_with = "LearningStatus::Draft")]
    pub status: LearningStatus,
    /// The indicators it speaks of.
    #[graphql(default)]
    pub indicators: Vec<ID>,
}

/// A change of a learning. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct LearningUpdateInput {
    /// The learning.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// Its readable address.
    pub slug: Option<String>,
    /// The initiative it comes from; null takes it away.
    pub initiative: MaybeUndefined<ID>,
    /// Who wrote it down.
    pub author: Option<String>,
    /// What kind of lesson it is.
    pub kind: Option<LearningKind>,
    /// What it is about.
    pub issue: Option<Issue>,
    /// Its title, at most 200 characters.
    pub title: Option<LocalizedTextInput>,
    /// The situation in which it was learned. Null takes it away.
    pub context: MaybeUndefined<LocalizedTextInput>,
    /// What was done.
    pub what_we_did: Option<LocalizedTextInput>,
    /// What came of it.
    pub what_happened: Option<LocalizedTextInput>,
    /// Why its authors think so. Null takes it away.
    pub why_we_think_so: MaybeUndefined<LocalizedTextInput>,
    /// How well it is supported.
    pub evidence_stage: Option<EvidenceStage>,
    /// Who may read it.
    pub visibility: Option<Visibility>,
    /// The communities that may read it, for NAMED_COMMUNITIES: the whole list.
    pub named_communities: Option<Vec<ID>>,
    /// Where it stands; statuses follow each other as their description says.
    pub status: Option<LearningStatus>,
    /// The indicators it speaks of: the whole list.
    pub indicators: Option<Vec<ID>>,
}

payload! {
    /// What a change of a learning answers.
    LearningPayload { learning: Learning }
}

impl LearningCreateInput {
    fn read(self) -> Result<noun::Learning> {
        Ok(noun::Learning {
            slug: key(&self.slug, "slug")?,
            community: id::parse(&self.community, "community")?,
            initiative: id::parse_opt(self.initiative.as_ref(), "initiative")?,
            author: self.author,
            kind: self.kind.into(),
            issue: self.issue.into(),
            title: self.title.get("title")?,
            context: self.context.map(|text| text.get("context")).transpose()?,
            what_we_did: self.what_we_did.get("whatWeDid")?,
            what_happened: self.what_happened.get("whatHappened")?,
            why_we_think_so: self.why_we_think_so.map(|text| text.get("whyWeThinkSo")).transpose()?,
            evidence_stage: self.evidence_stage.into(),
            visibility: self.visibility.into(),
            named: id::parse_all(&self.named_communities, "namedCommunities")?,
            status: self.status.into(),
            shared_at: None,
            indicators: id::parse_all(&self.indicators, "indicators")?,
        })
    }
}

impl LearningUpdateInput {
    fn apply(self, now: &noun::Learning) -> Result<noun::Learning> {
        Ok(noun::Learning {
            slug: replace(self.slug, &now.slug, |slug| key(&slug, "slug"))?,
            community: now.community,
            initiative: patch(self.initiative, &now.initiative, |id| id::parse(&id, "initiative"))?,
            author: self.author.unwrap_or_else(|| now.author.clone()),
            kind: self.kind.map_or(now.kind, Into::into),
            issue: self.issue.map_or(now.issue, Into::into),
            title: replace(self.title, &now.title, |text| text.get("title"))?,
            context: patch(self.context, &now.context, |text| text.get("context"))?,
            what_we_did: replace(self.what_we_did, &now.what_we_did, |text| text.get("whatWeDid"))?,
            what_happened: replace(self.what_happened, &now.what_happened, |text| text.get("whatHappened"))?,
            why_we_think_so: patch(self.why_we_think_so, &now.why_we_think_so, |text| text.get("whyWeThinkSo"))?,
            evidence_stage: self.evidence_stage.map_or(now.evidence_stage, Into::into),
            visibility: self.visibility.map_or(now.visibility, Into::into),
            named: replace(self.named_communities, &now.named, |ids| id::parse_all(&ids, "namedCommunities"))?,
            status: self.status.map_or(now.status, Into::into),
            shared_at: now.shared_at,
            indicators: replace(self.indicators, &now.indicators, |ids| id::parse_all(&ids, "indicators"))?,
        })
    }
}

/// Changes of learnings.
#[derive(Default)]
pub struct LearningMutation;

/// Changes of learnings.
#[Object]
impl LearningMutation {
    /// Adds a learning.
    async fn learning_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: LearningCreateInput,
    ) -> async_graphql::Result<LearningPayload> {
        LearningPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes a learning.
    async fn learning_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: LearningUpdateInput,
    ) -> async_graphql::Result<LearningPayload> {
        let (id, version) = (input.id.clone(), input.version);
        LearningPayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a learning or brings it back.
    async fn learning_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<LearningPayload> {
        LearningPayload::of(archive::<noun::Learning>(ctx, input).await, "input")
    }
}
