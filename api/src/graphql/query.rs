//! Queries of records.

use async_graphql::{Context, ID, Object};
use domain::error::{Error, ProblemCode};

use super::{
    account::{Account, AccountFilter, AccountOrder},
    api_token::{ApiToken, ApiTokenFilter, ApiTokenOrder},
    audit::{self, AuditEntry, AuditEntryFilter, AuditEntryOrder},
    authority_decision::{AuthorityDecision, AuthorityDecisionFilter, AuthorityDecisionOrder},
    community::{Community, CommunityFilter, CommunityOrder},
    comparison::{self, Comparison},
    connection::{Connection, Paging, list},
    error::graphql,
    grant::{Grant, GrantFilter, GrantOrder},
    id,
    identity::Viewer,
    import_job::{self, ImportJob, ImportJobFilter, ImportJobOrder},
    indicator::{Indicator, IndicatorFilter, IndicatorOrder},
    initiative::{Initiative, InitiativeFilter, InitiativeOrder},
    learning::{Learning, LearningFilter, LearningOrder},
    mapping::{Mapping, MappingFilter, MappingOrder},
    network::{Network, NetworkFilter, NetworkOrder},
    node::{Node, node},
    order::ordered,
    partner::{Partner, PartnerFilter, PartnerOrder},
    record::by_key,
    scalars::{DateTime, Period},
    series::DisaggregationInput,
    sharing_rule::{SharingRule, SharingRuleFilter, SharingRuleOrder},
    source::{Source, SourceFilter, SourceOrder},
};

/// The most records that `nodes` answers at once.
const MAX_NODES: usize = 100;

/// Queries of records.
#[derive(Default)]
pub struct RecordQuery;

