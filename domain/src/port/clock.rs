//! Time and identifiers, so that tests can be exact.

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use uuid::Uuid;

/// What time it is, and the next identifier.
pub trait Clock: Send + Sync {
    /// The present moment, UTC, in whole microseconds: what both databases keep.
    fn now(&self) -> DateTime<Utc>;

    /// A new identifier, UUID v7, never given before.
    fn next_id(&self) -> Uuid;

    /// The present day, UTC.
    fn today(&self) -> NaiveDate {
        self.now().date_naive()
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }

    fn next_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
