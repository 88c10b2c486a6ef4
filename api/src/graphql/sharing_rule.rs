//! Sharing rules in the schema.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use domain::{error::Result, record::Stored, sharing as noun};

use super::{
    community::Community,
    id,
    indicator::Indicator,
    input::{patch, replace},
    learning::Visibility,
    order::order,
    record::{ArchiveInput, RecordFields, archive, by_id_opt, create, may_change, payload, referred, shows, update},
    scalars::LanguageTag,
    text::{LocalizedText, LocalizedTextInput, serve_opt},
};

/// How far a community shares its figures: those by one indicator, or all others. It holds for every series there is and
/// every one to come. Without a rule figures are PUBLIC, and COMMUNITY where an Indigenous data authority speaks for the
/// community. Seen by people of the community.
#[derive(Clone)]
pub struct SharingRule(Arc<Stored<noun::SharingRule>>);

shows!(SharingRule, noun::SharingRule);

/// How far a community shares its figures: those by one indicator, or all others. It holds for every series there is and
/// every one to come. Without a rule figures are PUBLIC, and COMMUNITY where an Indigenous data authority speaks for the
/// community. Seen by people of the community.
#[Object]
impl SharingRule {
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

    /// Whose figures.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Community> {
        referred(ctx, self.0.community).await
    }

    /// By this indicator; all that have no rule of their own, if there is none.
    async fn indicator(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Indicator>> {
        by_id_opt(ctx, self.0.indicator).await
    }

    /// How far.
    async fn visibility(&self) -> Visibility {
        self.0.visibility.into()
    }

    /// With which communities, for NAMED_COMMUNITIES.
    async fn named_communities(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Community>> {
        futures_util::future::try_join_all(self.0.named.iter().map(|&id| referred(ctx, id))).await
    }

    /// Why.
    async fn note(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.note.as_ref(), locale)
    }
}

order! { "sharing rules", SharingRuleOrder, SharingRuleOrderField, noun::SharingRuleSort,
    /// When they were made.
    CreatedAt,
}

/// What sharing rules are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct SharingRuleFilter {
    /// Of this community.
    pub community: Option<ID>,
    /// By this indicator.
    pub indicator: Option<ID>,
    /// Whether archived ones are listed too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl SharingRuleFilter {
    /// The filter, and whether archived ones are asked for.
    pub fn read(self) -> Result<(noun::SharingRuleFilter, bool)> {
        let filter = noun::SharingRuleFilter {
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            indicator: id::parse_opt(self.indicator.as_ref(), "filter.indicator")?,
        };
        Ok((filter, self.include_archived))
    }
}

/// A rule to make.
#[derive(Debug, Clone, InputObject)]
pub struct SharingRuleCreateInput {
    /// Whose figures.
    pub community: ID,
    /// By this indicator; all that have no rule of their own, if it is left out.
    pub indicator: Option<ID>,
    /// How far.
    pub visibility: Visibility,
    /// With which communities, for NAMED_COMMUNITIES.
    #[graphql(default)]
    pub named_communities: Vec<ID>,
    /// Why.
    pub note: Option<LocalizedTextInput>,
}

/// A change of a rule. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct SharingRuleUpdateInput {
    /// The rule.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// How far.
    pub visibility: Option<Visibility>,
    /// With which communities, for NAMED_COMMUNITIES: the whole list.
    pub named_communities: Option<Vec<ID>>,
    /// Why; null takes it away.
    pub note: MaybeUndefined<LocalizedTextInput>,
}

impl SharingRuleCreateInput {
    fn read(self) -> Result<noun::SharingRule> {
        Ok(noun::SharingRule {
            community: id::parse(&self.community, "community")?,
            indicator: id::parse_opt(self.indicator.as_ref(), "indicator")?,
            visibility: self.visibility.into(),
            named: id::parse_all(&self.named_communities, "namedCommunities")?,
            note: self.note.map(|note| note.get("note")).transpose()?,
        })
    }
}

impl SharingRuleUpdateInput {
    fn apply(self, now: &noun::SharingRule) -> Result<noun::SharingRule> {
        Ok(noun::SharingRule {
            visibility: self.visibility.map_or(now.visibility, Into::into),
            named: replace(self.named_communities, &now.named, |ids| id::parse_all(&ids, "namedCommunities"))?,
            note: patch(self.note, &now.note, |note| note.get("note"))?,
            ..now.clone()
        })
    }
}

payload! {
    /// What a change of a sharing rule answers.
    SharingRulePayload { sharing_rule: SharingRule }
}

/// Changes of sharing rules.
#[derive(Default)]
pub struct SharingRuleMutation;

/// Changes of sharing rules.
#[Object]
impl SharingRuleMutation {
    /// Says how far figures are shared. For stewards of the community.
    async fn sharing_rule_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: SharingRuleCreateInput,
    ) -> async_graphql::Result<SharingRulePayload> {
        SharingRulePayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes how far figures are shared. For stewards of the community.
    async fn sharing_rule_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: SharingRuleUpdateInput,
    ) -> async_graphql::Result<SharingRulePayload> {
        let (id, version) = (input.id.clone(), input.version);
        SharingRulePayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a rule so that it no longer holds, or brings it back. For stewards of the community.
    async fn sharing_rule_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<SharingRulePayload> {
        SharingRulePayload::of(archive::<noun::SharingRule>(ctx, input).await, "input")
    }
}
