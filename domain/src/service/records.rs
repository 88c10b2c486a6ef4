//! Reading and changing single records: the same for every kind.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{Change, Context, Governed, Services, session::Refused};
use crate::{
    access::{Actor, Needs, Scope, Who},
    audit::{Action, NewEntry},
    error::{Error, ProblemCode, Result},
    id::{CommunityId, EntityId as _, SeriesId},
    page::{ListQuery, MAX_PAGE, Page, PageArgs},
    port::store::{Holds, Repositories, Repository},
    record::{Noun, Stored},
};

/// The communities whose data these records are, and the series that they are data of.
fn whose<'a, N: Noun>(records: impl IntoIterator<Item = &'a Stored<N>>) -> (BTreeSet<CommunityId>, BTreeSet<SeriesId>) {
    let (mut communities, mut series) = (BTreeSet::new(), BTreeSet::new());
    for record in records {
        communities.extend(record.value.data_of());
        series.extend(record.value.data_of_series());
    }
    (communities, series)
}

/// Whether something was named that is not there for whoever named it.
fn is_missing(error: &Error) -> bool {
    match error {
        Error::NotFound { .. } => true,
        Error::Validation(problems) => problems.iter().any(|problem| problem.code == ProblemCode::NotFound),
        _ => false,
    }
}

/// What an actor may do with a record as it is now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MayChange {
    /// Change it.
    pub update: bool,
    /// Archive it; bring it back, if it is archived.
    pub archive: bool,
}

impl Services {
    /// The same result; that something was not allowed, or not there for the actor, is recorded in the audit log first, once the
    /// session that it happened in has ended.
    pub(super) async fn denied<T>(&self, actor: &Actor, refused: &Refused, result: Result<T>) -> Result<T> {
        let Err(error) = &result else { return result };
        let mut entries = refused.take();
        match error {
            Error::Forbidden(what) => {
                if entries.is_empty() {
                    entries.push(NewEntry::by(actor, self.clock.now(), Action::Denied));
                }
                let entries: Vec<_> = entries.into_iter().map(|entry| entry.detail(what)).collect();
                self.record_entries(&entries).await?;
            }
            Error::Unauthenticated(what) => self.note_attempt(actor, what, entries).await?,
            error if is_missing(error) || !entries.is_empty() => {
                self.note_attempt(actor, "write what names something that is not there for them", entries).await?;
            }
            _ => {}
        }
        result
    }

    /// Adds an entry to the audit log by itself.
    pub(super) async fn record_entry(&self, entry: &NewEntry) -> Result<()> {
        self.record_entries(std::slice::from_ref(entry)).await
    }

