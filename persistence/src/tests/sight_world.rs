//! Random worlds: what communities share, what they are asked to withhold, and people of every kind who read it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{
    access::{Limited, Place, Reader, Role},
    account::Account,
    api_token::{ApiToken, TokenAction},
    baseline::Baseline,
    community::Community,
    decision::{AuthorityAct, AuthorityDecision},
    event::Event,
    grant::Grant,
    id::CommunityId,
    learning::{Learning, LearningStatus, Visibility},
    membership::{Consent, Membership},
    network::Network,
    observation::{Confidentiality, Figure, NewObservation, Observation, ObservationStatus, Outcome},
    period::Period,
    port::figures::Recorder,
    port::store::{Holds, Repositories, Store as _, UnitOfWork},
    record::{Meta, Noun, Stored},
    series::{Disaggregation, Series},
    sharing::SharingRule,
    small_cells::SuppressionPolicy,
    source::Source,
    target::Target,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use uuid::Uuid;

use super::{samples, sight_model::World};
use crate::SqlStore;

/// Some of the communities or networks, one bit for each.
type Picks = u8;
/// Days from now.
type Days = i64;

/// Network, community, joined, left, consent and its last day, archived.
type PlannedMembership = (usize, usize, Days, Option<Days>, Option<Option<Days>>, bool);
/// Community, act, indicator, network, last day, archived.
type PlannedDecision = (usize, AuthorityAct, Option<usize>, Option<usize>, Option<Days>, bool);
/// Community, status, visibility, named, who wrote it, indicators, archived.
type PlannedLearning = (usize, LearningStatus, Visibility, Picks, Option<usize>, Picks, bool);
/// Own, stewarded, contributed, networks, coordinated, account, administrator, funded, whether they speak for the partner, and the
/// communities, networks and indicators of figures that they read besides.
type PlannedReader = (Picks, Picks, Picks, Picks, Picks, Option<usize>, bool, Picks, bool, (Picks, Picks, Picks));

/// A figure, and the smallest number of persons that it tells of.
type Counted = (Figure, Option<i32>);

/// What a world is made of; things are named by their numbers.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    third_under_authority: bool,
    memberships: Vec<PlannedMembership>,
    /// Community, indicator, visibility, named, archived.
    rules: Vec<(usize, Option<usize>, Visibility, Picks, bool)>,
    decisions: Vec<PlannedDecision>,
    /// Community, indicator, source, part of the population; besides a total for each community and indicator.
    series: Vec<(usize, usize, usize, usize)>,
    /// Series, year, revisions with the smallest number of persons that each tells of.
    figures: Vec<(usize, i32, Vec<Counted>)>,
    /// Below how many persons each network suppresses.
    thresholds: Vec<i32>,
    /// Whether the second source has controlled disclosure itself.
    second_controlled: bool,
    /// Series, year, archived.
    baselines: Vec<(usize, i32, bool)>,
    /// Network or else community, indicator, archived.
    targets: Vec<(Option<usize>, usize, usize, bool)>,
    learnings: Vec<PlannedLearning>,
    /// Whether archived.
    accounts: Vec<bool>,
    /// Account, role, place, end, archived.
    grants: Vec<(usize, Role, usize, Option<Days>, bool)>,
    /// Communities, indicators, whether it may read, end, archived.
    tokens: Vec<(Picks, Picks, bool, Option<Days>, bool)>,
    readers: Vec<PlannedReader>,
}

const COMMUNITIES: usize = 4;
const NETWORKS: usize = 3;
const INDICATORS: usize = 2;
const ACCOUNTS: usize = 4;
const YEARS: std::ops::Range<i32> = 2018..2023;
/// The total, two parts that make it up, and a part by something else.
const PARTS: [Option<(&str, &str)>; 4] = [None, Some(("sex", "women")), Some(("sex", "men")), Some(("age", "0-17"))];

fn seldom() -> impl Strategy<Value = bool> {
    proptest::bool::weighted(0.15)
}

fn end() -> impl Strategy<Value = Option<Days>> {
    option::weighted(0.6, select(vec![-2, 0, 0, 1, 300]))
}

