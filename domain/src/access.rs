//! Who may do what: the only place that decides.

use crate::error::{Error, Result};

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Nobody in particular.
    Anonymous,
    /// Whoever holds the administrator's token, by the name given with it.
    Administrator(String),
}

impl Actor {
    /// The name under which this actor's changes are recorded.
    pub fn name(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Administrator(name) => name,
        }
    }

    /// What this actor can read.
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Anonymous => Scope::Public,
            Self::Administrator(_) => Scope::Everything,
        }
    }
}

/// What a reader can see. Every read takes one and filters by it where the data is, so that lists, counts and single
/// records cannot disagree.
///
/// `Public` sees: learnings that are shared and PUBLIC; figures that are free, or whose embargo has passed, of
/// communities without an Indigenous data authority (domain invariants 13, 15 and 16); no consent records. Networks,
/// communities, initiatives, partners, participations, indicators, sources, targets are public as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// What anybody may see.
    Public,
    /// All there is.
    Everything,
}

impl Scope {
    /// The part of a cache key that keeps one reader's results from another.
    pub const fn cache_key(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Everything => "everything",
        }
    }
}

/// Refuses whoever may not change the network's records; `what` completes “sign in to …”.
pub fn can_write(actor: &Actor, what: &'static str) -> Result<()> {
    match actor {
        Actor::Administrator(_) => Ok(()),
        Actor::Anonymous => Err(Error::Unauthenticated(what)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_in_particular_changes_nothing_and_sees_what_is_public() {
        assert_eq!(can_write(&Actor::Anonymous, "edit"), Err(Error::Unauthenticated("edit")));
        assert_eq!(Actor::Anonymous.scope(), Scope::Public);
    }

    #[test]
    fn an_administrator_writes_and_reads_everything() {
        let actor = Actor::Administrator("ops".into());
        assert_eq!(can_write(&actor, "edit"), Ok(()));
        assert_eq!(actor.scope(), Scope::Everything);
        assert_ne!(Scope::Public.cache_key(), actor.scope().cache_key());
    }
}
