//! Pages: walked from either end, in every order, they are exactly the list.

use std::cmp::Ordering;

use domain::{
    access::Scope,
    community::{Community, CommunityFilter, CommunitySort, Population},
    error::{Error, ProblemCode},
    fold::fold,
    learning::{Learning, LearningFilter, LearningSort},
    page::{Cursor, CursorValue, Direction, ListQuery, Order, PageArgs, SortKey as _},
    port::store::{Holds, Repositories, Store as _},
    record::{Noun, Stored},
};
use uuid::Uuid;

use super::{Scratch, on_both, samples::*};
use crate::SqlStore;

const WAYS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

/// Every page from the side that `from_end` says, put together.
async fn walk<N: Noun>(
    store: &SqlStore,
    order: Order<N::Sort>,
    filter: &N::Filter,
    size: usize,
    from_end: bool,
) -> Vec<Stored<N>>
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let mut query =
        ListQuery { filter: filter.clone(), order, page: PageArgs::first(size), count: false, archived: false };
    query.page.from_end = from_end;
    let mut walked = Vec::new();
    loop {
        let page = Holds::<N>::repository(store.read()).list(&Scope::Everything, &query).await.unwrap();
        let more = if from_end { page.has_previous } else { page.has_next };
        assert!(!more || page.items.len() == size);
        // The cursor goes through its text, as it does between a caller's requests.
        let edge = if from_end { page.items.first() } else { page.items.last() };
        let edge = edge.map(|(cursor, _)| Cursor::decode(&cursor.encode(), &order.tag(), "after").unwrap());
        let items = page.items.into_iter().map(|(_, record)| record);
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

/// Walks in every order, way and size and from either end, against an order made here.
pub(super) async fn hold_against<N: Noun>(
    store: &SqlStore,
    sorts: &[N::Sort],
    all: &[Stored<N>],
    compare: impl Fn(N::Sort, &Stored<N>, &Stored<N>) -> Ordering,
) where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    for &by in sorts {
        for direction in WAYS {
            let mut expected = all.to_vec();
            expected.sort_by(|a, b| compare(by, a, b).then(a.id.cmp(&b.id)));
            if direction == Direction::Descending {
                expected.reverse();
            }
            let expected: Vec<_> = expected.iter().map(|record| record.id).collect();
            for size in [1, 2, 5, 100] {
                for from_end in [false, true] {
                    let walked = walk::<N>(store, Order { by, direction }, &N::Filter::default(), size, from_end).await;
                    let walked: Vec<_> = walked.iter().map(|record| record.id).collect();
                    assert_eq!(walked, expected, "{} {direction:?} by {size} from_end {from_end}", by.name());
                }
            }
        }
    }
}

/// Communities with equal names, equal and missing populations, and equal times.
fn communities() -> Vec<Stored<Community>> {
    const NAMES: [&str; 6] = ["Zürich", "aarau", "Émile", "Emile", "~", "Aarau"];
    (0..23_usize)
        .map(|n| {
            let persons = [None, Some(0), Some(10), Some(9), Some(2_000_000_000)][n % 5];
            let value = Community {
                name: text(NAMES[n * 5 % NAMES.len()]),
                populations: persons
                    .map(|persons| Population { as_of: day("2021-01-01"), persons, source: None })
                    .into_iter()
                    .collect(),
                ..community(&format!("c{}", n * 7 % 23))
            };
            // With and without parts of a second: texts of times must sort as times do.
            stored(value, moment([0, 500_000, 1, 1_000_000, 999_999][n * 3 % 5]))
        })
        .collect()
}

