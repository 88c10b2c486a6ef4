//! Several changes by one actor that happen together or not at all.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::{DateTime, Utc};

use super::{Change, Context, Governed, Services, push::named};
use crate::{
    access::{self, Actor, Needs, Scope},
    audit::{Action, ActorKind, NewEntry},
    error::{Error, Result},
    event::{Event, Topic},
    id::{CommunityId, EntityId, IndicatorId, NodeKind, NodeRef, SeriesId},
    observation::{NewObservation, Outcome},
    port::{
        figures::Recorder,
        store::{Holds, Repositories, UnitOfWork},
    },
    record::Stored,
    revision::Cause,
    series::Series,
};

/// The kinds of record on which it depends who may do what.
pub const DECIDING: [NodeKind; 4] = [NodeKind::Account, NodeKind::Grant, NodeKind::ApiToken, NodeKind::Membership];

/// Why nothing more is recorded of a community.
pub(super) const HAS_LEFT: &str = "the community has left its networks; its figures are history";

/// Why somebody may not restate figures.
pub const NO_STEWARD: &str = "figures of locked periods are restated by stewards of the community alone";

/// What a lock holds; whoever panicked while it was held left it whole.
pub(super) fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a session refused, for the audit log: written once the session is over.
#[derive(Clone, Default)]
pub(super) struct Refused(Arc<Mutex<Vec<NewEntry>>>);

impl Refused {
    /// What was refused.
    pub(super) fn take(&self) -> Vec<NewEntry> {
        std::mem::take(&mut *held(&self.0))
    }
}

/// What was recorded of a community.
#[derive(Default)]
struct Tally {
    figures: u64,
    /// Why some were withdrawn or restated.
    causes: BTreeSet<String>,
}

/// What the audit log says of why there is a revision.
fn causes(new: &NewObservation) -> impl Iterator<Item = String> {
    let Cause { retraction, restatement, .. } = &new.cause;
    let retracted = retraction.map(|reason| format!("retracted: {reason}"));
    let restated = restatement.as_ref().map(|restatement| format!("restated: {restatement}"));
    retracted.into_iter().chain(restated)
}

/// Several changes by one actor at one moment. Dropped without [`Session::commit`], it leaves nothing behind.
pub struct Session {
    actor: Actor,
    /// What kind of actor the audit log says it is.
    kind: ActorKind,
    now: DateTime<Utc>,
    services: Services,
    work: Box<dyn UnitOfWork>,
    revisions: u64,
    /// The series that were created, as long as nothing is recorded in them.
    unused: BTreeSet<SeriesId>,
    has_created_series: bool,
    indicators: BTreeSet<IndicatorId>,
    /// What was recorded of whom.
    recorded: BTreeMap<CommunityId, Tally>,
    /// What figures refer to and was found good.
    checked: Mutex<HashSet<NodeRef>>,
    refused: Refused,
    /// Whether nothing of it will last.
    rehearsal: bool,
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
        if let Err(error) = access::require_anybody(actor, what) {
            self.note_attempt(actor, what, Vec::new()).await?;
            return Err(error);
        }
        Ok(Session {
            actor: actor.clone(),
            kind: actor.into(),
            now: self.clock.now(),
            services: self.clone(),
            work: self.store.begin().await?,
            revisions: 0,
            unused: BTreeSet::new(),
            has_created_series: false,
            indicators: BTreeSet::new(),
            recorded: BTreeMap::new(),
            checked: Mutex::default(),
            refused: Refused::default(),
            rehearsal: false,
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
        if let Err(missing) = self.check_references(&value.references()).await {
            // That they had no right to it either is noted, and not told.
            let _ = self.require(&value, Change::Create).await;
            return Err(missing);
        }
        self.require(&value, Change::Create).await?;
        let value = value.admit(None, &self.context()).await?;
        let id = N::Id::from(self.services.clock.next_id());
        let record = Stored::create(id, value, &self.actor, self.now)?;
        self.repository::<N>().insert(&record).await?;
        self.note(Action::Create, None, &record).await?;
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
        self.note(Action::Update, Some(&before.value), &record).await?;
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
            let done = if archived { Action::Archive } else { Action::Restore };
            self.note(done, Some(&before.value), &record).await?;
            self.emit(&record, record.value.topics(id)).await?;
        }
        Ok(record)
    }

