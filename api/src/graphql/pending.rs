//! Figures that wait in the schema, and deciding about them.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{
    access::{Needs, Role},
    error::{Error, ProblemCode, Result},
    pending::{self as noun, Chosen, Decided, Decision},
};

use super::{
    community::Community,
    connection::{Connection, Listed, Paging},
    context::ContextExt as _,
    error::{IntoGraphql as _, UserError, UserErrorCode, user_errors},
    id,
    indicator::{Indicator, IndicatorVersion},
    observation::{FigureContent, ObservationRestatement, RestatementInput},
    order::{order, ordered},
    quality_rule::QualityFinding,
    record::referred,
    scalars::{DateTime, Period, number},
    series::{Dimension, dimensions},
    source::Source,
};

/// How far a figure that waits has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::PendingState")]
pub enum PendingState {
    /// It was sent in.
    Received,
    /// A steward found it right; it is not published yet.
    Validated,
    /// A steward declined it. The same is not asked for again when it is sent in again.
    Declined,
}

/// A figure that was sent in and waits until a steward publishes it. Until then it is nowhere else. Seen by those who answer for the
/// community's data, and by whoever sent it in.
pub struct PendingObservation(pub noun::PendingObservation);

impl Listed for PendingObservation {
    const NAME: &'static str = "PendingObservation";
}

/// A figure that was sent in and waits until a steward publishes it. Until then it is nowhere else. Seen by those who answer for the
/// community's data, and by whoever sent it in.
#[Object]
impl PendingObservation {
    /// The global id. A figure that takes its place has another.
    pub async fn id(&self) -> ID {
        id::encode_pending(self.0.id)
    }

    /// Whether you may validate, publish or decline it.
    async fn viewer_can_decide(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may(ctx.actor(), &Needs::steward(self.0.series.community))
    }

    /// Whose figure.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Community> {
        referred(ctx, self.0.series.community).await
    }

    /// What is measured.
    async fn indicator(&self, ctx: &Context<'_>) -> async_graphql::Result<Indicator> {
        referred(ctx, self.0.series.indicator).await
    }

    /// By which definition.
    async fn indicator_version(&self, ctx: &Context<'_>) -> async_graphql::Result<IndicatorVersion> {
        referred(ctx, self.0.series.indicator_version).await
    }

    /// Where it comes from.
    async fn source(&self, ctx: &Context<'_>) -> async_graphql::Result<Source> {
        referred(ctx, self.0.series.source).await
    }

    /// About which part of the population; empty for everybody.
    async fn disaggregation(&self) -> Vec<Dimension> {
        dimensions(&self.0.series.disaggregation)
    }

    /// For which period.
    async fn period(&self) -> Period {
        self.0.period.into()
    }

    /// What it says.
    async fn figure(&self) -> FigureContent {
        self.0.figure.clone().into()
    }

    /// Whether it says nothing of who may see it: published, it is as confidential as the revision before.
    async fn inherits_confidentiality(&self) -> bool {
        self.0.inherits
    }

    /// Why it is to change a figure of a locked period, if whoever sent it in said so.
    async fn restatement(&self) -> Option<ObservationRestatement> {
        self.0.restatement.as_ref().map(Into::into)
    }

    /// What was doubtful in it when it was sent in. Whoever does not answer for the community reads no findings that tell of other
    /// figures.
    async fn findings(&self, ctx: &Context<'_>) -> Vec<QualityFinding> {
        let answering = Needs::community(self.0.series.community, &[Role::Steward, Role::DataAuthority]);
        let all = ctx.services().may(ctx.actor(), &answering);
        let findings = self.0.findings.iter().filter(|finding| all || !finding.check.tells_of_others());
        findings.cloned().map(Into::into).collect()
    }

    /// How far it has come.
    async fn state(&self) -> PendingState {
        self.0.state.into()
    }

    /// When it was sent in.
    async fn received_at(&self) -> DateTime {
        self.0.received_at.into()
    }

    /// By whom, as the audit log names them: `account:…` or `token:…`.
    async fn received_by(&self) -> &str {
        &self.0.received_by
    }

    /// When somebody decided about it last.
    async fn decided_at(&self) -> Option<DateTime> {
        self.0.decided_at.map(Into::into)
    }

    /// Who, as the audit log names them.
    async fn decided_by(&self) -> Option<&str> {
        self.0.decided_by.as_deref()
    }

    /// Why it was declined.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }
}

