//! Import jobs: one holder at a time, and nothing by one who holds it no more.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    import_job::{
        ImportJob, ImportJobFilter, ImportJobId, ImportJobState, KeptReject, MOST_TAKEOVERS, Note, NoteKind, Notes,
        Progress, RowCounts,
    },
    page::{Direction, ListQuery, Order, PageArgs},
    port::{
        clock::SystemClock,
        import_jobs::{ImportJobs, Lease},
        store::Store,
    },
    service::{Services, identity::Throttle},
};
use uuid::Uuid;

use super::{Scratch, on_both};
use crate::SqlStore;

fn job(owner: &str) -> ImportJob {
    ImportJob {
        id: ImportJobId(Uuid::now_v7()),
        owner: owner.into(),
        name: "f.csv".into(),
        settings: "[]".into(),
        dry_run: false,
        state: ImportJobState::Uploading,
        bytes: 0,
        progress: Progress::default(),
        failure: None,
        stopping: false,
        created_at: moment(0),
        started_at: None,
        finished_at: None,
        takeovers: 0,
    }
}

fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

/// Does something that lasts.
async fn does<T>(store: &SqlStore, act: impl AsyncFnOnce(&dyn ImportJobs) -> domain::Result<T>) -> T {
    let work = store.begin().await.unwrap();
    let done = act(work.repositories().import_jobs()).await.unwrap();
    work.commit().await.unwrap();
    done
}

/// A job whose file of two pieces has come in.
async fn queued(store: &SqlStore, owner: &str) -> ImportJob {
    let job = job(owner);
    does(store, async |jobs| {
        jobs.open(&job).await?;
        jobs.keep_piece(job.id, 0, b"ab\0", moment(0)).await?;
        jobs.keep_piece(job.id, 1, b"c", moment(0)).await?;
        jobs.queue(job.id, 4, moment(0)).await
    })
    .await;
    job
}

async fn claim(store: &SqlStore, at: i64) -> Option<(Lease, ImportJob)> {
    let holder = Uuid::now_v7();
    let found = does(store, async |jobs| jobs.claim(holder, moment(at), moment(at + 30)).await).await;
    found.map(|job| (Lease { job: job.id, holder }, job))
}

fn progress(read: u64) -> Progress {
    let mut notes = Notes::default();
    notes.add(Note { kind: NoteKind::Created, message: "indicator “rate”".into(), count: read, line: Some(2) });
    Progress { bytes: 3, counts: RowCounts { read, created: read, ..RowCounts::default() }, notes }
}