fn figure(now: DateTime<Utc>) -> impl Strategy<Value = (Figure, Option<i32>)> {
    let status = prop_oneof![
        6 => Just(ObservationStatus::Normal),
        1 => Just(ObservationStatus::SeriesBreak),
        1 => Just(ObservationStatus::Forecast),
        1 => Just(ObservationStatus::Suppressed),
    ];
    let embargo = select(vec![-25, -20, -15, -5, 0, 1, 400]);
    let who = prop_oneof![
        4 => Just((Confidentiality::Free, None)),
        3 => embargo.prop_map(move |days| (Confidentiality::Embargoed, Some(now + TimeDelta::days(days)))),
        1 => Just((Confidentiality::Internal, None)),
        2 => select(vec![Confidentiality::Confidential, Confidentiality::SmallCounts, Confidentiality::Secondary])
            .prop_map(|secret| (secret, None)),
    ];
    let count = option::weighted(0.25, select(vec![1, 9, 10, 24, 25, 99]));
    (status, who, count).prop_map(|(status, (confidentiality, embargo_until), count)| {
        let figure = Figure { status, confidentiality, embargo_until, ..Figure::default() };
        (figure, count.filter(|_| !status.is_without_value()))
    })
}

pub(super) fn plan(now: DateTime<Utc>) -> impl Strategy<Value = Plan> {
    let some = || 0..16u8;
    let joined = prop_oneof![6 => Just(-400), 1 => Just(0), 1 => Just(5)];
    let left = prop_oneof![4 => Just(None), 1 => select(vec![-3, 0, 10]).prop_map(Some)];
    let consent = option::weighted(0.7, end());
    let one_or_all = || option::weighted(0.4, 0..INDICATORS);
    let visibility = || select(Visibility::ALL.to_vec());
    // What is shared with some depends on most.
    let shared_with = prop_oneof![
        3 => visibility(),
        2 => Just(Visibility::Network),
        1 => Just(Visibility::NamedCommunities),
        2 => Just(Visibility::AggregateOnly),
    ];
    // Those decide that are under an authority; a decision on another changes nothing.
    let (deciding, act) = (select(vec![0, 2, 3, 3, 3]), select(AuthorityAct::ALL.to_vec()));
    let shared = (
        any::<bool>(),
        vec((0..NETWORKS, 0..COMMUNITIES, joined, left, consent, seldom()), 4..14),
        vec((0..COMMUNITIES, option::of(0..INDICATORS), shared_with, 1..16u8, seldom()), 1..9),
        vec((deciding, act, one_or_all(), option::of(0..NETWORKS), end(), seldom()), 2..12),
    );
    let revisions = vec(figure(now), 1..4);
    let figures = (
        vec((0..COMMUNITIES, 0..INDICATORS, 0..2usize, 0..PARTS.len()), 0..8),
        vec((0..64usize, YEARS, revisions), 10..40),
        vec((0..64usize, YEARS, seldom()), 0..8),
        vec((option::weighted(0.3, 0..NETWORKS), 0..COMMUNITIES, 0..INDICATORS, seldom()), 0..8),
        (vec(select(vec![10, 10, 25]), NETWORKS), any::<bool>()),
    );
    let status = || select(LearningStatus::ALL.to_vec());
    let author = || option::weighted(0.7, 0..ACCOUNTS);
    let learnings = vec((0..COMMUNITIES, status(), visibility(), 1..16u8, author(), some(), seldom()), 4..16);
    let limited = prop_oneof![Just((0, 0, 0)), (some(), some(), some())];
    let people = (
        vec(seldom(), ACCOUNTS),
        vec((0..ACCOUNTS, select(Role::ALL.to_vec()), 0..12usize, end(), seldom()), 2..10),
        vec(
            (
                1..16u8,
                option::of(1..4u8).prop_map(Option::unwrap_or_default),
                proptest::bool::weighted(0.8),
                end(),
                seldom(),
            ),
            1..5,
        ),
        vec((some(), some(), some(), some(), some(), author(), seldom(), some(), seldom(), limited), 3),
    );
    (shared, figures, learnings, people).prop_map(
        |(
            (third_under_authority, memberships, rules, decisions),
            (series, figures, baselines, targets, (thresholds, second_controlled)),
            learnings,
            (accounts, grants, tokens, readers),
        )| Plan {
            third_under_authority,
            memberships,
            rules,
            decisions,
            series,
            figures,
            thresholds,
            second_controlled,
            baselines,
            targets,
            learnings,
            accounts,
            grants,
            tokens,
            readers,
        },
    )
}

