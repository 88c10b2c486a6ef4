//! Links that are handed over and good once: what they bring, what ends them, and what of a refusal is recorded.

use serde_json::{Value, json};

use crate::{
    app::App,
    identity::{PASSWORD, Someone, VIEWER, invitation, text, tokens},
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

impl App {
    /// What accepting an invitation answers.
    async fn try_accept(&self, link: &str, password: &str) -> Value {
        let input = json!({ "link": link, "name": "Somebody", "locale": "en", "password": password });
        tokens(&self.anonymous, "invitationAccept", "InvitationAcceptInput", input).await
    }

    /// What going back into an account answers.
    async fn try_recover(&self, link: &str) -> Value {
        let input = json!({ "link": link, "password": "a third horse battery" });
        tokens(&self.anonymous, "recoveryUse", "RecoveryUseInput", input).await
    }

    /// How many accounts and roles there are.
    async fn everybody(&self) -> Value {
        self.admin.data("{ accounts { totalCount } grants { totalCount } }", json!({})).await
    }

    /// The newest entries of the log, as text.
    async fn log(&self, first: u32) -> Vec<Value> {
        let query = "query($first: Int) { auditEntries(first: $first) { nodes {
            actor actorKind action detail address requestId changes { before after } } } }";
        let mut log = self.admin.data(query, json!({ "first": first })).await;
        log["auditEntries"]["nodes"].take().as_array().unwrap().clone()
    }

    /// That the answer is a refusal with this code, and the newest entry tells of it: as whom, what, and to what end.
    async fn is_refused(&self, answer: &Value, problem: (&str, &str), entry: (&str, &str, &str)) {
        assert!(answer["accessToken"].is_null() && answer["refreshToken"].is_null() && answer["account"].is_null());
        let (path, code) = problem;
        assert_eq!(answer["userErrors"][0]["path"], json!(["input", path]), "{answer}");
        assert_eq!(answer["userErrors"][0]["code"], code, "{answer}");
        let newest = self.log(1).await.remove(0);
        let told = ["actor", "action", "detail"].map(|name| newest[name].as_str().unwrap_or_default());
        assert_eq!(told, [entry.0, entry.1, entry.2], "{newest}");
        assert_eq!((&newest["actorKind"], &newest["address"]), (&json!("ANONYMOUS"), &json!("127.0.0.1")));
        assert!(newest["requestId"].is_string());
    }
}

/// A link back into the account, as this person gets it; nothing if it is refused.
async fn way_back(by: &Someone, of: &Someone) -> Result<String, String> {
    let query =
        "mutation($input: RecoveryCreateInput!) { recoveryCreate(input: $input) { secret userErrors { code } } }";
    let answer = by.client.data(query, json!({ "input": { "account": of.account } })).await["recoveryCreate"].take();
    let code = || text(&answer["userErrors"][0]["code"]);
    answer["secret"].as_str().map(str::to_owned).ok_or_else(code)
}

/// Takes a role away from somebody.
async fn take_back(app: &App, of: &Someone) {
    let query = "query($a: ID) { grants(filter: { account: $a }) { nodes { id version } } }";
    let given = app.admin.data(query, json!({ "a": of.account })).await["grants"]["nodes"][0].take();
    app.admin.change("grantArchive", json!({ "id": given["id"], "version": given["version"] }), "grant", "id").await;
}

const ACCEPTING: (&str, &str, &str) = ("anonymous", "DENIED", "accept an invitation");
const GOING_BACK: (&str, &str, &str) = ("anonymous", "DENIED", "use a way back into an account");
const GONE: (&str, &str) = ("link", "NOT_FOUND");

#[tokio::test]
async fn a_link_that_is_made_up_used_or_too_old_brings_nothing() {
    let app = App::start().await;
    let network = app.network("net").await;
    let roles = json!([{ "role": "MEMBER_READER", "network": network }]);
    let ada = app.somebody("ada@example.org", roles.clone()).await;
    let root = app.somebody("root@example.org", json!([{ "role": "ADMINISTRATOR" }])).await;
    let invite = async |email: &str| invitation(&app.admin, json!({ "email": email, "grants": roles })).await;
    let (used, old, recovery) =
        (invite("bob@example.org").await, invite("cy@example.org").await, way_back(&root, &ada));
    let recovery = recovery.await.unwrap();
    app.accept("bob@example.org", &used).await;
    let before = app.everybody().await;

    for link in ["", "x", "cnc_000000000000000000000000000000000000", &ada.refresh, &ada.access, &recovery, &used] {
        app.is_refused(&app.try_accept(link, PASSWORD).await, GONE, ACCEPTING).await;
    }
    // An invitation leads into no account that is there, be it that of whom it was for.
    for link in ["", "x", &ada.refresh, &old, &used] {
        app.is_refused(&app.try_recover(link).await, GONE, GOING_BACK).await;
    }
    app.clock.pass(HOUR + 1);
    assert_eq!(ada.client.status(VIEWER).await, 401, "a token of an hour ago");
    app.is_refused(&app.try_recover(&recovery).await, GONE, GOING_BACK).await;
    app.clock.pass(7 * DAY - HOUR);
    app.is_refused(&app.try_accept(&old, PASSWORD).await, GONE, ACCEPTING).await;
    assert_eq!(app.everybody().await, before);
    assert!(app.sign_in("cy@example.org", PASSWORD).await["accessToken"].is_null());
    assert!(app.sign_in("ada@example.org", PASSWORD).await["accessToken"].is_string(), "the password is as it was");
}

