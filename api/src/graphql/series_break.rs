//! Declared breaks of series in the schema.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use domain::{error::Result, record::Stored, series_break as noun};

use super::{
    community::Community,
    id,
    indicator::Indicator,
    input::patch,
    order::order,
    record::{ArchiveInput, RecordFields, archive, by_id_opt, create, may_change, payload, referred, shows, update},
    scalars::{Date, LanguageTag},
    source::Source,
    text::{LocalizedText, LocalizedTextInput, serve, serve_opt},
};

/// Why a series breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::BreakReason")]
pub enum SeriesBreakReason {
    /// It is measured by another method.
    Method,
    /// Something else is counted.
    Definition,
    /// It is taken from somewhere else.
    Source,
    /// It is of another area.
    Geography,
    /// Something else, which the note says.
    Other,
}

/// A declared break of the series of a community by an indicator: from its day on something else is measured, or in another way. No
/// change is computed across it, unless a bridge is declared. Where it is the DEFINITION of the indicator that changed, the bridge leads
/// from figures by the earlier version to those by the next. Seen by those with whom the figures are shared.
#[derive(Clone)]
pub struct SeriesBreak(Arc<Stored<noun::SeriesBreak>>);

shows!(SeriesBreak, noun::SeriesBreak);

/// How values from before a break are put into the measurement after it: new = factor x old + offset.
#[derive(Clone)]
pub struct SeriesBridge(noun::Bridge);

/// How values from before a break are put into the measurement after it: new = factor x old + offset.
#[Object]
impl SeriesBridge {
    /// What an old value is multiplied by.
    async fn factor(&self) -> f64 {
        self.0.conversion.factor
    }

    /// What is added then, in the unit of the definition.
    async fn offset(&self) -> f64 {
        self.0.conversion.offset
    }

    /// What shows that it is so: years measured both ways, a study.
    async fn evidence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<LocalizedText> {
        serve(ctx, &self.0.evidence, locale)
    }
}

/// A declared break of the series of a community by an indicator: from its day on something else is measured, or in another way. No
/// change is computed across it, unless a bridge is declared. Where it is the DEFINITION of the indicator that changed, the bridge leads
/// from figures by the earlier version to those by the next. Seen by those with whom the figures are shared.
#[Object]
impl SeriesBreak {
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

    /// By which indicator.
    async fn indicator(&self, ctx: &Context<'_>) -> async_graphql::Result<Indicator> {
        referred(ctx, self.0.indicator).await
    }

    /// From this source; from any, if there is none.
    async fn source(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Source>> {
        by_id_opt(ctx, self.0.source).await
    }

    /// The first day of the new measurement.
    async fn starts_on(&self) -> Date {
        self.0.starts_on.into()
    }

    /// Why.
    async fn reason(&self) -> SeriesBreakReason {
        self.0.reason.into()
    }

    /// More about it.
    async fn note(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.note.as_ref(), locale)
    }

    /// How figures from before are compared with those after it; nothing if they cannot be.
    async fn bridge(&self) -> Option<SeriesBridge> {
        self.0.bridge.clone().map(SeriesBridge)
    }
}

order! { "breaks", SeriesBreakOrder, SeriesBreakOrderField, noun::SeriesBreakSort,
    /// When they were declared.
    CreatedAt,
    /// The first day of the new measurement.
    StartsOn,
}

/// What breaks are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct SeriesBreakFilter {
    /// Of this community.
    pub community: Option<ID>,
    /// By this indicator.
    pub indicator: Option<ID>,
    /// Whether archived ones are listed too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl SeriesBreakFilter {
    /// The filter, and whether archived ones are asked for.
    pub fn read(self) -> Result<(noun::SeriesBreakFilter, bool)> {
        let filter = noun::SeriesBreakFilter {
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            indicator: id::parse_opt(self.indicator.as_ref(), "filter.indicator")?,
        };
        Ok((filter, self.include_archived))
    }
}