/// Makes records, no two at the same moment.
struct Maker {
    now: DateTime<Utc>,
    made: i64,
}

impl Maker {
    fn make<N: Noun>(&mut self, value: N, archived: bool) -> Stored<N> {
        self.made += 1;
        let at = self.now - TimeDelta::days(60) + TimeDelta::microseconds(self.made);
        let meta = Meta {
            version: 1,
            created_at: at,
            created_by: "test".into(),
            updated_at: at,
            updated_by: "test".into(),
            archived_at: archived.then_some(at),
        };
        Stored { id: N::Id::from(Uuid::now_v7()), meta, value }
    }

    fn day(&self, days: Days) -> NaiveDate {
        self.now.date_naive() + TimeDelta::days(days)
    }

    fn moment(&self, days: Days) -> DateTime<Utc> {
        self.now + TimeDelta::days(days)
    }
}

fn picked<I: Copy>(some: Picks, all: &[I]) -> Vec<I> {
    all.iter().enumerate().filter(|(place, _)| some & (1 << place) != 0).map(|(_, &id)| id).collect()
}

fn ids<N: Noun>(records: &[Stored<N>]) -> Vec<N::Id> {
    records.iter().map(|record| record.id).collect()
}

fn named(visibility: Visibility, some: Picks, communities: &[CommunityId]) -> Vec<CommunityId> {
    if visibility == Visibility::NamedCommunities { picked(some, communities) } else { Vec::new() }
}

/// The world of a plan, and those who read in it.
pub(super) fn build(plan: &Plan, now: DateTime<Utc>) -> (World, Vec<Reader>) {
    let (mut maker, mut world) = (Maker { now, made: 0 }, World::default());
    for place in 0..COMMUNITIES {
        let under = place == 3 || (place == 2 && plan.third_under_authority);
        let community = Community {
            indigenous_data_authority: under.then(|| "Council".to_owned()),
            ..samples::community(&format!("c{place}"))
        };
        world.communities.push(maker.make(community, false));
    }
    for place in 0..INDICATORS {
        let indicator = maker.make(samples::indicator(&format!("i{place}")), false);
        world.versions.push(maker.make(samples::version(indicator.id, 1), false));
        world.indicators.push(indicator);
        let disclosure_controlled = place == 1 && plan.second_controlled;
        let source = Source { disclosure_controlled, ..samples::source(&format!("s{place}")) };
        world.sources.push(maker.make(source, false));
    }
    for place in 0..NETWORKS {
        let suppress_below = plan.thresholds[place];
        let network = Network {
            suppression: SuppressionPolicy { suppress_below, flag_below: 25, ..SuppressionPolicy::default() },
            ..samples::network(&format!("n{place}"), ids(&world.indicators))
        };
        world.networks.push(maker.make(network, false));
    }
    world.partners.push(maker.make(samples::partner("p"), false));
    share(plan, &mut maker, &mut world);
    measure(plan, &mut maker, &mut world);
    write(plan, &mut maker, &mut world);
    let (communities, networks, indicators) = (ids(&world.communities), ids(&world.networks), ids(&world.indicators));
    let reader = |&(
        own,
        stewarded,
        contributed,
        shared,
        coordinated,
        account,
        administrator,
        funded,
        speaks,
        limited,
    ): &PlannedReader| Reader {
        account: account.map(|account| world.accounts[account].id),
        own: picked(own, &communities).into_iter().collect(),
        stewarded: picked(own & stewarded, &communities).into_iter().collect(),
        contributed: picked(own & contributed, &communities).into_iter().collect(),
        networks: picked(shared, &networks).into_iter().collect(),
        coordinated: picked(shared & coordinated, &networks).into_iter().collect(),
        funded: picked(funded, &networks).into_iter().collect(),
        partners: speaks.then_some(world.partners[0].id).into_iter().collect(),
        administrator,
        limited: Limited {
            communities: picked(limited.0, &communities).into_iter().collect(),
            networks: picked(limited.1, &networks).into_iter().collect(),
            indicators: picked(limited.2, &indicators).into_iter().collect(),
        },
    };
    let readers = plan.readers.iter().map(reader).collect();
    (world, readers)
}

