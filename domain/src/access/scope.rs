//! What a reader can see.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use crate::{
    id::{AccountId, CommunityId, IndicatorId, NetworkId, PartnerId},
    learning::Visibility,
};

/// What a reader can see. Every read takes one and filters by it where the data is, so that lists, counts and single
/// records cannot disagree.
///
/// `Public` sees: learnings that are shared and PUBLIC; figures that are free, or whose embargo has passed, of series that
/// their community shares with everybody, and of a community under an Indigenous data authority only what that authority
/// lets be published (domain invariants 13, 15 and 16); no records of consent, accounts or grants. Networks, communities,
/// initiatives, partners, participations, indicators, sources, and targets of figures that may be seen, are public as such.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// What anybody may see.
    Public,
    /// All there is.
    Everything,
    /// What anybody may see, and more.
    Of(Arc<Reader>),
}

/// What a known reader may see besides what is public.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Reader {
    /// The reader's own account.
    pub account: Option<AccountId>,
    /// Communities of their own: they read what is for the community, embargoed and internal figures among it.
    pub own: BTreeSet<CommunityId>,
    /// Those among them for which they answer: they also read what is private, and confidential figures.
    pub stewarded: BTreeSet<CommunityId>,
    /// Those among their own for which they write: they read its drafts.
    pub contributed: BTreeSet<CommunityId>,
    /// Networks whose shared items they read.
    pub networks: BTreeSet<NetworkId>,
    /// Networks that they run: they also see consents, grants and decisions there.
    pub coordinated: BTreeSet<NetworkId>,
    /// Networks that they fund: of what is shared there they read the totals.
    pub funded: BTreeSet<NetworkId>,
    /// Partners for whom they speak.
    pub partners: BTreeSet<PartnerId>,
    /// Whether they manage accounts.
    pub administrator: bool,
    /// What they read of figures by some indicators alone.
    pub limited: Limited,
}

/// Figures by some indicators that a reader sees as people of communities and networks do, in whose other data they have no part:
/// no figure by another indicator, no learning, no record of theirs. For programs whose token names indicators.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Limited {
    /// As one of these communities' own.
    pub communities: BTreeSet<CommunityId>,
    /// As somebody to whom these networks' members show what they share.
    pub networks: BTreeSet<NetworkId>,
    /// By these indicators.
    pub indicators: BTreeSet<IndicatorId>,
}

impl Limited {
    /// Whether it opens nothing.
    pub fn is_empty(&self) -> bool {
        self.indicators.is_empty() || (self.communities.is_empty() && self.networks.is_empty())
    }
}

impl Reader {
    /// Whether they see nothing but what is public.
    pub fn is_nobody(&self) -> bool {
        *self == Self::default()
    }
}

impl Scope {
    /// What this reader sees.
    pub fn of(reader: Reader) -> Self {
        if reader.is_nobody() { Self::Public } else { Self::Of(Arc::new(reader)) }
    }

    /// Whether it is all there is.
    pub const fn is_everything(&self) -> bool {
        matches!(self, Self::Everything)
    }

    /// The part of a cache key that keeps one reader's figures from another: readers who may see the same figures share them.
    pub fn cache_key(&self) -> String {
        let reader = match self {
            Self::Public => return "public".to_owned(),
            Self::Everything => return "everything".to_owned(),
            Self::Of(reader) => reader,
        };
        let mut key = "of".to_owned();
        // Nothing is hashed, so nothing can collide. Writing to a String cannot fail.
        for (mark, ids) in [('o', &reader.own), ('s', &reader.stewarded), ('c', &reader.limited.communities)] {
            for id in ids {
                let _ = write!(key, ",{mark}{id}");
            }
        }
        for (mark, ids) in [('n', &reader.networks), ('f', &reader.funded), ('m', &reader.limited.networks)] {
            for id in ids {
                let _ = write!(key, ",{mark}{id}");
            }
        }
        for id in &reader.limited.indicators {
            let _ = write!(key, ",i{id}");
        }
        key
    }

    /// How far communities share those figures by the indicator that enter the totals of the network for this reader, though they may not read
    /// them alone.
    ///
    /// Whoever belongs to the network or funds it reads totals of what is AGGREGATE_ONLY. Whoever funds it also reads totals of
    /// what its members read. To everybody else, and to whoever reads everything anyway, a total says what they can add up
    /// themselves.
    pub fn counted_in_totals(&self, network: NetworkId, indicator: IndicatorId) -> &'static [Visibility] {
        let Self::Of(reader) = self else { return &[] };
        let limited = reader.limited.networks.contains(&network) && reader.limited.indicators.contains(&indicator);
        if reader.funded.contains(&network) {
            &[Visibility::AggregateOnly, Visibility::Network, Visibility::Public]
        } else if limited || reader.networks.contains(&network) || reader.coordinated.contains(&network) {
            &[Visibility::AggregateOnly]
        } else {
            &[]
        }
    }
}
