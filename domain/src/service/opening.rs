//! What programs may not do to figures that are there: open them to more readers. A program publishes nothing; that is for people who
//! answer for the community.

use std::collections::{BTreeSet, HashSet};

use super::Session;
use crate::{
    access::Who,
    error::Result,
    id::SeriesId,
    observation::{NewObservation, Outcome, opened_by_a_program},
    period::Period,
};

impl Session {
    /// Whether what the actor sends in may be open to more readers than what it takes the place of, once a steward publishes it.
    pub(super) const fn may_open(&self) -> bool {
        !matches!(self.actor().who, Who::Integration(_))
    }

    /// The places of those figures that would be open to more readers than what they take the place of, if a program records them.
    ///
    /// Figures that say nothing of who may read them stay as they are, so nothing is looked up for those.
    pub(super) async fn opening(&self, figures: &[NewObservation]) -> Result<BTreeSet<usize>> {
        if self.may_open() {
            return Ok(BTreeSet::new());
        }
        let explicit = || figures.iter().enumerate().filter(|(_, new)| !new.inherits);
        let keys: Vec<_> = explicit().map(|(_, new)| (new.series, new.period)).collect();
        if keys.is_empty() {
            return Ok(BTreeSet::new());
        }
        let current = self.last_revisions(&keys).await?;
        let now = self.now();
        let closed = |new: &NewObservation| {
            let before = current.get(&(new.series, new.period))?;
            // Until when a figure is closed, and to whom, is nobody's business who does not read it: to say anything of it is to open it.
            let opens = new.figure.is_more_open_than(&before.figure, now);
            let might = opens || (!new.figure.is_secret() && !before.figure.is_public(now));
            might.then_some(opens)
        };
        let closed: Vec<_> =
            explicit().filter_map(|(place, new)| Some((place, (new.series, new.period), closed(new)?))).collect();
        let doubtful: Vec<_> = closed.iter().filter(|(.., opens)| !opens).map(|(_, key, _)| *key).collect();
        let known = if doubtful.is_empty() {
            HashSet::new()
        } else {
            let read = self.repositories().figures().revisions(&self.reader(), &doubtful, now).await?;
            read.into_iter().map(|read| (read.series, read.period, read.revision)).collect()
        };
        let name = self.actor().name();
        // Withdrawals are known like figures.
        let is_known = |key: &(SeriesId, Period)| {
            current.get(key).is_some_and(|last| last.is_from(&name) || known.contains(&(key.0, key.1, last.revision)))
        };
        Ok(closed.into_iter().filter(|(_, key, opens)| *opens || !is_known(key)).map(|(place, ..)| place).collect())
    }

    /// Records the others, and answers for all in their order.
    pub(super) async fn record_without(
        &self,
        figures: &[NewObservation],
        refused: &BTreeSet<usize>,
    ) -> Result<Vec<Outcome>> {
        let places = || 0..figures.len();
        let others: Vec<_> = figures
            .iter()
            .zip(places())
            .filter(|(_, place)| !refused.contains(place))
            .map(|(new, _)| new.clone())
            .collect();
        let mut recorded = self.record_all(&others).await?.into_iter();
        let outcome = |place| {
            if refused.contains(&place) { Some(Outcome::Rejected(opened_by_a_program())) } else { recorded.next() }
        };
        Ok(places().filter_map(outcome).collect())
    }
}
