//! How often anybody may try to get in.

use std::{sync::Arc, time::Duration};

use crate::{
    access::Origin,
    error::{Error, Result},
    port::limiter::{Limit, Limiter},
};

/// How often anybody may try to get in.
#[derive(Clone)]
pub struct Throttle {
    /// Counts, for all replicas together where they share something.
    pub limiter: Arc<dyn Limiter>,
    /// Keeps this installation's counts from those of others.
    pub installation: String,
    /// By one address of an account, whether there is such an account or not.
    pub account: Limit,
    /// From one address of the network.
    pub address: Limit,
}

impl Throttle {
    /// Five tries for an account and fifty from an address, all of them back after a quarter of an hour.
    pub fn usual(limiter: Arc<dyn Limiter>, installation: impl Into<String>) -> Self {
        const PER: Duration = Duration::from_mins(15);
        let limit = |burst| Limit { burst, per: PER };
        Self { limiter, installation: installation.into(), account: limit(5), address: limit(50) }
    }

    fn key(&self, what: &str, whose: &str) -> String {
        format!("{}:{what}:{whose}", self.installation)
    }

    /// Counts a try from somewhere.
    pub(super) async fn of_address(&self, origin: &Origin) -> Result<()> {
        let Some(address) = origin.address else { return Ok(()) };
        let key = self.key("address", &address.to_string());
        self.limiter.take(&key, self.address).await.map_or(Ok(()), |wait| Err(throttled(wait)))
    }

    /// Under which tries for an account are counted, whether it is there or not.
    pub(super) fn account_key(&self, email: &str) -> String {
        // Whatever was typed, in the form that an account would have, and not longer than one could be.
        let email: String = email.to_lowercase().chars().take(254).collect();
        self.key("account", &email)
    }
}

/// Says how long to wait.
pub(super) fn throttled(wait: Duration) -> Error {
    Error::Throttled(wait.as_secs().saturating_add(1))
}
