//! Reading and changing single records: the same for every kind.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Change, Context, Governed, Services};
use crate::{
    access::Actor,
    audit::{Action, NewEntry},
    error::{Error, Result},
    id::{ApiTokenId, CommunityId},
    page::{ListQuery, Page},
    port::store::{Holds, Repositories},
    record::{Noun, Stored},
};

impl Services {
    /// The same result; that something was not allowed is recorded in the audit log first, once the session that it happened
    /// in has ended. Nobody in particular is not recorded: anybody could fill the log.
    pub(super) async fn denied<T>(&self, actor: &Actor, result: Result<T>) -> Result<T> {
        if let Err(Error::Forbidden(what)) = result {
            self.record_entry(&NewEntry::by(actor, self.clock.now(), Action::Denied).detail(what)).await?;
        }
        result
    }

    /// Adds an entry to the audit log by itself.
    pub(super) async fn record_entry(&self, entry: &NewEntry) -> Result<()> {
        let work = self.store.begin().await?;
        work.repositories().audit().record(std::slice::from_ref(entry)).await?;
        work.commit().await
    }

    /// The records with these ids that the actor may see, in any order.
    pub async fn get<N: Noun>(&self, actor: &Actor, ids: &[N::Id]) -> Result<Vec<Stored<N>>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.store.read().repository().get(&self.scope(actor), ids).await
    }

    /// The records with these natural keys that the actor may see, in any order.
    pub async fn by_keys<N: Noun>(&self, actor: &Actor, keys: &[N::Key]) -> Result<Vec<Stored<N>>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.store.read().repository().by_keys(&self.scope(actor), keys).await
    }

    /// A part of a list.
    pub async fn list<N: Noun>(&self, actor: &Actor, query: &ListQuery<N::Filter, N::Sort>) -> Result<Page<Stored<N>>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        self.store.read().repository().list(&self.scope(actor), query).await
    }

    /// The same part of the lists of several parents.
    pub async fn list_of<N: Noun>(
        &self,
        actor: &Actor,
        parent: N::Parent,
        ids: &[Uuid],
        query: &ListQuery<N::Filter, N::Sort>,
    ) -> Result<HashMap<Uuid, Page<Stored<N>>>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        self.store.read().repository().list_of(&self.scope(actor), parent, ids, query).await
    }

    /// Creates a record.
    pub async fn create<N: Governed>(&self, actor: &Actor, value: N) -> Result<Stored<N>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        let session = self.session(actor, N::TO_WRITE).await?;
        let work = async {
            let record = session.create(value).await?;
            session.commit().await?;
            Ok(record)
        };
        self.denied(actor, Box::pin(work).await).await
    }

    /// Changes a record of which the actor saw version `seen`.
    pub async fn update<N: Governed>(
        &self,
        actor: &Actor,
        id: N::Id,
        seen: i32,
        change: impl FnOnce(&N) -> Result<N> + Send,
    ) -> Result<Stored<N>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        let session = self.session(actor, N::TO_WRITE).await?;
        let work = async {
            let record = session.update(id, seen, change).await?;
            session.commit().await?;
            Ok(record)
        };
        self.denied(actor, Box::pin(work).await).await
    }

    /// Archives a record of which the actor saw version `seen`, or restores it.
    pub async fn archive<N: Governed>(&self, actor: &Actor, id: N::Id, seen: i32, archived: bool) -> Result<Stored<N>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        let session = self.session(actor, N::TO_WRITE).await?;
        let work = async {
            let record = session.archive(id, seen, archived).await?;
            session.commit().await?;
            Ok(record)
        };
        self.denied(actor, Box::pin(work).await).await
    }

    /// Whether the actor may change the record as it is now, so that a frontend can show or hide without guessing.
    pub async fn may_update<N: Governed>(&self, actor: &Actor, record: &Stored<N>) -> Result<bool> {
        let now = self.clock.now();
        let context = Context { repositories: self.store.read(), actor, now };
        let needs = record.value.needs(Change::Update(record), &context).await?;
        Ok(needs.iter().all(|needs| needs.met_by(actor, now)))
    }

    /// Whether the actor may record figures of the community.
    pub fn may_record(&self, actor: &Actor, community: CommunityId) -> bool {
        super::session::to_record(community, None).met_by(actor, self.clock.now())
    }

    /// When these tokens, which the actor may see, were last used.
    pub async fn last_uses(&self, tokens: &[ApiTokenId]) -> Result<Vec<(ApiTokenId, DateTime<Utc>)>> {
        self.store.read().identities().last_uses(tokens).await
    }
}
