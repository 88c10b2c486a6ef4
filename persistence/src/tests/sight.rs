//! For random people and data, what one reader can read by any way is row by row what the policy says, and the rest does
//! not exist: in no list, count, order, search, history or comparison.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Debug,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use domain::{
    access::{Actor, Held, Integration, Person, Scope, Who},
    account::{Account, AccountFilter},
    api_token::{ApiToken, ApiTokenParent},
    baseline::{Baseline, BaselineFilter, BaselineParent},
    decision::{AuthorityDecision, AuthorityDecisionParent},
    grant::{Grant, GrantParent},
    id::{AccountId, CommunityId, EntityId, NetworkId, NodeRef, SeriesId},
    learning::{Learning, LearningFilter, LearningParent, LearningStatus},
    membership::{Membership, MembershipParent},
    observation::{Observation, ObservationFilter},
    page::{ListQuery, Order, PageArgs},
    port::{
        figures::Figures,
        store::{Holds, Repositories, Repository, Store as _},
    },
    record::{Noun, Stored},
    series::{Disaggregation, Series, SeriesFilter, SeriesParent},
    sharing::{SharingRule, SharingRuleParent},
    target::{Target, TargetFilter, TargetParent},
};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use sea_orm::{ConnectionTrait as _, Database};
use uuid::Uuid;

use super::{
    Scratch, on_both,
    samples::{day, id, text},
    sight_candidates::check_candidates,
    sight_exports::check_exports,
    sight_feed::check_feed,
    sight_model::{Eyes, World},
    sight_records::Seen,
    sight_world::{build, keep, plan},
};
use crate::SqlStore;

/// How many worlds; proptest's own variable asks for others.
fn cases() -> u64 {
    number("PROPTEST_CASES").unwrap_or(16)
}

