//! Communities in memory: comparisons show a thousand of them at every request, and they seldom change.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Services;
use crate::{access::Actor, community::Community, error::Result, event::Topic, id::CommunityId, record::Stored};

/// As many as are kept, of about two kilobytes each.
const MOST: usize = 5_000;

/// What is known of records that everybody may read, as of one version of the topic that they belong to.
pub(super) struct Known<K, V> {
    shelf: Mutex<Shelf<K, V>>,
}

struct Shelf<K, V> {
    version: i64,
    records: HashMap<K, V>,
}

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Self { shelf: Mutex::new(Shelf { version: 0, records: HashMap::new() }) }
    }
}

impl<K: Copy + Eq + Hash, V: Clone> Known<K, V> {
    fn shelf(&self) -> MutexGuard<'_, Shelf<K, V>> {
        // Whoever panicked while it held the lock left whole records behind.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of these records that are known as of this version.
    fn find(&self, version: i64, ids: &[K]) -> HashMap<K, V> {
        let held = self.shelf();
        if held.version != version {
            return HashMap::new();
        }
        ids.iter().filter_map(|id| Some((*id, held.records.get(id)?.clone()))).collect()
    }

    /// Keeps records that were read after this version; what was read after an earlier one is forgotten.
    fn keep(&self, version: i64, records: &HashMap<K, V>) {
        let mut held = self.shelf();
        if held.version > version {
            return;
        }
        if held.version < version || held.records.len() + records.len() > MOST {
            *held = Shelf { version, records: HashMap::new() };
        }
        held.records.extend(records.iter().take(MOST).map(|(id, record)| (*id, record.clone())));
    }
}

impl Services {
    /// The communities with these ids that the actor may see, from memory where they have not changed since.
    ///
    /// Two statements at most: whether any community has changed, and those that are not in memory.
    pub async fn communities(
        &self,
        actor: &Actor,
        ids: &[CommunityId],
    ) -> Result<HashMap<CommunityId, Arc<Stored<Community>>>> {
        let (reader, scope) = (self.store.read(), &self.scope(actor));
        // Read before the communities: they are at least as new as the version that they are kept under.
        let version = reader.topic_versions(&[Topic::Communities]).await?.first().copied().unwrap_or_default();
        let mut found = self.known.find(version, ids);
        let missing: Vec<CommunityId> = ids.iter().filter(|id| !found.contains_key(id)).copied().collect();
        if !missing.is_empty() {
            let read = reader.communities().get(scope, &missing).await?;
            let read = read.into_iter().map(|community| (community.id, Arc::new(community))).collect();
            self.known.keep(version, &read);
            found.extend(read);
        }
        Ok(found)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    fn found(known: &Known<u32, char>, version: i64) -> Vec<(u32, char)> {
        let mut found: Vec<_> = known.find(version, &[1, 2, 3]).into_iter().collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn records_are_known_as_of_their_version_alone() {
        let known = Known::default();
        known.keep(5, &HashMap::from([(1, 'a')]));
        known.keep(5, &HashMap::from([(2, 'b')]));
        assert_eq!(found(&known, 5), [(1, 'a'), (2, 'b')]);
        assert!(found(&known, 4).is_empty());
        assert!(found(&known, 6).is_empty());
    }

    #[test]
    fn a_later_version_takes_the_place_of_an_earlier_one_and_never_the_other_way_round() {
        let known = Known::default();
        known.keep(5, &HashMap::from([(1, 'a'), (2, 'b')]));
        known.keep(6, &HashMap::from([(1, 'c')]));
        known.keep(5, &HashMap::from([(3, 'd')]));
        assert_eq!(found(&known, 6), [(1, 'c')]);
        assert!(found(&known, 5).is_empty());
    }

    #[test]
    fn no_more_are_kept_than_fit() {
        let known = Known::default();
        let many = |from: usize| (from..from + 3_000).map(|id| (id, id)).collect::<HashMap<_, _>>();
        known.keep(1, &many(0));
        known.keep(1, &many(3_000));
        assert!(known.find(1, &[7]).is_empty());
        assert_eq!(known.find(1, &[3_007]).len(), 1);
    }
}
