//! Where records are kept.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    access::Scope,
    account::Account,
    api_token::ApiToken,
    baseline::Baseline,
    community::Community,
    decision::AuthorityDecision,
    error::Result,
    event::{Event, Topic},
    grant::Grant,
    id::{IndicatorId, MappingId, NetworkId, NodeRef},
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
    quality::QualityRule,
    record::{Noun, Stored},
    series::Series,
    series_break::SeriesBreak,
    sharing::SharingRule,
    source::Source,
    target::Target,
};

use super::{
    audit::AuditLog, change_feed::ChangeFeed, export::Exports, figures::Figures, identity::Identities,
    import_jobs::ImportJobs, ingest::Ingest, pending::PendingFigures, quality::Quality,
};

/// Reads and writes the records of one kind. Every read takes the reader's scope and leaves out what it does not cover.
#[async_trait]
pub trait Repository<N: Noun>: Send + Sync {
    /// The records with these ids that the reader may see, in any order; one statement.
    async fn get(&self, scope: &Scope, ids: &[N::Id]) -> Result<Vec<Stored<N>>>;

    /// The records with these natural keys that the reader may see, in any order; one statement.
    async fn by_keys(&self, scope: &Scope, keys: &[N::Key]) -> Result<Vec<Stored<N>>>;

    /// A part of a list: one statement, and another if a count is asked for.
    async fn list(&self, scope: &Scope, query: &ListQuery<N::Filter, N::Sort>) -> Result<Page<Stored<N>>>;

    /// The same part of the lists of several parents at once: one statement, and another if counts are asked for.
    /// Parents without children may be absent from the answer.
    async fn list_of(
        &self,
        scope: &Scope,
        parent: N::Parent,
        ids: &[Uuid],
        query: &ListQuery<N::Filter, N::Sort>,
    ) -> Result<HashMap<Uuid, Page<Stored<N>>>>;

    /// Keeps a new record.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] with `TAKEN` and the field's name, if a key or code is already another's.
    async fn insert(&self, record: &Stored<N>) -> Result<()>;

    /// Puts a record in the place of its version before.
    ///
    /// # Errors
    /// As [`Repository::insert`]; [`crate::Error::Conflict`] with `STALE_VERSION` if the version kept is not
    /// `record.meta.version - 1`.
    async fn update(&self, record: &Stored<N>) -> Result<()>;
}

/// Holds the repository of one kind of record; lets services be written once for all kinds.
pub trait Holds<N: Noun> {
    /// The repository.
    fn repository(&self) -> &dyn Repository<N>;
}

