//! Repositories: one engine of keyset pages for every kind of record, and a file for each that says what its table holds.

mod account;
mod api_token;
mod authority_decision;
mod baseline;
mod community;
mod grant;
mod indicator;
mod initiative;
mod learning;
mod mapping;
mod membership;
mod network;
mod page;
mod participation;
mod partner;
mod period_lock;
mod quality_rule;
mod series;
pub(crate) mod series_break;
mod sharing_rule;
mod source;
mod table;
mod target;

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use domain::{
    Result,
    access::Scope,
    account::Account,
    api_token::ApiToken,
    baseline::Baseline,
    community::Community,
    decision::AuthorityDecision,
    error::{Error, Problem, ProblemCode},
    event::Topic,
    grant::Grant,
    id::{EntityId as _, IndicatorId, MappingId, NetworkId, NodeKind, NodeRef},
    indicator::{Indicator, IndicatorVersion},
    initiative::Initiative,
    learning::Learning,
    mapping::{ColumnMapping, Mapping, MappingVersion},
    membership::Membership,
    network::Network,
    page::{ListQuery, Page},
    participation::Participation,
    partner::Partner,
    period_lock::PeriodLock,
    port::{
        audit::AuditLog,
        change_feed::ChangeFeed,
        export::Exports,
        figures::Figures,
        identity::Identities,
        import_jobs::ImportJobs,
        ingest::Ingest,
        pending::PendingFigures,
        quality::Quality,
        store::{Repositories, Repository},
    },
    quality::QualityRule,
    record::Stored,
    series::Series,
    series_break::SeriesBreak,
    sharing::SharingRule,
    source::Source,
    target::Target,
};
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use crate::{error::database, row::Row, sql::Sql};
use table::{META, Table, Where, read_stored};

/// Every repository, over a pool or within a transaction.
pub(crate) struct Repos<C>(pub(crate) C);

#[async_trait]
impl<C: ConnectionTrait + Send + Sync, N: Table> Repository<N> for Repos<C> {
    async fn get(&self, scope: &Scope, ids: &[N::Id]) -> Result<Vec<Stored<N>>> {
        let mut filter = Where::new(self.0.get_database_backend());
        filter.ids("t.id", ids.iter().copied());
        self.select(scope, filter).await
    }

    async fn by_keys(&self, scope: &Scope, keys: &[N::Key]) -> Result<Vec<Stored<N>>> {
        let Some(column) = N::KEY else { return Ok(Vec::new()) };
        let mut filter = Where::new(self.0.get_database_backend());
        filter.one_of(&format!("t.{column}"), keys.iter().map(|key| key.as_ref().to_owned()));
        self.select(scope, filter).await
    }

    async fn list(&self, scope: &Scope, query: &ListQuery<N::Filter, N::Sort>) -> Result<Page<Stored<N>>> {
        page::list(&self.0, scope, query).await
    }

    async fn list_of(
        &self,
        scope: &Scope,
        parent: N::Parent,
        ids: &[Uuid],
        query: &ListQuery<N::Filter, N::Sort>,
    ) -> Result<HashMap<Uuid, Page<Stored<N>>>> {
        page::list_of(&self.0, scope, parent, ids, query).await
    }

    async fn insert(&self, record: &Stored<N>) -> Result<()> {
        self.put(N::TABLE, record).await?;
        self.keep_version(record).await?;
        self.link(record).await
    }

    async fn update(&self, record: &Stored<N>) -> Result<()> {
        let mut sql = Sql::new(self.0.get_database_backend());
        let set: Vec<String> = table::names::<N>()
            .into_iter()
            .zip(table::row(record)?)
            .map(|(name, value)| format!("{name} = {}", sql.bind(value)))
            .collect();
        let (id, seen) = (sql.bind(record.id.uuid()), sql.bind(record.meta.version - 1));
        let text = format!("UPDATE {} SET {} WHERE id = {id} AND version = {seen}", N::TABLE, set.join(", "));
        let done = self.0.execute_raw(sql.statement(text)).await.map_err(database)?;
        if done.rows_affected() == 0 {
            let message = "it has changed in the meantime: read it again";
            return Err(Error::Conflict(Problem::new("version", ProblemCode::StaleVersion, message)));
        }
        self.keep_version(record).await?;
        self.link(record).await
    }
}

