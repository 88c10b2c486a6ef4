//! Recording single figures.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{
    error::Result,
    observation::{Figure, Outcome},
    service::NewFigure,
};

use super::{Confidentiality, Observation, ObservationStatus, RestatementInput};
use crate::graphql::{
    context::ContextExt as _,
    error::{UserError, user_errors},
    id,
    pending::PendingObservation,
    quality_rule::QualityFinding,
    scalars::{DateTime, Period},
    series::{DisaggregationInput, disaggregation},
};

/// A figure to record. The series that it belongs to is created if it is the first.
#[derive(Debug, Clone, InputObject)]
pub struct ObservationRecordInput {
    /// Whose figure.
    pub community: ID,
    /// By which definition.
    pub indicator_version: ID,
    /// Where it comes from.
    pub source: ID,
    /// About which part of the population; everybody if left out.
    pub disaggregation: Option<Vec<DisaggregationInput>>,
    /// For which period.
    pub period: Period,
    /// The value, in the unit of the definition; left out exactly if the status says that there is none.
    pub value: Option<f64>,
    /// What was counted above the line of a ratio.
    pub numerator: Option<f64>,
    /// What was counted below the line of a ratio; above zero.
    pub denominator: Option<f64>,
    /// The lower 95 % limit.
    pub lower: Option<f64>,
    /// The upper 95 % limit.
    pub upper: Option<f64>,
    /// What kind of figure it is.
    #[graphql(default_with = "ObservationStatus::Normal")]
    pub status: ObservationStatus,
    /// Who may see it. Left out, it is as in the revision before, and FREE for the first: a figure that is sent again does not
    /// become public by that.
    pub confidentiality: Option<Confidentiality>,
    /// The end of its embargo, for an embargoed figure.
    pub embargo_until: Option<DateTime>,
    /// A remark, at most 2 000 characters.
    pub note: Option<String>,
    /// What the giver calls it, at most 200 characters.
    pub external_id: Option<String>,
    /// Whether it waits until a steward publishes it, though the caller could do that at once.
    #[graphql(default)]
    pub submit: bool,
    /// Why a figure of a locked period is changed all the same, for stewards. Without it that is refused as LOCKED.
    pub restate: Option<RestatementInput>,
}

/// What became of a figure to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ObservationOutcome {
    /// The first figure of its series and period.
    Created,
    /// A new revision, because it says something else than the one before.
    Updated,
    /// Nothing: the current revision says the same, or what waits already does.
    Unchanged,
    /// It waits until a steward publishes it.
    Received,
}

/// What recording a figure answers.
#[derive(SimpleObject)]
pub struct ObservationPayload {
    /// The figure as it now stands; nothing if it was refused or waits.
    pub observation: Option<Observation>,
    /// The figure that waits until a steward publishes it; nothing if it was refused, published at once, or is published already.
    pub pending_observation: Option<PendingObservation>,
    /// What data-quality rules find doubtful in it. Findings that tell of other figures are told to stewards of the community alone.
    pub findings: Vec<QualityFinding>,
    /// What became of it; nothing if it was refused.
    pub outcome: Option<ObservationOutcome>,
    /// Why it was refused; empty if it was not.
    pub user_errors: Vec<UserError>,
}

impl ObservationRecordInput {
    fn read(self) -> Result<NewFigure> {
        Ok(NewFigure {
            community: id::parse(&self.community, "community")?,
            indicator_version: id::parse(&self.indicator_version, "indicatorVersion")?,
            source: id::parse(&self.source, "source")?,
            disaggregation: disaggregation(self.disaggregation, "disaggregation")?,
            period: self.period.get("period")?,
            restatement: self.restate.map(Into::into),
            inherits: self.confidentiality.is_none() && self.embargo_until.is_none(),
            submit: self.submit,
            figure: Figure {
                value: self.value,
                numerator: self.numerator,
                denominator: self.denominator,
                lower: self.lower,
                upper: self.upper,
                status: self.status.into(),
                confidentiality: self.confidentiality.unwrap_or(Confidentiality::Free).into(),
                embargo_until: self.embargo_until.map(|moment| moment.get("embargoUntil")).transpose()?,
                note: self.note,
                external_id: self.external_id,
            },
        })
    }
}

/// Recording figures.
#[derive(Default)]
pub struct ObservationMutation;

/// Recording figures.
#[Object]
impl ObservationMutation {
    /// Records one figure. Saying the same again changes nothing; saying something else adds a revision. That of a contributor, or of
    /// a program without PUBLISH_FIGURES, waits until a steward publishes it.
    async fn observation_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The figure.")] input: ObservationRecordInput,
    ) -> async_graphql::Result<ObservationPayload> {
        let result = match input.read() {
            Ok(figure) => ctx.services().record_figure(ctx.actor(), figure).await,
            Err(error) => Err(error),
        };
        Ok(match result {
            Ok(recorded) => ObservationPayload {
                observation: recorded.observation.map(Observation),
                pending_observation: recorded.pending.map(PendingObservation),
                findings: recorded.findings.into_iter().map(Into::into).collect(),
                outcome: shown(&recorded.outcome),
                user_errors: Vec::new(),
            },
            Err(error) => ObservationPayload {
                observation: None,
                pending_observation: None,
                findings: Vec::new(),
                outcome: None,
                user_errors: user_errors(error, "input")?,
            },
        })
    }
}

fn shown(outcome: &Outcome) -> Option<ObservationOutcome> {
    match outcome {
        Outcome::Created => Some(ObservationOutcome::Created),
        Outcome::Updated => Some(ObservationOutcome::Updated),
        Outcome::Unchanged => Some(ObservationOutcome::Unchanged),
        Outcome::Received => Some(ObservationOutcome::Received),
        Outcome::Rejected(_) => None,
    }
}
