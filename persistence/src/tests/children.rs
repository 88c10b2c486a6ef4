//! The lists of several parents at once are the lists of each.

use std::collections::HashMap;

use domain::{
    access::Scope,
    baseline::{Baseline, BaselineFilter, BaselineParent, BaselineSort},
    community::{Community, CommunityFilter, CommunityParent, CommunitySort, Population},
    id::EntityId as _,
    indicator::{
        Indicator, IndicatorFilter, IndicatorParent, IndicatorSort, IndicatorVersion, IndicatorVersionFilter,
        IndicatorVersionParent, IndicatorVersionSort,
    },
    initiative::{InitiativeFilter, InitiativeParent, InitiativeSort},
    learning::{LearningFilter, LearningParent, LearningSort},
    membership::{Membership, MembershipFilter, MembershipParent, MembershipSort},
    page::{Direction, ListQuery, Order, Page, PageArgs},
    participation::{ParticipationFilter, ParticipationParent, ParticipationSort},
    partner::{PartnerFilter, PartnerParent, PartnerSort},
    port::store::{Holds, Repositories, Store as _},
    record::{Noun, Stored},
    series::{Disaggregation, Series, SeriesFilter, SeriesParent, SeriesSort},
    target::{Target, TargetFilter, TargetParent, TargetSort},
};
use uuid::Uuid;

use super::{Scratch, on_both, samples::*};
use crate::SqlStore;

/// Holds `list_of` against one `list` for each parent, whose filter `only` makes; pages of every size, from either end,
/// after a cursor, counted. Answers how many children there were in all, so that nothing is compared with nothing.
async fn same<N: Noun>(
    store: &SqlStore,
    parent: N::Parent,
    ids: &[Uuid],
    sorts: &[N::Sort],
    only: impl Fn(Uuid) -> N::Filter,
) -> usize
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let repository = Holds::<N>::repository(store.read());
    let mut seen = 0;
    for &by in sorts {
        for direction in [Direction::Ascending, Direction::Descending] {
            for size in [1, 2, 100] {
                for from_end in [false, true] {
                    let mut page = PageArgs { from_end, ..PageArgs::first(size) };
                    // Then once more, from where the first parent's first page ended.
                    for _ in 0..2 {
                        let query = |filter| ListQuery {
                            filter,
                            order: Order { by, direction },
                            page: page.clone(),
                            count: true,
                            archived: false,
                        };
                        let mut all = repository
                            .list_of(&Scope::Everything, parent, ids, &query(N::Filter::default()))
                            .await
                            .unwrap();
                        let mut next = None;
                        for &id in ids {
                            let expected = repository.list(&Scope::Everything, &query(only(id))).await.unwrap();
                            let edge = if from_end { expected.items.first() } else { expected.items.last() };
                            next = next.or_else(|| edge.map(|(cursor, _)| cursor.clone()));
                            seen += expected.items.len();
                            let found = all.remove(&id);
                            // A parent by itself is asked for in another way.
                            let query = query(N::Filter::default());
                            let alone = repository.list_of(&Scope::Everything, parent, &[id], &query).await;
                            assert_eq!(alone.unwrap().remove(&id), found);
                            assert_eq!(
                                found.unwrap_or_else(|| empty(&page)),
                                expected,
                                "{parent:?} {by:?} {direction:?} {size} {from_end}"
                            );
                        }
                        assert!(all.is_empty());
                        if from_end { page.before = next } else { page.after = next }
                    }
                }
            }
        }
    }
    seen
}

/// What a parent without children has.
fn empty<T>(page: &PageArgs) -> Page<T> {
    Page::from_fetched(Vec::new(), page, Some(0))
}

fn all<N: Noun>(records: &[Stored<N>]) -> Vec<Uuid> {
    records.iter().map(id).chain([Uuid::now_v7()]).collect()
}

async fn some_communities(store: &SqlStore) -> Vec<Stored<Community>> {
    let communities: Vec<_> = (0..6)
        .map(|n| {
            let populations =
                (n % 3 > 0).then(|| Population { as_of: day("2020-01-01"), persons: n % 3, source: None });
            stored(
                Community { populations: populations.into_iter().collect(), ..community(&format!("c{n}")) },
                moment(n % 2),
            )
        })
        .collect();
    keep_all(store, &communities).await;
    communities
}

