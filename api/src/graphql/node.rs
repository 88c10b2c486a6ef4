//! Any record by its global id.

use async_graphql::{Context, ID, Interface};
use domain::id::{NodeKind, NodeRef};

use super::{
    account::Account,
    api_token::ApiToken,
    audit::{AuditEntry, entry},
    authority_decision::AuthorityDecision,
    baseline::Baseline,
    community::Community,
    grant::Grant,
    id,
    import_job::{ImportJob, import_job},
    indicator::{Indicator, IndicatorVersion},
    initiative::Initiative,
    learning::Learning,
    mapping::Mapping,
    membership::Membership,
    network::Network,
    observation::{Observation, revisions},
    participation::Participation,
    partner::Partner,
    pending::{PendingObservation, pending_observation},
    period_lock::PeriodLock,
    quality_rule::QualityRule,
    record::by_id,
    series::Series,
    series_break::SeriesBreak,
    sharing_rule::SharingRule,
    source::Source,
    target::Target,
};

/// A record with a global id.
#[derive(Interface)]
#[allow(clippy::large_enum_variant)] // all but the observation are handles, and few nodes are alive at once
#[graphql(field(name = "id", ty = "ID", desc = "The global id: opaque, stable, unique over all types."))]
pub enum Node {
    /// A network.
    Network(Network),
    /// A membership.
    Membership(Membership),
    /// A community.
    Community(Community),
    /// An initiative.
    Initiative(Initiative),
    /// A partner.
    Partner(Partner),
    /// A participation.
    Participation(Participation),
    /// An indicator.
    Indicator(Indicator),
    /// A version of an indicator.
    IndicatorVersion(IndicatorVersion),
    /// A source.
    Source(Source),
    /// A mapping.
    Mapping(Mapping),
    /// A series.
    Series(Series),
    /// An observation.
    Observation(Observation),
    /// A baseline.
    Baseline(Baseline),
    /// A target.
    Target(Target),
    /// A learning.
    Learning(Learning),
    /// A sharing rule.
    SharingRule(SharingRule),
    /// A decision of an Indigenous data authority.
    AuthorityDecision(AuthorityDecision),
    /// A lock on periods.
    PeriodLock(PeriodLock),
    /// A declared break of series.
    SeriesBreak(SeriesBreak),
    /// An account.
    Account(Account),
    /// A grant.
    Grant(Grant),
    /// An API token.
    ApiToken(ApiToken),
    /// A data-quality rule.
    QualityRule(QualityRule),
    /// An entry of the audit log.
    AuditEntry(AuditEntry),
    /// An import job.
    ImportJob(ImportJob),
    /// A figure that waits.
    PendingObservation(PendingObservation),
}

/// The record with this global id, or nothing: what may not be seen looks like what does not exist, and so does a text
/// that is no id.
pub async fn node(ctx: &Context<'_>, id: &ID) -> async_graphql::Result<Option<Node>> {
    let Some(NodeRef { kind, id }) = id::decode(id) else {
        if let Some(place) = id::decode_entry(id) {
            return Ok(entry(ctx, place).await?.map(Node::AuditEntry));
        }
        if let Some(job) = id::decode_import_job(id) {
            return Ok(import_job(ctx, job).await?.map(Node::ImportJob));
        }
        if let Some(pending) = id::decode_pending(id) {
            return Ok(pending_observation(ctx, pending).await?.map(Node::PendingObservation));
        }
        let Some((series, period, revision)) = id::decode_observation(id) else { return Ok(None) };
        let revisions = revisions(ctx, series, period).await?;
        return Ok(revisions.into_iter().find(|observation| observation.0.revision == revision).map(Node::Observation));
    };
    Ok(match kind {
        NodeKind::Network => by_id(ctx, id.into()).await?.map(Node::Network),
        NodeKind::Membership => by_id(ctx, id.into()).await?.map(Node::Membership),
        NodeKind::Community => by_id(ctx, id.into()).await?.map(Node::Community),
        NodeKind::Initiative => by_id(ctx, id.into()).await?.map(Node::Initiative),
        NodeKind::Partner => by_id(ctx, id.into()).await?.map(Node::Partner),
        NodeKind::Participation => by_id(ctx, id.into()).await?.map(Node::Participation),
        NodeKind::Indicator => by_id(ctx, id.into()).await?.map(Node::Indicator),
        NodeKind::IndicatorVersion => by_id(ctx, id.into()).await?.map(Node::IndicatorVersion),
        NodeKind::Source => by_id(ctx, id.into()).await?.map(Node::Source),
        NodeKind::Mapping => by_id(ctx, id.into()).await?.map(Node::Mapping),
        NodeKind::Series => by_id(ctx, id.into()).await?.map(Node::Series),
        NodeKind::Baseline => by_id(ctx, id.into()).await?.map(Node::Baseline),
        NodeKind::Target => by_id(ctx, id.into()).await?.map(Node::Target),
        NodeKind::Learning => by_id(ctx, id.into()).await?.map(Node::Learning),
        NodeKind::SharingRule => by_id(ctx, id.into()).await?.map(Node::SharingRule),
        NodeKind::AuthorityDecision => by_id(ctx, id.into()).await?.map(Node::AuthorityDecision),
        NodeKind::PeriodLock => by_id(ctx, id.into()).await?.map(Node::PeriodLock),
        NodeKind::SeriesBreak => by_id(ctx, id.into()).await?.map(Node::SeriesBreak),
        NodeKind::Account => by_id(ctx, id.into()).await?.map(Node::Account),
        NodeKind::Grant => by_id(ctx, id.into()).await?.map(Node::Grant),
        NodeKind::ApiToken => by_id(ctx, id.into()).await?.map(Node::ApiToken),
        NodeKind::QualityRule => by_id(ctx, id.into()).await?.map(Node::QualityRule),
    })
}
