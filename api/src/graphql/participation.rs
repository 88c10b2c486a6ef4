//! Participations in the schema.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use domain::{error::Result, participation as noun, record::Stored};

use super::{
    id,
    initiative::Initiative,
    input::{patch, replace},
    order::order,
    partner::Partner,
    record::{ArchiveInput, RecordFields, archive, create, may_change, payload, referred, shows, update},
    scalars::{Date, LanguageTag},
    text::{LocalizedText, LocalizedTextInput, serve},
};

/// How close a partner is to the table (the engagement wheel).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::EngagementRing")]
pub enum EngagementRing {
    /// Meets and decides regularly.
    Core,
    /// Takes part in some of the work.
    Involved,
    /// Supports from outside.
    Supportive,
    /// Is kept informed.
    Peripheral,
}

/// What kind of knowledge a partner brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::Expertise")]
pub enum Expertise {
    /// Professional knowledge of the issue.
    ContentExpert,
    /// Lived experience of the issue.
    ContextExpert,
}

/// How closely partners work together: an ordered scale, of which medians can be taken and means cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::CollaborationLevel")]
pub enum CollaborationLevel {
    /// They compete for the same means or public.
    Compete,
    /// They work side by side without contact.
    Coexist,
    /// They exchange information.
    Communicate,
    /// They help each other now and then.
    Cooperate,
    /// They adjust their work to each other.
    Coordinate,
    /// They share goals, decisions and means.
    Collaborate,
    /// They are one programme.
    Integrate,
}

/// A partner's place in an initiative.
#[derive(Clone)]
pub struct Participation(Arc<Stored<noun::Participation>>);

shows!(Participation, noun::Participation);

/// A partner's place in an initiative.
#[Object]
impl Participation {
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

    /// The initiative.
    async fn initiative(&self, ctx: &Context<'_>) -> async_graphql::Result<Initiative> {
        referred(ctx, self.0.initiative).await
    }

    /// The partner.
    async fn partner(&self, ctx: &Context<'_>) -> async_graphql::Result<Partner> {
        referred(ctx, self.0.partner).await
    }

    /// What it does there.
    async fn role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<LocalizedText> {
        serve(ctx, &self.0.role, locale)
    }

    /// How close it is to the table.
    async fn ring(&self) -> EngagementRing {
        self.0.ring.into()
    }

    /// What kind of knowledge it brings.
    async fn expertise(&self) -> Option<Expertise> {
        self.0.expertise.map(Into::into)
    }

    /// How closely it works with the others now.
    async fn collaboration_current(&self) -> Option<CollaborationLevel> {
        self.0.collaboration_current.map(Into::into)
    }

    /// How closely it would like to.
    async fn collaboration_desired(&self) -> Option<CollaborationLevel> {
        self.0.collaboration_desired.map(Into::into)
    }

    /// The first day of its participation.
    async fn joined_on(&self) -> Date {
        self.0.joined_on.into()
    }

    /// The day it left.
    async fn left_on(&self) -> Option<Date> {
        self.0.left_on.map(Into::into)
    }
}

order! { "participations", ParticipationOrder, ParticipationOrderField, noun::ParticipationSort,
    /// The first day.
    JoinedOn,
    /// When it was recorded.
    CreatedAt,
}

/// What participations are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ParticipationFilter {
    /// In this initiative.
    pub initiative: Option<ID>,
    /// Of this partner.
    pub partner: Option<ID>,
    /// In one of these rings.
    pub rings: Option<Vec<EngagementRing>>,
    /// Archived ones too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl ParticipationFilter {
    /// The filter, and whether archived records are listed too.
    pub fn read(self) -> Result<(noun::ParticipationFilter, bool)> {
        let filter = noun::ParticipationFilter {
            initiative: id::parse_opt(self.initiative.as_ref(), "filter.initiative")?,
            partner: id::parse_opt(self.partner.as_ref(), "filter.partner")?,
            rings: self.rings.map(|rings| rings.into_iter().map(Into::into).collect()),
        };
        Ok((filter, self.include_archived))
    }
}

