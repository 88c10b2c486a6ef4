//! The members of a network, as comparisons see them.

use domain::{
    community::{CommunityCode, Population},
    id::{CommunityId, NetworkId},
    membership::Membership,
    network::Network,
    port::{figures::Member, store::Store},
    small_cells::SuppressionPolicy,
};

use super::support::{community, day, hour, stored, text, world};
use crate::{
    SqlStore,
    tests::{Scratch, on_both},
};

async fn join(store: &SqlStore, network: NetworkId, community: CommunityId, joined: &str, left: Option<&str>) {
    let membership =
        stored(Membership { network, community, joined_on: day(joined), left_on: left.map(day), consent: None });
    let work = store.begin().await.unwrap();
    work.repositories().memberships().insert(&membership).await.unwrap();
    work.commit().await.unwrap();
}

on_both! {
    async fn members_are_those_of_the_day_with_their_newest_population(scratch: &Scratch) {
        let store = &scratch.store;
        let world = world(store).await;
        let mut counted = stored(community(None));
        counted.value.populations = [("2021-07-01", 12), ("2016-07-01", 10)]
            .map(|(as_of, persons)| Population { as_of: day(as_of), persons, source: None })
            .to_vec();
        let code = |code: &str, from: Option<&str>, until: Option<&str>| CommunityCode {
            scheme: "x:Y".parse().unwrap(),
            code: code.parse().unwrap(),
            valid_from: from.map(day),
            valid_until: until.map(day),
        };
        counted.value.codes = vec![code("1", None, Some("2019-01-01")), code("2", Some("2019-01-01"), None)];
        let mut gone = stored(community(None));
        gone.meta.archived_at = Some(hour(0));
        let network = stored(Network {
            slug: "network".parse().unwrap(),
            name: text("A network"),
            purpose: None,
            starts_on: day("2000-01-01"),
            ends_on: None,
            indicators: Vec::new(),
            suppression: SuppressionPolicy::default(),
        });
        let work = store.begin().await.unwrap();
        for community in [&counted, &gone] {
            work.repositories().communities().insert(community).await.unwrap();
        }
        work.repositories().networks().insert(&network).await.unwrap();
        work.commit().await.unwrap();
        join(store, network.id, counted.id, "2020-01-01", Some("2022-01-01")).await;
        join(store, network.id, gone.id, "2020-01-01", None).await;
        join(store, network.id, world.communities[0], "2021-01-01", None).await;

        let on = async |on: &str| {
            let mut members = store.read().figures().members(network.id, day(on)).await.unwrap();
            members.sort_by_key(|member| member.community);
            members
        };
        let plain = Member { community: world.communities[0], population: None, geography_changes: Vec::new() };
        let full = Member {
            community: counted.id,
            population: Some(12),
            geography_changes: vec![day("2019-01-01"), day("2019-01-01")],
        };
        assert_eq!(on("2019-12-31").await, []);
        assert_eq!(on("2020-01-01").await, std::slice::from_ref(&full));
        let mut both = vec![plain.clone(), full];
        both.sort_by_key(|member| member.community);
        assert_eq!(on("2021-12-31").await, both);
        assert_eq!(on("2022-01-01").await, [plain]);
    }
}
