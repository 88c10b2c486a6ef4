//! Memberships in the schema.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use domain::{error::Result, membership as noun, record::Stored};

use super::{
    community::Community,
    id,
    input::{patch, replace},
    network::Network,
    order::order,
    record::{ArchiveInput, RecordFields, archive, create, may_change, payload, referred, shows, update},
    scalars::{Date, LanguageTag},
    text::{LocalizedText, LocalizedTextInput, serve},
};

/// A community's place in a network.
#[derive(Clone)]
pub struct Membership(Arc<Stored<noun::Membership>>);

shows!(Membership, noun::Membership);

/// A community's place in a network.
#[Object]
impl Membership {
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

    /// The network.
    async fn network(&self, ctx: &Context<'_>) -> async_graphql::Result<Network> {
        referred(ctx, self.0.network).await
    }

    /// The community.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Community> {
        referred(ctx, self.0.community).await
    }

    /// The first day of the membership.
    async fn joined_on(&self) -> Date {
        self.0.joined_on.into()
    }

    /// The day the community left; its history stays under its consent.
    async fn left_on(&self) -> Option<Date> {
        self.0.left_on.map(Into::into)
    }

    /// The community's consent to share data, where one is recorded and the reader may see it.
    async fn consent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<Consent>> {
        let Some(consent) = &self.0.consent else { return Ok(None) };
        Ok(Some(Consent {
            purpose: serve(ctx, &consent.purpose, locale.clone())?,
            scope: serve(ctx, &consent.scope, locale)?,
            granted_by: consent.granted_by.clone(),
            expires_on: consent.expires_on.map(Into::into),
        }))
    }
}

/// A recorded consent to share data within a network.
#[derive(Debug, Clone, SimpleObject)]
pub struct Consent {
    /// What the data may be used for.
    pub purpose: LocalizedText,
    /// Which data it covers.
    pub scope: LocalizedText,
    /// Who gave it.
    pub granted_by: String,
    /// Its last day, if it ends.
    pub expires_on: Option<Date>,
}

order! { "memberships", MembershipOrder, MembershipOrderField, noun::MembershipSort,
    /// The first day.
    JoinedOn,
    /// When it was recorded.
    CreatedAt,
}

/// What memberships are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct MembershipFilter {
    /// Of this network.
    pub network: Option<ID>,
    /// Of this community.
    pub community: Option<ID>,
    /// In force on this day.
    pub on: Option<Date>,
    /// Whether archived ones are listed too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl MembershipFilter {
    /// The filter, and whether archived ones are asked for.
    pub fn read(self) -> Result<(noun::MembershipFilter, bool)> {
        let filter = noun::MembershipFilter {
            network: id::parse_opt(self.network.as_ref(), "filter.network")?,
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            on: self.on.map(|day| day.get("filter.on")).transpose()?,
        };
        Ok((filter, self.include_archived))
    }
}

/// A consent to record.
#[derive(Debug, Clone, InputObject)]
pub struct ConsentInput {
    /// What the data may be used for.
    pub purpose: LocalizedTextInput,
    /// Which data it covers.
    pub scope: LocalizedTextInput,
    /// Who gave it.
    pub granted_by: String,
    /// Its last day, if it ends.
    pub expires_on: Option<Date>,
}

/// A membership to add.
#[derive(Debug, Clone, InputObject)]
pub struct MembershipCreateInput {
    /// The network.
    pub network: ID,
    /// The community.
    pub community: ID,
    /// The first day of the membership.
    pub joined_on: Date,
    /// The day the community left.
    pub left_on: Option<Date>,
    /// Its consent to share data.
    pub consent: Option<ConsentInput>,
}

/// A change of a membership. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct MembershipUpdateInput {
    /// The membership.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// The first day of the membership.
    pub joined_on: Option<Date>,
    /// The day the community left; null if it has not.
    pub left_on: MaybeUndefined<Date>,
    /// Its consent to share data; null withdraws it.
    pub consent: MaybeUndefined<ConsentInput>,
}

payload! {
    /// What a change of a membership answers.
    MembershipPayload { membership: Membership }
}

fn consent(input: ConsentInput) -> Result<noun::Consent> {
    Ok(noun::Consent {
        purpose: input.purpose.get("consent.purpose")?,
        scope: input.scope.get("consent.scope")?,
        granted_by: input.granted_by,
        expires_on: input.expires_on.map(|day| day.get("consent.expiresOn")).transpose()?,
    })
}

impl MembershipCreateInput {
    fn read(self) -> Result<noun::Membership> {
        Ok(noun::Membership {
            network: id::parse(&self.network, "network")?,
            community: id::parse(&self.community, "community")?,
            joined_on: self.joined_on.get("joinedOn")?,
            left_on: self.left_on.map(|day| day.get("leftOn")).transpose()?,
            consent: self.consent.map(consent).transpose()?,
        })
    }
}

impl MembershipUpdateInput {
    fn apply(self, now: &noun::Membership) -> Result<noun::Membership> {
        Ok(noun::Membership {
            joined_on: replace(self.joined_on, &now.joined_on, |day| day.get("joinedOn"))?,
            left_on: patch(self.left_on, &now.left_on, |day| day.get("leftOn"))?,
            consent: patch(self.consent, &now.consent, consent)?,
            ..now.clone()
        })
    }
}

/// Changes of memberships.
#[derive(Default)]
pub struct MembershipMutation;

/// Changes of memberships.
#[Object]
impl MembershipMutation {
    /// Adds a membership.
    async fn membership_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: MembershipCreateInput,
    ) -> async_graphql::Result<MembershipPayload> {
        MembershipPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes a membership.
    async fn membership_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: MembershipUpdateInput,
    ) -> async_graphql::Result<MembershipPayload> {
        let (id, version) = (input.id.clone(), input.version);
        MembershipPayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a membership entered by mistake, or brings it back. A community that leaves gets `leftOn` instead.
    async fn membership_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<MembershipPayload> {
        MembershipPayload::of(archive::<noun::Membership>(ctx, input).await, "input")
    }
}
