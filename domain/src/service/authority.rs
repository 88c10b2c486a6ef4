//! Whoever reads data of a community under an Indigenous data authority leaves a trace: the authority can see who did
//! (OCAP, access and possession; First Nations Information Governance Centre).

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use super::Services;
use crate::{
    access::{Actor, Scope},
    audit::{Action, NewEntry},
    error::Result,
    id::{CommunityId, SeriesId},
};

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
        let read = async { Ok(self.store.read().figures().under_authority().await?.into_iter().collect()) };
        self.authorities.or_read(self.clock.now(), read).await
    }
}