/// What the first world is made from: another one in every run, unless it is given.
fn seed() -> u64 {
    number("CONCERT_WORLD_SEED").unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn runner(seed: u64) -> TestRunner {
    let bytes: Vec<u8> = seed.to_le_bytes().repeat(4);
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// What a world leaves behind, in an order in which it can go.
const TABLES: &[&str] = &[
    "figure_change",
    "small_cell",
    "latest_observation",
    "observation",
    "baseline",
    "series",
    "target",
    "learning_indicator",
    "learning_named",
    "learning",
    "sharing_rule_named",
    "sharing_rule",
    "authority_decision",
    "access_grant",
    "account",
    "api_token_community",
    "api_token",
    "membership",
    "network_indicator",
    "network",
    "partner",
    "indicator_version",
    "indicator",
    "source",
    "community",
];

on_both! {
    async fn readers_read_what_the_policy_says_row_by_row(scratch: &Scratch) {
        let store = &*scratch.store;
        let db = Database::connect(&scratch.config.url).await.unwrap();
        let seed = seed();
        for case in 0..cases() {
            // Shown where one fails: the same seed makes the same world again.
            let seed = seed.wrapping_add(case);
            println!("CONCERT_WORLD_SEED={seed} PROPTEST_CASES=1");
            let now = moment().await;
            let plan = plan(now).new_tree(&mut runner(seed)).unwrap().current();
            let (world, readers) = build(&plan, now);
            keep(store, &world).await;
            let mut scopes = vec![Scope::Everything, Scope::Public];
            scopes.extend(world.accounts.iter().take(1).map(|account| signed_in(&world, account.id, now)));
            scopes.extend(world.tokens.iter().take(2).map(|token| with_token(&world, token, now)));
            scopes.extend(readers.into_iter().map(Scope::of));
            check_records(store, &world, &scopes, now).await;
            for scope in &scopes {
                // What ends today has ended on the day after.
                for now in [now, now + TimeDelta::days(2)] {
                    check_figures(store, &world, scope, now).await;
                }
            }
            for table in TABLES {
                db.execute_unprepared(&format!("DELETE FROM {table}")).await.unwrap();
            }
        }
    }
}

/// The present moment, far enough from midnight: repositories look at the clock themselves.
async fn moment() -> DateTime<Utc> {
    loop {
        let now = Utc::now().trunc_subsecs(6);
        if (now + TimeDelta::minutes(1)).date_naive() == now.date_naive() {
            return now;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The scope of somebody by the roles that they hold, which is that of the model.
fn signed_in(world: &World, account: AccountId, now: DateTime<Utc>) -> Scope {
    let grants: Vec<Held> = world
        .grants
        .iter()
        .filter(|grant| grant.account == account && grant.meta.archived_at.is_none())
        .map(|grant| grant.held().unwrap())
        .collect();
    let memberships = memberships(world, |_| true, now);
    let scope = Actor::new(Who::Person(Arc::new(Person { account, session: None, grants, memberships }))).scope(now);
    assert_eq!(scope, Scope::of(world.reader(account, now)));
    scope
}

/// The scope of a program by its token, which is that of the model.
fn with_token(world: &World, token: &Stored<ApiToken>, now: DateTime<Utc>) -> Scope {
    let integration = Integration {
        token: token.id,
        communities: token.communities.iter().copied().collect(),
        indicators: token.indicators.iter().copied().collect(),
        actions: token.actions.iter().copied().collect(),
        until: token.expires_at,
        memberships: memberships(world, |community| token.communities.contains(&community), now),
    };
    let scope = Actor::new(Who::Integration(Arc::new(integration))).scope(now);
    assert_eq!(scope, Scope::of(world.reader_with(token, now)));
    scope
}

/// Which of these communities is in which network today.
fn memberships(
    world: &World,
    of: impl Fn(CommunityId) -> bool,
    now: DateTime<Utc>,
) -> BTreeSet<(CommunityId, NetworkId)> {
    let communities = world.communities.iter().map(|community| community.id).filter(|id| of(*id));
    let all = communities.flat_map(|community| world.networks.iter().map(move |network| (community, network.id)));
    all.filter(|&(community, network)| world.is_member(community, network, now.date_naive())).collect()
}

/// Whose children a record is.
type Parents<N> = fn(&N) -> Vec<Uuid>;
/// Whether a filter holds for a record.
type Holding<N> = Box<dyn Fn(&Stored<N>) -> bool>;

/// Ways of looking at records of one kind besides by themselves and in one list.
struct Ways<N: Noun> {
    parents: Vec<(N::Parent, Parents<N>)>,
    filters: Vec<(N::Filter, Holding<N>)>,
}

async fn check_records(store: &SqlStore, world: &World, scopes: &[Scope], now: DateTime<Utc>) {
    let (community, indicator) = (world.communities[2].id, world.indicators[0].id);
    let ways: Ways<Series> = Ways {
        parents: vec![
            (SeriesParent::Community, |series| vec![series.community.uuid()]),
            (SeriesParent::Indicator, |series| vec![series.indicator.uuid()]),
        ],
        filters: vec![(SeriesFilter { community: Some(community), ..SeriesFilter::default() }, {
            Box::new(move |series| series.community == community)
        })],
    };
    check(store, world, scopes, now, ways).await;
    let of_series: HashMap<_, _> = world.series.iter().map(|series| (series.id, series.community)).collect();
    let ways: Ways<Baseline> = Ways {
        parents: vec![(BaselineParent::Series, |baseline| vec![baseline.series.uuid()])],
        filters: vec![(BaselineFilter { community: Some(community), ..BaselineFilter::default() }, {
            Box::new(move |baseline| of_series[&baseline.series] == community)
        })],
    };
    check(store, world, scopes, now, ways).await;
    let ways: Ways<Target> = Ways {
        parents: vec![
            (TargetParent::Community, |target| target.community.map(EntityId::uuid).into_iter().collect()),
            (TargetParent::Network, |target| target.network.map(EntityId::uuid).into_iter().collect()),
            (TargetParent::Indicator, |target| vec![target.indicator.uuid()]),
        ],
        filters: vec![(TargetFilter { indicator: Some(indicator), ..TargetFilter::default() }, {
            Box::new(move |target| target.indicator == indicator)
        })],
    };
    check(store, world, scopes, now, ways).await;
    check(store, world, scopes, now, learnings(world, now)).await;
    let ways: Ways<SharingRule> =
        Ways { parents: vec![(SharingRuleParent::Community, |rule| vec![rule.community.uuid()])], filters: Vec::new() };
    check(store, world, scopes, now, ways).await;
    let ways: Ways<AuthorityDecision> = Ways {
        parents: vec![(AuthorityDecisionParent::Community, |decision| vec![decision.community.uuid()])],
        filters: Vec::new(),
    };
    check(store, world, scopes, now, ways).await;
    check_people(store, world, scopes, now).await;
}

async fn check_people(store: &SqlStore, world: &World, scopes: &[Scope], now: DateTime<Utc>) {
    let ways: Ways<Grant> = Ways {
        parents: vec![
            (GrantParent::Account, |grant| vec![grant.account.uuid()]),
            (GrantParent::Community, |grant| grant.community.map(EntityId::uuid).into_iter().collect()),
            (GrantParent::Network, |grant| grant.network.map(EntityId::uuid).into_iter().collect()),
        ],
        filters: Vec::new(),
    };
    check(store, world, scopes, now, ways).await;
    let ways: Ways<Account> = Ways {
        parents: Vec::new(),
        filters: vec![(AccountFilter { text: Some("PERSON 1".into()) }, Box::new(|found| found.name == "Person 1"))],
    };
    check(store, world, scopes, now, ways).await;
    let ways: Ways<ApiToken> = Ways {
        parents: vec![(ApiTokenParent::Community, |token| {
            token.communities.iter().map(|community| community.uuid()).collect()
        })],
        filters: Vec::new(),
    };
    check(store, world, scopes, now, ways).await;
    let ways: Ways<Membership> = Ways {
        parents: vec![
            (MembershipParent::Community, |membership| vec![membership.community.uuid()]),
            (MembershipParent::Network, |membership| vec![membership.network.uuid()]),
        ],
        filters: Vec::new(),
    };
    check(store, world, scopes, now, ways).await;
}

fn learnings(world: &World, now: DateTime<Utc>) -> Ways<Learning> {
    let (network, indicator) = (world.networks[0].id, world.indicators[0].id);
    let members: Vec<_> = world
        .communities
        .iter()
        .map(|community| community.id)
        .filter(|&community| world.is_member(community, network, now.date_naive()))
        .collect();
    let none = LearningFilter::default;
    Ways {
        parents: vec![
            (LearningParent::Community, |learning| vec![learning.community.uuid()]),
            (LearningParent::Indicator, |learning| learning.indicators.iter().map(|id| id.uuid()).collect()),
        ],
        filters: vec![
            (
                LearningFilter { text: Some("odd WINTER".into()), ..none() },
                Box::new(|found| found.title == text("Odd winters")),
            ),
            (LearningFilter { network: Some(network), ..none() }, {
                Box::new(move |found| members.contains(&found.community))
            }),
            (LearningFilter { indicator: Some(indicator), ..none() }, {
                Box::new(move |found| found.indicators.contains(&indicator))
            }),
            (LearningFilter { statuses: Some(vec![LearningStatus::Draft]), ..none() }, {
                Box::new(|found| found.status == LearningStatus::Draft)
            }),
        ],
    }
}

/// Every way of reading records of one kind, for every reader.
async fn check<N: Seen>(store: &SqlStore, world: &World, scopes: &[Scope], now: DateTime<Utc>, ways: Ways<N>)
where
    for<'a> dyn Repositories + 'a: Holds<N>,
    N::Id: Debug,
{
    let repository = Holds::<N>::repository(store.read());
    let all = N::all(world);
    let mut orders = Vec::new();
    for &by in N::SORTS {
        let query = ListQuery { order: Order { by, ..Order::default() }, archived: true, ..ListQuery::default() };
        let order = walk(repository, &Scope::Everything, query.clone(), 100).await;
        let ids = |records: &[Stored<N>]| records.iter().map(id).collect::<BTreeSet<_>>();
        assert_eq!(ids(&order), ids(all));
        orders.push((query, order));
    }
    for scope in scopes {
        let seen: BTreeMap<Uuid, Stored<N>> =
            N::seen(&world.eyes(scope, now)).into_iter().map(|record| (id(&record), record)).collect();
        check_identities(store, scope, all, &seen).await;
        for (query, order) in &orders {
            // Those that the reader sees stand in the same order as for everybody.
            let listed: Vec<_> = order.iter().filter_map(|record| seen.get(&id(record)).cloned()).collect();
            assert_same(&walk(repository, scope, query.clone(), 100).await, &listed, scope);
        }
        let current = |record: &&Stored<N>| record.meta.archived_at.is_none();
        let listed: Vec<_> = orders[0].1.iter().filter(current).filter_map(|record| seen.get(&id(record))).collect();
        let of = |holds: &dyn Fn(&Stored<N>) -> bool| -> Vec<Stored<N>> {
            listed.iter().filter(|record| holds(record)).map(|&record| record.clone()).collect()
        };
        assert_same(&walk(repository, scope, ListQuery::default(), 3).await, &of(&|_| true), scope);
        for (filter, holds) in &ways.filters {
            let query = ListQuery { filter: filter.clone(), ..ListQuery::default() };
            assert_same(&walk(repository, scope, query, 100).await, &of(holds), scope);
        }
        for (parent, parents) in &ways.parents {
            let mut ids: Vec<_> = all.iter().flat_map(|record| parents(record)).chain([Uuid::now_v7()]).collect();
            ids.sort();
            ids.dedup();
            let query = ListQuery { page: PageArgs::first(2), count: true, ..ListQuery::default() };
            let mut pages = repository.list_of(scope, *parent, &ids, &query).await.unwrap();
            for parent in ids {
                let children = of(&|record| parents(record).contains(&parent));
                let page = pages.remove(&parent).unwrap_or_default();
                assert_eq!((page.has_next, page.total.unwrap_or(0)), (children.len() > 2, children.len() as u64));
                let read: Vec<_> = page.items.into_iter().map(|(_, record)| record).collect();
                assert_same(&read, &children[..children.len().min(2)], scope);
            }
            assert!(pages.is_empty());
        }
    }
}

#[track_caller]
fn assert_same<N: Noun>(read: &[Stored<N>], expected: &[Stored<N>], scope: &Scope) {
    let only = |of: &[Stored<N>], not: &[Stored<N>]| -> Vec<Stored<N>> {
        of.iter().filter(|record| !not.contains(record)).cloned().collect()
    };
    let (more, less) = (only(read, expected), only(expected, read));
    assert!(read == expected, "{scope:?} reads also {more:?}, and not {less:?}, or in another order");
}

/// By id, by natural key, and as something that another record refers to.
async fn check_identities<N: Noun>(store: &SqlStore, scope: &Scope, all: &[Stored<N>], seen: &BTreeMap<Uuid, Stored<N>>)
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let repository = Holds::<N>::repository(store.read());
    let unknown = Uuid::now_v7();
    let ids: Vec<Uuid> = all.iter().map(id).chain([unknown]).collect();
    let expected: Vec<_> = seen.values().cloned().collect();
    let sorted = |mut records: Vec<Stored<N>>| {
        records.sort_by_key(|record| id(record));
        records
    };
    let read = repository.get(scope, &ids.iter().map(|&id| id.into()).collect::<Vec<_>>()).await.unwrap();
    assert_same(&sorted(read), &expected, scope);
    let keys: Vec<_> = all.iter().filter_map(|record| record.value.key().cloned()).collect();
    if !keys.is_empty() {
        assert_same(&sorted(repository.by_keys(scope, &keys).await.unwrap()), &expected, scope);
    }
    let references: Vec<_> = ids.iter().map(|&id| NodeRef { kind: N::Id::KIND, id }).collect();
    let mut missing = store.read().missing(scope, &references).await.unwrap();
    missing.retain(|reference| reference.id != unknown);
    let hidden: Vec<_> = references.iter().filter(|of| !seen.contains_key(&of.id) && of.id != unknown).collect();
    assert_eq!(missing.iter().collect::<Vec<_>>(), hidden, "{scope:?}");
}

/// A whole list, page by page; every page says how many there are in all, and whether more follow.
async fn walk<N: Noun>(
    repository: &dyn Repository<N>,
    scope: &Scope,
    mut query: ListQuery<N::Filter, N::Sort>,
    size: usize,
) -> Vec<Stored<N>> {
    (query.page, query.count) = (PageArgs::first(size), true);
    let mut all = Vec::new();
    loop {
        let page = repository.list(scope, &query).await.unwrap();
        assert!(!page.items.is_empty() || all.is_empty());
        query.page.after = page.items.last().map(|(cursor, _)| cursor.clone());
        all.extend(page.items.into_iter().map(|(_, record)| record));
        if !page.has_next {
            assert_eq!(page.total, Some(all.len() as u64));
            return all;
        }
    }
}

/// Every way of reading figures.
async fn check_figures(store: &SqlStore, world: &World, scope: &Scope, now: DateTime<Utc>) {
    let (figures, eyes) = (store.read().figures(), world.eyes(scope, now));
    let ids: Vec<SeriesId> =
        world.series.iter().map(|series| series.id).chain([SeriesId::from(Uuid::now_v7())]).collect();
    let newest: BTreeMap<SeriesId, Observation> = world
        .series
        .iter()
        .filter_map(|series| eyes.latest(series.id).map(|latest| (series.id, latest.clone())))
        .collect();
    let read: BTreeMap<_, _> = figures.latest_of(scope, &ids, now).await.unwrap().into_iter().collect();
    assert_eq!(read, newest, "{scope:?} at {now}");
    let communities: Vec<_> = world.communities.iter().map(|community| community.id).collect();
    for indicators in [vec![], vec![world.indicators[1].id]] {
        let total = Disaggregation::total();
        let read = figures.latest(scope, &communities, &indicators, &total, now).await.unwrap();
        let read: BTreeMap<_, _> = read.into_iter().map(|found| (found.series_id, found.observation)).collect();
        let asked = |series: &&Stored<Series>| {
            series.disaggregation == total && (indicators.is_empty() || indicators.contains(&series.indicator))
        };
        let expected: BTreeMap<_, _> = world
            .series
            .iter()
            .filter(asked)
            .filter_map(|series| newest.get(&series.id).map(|found| (series.id, found.clone())))
            .collect();
        assert_eq!(read, expected, "{scope:?} at {now}");
    }
    check_lists(figures, &eyes, &ids, scope, now).await;
    let mut keys: Vec<_> = world.observations.iter().map(|found| (found.series, found.period)).collect();
    keys.sort();
    keys.dedup();
    let expected: Vec<_> = keys.iter().flat_map(|&(series, period)| eyes.revisions(series, period)).cloned().collect();
    assert_eq!(figures.revisions(scope, &keys, now).await.unwrap(), expected, "{scope:?} at {now}");
    check_feed(store, &expected, scope, now).await;
    let recorded: Vec<_> = world.observations.iter().map(|found| found.recorded_at).collect();
    for as_of in [None, recorded.iter().max().map(|last| *last - TimeDelta::microseconds(1))] {
        check_candidates(figures, world, &eyes, scope, as_of, now).await;
    }
    check_exports(store.read().exports(), world, &eyes, scope, now).await;
}

async fn check_lists(figures: &dyn Figures, eyes: &Eyes<'_>, ids: &[SeriesId], scope: &Scope, now: DateTime<Utc>) {
    for (size, from) in [(2, None), (100, Some(day("2020-06-01")))] {
        let filter = ObservationFilter { from, ..ObservationFilter::default() };
        let query = ListQuery { filter, page: PageArgs::first(size), count: true, ..ListQuery::default() };
        let mut pages = figures.observations(scope, ids, &query, now).await.unwrap();
        for (place, &series) in ids.iter().enumerate() {
            let page = pages.remove(&series).unwrap();
            // The last is no series at all.
            let seen = if place + 1 == ids.len() { Vec::new() } else { eyes.observations(series) };
            let seen: Vec<_> =
                seen.into_iter().filter(|found| from.is_none_or(|from| found.period.end() > from)).collect();
            assert_eq!((page.total, page.has_next), (Some(seen.len() as u64), seen.len() > size));
            let read: Vec<_> = page.items.iter().map(|(_, found)| found).collect();
            assert_eq!(read, seen[..seen.len().min(size)], "{scope:?} at {now}");
        }
    }
    // As it was known: before anything, in between, and now.
    let mut moments: Vec<_> = eyes.world.observations.iter().map(|found| found.recorded_at).collect();
    moments.sort_unstable();
    let between = [moments[0] - TimeDelta::microseconds(1), moments[0], moments[moments.len() / 2], now];
    for moment in between {
        let filter = ObservationFilter { as_of: Some(moment), ..ObservationFilter::default() };
        let query = ListQuery { filter, page: PageArgs::first(100), count: true, ..ListQuery::default() };
        let pages = figures.observations(scope, ids, &query, now).await.unwrap();
        let newest = figures.latest_of_then(scope, ids, moment, now).await.unwrap();
        for series in &ids[..ids.len() - 1] {
            assert_eq!(newest.get(series), eyes.newest_at(*series, moment), "{scope:?} as of {moment}");
            let known = eyes.known_at(*series, moment);
            let read: Vec<_> = pages[series].items.iter().map(|(_, found)| found).collect();
            assert_eq!(
                (read, pages[series].total),
                (known.clone(), Some(known.len() as u64)),
                "{scope:?} as of {moment}"
            );
        }
    }
}
