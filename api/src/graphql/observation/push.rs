//! Pushing many figures at once.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{
    error::{Error, Problem, ProblemCode, Result},
    observation::Figure,
    push::{self as noun, CommunityRef, IndicatorRef, Push, PushKey, PushRow, Pushed, Rejection, SourceRef},
    revision::Restatement,
};
use serde::Deserialize;

use super::{
    Confidentiality, ObservationStatus, RestatementInput,
    aside::{self, PushRows},
};
use crate::graphql::{
    context::ContextExt as _,
    error::{UserError, UserErrorCode, user_errors},
    id,
    input::{ExternalIdInput, key},
    quality_rule::{QualityCheck, QualityEffect},
    scalars::{DateTime, Period, number},
    series::{DisaggregationInput, disaggregation},
};

/// What becomes of a push some of whose rows are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::PushMode")]
pub enum PushMode {
    /// Nothing of it is kept.
    Atomic,
    /// The other rows are kept.
    BestEffort,
}

/// A row of a push: a figure, and what it is of, by identifiers or by the codes that others know things by.
#[derive(Debug, Clone, InputObject, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObservationRowInput {
    /// Whose figure, by identifier. Exactly one of `community` and `communityCode` is given.
    pub community: Option<ID>,
    /// Whose figure, by a code of the community.
    #[serde(default, deserialize_with = "aside::object")]
    pub community_code: Option<ExternalIdInput>,
    /// By which definition. Exactly one of `indicatorVersion` and `indicator` is given.
    pub indicator_version: Option<ID>,
    /// By the code of the indicator: its definition in force today.
    pub indicator: Option<String>,
    /// Where it comes from, by identifier. Exactly one of `source` and `sourceKey` is given.
    pub source: Option<ID>,
    /// Where it comes from, by the key of the source.
    pub source_key: Option<String>,
    /// About which part of the population; everybody if left out.
    #[serde(default, deserialize_with = "aside::objects")]
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
    #[serde(default = "normal", deserialize_with = "aside::name")]
    pub status: ObservationStatus,
    /// Who may see it. Left out, it is as in the revision before, and FREE for the first.
    #[serde(default, deserialize_with = "aside::some_name")]
    pub confidentiality: Option<Confidentiality>,
    /// The end of its embargo, for an embargoed figure.
    pub embargo_until: Option<DateTime>,
    /// A remark, at most 2 000 characters.
    pub note: Option<String>,
    /// What the giver calls it, at most 200 characters.
    pub external_id: Option<String>,
}

const fn normal() -> ObservationStatus {
    ObservationStatus::Normal
}

/// Many figures to record.
#[derive(Debug, Clone, InputObject)]
pub struct ObservationsPushInput {
    /// The figures, 1 to 10 000.
    pub rows: PushRows,
    /// What becomes of the push if rows are refused.
    #[graphql(default_with = "PushMode::Atomic")]
    pub mode: PushMode,
    /// Whether nothing is to be kept: the answer says what would become of every row, and what it would change.
    #[graphql(default)]
    pub dry_run: bool,
    /// Whether all of it waits until a steward publishes it, though the caller could do that at once. Figures of whoever may not
    /// publish wait anyway.
    #[graphql(default)]
    pub submit: bool,
    /// Why figures of locked periods are changed all the same, for stewards. Without it they are refused as LOCKED.
    pub restate: Option<RestatementInput>,
    /// The caller's own name for this push, 1 to 255 characters, remembered for 7 days. Sent again with the same rows and settings,
    /// the push is answered as it was and writes nothing; with others it is refused as a CONFLICT. A push of which nothing was kept
    /// does not use up its key.
    pub idempotency_key: Option<String>,
}

/// A row of a push that was refused.
#[derive(Debug, Clone, SimpleObject)]
pub struct RejectedRow {
    /// Its place in the push, from 0.
    pub index: i32,
    /// The field of the row at fault: `period`, `communityCode.scheme`; nothing for the row as a whole.
    pub field: Option<String>,
    /// What is wrong and what would be right, for people.
    pub message: String,
    /// The kind of problem, for programs.
    pub code: UserErrorCode,
}

/// Something doubtful in a row of a push that was not refused.
#[derive(Debug, Clone, SimpleObject)]
pub struct RowFinding {
    /// Its place in the push, from 0.
    pub index: i32,
    /// What was looked at.
    pub rule: QualityCheck,
    /// What becomes of the figure. One that waits is refused when it is to be published.
    pub effect: QualityEffect,
    /// What is doubtful, for people.
    pub message: String,
}

