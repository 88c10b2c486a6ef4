//! How far figures and learnings are shared: every level, for everybody, by every way in which they can be read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    app::App,
    cast::{Cast, ROLES},
    client::Client,
    fixture::{World, english, merge},
    matrix::OWN,
};

const STEWARD: &[&str] = &["steward"];
/// With one other community of the network.
const NAMED: &[&str] = &["here-reader", "contributor", "steward", "reading-token", "other-steward"];
/// Everybody who belongs to the network, through a community or by themselves. Who funds it does not.
const NETWORK: &[&str] = &[
    "here-reader",
    "contributor",
    "steward",
    "reading-token",
    "other-steward",
    "net-reader",
    "coordinator",
    "reviewer",
];

/// Who reads figures at each level, where the community has given its consent; and who reads learnings that are out.
const LEVELS: [(&str, &[&str], &[&str]); 6] = [
    ("PRIVATE", STEWARD, STEWARD),
    ("COMMUNITY", OWN, OWN),
    ("NAMED_COMMUNITIES", NAMED, NAMED),
    ("NETWORK", NETWORK, NETWORK),
    ("PUBLIC", &ROLES, &ROLES),
    // Nobody reads it alone but who answers for it.
    ("AGGREGATE_ONLY", STEWARD, STEWARD),
];

