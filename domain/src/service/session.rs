//! Several changes by one actor that happen together or not at all.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::{DateTime, Utc};

use super::{Change, Context, Governed, Services};
use crate::{
    access::{self, Actor, Need, Needs, Scope},
    api_token::TokenAction,
    audit::{Action, NewEntry},
    error::{Error, Result},
    event::{Event, Topic},
    id::{CommunityId, EntityId, IndicatorId, NodeKind, NodeRef, SeriesId},
    observation::{NewObservation, Outcome},
    port::store::{Holds, Repositories, UnitOfWork},
    record::Stored,
    series::Series,
};

/// The kinds of record on which it depends who may do what.
pub const DECIDING: [NodeKind; 4] = [NodeKind::Account, NodeKind::Grant, NodeKind::ApiToken, NodeKind::Membership];

/// What recording figures of a community asks for: its steward, or a program that may do so.
pub(super) fn to_record(community: CommunityId, indicator: Option<IndicatorId>) -> Needs {
    Needs::steward(community).or_need(Need::Integration(TokenAction::RecordFigures, community, indicator))
}

/// What a lock holds; whoever panicked while it was held left it whole.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Several changes by one actor at one moment. Dropped without [`Session::commit`], it leaves nothing behind.
pub struct Session {
    actor: Actor,
    now: DateTime<Utc>,
    services: Services,
    work: Box<dyn UnitOfWork>,
    revisions: u64,
    indicators: BTreeSet<IndicatorId>,
    /// Whose figures were recorded.
    recorded_for: Mutex<BTreeSet<CommunityId>>,
    /// What figures refer to and was found good.
    checked: Mutex<HashSet<NodeRef>>,
    /// Whether who may do what has changed.
    of_actors: AtomicBool,
    /// Whether any community has.
    of_communities: AtomicBool,
    /// What was done, for the audit log.
    done: Mutex<Vec<NewEntry>>,
}

impl Services {
    /// Begins changes by this actor; `what` completes “sign in to …”.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] or [`Error::Forbidden`] for an actor who may not write.
    pub async fn session(&self, actor: &Actor, what: &'static str) -> Result<Session> {
        access::require_anybody(actor, what)?;
        Ok(Session {
            actor: actor.clone(),
            now: self.clock.now(),
            services: self.clone(),
            work: self.store.begin().await?,
            revisions: 0,
            indicators: BTreeSet::new(),
            recorded_for: Mutex::default(),
            checked: Mutex::default(),
            of_actors: AtomicBool::default(),
            of_communities: AtomicBool::default(),
            done: Mutex::default(),
        })
    }
}

impl Session {
    /// The moment that everything in this session is recorded at.
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Reads within the session, with everything that it changed so far.
    pub fn repositories(&self) -> &dyn Repositories {
        self.work.repositories()
    }

