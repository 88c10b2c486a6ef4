//! What is asked for all the time and seldom changes: remembered for a few seconds.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::error::Result;

/// How long it is remembered where no news of a change arrives.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Something as it was read at a moment.
pub(super) struct Remembered<T>(Mutex<Held<T>>);

struct Held<T> {
    kept: Option<(DateTime<Utc>, Arc<T>)>,
    /// How often there was news of a change: what was read before the last is not kept.
    news: u64,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Mutex::new(Held { kept: None, news: 0 }))
    }
}

impl<T> Remembered<T> {
    /// What is remembered, or else what `read` answers.
    pub(super) async fn or_read(
        &self,
        now: DateTime<Utc>,
        read: impl Future<Output = Result<T>> + Send,
    ) -> Result<Arc<T>> {
        let news = {
            let held = self.held();
            if let Some((read_at, value)) = &held.kept
                // A clock that was set back makes nothing last longer.
                && now.signed_duration_since(read_at).to_std().is_ok_and(|age| age < REMEMBERED)
            {
                return Ok(Arc::clone(value));
            }
            held.news
        };
        let value = Arc::new(read.await?);
        let mut held = self.held();
        if held.news == news {
            held.kept = Some((now, Arc::clone(&value)));
        }
        Ok(value)
    }

    /// There is news of a change.
    pub(super) fn forget(&self) {
        let mut held = self.held();
        held.kept = None;
        held.news = held.news.wrapping_add(1);
    }

    fn held(&self) -> MutexGuard<'_, Held<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::TimeDelta;
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn it_is_read_again_after_a_while_after_news_and_when_the_clock_goes_back() {
        let (remembered, start) = (Remembered::default(), DateTime::<Utc>::UNIX_EPOCH);
        let at = |seconds| start + TimeDelta::seconds(seconds);
        let ask = |now, answer: i32| {
            let read = remembered.or_read(now, async move { Ok(answer) });
            *read.now_or_never().unwrap().unwrap()
        };
        assert_eq!((ask(at(0), 1), ask(at(9), 2), ask(at(10), 3), ask(at(9), 4)), (1, 1, 3, 4));
        remembered.forget();
        assert_eq!(ask(at(9), 5), 5);
    }

    #[test]
    fn what_was_read_before_the_last_news_is_not_kept() {
        let (remembered, now) = (Remembered::default(), DateTime::<Utc>::UNIX_EPOCH);
        let read = remembered.or_read(now, async {
            remembered.forget();
            Ok(1)
        });
        assert_eq!(*read.now_or_never().unwrap().unwrap(), 1);
        let read = remembered.or_read(now, async { Ok(2) });
        assert_eq!(*read.now_or_never().unwrap().unwrap(), 2);
    }
}