    /// Whether the actor may record figures of the community by the indicator, or send them in.
    pub fn may_record(&self, community: CommunityId, indicator: IndicatorId) -> bool {
        Needs::to_submit(community, Some(indicator)).met_by(&self.actor, self.now)
    }

    /// Whether the actor may change figures of the community in locked periods.
    pub fn may_restate(&self, community: CommunityId) -> bool {
        Needs::steward(community).met_by(&self.actor, self.now)
    }

    /// The ids of these series, in their order; those that are missing are created. The caller has asked whether the actor may record
    /// their figures, and checked that what they refer to exists.
    ///
    /// # Errors
    /// [`Error::Validation`] for a series of a performance measure (invariant 7), or of something archived.
    pub(super) async fn ensure_series(&mut self, series: &[Series]) -> Result<Vec<SeriesId>> {
        self.check_series(series.iter()).await?;
        self.has_created_series = true;
        let ids = self.repositories().figures().ensure_series(series, self.now, &self.actor.name()).await?;
        self.unused.extend(&ids);
        Ok(ids)
    }

    /// Whether series were created in this session: nobody else sees them, and they may still be undone.
    pub(super) const fn has_created_series(&self) -> bool {
        self.has_created_series
    }

    /// The series that were created, and in which nothing was recorded.
    pub(super) fn take_unused(&mut self) -> BTreeSet<SeriesId> {
        std::mem::take(&mut self.unused)
    }

    /// Records figures that were checked against their indicator versions, and says what became of each. Who restates has been
    /// asked for by [`Session::may_restate`]. `of` says of each whose it is, and by which indicator.
    pub async fn record(
        &mut self,
        figures: &[NewObservation],
        of: &[(CommunityId, IndicatorId)],
    ) -> Result<Vec<Outcome>> {
        let opening = self.opening(figures).await?;
        let outcomes = if opening.is_empty() {
            self.record_all(figures).await?
        } else {
            self.record_without(figures, &opening).await?
        };
        for ((new, (community, indicator)), outcome) in figures.iter().zip(of).zip(&outcomes) {
            if matches!(outcome, Outcome::Created | Outcome::Updated) {
                self.revisions += 1;
                self.unused.remove(&new.series);
                self.indicators.insert(*indicator);
                let tally = self.recorded.entry(*community).or_default();
                tally.figures += 1;
                tally.causes.extend(causes(new));
            }
        }
        Ok(outcomes)
    }

    /// Hands all of these over to be recorded.
    pub(super) async fn record_all(&self, figures: &[NewObservation]) -> Result<Vec<Outcome>> {
        let (name, reader) = (self.actor.name(), self.reader());
        let by = Recorder { name: &name, reader: &reader };
        let recorded = self.repositories().figures().record(figures, self.now, by).await;
        recorded.inspect_err(|error| self.doubt_series(error))
    }

