//! Queries of what becomes of figures: their changes, those that wait, and what is declared about them.

use async_graphql::{Context, Object};

use super::{
    change_feed::{self, ChangeFilter, ChangePage},
    connection::{Connection, Paging, list},
    order::ordered,
    pending::{self, PendingObservation, PendingObservationFilter, PendingObservationOrder},
    period_lock::{PeriodLock, PeriodLockFilter, PeriodLockOrder},
    quality_rule::{QualityRule, QualityRuleFilter, QualityRuleOrder},
    series_break::{SeriesBreak, SeriesBreakFilter, SeriesBreakOrder},
};

/// Queries of what becomes of figures.
#[derive(Default)]
pub struct FigureQuery;

/// Queries of what becomes of figures.
#[Object]
impl FigureQuery {
    /// By which figures are found doubtful: the rules of networks, and those of communities that the reader may see.
    #[allow(clippy::too_many_arguments)]
    async fn quality_rules(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<QualityRuleFilter>,
        #[graphql(desc = "The order; by time if left out.")] order_by: Option<QualityRuleOrder>,
    ) -> async_graphql::Result<Connection<QualityRule>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// The locks on periods that the reader may see.
    #[allow(clippy::too_many_arguments)]
    async fn period_locks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<PeriodLockFilter>,
        #[graphql(desc = "The order; by time if left out.")] order_by: Option<PeriodLockOrder>,
    ) -> async_graphql::Result<Connection<PeriodLock>> {
        let paging = Paging { first, after, last, before };
        let query =
            filter.unwrap_or_default().read().and_then(|filter| paging.query(ctx, filter, ordered(order_by), false));
        list(ctx, query).await
    }

    /// The declared breaks of series that the reader may see.
    #[allow(clippy::too_many_arguments)]
    async fn series_breaks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<SeriesBreakFilter>,
        #[graphql(desc = "The order; by time if left out.")] order_by: Option<SeriesBreakOrder>,
    ) -> async_graphql::Result<Connection<SeriesBreak>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// The feed of changes, for systems that keep a copy: every revision of every figure that the reader may see, retractions among
    /// them, in the order in which they came to be kept. Reading on from `cursor`, one gets each revision once, however many record at
    /// the same time. What the reader may see is decided when they read: a figure whose embargo ends later comes again as RELEASED then,
    /// and when sharing changes, begin anew.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The `cursor` of an earlier answer; “now” for what is recorded from now on; everything if left out."
        )]
        since: Option<String>,
        #[graphql(desc = "So many at most, 1 to 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<ChangeFilter>,
    ) -> async_graphql::Result<ChangePage> {
        change_feed::changes(ctx, first, since, filter).await
    }

    /// Figures that wait until a steward publishes them: those of communities that the reader answers for, and those that the reader
    /// sent in.
    #[allow(clippy::too_many_arguments)]
    async fn pending_observations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<PendingObservationFilter>,
        #[graphql(desc = "The order; the oldest first if left out.")] order_by: Option<PendingObservationOrder>,
    ) -> async_graphql::Result<Connection<PendingObservation>> {
        pending::pending_observations(ctx, Paging { first, after, last, before }, filter, order_by).await
    }
}