/// Queries of records.
#[Object]
impl RecordQuery {
    /// The record with this global id, or nothing. What the reader may not see looks like what does not exist.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id.")] id: ID,
    ) -> async_graphql::Result<Option<Node>> {
        node(ctx, &id).await
    }

    /// The records with these global ids, in their order; nothing in the place of one that is not there.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ids, at most 100.")] ids: Vec<ID>,
    ) -> async_graphql::Result<Vec<Option<Node>>> {
        if ids.len() > MAX_NODES {
            let message = format!("{} ids are too many: give at most {MAX_NODES}", ids.len());
            return Err(graphql(Error::invalid("ids", ProblemCode::TooLong, message)));
        }
        futures_util::future::try_join_all(ids.iter().map(|id| node(ctx, id))).await
    }

    /// The networks.
    #[allow(clippy::too_many_arguments)]
    async fn networks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<NetworkFilter>,
        #[graphql(desc = "The order; by name if left out.")] order_by: Option<NetworkOrder>,
    ) -> async_graphql::Result<Connection<Network>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// How far communities share their figures: the rules that the reader may see.
    #[allow(clippy::too_many_arguments)]
    async fn sharing_rules(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<SharingRuleFilter>,
        #[graphql(desc = "The order; by time if left out.")] order_by: Option<SharingRuleOrder>,
    ) -> async_graphql::Result<Connection<SharingRule>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// What Indigenous data authorities have decided to allow: the decisions that the reader may see.
    #[allow(clippy::too_many_arguments)]
    async fn authority_decisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<AuthorityDecisionFilter>,
        #[graphql(desc = "The order; by time if left out.")] order_by: Option<AuthorityDecisionOrder>,
    ) -> async_graphql::Result<Connection<AuthorityDecision>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// The accounts that the reader may see.
    #[allow(clippy::too_many_arguments)]
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<AccountFilter>,
        #[graphql(desc = "The order; by address if left out.")] order_by: Option<AccountOrder>,
    ) -> async_graphql::Result<Connection<Account>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// The roles held, as far as the reader may see them.
    #[allow(clippy::too_many_arguments)]
    async fn grants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<GrantFilter>,
        #[graphql(desc = "The order; by time if left out.")] order_by: Option<GrantOrder>,
    ) -> async_graphql::Result<Connection<Grant>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// The tokens of programs that the reader may see.
    #[allow(clippy::too_many_arguments)]
    async fn api_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<ApiTokenFilter>,
        #[graphql(desc = "The order; by time if left out.")] order_by: Option<ApiTokenOrder>,
    ) -> async_graphql::Result<Connection<ApiToken>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// Who you are, and what you are trusted with.
    async fn viewer(&self) -> Viewer {
        Viewer
    }

    /// The network with this slug, or nothing.
    async fn network(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug.")] slug: String,
    ) -> async_graphql::Result<Option<Network>> {
        by_key(ctx, &slug).await
    }

    /// The communities.
    #[allow(clippy::too_many_arguments)]
    async fn communities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<CommunityFilter>,
        #[graphql(desc = "The order; by name if left out.")] order_by: Option<CommunityOrder>,
    ) -> async_graphql::Result<Connection<Community>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// The community with this slug, or nothing.
    async fn community(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug.")] slug: String,
    ) -> async_graphql::Result<Option<Community>> {
        by_key(ctx, &slug).await
    }

    /// The initiatives.
    #[allow(clippy::too_many_arguments)]
    async fn initiatives(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<InitiativeFilter>,
        #[graphql(desc = "The order; by title if left out.")] order_by: Option<InitiativeOrder>,
    ) -> async_graphql::Result<Connection<Initiative>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// The initiative with this slug, or nothing.
    async fn initiative(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug.")] slug: String,
    ) -> async_graphql::Result<Option<Initiative>> {
        by_key(ctx, &slug).await
    }

    /// The partners.
    #[allow(clippy::too_many_arguments)]
    async fn partners(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<PartnerFilter>,
        #[graphql(desc = "The order; by name if left out.")] order_by: Option<PartnerOrder>,
    ) -> async_graphql::Result<Connection<Partner>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// The partner with this slug, or nothing.
    async fn partner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug.")] slug: String,
    ) -> async_graphql::Result<Option<Partner>> {
        by_key(ctx, &slug).await
    }

    /// The indicators.
    #[allow(clippy::too_many_arguments)]
    async fn indicators(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<IndicatorFilter>,
        #[graphql(desc = "The order; by code if left out.")] order_by: Option<IndicatorOrder>,
    ) -> async_graphql::Result<Connection<Indicator>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// The indicator with this code, or nothing.
    async fn indicator(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code.")] code: String,
    ) -> async_graphql::Result<Option<Indicator>> {
        by_key(ctx, &code).await
    }

    /// The sources of figures.
    #[allow(clippy::too_many_arguments)]
    async fn sources(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<SourceFilter>,
        #[graphql(desc = "The order; by name if left out.")] order_by: Option<SourceOrder>,
    ) -> async_graphql::Result<Connection<Source>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// The source with this key, or nothing.
    async fn source(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key.")] key: String,
    ) -> async_graphql::Result<Option<Source>> {
        by_key(ctx, &key).await
    }

    /// How tables of sources are read.
    #[allow(clippy::too_many_arguments)]
    async fn mappings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<MappingFilter>,
        #[graphql(desc = "The order; by key if left out.")] order_by: Option<MappingOrder>,
    ) -> async_graphql::Result<Connection<Mapping>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// The mapping with this key, or nothing.
    async fn mapping(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key.")] key: String,
    ) -> async_graphql::Result<Option<Mapping>> {
        by_key(ctx, &key).await
    }

    /// The learnings that the reader may see.
    #[allow(clippy::too_many_arguments)]
    async fn learnings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<LearningFilter>,
        #[graphql(desc = "The order; by the moment of sharing if left out.")] order_by: Option<LearningOrder>,
    ) -> async_graphql::Result<Connection<Learning>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        list(ctx, query).await
    }

    /// The learning with this slug, or nothing; the oldest, if several that you may read have it.
    async fn learning(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug.")] slug: String,
    ) -> async_graphql::Result<Option<Learning>> {
        by_key(ctx, &slug).await
    }

    /// Compares communities of a network by one indicator, without comparing what cannot be compared: every figure says how
    /// far it measures the same as the others and what calls for care.
    #[allow(clippy::too_many_arguments)]
    async fn comparison(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The network, by slug: its members today are compared.")] network: String,
        #[graphql(desc = "The indicator, by code, in the definition in force.")] indicator: String,
        #[graphql(desc = "For this period; by the newest values if left out.")] period: Option<Period>,
        #[graphql(desc = "Change is counted from this period; from each community's declared baseline if left out.")]
        baseline_period: Option<Period>,
        #[graphql(desc = "Only these members, by slug, in this order; all if left out.")] communities: Option<
            Vec<String>,
        >,
        #[graphql(desc = "About this part of the population; everybody if left out.")] disaggregation: Option<
            Vec<DisaggregationInput>,
        >,
        #[graphql(
            desc = "By figures, breaks of series and bridges over them as they were known at this moment, as far as the reader may see them now; as they are known now if left out. Members, definitions, baselines and targets are today's, and nothing enters totals that the reader does not see alone."
        )]
        as_of: Option<DateTime>,
    ) -> async_graphql::Result<Comparison> {
        let asked =
            comparison::Asked { network, indicator, period, baseline_period, communities, disaggregation, as_of };
        comparison::compare(ctx, asked).await
    }

    /// The audit log, as far as the reader may see it: what was done, by whom, to what.
    #[allow(clippy::too_many_arguments)]
    async fn audit_entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<AuditEntryFilter>,
        #[graphql(desc = "The order; newest first if left out.")] order_by: Option<AuditEntryOrder>,
    ) -> async_graphql::Result<Connection<AuditEntry>> {
        audit::entries(ctx, Paging { first, after, last, before }, filter, order_by).await
    }

    /// An import job by its global id; nothing if the reader may not see it.
    async fn import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> async_graphql::Result<Option<ImportJob>> {
        match id::decode_import_job(&id) {
            Some(id) => import_job::import_job(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Files that were uploaded to be imported: the reader's own, all of them for administrators. Jobs are forgotten 30 days after
    /// their end.
    #[allow(clippy::too_many_arguments)]
    async fn import_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<ImportJobFilter>,
        #[graphql(desc = "The order; newest first if left out.")] order_by: Option<ImportJobOrder>,
    ) -> async_graphql::Result<Connection<ImportJob>> {
        import_job::import_jobs(ctx, Paging { first, after, last, before }, filter, order_by).await
    }
}
