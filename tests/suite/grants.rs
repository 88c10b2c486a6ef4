//! Roles: who gives them, who takes them back, and that nobody has them back or takes a place by any detour.

use serde_json::{Value, json};

use crate::{
    app::App,
    cli::{concert, run},
    fixture::english,
    identity::{PASSWORD, Someone, VIEWER},
};

/// The roles that somebody holds now.
async fn holds(someone: &Someone) -> Vec<String> {
    let seen = someone.client.data(VIEWER, json!({})).await["viewer"]["grants"].take();
    seen.as_array().unwrap().iter().map(|grant| grant["role"].as_str().unwrap().to_owned()).collect()
}

/// The grants of an account that the operator sees, newest last: id and version.
async fn grants(app: &App, account: &str) -> Vec<(Value, Value)> {
    let query = "query($a: ID) { grants(filter: { account: $a, includeArchived: true }) { nodes { id version } } }";
    let found = app.admin.data(query, json!({ "a": account })).await["grants"]["nodes"].take();
    found.as_array().unwrap().iter().map(|grant| (grant["id"].clone(), grant["version"].clone())).collect()
}

/// What becomes of giving somebody a role: nothing, or the code of the refusal.
async fn give(by: &Someone, to: &Someone, role: &str, place: &str, id: &str) -> Option<String> {
    let input = json!({ "account": to.account, "role": role, place: id });
    answer(by, "grantCreate(input: $input)", "GrantCreateInput", input).await
}

/// What becomes of archiving one or bringing it back.
async fn archive(by: &Someone, grant: &(Value, Value), archived: bool) -> Option<String> {
    let input = json!({ "id": grant.0, "version": grant.1, "archived": archived });
    answer(by, "grantArchive(input: $input)", "ArchiveInput", input).await
}

async fn answer(by: &Someone, change: &str, kind: &str, input: Value) -> Option<String> {
    let query = format!("mutation($input: {kind}!) {{ done: {change} {{ userErrors {{ code }} }} }}");
    let done = by.client.data(&query, json!({ "input": input })).await["done"].take();
    done["userErrors"][0]["code"].as_str().map(str::to_owned)
}

