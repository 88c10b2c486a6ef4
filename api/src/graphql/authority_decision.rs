//! Decisions of Indigenous data authorities in the schema.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use domain::{decision as noun, error::Result, record::Stored};

use super::{
    community::Community,
    id,
    indicator::Indicator,
    network::Network,
    order::order,
    record::{ArchiveInput, RecordFields, archive, by_id_opt, create, may_change, payload, referred, shows},
    scalars::{Date, LanguageTag},
    text::{LocalizedText, LocalizedTextInput, serve_opt},
};

/// What figures of a community under an Indigenous data authority may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::AuthorityAct")]
pub enum AuthorityAct {
    /// Being read outside the community, as far as its sharing rules go.
    Publish,
    /// Standing beside those of other communities.
    Compare,
    /// Entering medians, quartiles, standings and totals.
    Aggregate,
}

/// What an Indigenous data authority has decided to allow (OCAP: ownership, control, access, possession). Without a decision
/// the use is not allowed, and nobody can take the authority's place. Seen by people of the community.
#[derive(Clone)]
pub struct AuthorityDecision(Arc<Stored<noun::AuthorityDecision>>);

shows!(AuthorityDecision, noun::AuthorityDecision);

/// What an Indigenous data authority has decided to allow (OCAP: ownership, control, access, possession). Without a decision
/// the use is not allowed, and nobody can take the authority's place. Seen by people of the community.
#[Object]
impl AuthorityDecision {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(self.0.id)
    }

    /// Version and times.
    #[graphql(flatten)]
    async fn record(&self) -> RecordFields {
        (&self.0.meta).into()
    }

    /// Whether you may archive it, or bring it back.
    async fn viewer_can_archive(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.archive)
    }

    /// Whose figures.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Community> {
        referred(ctx, self.0.community).await
    }

    /// What is allowed.
    async fn act(&self) -> AuthorityAct {
        self.0.act.into()
    }

    /// By this indicator; by any, if there is none.
    async fn indicator(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Indicator>> {
        by_id_opt(ctx, self.0.indicator).await
    }

    /// In this network; in any, if there is none.
    async fn network(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Network>> {
        by_id_opt(ctx, self.0.network).await
    }

    /// Its last day, if it ends.
    async fn expires_on(&self) -> Option<Date> {
        self.0.expires_on.map(Into::into)
    }

    /// Where it was decided, and under which conditions.
    async fn note(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.note.as_ref(), locale)
    }
}

order! { "decisions", AuthorityDecisionOrder, AuthorityDecisionOrderField, noun::AuthorityDecisionSort,
    /// When they were recorded.
    CreatedAt,
}

/// What decisions are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct AuthorityDecisionFilter {
    /// On figures of this community.
    pub community: Option<ID>,
    /// On one of these uses.
    pub acts: Option<Vec<AuthorityAct>>,
    /// Whether withdrawn ones are listed too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl AuthorityDecisionFilter {
    /// The filter, and whether withdrawn ones are asked for.
    pub fn read(self) -> Result<(noun::AuthorityDecisionFilter, bool)> {
        let filter = noun::AuthorityDecisionFilter {
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            acts: self.acts.map(|acts| acts.into_iter().map(Into::into).collect()),
        };
        Ok((filter, self.include_archived))
    }
}

/// A decision to record.
#[derive(Debug, Clone, InputObject)]
pub struct AuthorityDecisionCreateInput {
    /// Whose figures.
    pub community: ID,
    /// What is allowed.
    pub act: AuthorityAct,
    /// By this indicator; by any, if it is left out.
    pub indicator: Option<ID>,
    /// In this network; in any, if it is left out.
    pub network: Option<ID>,
    /// Its last day, if it ends.
    pub expires_on: Option<Date>,
    /// Where it was decided, and under which conditions.
    pub note: Option<LocalizedTextInput>,
}

impl AuthorityDecisionCreateInput {
    fn read(self) -> Result<noun::AuthorityDecision> {
        Ok(noun::AuthorityDecision {
            community: id::parse(&self.community, "community")?,
            act: self.act.into(),
            indicator: id::parse_opt(self.indicator.as_ref(), "indicator")?,
            network: id::parse_opt(self.network.as_ref(), "network")?,
            expires_on: self.expires_on.map(|day| day.get("expiresOn")).transpose()?,
            note: self.note.map(|note| note.get("note")).transpose()?,
        })
    }
}

payload! {
    /// What a change of a decision answers.
    AuthorityDecisionPayload { authority_decision: AuthorityDecision }
}

/// Changes of decisions.
#[derive(Default)]
pub struct AuthorityDecisionMutation;

/// Changes of decisions.
#[Object]
impl AuthorityDecisionMutation {
    /// Records what the authority has decided to allow. For those who speak for it, and for nobody in their place.
    async fn authority_decision_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: AuthorityDecisionCreateInput,
    ) -> async_graphql::Result<AuthorityDecisionPayload> {
        AuthorityDecisionPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Withdraws a decision, or brings it back. For those who speak for the authority.
    async fn authority_decision_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<AuthorityDecisionPayload> {
        AuthorityDecisionPayload::of(archive::<noun::AuthorityDecision>(ctx, input).await, "input")
    }
}
