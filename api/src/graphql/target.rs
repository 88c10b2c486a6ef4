//! Targets and baselines in the schema.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use domain::{baseline, error::Result, record::Stored, target as noun};

use super::{
    community::Community,
    context::ContextExt as _,
    id,
    indicator::{Indicator, IndicatorVersion},
    input::patch,
    network::Network,
    order::order,
    record::{ArchiveInput, RecordFields, archive, by_id, create, payload, referred, shows, update},
    scalars::{Date, LanguageTag, Period},
    series::Series,
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
        match self.0.network {
            Some(id) => by_id(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The community that set it for itself, if one did; it goes before a network's.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Community>> {
        match self.0.community {
            Some(id) => by_id(ctx, id).await,
            None => Ok(None),
        }
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
        match self.0.replaces {
            Some(id) => by_id(ctx, id).await,
            None => Ok(None),
        }
    }
}

order! { "targets", TargetOrder, TargetOrderField, noun::TargetSort,
    /// The day they fall due.
    DueOn,
    /// When they were set.
    CreatedAt,
}

/// A declared starting point: the period of a series from which change is counted.
#[derive(Clone)]
pub struct Baseline(Arc<Stored<baseline::Baseline>>);

shows!(Baseline, baseline::Baseline);

/// A declared starting point: the period of a series from which change is counted.
#[Object]
impl Baseline {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(self.0.id)
    }

    /// Version and times.
    #[graphql(flatten)]
    async fn record(&self) -> RecordFields {
        (&self.0.meta).into()
    }

    /// The series.
    async fn series(&self, ctx: &Context<'_>) -> async_graphql::Result<Series> {
        referred(ctx, self.0.series).await
    }

    /// The period.
    async fn period(&self) -> Period {
        self.0.period.into()
    }

    /// Why this one.
    async fn note(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.note.as_ref(), locale)
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
    /// The value to reach, in the unit of the definition; unless the indicator is neutral, better than the baseline.
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

/// A starting point to declare.
#[derive(Debug, Clone, InputObject)]
pub struct BaselineCreateInput {
    /// The series; it has at most one.
    pub series: ID,
    /// The period; the series must have a value for it.
    pub period: Period,
    /// Why this one.
    pub note: Option<LocalizedTextInput>,
}

/// A change of a starting point. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct BaselineUpdateInput {
    /// The starting point.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// The period; the series must have a value for it.
    pub period: Option<Period>,
    /// Why this one; null takes it away.
    pub note: MaybeUndefined<LocalizedTextInput>,
}

impl BaselineCreateInput {
    fn read(self) -> Result<baseline::Baseline> {
        Ok(baseline::Baseline {
            series: id::parse(&self.series, "series")?,
            period: self.period.get("period")?,
            note: self.note.map(|note| note.get("note")).transpose()?,
        })
    }
}

impl BaselineUpdateInput {
    fn apply(self, now: &baseline::Baseline) -> Result<baseline::Baseline> {
        Ok(baseline::Baseline {
            series: now.series,
            period: self.period.map_or(Ok(now.period), |period| period.get("period"))?,
            note: patch(self.note, &now.note, |note| note.get("note"))?,
        })
    }
}

payload! {
    /// What a change of a target answers.
    TargetPayload { target: Target }
}

payload! {
    /// What a change of a starting point answers.
    BaselinePayload { baseline: Baseline }
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

/// Changes of starting points.
#[derive(Default)]
pub struct BaselineMutation;

/// Changes of starting points.
#[Object]
impl BaselineMutation {
    /// Declares a starting point for a series.
    async fn baseline_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: BaselineCreateInput,
    ) -> async_graphql::Result<BaselinePayload> {
        BaselinePayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes a starting point.
    async fn baseline_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: BaselineUpdateInput,
    ) -> async_graphql::Result<BaselinePayload> {
        let (id, version) = (input.id.clone(), input.version);
        BaselinePayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a starting point so that it no longer applies, or brings it back.
    async fn baseline_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<BaselinePayload> {
        BaselinePayload::of(archive::<baseline::Baseline>(ctx, input).await, "input")
    }
}