fn share(plan: &Plan, maker: &mut Maker, world: &mut World) {
    let (communities, networks, indicators) = (ids(&world.communities), ids(&world.networks), ids(&world.indicators));
    let mut open = BTreeSet::new();
    for &(network, community, joined, left, consent, archived) in &plan.memberships {
        // A community is in a network once.
        let left = if left.is_none() && !archived && !open.insert((network, community)) { Some(-3) } else { left };
        let membership = Membership {
            joined_on: maker.day(joined),
            left_on: left.map(|days| maker.day(days)),
            consent: consent.map(|end| Consent {
                purpose: samples::text("comparison"),
                scope: samples::text("all"),
                granted_by: "The mayor".into(),
                expires_on: end.map(|days| maker.day(days)),
            }),
            ..samples::membership(networks[network], communities[community])
        };
        world.memberships.push(maker.make(membership, archived));
    }
    let mut ruled = BTreeSet::new();
    for &(community, indicator, visibility, some, archived) in &plan.rules {
        let rule = SharingRule {
            community: communities[community],
            indicator: indicator.map(|indicator| indicators[indicator]),
            visibility,
            named: named(visibility, some, &communities),
            note: None,
        };
        // One rule holds for each.
        let archived = archived || !ruled.insert((community, indicator));
        world.rules.push(maker.make(rule, archived));
    }
    for &(community, act, indicator, network, end, archived) in &plan.decisions {
        let decision = AuthorityDecision {
            community: communities[community],
            act,
            indicator: indicator.map(|indicator| indicators[indicator]),
            network: network.map(|network| networks[network]),
            expires_on: end.map(|days| maker.day(days)),
            note: None,
        };
        world.decisions.push(maker.make(decision, archived));
    }
}

fn measure(plan: &Plan, maker: &mut Maker, world: &mut World) {
    let totals = (0..COMMUNITIES).flat_map(|community| (0..INDICATORS).map(move |i| (community, i, 0, 0)));
    let all: BTreeSet<_> = totals.chain(plan.series.iter().copied()).collect();
    for (community, indicator, source, part) in all {
        let series = Series {
            community: world.communities[community].id,
            indicator: world.indicators[indicator].id,
            indicator_version: world.versions[indicator].id,
            source: world.sources[source].id,
            disaggregation: Disaggregation::new(PARTS[part]).unwrap(),
        };
        world.series.push(maker.make(series, false));
    }
    let of_series = |place: usize| world.series[place % world.series.len()].id;
    let mut figures = BTreeMap::new();
    for (series, year, revisions) in &plan.figures {
        figures.insert((of_series(*series), *year), revisions);
    }
    for ((series, year), revisions) in figures {
        for (place, (figure, count)) in revisions.iter().enumerate() {
            world.counts.push(*count);
            // Ten days lie between one revision and the next; no two figures say the same.
            let days = 10 * i64::try_from(place).unwrap() - 30;
            let value = f64::from(u32::try_from(world.observations.len()).unwrap());
            world.observations.push(Observation {
                series,
                period: Period::year(year).unwrap(),
                revision: i32::try_from(place).unwrap() + 1,
                figure: Figure {
                    value: (!figure.status.is_without_value()).then_some(value),
                    note: Some(value.to_string()),
                    ..figure.clone()
                },
                recorded_at: maker.moment(days),
                recorded_by: "test".into(),
                superseded_at: (place + 1 < revisions.len()).then(|| maker.moment(days + 10)),
                cause: Default::default(),
            });
        }
    }
    let mut declared = BTreeSet::new();
    for &(series, year, archived) in &plan.baselines {
        let baseline = Baseline { series: of_series(series), period: Period::year(year).unwrap(), note: None };
        let archived = archived || !declared.insert(baseline.series);
        world.baselines.push(maker.make(baseline, archived));
    }
    for &(network, community, indicator, archived) in &plan.targets {
        let target = Target {
            network: network.map(|network| world.networks[network].id),
            community: network.is_none().then(|| world.communities[community].id),
            ..samples::target(
                world.indicators[indicator].id,
                world.versions[indicator].id,
                world.communities[community].id,
            )
        };
        world.targets.push(maker.make(target, archived));
    }
}