fn forbidden() -> Option<String> {
    Some("FORBIDDEN".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_was_taken_back_is_not_taken_again() {
    let app = App::start().await;
    let network = app.network("net").await;
    let community = app.member(&network, "c").await;
    let partner = app.create("partner", json!({ "slug": "p", "name": english("P"), "sector": "NONPROFIT" })).await;
    let roles = [
        ("MEMBER_READER", Some(("network", &network))),
        ("MEMBER_READER", Some(("community", &community))),
        ("CONTRIBUTOR", Some(("community", &community))),
        ("STEWARD", Some(("community", &community))),
        ("DATA_AUTHORITY", Some(("community", &community))),
        ("PARTNER_REPRESENTATIVE", Some(("partner", &partner))),
        ("REVIEWER", Some(("network", &network))),
        ("COORDINATOR", Some(("network", &network))),
        ("FUNDER", Some(("network", &network))),
        ("ADMINISTRATOR", None),
    ];
    for (number, (role, place)) in roles.into_iter().enumerate() {
        let mut grant = json!({ "role": role });
        if let Some((place, id)) = place {
            grant[place] = json!(id);
        }
        for given_up in [false, true] {
            let email = format!("p{number}{given_up}@example.org");
            let somebody = app.somebody(&email, json!([grant])).await;
            let held = grants(&app, &somebody.account).await.remove(0);
            if given_up {
                assert_eq!(archive(&somebody, &held, true).await, None, "{role} is given up");
            } else {
                let back = json!({ "id": held.0, "version": held.1 });
                app.admin.change("grantArchive", back, "grant", "id").await;
            }
            assert!(holds(&somebody).await.is_empty());
            // One's own is still seen, as what it was.
            let held = grants(&app, &somebody.account).await.remove(0);
            let query = "query($id: ID!) { node(id: $id) { ... on Grant { viewerCanArchive } } }";
            let seen = somebody.client.data(query, json!({ "id": held.0 })).await;
            assert_eq!(seen["node"], json!({ "viewerCanArchive": false }), "{role}");
            assert_eq!(archive(&somebody, &held, false).await, forbidden(), "{role}, given up: {given_up}");
            assert!(holds(&somebody).await.is_empty(), "{role}, given up: {given_up}");
            let again = json!({ "id": held.0, "version": held.1, "archived": false });
            app.admin.change("grantArchive", again, "grant", "id").await;
            assert_eq!(holds(&somebody).await, [role]);
            let held = grants(&app, &somebody.account).await.remove(0);
            app.admin.change("grantArchive", json!({ "id": held.0, "version": held.1 }), "grant", "id").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_has_ended_does_not_come_back() {
    let app = App::start().await;
    let network = app.network("net").await;
    let soon = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    let grant = json!({ "role": "REVIEWER", "network": network, "expiresAt": soon.to_rfc3339() });
    let ada = app.somebody("ada@example.org", json!([grant])).await;
    let held = grants(&app, &ada.account).await.remove(0);
    app.admin.change("grantArchive", json!({ "id": held.0, "version": held.1 }), "grant", "id").await;
    app.clock.pass(3_601);
    let again = json!({ "id": held.0, "version": 2, "archived": false });
    let refused = app.admin.refusal("grantArchive", again, "grant").await;
    assert_eq!((&refused[0]["path"], &refused[0]["code"]), (&json!(["input", "expiresAt"]), &json!("OUT_OF_RANGE")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_steward_is_named_once_and_by_the_network_that_was_there_first() {
    let app = App::start().await;
    let (network, other) = (app.network("net").await, app.network("other").await);
    let (here, there) = (app.member(&network, "here").await, app.member(&network, "there").await);
    let nation = json!({ "slug": "nation", "name": english("Nation"), "kind": "FIRST_NATION", "country": "CA",
        "indigenousDataAuthority": "The council" });
    let nation = app.create("community", nation).await;
    app.create("membership", json!({ "network": network, "community": nation, "joinedOn": "2015-01-01" })).await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "COORDINATOR", "network": network }])).await;
    let eve = app.somebody("eve@example.org", json!([{ "role": "COORDINATOR", "network": other }])).await;
    let root = app.somebody("root@example.org", json!([{ "role": "ADMINISTRATOR" }])).await;

    // Whoever runs a network takes in whom they like, and is master of nobody by that.
    for community in [&here, &there] {
        let input = json!({ "network": other, "community": community, "joinedOn": "2010-01-01" });
        eve.client.change("membershipCreate", input, "membership", "id").await;
        assert_eq!(give(&eve, &eve, "STEWARD", "community", community).await, forbidden());
    }
    assert_eq!(give(&ada, &ada, "STEWARD", "community", &nation).await, forbidden(), "an authority speaks for it");

    assert_eq!(give(&ada, &ada, "STEWARD", "community", &here).await, None);
    let held = grants(&app, &ada.account).await.remove(1);
    app.admin.change("grantArchive", json!({ "id": held.0, "version": held.1 }), "grant", "id").await;
    assert_eq!(give(&ada, &ada, "STEWARD", "community", &here).await, forbidden(), "there was one");
    assert_eq!(give(&root, &ada, "STEWARD", "community", &here).await, None);

    // One that has ended was one too.
    let soon = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    let input =
        json!({ "account": ada.account, "role": "STEWARD", "community": there, "expiresAt": soon.to_rfc3339() });
    assert_eq!(answer(&ada, "grantCreate(input: $input)", "GrantCreateInput", input).await, None);
    app.clock.pass(3_601);
    let again = app.sign_in("ada@example.org", PASSWORD).await;
    let access = again["accessToken"].as_str().unwrap();
    let ada = Someone { client: crate::client::Client::new(&app.url, Some(access)), ..ada };
    assert_eq!(give(&ada, &ada, "STEWARD", "community", &there).await, forbidden());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_a_community_has_left_names_nobody() {
    let app = App::start().await;
    let (network, other) = (app.network("net").await, app.network("other").await);
    let community = app.member(&network, "c").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "COORDINATOR", "network": network }])).await;
    let eve = app.somebody("eve@example.org", json!([{ "role": "COORDINATOR", "network": other }])).await;
    let query = "{ community(slug: \"c\") { memberships { nodes { id } } } }";
    let membership = app.admin.data(query, json!({})).await["community"]["memberships"]["nodes"][0]["id"].take();
    app.admin.change("membershipArchive", json!({ "id": membership, "version": 1 }), "membership", "id").await;
    let input = json!({ "network": other, "community": community, "joinedOn": "2020-01-01" });
    eve.client.change("membershipCreate", input, "membership", "id").await;
    for coordinator in [&ada, &eve] {
        assert_eq!(give(coordinator, coordinator, "STEWARD", "community", &community).await, forbidden());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_membership_comes_back_without_the_consent_that_it_had() {
    let app = App::start().await;
    let network = app.network("net").await;
    let community = app.community("c").await;
    let consent = json!({ "purpose": english("Comparing"), "scope": english("All"), "grantedBy": "The council" });
    let input = json!({ "network": network, "community": community, "joinedOn": "2020-01-01", "consent": consent });
    let membership = app.create("membership", input).await;
    let coordinator = json!({ "role": "COORDINATOR", "network": network });
    let steward = json!({ "role": "STEWARD", "community": community });
    let ada = app.somebody("ada@example.org", json!([coordinator])).await;
    let both = app.somebody("both@example.org", json!([coordinator, steward])).await;
    let own = app.somebody("own@example.org", json!([steward])).await;
    let there = |version: i32, archived: bool| json!({ "id": membership, "version": version, "archived": archived });
    let refused = own.client.refusal("membershipArchive", there(1, true), "membership").await;
    assert_eq!(refused[0]["code"], "FORBIDDEN", "the network takes in and out");
    both.client.change("membershipArchive", there(1, true), "membership", "id").await;
    let kept = both.client.change("membershipArchive", there(2, false), "membership", "consent { grantedBy }").await;
    assert_eq!(kept["consent"], json!({ "grantedBy": "The council" }), "whoever may give it may leave it");
    ada.client.change("membershipArchive", there(3, true), "membership", "id").await;
    let back = ada.client.change("membershipArchive", there(4, false), "membership", "consent { grantedBy }").await;
    assert_eq!(back["consent"], Value::Null);
    let query = "query($id: ID!) { node(id: $id) { ... on Membership { consent { grantedBy } archivedAt } } }";
    let kept = app.admin.data(query, json!({ "id": membership })).await;
    assert_eq!(kept["node"], json!({ "consent": null, "archivedAt": null }));
    let log = app
        .admin
        .data(
            "{ auditEntries(first: 1, filter: { action: [RESTORE] }) { nodes { changes { field after } } } }",
            json!({}),
        )
        .await;
    let changes = log["auditEntries"]["nodes"][0]["changes"].to_string();
    assert!(changes.contains("consent"), "{changes}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_takes_the_place_of_an_indigenous_data_authority() {
    let app = App::start().await;
    let network = app.network("net").await;
    let nation = json!({ "slug": "nation", "name": english("Nation"), "kind": "FIRST_NATION", "country": "CA",
        "indigenousDataAuthority": "The council" });
    let nation = app.create("community", nation).await;
    let root = app.somebody("root@example.org", json!([{ "role": "ADMINISTRATOR" }])).await;
    let reader = json!([{ "role": "MEMBER_READER", "network": network }]);
    let ada = app.somebody("ada@example.org", reader.clone()).await;
    let bea = app.somebody("bea@example.org", reader).await;
    let speaks = async |by: &Someone, who: &Someone| give(by, who, "DATA_AUTHORITY", "community", &nation).await;
    assert_eq!(speaks(&root, &ada).await, None, "somebody is the first");

    // From now on it is for the authority alone.
    let held = grants(&app, &ada.account).await.remove(1);
    assert_eq!(archive(&root, &held, true).await, forbidden());
    assert_eq!(speaks(&root, &root).await, forbidden());
    let query =
        "mutation($input: RecoveryCreateInput!) { recoveryCreate(input: $input) { secret userErrors { code } } }";
    let way = root.client.data(query, json!({ "input": { "account": ada.account } })).await["recoveryCreate"].take();
    assert_eq!(way, json!({ "secret": null, "userErrors": [{ "code": "FORBIDDEN" }] }));
    let address = json!({ "id": ada.account, "version": 1, "email": "root+ada@example.org" });
    let refused = root.client.refusal("accountUpdate", address, "account").await;
    assert_eq!(refused[0]["code"], "FORBIDDEN");
    let name = json!({ "id": ada.account, "version": 1, "name": "Ada A." });
    root.client.change("accountUpdate", name, "account", "id").await;

    // Of those whom it names it also takes back.
    let named = json!({ "email": "bea@example.org", "grants": [{ "role": "DATA_AUTHORITY", "community": nation }] });
    let link = crate::identity::invitation(&ada.client, named).await;
    app.accept("bea@example.org", &link).await;
    assert_eq!(archive(&bea, &held, true).await, None);
    assert_eq!(archive(&ada, &(held.0.clone(), json!(2)), false).await, forbidden());
    assert_eq!(archive(&bea, &(held.0, json!(2)), false).await, None);
    for person in [&ada, &bea] {
        let own = grants(&app, &person.account).await.pop().unwrap();
        assert_eq!(archive(person, &own, true).await, None, "what one holds one may give up");
    }

    // Nobody is left: who comes next is no matter for administrators, but for whoever runs the installation.
    assert_eq!(speaks(&root, &root).await, forbidden());
    let own = grants(&app, &ada.account).await.pop().unwrap();
    assert_eq!(archive(&root, &own, false).await, forbidden());
    let input = json!({ "account": bea.account, "role": "DATA_AUTHORITY", "community": nation });
    app.admin.change("grantCreate", input, "grant", "id").await;
    assert_eq!(holds(&bea).await, ["MEMBER_READER", "DATA_AUTHORITY"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_speaks_for_a_partner_sees_and_takes_back_what_they_gave() {
    let app = App::start().await;
    let partner = |slug: &str| json!({ "slug": slug, "name": english(slug), "sector": "NONPROFIT" });
    let (own, other) = (app.create("partner", partner("own")).await, app.create("partner", partner("other")).await);
    let speaking = |partner: &str| json!([{ "role": "PARTNER_REPRESENTATIVE", "partner": partner }]);
    let ada = app.somebody("ada@example.org", speaking(&own)).await;
    app.somebody("eve@example.org", speaking(&other)).await;
    let named = json!({ "email": "bob@example.org", "grants": speaking(&own) });
    let link = crate::identity::invitation(&ada.client, named).await;
    let bob = app.accept("bob@example.org", &link).await;
    let query = "{ grants { totalCount nodes { id version viewerCanArchive account { name } } } }";
    let seen = ada.client.data(query, json!({})).await["grants"].take();
    assert_eq!(seen["totalCount"], 2);
    let of_bob = seen["nodes"].as_array().unwrap().iter().find(|grant| grant["account"]["name"] == "bob@example.org");
    let of_bob = of_bob.unwrap();
    assert_eq!(of_bob["viewerCanArchive"], true);
    assert_eq!(archive(&ada, &(of_bob["id"].clone(), of_bob["version"].clone()), true).await, None);
    assert!(holds(&bob).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_runs_the_installation_gives_roles_on_the_command_line() {
    let app = App::start().await;
    let community = app.community("nation").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "CONTRIBUTOR", "community": community }])).await;
    let held = |arguments: &[&str]| {
        let mut command = concert(&["user", "grant"]);
        run(command.args(arguments).env("DATABASE_URL", &app.db.url))
    };
    let (code, out, errors) = held(&["ada@example.org", "DATA_AUTHORITY", "--community", "nation"]);
    assert_eq!((code, out.as_str()), (0, "ada@example.org is DATA_AUTHORITY now.\n"), "{errors}");
    for (arguments, told) in [
        (&["eve@example.org", "STEWARD", "--community", "nation"][..], "there is no account eve@example.org"),
        (&["ada@example.org", "STEWARD", "--community", "nowhere"], "there is no community nowhere"),
        (&["ada@example.org", "STEWARD"], "STEWARD is held at one place"),
        (&["ada@example.org", "KING"], "KING"),
    ] {
        let (code, _, errors) = held(arguments);
        assert!(code != 0 && errors.contains(told), "{arguments:?}: {errors}");
    }
    let roles: Vec<_> = grants(&app, &ada.account).await;
    assert_eq!(roles.len(), 2);
    let log =
        "{ auditEntries(first: 1, filter: { action: [GRANT] }) { nodes { actor actorKind community { slug } } } }";
    let entry = app.admin.data(log, json!({})).await["auditEntries"]["nodes"][0].take();
    assert_eq!((&entry["actorKind"], &entry["community"]), (&json!("OPERATOR"), &json!({ "slug": "nation" })));
}
