//! Signing in and out, invitations, roles and tokens: over HTTP, as their users do.

use serde_json::{Value, json};

use crate::{
    app::App,
    client::Client,
    fixture::{World, english},
};

pub const PASSWORD: &str = "correct horse battery";
const TOKENS: &str = "accessToken refreshToken account { id email } userErrors { path code message }";

/// What signing in, refreshing and accepting answer.
pub async fn tokens(client: &Client, mutation: &str, kind: &str, input: Value) -> Value {
    let query = format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {TOKENS} }} }}");
    client.data(&query, json!({ "input": input })).await[mutation].take()
}

/// An invitation that is allowed.
pub async fn invitation(client: &Client, input: Value) -> String {
    let query = "mutation($input: InvitationCreateInput!) { invitationCreate(input: $input) { secret } }";
    text(&client.data(query, json!({ "input": input })).await["invitationCreate"]["secret"])
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Somebody who has signed in.
pub struct Someone {
    pub client: Client,
    pub account: String,
    pub refresh: String,
    pub access: String,
}

impl App {
    /// Somebody with these roles, who was invited by the operator and accepted.
    pub async fn somebody(&self, email: &str, grants: Value) -> Someone {
        let input = json!({ "email": email, "grants": grants });
        let link = invitation(&self.admin, input).await;
        self.accept(email, &link).await
    }

    /// Accepts an invitation.
    pub async fn accept(&self, email: &str, link: &str) -> Someone {
        let input = json!({ "link": link, "name": email, "locale": "fr", "password": PASSWORD });
        let answer = tokens(&self.anonymous, "invitationAccept", "InvitationAcceptInput", input).await;
        assert_eq!(answer["userErrors"], json!([]), "{answer}");
        self.signed_in(&answer)
    }

    fn signed_in(&self, answer: &Value) -> Someone {
        let access = text(&answer["accessToken"]);
        Someone {
            client: Client::new(&self.url, Some(&access)),
            account: text(&answer["account"]["id"]),
            refresh: text(&answer["refreshToken"]),
            access,
        }
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Value {
        tokens(&self.anonymous, "signIn", "SignInInput", json!({ "email": email, "password": password })).await
    }
}

pub const VIEWER: &str = "{ viewer { kind account { email locale } grants { role networkId communityId } } }";

#[tokio::test]
async fn whoever_is_invited_signs_in_and_out_again() {
    let app = App::start().await;
    let network = app.network("net").await;
    let grants = json!([{ "role": "COORDINATOR", "network": network }]);
    let ada = app.somebody("Ada@Example.org", grants).await;
    let seen = ada.client.data(VIEWER, json!({})).await;
    assert_eq!(
        seen["viewer"],
        json!({ "kind": "PERSON", "account": { "email": "ada@example.org", "locale": "fr" },
            "grants": [{ "role": "COORDINATOR", "networkId": network, "communityId": null }] })
    );
    let nobody = app.anonymous.data(VIEWER, json!({})).await;
    assert_eq!(nobody["viewer"], json!({ "kind": "ANONYMOUS", "account": null, "grants": [] }));

    // An unknown address and a wrong password are refused in the same words.
    let wrong = app.sign_in("ada@example.org", "wrong horse battery").await;
    let unknown = app.sign_in("bob@example.org", PASSWORD).await;
    assert_eq!(wrong["userErrors"], unknown["userErrors"]);
    assert_eq!((&wrong["accessToken"], &wrong["userErrors"][0]["code"]), (&Value::Null, &json!("INVALID")));

    let again = app.signed_in(&app.sign_in("ADA@example.org", PASSWORD).await);
    let done = again.client.data("mutation { signOut { done } }", json!({})).await;
    assert_eq!(done["signOut"]["done"], true);
    // What was good is refused at once, and never taken for nobody in particular.
    assert_eq!(again.client.status(VIEWER).await, 401);
    assert_eq!(ada.client.data(VIEWER, json!({})).await["viewer"]["kind"], "PERSON", "another session goes on");
    let refused =
        tokens(&app.anonymous, "sessionRefresh", "SessionRefreshInput", json!({ "refreshToken": again.refresh })).await;
    assert_eq!(refused["userErrors"][0]["path"], json!(["input", "refreshToken"]));
    ada.client.data("mutation { signOut(everywhere: true) { done } }", json!({})).await;
    assert_eq!(ada.client.status(VIEWER).await, 401);
}

#[tokio::test]
async fn a_refresh_token_is_good_once_whoever_comes_first() {
    let app = App::start().await;
    let network = app.network("net").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "COORDINATOR", "network": network }])).await;
    let exchange = |token: &str| {
        let input = json!({ "refreshToken": token });
        let client = Client::new(&app.url, None);
        async move { tokens(&client, "sessionRefresh", "SessionRefreshInput", input).await }
    };
    let answers = futures_util::future::join_all((0..20).map(|_| exchange(&ada.refresh))).await;
    let winners: Vec<_> = answers.iter().filter(|answer| answer["accessToken"].is_string()).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    // Those who came too late within the time of grace have not ended the session.
    let next = exchange(&text(&winners[0]["refreshToken"])).await;
    assert!(next["accessToken"].is_string(), "{next}");
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_later_ends_the_session() {
    let app = App::start().await;
    let network = app.network("net").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "COORDINATOR", "network": network }])).await;
    let elsewhere = app.signed_in(&app.sign_in("ada@example.org", PASSWORD).await);
    let exchange = async |token: &str| {
        tokens(&app.anonymous, "sessionRefresh", "SessionRefreshInput", json!({ "refreshToken": token })).await
    };
    let reused =
        "{ auditEntries(filter: { action: [TOKEN_REFRESH_REUSED] }) { nodes { actorKind objectId address } } }";
    let next = app.signed_in(&exchange(&ada.refresh).await);
    // Within the time of grace it is a reply that was lost.
    app.clock.pass(8);
    assert_eq!(exchange(&ada.refresh).await["userErrors"][0]["code"], "INVALID");
    assert_eq!(next.client.data(VIEWER, json!({})).await["viewer"]["kind"], "PERSON");
    assert_eq!(app.admin.data(reused, json!({})).await["auditEntries"]["nodes"], json!([]));

    app.clock.pass(3);
    let refused = exchange(&ada.refresh).await;
    assert_eq!((&refused["accessToken"], &refused["userErrors"][0]["code"]), (&Value::Null, &json!("INVALID")));
    for token in [&ada.access, &next.access] {
        assert_eq!(Client::new(&app.url, Some(token)).status(VIEWER).await, 401, "the session has ended");
    }
    assert!(exchange(&next.refresh).await["accessToken"].is_null(), "the successor is refused");
    assert!(exchange(&ada.refresh).await["accessToken"].is_null());
    let log = app.admin.data(reused, json!({})).await["auditEntries"]["nodes"].take();
    let entry = json!({ "actorKind": "PERSON", "objectId": ada.account, "address": "127.0.0.1" });
    assert_eq!(log, json!([entry]), "once");
    // What was begun elsewhere is another family.
    assert_eq!(elsewhere.client.data(VIEWER, json!({})).await["viewer"]["kind"], "PERSON");
    assert!(exchange(&elsewhere.refresh).await["accessToken"].is_string());
}