/// Every way to a figure of the community `here`: by its identifiers, in every list, in what is computed. Each says whether it is
/// there; all of them must agree.
const FIGURES: &str = "query($series: ID!, $observation: ID!, $baseline: ID!, $target: ID!, $all: [ID!]!) {
    series: node(id: $series) { id } observation: node(id: $observation) { id } baseline: node(id: $baseline) { id }
    target: node(id: $target) { id } nodes(ids: $all) { id }
    community(slug: \"here\") { latestValues { value } series { totalCount nodes { id latest { value } baseline { id } source { key }
        observations { totalCount nodes { id revisions { value } } } } } targets { totalCount nodes { id } } }
    indicator(code: \"rate\") { series { totalCount nodes { community { slug } } } targets { nodes { id } } }
    comparison(network: \"net\", indicator: \"rate\", baselinePeriod: \"2019\") { coverage { reporting }
        distribution { count median } aggregate { value communities } entries { community { slug } current { value } baseline { value }
        change target { gap } percentile } }
    changes(first: 100) { items { observation { id } } }
    alone: comparison(network: \"net\", indicator: \"rate\", communities: [\"here\"]) { coverage { reporting } entries { current { value } } } }";

/// What of it somebody finds: every way by its name, and whether it leads there.
fn found(data: &Value) -> Vec<(&'static str, bool)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let community = &data["community"];
    let entry = list(&data["comparison"]["entries"]).into_iter().find(|entry| entry["community"]["slug"] == "here");
    let entry = entry.expect("a member is in the comparison, whatever it shares");
    let of_here = |node: &Value| node["community"]["slug"] == "here";
    vec![
        ("series by id", !data["series"].is_null()),
        ("observation by id", !data["observation"].is_null()),
        ("baseline by id", !data["baseline"].is_null()),
        ("target by id", !data["target"].is_null()),
        ("all of them by id", list(&data["nodes"]).iter().all(|node| !node.is_null())),
        ("any of them by id", list(&data["nodes"]).iter().any(|node| !node.is_null())),
        ("newest values", !list(&community["latestValues"]).is_empty()),
        ("its series", !list(&community["series"]["nodes"]).is_empty()),
        ("the count of its series", community["series"]["totalCount"] == 1),
        ("the figures of its series", community["series"]["nodes"][0]["observations"]["totalCount"] == 2),
        ("the newest figure of its series", community["series"]["nodes"][0]["latest"]["value"].is_f64()),
        ("the baseline of its series", community["series"]["nodes"][0]["baseline"].is_object()),
        ("its targets", !list(&community["targets"]["nodes"]).is_empty()),
        ("the count of its targets", community["targets"]["totalCount"] == 1),
        ("series of the indicator", list(&data["indicator"]["series"]["nodes"]).iter().any(of_here)),
        ("the count of series of the indicator", data["indicator"]["series"]["totalCount"] == 1),
        ("the feed of changes", list(&data["changes"]["items"]).len() == 2),
        ("coverage", data["comparison"]["coverage"]["reporting"] == 1),
        ("its entry", !entry["current"].is_null()),
        ("its baseline in the comparison", !entry["baseline"].is_null()),
        ("its change", !entry["change"].is_null()),
        ("its distance to the target", entry["target"]["gap"].is_number()),
        ("the distribution", data["comparison"]["distribution"]["count"] == 1),
        ("coverage of it alone", data["alone"]["coverage"]["reporting"] == 1),
        ("its entry alone", !data["alone"]["entries"][0]["current"].is_null()),
    ]
}

async fn consent(cast: &Cast) {
    let input = json!({ "id": cast.id("membership"), "version": 1,
        "consent": { "purpose": english("Comparing"), "scope": english("All"), "grantedBy": "The council" } });
    cast.app.admin.change("membershipUpdate", input, "membership", "version").await;
}

#[tokio::test]
async fn figures_go_as_far_as_their_community_says_by_every_way() {
    let cast = Cast::assemble().await;
    consent(&cast).await;
    let ids = ["series", "observation", "baseline", "target"].map(|name| cast.id(name));
    let mut variables = json!({ "all": ids });
    for (name, id) in ["series", "observation", "baseline", "target"].iter().zip(ids) {
        merge(&mut variables, json!({ *name: id }));
    }
    let mut wrong = Vec::new();
    for (version, (level, readers, _)) in (1..).zip(LEVELS) {
        let named = if level == "NAMED_COMMUNITIES" { vec![cast.id("there")] } else { Vec::new() };
        let input =
            json!({ "id": cast.id("rule"), "version": version, "visibility": level, "namedCommunities": named });
        cast.app.admin.change("sharingRuleUpdate", input, "sharingRule", "visibility").await;
        for role in ROLES {
            let data = cast.people[role].data(FIGURES, variables.clone()).await;
            let expected = readers.contains(&role);
            let strays: Vec<_> =
                found(&data).into_iter().filter(|(_, there)| *there != expected).map(|way| way.0).collect();
            if !strays.is_empty() {
                wrong
                    .push(format!("{level}, {role}: {strays:?} should {}be there", if expected { "" } else { "not " }));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn learnings_go_as_far_as_they_say_by_every_way() {
    let cast = Cast::assemble().await;
    consent(&cast).await;
    let id = cast.id("shared");
    let query = "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } learning(slug: \"shared\") { id }
        learnings(filter: { text: \"shared\" }) { totalCount nodes { id } } sorted: learnings(orderBy: { field: TITLE }) { nodes { id } }
        community(slug: \"here\") { learnings { totalCount nodes { id } } } }";
    let mut wrong = Vec::new();
    for (place, (level, _, readers)) in LEVELS.into_iter().enumerate() {
        let seen = cast
            .app
            .admin
            .data("query($id: ID!) { node(id: $id) { ... on Learning { version } } }", json!({ "id": id }))
            .await;
        let named = if level == "NAMED_COMMUNITIES" { vec![cast.id("there")] } else { Vec::new() };
        let input =
            json!({ "id": id, "version": seen["node"]["version"], "visibility": level, "namedCommunities": named });
        cast.app.admin.change("learningUpdate", input, "learning", "visibility").await;
        for role in ROLES {
            let data = cast.people[role].data(query, json!({ "id": id })).await;
            let holds = |list: &Value| list["nodes"].as_array().unwrap().iter().any(|node| node["id"] == id);
            let drafts = u64::from(["contributor", "steward"].contains(&role));
            let expected = readers.contains(&role);
            let ways = [
                ("node", !data["node"].is_null()),
                ("nodes", !data["nodes"][0].is_null()),
                ("by its address", !data["learning"].is_null()),
                ("found by its text", holds(&data["learnings"])),
                ("counted", data["learnings"]["totalCount"] == 1),
                ("in order", holds(&data["sorted"])),
                ("of its community", holds(&data["community"]["learnings"])),
                (
                    "counted for its community",
                    data["community"]["learnings"]["totalCount"].as_u64() == Some(1 + drafts),
                ),
            ];
            let strays: Vec<_> = ways.into_iter().filter(|way| way.1 != expected).map(|way| way.0).collect();
            if !strays.is_empty() {
                wrong.push(format!("{place} {level}, {role}: {strays:?}, expected {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Nothing leaves for the network without the community's consent, nor after that has ended or was withdrawn.
#[tokio::test]
async fn learnings_for_the_network_need_consent() {
    let cast = Cast::assemble().await;
    let input = json!({ "id": cast.id("shared"), "version": 1, "visibility": "NETWORK" });
    cast.app.admin.change("learningUpdate", input, "learning", "visibility").await;
    let query = "query($id: ID!) { node(id: $id) { id } learning(slug: \"shared\") { id } learnings { nodes { id } }
        community(slug: \"here\") { learnings { nodes { id } } } }";
    let today = chrono::Utc::now().date_naive();
    let ending = |days: i64| {
        let last = today + chrono::TimeDelta::days(days);
        json!({ "purpose": english("Comparing"), "scope": english("All"), "grantedBy": "The council", "expiresOn": last.to_string() })
    };
    for (version, (consent, readers)) in (1..).zip([
        (Value::Null, OWN),
        (ending(1), NETWORK),
        (ending(-1), OWN),
        (ending(0), NETWORK),
        (Value::Null, OWN),
    ]) {
        if !(version == 1 && consent.is_null()) {
            let input = json!({ "id": cast.id("membership"), "version": version - 1, "consent": consent });
            cast.app.admin.change("membershipUpdate", input, "membership", "version").await;
        }
        for role in ROLES {
            let data = cast.people[role].data(query, json!({ "id": cast.id("shared") })).await;
            let holds =
                |list: &Value| list["nodes"].as_array().unwrap().iter().any(|node| node["id"] == cast.id("shared"));
            let ways = [
                !data["node"].is_null(),
                !data["learning"].is_null(),
                holds(&data["learnings"]),
                holds(&data["community"]["learnings"]),
            ];
            assert_eq!(ways, [readers.contains(&role); 4], "{role}, consent {consent}");
        }
    }
}

/// Whether there is a learning that one may not read is not told by its address either.
#[tokio::test]
async fn the_address_of_a_hidden_learning_is_free() {
    let app = App::start().await;
    let steward = async |slug: &str| {
        let community = app.community(slug).await;
        let role =
            json!([{ "role": "STEWARD", "community": community }, { "role": "CONTRIBUTOR", "community": community }]);
        (app.somebody(&format!("{slug}@example.org"), role).await.client, community)
    };
    let ((ada, here), (bob, there)) = (steward("here").await, steward("there").await);
    let learning = |community: &str, slug: &str, visibility: &str, status: &str| {
        json!({ "slug": slug, "community": community, "author": "A", "kind": "WORKED", "issue": "OTHER", "title": english(slug),
            "whatWeDid": english("This"), "whatHappened": english("That"), "evidenceStage": "EMERGING",
            "visibility": visibility, "status": status })
    };
    let find = async |client: &Client| {
        let found = client.data("{ learning(slug: \"x\") { community { slug } } }", json!({})).await["learning"].take();
        found["community"]["slug"].as_str().map(str::to_owned)
    };
    let create = async |client: &Client, input: Value| {
        client.change("learningCreate", input, "learning", "id slug version").await
    };
    let hidden = create(&ada, learning(&here, "x", "PRIVATE", "SHARED")).await;
    let other = create(&bob, learning(&there, "other", "PUBLIC", "SHARED")).await;
    assert_eq!(find(&bob).await, None);
    // As an address that nobody has: by creating and by changing, and the slug is what was asked for.
    let renamed = json!({ "id": other["id"], "version": 1, "slug": "x" });
    let renamed = bob.change("learningUpdate", renamed, "learning", "id slug version").await;
    assert_eq!(renamed["slug"], "x");
    let (back, version) = (json!({ "id": other["id"], "version": 2, "slug": "other" }), json!(3));
    let back = bob.change("learningUpdate", back, "learning", "version").await;
    assert_eq!(back["version"], version);
    let draft = create(&bob, learning(&there, "x", "PUBLIC", "DRAFT")).await;
    assert_eq!((&draft["slug"], find(&bob).await.as_deref()), (&json!("x"), Some("there")));
    assert_eq!(find(&ada).await.as_deref(), Some("here"));

    // Whoever may read it is told that it is taken, also when it comes to be read by more.
    let taken = [("input.slug".to_owned(), "TAKEN".to_owned())];
    let errors = bob.refusal("learningCreate", learning(&there, "x", "PRIVATE", "DRAFT"), "learning").await;
    assert_eq!(crate::client::codes(&errors), taken);
    let share = json!({ "id": draft["id"], "version": 1, "status": "SHARED" });
    bob.change("learningUpdate", share, "learning", "id").await;
    let publish = json!({ "id": hidden["id"], "version": 1, "visibility": "PUBLIC" });
    let errors = ada.refusal("learningUpdate", publish.clone(), "learning").await;
    assert_eq!(crate::client::codes(&errors), taken, "nobody takes over an address that others know");
    let mut publish = publish;
    merge(&mut publish, json!({ "slug": "y" }));
    ada.change("learningUpdate", publish, "learning", "id").await;
    assert_eq!(find(&app.anonymous).await.as_deref(), Some("there"));
}

/// Five communities with counts: two that everybody reads, three that enter totals alone.
struct Totals {
    app: App,
    world: World,
    hidden: Vec<String>,
}

impl Totals {
    async fn new() -> Self {
        let app = App::start().await;
        let mut world = app.world().await;
        let counts = json!({ "measure": "COUNT", "unit": english("homes"), "decimals": 0, "additivity": "SUM", "countsPersons": false });
        world.version = app.version(&world.indicator, counts).await;
        let mut hidden = Vec::new();
        for (place, value) in [100.0, 200.0, 30.0, 40.0, 50.0].into_iter().enumerate() {
            let community = app.member(&world.network, &format!("c{place}")).await;
            app.record(&world, &community, "2020", json!({ "value": value })).await;
            if place >= 2 {
                app.create("sharingRule", json!({ "community": community, "visibility": "AGGREGATE_ONLY" })).await;
                hidden.push(community);
            }
        }
        Self { app, world, hidden }
    }

    async fn consent(&self) {
        let query = "{ communities { nodes { memberships { nodes { id } } } } }";
        let all = self.app.admin.data(query, json!({})).await;
        for community in all["communities"]["nodes"].as_array().unwrap() {
            let input = json!({ "id": community["memberships"]["nodes"][0]["id"], "version": 1,
                "consent": { "purpose": english("Comparing"), "scope": english("All"), "grantedBy": "The council" } });
            self.app.admin.change("membershipUpdate", input, "membership", "version").await;
        }
    }

    /// The value, and over how many communities, some of them withheld.
    async fn total(&self, client: &Client, communities: &str) -> (Value, Value, Value) {
        let query = format!("{{ comparison(network: \"net\", indicator: \"rate\"{communities}) {{ aggregate {{ value communities withheldCommunities }}
            coverage {{ reporting }} distribution {{ count }} entries {{ community {{ slug }} current {{ value }} }} }} }}");
        let compared = client.data(&query, json!({})).await["comparison"].take();
        let seen = compared["entries"].as_array().unwrap().iter().filter(|entry| !entry["current"].is_null()).count();
        assert_eq!(compared["coverage"]["reporting"], seen, "what is withheld is counted nowhere else");
        let total = &compared["aggregate"];
        (total["value"].clone(), total["communities"].clone(), total["withheldCommunities"].clone())
    }
}

#[tokio::test]
async fn totals_hold_what_nobody_reads_alone_for_those_who_belong_to_the_network() {
    let totals = Totals::new().await;
    let role = |role: &str| json!([{ "role": role, "network": totals.world.network }]);
    let member = totals.app.somebody("m@example.org", role("MEMBER_READER")).await.client;
    let funder = totals.app.somebody("f@example.org", role("FUNDER")).await.client;
    let coordinator = totals.app.somebody("c@example.org", role("COORDINATOR")).await.client;
    let without = (json!(300.0), json!(2), json!(0));
    for client in [&totals.app.anonymous, &member, &funder, &coordinator] {
        assert_eq!(totals.total(client, "").await, without, "nothing enters without the community's consent");
    }
    totals.consent().await;
    for client in [&member, &funder, &coordinator] {
        assert_eq!(totals.total(client, "").await, (json!(420.0), json!(5), json!(3)));
        // Who chooses the communities could take one from another.
        assert_eq!(totals.total(client, ", communities: [\"c0\", \"c1\", \"c2\", \"c3\", \"c4\"]").await, without);
    }
    assert_eq!(totals.total(&totals.app.anonymous, "").await, without);
    // Two are too few to hide behind each other.
    let rules = totals
        .app
        .admin
        .data(
            "query($c: ID) { sharingRules(filter: { community: $c }) { nodes { id } } }",
            json!({ "c": totals.hidden[0] }),
        )
        .await;
    let rule = json!({ "id": rules["sharingRules"]["nodes"][0]["id"], "version": 1, "visibility": "PRIVATE" });
    totals.app.admin.change("sharingRuleUpdate", rule, "sharingRule", "id").await;
    for client in [&member, &funder, &coordinator] {
        assert_eq!(totals.total(client, "").await, without);
    }
}

#[tokio::test]
async fn what_enters_a_total_from_under_an_authority_leaves_a_trace() {
    let totals = Totals::new().await;
    totals.consent().await;
    let app = &totals.app;
    let authority = json!({ "id": totals.hidden[0], "version": 1, "indigenousDataAuthority": "The council" });
    app.admin.change("communityUpdate", authority, "community", "version").await;
    app.create("authorityDecision", json!({ "community": totals.hidden[0], "act": "AGGREGATE" })).await;
    let role = json!([{ "role": "MEMBER_READER", "network": totals.world.network }]);
    let member = app.somebody("m@example.org", role).await.client;
    let query = "{ auditEntries(filter: { action: [READ_UNDER_AUTHORITY] }) {
        nodes { actorKind detail objectId community { slug } } } }";
    let reads = async || app.admin.data(query, json!({})).await["auditEntries"]["nodes"].take();
    assert_eq!(totals.total(&app.anonymous, "").await, (json!(300.0), json!(2), json!(0)));
    assert_eq!(reads().await, json!([]), "where nothing of it enters");
    let entry = json!({ "actorKind": "PERSON", "detail": "a total", "objectId": totals.hidden[0], "community": { "slug": "c2" } });
    // The second answer comes from the cache.
    for seen in [json!([entry]), json!([entry, entry])] {
        assert_eq!(totals.total(&member, "").await, (json!(420.0), json!(5), json!(3)));
        assert_eq!(reads().await, seen);
    }
}

#[tokio::test]
async fn every_role_there_is_is_tried() {
    let named: BTreeSet<&str> = LEVELS.iter().map(|level| level.0).collect();
    let sdl = api::graphql::schema::sdl();
    let values = sdl.split("\nenum Visibility {").nth(1).unwrap().split('}').next().unwrap();
    let all: BTreeSet<&str> = values
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && line.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect();
    assert_eq!(named, all, "a level that this table does not know");
}