/// A participation to add.
#[derive(Debug, Clone, InputObject)]
pub struct ParticipationCreateInput {
    /// The initiative.
    pub initiative: ID,
    /// The partner.
    pub partner: ID,
    /// What it does there, at most 200 characters.
    pub role: LocalizedTextInput,
    /// How close it is to the table.
    pub ring: EngagementRing,
    /// What kind of knowledge it brings.
    pub expertise: Option<Expertise>,
    /// How closely it works with the others now.
    pub collaboration_current: Option<CollaborationLevel>,
    /// How closely it would like to.
    pub collaboration_desired: Option<CollaborationLevel>,
    /// The first day of its participation.
    pub joined_on: Date,
    /// The day it left.
    pub left_on: Option<Date>,
}

/// A change of a participation. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct ParticipationUpdateInput {
    /// The participation.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// What it does there.
    pub role: Option<LocalizedTextInput>,
    /// How close it is to the table.
    pub ring: Option<EngagementRing>,
    /// What kind of knowledge it brings; null takes it away.
    pub expertise: MaybeUndefined<Expertise>,
    /// How closely it works with the others now; null takes it away.
    pub collaboration_current: MaybeUndefined<CollaborationLevel>,
    /// How closely it would like to; null takes it away.
    pub collaboration_desired: MaybeUndefined<CollaborationLevel>,
    /// The first day of its participation.
    pub joined_on: Option<Date>,
    /// The day it left; null if it has not.
    pub left_on: MaybeUndefined<Date>,
}

payload! {
    /// What a change of a participation answers.
    ParticipationPayload { participation: Participation }
}

impl ParticipationCreateInput {
    fn read(self) -> Result<noun::Participation> {
        Ok(noun::Participation {
            initiative: id::parse(&self.initiative, "initiative")?,
            partner: id::parse(&self.partner, "partner")?,
            role: self.role.get("role")?,
            ring: self.ring.into(),
            expertise: self.expertise.map(Into::into),
            collaboration_current: self.collaboration_current.map(Into::into),
            collaboration_desired: self.collaboration_desired.map(Into::into),
            joined_on: self.joined_on.get("joinedOn")?,
            left_on: self.left_on.map(|day| day.get("leftOn")).transpose()?,
        })
    }
}

impl ParticipationUpdateInput {
    fn apply(self, now: &noun::Participation) -> Result<noun::Participation> {
        Ok(noun::Participation {
            role: replace(self.role, &now.role, |role| role.get("role"))?,
            ring: self.ring.map_or(now.ring, Into::into),
            expertise: patch(self.expertise, &now.expertise, |given| Ok(given.into()))?,
            collaboration_current: patch(self.collaboration_current, &now.collaboration_current, |given| {
                Ok(given.into())
            })?,
            collaboration_desired: patch(self.collaboration_desired, &now.collaboration_desired, |given| {
                Ok(given.into())
            })?,
            joined_on: replace(self.joined_on, &now.joined_on, |day| day.get("joinedOn"))?,
            left_on: patch(self.left_on, &now.left_on, |day| day.get("leftOn"))?,
            ..now.clone()
        })
    }
}

/// Changes of participations.
#[derive(Default)]
pub struct ParticipationMutation;

/// Changes of participations.
#[Object]
impl ParticipationMutation {
    /// Adds a participation.
    async fn participation_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: ParticipationCreateInput,
    ) -> async_graphql::Result<ParticipationPayload> {
        ParticipationPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes a participation.
    async fn participation_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: ParticipationUpdateInput,
    ) -> async_graphql::Result<ParticipationPayload> {
        let (id, version) = (input.id.clone(), input.version);
        ParticipationPayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a participation entered by mistake, or brings it back. A partner who leaves gets `leftOn` instead.
    async fn participation_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<ParticipationPayload> {
        ParticipationPayload::of(archive::<noun::Participation>(ctx, input).await, "input")
    }
}