#[tokio::test]
async fn a_link_is_good_once_and_brings_only_what_its_maker_may_give() {
    let app = App::start().await;
    let network = app.network("net").await;
    let other = app.network("other").await;
    let community = app.member(&network, "c").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "COORDINATOR", "network": network }])).await;
    for (grant, allowed) in [
        (json!({ "role": "MEMBER_READER", "network": network }), true),
        (json!({ "role": "MEMBER_READER", "network": other }), false),
        (json!({ "role": "ADMINISTRATOR" }), false),
        (json!({ "role": "DATA_AUTHORITY", "community": community }), false),
        (json!({ "role": "STEWARD", "community": community }), true),
        (json!({ "role": "CONTRIBUTOR", "community": community }), false),
    ] {
        let input = json!({ "email": "bob@example.org", "grants": [grant] });
        let query = "mutation($input: InvitationCreateInput!) { invitationCreate(input: $input) { secret userErrors { code } } }";
        let answer = ada.client.data(query, json!({ "input": input })).await["invitationCreate"].take();
        assert_eq!(answer["secret"].is_string(), allowed, "{grant}: {answer}");
        if !allowed {
            assert_eq!(answer["userErrors"], json!([{ "code": "FORBIDDEN" }]), "{grant}");
        }
    }
    let input = json!({ "email": "bob@example.org", "grants": [{ "role": "STEWARD", "community": community }] });
    let link = invitation(&ada.client, input).await;
    let short = json!({ "link": link, "name": "Bob", "locale": "en", "password": "short" });
    let refused = tokens(&app.anonymous, "invitationAccept", "InvitationAcceptInput", short).await;
    assert_eq!(
        refused["userErrors"][0]["path"],
        json!(["input", "password"]),
        "a bad password does not use the link up"
    );
    let bob = app.accept("bob@example.org", &link).await;
    let twice = json!({ "link": link, "name": "Bob", "locale": "en", "password": PASSWORD });
    let refused = tokens(&app.anonymous, "invitationAccept", "InvitationAcceptInput", twice).await;
    assert_eq!(refused["userErrors"][0]["code"], "NOT_FOUND");

    // The community has a steward now: from here on it looks after itself.
    let grant = json!({ "account": ada.account, "role": "STEWARD", "community": community });
    let refused = ada.client.refusal("grantCreate", grant.clone(), "grant").await;
    assert_eq!(refused[0]["code"], "FORBIDDEN");
    // Whom one cannot see one cannot name; an invitation reaches them, and they bring their own password.
    let refused = bob.client.refusal("grantCreate", grant, "grant").await;
    assert_eq!(refused[0]["code"], "NOT_FOUND");
    let input = json!({ "email": "ada@example.org", "grants": [{ "role": "STEWARD", "community": community }] });
    let link = invitation(&bob.client, input).await;
    let wrong = json!({ "link": link, "name": "Eve", "locale": "en", "password": "some other horse" });
    let refused = tokens(&app.anonymous, "invitationAccept", "InvitationAcceptInput", wrong).await;
    assert_eq!(refused["userErrors"][0]["code"], "INVALID");
    app.accept("ada@example.org", &link).await;
    let filter = json!({ "filter": { "account": ada.account, "community": community } });
    let query = "query($filter: GrantFilter) { grants(filter: $filter) { nodes { id givenBy account { name } } } }";
    let given = bob.client.data(query, filter).await["grants"]["nodes"][0].take();
    assert_eq!(given["account"]["name"], "ada@example.org", "the name that she has, not the one in the invitation");
    assert!(given["givenBy"].as_str().unwrap().starts_with("account:"));
    // Taken back, it is gone at once.
    assert!(writes(&ada, &community).await);
    let back = json!({ "id": given["id"], "version": 1 });
    bob.client.change("grantArchive", back, "grant", "archivedAt").await;
    assert!(!writes(&ada, &community).await);
    let log = app.admin.data("{ auditEntries(first: 50, filter: { action: [DENIED, GRANT, REVOKE, INVITE, INVITATION_ACCEPTED] }) { nodes { action } } }", json!({})).await;
    let actions: Vec<&str> = log["auditEntries"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    for action in ["DENIED", "GRANT", "REVOKE", "INVITE", "INVITATION_ACCEPTED"] {
        assert!(actions.contains(&action), "{action} is not in {actions:?}");
    }
}