fn write(plan: &Plan, maker: &mut Maker, world: &mut World) {
    let (communities, indicators) = (ids(&world.communities), ids(&world.indicators));
    for (place, &archived) in plan.accounts.iter().enumerate() {
        let account = Account {
            email: format!("a{place}@example.org").parse().unwrap(),
            name: format!("Person {place}"),
            locale: "en".parse().unwrap(),
        };
        world.accounts.push(maker.make(account, archived));
    }
    for &(account, role, place, end, archived) in &plan.grants {
        let at = match role.places()[place % role.places().len()] {
            domain::access::PlaceKind::Everywhere => Place::Everywhere,
            domain::access::PlaceKind::Network => Place::Network(world.networks[place % NETWORKS].id),
            domain::access::PlaceKind::Community => Place::Community(communities[place % COMMUNITIES]),
            domain::access::PlaceKind::Partner => Place::Partner(world.partners[0].id),
        };
        let end = end.map(|days| maker.moment(days));
        world.grants.push(maker.make(Grant::new(world.accounts[account].id, role, at, end), archived));
    }
    for &(some, about, reads, end, archived) in &plan.tokens {
        let token = ApiToken {
            name: "Loader".into(),
            hint: "cnc_abcd".into(),
            communities: picked(some, &communities),
            indicators: picked(about, &indicators),
            actions: vec![if reads { TokenAction::Read } else { TokenAction::RecordFigures }],
            addresses: Vec::new(),
            expires_at: end.map(|days| maker.moment(days)),
            replaces: None,
        };
        world.tokens.push(maker.make(token, archived));
    }
    for (place, &(community, status, visibility, some, author, about, archived)) in plan.learnings.iter().enumerate() {
        let slug = format!("l{place}");
        let learning = Learning {
            status,
            visibility,
            named: named(visibility, some, &communities),
            title: samples::text(if place % 2 == 0 { "Even winters" } else { "Odd winters" }),
            shared_at: status.is_out().then(|| maker.moment(-i64::from(some))),
            ..samples::learning(&slug, communities[community], None, picked(about, &indicators))
        };
        let mut learning = maker.make(learning, archived);
        if let Some(author) = author {
            learning.meta.created_by = format!("account:{}", world.accounts[author].id);
        }
        world.learnings.push(learning);
    }
}

async fn insert<N: Noun>(work: &dyn UnitOfWork, records: &[Stored<N>])
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    for record in records {
        Holds::<N>::repository(work.repositories()).insert(record).await.unwrap();
    }
}

/// Keeps a world.
pub(super) async fn keep(store: &SqlStore, world: &World) {
    let work = store.begin().await.unwrap();
    insert(&*work, &world.communities).await;
    insert(&*work, &world.indicators).await;
    insert(&*work, &world.versions).await;
    insert(&*work, &world.sources).await;
    insert(&*work, &world.networks).await;
    insert(&*work, &world.partners).await;
    insert(&*work, &world.memberships).await;
    insert(&*work, &world.rules).await;
    insert(&*work, &world.decisions).await;
    insert(&*work, &world.series).await;
    insert(&*work, &world.baselines).await;
    insert(&*work, &world.targets).await;
    insert(&*work, &world.accounts).await;
    insert(&*work, &world.grants).await;
    insert(&*work, &world.tokens).await;
    insert(&*work, &world.learnings).await;
    let mut rounds: BTreeMap<DateTime<Utc>, Vec<NewObservation>> = BTreeMap::new();
    for (observation, &smallest_count) in world.observations.iter().cloned().zip(&world.counts) {
        let Observation { series, period, figure, recorded_at, .. } = observation;
        let new = NewObservation { series, period, figure, inherits: false, smallest_count, cause: Default::default() };
        rounds.entry(recorded_at).or_default().push(new);
    }
    for (at, figures) in rounds {
        let outcomes = work.repositories().figures().record(&figures, at, Recorder::seeing("test")).await.unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Created | Outcome::Updated)), "{outcomes:?}");
    }
    // So they enter the feed of changes.
    let revisions = world.observations.len() as u64;
    work.emit(&Event::ObservationsRecorded { indicators: Default::default(), revisions }).await.unwrap();
    work.commit().await.unwrap();
}