/// What figures that wait are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct PendingObservationFilter {
    /// Of this community.
    pub community: Option<ID>,
    /// By this indicator.
    pub indicator: Option<ID>,
    /// From this source.
    pub source: Option<ID>,
    /// In one of these states.
    pub states: Option<Vec<PendingState>>,
    /// Those with findings, or those without. Of communities that the reader does not answer for, none has any.
    pub with_findings: Option<bool>,
    /// Received before this moment.
    pub received_before: Option<DateTime>,
    /// Received after the figure with this id, which need not wait any more.
    pub after: Option<ID>,
}

impl PendingObservationFilter {
    fn read(self) -> Result<noun::PendingFilter> {
        Ok(noun::PendingFilter {
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            indicator: id::parse_opt(self.indicator.as_ref(), "filter.indicator")?,
            source: id::parse_opt(self.source.as_ref(), "filter.source")?,
            states: self.states.map(|states| states.into_iter().map(Into::into).collect()),
            with_findings: self.with_findings,
            received_before: self.received_before.map(|moment| moment.get("filter.receivedBefore")).transpose()?,
            after: self.after.as_ref().map(|id| pending_id(id, "filter.after")).transpose()?,
        })
    }
}

order! { "pending observations", PendingObservationOrder, PendingObservationOrderField, noun::PendingSort,
    /// When they were sent in.
    ReceivedAt,
}

/// A part of the figures that wait and that the reader may see; the oldest first unless told otherwise.
pub async fn pending_observations(
    ctx: &Context<'_>,
    paging: Paging,
    filter: Option<PendingObservationFilter>,
    order: Option<PendingObservationOrder>,
) -> async_graphql::Result<Connection<PendingObservation>> {
    let filter = filter.unwrap_or_default().read().into_graphql()?;
    let query = paging.query(ctx, filter, ordered(order), false).into_graphql()?;
    let page = ctx.services().pending_observations(ctx.actor(), &query).await.into_graphql()?;
    Ok(page.map(PendingObservation).into())
}

/// The figure that waits with this id; nothing if the reader may not see it.
pub async fn pending_observation(
    ctx: &Context<'_>,
    id: noun::PendingId,
) -> async_graphql::Result<Option<PendingObservation>> {
    Ok(ctx.services().pending_observation(ctx.actor(), id).await.into_graphql()?.map(PendingObservation))
}

/// Figures that wait: either `ids` or `filter`.
#[derive(Debug, Clone, InputObject)]
pub struct ObservationsValidateInput {
    /// These, 1 to 1 000.
    pub ids: Option<Vec<ID>>,
    /// All of a community for which this holds, the oldest 10 000 of them; RECEIVED ones unless it names other states.
    pub filter: Option<PendingObservationFilter>,
}

/// Figures that wait: either `ids` or `filter`.
#[derive(Debug, Clone, InputObject)]
pub struct ObservationsPublishInput {
    /// These, 1 to 1 000.
    pub ids: Option<Vec<ID>>,
    /// All of a community for which this holds, the oldest 10 000 of them; RECEIVED and VALIDATED ones unless it names other states.
    pub filter: Option<PendingObservationFilter>,
    /// Why figures of locked periods are changed all the same, in place of the reason with which they were sent in. Without either they
    /// are refused as LOCKED.
    pub restate: Option<RestatementInput>,
}

/// Figures that wait, either `ids` or `filter`, and why they are declined.
#[derive(Debug, Clone, InputObject)]
pub struct ObservationsDeclineInput {
    /// These, 1 to 1 000.
    pub ids: Option<Vec<ID>>,
    /// All of a community for which this holds, the oldest 10 000 of them; RECEIVED and VALIDATED ones unless it names other states.
    pub filter: Option<PendingObservationFilter>,
    /// Why, for whoever sent them in; at most 2 000 characters.
    pub reason: String,
}

/// A figure about which it could not be decided so. It still waits.
#[derive(Debug, Clone, SimpleObject)]
pub struct RefusedObservation {
    /// Its global id.
    pub id: ID,
    /// What stands against it, for people.
    pub message: String,
    /// The kind of problem, for programs.
    pub code: UserErrorCode,
}