/// What a figure says, apart from what it is of.
#[derive(Debug, Clone, SimpleObject)]
pub struct FigureContent {
    /// The value, in the unit of the definition.
    pub value: Option<f64>,
    /// What was counted above the line of a ratio.
    pub numerator: Option<f64>,
    /// What was counted below the line of a ratio.
    pub denominator: Option<f64>,
    /// The lower 95 % limit.
    pub lower: Option<f64>,
    /// The upper 95 % limit.
    pub upper: Option<f64>,
    /// What kind of figure it is.
    pub status: ObservationStatus,
    /// Who may see it.
    pub confidentiality: Confidentiality,
    /// The end of its embargo.
    pub embargo_until: Option<DateTime>,
    /// A remark.
    pub note: Option<String>,
    /// What the giver calls it.
    pub external_id: Option<String>,
}

/// What a row of a dry run would write.
#[derive(Debug, Clone, SimpleObject)]
pub struct RowDifference {
    /// Its place in the push, from 0.
    pub index: i32,
    /// The figure as it is; nothing if the row would create it, or if you may not read it. For a row that would wait: the one that
    /// waits now, else the published one.
    pub before: Option<FigureContent>,
    /// The figure as it would be; as the row has it, if you may not read what it takes the place of.
    pub after: FigureContent,
}

/// What a push answers.
#[derive(SimpleObject)]
pub struct ObservationsPushPayload {
    /// How many rows were the first figure of their series and period.
    pub created: i32,
    /// How many said something else than the current revision and are a new one.
    pub updated: i32,
    /// How many said the same as the current revision, or as what waits already; nothing was written for them.
    pub unchanged: i32,
    /// How many wait until a steward publishes them: see `pendingObservations`.
    pub received: i32,
    /// How many were refused.
    pub rejected: i32,
    /// Those that were refused, by their place.
    pub rejected_rows: Vec<RejectedRow>,
    /// What data-quality rules find doubtful in the others, by their place. Findings that tell of other figures are told to stewards of
    /// the community alone.
    pub findings: Vec<RowFinding>,
    /// Of a dry run: what it would write, by place. Empty otherwise.
    pub differences: Vec<RowDifference>,
    /// Whether what was created, updated and received is kept: not that of a dry run, nor of an ATOMIC push with refused rows.
    pub kept: bool,
    /// Whether this push was answered before, under the same key; nothing was written now.
    pub repeated: bool,
    /// Why the push was refused as a whole; empty if it was not.
    pub user_errors: Vec<UserError>,
}

impl From<Figure> for FigureContent {
    fn from(figure: Figure) -> Self {
        Self {
            value: figure.value,
            numerator: figure.numerator,
            denominator: figure.denominator,
            lower: figure.lower,
            upper: figure.upper,
            status: figure.status.into(),
            confidentiality: figure.confidentiality.into(),
            embargo_until: figure.embargo_until.map(Into::into),
            note: figure.note,
            external_id: figure.external_id,
        }
    }
}

/// Exactly one of two ways to name a thing.
fn either<A, B, T>(
    a: Option<A>,
    b: Option<B>,
    names: (&'static str, &'static str),
    read_a: impl FnOnce(A) -> Result<T>,
    read_b: impl FnOnce(B) -> Result<T>,
) -> Result<T> {
    match (a, b) {
        (Some(a), None) => read_a(a),
        (None, Some(b)) => read_b(b),
        (None, None) => {
            let message = format!("one of {} and {} is needed", names.0, names.1);
            Err(Error::invalid(names.0, ProblemCode::Required, message))
        }
        (Some(_), Some(_)) => {
            let message = format!("only one of {} and {} is given", names.0, names.1);
            Err(Error::invalid(names.1, ProblemCode::Invalid, message))
        }
    }
}