/// What ends a password ends the ways back to it, and what takes a role back is not undone by a link from before.
#[tokio::test]
async fn a_link_from_before_undoes_nothing() {
    let app = App::start().await;
    let network = app.network("net").await;
    let roles = json!([{ "role": "MEMBER_READER", "network": network }]);
    let root = app.somebody("root@example.org", json!([{ "role": "ADMINISTRATOR" }])).await;
    let invite = async || invitation(&app.admin, json!({ "email": "ada@example.org", "grants": roles })).await;
    let (first, second) = (invite().await, invite().await);
    let ada = app.accept("ada@example.org", &first).await;
    take_back(&app, &ada).await;
    let entry = ("ada@example.org", "DENIED", "accept an invitation");
    app.is_refused(&app.try_accept(&second, PASSWORD).await, ("link", "FORBIDDEN"), entry).await;
    assert!(
        app.try_accept(&invite().await, PASSWORD).await["accessToken"].is_string(),
        "one from after it brings the role"
    );

    let (one, other) = (way_back(&root, &ada).await.unwrap(), way_back(&root, &ada).await.unwrap());
    assert!(app.try_recover(&one).await["accessToken"].is_string());
    app.is_refused(&app.try_recover(&other).await, GONE, GOING_BACK).await;
    let before = way_back(&root, &ada).await.unwrap();
    let changed =
        "mutation($input: PasswordChangeInput!) { passwordChange(input: $input) { done userErrors { code } } }";
    let input = json!({ "currentPassword": "a third horse battery", "newPassword": PASSWORD });
    let signed_in = app.sign_in("ada@example.org", "a third horse battery").await;
    let client = crate::client::Client::new(&app.url, signed_in["accessToken"].as_str());
    assert_eq!(client.data(changed, json!({ "input": input })).await["passwordChange"]["done"], true);
    app.is_refused(&app.try_recover(&before).await, GONE, GOING_BACK).await;
}

/// Whoever made an invitation sees it while it is open, and takes it back; so does whoever may give all that it brings.
#[tokio::test]
async fn an_invitation_is_withdrawn_by_those_who_could_have_made_it() {
    let app = App::start().await;
    let (network, other) = (app.network("net").await, app.network("other").await);
    let reader = |network: &str| json!({ "role": "MEMBER_READER", "network": network });
    let coordinator = |network: &str| json!([{ "role": "COORDINATOR", "network": network }]);
    let maker = app.somebody("maker@example.org", coordinator(&network)).await;
    let peer = app.somebody("peer@example.org", coordinator(&network)).await;
    let elsewhere = app.somebody("elsewhere@example.org", coordinator(&other)).await;
    let invite = async || {
        let input = json!({ "email": "ada@example.org", "grants": [reader(&network)] });
        invitation(&maker.client, input).await
    };
    let withdraw = async |by: &crate::client::Client, email: &str| {
        let query =
            "mutation($e: String!) { invitationWithdraw(input: { email: $e }) { done userErrors { path code } } }";
        by.data(query, json!({ "e": email })).await["invitationWithdraw"].take()
    };
    let open = async |by: &crate::client::Client| {
        let query =
            "{ viewer { invitations { email grants { role networkId communityId expiresAt } createdAt expiresAt } } }";
        by.data(query, json!({})).await["viewer"]["invitations"].take()
    };
    let done = json!({ "done": true, "userErrors": [] });
    let missing = json!({ "done": false, "userErrors": [{ "path": ["input", "email"], "code": "NOT_FOUND" }] });

    let link = invite().await;
    let seen = open(&maker.client).await;
    let grant = json!({ "role": "MEMBER_READER", "networkId": network, "communityId": null, "expiresAt": null });
    assert_eq!((&seen[0]["email"], &seen[0]["grants"]), (&json!("ada@example.org"), &json!([grant])), "{seen}");
    assert_eq!((open(&peer.client).await, open(&app.anonymous).await), (json!([]), json!([])));
    // To whoever may not give what it brings there is none.
    assert_eq!(withdraw(&elsewhere.client, "ada@example.org").await, missing);
    assert_eq!(withdraw(&maker.client, "bob@example.org").await, missing);
    assert_eq!(withdraw(&maker.client, "Ada@Example.org").await, done);
    assert_eq!(open(&maker.client).await, json!([]));
    app.is_refused(&app.try_accept(&link, PASSWORD).await, GONE, ACCEPTING).await;
    assert_eq!(withdraw(&maker.client, "ada@example.org").await, missing);

    let (first, second) = (invite().await, invite().await);
    assert_eq!(withdraw(&peer.client, "ada@example.org").await, done);
    for link in [first, second] {
        app.is_refused(&app.try_accept(&link, PASSWORD).await, GONE, ACCEPTING).await;
    }
    let entry = app.log(3).await.remove(2);
    assert_eq!((&entry["action"], &entry["detail"]), (&json!("INVITE"), &json!("withdrew 2")));
    let link = invite().await;
    app.accept("ada@example.org", &link).await;
    assert_eq!((open(&maker.client).await, withdraw(&maker.client, "ada@example.org").await), (json!([]), missing));
}