impl<C: ConnectionTrait> Repos<C> {
    /// The records for which a condition holds and that the reader may see.
    async fn select<N: Table>(&self, scope: &Scope, mut filter: Where) -> Result<Vec<Stored<N>>> {
        N::scope(scope, &mut filter);
        let text = format!("SELECT {META}, {} FROM {} t WHERE {}", N::columns("t"), N::TABLE, filter.conditions());
        let rows = self.0.query_all_raw(filter.sql.statement(text)).await.map_err(database)?;
        rows.iter().map(|row| read_stored(&mut Row::new(row)?, scope)).collect()
    }

    /// Those of these records for which a condition holds; it is given the one by which a reader may know of them.
    async fn those(
        &self,
        references: &[NodeRef],
        condition: impl Fn(fn(&Scope, &mut Where), &mut Where) + Sync,
    ) -> Result<HashSet<NodeRef>> {
        if references.is_empty() {
            return Ok(HashSet::new());
        }
        let mut sql = Sql::new(self.0.get_database_backend());
        let mut parts = Vec::new();
        for &kind in NodeKind::ALL {
            let ids: Vec<Uuid> = references.iter().filter(|reference| reference.kind == kind).map(|r| r.id).collect();
            if !ids.is_empty() {
                let (table, seen) = kept(kind);
                let mut filter = Where::with(sql);
                filter.ids("t.id", ids);
                condition(seen, &mut filter);
                parts.push(format!(
                    "SELECT '{name}', t.id FROM {table} t WHERE {}",
                    filter.conditions(),
                    name = kind.name()
                ));
                sql = filter.sql;
            }
        }
        let rows = self.0.query_all_raw(sql.statement(parts.join(" UNION ALL "))).await.map_err(database)?;
        rows.iter()
            .map(|row| {
                let mut row = Row::new(row)?;
                let name: &str = row.take()?;
                let kind = NodeKind::ALL.iter().find(|kind| kind.name() == name).copied();
                Ok(NodeRef { kind: kind.ok_or_else(|| Error::internal("another kind than asked for"))?, id: row.id()? })
            })
            .collect()
    }

    /// Adds a record to this table.
    async fn put<N: Table>(&self, table: &str, record: &Stored<N>) -> Result<()> {
        let mut sql = Sql::new(self.0.get_database_backend());
        let values: Vec<String> = table::row(record)?.into_iter().map(|value| sql.bind(value)).collect();
        let text = format!("INSERT INTO {table} ({}) VALUES ({})", table::names::<N>().join(", "), values.join(", "));
        self.0.execute_raw(sql.statement(text)).await.map_err(database).map(drop)
    }

    /// Keeps the record as it is now, for whoever asks later how it was.
    async fn keep_version<N: Table>(&self, record: &Stored<N>) -> Result<()> {
        match N::VERSIONS {
            Some(table) => self.put(table, record).await,
            None => Ok(()),
        }
    }

