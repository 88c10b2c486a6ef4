//! One statement for all parents of a level. Built anew for every request: a shared loader would mix readers.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use async_graphql::{
    dataloader::{DataLoader, HashMapCache, Loader},
    parser::types::OperationType,
};
use domain::{
    Error,
    access::Actor,
    community::Community,
    id::CommunityId,
    page::{ListQuery, Page},
    port::store::{Holds, Repositories},
    record::{Noun, Stored},
    service::{Governed, MayChange, Services},
};
use uuid::Uuid;

/// Loads for one reader.
pub struct Batch {
    pub(super) services: Services,
    pub(super) actor: Actor,
}

/// The loader of one request. A query reads nothing twice. Changes run one after the other, and what each answers is read after it:
/// nothing that an earlier one read is kept for it.
pub fn batch(services: Services, actor: Actor, operation: OperationType) -> DataLoader<Batch, HashMapCache> {
    // Every worker runs one thread: a spawned task begins only when all resolvers of a level have asked, so no delay is
    // needed to gather them, and the default of a millisecond would be paid once a level.
    let cache = HashMapCache::default();
    let loader = DataLoader::with_cache(Batch { services, actor }, tokio::task::spawn, cache).delay(Duration::ZERO);
    loader.enable_all_cache(operation != OperationType::Mutation);
    loader
}

/// A record by its id.
#[derive(Debug)]
pub struct ById<N: Noun>(pub N::Id);

impl<N: Noun> Clone for ById<N> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}
impl<N: Noun> PartialEq for ById<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<N: Noun> Eq for ById<N> {}
impl<N: Noun> Hash for ById<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<N: Noun> Loader<ById<N>> for Batch
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    type Value = Arc<Stored<N>>;
    type Error = Error;

    async fn load(&self, keys: &[ById<N>]) -> Result<HashMap<ById<N>, Self::Value>, Error> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let records = self.services.get::<N>(&self.actor, &ids).await?;
        Ok(records.into_iter().map(|record| (ById(record.id), Arc::new(record))).collect())
    }
}

/// A community by its id, from memory where it has not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KnownCommunity(pub CommunityId);

impl Loader<KnownCommunity> for Batch {
    type Value = Arc<Stored<Community>>;
    type Error = Error;

    async fn load(&self, keys: &[KnownCommunity]) -> Result<HashMap<KnownCommunity, Self::Value>, Error> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let communities = self.services.communities(&self.actor, &ids).await?;
        Ok(communities.into_iter().map(|(id, community)| (KnownCommunity(id), community)).collect())
    }
}

/// What the reader may do with a record.
#[derive(Debug, Clone)]
pub struct MayOn<N: Governed>(pub Arc<Stored<N>>);

impl<N: Governed> PartialEq for MayOn<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}
impl<N: Governed> Eq for MayOn<N> {}
impl<N: Governed> Hash for MayOn<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl<N: Governed> Loader<MayOn<N>> for Batch {
    type Value = MayChange;
    type Error = Error;

    async fn load(&self, keys: &[MayOn<N>]) -> Result<HashMap<MayOn<N>, Self::Value>, Error> {
        let records: Vec<&Stored<N>> = keys.iter().map(|key| &*key.0).collect();
        let may = self.services.may_change(&self.actor, &records).await?;
        Ok(keys.iter().cloned().zip(may).collect())
    }
}

/// A part of the list of a parent's children.
#[derive(Debug)]
pub struct ChildrenOf<N: Noun> {
    /// Whose children they are.
    pub parent: N::Parent,
    /// Which parent.
    pub id: Uuid,
    /// Which part of the list.
    pub query: Arc<ListQuery<N::Filter, N::Sort>>,
}

impl<N: Noun> Clone for ChildrenOf<N> {
    fn clone(&self) -> Self {
        Self { parent: self.parent, id: self.id, query: Arc::clone(&self.query) }
    }
}
impl<N: Noun> PartialEq for ChildrenOf<N> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.parent == other.parent && self.query == other.query
    }
}
impl<N: Noun> Eq for ChildrenOf<N> {}
impl<N: Noun> Hash for ChildrenOf<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Two lists of one parent are rare; the rest is left to equality.
        self.parent.hash(state);
        self.id.hash(state);
    }
}

impl<N: Noun> Loader<ChildrenOf<N>> for Batch
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    type Value = Arc<Page<Stored<N>>>;
    type Error = Error;

    async fn load(&self, keys: &[ChildrenOf<N>]) -> Result<HashMap<ChildrenOf<N>, Self::Value>, Error> {
        let mut loaded = HashMap::with_capacity(keys.len());
        for (parent, query, ids) in grouped(keys, |key| (key.parent, &key.query)) {
            let uuids: Vec<Uuid> = ids.iter().map(|key| key.id).collect();
            let mut pages = self.services.list_of::<N>(&self.actor, parent, &uuids, &query).await?;
            for key in ids {
                let page = pages.remove(&key.id).unwrap_or_else(|| {
                    // A parent without children has none to count either.
                    Page { total: query.count.then_some(0), ..Page::default() }
                });
                loaded.insert(key, Arc::new(page));
            }
        }
        Ok(loaded)
    }
}

type Group<P, Q, K> = (P, Arc<Q>, Vec<K>);

/// The keys that ask the same of different parents, together. Callers ask few different things in one request, so the
/// groups are searched one by one.
pub fn grouped<K: Clone, P: PartialEq, Q: PartialEq>(
    keys: &[K],
    of: impl Fn(&K) -> (P, &Arc<Q>),
) -> Vec<Group<P, Q, K>> {
    let mut groups: Vec<Group<P, Q, K>> = Vec::new();
    for key in keys {
        let (parent, query) = of(key);
        match groups.iter_mut().find(|(p, q, _)| *p == parent && q == query) {
            Some((_, _, members)) => members.push(key.clone()),
            None => groups.push((parent, Arc::clone(query), vec![key.clone()])),
        }
    }
    groups
}