impl ObservationRowInput {
    fn read(self) -> Result<PushRow> {
        let inherits = self.confidentiality.is_none() && self.embargo_until.is_none();
        Ok(PushRow {
            community: either(
                self.community,
                self.community_code,
                ("community", "communityCode"),
                |community| id::parse(&community, "community").map(CommunityRef::Id),
                |code| code.get("communityCode").map(CommunityRef::Code),
            )?,
            indicator: either(
                self.indicator_version,
                self.indicator,
                ("indicatorVersion", "indicator"),
                |version| id::parse(&version, "indicatorVersion").map(IndicatorRef::Version),
                |code| key(&code, "indicator").map(IndicatorRef::Code),
            )?,
            source: either(
                self.source,
                self.source_key,
                ("source", "sourceKey"),
                |source| id::parse(&source, "source").map(SourceRef::Id),
                |name| key(&name, "sourceKey").map(SourceRef::Key),
            )?,
            disaggregation: disaggregation(self.disaggregation, "disaggregation")?,
            period: self.period.get("period")?,
            inherits,
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

impl ObservationsPushInput {
    fn read(self, ctx: &Context<'_>) -> Result<Push> {
        let rows: Vec<_> = self.rows.get(ctx).into_iter().map(|row| row.read().map_err(first_problem)).collect();
        if rows.is_empty() {
            return Err(Error::invalid("rows", ProblemCode::Required, "a push has at least one row"));
        }
        let (mode, submit, restatement) = (self.mode, self.submit, self.restate.map(Into::into));
        let digest = || digest(&rows, mode, submit, restatement.as_ref());
        let key = self.idempotency_key.map(|key| PushKey { key, digest: digest() });
        Ok(Push { rows, mode: mode.into(), dry_run: self.dry_run, submit, restatement, key })
    }
}

/// What is wrong with a row, as one problem.
#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
pub(super) fn first_problem(error: Error) -> Problem {
    let first = match &error {
        Error::Validation(problems) => problems.iter().next().cloned(),
        _ => None,
    };
    first.unwrap_or_else(|| Problem::new("", ProblemCode::Invalid, error.to_string()))
}

/// What tells one push from another: the rows as they were understood, so that neither spaces nor the order of fields count.
fn digest(
    rows: &[std::result::Result<PushRow, Problem>],
    mode: PushMode,
    submit: bool,
    restatement: Option<&Restatement>,
) -> [u8; 32] {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    hasher.update(format!("{mode:?} {submit}"));
    // With quotes and escapes: a note must not be taken for a row.
    if let Some(restatement) = restatement {
        hasher.update(format!(" {restatement:?}"));
    }
    for row in rows {
        hasher.update(format!("\n{row:?}"));
    }
    hasher.finalize().into()
}

/// The rows that were refused, as they are shown.
pub(super) fn rejected_rows(rejections: Vec<Rejection>) -> Vec<RejectedRow> {
    let shown = |rejection: Rejection| RejectedRow {
        index: number(rejection.row),
        field: Some(rejection.path.join(".")).filter(|field| !field.is_empty()),
        message: rejection.message,
        code: rejection.code.into(),
    };
    rejections.into_iter().map(shown).collect()
}

impl From<Pushed> for ObservationsPushPayload {
    fn from(pushed: Pushed) -> Self {
        Self {
            created: number(pushed.created),
            updated: number(pushed.updated),
            unchanged: number(pushed.unchanged),
            received: number(pushed.received),
            rejected: number(pushed.rejections.len()),
            rejected_rows: rejected_rows(pushed.rejections),
            findings: pushed
                .doubts
                .into_iter()
                .map(|doubt| RowFinding {
                    index: number(doubt.row),
                    rule: doubt.finding.check.into(),
                    effect: doubt.finding.effect.into(),
                    message: doubt.finding.message,
                })
                .collect(),
            differences: pushed
                .differences
                .into_iter()
                .map(|difference| RowDifference {
                    index: number(difference.row),
                    before: difference.before.map(Into::into),
                    after: difference.after.into(),
                })
                .collect(),
            kept: pushed.kept,
            repeated: pushed.repeated,
            user_errors: Vec::new(),
        }
    }
}

/// Pushing figures.
#[derive(Default)]
pub struct PushMutation;

/// Pushing figures.
#[Object]
impl PushMutation {
    /// Records many figures at once: new ones are created, those that say something else become a new revision, and those that say
    /// the same write nothing. Those of contributors, and of programs without PUBLISH_FIGURES, wait until a steward publishes them.
    async fn observations_push(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The figures.")] input: ObservationsPushInput,
    ) -> async_graphql::Result<ObservationsPushPayload> {
        let result = match input.read(ctx) {
            Ok(push) => ctx.services().push(ctx.actor(), push).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(pushed) => Ok(pushed.into()),
            Err(error) => {
                let user_errors = user_errors(error, "input")?;
                Ok(ObservationsPushPayload { user_errors, ..Pushed::default().into() })
            }
        }
    }
}
