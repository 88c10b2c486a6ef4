//! What the audit log tells to those who answer for a place: what was done there, and what was tried.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    app::App,
    fixture::english,
    identity::{Someone, invitation, text},
};

const SELECT: &str = "nodes { actor actorKind action detail objectId community { slug } network { slug }
    changes { field before after } }";

/// The newest entries of these actions that somebody may read, newest first.
async fn log(client: &crate::client::Client, actions: &[&str]) -> Vec<Value> {
    let query = format!(
        "query($actions: [AuditAction!]) {{ auditEntries(first: 100, filter: {{ action: $actions }}) {{ {SELECT} }} }}"
    );
    client.data(&query, json!({ "actions": actions })).await["auditEntries"]["nodes"].take().as_array().unwrap().clone()
}

/// Everything that a change of who may do what would show in.
async fn everybody(app: &App) -> Value {
    app.admin
        .data(
            "{ accounts { totalCount } grants { totalCount nodes { id version } } apiTokens { totalCount } }",
            json!({}),
        )
        .await
}

async fn steward(app: &App, email: &str, community: &str) -> Someone {
    app.somebody(email, json!([{ "role": "STEWARD", "community": community }])).await
}

#[tokio::test]
async fn a_grant_by_somebody_without_the_right_changes_nothing_and_is_told_to_whom_it_concerns() {
    let app = App::start().await;
    let network = app.network("net").await;
    let (here, there) = (app.member(&network, "here").await, app.member(&network, "there").await);
    let (own, other) =
        (steward(&app, "own@example.org", &here).await, steward(&app, "other@example.org", &there).await);
    let coordinator = json!([{ "role": "COORDINATOR", "network": network }]);
    let ada = app.somebody("ada@example.org", coordinator).await;
    let before =
        (everybody(&app).await, log(&app.admin, &["DENIED"]).await.len(), log(&app.admin, &["GRANT"]).await.len());
    // She may name nobody in a community that has a steward.
    let grant = json!({ "account": ada.account, "role": "CONTRIBUTOR", "community": here });
    let refused = ada.client.refusal("grantCreate", grant, "grant").await;
    assert_eq!(refused.len(), 1);
    assert_eq!((&refused[0]["code"], &refused[0]["path"]), (&json!("FORBIDDEN"), &json!(["input"])));
    assert_eq!(everybody(&app).await, before.0, "nothing has changed");
    assert_eq!(log(&app.admin, &["GRANT"]).await.len(), before.2);
    let denied = log(&app.admin, &["DENIED"]).await;
    assert_eq!(denied.len(), before.1 + 1);
    let actor = format!("account:{}", uuid_of(&ada.account));
    let entry = json!({ "actor": actor, "actorKind": "PERSON", "action": "DENIED", "detail": "give or take back this role",
        "objectId": null, "community": { "slug": "here" }, "network": null, "changes": [] });
    assert_eq!(denied[0], entry);
    assert_eq!(log(&own.client, &["DENIED"]).await, [entry], "whoever answers for the community reads of it");
    assert_eq!(log(&other.client, &["DENIED"]).await, [Value::Null; 0]);
}

/// The UUID in a global id.
fn uuid_of(id: &str) -> uuid::Uuid {
    let bytes = URL_SAFE_NO_PAD.decode(id).unwrap();
    uuid::Uuid::from_slice(&bytes[bytes.len() - 16..]).unwrap()
}

