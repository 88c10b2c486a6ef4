//! Figures that wait: what is sent in again, what takes the place of what, and who sees it.

use std::sync::Arc;

use domain::{
    access::Scope,
    observation::{Confidentiality, Figure, NewObservation, Outcome},
    page::{Direction, ListQuery, Order, PageArgs},
    pending::{
        Chosen, PendingFilter, PendingId, PendingObservation, PendingSight, PendingSort, PendingState, Receipt,
        Replaced, Sender, Submission,
    },
    period::Period,
    port::{figures::Recorder, pending::PendingFigures, store::Store as _},
    revision::Cause,
    series::{Disaggregation, Series},
};
use uuid::Uuid;

use super::{Scratch, on_both};
use crate::{
    SqlStore,
    figures::tests::support::{World, hour, world},
};

fn series(world: &World, place: usize, part: &str) -> Arc<Series> {
    Arc::new(Series {
        community: world.communities[place],
        indicator: world.indicator,
        indicator_version: world.version,
        source: world.sources[0],
        disaggregation: part.parse::<Disaggregation>().unwrap(),
    })
}

fn sent(series: &Arc<Series>, period: &str, value: f64) -> Submission {
    Submission {
        id: PendingId(Uuid::now_v7()),
        series: Arc::clone(series),
        period: period.parse().unwrap(),
        figure: Figure::of(value),
        inherits: true,
        restatement: None,
        findings: Vec::new(),
        may_open: true,
    }
}

async fn does<T>(store: &SqlStore, act: impl AsyncFnOnce(&dyn PendingFigures) -> domain::Result<T>) -> T {
    let work = store.begin().await.unwrap();
    let done = act(work.repositories().pending()).await.unwrap();
    work.commit().await.unwrap();
    done
}

async fn receive(store: &SqlStore, rows: &[Submission], at: i64, by: &str) -> Vec<Receipt> {
    receive_from(store, rows, at, by, &PendingSight::Everything, &Scope::Everything).await
}

async fn receive_from(
    store: &SqlStore,
    rows: &[Submission],
    at: i64,
    name: &str,
    sight: &PendingSight,
    reader: &Scope,
) -> Vec<Receipt> {
    let sender = Sender { name, sight, reader };
    does(store, async |pending| pending.receive(rows, hour(at), sender).await).await
}

/// What became of each: `R` received, `r` received in the place of another, `=` unchanged, or the code of the problem.
fn told(receipts: &[Receipt]) -> String {
    let one = |receipt: &Receipt| match &receipt.outcome {
        Outcome::Received if receipt.replaced.is_some() => "r".to_owned(),
        Outcome::Received => "R".to_owned(),
        Outcome::Unchanged => "=".to_owned(),
        Outcome::Rejected(problem) => problem.code.to_string(),
        other => format!("{other:?}"),
    };
    receipts.iter().map(one).collect::<Vec<_>>().join(" ")
}

async fn record(store: &SqlStore, series: &Series, period: &str, figure: Figure, at: i64) {
    record_for(store, series, period, figure, Cause::default(), at).await;
}

async fn record_for(store: &SqlStore, series: &Series, period: &str, figure: Figure, cause: Cause, at: i64) {
    let work = store.begin().await.unwrap();
    let figures = work.repositories().figures();
    let id = figures.ensure_series(std::slice::from_ref(series), hour(at), "steward").await.unwrap()[0];
    let period: Period = period.parse().unwrap();
    let new = NewObservation { series: id, period, figure, inherits: false, smallest_count: None, cause };
    figures.record(&[new], hour(at), Recorder::seeing("steward")).await.unwrap();
    work.commit().await.unwrap();
}

async fn all(store: &SqlStore, sight: &PendingSight, filter: PendingFilter) -> Vec<PendingObservation> {
    let query = ListQuery { filter, page: PageArgs::first(100), count: true, ..ListQuery::default() };
    let page = store.read().pending().list(sight, &query).await.unwrap();
    assert_eq!(page.total, Some(page.items.len() as u64));
    page.items.into_iter().map(|(_, row)| row).collect()
}

fn values(rows: &[PendingObservation]) -> Vec<(String, f64)> {
    let mut values: Vec<_> = rows.iter().map(|row| (row.period.to_string(), row.figure.value.unwrap())).collect();
    values.sort_by(|a, b| a.0.cmp(&b.0));
    values
}

