//! The audit log: what is recorded is read, in its order, and cannot be changed.

use std::{sync::Arc, time::Duration};

use domain::{
    audit::{Action, ActorKind, AuditFilter, AuditSight, AuditSort, Entry, NewEntry},
    error::Error,
    id::{CommunityId, NetworkId, NodeKind, NodeRef},
    page::{Cursor, Direction, ListQuery, Order, PageArgs, SortKey as _},
    port::{audit::AuditLog, store::Store as _},
};
use sea_orm::{ConnectionTrait as _, Database, DbBackend};
use serde_json::json;
use uuid::Uuid;

use super::{Scratch, on_both, samples::moment};
use crate::SqlStore;

fn uuid(n: usize) -> Uuid {
    Uuid::from_u128(n as u128 + 1)
}

/// The `n`th of many entries that differ in everything that they can be looked for by.
fn entry(n: usize) -> NewEntry {
    let entry = NewEntry::new(
        moment(n.try_into().unwrap()),
        ["anne", "bob", "ops"][n % 3],
        ActorKind::ALL[n % ActorKind::ALL.len()],
        Action::ALL[n % Action::ALL.len()],
    );
    let entry = match n % 4 {
        0 => entry
            .on(NodeRef { kind: NodeKind::Community, id: uuid(n % 8) })
            .of_community(CommunityId::from(uuid(n % 8))),
        1 => entry.on(NodeRef { kind: NodeKind::Network, id: uuid(n % 8) }).of_network(NetworkId::from(uuid(n % 8))),
        2 => entry.from_request(Some("r-1"), Some("192.0.2.7")).detail("“Why” it was: \u{0}\n"),
        _ => entry.change("visibility", "PRIVATE", json!({ "to": ["PUBLIC", 0.1, -3, null] })),
    };
    if n.is_multiple_of(5) { entry.change("closed", false, true) } else { entry }
}

type Holds = Box<dyn Fn(&NewEntry) -> bool>;

async fn fill(store: &SqlStore, count: usize) -> Vec<NewEntry> {
    let entries: Vec<_> = (0..count).map(entry).collect();
    let work = store.begin().await.unwrap();
    work.repositories().audit().record(&entries).await.unwrap();
    work.commit().await.unwrap();
    entries
}

fn all() -> ListQuery<AuditFilter, AuditSort> {
    ListQuery { page: PageArgs::first(100), count: true, ..ListQuery::default() }
}

async fn listed(log: &dyn AuditLog, sight: &AuditSight, filter: AuditFilter) -> Vec<NewEntry> {
    let page = log.list(sight, &ListQuery { filter, ..all() }).await.unwrap();
    assert_eq!(page.total, Some(page.items.len() as u64));
    page.items.into_iter().map(|(_, entry)| entry.said).collect()
}

/// Every page from the side that `from_end` says, put together.
async fn walk(log: &dyn AuditLog, direction: Direction, size: usize, from_end: bool) -> Vec<Entry> {
    let order = Order { by: AuditSort::Place, direction };
    let mut query = ListQuery { order, page: PageArgs::first(size), ..ListQuery::default() };
    query.page.from_end = from_end;
    let mut walked = Vec::new();
    loop {
        let page = log.list(&AuditSight::Everything, &query).await.unwrap();
        let more = if from_end { page.has_previous } else { page.has_next };
        let edge = if from_end { page.items.first() } else { page.items.last() };
        let edge = edge.map(|(cursor, _)| Cursor::decode(&cursor.encode(), &order.tag(), "after").unwrap());
        let items = page.items.into_iter().map(|(_, entry)| entry);
        if from_end {
            walked.splice(0..0, items);
            query.page.before = edge;
        } else {
            walked.extend(items);
            query.page.after = edge;
        }
        if !more {
            return walked;
        }
    }
}