on_both! {
    async fn of_networks(scratch: &Scratch) {
        let store = &*scratch.store;
        let communities = some_communities(store).await;
        let indicators: Vec<Stored<Indicator>> = (0..4).map(|n| stored(indicator(&format!("i{n}")), moment(0))).collect();
        keep_all(store, &indicators).await;
        let networks = vec![
            keep(store, network("n0", indicators.iter().map(|i| i.id).collect())).await,
            keep(store, network("n1", indicators.iter().skip(2).map(|i| i.id).collect())).await,
        ];
        for (n, community) in communities.iter().enumerate() {
            keep(store, membership(networks[n % 2].id, community.id)).await;
            if n % 3 == 0 {
                keep(store, membership(networks[(n + 1) % 2].id, community.id)).await;
            }
        }
        // Neither of these is a membership at present; an earlier one of the same community is.
        let past = Membership { joined_on: day("2001-01-01"), left_on: Some(day("2019-01-01")), ..membership(networks[0].id, communities[0].id) };
        keep(store, past).await;
        let mut archived = stored(membership(networks[1].id, communities[5].id), moment(0));
        archived.meta.archived_at = Some(moment(1));
        keep_all(store, &[archived]).await;
        let ids = all(&networks);

        let sorts = [CommunitySort::Name, CommunitySort::Population, CommunitySort::CreatedAt];
        let seen = same::<Community>(store, CommunityParent::Network, &ids, &sorts, |id| CommunityFilter {
            network: Some(id.into()),
            ..CommunityFilter::default()
        })
        .await;
        assert!(seen > 0);
        let sorts = [IndicatorSort::Code, IndicatorSort::Name];
        let seen = same::<Indicator>(store, IndicatorParent::Network, &ids, &sorts, |id| IndicatorFilter {
            network: Some(id.into()),
            ..IndicatorFilter::default()
        })
        .await;
        assert!(seen > 0);
        let seen = same::<Membership>(store, MembershipParent::Network, &ids, &[MembershipSort::JoinedOn, MembershipSort::CreatedAt], |id| MembershipFilter {
            network: Some(id.into()),
            ..MembershipFilter::default()
        })
        .await;
        assert!(seen > 0);
        let seen = same::<Membership>(store, MembershipParent::Community, &all(&communities), &[MembershipSort::CreatedAt], |id| {
            MembershipFilter { community: Some(id.into()), ..MembershipFilter::default() }
        })
        .await;
        assert!(seen > 0);
    }

    async fn of_initiatives_and_partners(scratch: &Scratch) {
        let store = &*scratch.store;
        let communities = some_communities(store).await;
        let partners = [keep(store, partner("p0")).await, keep(store, partner("p1")).await, keep(store, partner("p2")).await];
        let mut initiatives = Vec::new();
        for n in 0..5_usize {
            let others = communities.iter().skip(3).take(n % 3).map(|c| c.id).collect();
            let initiative = keep(store, initiative(&format!("i{n}"), communities[n % 3].id, others)).await;
            // The same partner in two initiatives of one community is one partner of it.
            for partner in &partners[..=n % 3] {
                keep(store, participation(initiative.id, partner.id)).await;
            }
            initiatives.push(initiative);
        }
        let ids = all(&communities);
        let sorts = [InitiativeSort::Title, InitiativeSort::StartedOn, InitiativeSort::CreatedAt];
        let seen = same::<domain::initiative::Initiative>(store, InitiativeParent::Community, &ids, &sorts, |id| InitiativeFilter {
            community: Some(id.into()),
            ..InitiativeFilter::default()
        })
        .await;
        assert!(seen > 0);
        let seen = same::<domain::partner::Partner>(store, PartnerParent::Community, &ids, &[PartnerSort::Name], |id| PartnerFilter {
            community: Some(id.into()),
            ..PartnerFilter::default()
        })
        .await;
        assert!(seen > 0);
        let sorts = [ParticipationSort::JoinedOn, ParticipationSort::CreatedAt];
        let seen = same::<domain::participation::Participation>(store, ParticipationParent::Initiative, &all(&initiatives), &sorts, |id| {
            ParticipationFilter { initiative: Some(id.into()), ..ParticipationFilter::default() }
        })
        .await;
        assert!(seen > 0);
        let seen = same::<domain::participation::Participation>(store, ParticipationParent::Partner, &all(&partners), &sorts, |id| {
            ParticipationFilter { partner: Some(id.into()), ..ParticipationFilter::default() }
        })
        .await;
        assert!(seen > 0);
    }

    async fn of_learnings_and_indicators(scratch: &Scratch) {
        let store = &*scratch.store;
        let communities = some_communities(store).await;
        let indicators: Vec<Stored<Indicator>> = (0..3).map(|n| stored(indicator(&format!("i{n}")), moment(0))).collect();
        keep_all(store, &indicators).await;
        let project = keep(store, initiative("project", communities[0].id, Vec::new())).await;
        let mut learnings = Vec::new();
        for n in 0..6_usize {
            let about = indicators.iter().take(n % 4).map(|i| i.id).collect();
            let value = domain::learning::Learning {
                shared_at: (n % 2 == 0).then(|| moment(7)),
                ..learning(&format!("l{n}"), communities[n % 2].id, (n > 2).then_some(project.id), about)
            };
            learnings.push(keep(store, value).await);
        }
        let sorts = [LearningSort::SharedAt, LearningSort::Title];
        for (parent, ids) in [
            (LearningParent::Community, all(&communities)),
            (LearningParent::Initiative, all(&[project])),
            (LearningParent::Indicator, all(&indicators)),
        ] {
            let seen = same::<domain::learning::Learning>(store, parent, &ids, &sorts, |id| match parent {
                LearningParent::Community => LearningFilter { community: Some(id.into()), ..LearningFilter::default() },
                LearningParent::Initiative => LearningFilter { initiative: Some(id.into()), ..LearningFilter::default() },
                LearningParent::Indicator => LearningFilter { indicator: Some(id.into()), ..LearningFilter::default() },
            })
            .await;
            assert!(seen > 0, "{parent:?}");
        }
        // There is no filter for the indicators of a learning: they are in the learning itself.
        let query: ListQuery<IndicatorFilter, IndicatorSort> = ListQuery::default();
        let ids: Vec<Uuid> = all(&learnings);
        let found = store.read().indicators().list_of(&Scope::Everything, IndicatorParent::Learning, &ids, &query).await.unwrap();
        let found: HashMap<Uuid, Vec<_>> =
            found.into_iter().map(|(id, page)| (id, page.items.into_iter().map(|(_, i)| i.id).collect())).collect();
        for learning in &learnings {
            assert_eq!(found.get(&learning.id.uuid()).cloned().unwrap_or_default(), learning.indicators);
        }
    }

    async fn of_series_and_all_that_hangs_on_them(scratch: &Scratch) {
        let store = &*scratch.store;
        let communities = some_communities(store).await;
        let indicators = [keep(store, indicator("i0")).await, keep(store, indicator("i1")).await];
        let source = keep(store, source("s")).await;
        let (mut all_series, mut versions) = (Vec::new(), Vec::new());
        for (n, indicator) in indicators.iter().enumerate() {
            for number in 1..=3 {
                let effective_from = day(["2015-01-01", "2020-01-01"][usize::from(number == 2)]);
                versions.push(keep(store, IndicatorVersion { effective_from, ..version(indicator.id, number) }).await);
            }
            for community in communities.iter().skip(n) {
                for part in ["", "sex=f", "sex=m"] {
                    let disaggregation: Disaggregation = part.parse().unwrap();
                    let one = series(community.id, indicator.id, versions[n * 3].id, source.id);
                    all_series.push(keep(store, Series { disaggregation, ..one }).await);
                }
            }
            for community in communities.iter().take(3) {
                keep(store, target(indicator.id, versions[n * 3].id, community.id)).await;
                let sooner = Target { due_on: day("2027-01-01"), ..target(indicator.id, versions[n * 3].id, community.id) };
                keep(store, sooner).await;
            }
        }
        for (n, series) in all_series.iter().step_by(2).enumerate() {
            let period = ["2015", "2014"][n % 2].parse().unwrap();
            keep(store, Baseline { period, ..baseline(series.id) }).await;
        }
        let (places, what) = (all(&communities), all(&indicators));
        let seen = same::<IndicatorVersion>(
            store,
            IndicatorVersionParent::Indicator,
            &what,
            &[IndicatorVersionSort::Number, IndicatorVersionSort::EffectiveFrom],
            |id| IndicatorVersionFilter { indicator: Some(id.into()), ..IndicatorVersionFilter::default() },
        )
        .await;
        assert!(seen > 0);
        for (parent, ids) in [(SeriesParent::Community, &places), (SeriesParent::Indicator, &what)] {
            let seen = same::<Series>(store, parent, ids, &[SeriesSort::CreatedAt, SeriesSort::Disaggregation], |id| match parent {
                SeriesParent::Community => SeriesFilter { community: Some(id.into()), ..SeriesFilter::default() },
                SeriesParent::Indicator => SeriesFilter { indicators: Some(vec![id.into()]), ..SeriesFilter::default() },
            })
            .await;
            assert!(seen > 0, "{parent:?}");
        }
        for (parent, ids) in [(BaselineParent::Community, &places), (BaselineParent::Series, &all(&all_series))] {
            let seen = same::<Baseline>(store, parent, ids, &[BaselineSort::CreatedAt, BaselineSort::PeriodEnd], |id| match parent {
                BaselineParent::Community => BaselineFilter { community: Some(id.into()), ..BaselineFilter::default() },
                BaselineParent::Series => BaselineFilter { series: Some(id.into()), ..BaselineFilter::default() },
            })
            .await;
            assert!(seen > 0, "{parent:?}");
        }
        for (parent, ids) in [(TargetParent::Community, &places), (TargetParent::Indicator, &what)] {
            let seen = same::<Target>(store, parent, ids, &[TargetSort::DueOn, TargetSort::CreatedAt], |id| match parent {
                TargetParent::Community => TargetFilter { community: Some(id.into()), ..TargetFilter::default() },
                TargetParent::Indicator => TargetFilter { indicator: Some(id.into()), ..TargetFilter::default() },
                TargetParent::Network => TargetFilter { network: Some(id.into()), ..TargetFilter::default() },
            })
            .await;
            assert!(seen > 0, "{parent:?}");
        }
    }
}
