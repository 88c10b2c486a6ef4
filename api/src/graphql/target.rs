//! Targets in the schema.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use domain::{error::Result, record::Stored, target as noun};

use super::{
    community::Community,
    context::ContextExt as _,
    id,
    indicator::{Indicator, IndicatorVersion},
    network::Network,
    order::order,
    record::{ArchiveInput, RecordFields, archive, by_id_opt, may_change, payload, referred, shows},
    scalars::{Date, LanguageTag},
    text::{LocalizedText, LocalizedTextInput, serve_opt},
};

/// A value to reach by a day. To move a target is to set another in its place; the earlier one stays readable.
#[derive(Clone)]
pub struct Target(Arc<Stored<noun::Target>>);

shows!(Target, noun::Target);

/// A value to reach by a day. To move a target is to set another in its place; the earlier one stays readable.
#[Object]
impl Target {
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

    /// What is to change.
    async fn indicator(&self, ctx: &Context<'_>) -> async_graphql::Result<Indicator> {
        referred(ctx, self.0.indicator).await
    }

    /// By which definition.
    async fn indicator_version(&self, ctx: &Context<'_>) -> async_graphql::Result<IndicatorVersion> {
        referred(ctx, self.0.indicator_version).await
    }

    /// The network that set it for its members, if one did.
    async fn network(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Network>> {
        by_id_opt(ctx, self.0.network).await
    }

    /// The community that set it for itself, if one did; it goes before a network's.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Community>> {
        by_id_opt(ctx, self.0.community).await
    }

    /// The value to reach, in the unit of the definition.
    async fn value(&self) -> f64 {
        self.0.value.value
    }

    /// The day by which to reach it.
    async fn due_on(&self) -> Date {
        self.0.due_on.into()
    }

    /// Where it was decided, and why.
    async fn note(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.note.as_ref(), locale)
    }

    /// The target that it replaced.
    async fn replaces(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Self>> {
        by_id_opt(ctx, self.0.replaces).await
    }
}

order! { "targets", TargetOrder, TargetOrderField, noun::TargetSort,
    /// The day they fall due.
    DueOn,
    /// When they were set.
    CreatedAt,
}

/// What targets are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct TargetFilter {
    /// Set by this network.
    pub network: Option<ID>,
    /// Set by this community.
    pub community: Option<ID>,
    /// On this indicator.
    pub indicator: Option<ID>,
    /// Due on this day or later.
    pub due_from: Option<Date>,
    /// Due on this day or earlier.
    pub due_until: Option<Date>,
    /// Whether those that were replaced or archived are listed too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl TargetFilter {
    /// The filter, and whether archived ones are asked for.
    pub fn read(self) -> Result<(noun::TargetFilter, bool)> {
        let filter = noun::TargetFilter {
            network: id::parse_opt(self.network.as_ref(), "filter.network")?,
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            indicator: id::parse_opt(self.indicator.as_ref(), "filter.indicator")?,
            due_from: self.due_from.map(|day| day.get("filter.dueFrom")).transpose()?,
            due_until: self.due_until.map(|day| day.get("filter.dueUntil")).transpose()?,
        };
        Ok((filter, self.include_archived))
    }
}

/// A target to set, for a network's members or for one community.
#[derive(Debug, Clone, InputObject)]
pub struct TargetSetInput {
    /// What is to change.
    pub indicator: ID,
    /// By which definition.
    pub indicator_version: ID,
    /// The network that sets it for its members. Give either this or the community.
    pub network: Option<ID>,
    /// The community that sets it for itself.
    pub community: Option<ID>,
    /// The value to reach, in the unit of the definition; unless the indicator is neutral, better
    /// than each baseline of the community that sets it. A network's is one aim for members on either side of it.
    pub value: f64,
    /// The day by which to reach it.
    pub due_on: Date,
    /// Where it was decided, and why.
    pub note: Option<LocalizedTextInput>,
    /// The target that it replaces and that is archived with it; it must be on the same indicator.
    pub replaces: Option<ID>,
}

impl TargetSetInput {
    fn read(self) -> Result<noun::Target> {
        Ok(noun::Target {
            indicator: id::parse(&self.indicator, "indicator")?,
            indicator_version: id::parse(&self.indicator_version, "indicatorVersion")?,
            network: id::parse_opt(self.network.as_ref(), "network")?,
            community: id::parse_opt(self.community.as_ref(), "community")?,
            value: self.value,
            due_on: self.due_on.get("dueOn")?,
            note: self.note.map(|note| note.get("note")).transpose()?,
            replaces: id::parse_opt(self.replaces.as_ref(), "replaces")?,
        })
    }
}

payload! {
    /// What a change of a target answers.
    TargetPayload { target: Target }
}

/// Changes of targets.
#[derive(Default)]
pub struct TargetMutation;

/// Changes of targets.
#[Object]
impl TargetMutation {
    /// Sets a target. Given `replaces`, it takes that one's place, which stays readable.
    async fn target_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The target.")] input: TargetSetInput,
    ) -> async_graphql::Result<TargetPayload> {
        let result = match input.read() {
            Ok(target) => ctx.services().set_target(ctx.actor(), target).await.map(Arc::new),
            Err(error) => Err(error),
        };
        TargetPayload::of(result, "input")
    }

    /// Archives a target so that it no longer applies, or brings it back.
    async fn target_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<TargetPayload> {
        TargetPayload::of(archive::<noun::Target>(ctx, input).await, "input")
    }
}
