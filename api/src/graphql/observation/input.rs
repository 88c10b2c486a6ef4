//! Recording single figures.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{
    error::Result,
    observation::{Figure, Outcome},
    service::NewFigure,
};

use super::{Confidentiality, Observation, ObservationStatus};
use crate::graphql::{
    context::ContextExt as _,
    error::{UserError, user_errors},
    id,
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
}

/// What became of a figure to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ObservationOutcome {
    /// The first figure of its series and period.
    Created,
    /// A new revision, because it says something else than the one before.
    Updated,
    /// Nothing: the current revision says the same.
    Unchanged,
}

/// What recording a figure answers.
#[derive(SimpleObject)]
pub struct ObservationPayload {
    /// The figure as it now stands; nothing if it was refused.
    pub observation: Option<Observation>,
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
            inherits: self.confidentiality.is_none() && self.embargo_until.is_none(),
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
    /// Records one figure. Saying the same again changes nothing; saying something else adds a revision.
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
            Ok((observation, outcome)) => ObservationPayload {
                observation: Some(Observation(observation)),
                outcome: shown(&outcome),
                user_errors: Vec::new(),
            },
            Err(error) => {
                ObservationPayload { observation: None, outcome: None, user_errors: user_errors(error, "input")? }
            }
        })
    }
}

fn shown(outcome: &Outcome) -> Option<ObservationOutcome> {
    match outcome {
        Outcome::Created => Some(ObservationOutcome::Created),
        Outcome::Updated => Some(ObservationOutcome::Updated),
        Outcome::Unchanged => Some(ObservationOutcome::Unchanged),
        Outcome::Rejected(_) => None,
    }
}