    /// Makes everything last, and lets it be known.
    pub async fn commit(self) -> Result<()> {
        if self.revisions > 0 {
            let indicators = self.indicators.clone();
            let event = Event::ObservationsRecorded { indicators, revisions: self.revisions };
            self.work.emit(&event).await?;
            let entries = self.recorded.iter().map(|(&community, Tally { figures, causes })| {
                let detail: Vec<_> = [format!("{figures} figures")].into_iter().chain(causes.iter().cloned()).collect();
                self.entry(Action::RecordFigures).on(community).of_community(community).detail(&detail.join("; "))
            });
            held(&self.done).extend(entries);
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

    /// An entry of the audit log: the actor did this.
    fn entry(&self, action: Action) -> NewEntry {
        NewEntry { actor_kind: self.kind, ..NewEntry::by(&self.actor, self.now, action) }
    }

    /// What this session has refused; it can be asked when the session is over.
    pub(super) fn refused(&self) -> Refused {
        self.refused.clone()
    }

    /// Notes what was refused.
    pub(super) fn refuse(&self, entry: NewEntry) {
        held(&self.refused.0).push(entry);
    }

    /// What follows happens now: nothing is recorded yet, and what is recorded next may have been looked up a while ago.
    pub fn begin_now(&mut self) {
        self.now = self.services.clock.now();
    }

    /// From now on it only shows what would become of figures.
    pub const fn rehearse(&mut self) {
        self.rehearsal = true;
    }

    /// Whether it only shows what would become of figures.
    pub(super) const fn is_rehearsal(&self) -> bool {
        self.rehearsal
    }

    /// What was refused so far, for [`Session::note_refused`] of the session that lasts.
    pub fn take_refused(&self) -> Vec<NewEntry> {
        self.refused.take()
    }

    /// Notes for the audit log what was refused while `what` was done; of very many communities the rest is counted.
    pub fn note_refused(&self, refused: Vec<NewEntry>, what: &str) {
        for entry in named(refused, what) {
            self.note_entry(entry);
        }
    }

    /// Notes that something about the figures of a community was refused.
    pub fn refuse_figures_of(&self, community: CommunityId) {
        self.refuse(self.entry(Action::Denied).on(community).of_community(community));
    }

    /// Notes that a change was refused, for whoever answers for the record as it is, or would be.
    async fn refuse_change<N: Governed>(&self, value: &N, present: Option<&Stored<N>>) -> Result<()> {
        let (id, value) = present.map_or((None, value), |present| (Some(present.id), &present.value));
        let mut entry = self.entry(Action::Denied);
        if let Some(id) = id {
            entry = entry.on(NodeRef { kind: N::Id::KIND, id: id.uuid() });
        }
        for (community, network) in value.places(id, &self.context()).await? {
            self.refuse(entry.clone().of_community(community).of_network(network));
        }
        Ok(())
    }

    /// Notes for the audit log what was done to a record: an entry for each place that it concerns, or did before.
    async fn note<N: Governed>(&self, action: Action, before: Option<&N>, record: &Stored<N>) -> Result<()> {
        let context = self.context();
        let mut places = record.value.places(Some(record.id), &context).await?;
        if let Some(before) = before {
            for place in before.places(Some(record.id), &context).await? {
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        let mut entry = self.entry(N::action(action)).on(NodeRef { kind: N::Id::KIND, id: record.id.uuid() });
        let mut earlier: BTreeMap<_, _> = before.map(Governed::sensitive).unwrap_or_default().into_iter().collect();
        for (field, after) in record.value.sensitive() {
            entry = entry.change(field, earlier.remove(field).unwrap_or_default(), after);
        }
        let entries =
            places.into_iter().map(|(community, network)| entry.clone().of_community(community).of_network(network));
        held(&self.done).extend(entries);
        Ok(())
    }

    /// Notes for the audit log something else that was done.
    pub(super) fn note_entry(&self, entry: NewEntry) {
        held(&self.done).push(entry);
    }

    /// Goes on in the name of another, whose word was checked before; with all rights, and recorded as theirs.
    pub(super) fn act_for(&mut self, other: &Actor) {
        self.kind = other.into();
        self.actor.who = crate::access::Who::Operator(other.name().into());
    }

    /// The use cases that it is one of.
    pub(super) const fn services(&self) -> &Services {
        &self.services
    }

    /// An identifier that nothing has yet.
    pub(super) fn next_id(&self) -> uuid::Uuid {
        self.services.clock.next_id()
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
        let present = match &change {
            Change::Create => None,
            Change::Update(present) | Change::Archive(present) | Change::Restore(present) => Some(*present),
        };
        for needs in value.needs(change, &self.context()).await? {
            if let Err(error) = access::require(&self.actor, &needs, self.now, N::TO_WRITE) {
                self.refuse_change(value, present).await?;
                return Err(error);
            }
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