/// Whether somebody can change a community.
async fn writes(someone: &Someone, community: &str) -> bool {
    let query = "query($id: ID!) { node(id: $id) { ... on Community { version } } }";
    let version = someone.client.data(query, json!({ "id": community })).await["node"]["version"].clone();
    let query = "mutation($input: CommunityUpdateInput!) { communityUpdate(input: $input) { userErrors { code } } }";
    let input = json!({ "id": community, "version": version, "aliases": [format!("Name {version}")] });
    someone.client.data(query, json!({ "input": input })).await["communityUpdate"]["userErrors"] == json!([])
}

#[tokio::test]
async fn passwords_are_changed_and_recovered_and_end_other_sessions() {
    let app = App::start().await;
    let network = app.network("net").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "COORDINATOR", "network": network }])).await;
    let root = app.somebody("root@example.org", json!([{ "role": "ADMINISTRATOR" }])).await;
    let elsewhere = app.signed_in(&app.sign_in("ada@example.org", PASSWORD).await);
    let change =
        "mutation($input: PasswordChangeInput!) { passwordChange(input: $input) { done userErrors { path } } }";
    let wrong = json!({ "input": { "currentPassword": "no", "newPassword": "another horse battery" } });
    let refused = ada.client.data(change, wrong).await;
    assert_eq!(refused["passwordChange"]["userErrors"], json!([{ "path": ["input", "currentPassword"] }]));
    let right = json!({ "input": { "currentPassword": PASSWORD, "newPassword": "another horse battery" } });
    assert_eq!(ada.client.data(change, right).await["passwordChange"]["done"], true);
    assert_eq!(elsewhere.client.status(VIEWER).await, 401);
    assert_eq!(ada.client.data(VIEWER, json!({})).await["viewer"]["kind"], "PERSON");

    let recovery =
        "mutation($input: RecoveryCreateInput!) { recoveryCreate(input: $input) { secret userErrors { code } } }";
    let input = json!({ "input": { "account": ada.account } });
    let refused = ada.client.data(recovery, input.clone()).await;
    assert_eq!(refused["recoveryCreate"]["userErrors"], json!([{ "code": "FORBIDDEN" }]));
    let link = text(&root.client.data(recovery, input).await["recoveryCreate"]["secret"]);
    let used = json!({ "link": link, "password": "a third horse battery" });
    let back = tokens(&app.anonymous, "recoveryUse", "RecoveryUseInput", used.clone()).await;
    assert_eq!(back["userErrors"], json!([]));
    assert_eq!(ada.client.status(VIEWER).await, 401);
    let refused = tokens(&app.anonymous, "recoveryUse", "RecoveryUseInput", used).await;
    assert_eq!(refused["userErrors"][0]["code"], "NOT_FOUND");
    assert!(app.sign_in("ada@example.org", "a third horse battery").await["accessToken"].is_string());
}

