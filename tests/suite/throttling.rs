//! How often anybody may try: for an account, and from an address, which is what proxies say of it if they are trusted.

use std::time::Duration;

use domain::port::limiter::Limit;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    app::{App, Options},
    identity::{PASSWORD, VIEWER},
};

const SIGN_IN: &str = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken userErrors { code } } }";
const CHANGE: &str =
    "mutation($input: PasswordChangeInput!) { passwordChange(input: $input) { done userErrors { path } } }";

/// Three tries from an address, behind a proxy on this machine if it is trusted.
async fn guarded(proxies: &[&str]) -> App {
    let address = Limit { burst: 3, per: Duration::from_hours(10) };
    let proxies = proxies.iter().map(|range| range.parse().unwrap()).collect();
    App::opened(Options { address, proxies, ..Options::default() }).await
}

/// Whether somebody is refused as having tried too often, by what the proxies say of where they are.
async fn throttled(app: &App, forwarded: &[&str], number: usize) -> bool {
    let input = json!({ "email": format!("nobody-{number}@example.org"), "password": "a wrong password" });
    let mut request = app.anonymous.post().json(&json!({ "query": SIGN_IN, "variables": { "input": input } }));
    for value in forwarded {
        request = request.header("x-forwarded-for", *value);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    match answer["errors"][0]["extensions"]["code"].as_str() {
        None => false,
        Some(code) => {
            assert_eq!(code, "THROTTLED", "{answer}");
            true
        }
    }
}

#[tokio::test]
async fn tries_are_counted_by_address_and_by_the_whole_network_of_a_subscriber() {
    let app = guarded(&["127.0.0.0/8", "10.0.0.0/8"]).await;
    let mut number = 0;
    let mut tries = async |forwarded: &[&str]| {
        number += 1;
        throttled(&app, forwarded, number).await
    };
    for address in ["192.0.2.1", "192.0.2.2"] {
        for last in [false, false, false, true] {
            assert_eq!(tries(&[address]).await, last, "{address}");
        }
    }
    // The last that is no proxy counts, whatever somebody wrote before it, and in how many headers.
    assert!(tries(&["203.0.113.5, 192.0.2.1"]).await);
    assert!(tries(&["203.0.113.5", "192.0.2.1, 10.1.2.3"]).await);
    assert!(!tries(&["192.0.2.1, 203.0.113.5"]).await);
    assert!(tries(&["::ffff:192.0.2.1"]).await, "the same address by another name");
    // What lies beyond a word that is no address could be invented: the proxy that passed it on counts.
    for last in [false, false, false, true] {
        assert_eq!(tries(&["192.0.2.77, unknown, 10.9.9.9"]).await, last);
    }
    // Of IPv6 a subscriber has a /64 at least.
    for (address, last) in [
        ("2001:db8:1:2::1", false),
        ("2001:db8:1:2::2", false),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", false),
        ("2001:db8:1:2:8::", true),
        ("2001:db8:1:3::1", false),
    ] {
        assert_eq!(tries(&[address]).await, last, "{address}");
    }
}

#[tokio::test]
async fn nobody_is_elsewhere_by_their_own_word() {
    let app = guarded(&["10.0.0.0/8"]).await;
    for (number, last) in [false, false, false, true].into_iter().enumerate() {
        assert_eq!(throttled(&app, &[&format!("192.0.2.{number}")], number).await, last);
    }
    let query = "{ auditEntries(filter: { action: [SIGN_IN_FAILED] }) { nodes { address detail } } }";
    let log = app.admin.data(query, json!({})).await["auditEntries"]["nodes"].take();
    assert_eq!(log[0], json!({ "address": "127.0.0.1", "detail": "sign in: too many attempts" }));
    assert_eq!(log.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn changing_a_password_is_no_way_to_try_more_of_them() {
    let app = App::start().await;
    let network = app.network("net").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "MEMBER_READER", "network": network }])).await;
    let change =
        |present: &str| json!({ "input": { "currentPassword": present, "newPassword": "another horse battery" } });
    // The right one brings every try back.
    for _ in 0..2 {
        for guess in 0..4 {
            let refused = ada.client.data(CHANGE, change(&format!("a wrong guess {guess}"))).await;
            assert_eq!(refused["passwordChange"]["userErrors"], json!([{ "path": ["input", "currentPassword"] }]));
        }
        let weak = json!({ "input": { "currentPassword": PASSWORD, "newPassword": "short" } });
        let refused = ada.client.data(CHANGE, weak).await;
        assert_eq!(refused["passwordChange"]["userErrors"], json!([{ "path": ["input", "newPassword"] }]));
    }
    for guess in 0..5 {
        ada.client.data(CHANGE, change(&format!("a wrong guess {guess}"))).await;
    }
    assert_eq!(ada.client.error(CHANGE, change(PASSWORD)).await["extensions"]["code"], "THROTTLED");
    // They are counted together with those of signing in.
    let input = json!({ "input": { "email": "ADA@example.org", "password": PASSWORD } });
    assert_eq!(app.anonymous.error(SIGN_IN, input).await["extensions"]["code"], "THROTTLED");
    assert_eq!(ada.client.data(VIEWER, json!({})).await["viewer"]["kind"], "PERSON");
    let query = "{ auditEntries(first: 2) { nodes { action actorKind detail } } }";
    let log = app.admin.data(query, json!({})).await["auditEntries"]["nodes"].take();
    assert_eq!(
        log,
        json!([
            { "action": "SIGN_IN_FAILED", "actorKind": "ANONYMOUS", "detail": "sign in: too many attempts" },
            { "action": "DENIED", "actorKind": "PERSON", "detail": "change the password: too many attempts" },
        ])
    );
}
