//! Communities in memory: comparisons show a thousand of them at every request, and they seldom change.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};

use super::Services;
use crate::{access::Actor, community::Community, error::Result, event::Topic, id::CommunityId, record::Stored};

/// As many as are kept, of about two kilobytes each.
const MOST: usize = 5_000;

/// How long nobody asks whether a community has changed after somebody did. News of a change ends it at once: of one made here
/// before it is answered, of one made at another replica as soon as the bus tells of it; this bounds what happens without a bus.
const CURRENT: Duration = Duration::from_millis(100);

/// What is known of records that everybody may read, as of one version of the topic that they belong to.
pub(super) struct Known<K, V> {
    shelf: Mutex<Shelf<K, V>>,
}

struct Shelf<K, V> {
    version: i64,
    records: HashMap<K, V>,
    /// When the topic was found at this version.
    seen_at: Option<DateTime<Utc>>,
    /// How often there was news: whoever asked before the last does not know what is current.
    news: u64,
}

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Self { shelf: Mutex::new(Shelf { version: 0, records: HashMap::new(), seen_at: None, news: 0 }) }
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

    /// The version that is current at `now` for all that is known here, and how often there was news.
    fn current(&self, now: DateTime<Utc>) -> (Option<i64>, u64) {
        let held = self.shelf();
        // A clock that was set back makes nothing last longer.
        let age = held.seen_at.and_then(|seen_at| now.signed_duration_since(seen_at).to_std().ok());
        (age.filter(|age| *age < CURRENT).map(|_| held.version), held.news)
    }

    /// The topic was found at this version by somebody who asked at `now`, after so much news.
    fn see(&self, version: i64, now: DateTime<Utc>, news: u64) {
        let mut held = self.shelf();
        if held.news != news || held.version > version {
            return;
        }
        if held.version < version {
            held.records = HashMap::new();
            held.version = version;
        }
        held.seen_at = Some(now);
    }

    /// Something has changed: nothing that is known is taken for current without asking.
    pub(super) fn doubt(&self) {
        let mut held = self.shelf();
        held.news = held.news.wrapping_add(1);
        held.seen_at = None;
    }

    /// Keeps records that were read after this version; what was read after an earlier one is forgotten.
    fn keep(&self, version: i64, records: &HashMap<K, V>) {
        let mut held = self.shelf();
        if held.version > version {
            return;
        }
        if held.version < version || held.records.len() + records.len() > MOST {
            // Whether this version is current is another's to say.
            let seen_at = held.seen_at.filter(|_| held.version == version);
            *held = Shelf { version, records: HashMap::new(), seen_at, news: held.news };
        }
        held.records.extend(records.iter().take(MOST).map(|(id, record)| (*id, record.clone())));
    }
}

impl Services {
    /// The communities with these ids that the actor may see, from memory where they have not changed since.
    ///
    /// Two statements at most: whether any community has changed, unless that was asked just now, and those that are not in memory.
    pub async fn communities(
        &self,
        actor: &Actor,
        ids: &[CommunityId],
    ) -> Result<HashMap<CommunityId, Arc<Stored<Community>>>> {
        let (reader, scope) = (self.store.read(), &self.scope(actor));
        // Read before the communities: they are at least as new as the version that they are kept under.
        let version = self.version_of_communities().await?;
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

    async fn version_of_communities(&self) -> Result<i64> {
        let now = self.clock.now();
        let (current, news) = self.known.current(now);
        if let Some(version) = current {
            return Ok(version);
        }
        let versions = self.store.read().topic_versions(&[Topic::Communities]).await?;
        let version = versions.first().copied().unwrap_or_default();
        self.known.see(version, now, news);
        Ok(version)
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
    fn what_is_current_is_asked_again_after_a_while_or_after_news() {
        let (known, at) = (Known::<u32, char>::default(), DateTime::<Utc>::UNIX_EPOCH);
        let later = |milliseconds| at + chrono::TimeDelta::milliseconds(milliseconds);
        assert_eq!(known.current(at), (None, 0));
        known.see(5, at, 0);
        assert_eq!(known.current(later(99)), (Some(5), 0));
        assert_eq!(known.current(later(100)), (None, 0));
        assert_eq!(known.current(later(-1)), (None, 0));
        known.doubt();
        assert_eq!(known.current(at), (None, 1));
        // Asked before the news, answered after it.
        known.see(5, at, 0);
        assert_eq!(known.current(at), (None, 1));
        known.see(6, at, 1);
        assert_eq!(known.current(at), (Some(6), 1));
        known.keep(7, &HashMap::from([(1, 'a')]));
        assert_eq!(known.current(at), (None, 1));
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
