//! Retracting figures, and the reasons of restatements.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{
    error::{Error, Problem, ProblemCode, Result},
    revision as noun,
    service::{Retracted, Retracting, Retraction},
};

use super::push::{PushMode, RejectedRow, first_problem, rejected_rows};
use crate::graphql::{
    context::ContextExt as _,
    error::{UserError, user_errors},
    id,
    scalars::{Period, number},
};

/// Why a figure was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::RetractionReason")]
pub enum RetractionReason {
    /// It is wrong, and what would be right is not known.
    Error,
    /// It was recorded where it does not belong, or twice.
    Misplaced,
    /// Its source has withdrawn it.
    SourceWithdrew,
    /// It should not have been disclosed.
    Disclosure,
    /// Something else, which the note says.
    Other,
}

/// Why a figure of a locked period was changed all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::RestatementReason")]
pub enum RestatementReason {
    /// It was wrong.
    Correction,
    /// It is measured by another method.
    MethodChange,
    /// Its source has revised it.
    SourceRevision,
    /// It came late, or more was known late.
    LateData,
    /// Something else, which the note says.
    Other,
}

/// The reason for which a figure was withdrawn.
#[derive(Debug, Clone, SimpleObject)]
pub struct ObservationRetraction {
    /// The kind of reason.
    pub reason: RetractionReason,
    /// More about it.
    pub note: Option<String>,
}

/// The reason for which a figure was changed after its period had been locked.
#[derive(Debug, Clone, SimpleObject)]
pub struct ObservationRestatement {
    /// The kind of reason.
    pub reason: RestatementReason,
    /// More about it.
    pub note: Option<String>,
}

impl From<&noun::Restatement> for ObservationRestatement {
    fn from(restatement: &noun::Restatement) -> Self {
        Self { reason: restatement.reason.into(), note: restatement.note.clone() }
    }
}

/// The reason for changing figures of locked periods; stewards of the community alone may give one. It stands on every revision that
/// is written, and in the audit log.
#[derive(Debug, Clone, InputObject)]
pub struct RestatementInput {
    /// The kind of reason.
    pub reason: RestatementReason,
    /// More about it, at most 2 000 characters; needed for OTHER.
    pub note: Option<String>,
}

impl From<RestatementInput> for noun::Restatement {
    fn from(input: RestatementInput) -> Self {
        Self { reason: input.reason.into(), note: input.note.filter(|note| !note.trim().is_empty()) }
    }
}

/// A figure to retract: by the id of its current revision, or by its series and period.
#[derive(Debug, Clone, InputObject)]
pub struct RetractedFigureInput {
    /// The current revision; refused as STALE_VERSION if another has taken its place.
    pub id: Option<ID>,
    /// The series, together with `period`, in place of `id`.
    pub series: Option<ID>,
    /// The period, together with `series`, in place of `id`.
    pub period: Option<Period>,
}

/// Figures to retract.
#[derive(Debug, Clone, InputObject)]
pub struct ObservationsRetractInput {
    /// The figures, 1 to 1 000.
    pub figures: Vec<RetractedFigureInput>,
    /// Why they are withdrawn.
    pub reason: RetractionReason,
    /// More about it, at most 2 000 characters; needed for OTHER.
    pub note: Option<String>,
    /// Why figures of locked periods are withdrawn all the same, for stewards.
    pub restate: Option<RestatementInput>,
    /// What becomes of it if some are refused.
    #[graphql(default_with = "PushMode::Atomic")]
    pub mode: PushMode,
}

/// What retracting figures answers.
#[derive(SimpleObject)]
pub struct ObservationsRetractPayload {
    /// How many figures are withdrawn.
    pub retracted: i32,
    /// How many had been withdrawn before; nothing was written for them.
    pub unchanged: i32,
    /// How many were refused.
    pub rejected: i32,
    /// Those that were refused, by their place.
    pub rejected_rows: Vec<RejectedRow>,
    /// Whether it is kept: not that of an ATOMIC call with refused figures.
    pub kept: bool,
    /// Why the call was refused as a whole; empty if it was not.
    pub user_errors: Vec<UserError>,
}

impl RetractedFigureInput {
    fn read(self) -> Result<Retracting> {
        match (self.id, self.series, self.period) {
            (Some(id), None, None) => {
                let read = id::decode_observation(&id);
                let (series, period, revision) = read.ok_or_else(|| {
                    Error::invalid("id", ProblemCode::Invalid, "this is not the id of an observation")
                })?;
                Ok(Retracting { series, period, revision: Some(revision) })
            }
            (None, Some(series), Some(period)) => {
                Ok(Retracting { series: id::parse(&series, "series")?, period: period.get("period")?, revision: None })
            }
            _ => {
                let message = "name a figure by its id, or by series and period";
                Err(Error::invalid("id", ProblemCode::Required, message))
            }
        }
    }
}

impl ObservationsRetractInput {
    fn read(self) -> Retraction {
        let figures: Vec<std::result::Result<_, Problem>> =
            self.figures.into_iter().map(|figure| figure.read().map_err(first_problem)).collect();
        Retraction {
            figures,
            reason: self.reason.into(),
            note: self.note.filter(|note| !note.trim().is_empty()),
            restatement: self.restate.map(Into::into),
            mode: self.mode.into(),
        }
    }
}

impl From<Retracted> for ObservationsRetractPayload {
    fn from(retracted: Retracted) -> Self {
        Self {
            retracted: number(retracted.retracted),
            unchanged: number(retracted.unchanged),
            rejected: number(retracted.rejections.len()),
            rejected_rows: rejected_rows(retracted.rejections),
            kept: retracted.kept,
            user_errors: Vec::new(),
        }
    }
}

/// Retracting figures.
#[derive(Default)]
pub struct RetractMutation;

/// Retracting figures.
#[Object]
impl RetractMutation {
    /// Withdraws figures: each by a further revision without a value that says why. What was known stays readable by `asOf` and among
    /// the revisions; the period has no current figure until another is recorded.
    async fn observations_retract(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and why.")] input: ObservationsRetractInput,
    ) -> async_graphql::Result<ObservationsRetractPayload> {
        match ctx.services().retract(ctx.actor(), &input.read()).await {
            Ok(retracted) => Ok(retracted.into()),
            Err(error) => {
                let user_errors = user_errors(error, "input")?;
                Ok(ObservationsRetractPayload { user_errors, ..Retracted::default().into() })
            }
        }
    }
}
