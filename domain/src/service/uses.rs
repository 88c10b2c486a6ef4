//! When tokens were last used: noted at once in this process, and written later, so that nobody waits for it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

use super::Services;
use crate::{error::Result, id::ApiTokenId};

/// How many are written in one unit of work: others who write wait no longer than for these.
const AT_ONCE: usize = 200;

/// The uses that are not written yet: for each token the last, so that there are never more than tokens in use.
#[derive(Default)]
pub(super) struct Uses(Mutex<HashMap<ApiTokenId, DateTime<Utc>>>);

impl Uses {
    fn waiting(&self) -> MutexGuard<'_, HashMap<ApiTokenId, DateTime<Utc>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn some(&self) -> Vec<(ApiTokenId, DateTime<Utc>)> {
        self.waiting().iter().take(AT_ONCE).map(|(&token, &at)| (token, at)).collect()
    }

    fn written(&self, uses: &[(ApiTokenId, DateTime<Utc>)]) {
        let mut waiting = self.waiting();
        for (token, at) in uses {
            // One that was used again meanwhile waits for the next time.
            if waiting.get(token) == Some(at) {
                waiting.remove(token);
            }
        }
    }
}

impl Services {
    /// Notes that a token is used now.
    pub fn note_use(&self, token: ApiTokenId) {
        self.uses.waiting().insert(token, self.clock.now());
    }

    /// Writes the uses that were noted. What cannot be written stays for the next time.
    pub async fn write_uses(&self) -> Result<()> {
        loop {
            let uses = self.uses.some();
            if uses.is_empty() {
                return Ok(());
            }
            let work = self.store.begin().await?;
            for &(token, at) in &uses {
                work.repositories().identities().note_use(token, at).await?;
            }
            work.commit().await?;
            self.uses.written(&uses);
        }
    }

    /// When these tokens, which the actor may see, were last used.
    pub async fn last_uses(&self, tokens: &[ApiTokenId]) -> Result<Vec<(ApiTokenId, DateTime<Utc>)>> {
        // Before those that are written are read: a use is not to be missed on its way.
        let waiting: HashMap<_, _> = {
            let waiting = self.uses.waiting();
            tokens.iter().filter_map(|token| Some((*token, *waiting.get(token)?))).collect()
        };
        let mut uses: HashMap<_, _> = self.store.read().identities().last_uses(tokens).await?.into_iter().collect();
        for (token, at) in waiting {
            let last = uses.entry(token).or_insert(at);
            *last = at.max(*last);
        }
        Ok(uses.into_iter().collect())
    }
}
