//! Observations in the schema: figures of series, and recording them.

mod aside;
mod input;
mod loaders;
mod push;
mod retract;
mod rows;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use domain::{error::Result, observation as noun};
use serde::Deserialize;

pub use aside::Aside;
pub use input::ObservationMutation;
pub use loaders::{latest_of, observations, revisions};
pub use push::{FigureContent, PushMutation};
pub use retract::{ObservationRestatement, ObservationRetraction, RestatementInput, RetractMutation};

use super::{
    connection::Listed,
    error::IntoGraphql as _,
    id,
    indicator::PeriodKind,
    input::within,
    order::order,
    record::by_id,
    scalars::{Date, DateTime, Period},
    series::Series,
};

/// What a figure is, after the SDMX code list CL_OBS_STATUS, whose letters stand behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(remote = "noun::ObservationStatus")]
pub enum ObservationStatus {
    /// Normal (A).
    Normal,
    /// The series breaks here: what precedes cannot be compared with what follows (B).
    SeriesBreak,
    /// The definition differs from the indicator's (D).
    DefinitionDiffers,
    /// Estimated (E).
    Estimated,
    /// A forecast; the only status that a period in the future may have (F).
    Forecast,
    /// Experimental (G).
    Experimental,
    /// Imputed (I).
    Imputed,
    /// Missing: not collected (L).
    NotCollected,
    /// Missing: it cannot exist (M).
    CannotExist,
    /// Missing: no reason is known (O).
    Missing,
    /// Provisional (P).
    Provisional,
    /// Suppressed (Q). Never zero.
    Suppressed,
    /// Of low reliability (U).
    LowReliability,
    /// Not yet validated (V).
    Unvalidated,
}

/// Who may see a figure, after the SDMX code list CL_CONF_STATUS, whose letters stand behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(remote = "noun::Confidentiality")]
pub enum Confidentiality {
    /// Free for publication (F).
    Free,
    /// Not for publication (N).
    Internal,
    /// Free once its embargo has passed (E).
    Embargoed,
    /// Confidential (C).
    Confidential,
    /// Confidential because few are counted (A).
    SmallCounts,
    /// Confidential because another could be derived from it (S).
    Secondary,
}

/// One revision of what is known of one period of a series. Nothing is overwritten: a correction is another revision.
#[derive(Debug, Clone)]
pub struct Observation(pub(super) noun::Observation);

impl Listed for Observation {
    const NAME: &'static str = "Observation";
}

impl From<noun::Observation> for Observation {
    fn from(observation: noun::Observation) -> Self {
        Self(observation)
    }
}

/// One revision of what is known of one period of a series. Nothing is overwritten: a correction is another revision.
#[Object]
impl Observation {
    /// The global id of this revision.
    pub async fn id(&self) -> ID {
        id::encode_observation(self.0.series, self.0.period, self.0.revision)
    }

    /// The series.
    async fn series(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Series>> {
        by_id(ctx, self.0.series).await
    }

    /// The period.
    async fn period(&self) -> Period {
        self.0.period.into()
    }

    /// What kind of period it is.
    async fn period_kind(&self) -> PeriodKind {
        self.0.period.kind().into()
    }

    /// The first day of the period.
    async fn starts_on(&self) -> Date {
        self.0.period.start().into()
    }

    /// The last day of the period.
    async fn ends_on(&self) -> Date {
        self.0.period.last_day().into()
    }

    /// The value, in the unit of the definition; nothing exactly if the status says so.
    async fn value(&self) -> Option<f64> {
        self.0.figure.value
    }

    /// What was counted above the line of a ratio.
    async fn numerator(&self) -> Option<f64> {
        self.0.figure.numerator
    }

    /// What was counted below the line of a ratio.
    async fn denominator(&self) -> Option<f64> {
        self.0.figure.denominator
    }

    /// The lower 95 % limit.
    async fn lower(&self) -> Option<f64> {
        self.0.figure.lower
    }

    /// The upper 95 % limit.
    async fn upper(&self) -> Option<f64> {
        self.0.figure.upper
    }

    /// What kind of figure it is.
    async fn status(&self) -> ObservationStatus {
        self.0.figure.status.into()
    }

    /// Who may see it.
    async fn confidentiality(&self) -> Confidentiality {
        self.0.figure.confidentiality.into()
    }

    /// The end of its embargo.
    async fn embargo_until(&self) -> Option<DateTime> {
        self.0.figure.embargo_until.map(Into::into)
    }

    /// A remark of whoever gave it.
    async fn note(&self) -> Option<&str> {
        self.0.figure.note.as_deref()
    }

    /// What the giver calls it.
    async fn external_id(&self) -> Option<&str> {
        self.0.figure.external_id.as_deref()
    }

    /// Counts from 1 within the period; the current one is the highest.
    async fn revision(&self) -> i32 {
        self.0.revision
    }

    /// When it became known here.
    async fn recorded_at(&self) -> DateTime {
        self.0.recorded_at.into()
    }

    /// When a later revision took its place.
    async fn superseded_at(&self) -> Option<DateTime> {
        self.0.superseded_at.map(Into::into)
    }

    /// Why the figure before was withdrawn, of a revision that does so; it has no value.
    async fn retraction(&self) -> Option<ObservationRetraction> {
        let reason = self.0.cause.retraction?.into();
        Some(ObservationRetraction { reason, note: self.0.figure.note.clone() })
    }

    /// Why it was changed after its period had been locked, if it was.
    async fn restatement(&self) -> Option<ObservationRestatement> {
        self.0.cause.restatement.as_ref().map(Into::into)
    }

    /// The revisions of this period that the reader may see, the newest of them, oldest first.
    async fn revisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the newest, 1 to 100.", default = 20)] last: i32,
        #[graphql(desc = "Only those before the revision with this number.")] before: Option<i32>,
    ) -> async_graphql::Result<Vec<Self>> {
        let last = within("last", last, 1, MOST_REVISIONS).into_graphql()?;
        let mut revisions = revisions(ctx, self.0.series, self.0.period).await?;
        revisions.retain(|revision| before.is_none_or(|before| revision.0.revision < before));
        Ok(revisions.split_off(revisions.len().saturating_sub(last)))
    }
}

order! { "observations", ObservationOrder, ObservationOrderField, noun::ObservationSort,
    /// The end of the period, then its start.
    Period,
}

/// The most revisions that are answered at once.
pub const MOST_REVISIONS: usize = 100;

/// What observations are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ObservationFilter {
    /// For periods of this kind.
    pub kind: Option<PeriodKind>,
    /// For periods that end on or after this day.
    pub from: Option<Date>,
    /// For periods that start on or before this day.
    pub until: Option<Date>,
    /// Whether the retractions of withdrawn figures are listed too, each as the revision that says why.
    #[graphql(default)]
    pub include_retracted: bool,
}

impl ObservationFilter {
    /// The filter.
    pub fn read(self) -> Result<noun::ObservationFilter> {
        Ok(noun::ObservationFilter {
            kind: self.kind.map(Into::into),
            from: self.from.map(|day| day.get("filter.from")).transpose()?,
            until: self.until.map(|day| day.get("filter.until")).transpose()?,
            as_of: None,
            retracted: self.include_retracted,
        })
    }
}
