//! Writing over what one may not read, and what programs may not do to figures that are there. Whoever records into a series without
//! reading all of it must not find by trying what stands there, so a figure that they do not read is to them as if it were not there;
//! and still nothing that is closed is opened, or taken away, by whoever does not know of it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use super::Session;
use crate::{
    access::{Needs, Scope, Who},
    error::{Problem, Result},
    id::{CommunityId, IndicatorId, SeriesId},
    observation::{Confidentiality, NewObservation, Observation, Outcome, nothing_to_retract, opened_by_a_program},
    period::Period,
};

/// Which figure it is.
type Key = (SeriesId, Period);

/// Figures as they are recorded, and why some of them are not, by their places.
pub(super) struct Guarded<'a> {
    figures: Cow<'a, [NewObservation]>,
    refused: BTreeMap<usize, Problem>,
    /// Those of the figures that close what they take the place of, of which the actor may be told: once they are recorded, nobody
    /// could say any more who had read it.
    known: HashSet<Key>,
}

impl Guarded<'_> {
    /// Those that are recorded.
    pub(super) fn admitted(&self) -> Cow<'_, [NewObservation]> {
        if self.refused.is_empty() {
            return Cow::Borrowed(&self.figures);
        }
        let places = self.figures.iter().enumerate();
        Cow::Owned(places.filter(|(place, _)| !self.refused.contains_key(place)).map(|(_, new)| new.clone()).collect())
    }

    /// Of which of those that close what was there the actor may be told of it.
    pub(super) const fn known(&self) -> &HashSet<Key> {
        &self.known
    }

    /// What became of all of them, in their order, after what became of those that were admitted.
    pub(super) fn answered(&mut self, recorded: Vec<Outcome>) -> Vec<Outcome> {
        if self.refused.is_empty() {
            return recorded;
        }
        let (count, mut recorded) = (self.figures.len(), recorded.into_iter());
        let mut refused = std::mem::take(&mut self.refused);
        (0..count)
            .filter_map(|place| refused.remove(&place).map(Outcome::Rejected).or_else(|| recorded.next()))
            .collect()
    }
}

impl Session {
    /// Whether what the actor sends in may be open to more readers than what it takes the place of, once a steward publishes it.
    pub(super) const fn may_open(&self) -> bool {
        !matches!(self.actor().who, Who::Integration(_))
    }

