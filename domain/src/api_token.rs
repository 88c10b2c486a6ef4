//! API tokens: what programs sign in with.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    code::codes,
    error::{ProblemCode, Problems},
    id::{ApiTokenId, CommunityId, IndicatorId, NodeRef},
    page::SortKey,
    record::{NoKey, Noun},
    rules,
};

codes! {
    /// What a token may be used for.
    pub enum TokenAction {
        /// Reading as a member of its communities.
        Read = "READ",
        /// Sending in figures of its communities, by its indicators: they wait until a steward publishes them.
        RecordFigures = "RECORD_FIGURES",
        /// With the one before: what it sends in is published at once.
        PublishFigures = "PUBLISH_FIGURES",
    }
}

/// A range of addresses: `192.0.2.0/24`, `2001:db8::/32`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange {
    network: IpAddr,
    prefix: u8,
}

/// Why a range of addresses was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not a range of addresses, such as 192.0.2.0/24 or 2001:db8::/32")]
pub struct AddressRangeError(String);

impl std::str::FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || AddressRangeError(text.chars().take(60).collect());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let network: IpAddr = address.parse().map_err(|_| refused())?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), |prefix| prefix.parse().map_err(|_| refused()))?;
        if prefix > most { Err(refused()) } else { Ok(Self { network, prefix }) }
    }
}

impl TryFrom<String> for AddressRange {
    type Error = AddressRangeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AddressRange> for String {
    fn from(range: AddressRange) -> Self {
        range.to_string()
    }
}

impl std::fmt::Display for AddressRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl AddressRange {
    /// Whether the address lies in it. An IPv4 address that came by an IPv6 socket is still one of IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address.to_canonical() {
            IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        let ((own, family), (other, other_family)) = (bits(self.network), bits(address));
        let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
        family == other_family && own & mask == other & mask
    }
}

/// What a program signs in with. Revoked, it is archived. The token itself is shown once and kept as a digest alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiToken {
    /// What it is for.
    pub name: String,
    /// Its first characters, by which people know it again.
    pub hint: String,
    /// For these communities.
    pub communities: Vec<CommunityId>,
    /// For these indicators; all of them if none is named.
    pub indicators: Vec<IndicatorId>,
    /// What it may be used for.
    pub actions: Vec<TokenAction>,
    /// Only from these addresses; from anywhere if none is named.
    pub addresses: Vec<AddressRange>,
    /// The moment it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// The token that this one takes the place of; both hold until that one ends.
    pub replaces: Option<ApiTokenId>,
}

/// What tokens can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ApiTokenFilter {
    /// For this community.
    pub community: Option<CommunityId>,
}

/// What tokens can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ApiTokenSort {
    /// When they were created.
    #[default]
    CreatedAt,
    /// When they end; those that do not end come before all others.
    ExpiresAt,
}

impl SortKey for ApiTokenSort {
    fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "tokens.created",
            Self::ExpiresAt => "tokens.expires",
        }
    }
}

/// Whose tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApiTokenParent {
    /// For a community.
    Community,
}

impl Noun for ApiToken {
    type Id = ApiTokenId;
    type Key = NoKey;
    type Filter = ApiTokenFilter;
    type Sort = ApiTokenSort;
    type Parent = ApiTokenParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, problems: &mut Problems) {
        rules::label(problems, "name", &self.name);
        problems.require(!self.communities.is_empty(), "communities", ProblemCode::Required, "name at least one");
        problems.require(!self.actions.is_empty(), "actions", ProblemCode::Required, "name at least one");
        problems.require(
            !self.actions.contains(&TokenAction::PublishFigures) || self.actions.contains(&TokenAction::RecordFigures),
            "actions",
            ProblemCode::Invalid,
            "PUBLISH_FIGURES goes with RECORD_FIGURES: it says what becomes of figures that are sent in",
        );
        rules::distinct(problems, "communities", &self.communities);
        rules::distinct(problems, "indicators", &self.indicators);
        rules::distinct(problems, "actions", &self.actions);
        rules::at_most(problems, "communities", &self.communities, rules::MOST_NAMED);
        rules::at_most(problems, "indicators", &self.indicators, rules::MOST_NAMED);
        rules::at_most(problems, "addresses", &self.addresses, 50);
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        let communities = self.communities.iter().map(|&id| ("communities", id.into()));
        let indicators = self.indicators.iter().map(|&id| ("indicators", id.into()));
        communities.chain(indicators).chain(self.replaces.map(|id| ("replaces", id.into()))).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("192.0.2.0/24", "192.0.2.255", true)]
    #[case("192.0.2.0/24", "192.0.3.0", false)]
    #[case("192.0.2.7", "192.0.2.7", true)]
    #[case("192.0.2.7", "192.0.2.8", false)]
    #[case("0.0.0.0/0", "203.0.113.9", true)]
    #[case("0.0.0.0/0", "2001:db8::1", false)]
    #[case("::/0", "203.0.113.9", false)]
    #[case("192.0.2.0/24", "::ffff:192.0.2.9", true)]
    #[case("2001:db8::/32", "2001:db8:ffff::1", true)]
    #[case("2001:db8::/32", "2001:db9::1", false)]
    fn a_range_holds_its_addresses(#[case] range: &str, #[case] address: &str, #[case] inside: bool) {
        assert_eq!(range.parse::<AddressRange>().unwrap().contains(address.parse().unwrap()), inside);
    }

    #[rstest]
    #[case("192.0.2.0/33")]
    #[case("192.0.2/24")]
    #[case("2001:db8::/129")]
    #[case("example.org")]
    #[case("")]
    fn what_is_no_range_is_refused(#[case] text: &str) {
        assert!(text.parse::<AddressRange>().is_err());
    }
}
