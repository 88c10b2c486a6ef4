//! Reading the feed of changes.

use super::Services;
use crate::{
    access::Actor,
    change_feed::{ChangeFilter, ChangePage, ChangeQuery, FeedPlace, Since},
    error::{Error, ProblemCode, Result},
    page::MAX_PAGE,
};

impl Services {
    /// The changes since an earlier reading, as far as the actor may see them now.
    ///
    /// # Errors
    /// [`Error::Validation`] naming `first`, if it is not from 1 to [`MAX_PAGE`].
    pub async fn changes(&self, actor: &Actor, since: Since, most: usize, filter: ChangeFilter) -> Result<ChangePage> {
        if most == 0 || most > MAX_PAGE {
            let message = format!("{most} is not a page size: ask for 1 to {MAX_PAGE}");
            return Err(Error::invalid("first", ProblemCode::OutOfRange, message));
        }
        let now = self.clock.now();
        // Nobody has to be awake at the moment when an embargo ends: whoever reads next makes it known.
        if self.store.read().change_feed().has_released(now).await? {
            let work = self.store.begin().await?;
            work.repositories().change_feed().release(now).await?;
            work.commit().await?;
        }
        let from = match since {
            Since::Beginning => FeedPlace::default(),
            Since::Place(place) => place,
            Since::Now => {
                let next = self.store.read().change_feed().end().await?;
                return Ok(ChangePage { next, ..ChangePage::default() });
            }
        };
        let query = ChangeQuery { filter, from, most, now };
        let page = self.store.read().change_feed().changes(&self.scope(actor), &query).await?;
        let read = page.changes.iter().map(|change| change.observation.series);
        self.note_reading_series(actor, "changes of figures", read.collect::<Vec<_>>()).await?;
        Ok(page)
    }
}