    /// What a program would open of figures that it knows of is refused; of others, who may read them stays as it was, whatever it says.
    /// There is nothing to withdraw where it knows of nothing.
    ///
    /// Figures that say nothing of who may read them stay as they are, so nothing is looked up for those.
    pub(super) async fn guarded<'a>(
        &self,
        figures: &'a [NewObservation],
        of: &[(CommunityId, IndicatorId)],
    ) -> Result<Guarded<'a>> {
        let mut guarded = Guarded { figures: Cow::Borrowed(figures), refused: BTreeMap::new(), known: HashSet::new() };
        let stewarded = self.stewarded(of);
        let withdrawn = |new: &NewObservation| new.cause.retraction.is_some();
        let closes = |new: &NewObservation| {
            !new.inherits && new.figure.confidentiality != Confidentiality::Free && !withdrawn(new)
        };
        let unread = |matters: &dyn Fn(&NewObservation) -> bool| -> Vec<(usize, Key)> {
            let rows = figures.iter().zip(of).enumerate();
            rows.filter(|(_, (new, (community, _)))| matters(new) && !stewarded.contains(community))
                .map(|(place, (new, _))| (place, (new.series, new.period)))
                .collect()
        };
        let (withdrawing, closing, opening) = (unread(&withdrawn), unread(&closes), self.opening(figures).await?);
        let keys: Vec<_> = withdrawing.iter().chain(&closing).chain(&opening).map(|(_, key)| *key).collect();
        let known = self.may_be_told(&keys).await?;
        for (place, key) in withdrawing {
            if !known.contains(&key) {
                guarded.refused.insert(place, nothing_to_retract(key.1));
            }
        }
        for (place, key) in opening {
            if known.contains(&key) {
                guarded.refused.insert(place, opened_by_a_program());
            } else if let Some(new) = guarded.figures.to_mut().get_mut(place) {
                new.inherits = true;
            }
        }
        guarded.known = known;
        Ok(guarded)
    }

    /// The places of those figures that would be open to more readers than what they take the place of, if a program records them.
    async fn opening(&self, figures: &[NewObservation]) -> Result<Vec<(usize, Key)>> {
        if self.may_open() {
            return Ok(Vec::new());
        }
        let explicit: Vec<_> = figures.iter().enumerate().filter(|(_, new)| !new.inherits).collect();
        let keys: Vec<_> = explicit.iter().map(|(_, new)| (new.series, new.period)).collect();
        let current = self.last_revisions(&keys).await?;
        let opens = |new: &NewObservation| {
            let before = current.get(&(new.series, new.period));
            before.is_some_and(|before| new.figure.is_more_open_than(&before.figure, self.now()))
        };
        let opening = explicit.into_iter().filter(|(_, new)| opens(new));
        Ok(opening.map(|(place, new)| (place, (new.series, new.period))).collect())
    }

    /// That a figure was there already is told to those who read it, recorded it or sent it in: to others it is as if theirs were the
    /// first, or they would find by trying what they may not read.
    pub(super) async fn as_known(
        &self,
        figures: &[NewObservation],
        of: &[(CommunityId, IndicatorId)],
        known_before: &HashSet<Key>,
        mut outcomes: Vec<Outcome>,
    ) -> Result<Vec<Outcome>> {
        let stewarded = self.stewarded(of);
        let rows = figures.iter().zip(of).zip(&mut outcomes);
        let untold: Vec<_> = rows
            .filter(|((new, (community, _)), _)| new.cause.retraction.is_none() && !stewarded.contains(community))
            .filter_map(|((new, _), outcome)| match outcome {
                Outcome::Unchanged => Some(((new.series, new.period), Met::Last, outcome)),
                Outcome::Updated => Some(((new.series, new.period), Met::BeforeLast, outcome)),
                _ => None,
            })
            .collect();
        let met: Vec<_> = untold.iter().map(|(key, met, _)| (*key, *met)).collect();
        let known = self.known_of(&met).await?;
        for (key, _, outcome) in untold {
            if !known.contains(&key) && !known_before.contains(&key) {
                *outcome = Outcome::Created;
            }
        }
        Ok(outcomes)
    }

    /// The communities of these for whose data the actor answers, and so reads all of it. Asked once for every community, not for every
    /// row.
    fn stewarded(&self, of: &[(CommunityId, IndicatorId)]) -> HashSet<CommunityId> {
        let communities: BTreeSet<_> = of.iter().map(|(community, _)| *community).collect();
        let everything = matches!(self.reader(), Scope::Everything);
        let met = |id: &CommunityId| everything || Needs::steward(*id).met_by(self.actor(), self.now());
        communities.into_iter().filter(met).collect()
    }

    /// Of which of these periods the actor may be told what their last revision says: those that they read, recorded or sent in.
    pub async fn may_be_told(&self, keys: &[Key]) -> Result<HashSet<Key>> {
        self.known_of(&keys.iter().map(|key| (*key, Met::Last)).collect::<Vec<_>>()).await
    }

    /// The same of the revision that was met there.
    async fn known_of(&self, met: &[(Key, Met)]) -> Result<HashSet<Key>> {
        if met.is_empty() {
            return Ok(HashSet::new());
        }
        let keys: Vec<Key> = met.iter().map(|(key, _)| *key).collect();
        let figures = self.repositories().figures();
        // Of every period the revisions come in their order.
        let mut there: HashMap<Key, Vec<Observation>> = HashMap::with_capacity(keys.len());
        for revision in figures.revisions(&Scope::Everything, &keys, self.now()).await? {
            there.entry((revision.series, revision.period)).or_default().push(revision);
        }
        let name = self.actor().name();
        let (mut known, mut others) = (HashSet::new(), HashMap::new());
        for (key, met) in met {
            let revisions = there.get(key).map_or(&[][..], Vec::as_slice);
            let Some(revision) = revisions.iter().rev().nth(usize::from(*met == Met::BeforeLast)) else { continue };
            if revision.recorded_by == name || revision.cause.sent_in_by.as_ref() == Some(&name) {
                known.insert(*key);
            } else {
                others.insert(*key, revision.revision);
            }
        }
        if !others.is_empty() {
            let keys: Vec<Key> = others.keys().copied().collect();
            let read = figures.revisions(&self.reader(), &keys, self.now()).await?.into_iter();
            let read = read.map(|read| ((read.series, read.period), read.revision));
            known.extend(read.filter(|(key, revision)| others.get(key) == Some(revision)).map(|(key, _)| key));
        }
        Ok(known)
    }
}

/// Which revision of a period a figure met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// The last: it says the same.
    Last,
    /// The one before: the last is the figure itself.
    BeforeLast,
}