#[tokio::test]
async fn a_program_records_what_its_token_is_for_and_nothing_else() {
    let app = App::start().await;
    let world = app.world().await;
    let (here, there) = (app.member(&world.network, "here").await, app.member(&world.network, "there").await);
    let steward = app.somebody("s@example.org", json!([{ "role": "STEWARD", "community": here }])).await;
    let create = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) {
        apiToken { id version hint actions lastUsedAt } secret userErrors { code } } }";
    let input = |communities: Value| json!({ "input": { "name": "Push", "communities": communities, "actions": ["RECORD_FIGURES", "PUBLISH_FIGURES"] } });
    let refused = steward.client.data(create, input(json!([here, there]))).await["apiTokenCreate"].take();
    assert_eq!((&refused["secret"], &refused["userErrors"][0]["code"]), (&Value::Null, &json!("FORBIDDEN")));
    let made = steward.client.data(create, input(json!([here]))).await["apiTokenCreate"].take();
    let secret = text(&made["secret"]);
    assert!(
        secret.starts_with("cnc_")
            && secret.len() == 40
            && secret.starts_with(made["apiToken"]["hint"].as_str().unwrap())
    );

    let program = Client::new(&app.url, Some(&secret));
    assert_eq!(program.data(VIEWER, json!({})).await["viewer"]["kind"], "INTEGRATION");
    assert!(records(&program, &world, &here).await);
    assert!(!records(&program, &world, &there).await);
    let out = program.data("mutation { signOut { done userErrors { code } } }", json!({})).await;
    assert_eq!(out["signOut"], json!({ "done": false, "userErrors": [{ "code": "FORBIDDEN" }] }));
    let listed =
        steward.client.data("{ apiTokens { totalCount nodes { lastUsedAt communities { slug } } } }", json!({})).await;
    assert_eq!(listed["apiTokens"]["nodes"][0]["communities"], json!([{ "slug": "here" }]));
    assert!(listed["apiTokens"]["nodes"][0]["lastUsedAt"].is_string());
    assert_eq!(program.data("{ apiTokens { totalCount } }", json!({})).await["apiTokens"]["totalCount"], 0);

    let input = json!({ "id": made["apiToken"]["id"], "version": 1 });
    steward.client.change("apiTokenArchive", input, "apiToken", "archivedAt").await;
    assert_eq!(program.status(VIEWER).await, 401);
    // One character off is no token.
    let mut other = secret;
    other.replace_range(39.., if other.ends_with('0') { "1" } else { "0" });
    assert_eq!(Client::new(&app.url, Some(&other)).status(VIEWER).await, 401);
}

async fn records(client: &Client, world: &World, community: &str) -> bool {
    let query = "mutation($input: ObservationRecordInput!) { observationRecord(input: $input) { outcome userErrors { code } } }";
    let input = json!({ "community": community, "indicatorVersion": world.version, "source": world.source, "period": "2020", "value": 30.0 });
    client.data(query, json!({ "input": input })).await["observationRecord"]["userErrors"] == json!([])
}