/// What deciding about figures that wait answers.
#[derive(SimpleObject)]
pub struct ObservationsDecisionPayload {
    /// How many are now as was decided.
    pub decided: i32,
    /// How many were so already. Of those to be published: the published figure says the same, and they wait no longer.
    pub unchanged: i32,
    /// How many could not be decided about so.
    pub refused: i32,
    /// Those that could not.
    pub refused_rows: Vec<RefusedObservation>,
    /// How many more the filter would choose: the same call with `filter.after` as `lastId` goes on with those.
    pub remaining: i32,
    /// The last that the filter chose; nothing if it chose none, or ids were given.
    pub last_id: Option<ID>,
    /// Why nothing was done; empty if it was.
    pub user_errors: Vec<UserError>,
}

impl ObservationsDecisionPayload {
    fn of(result: Result<Decided>) -> async_graphql::Result<Self> {
        let (decided, user_errors) = match result {
            Ok(decided) => (decided, Vec::new()),
            Err(error) => (Decided::default(), user_errors(error, "input")?),
        };
        Ok(Self {
            decided: number(decided.decided),
            unchanged: number(decided.unchanged),
            refused: number(decided.refusals.len()),
            refused_rows: decided
                .refusals
                .into_iter()
                .map(|refusal| RefusedObservation {
                    id: id::encode_pending(refusal.id),
                    message: refusal.message,
                    code: refusal.code.into(),
                })
                .collect(),
            remaining: number(decided.remaining),
            last_id: decided.last.map(id::encode_pending),
            user_errors,
        })
    }
}

/// The id of a figure that waits, or does no longer.
fn pending_id(text: &ID, field: &str) -> Result<noun::PendingId> {
    let message = "this is not the id of a figure that waits";
    id::decode_pending(text).ok_or_else(|| Error::invalid(field, ProblemCode::Invalid, message))
}

/// Exactly one of the two ways to choose.
fn chosen(ids: Option<Vec<ID>>, filter: Option<PendingObservationFilter>) -> Result<Chosen> {
    let invalid = |code, message: &str| Err(Error::invalid("ids", code, message));
    match (ids, filter) {
        (Some(ids), None) if ids.is_empty() => invalid(ProblemCode::Required, "name at least one"),
        (Some(ids), None) => {
            let one = |(place, text)| pending_id(text, &format!("ids.{place}"));
            Ok(Chosen::Ids(ids.iter().enumerate().map(one).collect::<Result<_>>()?))
        }
        (None, Some(filter)) => Ok(Chosen::Matching(filter.read()?)),
        (None, None) => invalid(ProblemCode::Required, "one of ids and filter is needed"),
        (Some(_), Some(_)) => invalid(ProblemCode::Invalid, "only one of ids and filter is given"),
    }
}

async fn decide(
    ctx: &Context<'_>,
    decision: Decision,
    chosen: Result<Chosen>,
) -> async_graphql::Result<ObservationsDecisionPayload> {
    let decided = match chosen {
        Ok(chosen) => ctx.services().decide_pending(ctx.actor(), decision, chosen).await,
        Err(error) => Err(error),
    };
    ObservationsDecisionPayload::of(decided)
}

/// Deciding about figures that wait.
#[derive(Default)]
pub struct PendingMutation;

/// Deciding about figures that wait.
#[Object]
impl PendingMutation {
    /// Says that figures that wait are right, without publishing them yet. For stewards of the community.
    async fn observations_validate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: ObservationsValidateInput,
    ) -> async_graphql::Result<ObservationsDecisionPayload> {
        decide(ctx, Decision::Validate, chosen(input.ids, input.filter)).await
    }

    /// Publishes figures that wait: they are checked once more, recorded as of now, and wait no longer. For stewards of the community.
    async fn observations_publish(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: ObservationsPublishInput,
    ) -> async_graphql::Result<ObservationsDecisionPayload> {
        let decision = Decision::Publish(input.restate.map(Into::into));
        decide(ctx, decision, chosen(input.ids, input.filter)).await
    }

    /// Declines figures that wait. Whoever sent them in reads why; sent in again as they are, they stay declined. For stewards of the
    /// community.
    async fn observations_decline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and why.")] input: ObservationsDeclineInput,
    ) -> async_graphql::Result<ObservationsDecisionPayload> {
        decide(ctx, Decision::Decline(input.reason), chosen(input.ids, input.filter)).await
    }
}