#[tokio::test]
async fn what_is_tried_on_a_place_is_told_to_those_who_answer_for_it() {
    let app = App::start().await;
    let world = app.world().await;
    let (here, there) = (app.member(&world.network, "here").await, app.member(&world.network, "there").await);
    let own = steward(&app, "own@example.org", &here).await;
    let eve = steward(&app, "eve@example.org", &there).await;
    let roles = json!([{ "role": "COORDINATOR", "network": world.network }]);
    let ada = app.somebody("ada@example.org", roles).await;
    let denied = async |of: &Someone| log(&of.client, &["DENIED"]).await;
    let newest = async |of: &Someone| {
        let entry = denied(of).await.remove(0);
        json!([entry["detail"], entry["objectId"], entry["community"]["slug"], entry["network"]["slug"]])
    };
    // A change of the community itself.
    eve.client.refusal("communityUpdate", json!({ "id": here, "version": 1, "aliases": ["X"] }), "community").await;
    assert_eq!(newest(&own).await, json!(["change communities", here, "here", null]));
    // A change of the network.
    eve.client
        .refusal("networkUpdate", json!({ "id": world.network, "version": 1, "endsOn": "2030-01-01" }), "network")
        .await;
    assert_eq!(newest(&ada).await, json!(["change networks", world.network, null, "net"]));
    // A figure, a push, and a token for both communities.
    let figure = json!({ "community": here, "indicatorVersion": world.version, "source": world.source, "period": "2020", "value": 1.0 });
    eve.client.refusal("observationRecord", figure.clone(), "observation").await;
    assert_eq!(newest(&own).await, json!(["record figures of this community", here, "here", null]));
    let push = "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) { created } }";
    let count = denied(&own).await.len();
    eve.client.data(push, json!({ "input": { "rows": [figure] } })).await;
    assert_eq!(denied(&own).await.len(), count + 1);
    assert_eq!(newest(&own).await, json!(["record figures of this community", here, "here", null]));
    let token = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { secret } }";
    let input = json!({ "name": "Push", "communities": [there, here], "actions": ["READ"] });
    eve.client.data(token, json!({ "input": input })).await;
    assert_eq!(newest(&own).await, json!(["give or take back tokens for these communities", null, "here", null]));
    assert_eq!(newest(&eve).await, json!(["give or take back tokens for these communities", null, "there", null]));
    // A role for an account that they do not see: they are told that it is not there, and that they tried is noted all the same.
    let bob = app.somebody("bob@example.org", json!([{ "role": "MEMBER_READER", "community": here }])).await;
    let grant = json!({ "account": bob.account, "role": "CONTRIBUTOR", "community": here });
    let refused = eve.client.refusal("grantCreate", grant, "grant").await;
    assert_eq!(refused[0]["code"], "NOT_FOUND");
    let what = "write what names something that is not there for them";
    assert_eq!(newest(&own).await, json!([what, null, "here", null]));
    // The log, without a right to read it.
    let error = bob.client.error("{ auditEntries { totalCount } }", json!({})).await;
    assert_eq!(error["extensions"]["code"], "FORBIDDEN");
    let entries = log(&app.admin, &["DENIED"]).await;
    assert_eq!(entries[0]["detail"], "read the audit log");
    // An invitation to a role of another community.
    let query = "mutation($input: InvitationCreateInput!) { invitationCreate(input: $input) { secret } }";
    let input = json!({ "email": "bob@example.org", "grants": [{ "role": "CONTRIBUTOR", "community": here }] });
    assert!(eve.client.data(query, json!({ "input": input })).await["invitationCreate"]["secret"].is_null());
    assert_eq!(newest(&own).await, json!(["give or take back this role", null, "here", null]));
}

#[tokio::test]
async fn what_is_done_to_a_place_is_told_to_those_who_answer_for_it() {
    let app = App::start().await;
    let world = app.world().await;
    let (here, there) = (app.member(&world.network, "here").await, app.member(&world.network, "there").await);
    let own = steward(&app, "own@example.org", &here).await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "COORDINATOR", "network": world.network }])).await;

    let authority = json!({ "id": here, "version": 1, "indigenousDataAuthority": "The council" });
    app.admin.change("communityUpdate", authority, "community", "version").await;
    let entry = log(&own.client, &["UPDATE"]).await.remove(0);
    assert_eq!(entry["objectId"], json!(here));
    let change = json!([{ "field": "indigenousDataAuthority", "before": "null", "after": "\"The council\"" }]);
    assert_eq!(entry["changes"], change);

    let policy = json!({ "id": world.network, "version": 1, "suppression": { "suppressBelow": 25, "flagBelow": 40 } });
    app.admin.change("networkUpdate", policy, "network", "version").await;
    let entry = log(&ada.client, &["UPDATE"]).await.remove(0);
    assert_eq!((&entry["objectId"], &entry["network"]["slug"]), (&json!(world.network), &json!("net")));
    let changed = &entry["changes"][0];
    assert_eq!(changed["field"], "suppression");
    assert!(changed["after"].as_str().unwrap().contains("25") && !changed["before"].as_str().unwrap().contains("25"));

    // Figures: an entry for each community, with how many.
    for (community, period) in [(&here, "2020"), (&here, "2021"), (&there, "2020")] {
        app.record(&world, community, period, json!({ "value": 30.0 })).await;
    }
    let row = |community: &str, period: &str| {
        json!({ "community": community, "indicatorVersion": world.version,
        "source": world.source, "period": period, "value": 31.0 })
    };
    let push = "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) { created updated } }";
    let rows = json!({ "rows": [row(&here, "2020"), row(&here, "2022"), row(&there, "2022")] });
    app.admin.data(push, json!({ "input": rows })).await;
    let seen: Vec<_> = log(&own.client, &["RECORD_FIGURES"])
        .await
        .iter()
        .map(|entry| json!([entry["objectId"], entry["community"]["slug"], entry["detail"]]))
        .collect();
    let figures = |count: &str| json!([here, "here", format!("{count} figures")]);
    assert_eq!(seen, [figures("2"), figures("1"), figures("1")]);
    assert_eq!(log(&app.admin, &["RECORD_FIGURES"]).await.len(), 5);

    // What belongs to the community only through another record.
    let series = app.admin.data("{ community(slug: \"here\") { series { nodes { id } } } }", json!({})).await;
    let series = &series["community"]["series"]["nodes"][0]["id"];
    let baseline = app.create("baseline", json!({ "series": series, "period": "2020" })).await;
    let initiative = json!({ "slug": "i", "community": here, "issue": "POVERTY", "title": english("I"), "startedOn": "2020-01-01",
        "status": "ACTIVE", "phases": [{ "phase": "ASSESS_READINESS", "startedOn": "2020-01-01" }] });
    let initiative = app.create("initiative", initiative).await;
    let partner = app.create("partner", json!({ "slug": "p", "name": english("P"), "sector": "NONPROFIT" })).await;
    let part = json!({ "initiative": initiative, "partner": partner, "role": english("R"), "ring": "CORE", "joinedOn": "2020-01-01" });
    let part = app.create("participation", part).await;
    let seen: Vec<_> = log(&own.client, &["CREATE"]).await.iter().map(|entry| entry["objectId"].clone()).collect();
    for id in [&baseline, &initiative, &part] {
        assert!(seen.contains(&json!(id)), "{id} is not in {seen:?}");
    }

    // A token for several communities is told to each of them.
    let token = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { apiToken { id } } }";
    let input = json!({ "name": "Push", "communities": [here, there], "actions": ["READ"] });
    let made = app.admin.data(token, json!({ "input": input })).await;
    let of_token = log(&app.admin, &["TOKEN_CREATE"]).await;
    assert_eq!(of_token.len(), 2);
    assert_eq!(log(&own.client, &["TOKEN_CREATE"]).await[0]["objectId"], made["apiTokenCreate"]["apiToken"]["id"]);
}