on_both! {
    async fn walked_from_either_end_pages_are_the_list(scratch: &Scratch) {
        let store = &*scratch.store;
        let all = communities();
        keep_all(store, &all).await;
        let sorts = [CommunitySort::Name, CommunitySort::Population, CommunitySort::CreatedAt];
        hold_against(store, &sorts, &all, |by, a, b| match by {
            CommunitySort::Name => {
                let key = |c: &Stored<Community>| fold(c.name.resolve(&[]).text);
                key(a).cmp(&key(b))
            }
            CommunitySort::Population => {
                let key = |c: &Stored<Community>| c.latest_population().map(|p| p.persons);
                key(a).cmp(&key(b))
            }
            CommunitySort::CreatedAt => a.meta.created_at.cmp(&b.meta.created_at),
        })
        .await;
    }

    async fn what_has_no_time_comes_first(scratch: &Scratch) {
        let store = &*scratch.store;
        let home = keep(store, community("home")).await;
        let all: Vec<Stored<Learning>> = (0..9)
            .map(|n| {
                let shared_at = [None, Some(moment(5)), Some(moment(5_000_000))][n % 3];
                let value = Learning { shared_at, ..learning(&format!("l{n}"), home.id, None, Vec::new()) };
                stored(value, moment(0))
            })
            .collect();
        keep_all(store, &all).await;
        let sorts = [LearningSort::SharedAt, LearningSort::Title, LearningSort::CreatedAt];
        hold_against(store, &sorts, &all, |by, a, b| match by {
            LearningSort::SharedAt => a.shared_at.cmp(&b.shared_at),
            LearningSort::Title | LearningSort::CreatedAt => Ordering::Equal,
        })
        .await;
    }

    async fn a_page_between_two_cursors_holds_what_lies_between(scratch: &Scratch) {
        let store = &*scratch.store;
        keep_all(store, &communities()).await;
        for by in [CommunitySort::Name, CommunitySort::Population, CommunitySort::CreatedAt] {
            for direction in WAYS {
                let mut query: ListQuery<CommunityFilter, CommunitySort> =
                    ListQuery { order: Order { by, direction }, page: PageArgs::first(100), ..ListQuery::default() };
                let all = store.read().communities().list(&Scope::Everything, &query).await.unwrap().items;
                for (from, to) in [(0, 22), (3, 9), (4, 5), (10, 10), (12, 2)] {
                    query.page.after = Some(all[from].0.clone());
                    query.page.before = Some(all[to].0.clone());
                    let between = store.read().communities().list(&Scope::Everything, &query).await.unwrap();
                    let expected = all.get(from + 1..to).unwrap_or_default();
                    assert_eq!(between.items, expected, "{by:?} {direction:?} {from}..{to}");
                }
            }
        }
    }

    async fn a_count_counts_all_that_matches_wherever_the_page_is(scratch: &Scratch) {
        let store = &*scratch.store;
        let all = communities();
        keep_all(store, &all).await;
        let mut query: ListQuery<CommunityFilter, CommunitySort> =
            ListQuery { page: PageArgs::first(4), count: true, ..ListQuery::default() };
        let page = store.read().communities().list(&Scope::Everything, &query).await.unwrap();
        assert_eq!(page.total, Some(23));
        query.page.after = page.items.last().map(|(cursor, _)| cursor.clone());
        query.filter.population_at_least = Some(9);
        let page = store.read().communities().list(&Scope::Everything, &query).await.unwrap();
        let expected = all.iter().filter(|c| c.latest_population().is_some_and(|p| p.persons >= 9)).count();
        assert_eq!(page.total, Some(expected as u64));
        query.count = false;
        assert_eq!(store.read().communities().list(&Scope::Everything, &query).await.unwrap().total, None);
    }

    async fn archived_records_are_listed_only_where_asked_for(scratch: &Scratch) {
        let store = &*scratch.store;
        let mut gone = stored(community("gone"), moment(0));
        gone.meta.archived_at = Some(moment(1));
        keep_all(store, &[gone.clone(), stored(community("there"), moment(0))]).await;
        let mut query: ListQuery<CommunityFilter, CommunitySort> = ListQuery { count: true, ..ListQuery::default() };
        let slugs = |items: Vec<(Cursor, Stored<Community>)>| -> Vec<String> {
            items.into_iter().map(|(_, community)| community.slug.to_string()).collect()
        };
        let page = store.read().communities().list(&Scope::Everything, &query).await.unwrap();
        assert_eq!((page.total, slugs(page.items)), (Some(1), vec!["there".to_owned()]));
        query.archived = true;
        let page = store.read().communities().list(&Scope::Everything, &query).await.unwrap();
        assert_eq!((page.total, slugs(page.items)), (Some(2), vec!["gone".to_owned(), "there".to_owned()]));
        assert_eq!(store.read().communities().get(&Scope::Public, &[gone.id]).await.unwrap(), [gone]);
    }

    async fn a_cursor_with_a_value_of_another_kind_is_refused(scratch: &Scratch) {
        let store = &*scratch.store;
        let values = [
            CursorValue::Integer(3),
            CursorValue::Text("yesterday".into()),
            CursorValue::Text("2026-01-01\u{0}".into()),
            CursorValue::Text(String::new()),
        ];
        for (by, accepts) in [
            (CommunitySort::Name, [false, true, false, true]),
            (CommunitySort::Population, [true, false, false, false]),
            (CommunitySort::CreatedAt, [false, false, false, false]),
        ] {
            for (value, accepted) in values.iter().zip(accepts) {
                let order = Order { by, direction: Direction::Ascending };
                let cursor = Cursor { order: order.tag(), value: value.clone(), id: Uuid::now_v7() };
                let page = PageArgs { after: Some(cursor), ..PageArgs::first(5) };
                let query: ListQuery<CommunityFilter, CommunitySort> = ListQuery { order, page, ..ListQuery::default() };
                match store.read().communities().list(&Scope::Everything, &query).await {
                    Ok(_) => assert!(accepted, "{by:?} took {value:?}"),
                    Err(Error::Validation(problems)) => {
                        let problem = problems.iter().next().unwrap();
                        assert!(!accepted, "{by:?} refused {value:?}");
                        assert_eq!((problem.path.to_string().as_str(), problem.code), ("after", ProblemCode::Invalid));
                    }
                    Err(other) => panic!("{by:?} with {value:?}: {other:?}"),
                }
            }
        }
    }

    async fn texts_are_found_whatever_their_case_and_marks_and_never_as_patterns(scratch: &Scratch) {
        let store = &*scratch.store;
        keep(store, full_community("saint-elie", "1")).await;
        keep(store, Community { name: text("100 percent"), ..community("c-100") }).await;
        for (needle, found) in [
            ("ÉLIE", 1),
            ("saint-elie-d'orford", 1),
            ("Saint–Élie", 1),
            ("100 %", 1),
            ("100", 2),
            ("%_\\", 1),
            ("_", 1),
            ("%", 1),
            ("\\", 1),
            ("", 2),
            ("elie st-elie", 0),
            ("nul\u{0}", 0),
            (&"x".repeat(60_000), 0),
            (&"%".repeat(60_000), 0),
        ] {
            let filter = CommunityFilter { text: Some(needle.into()), ..CommunityFilter::default() };
            let query: ListQuery<CommunityFilter, CommunitySort> = ListQuery { filter, count: true, ..ListQuery::default() };
            let page = store.read().communities().list(&Scope::Everything, &query).await.unwrap();
            let short: String = needle.chars().take(20).collect();
            assert_eq!((page.items.len(), page.total), (found, Some(found as u64)), "“{short}”");
        }
    }

    async fn a_learning_is_found_by_a_language_that_every_part_of_it_has(scratch: &Scratch) {
        let store = &*scratch.store;
        let home = keep(store, community("home")).await;
        keep(store, learning("both", home.id, None, Vec::new())).await;
        keep(store, Learning { context: Some(text("in English")), ..learning("english", home.id, None, Vec::new()) }).await;
        for (language, slugs) in [("en", vec!["both", "english"]), ("fr", vec!["both"]), ("de", vec![])] {
            let filter = LearningFilter { language: Some(language.parse().unwrap()), ..LearningFilter::default() };
            let query: ListQuery<LearningFilter, LearningSort> = ListQuery { filter, ..ListQuery::default() };
            let found = store.read().learnings().list(&Scope::Public, &query).await.unwrap().items;
            let mut found: Vec<&str> = found.iter().map(|(_, learning)| learning.slug.as_str()).collect();
            found.sort_unstable();
            assert_eq!(found, slugs, "{language}");
        }
    }
}