on_both! {
    async fn what_is_sent_in_again_is_unchanged_and_what_differs_takes_its_place(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = world(store).await;
        let total = series(&world, 0, "");
        let first = [sent(&total, "2020", 1.0), sent(&total, "2021", 2.0), sent(&total, "2020", 1.0), sent(&total, "2021", 9.0)];
        let receipts = receive(store, &first, 1, "token:1").await;
        assert_eq!(told(&receipts), "R R = CONFLICT");
        assert_eq!((receipts[0].id, receipts[2].id), (Some(first[0].id), None));
        // Nothing of it is to be found anywhere else, not even the series.
        assert!(store.read().series().list(&Scope::Everything, &ListQuery::default()).await.unwrap().items.is_empty());
        let again = [sent(&total, "2020", 1.0), sent(&total, "2021", 3.0), sent(&total, "2022", 4.0)];
        let receipts = receive(store, &again, 2, "token:2").await;
        assert_eq!(told(&receipts), "= r R");
        assert_eq!(receipts[0].id, Some(first[0].id));
        assert_eq!(receipts[1].replaced, Some(Replaced { figure: Figure::of(2.0), by: "token:1".into() }));
        let rows = all(store, &PendingSight::Everything, PendingFilter::default()).await;
        assert_eq!(values(&rows), [("2020".into(), 1.0), ("2021".into(), 3.0), ("2022".into(), 4.0)]);
        let replaced = rows.iter().find(|row| row.period.to_string() == "2021").unwrap();
        assert_eq!((replaced.id, replaced.received_by.as_str(), replaced.received_at), (again[1].id, "token:2", hour(2)));
        // Declined, it stays so when it is sent in again; another is looked at anew.
        does(store, async |pending| pending.decide(&[again[1].id], PendingState::Declined, hour(3), "account:1", Some("No")).await).await;
        assert_eq!(told(&receive(store, &[sent(&total, "2021", 3.0)], 4, "token:2").await), "=");
        let declined = store.read().pending().get(&PendingSight::Everything, &[again[1].id]).await.unwrap().pop().unwrap();
        assert_eq!((declined.state, declined.reason.as_deref(), declined.decided_at), (PendingState::Declined, Some("No"), Some(hour(3))));
        assert_eq!(told(&receive(store, &[sent(&total, "2021", 3.5)], 5, "token:2").await), "r");
        let rows = all(store, &PendingSight::Everything, PendingFilter::default()).await;
        assert!(rows.iter().all(|row| row.state == PendingState::Received && row.reason.is_none() && row.decided_at.is_none()));
    }

    async fn what_is_published_counts_while_nothing_waits(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = world(store).await;
        let total = series(&world, 0, "");
        let secret = Figure { confidentiality: Confidentiality::Internal, external_id: Some("x".into()), ..Figure::of(5.0) };
        record(store, &total, "2020", secret, 1).await;
        record(store, &total, "2021-01-15/2021-03-15", Figure::of(1.0), 1).await;
        // Without a word about who may see it, it says the same as what is published.
        let same = sent(&total, "2020", 5.0);
        let loud = Submission { inherits: false, ..sent(&total, "2020", 5.0) };
        // Not by a program, though: it would open it.
        assert_eq!(told(&receive(store, &[Submission { may_open: false, ..loud.clone() }], 2, "t").await), "FORBIDDEN");
        assert_eq!(told(&receive(store, std::slice::from_ref(&same), 2, "t").await), "=");
        assert_eq!(told(&receive(store, &[sent(&total, "2021-02-15/2021-04-15", 1.0)], 2, "t").await), "OVERLAP");
        let receipts = receive(store, &[loud], 3, "t").await;
        assert_eq!(told(&receipts), "R");
        assert!(receipts[0].replaced.is_none() && receipts[0].published.is_some());
        // Whoever takes that back takes the place of it.
        assert_eq!(told(&receive(store, &[same], 4, "t").await), "r");
    }

    // Else a figure that one may not read could be found by trying: the one that is no news is it.
    async fn what_one_may_not_read_is_received_whatever_it_says(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = world(store).await;
        let total = series(&world, 0, "");
        let secret = |value| Figure { confidentiality: Confidentiality::Confidential, ..Figure::of(value) };
        record(store, &total, "2020", secret(5.0), 1).await;
        record(store, &total, "2021", Figure::of(7.0), 1).await;
        let of = |name: &str| PendingSight::Of { communities: vec![], submitter: name.into() };
        let try_as = async |name: &str, value: f64, at| {
            let rows = [sent(&total, "2020", value), sent(&total, "2020", value), sent(&total, "2020", 8.0), sent(&total, "2021", 7.0)];
            receive_from(store, &rows, at, name, &of(name), &Scope::Public).await
        };
        let (right, wrong) = (try_as("token:1", 5.0, 2).await, try_as("token:2", 6.0, 3).await);
        // What is public is known anyway; within one call the answers are the same, too.
        assert_eq!((told(&right), told(&wrong)), ("R = CONFLICT =".into(), "r = CONFLICT =".into()));
        assert!(right[0].id.is_some() && right[0].published == wrong[0].published && right[0].published.is_some());
        // Nor is it told what waits of others'; what is one's own, is.
        assert_eq!(told(&try_as("token:1", 6.0, 4).await), "r = CONFLICT =");
        assert_eq!(told(&try_as("token:1", 6.0, 5).await), "= = CONFLICT =");
        // Once it is published, who sent it in goes on knowing; nobody else comes to know.
        let waiting: Vec<_> = all(store, &PendingSight::Everything, PendingFilter::default()).await.iter().map(|row| row.id).collect();
        does(store, async |pending| pending.remove(&waiting).await).await;
        let cause = Cause { sent_in_by: Some("token:1".into()), ..Cause::default() };
        record_for(store, &total, "2020", secret(6.0), cause, 6).await;
        let again = [sent(&total, "2020", 6.0)];
        assert_eq!(told(&receive_from(store, &again, 7, "token:1", &of("token:1"), &Scope::Public).await), "=");
        assert_eq!(told(&receive_from(store, &again, 8, "token:2", &of("token:2"), &Scope::Public).await), "R");
        assert_eq!(told(&receive(store, &again, 9, "steward").await), "=");
    }

    async fn many_are_received_at_once(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = world(store).await;
        let rows = |value: f64| -> Vec<Submission> {
            (0..6_200).map(|n| sent(&series(&world, n % 3, &format!("part={}", n % 31)), &format!("{}", 1000 + n / 31), value)).collect()
        };
        let receipts = receive(store, &rows(1.0), 1, "t").await;
        assert!(receipts.iter().all(|receipt| receipt.outcome == Outcome::Received && receipt.replaced.is_none()));
        assert!(receive(store, &rows(1.0), 2, "t").await.iter().all(|receipt| receipt.outcome == Outcome::Unchanged));
        assert!(receive(store, &rows(2.0), 3, "t").await.iter().all(|receipt| receipt.replaced.is_some()));
        let everything = Chosen::Matching(PendingFilter::default());
        let (taken, more) = does(store, async |pending| pending.take_up(&PendingSight::Everything, &everything, 5_000).await).await;
        assert_eq!((taken.len(), more), (5_000, 1_200));
        assert!(taken.windows(2).all(|pair| pair[0].id < pair[1].id));
        let ids: Vec<_> = taken.iter().map(|row| row.id).collect();
        does(store, async |pending| pending.remove(&ids).await).await;
        let (taken, more) = does(store, async |pending| pending.take_up(&PendingSight::Everything, &everything, 5_000).await).await;
        assert_eq!((taken.len(), more), (1_200, 0));
    }

    async fn each_sees_their_own_and_filters_and_pages_agree(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = world(store).await;
        receive(store, &[sent(&series(&world, 0, ""), "2020", 1.0)], 1, "token:1").await;
        receive(store, &[sent(&series(&world, 1, ""), "2020", 2.0), sent(&series(&world, 1, "a=b"), "2020", 3.0)], 2, "token:2").await;
        let of = |places: &[usize], name: &str| PendingSight::Of {
            communities: places.iter().map(|&place| world.communities[place]).collect(),
            submitter: name.into(),
        };
        let seen = async |sight: PendingSight| all(store, &sight, PendingFilter::default()).await.len();
        let counts = [of(&[], "token:1"), of(&[], "token:2"), of(&[0], "nobody"), of(&[1], "token:1"), of(&[], "nobody")];
        let mut found = Vec::new();
        for sight in counts {
            found.push(seen(sight).await);
        }
        assert_eq!(found, [1, 2, 1, 3, 0]);
        let rows = all(store, &PendingSight::Everything, PendingFilter::default()).await;
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        assert_eq!(store.read().pending().get(&of(&[], "token:1"), &ids).await.unwrap().len(), 1);
        let narrowed = async |filter| all(store, &PendingSight::Everything, filter).await.len();
        let none = PendingFilter::default;
        assert_eq!(narrowed(PendingFilter { community: Some(world.communities[1]), ..none() }).await, 2);
        assert_eq!(narrowed(PendingFilter { indicator: Some(world.indicator), source: Some(world.sources[1]), ..none() }).await, 0);
        assert_eq!(narrowed(PendingFilter { states: Some(vec![PendingState::Validated]), ..none() }).await, 0);
        assert_eq!(narrowed(PendingFilter { states: Some(vec![]), ..none() }).await, 0);
        assert_eq!(narrowed(PendingFilter { received_before: Some(hour(2)), ..none() }).await, 1);
        for direction in [Direction::Ascending, Direction::Descending] {
            let order = Order { by: PendingSort::ReceivedAt, direction };
            let mut query = ListQuery { filter: none(), order, page: PageArgs::first(1), ..ListQuery::default() };
            let mut met = Vec::new();
            loop {
                let page = store.read().pending().list(&PendingSight::Everything, &query).await.unwrap();
                met.extend(page.items.iter().map(|(_, row)| row.id));
                if !page.has_next { break; }
                query.page.after = page.items.last().map(|(cursor, _)| cursor.clone());
            }
            let mut expected = ids.clone();
            if direction == Direction::Descending { expected.reverse(); }
            assert_eq!(met, expected);
        }
    }
}