#[tokio::test]
async fn a_role_that_came_by_an_invitation_was_given_by_whoever_made_it() {
    let app = App::start().await;
    let network = app.network("net").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "COORDINATOR", "network": network }])).await;
    let input = json!({ "email": "bob@example.org", "grants": [{ "role": "MEMBER_READER", "network": network }] });
    let link = invitation(&ada.client, input).await;
    app.accept("bob@example.org", &link).await;
    let entries = log(&app.admin, &["GRANT", "CREATE"]).await;
    let actor = format!("account:{}", uuid_of(&ada.account));
    // The role, and before it the account.
    for entry in &entries[..2] {
        assert_eq!((&entry["actor"], &entry["actorKind"]), (&json!(actor), &json!("PERSON")), "{entry}");
    }
    assert_eq!(entries[0]["action"], "GRANT");
    // What the operator has given stays the operator's.
    let of_ada = entries.iter().rfind(|entry| entry["action"] == "GRANT").unwrap();
    assert_eq!(of_ada["actorKind"], "OPERATOR");
}

#[tokio::test]
async fn series_and_baselines_under_an_authority_and_figures_in_totals_are_not_read_without_a_trace() {
    let app = App::start().await;
    let world = app.world().await;
    let under = app.member(&world.network, "under").await;
    app.record(&world, &under, "2023", json!({ "value": 2.0 })).await;
    let authority = json!({ "id": under, "version": 1, "indigenousDataAuthority": "The council" });
    app.admin.change("communityUpdate", authority, "community", "version").await;
    let series = app.admin.data("{ community(slug: \"under\") { series { nodes { id } } } }", json!({})).await;
    let series = text(&series["community"]["series"]["nodes"][0]["id"]);
    let baseline = app.create("baseline", json!({ "series": series, "period": "2023" })).await;
    let reads = async || {
        let entries = log(&app.admin, &["READ_UNDER_AUTHORITY"]).await;
        entries
            .iter()
            .map(|entry| json!([entry["detail"], entry["objectId"], entry["community"]["slug"]]))
            .collect::<Vec<_>>()
    };
    for (id, what) in [(&series, "Series"), (&baseline, "Baseline")] {
        let before = reads().await.len();
        app.admin.data("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
        let noted = reads().await;
        assert_eq!(noted.len(), before + 1, "{noted:?}");
        assert_eq!(noted[0], json!([what, under, "under"]));
    }
    let before = reads().await.len();
    app.anonymous.data("query($id: ID!) { node(id: $id) { id } }", json!({ "id": series })).await;
    assert_eq!(reads().await.len(), before, "nobody in particular reads nothing of it");
}
