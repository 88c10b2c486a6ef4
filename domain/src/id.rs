//! Identifiers: UUID v7, one newtype for each kind of record, so that one cannot be given in place of another.

use std::{fmt, hash::Hash, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What every identifier can do; repositories and cursors are written against it.
pub trait EntityId:
    Copy + Eq + Ord + Hash + fmt::Debug + fmt::Display + From<Uuid> + Into<Uuid> + Send + Sync + 'static
{
    /// The kind of record that it identifies.
    const KIND: NodeKind;

    /// The identifier as a bare UUID.
    fn uuid(self) -> Uuid {
        self.into()
    }
}

macro_rules! ids {
    ($($(#[$meta:meta])* $id:ident => $kind:ident),+ $(,)?) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $id(Uuid);

            impl From<Uuid> for $id {
                fn from(uuid: Uuid) -> Self { Self(uuid) }
            }
            impl From<$id> for Uuid {
                fn from(id: $id) -> Self { id.0 }
            }
            impl From<$id> for NodeRef {
                fn from(id: $id) -> Self { NodeRef { kind: NodeKind::$kind, id: id.0 } }
            }
            impl fmt::Display for $id {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
            }
            impl FromStr for $id {
                type Err = uuid::Error;
                fn from_str(text: &str) -> Result<Self, Self::Err> { Ok(Self(Uuid::parse_str(text)?)) }
            }
            impl EntityId for $id {
                const KIND: NodeKind = NodeKind::$kind;
            }
        )+

        /// The kinds of record that have a global identifier.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum NodeKind {
            $(
                #[doc = concat!("A record identified by [`", stringify!($id), "`].")]
                $kind
            ),+
        }

        impl NodeKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The name of the type in the schema.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind)),+ }
            }
        }
    };
}

ids! {
    /// A network of communities.
    NetworkId => Network,
    /// A community's place in a network.
    MembershipId => Membership,
    /// A community.
    CommunityId => Community,
    /// An initiative.
    InitiativeId => Initiative,
    /// A partner.
    PartnerId => Partner,
    /// A partner's place in an initiative.
    ParticipationId => Participation,
    /// An indicator.
    IndicatorId => Indicator,
    /// One immutable definition of an indicator.
    IndicatorVersionId => IndicatorVersion,
    /// Where figures come from.
    SourceId => Source,
    /// How tables of a source are read.
    MappingId => Mapping,
    /// One community's figures by one indicator version, source and disaggregation.
    SeriesId => Series,
    /// A declared starting point.
    BaselineId => Baseline,
    /// A value to reach by a day.
    TargetId => Target,
    /// Something learned.
    LearningId => Learning,
    /// How far a community shares figures.
    SharingRuleId => SharingRule,
    /// What an Indigenous data authority decided.
    AuthorityDecisionId => AuthorityDecision,
    /// A lock on the figures of periods.
    PeriodLockId => PeriodLock,
    /// A declared break of series.
    SeriesBreakId => SeriesBreak,
    /// Somebody who can sign in.
    AccountId => Account,
    /// A role that somebody holds.
    GrantId => Grant,
    /// What a program signs in with.
    ApiTokenId => ApiToken,
    /// By which figures are found doubtful.
    QualityRuleId => QualityRule,
}

/// The sessions of an account: one for each time that somebody signed in. They have no global identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(Uuid);

impl From<Uuid> for SessionId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl From<SessionId> for Uuid {
    fn from(id: SessionId) -> Self {
        id.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SessionId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Uuid::parse_str(text)?))
    }
}

/// A reference to a record of any kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeRef {
    /// What kind of record.
    pub kind: NodeKind,
    /// Which one.
    pub id: Uuid,
}

impl fmt::Display for NodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