    /// Writes the rows of link tables anew.
    async fn link<N: Table>(&self, record: &Stored<N>) -> Result<()> {
        for link in record.value.links() {
            let own = record.id.uuid();
            let mut sql = Sql::new(self.0.get_database_backend());
            let id = sql.bind(own);
            if record.meta.version > 1 && !link.grows {
                let text = format!("DELETE FROM {} WHERE {} = {id}", link.table, link.own);
                self.0.execute_raw(sql.statement(text)).await.map_err(database)?;
            }
            if link.rows.is_empty() {
                continue;
            }
            let mut sql = Sql::new(self.0.get_database_backend());
            let rows: Vec<String> = link
                .rows
                .into_iter()
                .map(|row| {
                    let own = sql.bind(own);
                    let since = link.grows.then(|| record.meta.updated_at.into());
                    let others: Vec<String> =
                        row.into_iter().chain(since).map(|value: Value| sql.bind(value)).collect();
                    format!("({own}, {})", others.join(", "))
                })
                .collect();
            let (since, again) = if link.grows { (", since", " ON CONFLICT DO NOTHING") } else { ("", "") };
            let (table, own, others) = (link.table, link.own, link.others);
            let text = format!("INSERT INTO {table} ({own}, {others}{since}) VALUES {}{again}", rows.join(", "));
            self.0.execute_raw(sql.statement(text)).await.map_err(database)?;
        }
        Ok(())
    }
}

/// The table of a kind of record, and the conditions under which a reader may know of its records.
fn kept(kind: NodeKind) -> (&'static str, fn(&Scope, &mut Where)) {
    const fn of<N: Table>() -> (&'static str, fn(&Scope, &mut Where)) {
        (N::TABLE, N::scope)
    }
    match kind {
        NodeKind::Network => of::<Network>(),
        NodeKind::Membership => of::<Membership>(),
        NodeKind::Community => of::<Community>(),
        NodeKind::Initiative => of::<Initiative>(),
        NodeKind::Partner => of::<Partner>(),
        NodeKind::Participation => of::<Participation>(),
        NodeKind::Indicator => of::<Indicator>(),
        NodeKind::IndicatorVersion => of::<IndicatorVersion>(),
        NodeKind::Source => of::<Source>(),
        NodeKind::Mapping => of::<Mapping>(),
        NodeKind::Series => of::<Series>(),
        NodeKind::Baseline => of::<Baseline>(),
        NodeKind::Target => of::<Target>(),
        NodeKind::Learning => of::<Learning>(),
        NodeKind::SharingRule => of::<SharingRule>(),
        NodeKind::AuthorityDecision => of::<AuthorityDecision>(),
        NodeKind::PeriodLock => of::<PeriodLock>(),
        NodeKind::SeriesBreak => of::<SeriesBreak>(),
        NodeKind::Account => of::<Account>(),
        NodeKind::Grant => of::<Grant>(),
        NodeKind::ApiToken => of::<ApiToken>(),
        NodeKind::QualityRule => of::<QualityRule>(),
    }
}

#[async_trait]
impl<C: ConnectionTrait + Send + Sync> Repositories for Repos<C> {
    fn networks(&self) -> &dyn Repository<Network> {
        self
    }
    fn memberships(&self) -> &dyn Repository<Membership> {
        self
    }
    fn communities(&self) -> &dyn Repository<Community> {
        self
    }
    fn initiatives(&self) -> &dyn Repository<Initiative> {
        self
    }
    fn partners(&self) -> &dyn Repository<Partner> {
        self
    }
    fn participations(&self) -> &dyn Repository<Participation> {
        self
    }
    fn indicators(&self) -> &dyn Repository<Indicator> {
        self
    }
    fn indicator_versions(&self) -> &dyn Repository<IndicatorVersion> {
        self
    }
    fn sources(&self) -> &dyn Repository<Source> {
        self
    }
    fn mappings(&self) -> &dyn Repository<Mapping> {
        self
    }
    fn series(&self) -> &dyn Repository<Series> {
        self
    }
    fn baselines(&self) -> &dyn Repository<Baseline> {
        self
    }
    fn targets(&self) -> &dyn Repository<Target> {
        self
    }
    fn learnings(&self) -> &dyn Repository<Learning> {
        self
    }
    fn sharing_rules(&self) -> &dyn Repository<SharingRule> {
        self
    }
    fn authority_decisions(&self) -> &dyn Repository<AuthorityDecision> {
        self
    }
    fn period_locks(&self) -> &dyn Repository<PeriodLock> {
        self
    }
    fn series_breaks(&self) -> &dyn Repository<SeriesBreak> {
        self
    }
    fn accounts(&self) -> &dyn Repository<Account> {
        self
    }
    fn grants(&self) -> &dyn Repository<Grant> {
        self
    }
    fn api_tokens(&self) -> &dyn Repository<ApiToken> {
        self
    }
    fn identities(&self) -> &dyn Identities {
        self
    }
    fn ingest(&self) -> &dyn Ingest {
        self
    }
    fn quality_rules(&self) -> &dyn Repository<QualityRule> {
        self
    }
    fn quality(&self) -> &dyn Quality {
        self
    }
    fn pending(&self) -> &dyn PendingFigures {
        self
    }
    fn change_feed(&self) -> &dyn ChangeFeed {
        self
    }
    fn import_jobs(&self) -> &dyn ImportJobs {
        self
    }
    fn figures(&self) -> &dyn Figures {
        self
    }
    fn exports(&self) -> &dyn Exports {
        self
    }
    fn audit(&self) -> &dyn AuditLog {
        self
    }