#[tokio::test]
async fn of_many_who_use_a_link_at_once_one_gets_in() {
    let app = App::start().await;
    let network = app.network("net").await;
    let roles = json!([{ "role": "MEMBER_READER", "network": network }]);
    let link = invitation(&app.admin, json!({ "email": "ada@example.org", "grants": roles })).await;
    let answers = futures_util::future::join_all((0..20).map(|_| app.try_accept(&link, PASSWORD))).await;
    let won = answers.iter().filter(|answer| answer["accessToken"].is_string()).count();
    assert_eq!(won, 1, "{answers:?}");
    assert_eq!(app.everybody().await, json!({ "accounts": { "totalCount": 1 }, "grants": { "totalCount": 1 } }));
}

#[tokio::test]
async fn an_invitation_brings_nothing_that_its_maker_may_not_give_any_more() {
    let app = App::start().await;
    let network = app.network("net").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "COORDINATOR", "network": network }])).await;
    let input = json!({ "email": "bob@example.org", "grants": [{ "role": "COORDINATOR", "network": network }] });
    let link = invitation(&ada.client, input).await;
    take_back(&app, &ada).await;
    let before = app.everybody().await;
    let entry = ("bob@example.org", "DENIED", "accept an invitation");
    app.is_refused(&app.try_accept(&link, PASSWORD).await, ("link", "FORBIDDEN"), entry).await;
    assert_eq!(app.everybody().await, before, "no account was opened, no role given");
    assert!(app.sign_in("bob@example.org", PASSWORD).await["accessToken"].is_null());
    // With the role given back the link is good again: it was not used up.
    let again = json!({ "account": ada.account, "role": "COORDINATOR", "network": network });
    app.admin.change("grantCreate", again, "grant", "id").await;
    assert!(app.try_accept(&link, PASSWORD).await["accessToken"].is_string());
}

