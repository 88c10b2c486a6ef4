//! What readers read in the feed of changes, beside the plain model.

use chrono::{DateTime, Utc};
use domain::{
    access::Scope,
    change_feed::{ChangeFilter, ChangeQuery, FeedPlace, FigureChange},
    observation::Observation,
    port::store::Store as _,
};

use crate::SqlStore;

/// The feed of changes holds the revisions that can be read, each once, with those whose place they took.
pub(super) async fn check_feed(store: &SqlStore, expected: &[Observation], scope: &Scope, now: DateTime<Utc>) {
    let until = store.read().change_feed().end().await.unwrap();
    let mut query = ChangeQuery { filter: ChangeFilter::default(), from: FeedPlace::default(), until, most: 7, now };
    let mut told = Vec::new();
    loop {
        let page = store.read().change_feed().changes(scope, &query).await.unwrap();
        query.from = page.next;
        told.extend(page.changes);
        if !page.more {
            break;
        }
    }
    told.sort_by_key(|change| (change.observation.series, change.observation.period, change.observation.revision));
    let read: Vec<_> = told.iter().map(|change| change.observation.clone()).collect();
    assert_eq!(read, expected, "{scope:?} at {now}");
    for FigureChange { observation, previous, .. } in told {
        let key = (observation.series, observation.period, observation.revision - 1);
        let before = expected.iter().find(|found| (found.series, found.period, found.revision) == key);
        assert_eq!(previous.as_ref(), before, "{scope:?} at {now}");
    }
}
