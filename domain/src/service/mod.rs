//! Use cases: check the policy, open a unit of work, apply the rules, commit. Everything that callers can do goes
//! through [`Services`]; everything that changes several things at once through a [`Session`].

mod audit;
mod comparison;
mod figures;
mod governed;
mod known;
mod records;
mod session;
mod targets;
mod trusted;

use std::sync::Arc;

pub use audit::AuditExport;
pub use comparison::ComparisonRequest;
pub use figures::NewFigure;
pub use governed::{Change, Context, Governed};
pub use session::Session;

use crate::{
    access::{Actor, Scope},
    community::Community,
    id::CommunityId,
    port::{cache::Cache, clock::Clock, store::Store},
    record::Stored,
};
use known::Known;

/// Every use case, over the ports that the composition root chose.
#[derive(Clone)]
pub struct Services {
    store: Arc<dyn Store>,
    cache: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    known: Arc<Known<CommunityId, Arc<Stored<Community>>>>,
}

impl Services {
    /// The use cases over these ports.
    pub fn new(store: Arc<dyn Store>, cache: Arc<dyn Cache>, clock: Arc<dyn Clock>) -> Self {
        Self { store, cache, clock, known: Arc::default() }
    }

    /// What this actor can read at this moment.
    pub(crate) fn scope(&self, actor: &Actor) -> Scope {
        actor.scope(self.clock.now())
    }

    /// What time it is here.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
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