macro_rules! repositories {
    ($($(#[$meta:meta])* $method:ident: $noun:ty),+ $(,)?) => {
        /// Every repository, over one connection pool or within one transaction.
        #[async_trait]
        pub trait Repositories: Send + Sync {
            $( $(#[$meta])* fn $method(&self) -> &dyn Repository<$noun>; )+

            /// Figures: observations and what is computed from them where they are kept.
            fn figures(&self) -> &dyn Figures;

            /// Figures that are taken out.
            fn exports(&self) -> &dyn Exports;

            /// The audit log.
            fn audit(&self) -> &dyn AuditLog;

            /// Keys of pushes, and what their rows name.
            fn ingest(&self) -> &dyn Ingest;

            /// Figures that wait until a steward publishes them.
            fn pending(&self) -> &dyn PendingFigures;

            /// What data-quality rules look at.
            fn quality(&self) -> &dyn Quality;

            /// The feed of changes.
            fn change_feed(&self) -> &dyn ChangeFeed;

            /// Files that are uploaded and imported.
            fn import_jobs(&self) -> &dyn ImportJobs;

            /// What people and programs sign in with.
            fn identities(&self) -> &dyn Identities;

            /// The networks that have adopted these indicators, archived ones left out; one statement.
            async fn adopters(&self, indicators: &[IndicatorId]) -> Result<Vec<(IndicatorId, NetworkId)>>;

            /// The newest so many versions of each of these mappings, of those below a number if one is given; the newest
            /// first, and one statement.
            async fn mapping_versions(
                &self,
                mappings: &[MappingId],
                below: Option<i32>,
                most: i32,
            ) -> Result<Vec<MappingVersion>>;

            /// What these versions of mappings say, those that there are, in any order; one statement.
            async fn mapping_contents(
                &self,
                versions: &[(MappingId, i32)],
            ) -> Result<Vec<((MappingId, i32), ColumnMapping)>>;

            /// Which of these records do not exist for the reader (archived ones do).
            async fn missing(&self, scope: &Scope, references: &[NodeRef]) -> Result<Vec<NodeRef>>;

            /// Which of these records are archived, whoever asks; one statement.
            async fn archived(&self, references: &[NodeRef]) -> Result<HashSet<NodeRef>>;

            /// Holds a record until the unit of work ends: whoever else would hold or change it waits. Only within one.
            async fn hold(&self, record: NodeRef) -> Result<()>;

            /// The versions of these topics, in their order; 0 for a topic that never changed.
            async fn topic_versions(&self, topics: &[Topic]) -> Result<Vec<i64>>;
        }

        $(
            impl<'a> Holds<$noun> for dyn Repositories + 'a {
                fn repository(&self) -> &dyn Repository<$noun> { self.$method() }
            }
        )+
    };
}

repositories! {
    /// Networks.
    networks: Network,
    /// Memberships.
    memberships: Membership,
    /// Communities.
    communities: Community,
    /// Initiatives.
    initiatives: Initiative,
    /// Partners.
    partners: Partner,
    /// Participations.
    participations: Participation,
    /// Indicators.
    indicators: Indicator,
    /// Versions of indicators.
    indicator_versions: IndicatorVersion,
    /// Sources.
    sources: Source,
    /// How tables of sources are read.
    mappings: Mapping,
    /// Series.
    series: Series,
    /// Baselines.
    baselines: Baseline,
    /// Targets.
    targets: Target,
    /// Learnings.
    learnings: Learning,
    /// How far communities share their figures.
    sharing_rules: SharingRule,
    /// What Indigenous data authorities decided.
    authority_decisions: AuthorityDecision,
    /// Locks on periods.
    period_locks: PeriodLock,
    /// Declared breaks of series.
    series_breaks: SeriesBreak,
    /// Accounts.
    accounts: Account,
    /// Roles that accounts hold.
    grants: Grant,
    /// API tokens.
    api_tokens: ApiToken,
    /// Data-quality rules.
    quality_rules: QualityRule,
}

/// The database: reads outside transactions, and units of work.
#[async_trait]
pub trait Store: Send + Sync {
    /// Reads, each statement by itself.
    fn read(&self) -> &dyn Repositories;

    /// Begins a unit of work. Dropping it undoes it.
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>>;

    /// Whether a unit of work can begin, and read, while another one writes.
    fn writes_side_by_side(&self) -> bool;

    /// Whether the database answers; the text is for operators.
    async fn health(&self) -> Result<(), String>;

    /// Events committed and not yet published, oldest first, at most `most`; each with its place in the outbox.
    async fn unpublished(&self, most: u64) -> Result<Vec<(i64, Event)>>;

    /// Takes published events out of the outbox.
    async fn published(&self, places: &[i64]) -> Result<()>;
}

/// Several changes that happen together or not at all. Only services begin one.
#[async_trait]
pub trait UnitOfWork: Send + Sync {
    /// Reads and writes within the unit of work.
    fn repositories(&self) -> &dyn Repositories;

    /// Puts an event into the outbox and raises the versions of its topics, both within the unit of work.
    async fn emit(&self, event: &Event) -> Result<()>;

    /// Makes everything last.
    async fn commit(self: Box<Self>) -> Result<()>;
}