#[tokio::test]
async fn an_invitation_is_no_way_to_try_passwords() {
    let app = App::start().await;
    let network = app.network("net").await;
    let roles = json!([{ "role": "COORDINATOR", "network": network }]);
    let ada = app.somebody("ada@example.org", roles.clone()).await;
    let eve = app.somebody("eve@example.org", roles).await;
    let roles = json!([{ "role": "MEMBER_READER", "network": network }]);
    let link = invitation(&eve.client, json!({ "email": "ada@example.org", "grants": roles })).await;
    for guess in 0..5 {
        let answer = app.try_accept(&link, &format!("a wrong password {guess}")).await;
        let entry = ("ada@example.org", "SIGN_IN_FAILED", "accept an invitation");
        app.is_refused(&answer, ("password", "INVALID"), entry).await;
    }
    // As many as by signing in, and counted together with those.
    let query = "mutation($input: InvitationAcceptInput!) { invitationAccept(input: $input) { accessToken } }";
    let right = json!({ "input": { "link": link, "name": "Ada", "locale": "en", "password": PASSWORD } });
    assert_eq!(app.anonymous.error(query, right).await["extensions"]["code"], "THROTTLED");
    assert_eq!(ada.client.data(VIEWER, json!({})).await["viewer"]["grants"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn ways_back_are_handed_out_by_those_who_could_have_given_every_role() {
    let app = App::start().await;
    let (network, other) = (app.network("net").await, app.network("other").await);
    let community = app.member(&network, "c").await;
    let role = |role: &str, place: &str, id: &str| json!({ "role": role, place: id });
    let ada = app.somebody("ada@example.org", json!([role("COORDINATOR", "network", &network)])).await;
    let reader = app.somebody("reader@example.org", json!([role("MEMBER_READER", "network", &network)])).await;
    let steward = app.somebody("steward@example.org", json!([role("STEWARD", "community", &community)])).await;
    let writer = app.somebody("writer@example.org", json!([role("CONTRIBUTOR", "community", &community)])).await;
    let both = json!([role("MEMBER_READER", "network", &network), role("MEMBER_READER", "network", &other)]);
    let both = app.somebody("both@example.org", both).await;
    let root = app.somebody("root@example.org", json!([{ "role": "ADMINISTRATOR" }])).await;
    for (who, whose, allowed) in [
        (&ada, &reader, true),
        (&ada, &steward, false),
        (&ada, &writer, false),
        (&ada, &both, false),
        (&ada, &ada, false),
        (&ada, &root, false),
        (&steward, &writer, true),
        (&steward, &reader, false),
        (&reader, &ada, false),
        (&root, &steward, true),
        (&root, &both, true),
    ] {
        let link = way_back(who, whose).await;
        assert_eq!(link.is_ok(), allowed, "{} for {}: {link:?}", who.account, whose.account);
        let Err(code) = link else { continue };
        assert!(["FORBIDDEN", "NOT_FOUND"].contains(&code.as_str()), "{code}");
        if code == "FORBIDDEN" {
            let newest = app.log(1).await.remove(0);
            assert_eq!((&newest["action"], &newest["actorKind"]), (&json!("DENIED"), &json!("PERSON")));
            assert_eq!(newest["detail"], "hand out a way back into an account");
        }
    }
    let link = way_back(&ada, &reader).await.unwrap();
    assert!(app.try_recover(&link).await["accessToken"].is_string());
    assert_eq!(reader.client.status(VIEWER).await, 401);
}

#[tokio::test]
async fn a_way_back_leads_nowhere_that_its_maker_could_not_let_anybody_in_by_now() {
    let app = App::start().await;
    let network = app.network("net").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "COORDINATOR", "network": network }])).await;
    let reader = json!([{ "role": "MEMBER_READER", "network": network }]);
    let (bob, cy) =
        (app.somebody("bob@example.org", reader.clone()).await, app.somebody("cy@example.org", reader).await);
    let (of_bob, of_cy) = (way_back(&ada, &bob).await.unwrap(), way_back(&ada, &cy).await.unwrap());
    // Bob has risen above her, and then she has nothing to give any more.
    let more = json!({ "account": bob.account, "role": "ADMINISTRATOR" });
    app.admin.change("grantCreate", more, "grant", "id").await;
    let entry = |email| (email, "DENIED", "use a way back into an account");
    let outdated = ("link", "FORBIDDEN");
    app.is_refused(&app.try_recover(&of_bob).await, outdated, entry("bob@example.org")).await;
    take_back(&app, &ada).await;
    app.is_refused(&app.try_recover(&of_cy).await, outdated, entry("cy@example.org")).await;
    for person in [&bob, &cy] {
        assert_eq!(person.client.data(VIEWER, json!({})).await["viewer"]["kind"], "PERSON", "no session has ended");
    }
    assert!(app.sign_in("bob@example.org", PASSWORD).await["accessToken"].is_string(), "the password is as it was");
}

#[tokio::test]
async fn nothing_that_lets_anybody_in_is_in_the_log() {
    let app = App::start().await;
    let network = app.network("net").await;
    let roles = json!([{ "role": "MEMBER_READER", "network": network }]);
    let link = invitation(&app.admin, json!({ "email": "ada@example.org", "grants": roles })).await;
    let ada = app.accept("ada@example.org", &link).await;
    let root = app.somebody("root@example.org", json!([{ "role": "ADMINISTRATOR" }])).await;
    let recovery = way_back(&root, &ada).await.unwrap();
    app.try_accept(&link, "a password that was tried").await;
    app.sign_in("ada@example.org", "a password that was tried").await;
    let back = app.try_recover(&recovery).await;
    app.try_recover(&recovery).await;
    let query = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { secret } }";
    let input = json!({ "input": { "name": "Push", "communities": [app.community("c").await], "actions": ["RECORD_FIGURES"] } });
    let token = text(&app.admin.data(query, input).await["apiTokenCreate"]["secret"]);
    let log = Value::Array(app.log(100).await).to_string();
    assert!(log.contains("SIGN_IN_FAILED") && log.contains("RECOVERY") && log.contains("INVITE"), "{log}");
    let access = text(&back["accessToken"]);
    let refresh = text(&back["refreshToken"]);
    let secrets = [&link, &recovery, &ada.refresh, &ada.access, &refresh, &access, &token];
    // Neither as a whole nor the greater part of one.
    for secret in
        secrets.map(|secret| &secret[secret.len() - 20..]).into_iter().chain([PASSWORD, "was tried", "third horse"])
    {
        assert!(!log.contains(secret), "{secret}");
    }
}
