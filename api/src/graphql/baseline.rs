//! Baselines in the schema.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use domain::{baseline as noun, error::Result, record::Stored};

use super::{
    id,
    input::patch,
    order::order,
    record::{ArchiveInput, RecordFields, archive, create, may_change, payload, referred, shows, update},
    scalars::{LanguageTag, Period},
    series::Series,
    text::{LocalizedText, LocalizedTextInput, serve_opt},
};

/// A declared starting point: the period of a series from which change is counted.
#[derive(Clone)]
pub struct Baseline(Arc<Stored<noun::Baseline>>);

shows!(Baseline, noun::Baseline);

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

    /// Whether you may change it.
    async fn viewer_can_update(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.update)
    }

    /// Whether you may archive it, or bring it back.
    async fn viewer_can_archive(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.archive)
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

order! { "starting points", BaselineOrder, BaselineOrderField, noun::BaselineSort,
    /// When they were declared.
    CreatedAt,
    /// The end of their period.
    PeriodEnd,
}

/// What starting points are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct BaselineFilter {
    /// Of this community.
    pub community: Option<ID>,
    /// By this indicator.
    pub indicator: Option<ID>,
    /// Of this series.
    pub series: Option<ID>,
    /// Whether archived ones are listed too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl BaselineFilter {
    /// The filter, and whether archived ones are asked for.
    pub fn read(self) -> Result<(noun::BaselineFilter, bool)> {
        let filter = noun::BaselineFilter {
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            indicator: id::parse_opt(self.indicator.as_ref(), "filter.indicator")?,
            series: id::parse_opt(self.series.as_ref(), "filter.series")?,
        };
        Ok((filter, self.include_archived))
    }
}

/// A starting point to declare.
#[derive(Debug, Clone, InputObject)]
pub struct BaselineCreateInput {
    /// The series; it has at most one.
    pub series: ID,
    /// The period; the series must have a value for it, which the community's targets are better and later than.
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
    /// The period; the series must have a value for it, which the community's targets are better and later than.
    pub period: Option<Period>,
    /// Why this one; null takes it away.
    pub note: MaybeUndefined<LocalizedTextInput>,
}

impl BaselineCreateInput {
    fn read(self) -> Result<noun::Baseline> {
        Ok(noun::Baseline {
            series: id::parse(&self.series, "series")?,
            period: self.period.get("period")?,
            note: self.note.map(|note| note.get("note")).transpose()?,
        })
    }
}

impl BaselineUpdateInput {
    fn apply(self, now: &noun::Baseline) -> Result<noun::Baseline> {
        Ok(noun::Baseline {
            series: now.series,
            period: self.period.map_or(Ok(now.period), |period| period.get("period"))?,
            note: patch(self.note, &now.note, |note| note.get("note"))?,
        })
    }
}

payload! {
    /// What a change of a starting point answers.
    BaselinePayload { baseline: Baseline }
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
        BaselinePayload::of(archive::<noun::Baseline>(ctx, input).await, "input")
    }
}