    async fn adopters(&self, indicators: &[IndicatorId]) -> Result<Vec<(IndicatorId, NetworkId)>> {
        if indicators.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new(self.0.get_database_backend());
        let wanted = sql.ids(indicators.iter().copied(), "wanted");
        let text = format!(
            "SELECT a.indicator_id, a.network_id FROM {wanted} JOIN network_indicator a ON a.indicator_id = wanted.id \
             JOIN network n ON n.id = a.network_id WHERE n.archived_at IS NULL"
        );
        let rows = self.0.query_all_raw(sql.statement(text)).await.map_err(database)?;
        rows.iter()
            .map(|row| {
                let mut row = Row::new(row)?;
                Ok((row.id()?, row.id()?))
            })
            .collect()
    }

    async fn mapping_versions(
        &self,
        mappings: &[MappingId],
        below: Option<i32>,
        most: i32,
    ) -> Result<Vec<MappingVersion>> {
        mapping::versions(&self.0, mappings, below, most).await
    }

    async fn mapping_contents(&self, versions: &[(MappingId, i32)]) -> Result<Vec<((MappingId, i32), ColumnMapping)>> {
        mapping::contents(&self.0, versions).await
    }

    async fn missing(&self, scope: &Scope, references: &[NodeRef]) -> Result<Vec<NodeRef>> {
        let found = self.those(references, |seen, filter| seen(scope, filter)).await?;
        Ok(references.iter().filter(|reference| !found.contains(reference)).copied().collect())
    }

    async fn archived(&self, references: &[NodeRef]) -> Result<HashSet<NodeRef>> {
        self.those(references, |_, filter| filter.and("t.archived_at IS NOT NULL")).await
    }

    async fn hold(&self, record: NodeRef) -> Result<()> {
        let mut sql = Sql::new(self.0.get_database_backend());
        // SQLite has one writer at a time.
        if !sql.is_postgres() {
            return Ok(());
        }
        let id = sql.bind(record.id);
        let text = format!("SELECT 1 FROM {} t WHERE t.id = {id} FOR NO KEY UPDATE", kept(record.kind).0);
        self.0.query_all_raw(sql.statement(text)).await.map_err(database).map(drop)
    }

    async fn topic_versions(&self, topics: &[Topic]) -> Result<Vec<i64>> {
        let keys: Vec<String> = topics.iter().map(Topic::key).collect();
        let mut filter = Where::new(self.0.get_database_backend());
        filter.one_of("t.topic", keys.iter().cloned());
        let text = format!("SELECT t.topic, t.version FROM topic_version t WHERE {}", filter.conditions());
        let rows = self.0.query_all_raw(filter.sql.statement(text)).await.map_err(database)?;
        let mut known = HashMap::with_capacity(rows.len());
        for row in &rows {
            let mut row = Row::new(row)?;
            known.insert(row.take::<String>()?, row.take::<i64>()?);
        }
        Ok(keys.iter().map(|key| known.get(key).copied().unwrap_or(0)).collect())
    }
}
