//! Locks on periods in the schema.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use domain::{error::Result, period_lock as noun, record::Stored};

use super::{
    community::Community,
    id,
    indicator::Indicator,
    network::Network,
    order::order,
    record::{RecordFields, by_id_opt, create, may_change, payload, shows, update},
    scalars::{Date, LanguageTag},
    text::{LocalizedText, LocalizedTextInput, serve, serve_opt},
};

/// A lock on the figures of a community, or of the members of a network: those for periods that end by its day are recorded, changed
/// and retracted only with a reason, by stewards (`restate`). It never changes; lifted, it no longer holds. A community's is seen by
/// its own people, a network's by everybody.
#[derive(Clone)]
pub struct PeriodLock(Arc<Stored<noun::PeriodLock>>);

shows!(PeriodLock, noun::PeriodLock);

/// A lock on the figures of a community, or of the members of a network: those for periods that end by its day are recorded, changed
/// and retracted only with a reason, by stewards (`restate`). It never changes; lifted, it no longer holds. A community's is seen by
/// its own people, a network's by everybody.
#[Object]
impl PeriodLock {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(self.0.id)
    }

    /// Version and times.
    #[graphql(flatten)]
    async fn record(&self) -> RecordFields {
        (&self.0.meta).into()
    }

    /// Whether you may lift it.
    async fn viewer_can_lift(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.update)
    }

    /// Whose figures, if a community's.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Community>> {
        by_id_opt(ctx, self.0.community).await
    }

    /// The figures of whose members, if a network's.
    async fn network(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Network>> {
        by_id_opt(ctx, self.0.network).await
    }

    /// By this indicator; by any, if there is none.
    async fn indicator(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Indicator>> {
        by_id_opt(ctx, self.0.indicator).await
    }

    /// Periods that end on this day or before it are locked.
    async fn until(&self) -> Date {
        self.0.until.into()
    }

    /// Why.
    async fn reason(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<LocalizedText> {
        serve(ctx, &self.0.reason, locale)
    }

    /// Why it was lifted; nothing while it holds.
    async fn lifted(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.lifted.as_ref(), locale)
    }
}

order! { "locks", PeriodLockOrder, PeriodLockOrderField, noun::PeriodLockSort,
    /// When they were made.
    CreatedAt,
    /// Until when they lock.
    Until,
}

/// What locks are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct PeriodLockFilter {
    /// On the figures of this community.
    pub community: Option<ID>,
    /// On those of the members of this network.
    pub network: Option<ID>,
    /// Only those that were lifted, or only those that hold.
    pub lifted: Option<bool>,
}

impl PeriodLockFilter {
    /// The filter.
    pub fn read(self) -> Result<noun::PeriodLockFilter> {
        Ok(noun::PeriodLockFilter {
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            network: id::parse_opt(self.network.as_ref(), "filter.network")?,
            lifted: self.lifted,
        })
    }
}

/// A lock to make.
#[derive(Debug, Clone, InputObject)]
pub struct PeriodLockCreateInput {
    /// Whose figures. Exactly one of `community` and `network` is given.
    pub community: Option<ID>,
    /// The figures of whose members.
    pub network: Option<ID>,
    /// By this indicator; by any, if it is left out.
    pub indicator: Option<ID>,
    /// Periods that end on this day or before it are locked.
    pub until: Date,
    /// Why.
    pub reason: LocalizedTextInput,
}

/// A lock to lift.
#[derive(Debug, Clone, InputObject)]
pub struct PeriodLockLiftInput {
    /// The lock.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// Why it is lifted.
    pub reason: LocalizedTextInput,
}

impl PeriodLockCreateInput {
    fn read(self) -> Result<noun::PeriodLock> {
        Ok(noun::PeriodLock {
            community: id::parse_opt(self.community.as_ref(), "community")?,
            network: id::parse_opt(self.network.as_ref(), "network")?,
            indicator: id::parse_opt(self.indicator.as_ref(), "indicator")?,
            until: self.until.get("until")?,
            reason: self.reason.get("reason")?,
            lifted: None,
        })
    }
}

impl PeriodLockLiftInput {
    fn apply(self, now: &noun::PeriodLock) -> Result<noun::PeriodLock> {
        Ok(noun::PeriodLock { lifted: Some(self.reason.get("reason")?), ..now.clone() })
    }
}

payload! {
    /// What a change of a lock answers.
    PeriodLockPayload { period_lock: PeriodLock }
}

/// Changes of locks.
#[derive(Default)]
pub struct PeriodLockMutation;

/// Changes of locks.
#[Object]
impl PeriodLockMutation {
    /// Locks periods: from now on their figures change only with a reason.
    async fn period_lock_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: PeriodLockCreateInput,
    ) -> async_graphql::Result<PeriodLockPayload> {
        PeriodLockPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Lifts a lock so that it no longer holds.
    async fn period_lock_lift(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and why.")] input: PeriodLockLiftInput,
    ) -> async_graphql::Result<PeriodLockPayload> {
        let (id, version) = (input.id.clone(), input.version);
        PeriodLockPayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }
}