    /// Creates a record.
    pub async fn create<N: Governed>(&self, value: N) -> Result<Stored<N>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        self.check_references(&value.references()).await?;
        self.require(&value, Change::Create).await?;
        let value = value.admit(None, &self.context()).await?;
        let id = N::Id::from(self.services.clock.next_id());
        let record = Stored::create(id, value, &self.actor, self.now)?;
        self.repository::<N>().insert(&record).await?;
        self.note(Action::Create, None, &record);
        self.emit(&record, record.value.topics(record.id)).await?;
        Ok(record)
    }

    /// Changes a record of which the actor saw version `seen`; `change` makes the new content from the present one.
    pub async fn update<N: Governed>(
        &self,
        id: N::Id,
        seen: i32,
        change: impl FnOnce(&N) -> Result<N> + Send,
    ) -> Result<Stored<N>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        let before = self.present::<N>(id).await?;
        let value = change(&before.value)?;
        self.require(&value, Change::Update(&before)).await?;
        // A stale caller learns of that first: other complaints about content it has not seen would mislead.
        let record = before.changed(value, seen, &self.actor, self.now)?;
        // What it referred to before may have been archived since.
        let earlier = before.references();
        let new: Vec<_> = record.references().into_iter().filter(|reference| !earlier.contains(reference)).collect();
        self.check_references(&new).await?;
        let value = record.value.admit(Some(&before), &self.context()).await?;
        let record = Stored { value, ..record };
        if record.value == before.value {
            return Ok(before);
        }
        self.repository::<N>().update(&record).await?;
        self.note(Action::Update, Some(&before.value), &record);
        let topics = before.value.topics(id).union(&record.value.topics(id)).copied().collect();
        self.emit(&record, topics).await?;
        Ok(record)
    }

    /// Archives a record, or restores it.
    pub async fn archive<N: Governed>(&self, id: N::Id, seen: i32, archived: bool) -> Result<Stored<N>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        let before = self.present::<N>(id).await?;
        let change = if archived { Change::Archive(&before) } else { Change::Restore(&before) };
        self.require(&before.value, change).await?;
        let mut record = before.archived(archived, seen, &self.actor, self.now)?;
        if record.meta.version != before.meta.version {
            if !archived {
                // What comes back must still fit what has been recorded since.
                record.value = record.value.admit(Some(&before), &self.context()).await?;
            }
            self.repository::<N>().update(&record).await?;
            self.note(if archived { Action::Archive } else { Action::Restore }, Some(&before.value), &record);
            self.emit(&record, record.value.topics(id)).await?;
        }
        Ok(record)
    }

    /// Whether the actor may record figures of the community by the indicator.
    pub fn may_record(&self, community: CommunityId, indicator: IndicatorId) -> bool {
        to_record(community, Some(indicator)).met_by(&self.actor, self.now)
    }

    /// The ids of these series, in their order; those that are missing are created.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for figures that the actor may not record. [`Error::Validation`] for a series of a performance
    /// measure (invariant 7), or of something archived. The caller has checked that what the series refer to exists.
    pub async fn ensure_series(&self, series: &[Series]) -> Result<Vec<SeriesId>> {
        let of_what: BTreeSet<_> = series.iter().map(|series| (series.community, series.indicator)).collect();
        for (community, indicator) in of_what {
            let needs = to_record(community, Some(indicator));
            access::require(&self.actor, &needs, self.now, "record figures of this community")?;
            held(&self.recorded_for).insert(community);
        }
        self.check_series(series).await?;
        self.repositories().figures().ensure_series(series, self.now, &self.actor.name()).await
    }

    /// Records figures that were checked against their indicator versions, and says what became of each.
    /// `indicators` are those that the figures are of.
    pub async fn record(
        &mut self,
        figures: &[NewObservation],
        indicators: impl IntoIterator<Item = IndicatorId>,
    ) -> Result<Vec<Outcome>> {
        let refused = self.opening(figures).await?;
        let outcomes = if refused.is_empty() {
            self.repositories().figures().record(figures, self.now, &self.actor.name()).await?
        } else {
            self.record_without(figures, &refused).await?
        };
        let written = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Created | Outcome::Updated)).count();
        if written > 0 {
            self.revisions += written as u64;
            self.indicators.extend(indicators);
        }
        Ok(outcomes)
    }

    /// Makes everything last, and lets it be known.
    pub async fn commit(self) -> Result<()> {
        if self.revisions > 0 {
            let event = Event::ObservationsRecorded { indicators: self.indicators, revisions: self.revisions };
            self.work.emit(&event).await?;
            let communities = std::mem::take(&mut *held(&self.recorded_for));
            let mut entry = NewEntry::by(&self.actor, self.now, Action::RecordFigures).detail(&format!(
                "{} figures of {} communities",
                self.revisions,
                communities.len()
            ));
            if let (1, Some(&only)) = (communities.len(), communities.first()) {
                entry = entry.of_community(only);
            }
            held(&self.done).push(entry);
        }
        // Last of all: places in the log are taken when they are written, and others wait for them.
        let done = std::mem::take(&mut *held(&self.done));
        self.work.repositories().audit().record(&done).await?;
        self.work.commit().await?;
        if self.of_actors.load(Ordering::Acquire) {
            self.services.forget_actors();
        }
        if self.of_communities.load(Ordering::Acquire) {
            self.services.forget_communities();
        }
        Ok(())
    }

    /// The unit of work underneath.
    pub(super) fn work(&self) -> &dyn UnitOfWork {
        &*self.work
    }

    /// Looks at or adds to what figures refer to and was found good.
    pub(super) fn with_checked<T>(&self, look: impl FnOnce(&mut HashSet<NodeRef>) -> T) -> T {
        look(&mut held(&self.checked))
    }

    fn context(&self) -> Context<'_> {
        Context::new(self.repositories(), &self.actor, self.now)
    }

    /// Notes for the audit log what was done to a record.
    fn note<N: Governed>(&self, action: Action, before: Option<&N>, record: &Stored<N>) {
        let (community, network) = record.value.concerns();
        let mut entry = NewEntry::by(&self.actor, self.now, N::action(action))
            .on(NodeRef { kind: N::Id::KIND, id: record.id.uuid() })
            .of_community(community)
            .of_network(network);
        let mut earlier: BTreeMap<_, _> = before.map(Governed::sensitive).unwrap_or_default().into_iter().collect();
        for (field, after) in record.value.sensitive() {
            entry = entry.change(field, earlier.remove(field).unwrap_or_default(), after);
        }
        held(&self.done).push(entry);
    }

    /// Notes for the audit log something else that was done.
    pub(super) fn note_entry(&self, entry: NewEntry) {
        held(&self.done).push(entry);
    }

    /// Goes on in the name of another, whose word was checked before.
    pub(super) fn act_for(&mut self, name: &str) {
        self.actor.who = crate::access::Who::Operator(name.into());
    }

    /// Who acts.
    pub(super) const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What the actor can read in this session.
    pub(super) fn reader(&self) -> Scope {
        self.actor.scope(self.now)
    }

    /// Refuses a change that the actor may not make.
    pub(super) async fn require<N: Governed>(&self, value: &N, change: Change<'_, N>) -> Result<()> {
        for needs in value.needs(change, &self.context()).await? {
            access::require(&self.actor, &needs, self.now, N::TO_WRITE)?;
        }
        Ok(())
    }

    fn repository<N: Governed>(&self) -> &dyn crate::port::store::Repository<N>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        self.repositories().repository()
    }

    async fn present<N: Governed>(&self, id: N::Id) -> Result<Stored<N>>
    where
        for<'a> dyn Repositories + 'a: Holds<N>,
    {
        // Whoever may not read it learns no more of it than that it is not there for them.
        let found = self.repository::<N>().get(&self.reader(), &[id]).await?.pop();
        found.ok_or(Error::NotFound { noun: N::Id::KIND.name(), key: "id" })
    }

    async fn emit<N: Governed>(&self, record: &Stored<N>, topics: BTreeSet<Topic>) -> Result<()> {
        if topics.contains(&Topic::Communities) {
            self.of_communities.store(true, Ordering::Release);
        }
        if DECIDING.contains(&N::Id::KIND) {
            self.of_actors.store(true, Ordering::Release);
        }
        let event = Event::RecordChanged {
            noun: N::Id::KIND.name().to_owned(),
            id: record.id.into(),
            version: record.meta.version,
            topics,
        };
        self.work.emit(&event).await
    }
}