on_both! {
    async fn what_is_recorded_is_read_as_it_was(scratch: &Scratch) {
        let entries = fill(&scratch.store, 60).await;
        let log = scratch.store.read().audit();
        assert_eq!(listed(log, &AuditSight::Everything, AuditFilter::default()).await, entries);
        // Outside of a unit of work, too.
        log.record(&[entry(60)]).await.unwrap();
        assert_eq!(listed(log, &AuditSight::Everything, AuditFilter::default()).await.len(), 61);
        log.record(&[]).await.unwrap();
        assert_eq!(log.settled().await.unwrap(), 61);
    }

    async fn a_filter_finds_exactly_what_it_describes(scratch: &Scratch) {
        let entries = fill(&scratch.store, 60).await;
        let log = scratch.store.read().audit();
        let object = NodeRef { kind: NodeKind::Community, id: uuid(4) };
        let cases: Vec<(AuditFilter, Holds)> = vec![
            (AuditFilter { actor: Some("bob".into()), ..Default::default() }, Box::new(|e| e.actor == "bob")),
            (AuditFilter { actor: Some("b\0b".into()), ..Default::default() }, Box::new(|_| false)),
            (
                AuditFilter { actions: Some(vec![Action::Grant, Action::SignIn]), ..Default::default() },
                Box::new(|e| [Action::Grant, Action::SignIn].contains(&e.action)),
            ),
            (AuditFilter { actions: Some(vec![]), ..Default::default() }, Box::new(|_| false)),
            (AuditFilter { object: Some(object), ..Default::default() }, Box::new(move |e| e.object == Some(object))),
            // Of the same id, and of another kind.
            (
                AuditFilter { object: Some(NodeRef { kind: NodeKind::Network, ..object }), ..Default::default() },
                Box::new(|_| false),
            ),
            (
                AuditFilter { community: Some(uuid(4).into()), ..Default::default() },
                Box::new(|e| e.community == Some(uuid(4).into())),
            ),
            (
                AuditFilter { network: Some(uuid(5).into()), ..Default::default() },
                Box::new(|e| e.network == Some(uuid(5).into())),
            ),
            (
                AuditFilter { from: Some(moment(10)), until: Some(moment(20)), ..Default::default() },
                Box::new(|e| e.at >= moment(10) && e.at < moment(20)),
            ),
            (
                AuditFilter { actor: Some("ops".into()), network: Some(uuid(5).into()), ..Default::default() },
                Box::new(|e| e.actor == "ops" && e.network == Some(uuid(5).into())),
            ),
        ];
        for (filter, holds) in cases {
            let expected: Vec<_> = entries.iter().filter(|entry| holds(entry)).cloned().collect();
            let found = listed(log, &AuditSight::Everything, filter.clone()).await;
            assert_eq!(found, expected, "{filter:?}");
            let places: Vec<_> = log.after(&filter, 0, i64::MAX, 1_000).await.unwrap();
            assert_eq!(places.into_iter().map(|entry| entry.said).collect::<Vec<_>>(), expected);
        }
    }

    async fn who_may_read_their_own_reads_no_more(scratch: &Scratch) {
        let entries = fill(&scratch.store, 60).await;
        let log = scratch.store.read().audit();
        for (communities, networks) in [(vec![], vec![]), (vec![0, 4], vec![]), (vec![], vec![1]), (vec![4], vec![1, 5, 9])] {
            let communities: Vec<CommunityId> = communities.into_iter().map(|n| uuid(n).into()).collect();
            let networks: Vec<NetworkId> = networks.into_iter().map(|n| uuid(n).into()).collect();
            let expected = entries.iter().filter(|entry| {
                entry.community.is_some_and(|id| communities.contains(&id))
                    || entry.network.is_some_and(|id| networks.contains(&id))
            });
            let expected: Vec<_> = expected.cloned().collect();
            let sight = AuditSight::Of { communities, networks };
            assert_eq!(listed(log, &sight, AuditFilter::default()).await, expected);
        }
    }

    async fn pages_walked_from_either_end_are_the_log(scratch: &Scratch) {
        fill(&scratch.store, 23).await;
        let log = scratch.store.read().audit();
        let entries = log.after(&AuditFilter::default(), 0, i64::MAX, 1_000).await.unwrap();
        assert!(entries.is_sorted_by(|one, next| one.place < next.place));
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut expected = entries.clone();
            if direction == Direction::Descending {
                expected.reverse();
            }
            for (size, from_end) in [(1, false), (5, true), (7, false), (23, true), (100, false)] {
                assert_eq!(walk(log, direction, size, from_end).await, expected, "{direction:?} {size} {from_end}");
            }
        }
        // In pieces, as an export reads, and no further than told.
        let last = entries[19].place;
        let (mut place, mut read) = (entries[1].place, Vec::new());
        loop {
            let piece = log.after(&AuditFilter::default(), place, last, 4).await.unwrap();
            let Some(entry) = piece.last() else { break };
            place = entry.place;
            read.extend(piece);
        }
        assert_eq!(read, entries[2..20]);
    }

    async fn a_cursor_of_another_list_is_refused(scratch: &Scratch) {
        let order = Order::<AuditSort>::default();
        let after = Cursor { order: order.tag(), value: domain::page::CursorValue::Text("1".into()), id: Uuid::nil() };
        let query = ListQuery { page: PageArgs { after: Some(after), ..PageArgs::first(1) }, ..all() };
        let answer = scratch.store.read().audit().list(&AuditSight::Everything, &query).await;
        assert!(matches!(answer, Err(Error::Validation(_))));
        assert_eq!(AuditSort::Place.name(), "audit.place");
    }

    async fn what_is_undone_leaves_no_entry(scratch: &Scratch) {
        let store = &*scratch.store;
        let work = store.begin().await.unwrap();
        work.repositories().audit().record(&[entry(0), entry(1)]).await.unwrap();
        assert_eq!(listed(work.repositories().audit(), &AuditSight::Everything, AuditFilter::default()).await.len(), 2);
        drop(work);
        assert!(listed(store.read().audit(), &AuditSight::Everything, AuditFilter::default()).await.is_empty());
        assert_eq!(store.read().audit().settled().await.unwrap(), 0);
        fill(store, 1).await;
        assert_eq!(listed(store.read().audit(), &AuditSight::Everything, AuditFilter::default()).await, [entry(0)]);
    }

    async fn the_database_refuses_to_change_what_is_kept(scratch: &Scratch) {
        fill(&scratch.store, 3).await;
        let before = scratch.store.read().audit().after(&AuditFilter::default(), 0, i64::MAX, 10).await.unwrap();
        let db = Database::connect(&scratch.config.url).await.unwrap();
        let mut statements = vec![
            "UPDATE audit_entry SET actor = 'nobody'",
            "UPDATE audit_entry SET actor = 'nobody' WHERE place = 2",
            "DELETE FROM audit_entry",
            "DELETE FROM audit_entry WHERE place = 3",
        ];
        statements.extend(match db.get_database_backend() {
            DbBackend::Postgres => [
                "TRUNCATE audit_entry",
                "TRUNCATE topic_version, audit_entry CASCADE",
                "DELETE FROM audit_entry WHERE FALSE",
                "SET session_replication_role = replica; DELETE FROM audit_entry; RESET session_replication_role",
                "INSERT INTO audit_entry (place, at, actor, actor_kind, action) OVERRIDING SYSTEM VALUE \
                 VALUES (1, now(), 'x', 'PERSON', 'CREATE') ON CONFLICT (place) DO UPDATE SET actor = 'x'",
            ],
            _ => [
                "INSERT OR REPLACE INTO audit_entry (place, at, actor, actor_kind, action) \
                 VALUES (1, '2020-01-01T00:00:00+00:00', 'x', 'PERSON', 'CREATE')",
                "INSERT INTO audit_entry (place, at, actor, actor_kind, action) \
                 VALUES (1, '2020-01-01T00:00:00+00:00', 'x', 'PERSON', 'CREATE') ON CONFLICT (place) DO UPDATE SET actor = 'x'",
                "UPDATE OR IGNORE audit_entry SET actor = 'x'",
                "UPDATE OR REPLACE audit_entry SET place = 2 WHERE place = 1",
                "REPLACE INTO audit_entry SELECT * FROM audit_entry WHERE place = 1",
            ],
        });
        for statement in statements {
            let refused = db.execute_unprepared(statement).await.expect_err(statement).to_string();
            assert!(refused.contains("the audit log is append-only"), "{statement}: {refused}");
        }
        db.close().await.unwrap();
        let after = scratch.store.read().audit().after(&AuditFilter::default(), 0, i64::MAX, 10).await.unwrap();
        assert_eq!(after, before);
    }

    async fn nothing_that_is_still_to_come_is_passed_over(scratch: &Scratch) {
        let writers = (0..8_usize).map(|n| {
            let store = Arc::clone(&scratch.store);
            tokio::spawn(async move {
                for m in 0..15_usize {
                    let work = store.begin().await.unwrap();
                    work.repositories().audit().record(&[entry(n), entry(m)]).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(((n * 7 + m * 3) % 11) as u64)).await;
                    if m % 4 == 3 { drop(work) } else { work.commit().await.unwrap() }
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let log = scratch.store.read().audit();
        // Read piece by piece while they write, as far as is settled: in the end nothing is missing.
        let (mut place, mut read) = (0, Vec::new());
        loop {
            let ended = writers.iter().all(tokio::task::JoinHandle::is_finished);
            let last = log.settled().await.unwrap();
            read.extend(log.after(&AuditFilter::default(), place, last, 10_000).await.unwrap());
            place = last;
            if ended {
                break;
            }
        }
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(read.len(), 8 * 12 * 2);
        assert_eq!(read, log.after(&AuditFilter::default(), 0, i64::MAX, 10_000).await.unwrap());
    }
}
