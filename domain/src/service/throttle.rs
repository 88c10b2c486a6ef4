//! How often anybody may try to get in.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

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
    /// From one address of the network; of IPv6, from one /64.
    pub address: Limit,
}

/// Where an address counts as from: of IPv6 the /64, all of which one subscriber has.
fn whence(address: IpAddr) -> IpAddr {
    const SUBSCRIBER: u128 = u128::MAX << 64;
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & SUBSCRIBER)),
    }
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
        let key = self.key("address", &whence(address).to_string());
        self.limiter.take(&key, self.address).await.map_or(Ok(()), |wait| Err(throttled(wait)))
    }

    /// Counts a try under an account's key.
    pub(super) async fn of_account(&self, tries: &str) -> Result<()> {
        self.limiter.take(tries, self.account).await.map_or(Ok(()), |wait| Err(throttled(wait)))
    }

    /// Counts a refusal; whether there were too many of whoever is known, or else from there, or everywhere together.
    pub(super) async fn too_many_refusals(
        &self,
        known: Option<&str>,
        origin: &Origin,
        from_one: Limit,
        from_all: Limit,
    ) -> bool {
        let address = || origin.address.map_or_else(|| "nowhere".to_owned(), |address| whence(address).to_string());
        let (what, whose) = known.map_or_else(|| ("refusals", address()), |known| ("attempts", known.to_owned()));
        // First those from there: what they use up more than their share of is not taken from the others.
        self.limiter.take(&self.key(what, &whose), from_one).await.is_some()
            || self.limiter.take(&self.key(what, "all"), from_all).await.is_some()
    }

    /// Under which the uses of an identity of another provider are counted.
    pub(super) fn foreign_key(&self, issuer: &str, subject: &str) -> String {
        self.key("foreign", &format!("{issuer} {subject}"))
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("192.0.2.1", "192.0.2.2", false)]
    #[case("192.0.2.1", "::ffff:192.0.2.1", true)]
    #[case("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true)]
    #[case("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    #[case("2001:db8:1:2::1", "2001:db8:2:2::1", false)]
    fn who_shares_a_network_counts_together(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        let whence = |address: &str| whence(address.parse().unwrap());
        assert_eq!(whence(one) == whence(other), same);
    }
}