on_both! {
    async fn a_job_has_one_holder_and_another_goes_on_when_that_one_has_stopped(scratch: &Scratch) {
        let store = &*scratch.store;
        let job = queued(store, "account:1").await;
        let (first, found) = claim(store, 10).await.unwrap();
        assert_eq!((found.id, found.state, found.bytes), (job.id, ImportJobState::Running, 4));
        assert_eq!(found.started_at, Some(moment(10)));
        assert!(claim(store, 39).await.is_none(), "it is held");
        assert!(does(store, async |jobs| jobs.advance(first, &progress(5), moment(60)).await).await);
        assert!(claim(store, 59).await.is_none(), "it was held on");
        let (second, found) = claim(store, 60).await.unwrap();
        assert_eq!((found.progress, found.started_at), (progress(5), Some(moment(10))));
        // The first comes back and can do nothing.
        assert!(!does(store, async |jobs| jobs.advance(first, &progress(9), moment(99)).await).await);
        assert!(!does(store, async |jobs| jobs.hold(first, moment(99)).await).await);
        assert!(!does(store, async |jobs| jobs.finish(first, ImportJobState::Failed, None, moment(61)).await).await);
        assert!(does(store, async |jobs| jobs.hold(second, moment(99)).await).await);
        assert_eq!(store.read().import_jobs().piece(job.id, 0).await.unwrap().as_deref(), Some(&b"ab\0"[..]));
        assert_eq!(store.read().import_jobs().piece(job.id, 2).await.unwrap(), None);
        assert!(does(store, async |jobs| jobs.finish(second, ImportJobState::Succeeded, None, moment(62)).await).await);
        assert_eq!(store.read().import_jobs().piece(job.id, 0).await.unwrap(), None, "the file is not needed any more");
        assert!(claim(store, 999).await.is_none());
    }

    async fn how_often_a_job_is_taken_up_without_coming_further_is_counted(scratch: &Scratch) {
        let store = &*scratch.store;
        queued(store, "account:1").await;
        // Whoever holds it ends without a word, time and again.
        for time in 0..4 {
            assert_eq!(i64::from(claim(store, 30 * time).await.unwrap().1.takeovers), time + 1);
        }
        let (lease, job) = claim(store, 120).await.unwrap();
        assert_eq!(job.takeovers, 5);
        assert!(does(store, async |jobs| jobs.advance(lease, &progress(5), moment(150)).await).await);
        let (lease, job) = claim(store, 150).await.unwrap();
        assert_eq!(job.takeovers, 1, "it came further");
        // One that is left on purpose is free at once, and that does not count.
        does(store, async |jobs| jobs.leave(lease, moment(151)).await).await;
        let (again, job) = claim(store, 151).await.unwrap();
        assert_eq!(job.takeovers, 1);
        assert!(does(store, async |jobs| jobs.advance(again, &progress(6), moment(181)).await).await);
        does(store, async |jobs| jobs.leave(again, moment(152)).await).await;
        assert_eq!(claim(store, 152).await.unwrap().1.takeovers, 1);
        // Whoever does not hold it any more cannot leave it.
        does(store, async |jobs| jobs.leave(again, moment(153)).await).await;
        assert!(claim(store, 153).await.is_none());
    }

    async fn a_job_that_nobody_comes_further_with_is_given_up(scratch: &Scratch) {
        let store = &*scratch.store;
        let (bad, good) = (queued(store, "account:1").await, queued(store, "account:1").await);
        for time in 0..MOST_TAKEOVERS {
            assert_eq!(claim(store, 30 * i64::from(time)).await.unwrap().1.id, bad.id);
        }
        let throttle = Throttle::usual(crate::limiter::open(None).unwrap(), "tests");
        let cache = crate::cache::open(None).unwrap();
        let services = Services::new(Arc::clone(&scratch.store) as Arc<dyn Store>, cache, Arc::new(SystemClock), throttle);
        assert_eq!(services.take_up_import().await.unwrap().unwrap().1.id, good.id, "and the next is taken up");
        let over = store.read().import_jobs().get(bad.id).await.unwrap().unwrap();
        assert_eq!((over.state, over.failure.unwrap().code.as_str()), (ImportJobState::Failed, "NO_PROGRESS"));
        assert_eq!(store.read().import_jobs().piece(bad.id, 0).await.unwrap(), None, "its file is not needed any more");
    }

    async fn jobs_are_taken_up_in_turn_and_none_twice(scratch: &Scratch) {
        let store = &*scratch.store;
        let mut jobs = Vec::new();
        for _ in 0..6 {
            jobs.push(queued(store, "account:1").await.id);
        }
        let at_once = futures_util::future::join_all((0..6).map(|_| claim(store, 1))).await;
        let mut taken: Vec<_> = at_once.into_iter().flatten().map(|(_, job)| job.id).collect();
        taken.sort_unstable();
        assert!(taken.windows(2).all(|pair| pair[0] != pair[1]), "none is taken twice");
        // On PostgreSQL one may find that another has just taken the only one it saw.
        while let Some((_, job)) = claim(store, 1).await {
            taken.push(job.id);
        }
        taken.sort_unstable();
        assert_eq!(taken, jobs);
    }

    async fn whoever_wants_it_to_stop_is_heard_at_the_next_step(scratch: &Scratch) {
        let store = &*scratch.store;
        let (held, waiting) = (queued(store, "account:1").await, queued(store, "account:1").await);
        let (lease, _) = claim(store, 1).await.unwrap();
        for id in [held.id, waiting.id] {
            does(store, async |jobs| jobs.stop(id, moment(2)).await).await;
        }
        let state = async |id| store.read().import_jobs().get(id).await.unwrap().unwrap().state;
        assert_eq!((state(held.id).await, state(waiting.id).await), (ImportJobState::Running, ImportJobState::Cancelled));
        assert!(!does(store, async |jobs| jobs.advance(lease, &progress(1), moment(60)).await).await);
        assert!(does(store, async |jobs| jobs.finish(lease, ImportJobState::Cancelled, None, moment(3)).await).await);
        assert_eq!(state(held.id).await, ImportJobState::Cancelled);
        assert!(claim(store, 999).await.is_none());
    }

    async fn what_was_stopped_while_it_came_in_is_over_once_it_is_there(scratch: &Scratch) {
        let store = &*scratch.store;
        let job = job("account:1");
        does(store, async |jobs| {
            jobs.open(&job).await?;
            jobs.keep_piece(job.id, 0, b"ab", moment(0)).await?;
            jobs.stop(job.id, moment(1)).await?;
            jobs.keep_piece(job.id, 1, b"c", moment(2)).await?;
            jobs.queue(job.id, 3, moment(3)).await
        }).await;
        let found = async || store.read().import_jobs().get(job.id).await.unwrap();
        let over = found().await.unwrap();
        assert_eq!((over.state, over.bytes, over.finished_at), (ImportJobState::Cancelled, 3, Some(moment(3))));
        for number in 0..2 {
            assert_eq!(store.read().import_jobs().piece(job.id, number).await.unwrap(), None, "its file is not needed");
        }
        assert!(claim(store, 9).await.is_none());
        does(store, async |jobs| jobs.sweep(moment(9), moment(2)).await).await;
        assert!(found().await.is_some());
        does(store, async |jobs| jobs.sweep(moment(9), moment(3)).await).await;
        assert_eq!(found().await, None);
    }

    async fn what_is_over_or_rests_is_swept_away_and_the_rest_is_listed(scratch: &Scratch) {
        let store = &*scratch.store;
        let (resting, mine, theirs) = (job("account:1"), queued(store, "account:1").await, queued(store, "account:2").await);
        does(store, async |jobs| jobs.open(&resting).await).await;
        let (lease, _) = claim(store, 1).await.unwrap();
        let rejects: Vec<_> = (0..1_201).map(|line| KeptReject {
            line, column: "val\0ue".into(), code: "INVALID".into(), message: "n\0".into(), row: "a\0b".into(),
        }).collect();
        does(store, async |jobs| {
            jobs.keep_rejects(mine.id, 0, &rejects[..1_200]).await?;
            jobs.keep_rejects(mine.id, 1_200, &rejects[1_200..]).await
        }).await;
        let last = store.read().import_jobs().rejects(mine.id, 1_199, 10).await.unwrap();
        assert!(last.iter().all(|reject| (reject.column.as_str(), reject.message.as_str()) == ("val\u{fffd}ue", "n\u{fffd}")));
        assert_eq!(last.iter().map(|reject| (reject.line, &*reject.row)).collect::<Vec<_>>(), [(1_199, "a\u{fffd}b"), (1_200, "a\u{fffd}b")]);
        let listed = async |owner: Option<&str>, states: Option<Vec<ImportJobState>>| {
            let order = Order { direction: Direction::Descending, ..Order::default() };
            let query = ListQuery { filter: ImportJobFilter { states }, order, page: PageArgs::first(2), count: true, ..ListQuery::default() };
            let page = store.read().import_jobs().list(owner, &query).await.unwrap();
            (page.items.iter().map(|(_, job)| job.id).collect::<Vec<_>>(), page.total.unwrap(), page.has_next)
        };
        assert_eq!(listed(None, None).await, (vec![theirs.id, mine.id], 3, true));
        assert_eq!(listed(Some("account:1"), None).await, (vec![mine.id, resting.id], 2, false));
        assert_eq!(listed(None, Some(vec![ImportJobState::Running])).await.0, [mine.id]);
        assert_eq!(store.read().import_jobs().waiting("account:1").await.unwrap(), 2);
        does(store, async |jobs| jobs.finish(lease, ImportJobState::Succeeded, None, moment(5)).await).await;
        // An upload rests from its last piece on, a job is over from its end on.
        does(store, async |jobs| jobs.sweep(moment(-1), moment(4)).await).await;
        assert_eq!(listed(None, None).await.1, 3);
        does(store, async |jobs| jobs.sweep(moment(0), moment(5)).await).await;
        assert_eq!(listed(None, None).await, (vec![theirs.id], 1, false));
    }
}