    /// The same for several.
    pub(super) async fn record_entries(&self, entries: &[NewEntry]) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let work = self.store.begin().await?;
        work.repositories().audit().record(entries).await?;
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
        let found = self.store.read().repository().get(&self.scope(actor), ids).await?;
        self.note_records::<N>(actor, whose(&found)).await?;
        Ok(found)
    }

    /// The records with these natural keys that the actor may see, in any order.
    pub async fn by_keys<N: Noun>(&self, actor: &Actor, keys: &[N::Key]) -> Result<Vec<Stored<N>>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.store.read().repository().by_keys(&self.scope(actor), keys).await?;
        self.note_records::<N>(actor, whose(&found)).await?;
        Ok(found)
    }

    /// A part of a list.
    pub async fn list<N: Noun>(&self, actor: &Actor, query: &ListQuery<N::Filter, N::Sort>) -> Result<Page<Stored<N>>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        let page = self.store.read().repository().list(&self.scope(actor), query).await?;
        self.note_records::<N>(actor, whose(page.items.iter().map(|(_, record)| record))).await?;
        Ok(page)
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
        let pages = self.store.read().repository().list_of(&self.scope(actor), parent, ids, query).await?;
        let records = pages.values().flat_map(|page| page.items.iter().map(|(_, record)| record));
        self.note_records::<N>(actor, whose(records)).await?;
        Ok(pages)
    }

    /// Records that data of these communities is read, where an Indigenous data authority speaks for them.
    async fn note_records<N: Noun>(
        &self,
        actor: &Actor,
        (communities, series): (BTreeSet<CommunityId>, BTreeSet<SeriesId>),
    ) -> Result<()> {
        if !communities.is_empty() {
            self.note_reading(actor, N::Id::KIND.name(), communities).await?;
        }
        if !series.is_empty() {
            self.note_reading_series(actor, N::Id::KIND.name(), series).await?;
        }
        Ok(())
    }

    /// Creates a record.
    pub async fn create<N: Governed>(&self, actor: &Actor, value: N) -> Result<Stored<N>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        let session = self.session(actor, N::TO_WRITE).await?;
        let refused = session.refused();
        let work = async {
            let record = session.create(value).await?;
            session.commit().await?;
            Ok(record)
        };
        self.denied(actor, &refused, Box::pin(work).await).await
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
        let refused = session.refused();
        let work = async {
            let record = session.update(id, seen, change).await?;
            session.commit().await?;
            Ok(record)
        };
        self.denied(actor, &refused, Box::pin(work).await).await
    }

    /// Archives a record of which the actor saw version `seen`, or restores it.
    pub async fn archive<N: Governed>(&self, actor: &Actor, id: N::Id, seen: i32, archived: bool) -> Result<Stored<N>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        let session = self.session(actor, N::TO_WRITE).await?;
        let refused = session.refused();
        let work = async {
            let record = session.archive(id, seen, archived).await?;
            session.commit().await?;
            Ok(record)
        };
        self.denied(actor, &refused, Box::pin(work).await).await
    }

    /// What the actor may do with these records as they are now, so that a frontend can show or hide without guessing: what is
    /// looked up for it is looked up for all of them together.
    pub async fn may_change<N: Governed>(&self, actor: &Actor, records: &[&Stored<N>]) -> Result<Vec<MayChange>> {
        let now = self.clock.now();
        let mut context = Context::new(self.store.read(), actor, now);
        // Nobody in particular changes nothing, and nothing is looked up for them.
        if matches!(actor.who, Who::Anonymous) {
            return Ok(vec![MayChange::default(); records.len()]);
        }
        N::look_up(records, &mut context).await?;
        let mut may = Vec::with_capacity(records.len());
        for record in records {
            let met = |needs: Vec<Needs>| needs.iter().all(|needs| needs.met_by(actor, now));
            let archived = record.meta.archived_at.is_some();
            let there_or_back = if archived { Change::Restore(record) } else { Change::Archive(record) };
            may.push(MayChange {
                update: met(record.value.needs(Change::Update(record), &context).await?),
                archive: met(record.value.needs(there_or_back, &context).await?),
            });
        }
        Ok(may)
    }

    /// Whether the actor may do what this asks for, such as creating a record somewhere.
    pub fn may(&self, actor: &Actor, needs: &Needs) -> bool {
        needs.met_by(actor, self.clock.now())
    }

    /// Whether the actor may record figures of the community, or send them in.
    pub fn may_record(&self, actor: &Actor, community: CommunityId) -> bool {
        self.may(actor, &Needs::to_submit(community, None))
    }
}

/// Every record that the filter finds and that is not archived.
pub(super) async fn all<N: Noun>(repository: &dyn Repository<N>, filter: N::Filter) -> Result<Vec<Stored<N>>> {
    let mut query = ListQuery { filter, page: PageArgs::first(MAX_PAGE), ..ListQuery::default() };
    let mut records = Vec::new();
    loop {
        let page = repository.list(&Scope::Everything, &query).await?;
        query.page.after = page.items.last().map(|(cursor, _)| cursor.clone());
        records.extend(page.items.into_iter().map(|(_, record)| record));
        if !page.has_next {
            return Ok(records);
        }
    }
}