#[tokio::test]
async fn the_keys_are_published_and_a_forged_token_is_refused() {
    let app = App::start().await;
    let network = app.network("net").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "MEMBER_READER", "network": network }])).await;
    let keys = app.anonymous.get("/.well-known/jwks.json").send().await.unwrap();
    let keys: Value = keys.json().await.unwrap();
    assert_eq!((&keys["keys"][0]["kty"], &keys["keys"][0]["alg"]), (&json!("EC"), &json!("ES256")));
    assert!(keys["keys"][0].get("d").is_none(), "the private part stays private");
    let (head, signature) = ada.access.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    for forged in [
        format!("{head}.{turned}"),
        format!("{head}."),
        head.to_owned(),
        format!("{}.x", ada.access),
        "x".repeat(9_000),
    ] {
        assert_eq!(Client::new(&app.url, Some(&forged)).status(VIEWER).await, 401, "{forged}");
    }
}

#[tokio::test]
async fn what_is_shared_within_a_network_needs_consent_and_reaches_its_members() {
    let app = App::start().await;
    let world = app.world().await;
    let (here, there) = (app.member(&world.network, "here").await, app.member(&world.network, "there").await);
    app.record(&world, &here, "2020", json!({ "value": 20.0 })).await;
    app.create("sharingRule", json!({ "community": here, "visibility": "NETWORK" })).await;
    let own = app.somebody("own@example.org", json!([{ "role": "MEMBER_READER", "community": here }])).await;
    let peer = app.somebody("peer@example.org", json!([{ "role": "MEMBER_READER", "community": there }])).await;
    let query = "{ community(slug: \"here\") { series { totalCount } latestValues { value } }
        comparison(network: \"net\", indicator: \"rate\") { entries { current { value } } } }";
    let seen = async |client: &Client| {
        let data = client.data(query, json!({})).await;
        let compared =
            data["comparison"]["entries"].as_array().unwrap().iter().any(|entry| entry["current"].is_object());
        let counts = (
            data["community"]["series"]["totalCount"] == 1,
            !data["community"]["latestValues"].as_array().unwrap().is_empty(),
        );
        assert_eq!((counts.0, counts.1), (compared, compared), "every way of reading agrees: {data}");
        compared
    };
    assert!(seen(&own.client).await);
    assert!(!seen(&peer.client).await, "without consent");
    assert!(!seen(&app.anonymous).await);
    let memberships = app.admin.data("{ community(slug: \"here\") { memberships { nodes { id } } } }", json!({})).await;
    let membership = &memberships["community"]["memberships"]["nodes"][0]["id"];
    let consent = json!({ "purpose": english("Comparing"), "scope": english("All"), "grantedBy": "The council" });
    let input = json!({ "id": membership, "version": 1, "consent": consent });
    let refused = peer.client.refusal("membershipUpdate", input.clone(), "membership").await;
    assert_eq!(refused[0]["code"], "FORBIDDEN");
    app.admin.change("membershipUpdate", input, "membership", "version").await;
    assert!(seen(&peer.client).await, "with consent");
    assert!(!seen(&app.anonymous).await);
    let input = json!({ "id": membership, "version": 2, "consent": null });
    app.admin.change("membershipUpdate", input, "membership", "version").await;
    assert!(!seen(&peer.client).await, "withdrawn");
}

#[tokio::test]
async fn guessing_is_slowed_down_alike_for_those_who_are_there_and_those_who_are_not() {
    let app = App::start().await;
    let network = app.network("net").await;
    app.somebody("ada@example.org", json!([{ "role": "MEMBER_READER", "network": network }])).await;
    let query = "mutation($input: SignInInput!) { signIn(input: $input) { userErrors { code message } } }";
    let mut told = Vec::new();
    for email in ["ada@example.org", "nobody@example.org"] {
        let mut answers = Vec::new();
        for _ in 0..6 {
            let input = json!({ "input": { "email": email, "password": "a wrong password" } });
            let (_, answer) = app.anonymous.ask(query, input).await;
            answers.push(answer["errors"][0]["extensions"]["code"].as_str().map(str::to_owned));
        }
        told.push(answers);
    }
    let expected: Vec<_> = (0..5).map(|_| None).chain([Some("THROTTLED".to_owned())]).collect();
    assert_eq!(told, [expected.clone(), expected]);
    // The right password waits too: a guess is not to be told from it.
    let input = json!({ "input": { "email": "ada@example.org", "password": PASSWORD } });
    let refused = app.anonymous.error(query, input).await;
    assert!(refused["extensions"]["retryAfter"].as_u64().unwrap() > 0);
}