/// A bridge over a break: new = factor x old + offset.
#[derive(Debug, Clone, InputObject)]
pub struct SeriesBridgeInput {
    /// What an old value is multiplied by; not zero.
    pub factor: f64,
    /// What is added then, in the unit of the definition.
    #[graphql(default)]
    pub offset: f64,
    /// What shows that it is so.
    pub evidence: LocalizedTextInput,
}

/// A break to declare.
#[derive(Debug, Clone, InputObject)]
pub struct SeriesBreakCreateInput {
    /// Whose figures.
    pub community: ID,
    /// By which indicator.
    pub indicator: ID,
    /// From this source; from any, if it is left out.
    pub source: Option<ID>,
    /// The first day of the new measurement.
    pub starts_on: Date,
    /// Why.
    pub reason: SeriesBreakReason,
    /// More about it; needed for OTHER.
    pub note: Option<LocalizedTextInput>,
    /// How figures from before are compared with those after it.
    pub bridge: Option<SeriesBridgeInput>,
}

/// A change of a break. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct SeriesBreakUpdateInput {
    /// The break.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// The first day of the new measurement.
    pub starts_on: Option<Date>,
    /// Why.
    pub reason: Option<SeriesBreakReason>,
    /// More about it; null takes it away.
    pub note: MaybeUndefined<LocalizedTextInput>,
    /// How figures from before are compared with those after it; null takes it away.
    pub bridge: MaybeUndefined<SeriesBridgeInput>,
}

impl SeriesBridgeInput {
    fn read(self) -> Result<noun::Bridge> {
        let conversion = noun::Conversion { factor: self.factor, offset: self.offset };
        Ok(noun::Bridge { conversion, evidence: self.evidence.get("bridge.evidence")? })
    }
}

impl SeriesBreakCreateInput {
    fn read(self) -> Result<noun::SeriesBreak> {
        Ok(noun::SeriesBreak {
            community: id::parse(&self.community, "community")?,
            indicator: id::parse(&self.indicator, "indicator")?,
            source: id::parse_opt(self.source.as_ref(), "source")?,
            starts_on: self.starts_on.get("startsOn")?,
            reason: self.reason.into(),
            note: self.note.map(|note| note.get("note")).transpose()?,
            bridge: self.bridge.map(SeriesBridgeInput::read).transpose()?,
        })
    }
}

impl SeriesBreakUpdateInput {
    fn apply(self, now: &noun::SeriesBreak) -> Result<noun::SeriesBreak> {
        Ok(noun::SeriesBreak {
            starts_on: self.starts_on.map_or(Ok(now.starts_on), |day| day.get("startsOn"))?,
            reason: self.reason.map_or(now.reason, Into::into),
            note: patch(self.note, &now.note, |note| note.get("note"))?,
            bridge: patch(self.bridge, &now.bridge, SeriesBridgeInput::read)?,
            ..now.clone()
        })
    }
}

payload! {
    /// What a change of a break answers.
    SeriesBreakPayload { series_break: SeriesBreak }
}

/// Changes of breaks.
#[derive(Default)]
pub struct SeriesBreakMutation;

/// Changes of breaks.
#[Object]
impl SeriesBreakMutation {
    /// Declares a break of series.
    async fn series_break_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: SeriesBreakCreateInput,
    ) -> async_graphql::Result<SeriesBreakPayload> {
        SeriesBreakPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes a break.
    async fn series_break_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: SeriesBreakUpdateInput,
    ) -> async_graphql::Result<SeriesBreakPayload> {
        let (id, version) = (input.id.clone(), input.version);
        SeriesBreakPayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a break so that it no longer counts, or brings it back.
    async fn series_break_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<SeriesBreakPayload> {
        SeriesBreakPayload::of(archive::<noun::SeriesBreak>(ctx, input).await, "input")
    }
}
