//! What the service depends on, and how it fares.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{port::bus::Bus, service::Services};

use crate::http::{Component, Readiness};

/// Looks at the database, which the service cannot do without, and at cache and bus, which it can.
pub struct Dependencies {
    services: Services,
    bus: Arc<dyn Bus>,
}

impl Dependencies {
    /// What these use cases and this bus depend on.
    pub fn new(services: Services, bus: Arc<dyn Bus>) -> Self {
        Self { services, bus }
    }
}

#[async_trait]
impl Readiness for Dependencies {
    async fn check(&self) -> Vec<Component> {
        let (database, cache, bus) =
            futures_util::join!(self.services.store().health(), self.services.cache().health(), self.bus.health());
        // What is wrong exactly is in the log; addresses of other servers are nobody's business here.
        let component = |name, required, result: Result<(), String>| Component {
            name,
            ok: result.is_ok(),
            required,
            detail: result.err().map(|_| "it cannot be reached".to_owned()),
        };
        vec![component("database", true, database), component("cache", false, cache), component("bus", false, bus)]
    }
}
