//! Use cases: check the policy, open a unit of work, apply the rules, commit. Everything that callers can do goes
//! through [`Services`]; everything that changes several things at once through a [`Session`].

mod audit;
mod authority;
mod change_feed;
mod comparison;
mod context;
mod declared;
mod delivery;
mod export;
mod figures;
mod governed;
mod grant;
pub mod identity;
mod import_jobs;
mod invitation;
mod keys;
mod known;
mod links;
mod mappings;
mod measures;
mod membership;
mod named;
mod opening;
mod pending;
mod push;
mod quality;
mod records;
mod references;
mod refusals;
mod remembered;
mod retract;
mod series_ids;
mod session;
mod targets;
mod throttle;
mod trusted;
mod uses;

use std::{
    collections::HashSet,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

pub use audit::AuditExport;
pub use comparison::ComparisonRequest;
pub use context::Context;
pub use delivery::{Delivered, Delivery, Destination};
pub use export::FigureExport;
pub use figures::{NewFigure, Recorded};
pub use governed::{Change, Governed};
pub use import_jobs::Upload;
pub use mappings::NamedMapping;
pub use records::MayChange;
pub use retract::{Retracted, Retracting, Retraction};
pub use session::{DECIDING, NO_STEWARD, Session};

use crate::{
    access::{Actor, Scope},
    change_feed::CursorKey,
    community::Community,
    id::CommunityId,
    port::{cache::Cache, clock::Clock, store::Store},
    quality::QualityRule,
    record::Stored,
};
use known::Known;
use refusals::PassedOver;
use remembered::Remembered;
use series_ids::SeriesIds;
use throttle::Throttle;
use uses::Uses;

/// Every use case, over the ports that the composition root chose.
#[derive(Clone)]
pub struct Services {
    store: Arc<dyn Store>,
    cache: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    known: Arc<Known<CommunityId, Arc<Stored<Community>>>>,
    actors: Arc<AtomicU64>,
    /// The communities under an Indigenous data authority.
    authorities: Arc<Remembered<HashSet<CommunityId>>>,
    /// The data-quality rules.
    rules: Arc<Remembered<Vec<QualityRule>>>,
    series_ids: Arc<SeriesIds>,
    uses: Arc<Uses>,
    cursor_key: Arc<OnceLock<CursorKey>>,
    throttle: Throttle,
    passed_over: PassedOver,
}

impl Services {
    /// The use cases over these ports.
    pub fn new(store: Arc<dyn Store>, cache: Arc<dyn Cache>, clock: Arc<dyn Clock>, throttle: Throttle) -> Self {
        Self {
            store,
            cache,
            clock,
            known: Arc::default(),
            actors: Arc::default(),
            authorities: Arc::default(),
            rules: Arc::default(),
            series_ids: Arc::default(),
            uses: Arc::default(),
            cursor_key: Arc::default(),
            throttle,
            passed_over: PassedOver::default(),
        }
    }

    /// Counts up whenever who may do what has changed: whatever was kept of an actor under an earlier count is out of date.
    pub fn actors_as_of(&self) -> u64 {
        self.actors.load(Ordering::Acquire)
    }

    /// Who may do what has changed.
    pub fn forget_actors(&self) {
        self.actors.fetch_add(1, Ordering::AcqRel);
    }

    /// A community has changed, perhaps whether it is under an Indigenous data authority; or which data-quality rules there are.
    pub fn forget_communities(&self) {
        self.known.doubt();
        self.authorities.forget();
        self.rules.forget();
    }

    /// What this actor can read at this moment.
    pub(crate) fn scope(&self, actor: &Actor) -> Scope {
        actor.scope(self.clock.now())
    }

    /// What time it is here.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Whether the database lets a session begin, and read, while another one writes.
    pub fn writes_side_by_side(&self) -> bool {
        self.store.writes_side_by_side()
    }

    /// The database, for health checks.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// The cache, for health checks.
    pub fn cache(&self) -> &dyn Cache {
        self.cache.as_ref()
    }
}
