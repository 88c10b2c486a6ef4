//! Whoever reads data of a community under an Indigenous data authority leaves a trace: the authority can see who did
//! (OCAP, access and possession; First Nations Information Governance Centre).

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};

use super::Services;
use crate::{
    access::{Actor, Scope},
    audit::{Action, NewEntry},
    error::Result,
    id::{CommunityId, SeriesId},
};

/// How long it is remembered which communities are under an authority, where no news of a change arrives.
const REMEMBERED: Duration = Duration::from_secs(10);

/// The communities under an authority, as they were read at a moment.
#[derive(Default)]
pub(super) struct Authorities(Mutex<Option<Kept>>);

type Kept = (DateTime<Utc>, Arc<HashSet<CommunityId>>);

impl Authorities {
    fn kept(&self, now: DateTime<Utc>) -> Option<Arc<HashSet<CommunityId>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, communities) = kept.as_ref()?;
        // A clock that was set back makes nothing last longer.
        let age = now.signed_duration_since(read_at).to_std().ok()?;
        (age < REMEMBERED).then(|| Arc::clone(communities))
    }

    fn keep(&self, now: DateTime<Utc>, communities: Arc<HashSet<CommunityId>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, communities));
    }

    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Services {
    /// Records that the actor reads data of those of these communities that are under an authority; `what` says which data. The
    /// entries are kept before the data is answered, or it is not.
    pub(super) async fn note_reading(
        &self,
        actor: &Actor,
        what: &str,
        communities: impl IntoIterator<Item = CommunityId> + Send,
    ) -> Result<()> {
        let under = self.under_authority().await?;
        if under.is_empty() {
            return Ok(());
        }
        let read: BTreeSet<_> = communities.into_iter().filter(|community| under.contains(community)).collect();
        let at = self.clock.now();
        let entry = |community| {
            NewEntry::by(actor, at, Action::ReadUnderAuthority).on(community).of_community(community).detail(what)
        };
        let entries: Vec<_> = read.into_iter().map(entry).collect();
        self.record_entries(&entries).await
    }

    /// The same for the communities of these series.
    pub(super) async fn note_reading_series(
        &self,
        actor: &Actor,
        what: &str,
        series: impl IntoIterator<Item = SeriesId> + Send,
    ) -> Result<()> {
        if self.under_authority().await?.is_empty() {
            return Ok(());
        }
        let series: Vec<_> = series.into_iter().collect();
        if series.is_empty() {
            return Ok(());
        }
        let read = self.store.read().series().get(&Scope::Everything, &series).await?;
        self.note_reading(actor, what, read.iter().map(|series| series.community)).await
    }

    async fn under_authority(&self) -> Result<Arc<HashSet<CommunityId>>> {
        let now = self.clock.now();
        if let Some(kept) = self.authorities.kept(now) {
            return Ok(kept);
        }
        let read: HashSet<_> = self.store.read().figures().under_authority().await?.into_iter().collect();
        let read = Arc::new(read);
        self.authorities.keep(now, Arc::clone(&read));
        Ok(read)
    }
}
