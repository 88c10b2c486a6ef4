//! Reading the feed of changes.

use super::Services;
use crate::{
    access::Actor,
    change_feed::{ChangeFilter, ChangePage, ChangeQuery, CursorKey, FeedPlace, Since},
    error::{Error, ProblemCode, Result},
    page::MAX_PAGE,
};

impl Services {
    /// The secret under which readers are told of places in the feed. Of a database without one, what `make` makes is kept.
    ///
    /// # Errors
    /// What the database says, and `make`.
    pub async fn cursor_key(&self, make: impl FnOnce() -> Result<CursorKey>) -> Result<CursorKey> {
        if let Some(key) = self.cursor_key.get() {
            return Ok(*key);
        }
        if self.store.read().change_feed().cursor_key().await?.is_none() {
            let work = self.store.begin().await?;
            work.repositories().change_feed().keep_cursor_key(&make()?).await?;
            work.commit().await?;
        }
        // Another replica may have been first.
        let kept = self.store.read().change_feed().cursor_key().await?;
        let kept = kept.ok_or_else(|| Error::internal("the feed of changes keeps no key"))?;
        Ok(*self.cursor_key.get_or_init(|| kept))
    }

    /// The changes since an earlier reading, as far as the actor may see them now.
    ///
    /// # Errors
    /// [`Error::Validation`] naming `first`, if it is not from 1 to [`MAX_PAGE`].
    pub async fn changes(&self, actor: &Actor, since: Since, most: usize, filter: ChangeFilter) -> Result<ChangePage> {
        if most == 0 || most > MAX_PAGE {
            let message = format!("{most} is not a page size: ask for 1 to {MAX_PAGE}");
            return Err(Error::invalid("first", ProblemCode::OutOfRange, message));
        }
        // Nobody has to be awake at the moment when an embargo ends: whoever reads next makes it known.
        let ended = self.clock.now();
        if self.store.read().change_feed().has_released(ended).await? {
            let work = self.store.begin().await?;
            work.repositories().change_feed().release(ended).await?;
            work.commit().await?;
        }
        // Before the moment of reading: an embargo that ends in between is released after this place, for the next reading.
        let until = self.store.read().change_feed().end().await?;
        let from = match since {
            Since::Beginning => FeedPlace::default(),
            Since::Place(place) => place,
            Since::Now => return Ok(ChangePage { next: until, ..ChangePage::default() }),
        };
        let query = ChangeQuery { filter, from, until, most, now: self.clock.now() };
        let page = self.store.read().change_feed().changes(&self.scope(actor), &query).await?;
        let read = page.changes.iter().map(|change| change.observation.series);
        self.note_reading_series(actor, "changes of figures", read.collect::<Vec<_>>()).await?;
        Ok(page)
    }
}
