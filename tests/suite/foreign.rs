//! Tokens of another identity provider: a real one on this machine, with its discovery document and keys.

use std::{
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use actix_web::{App as Site, HttpServer, web};
use api::auth::{
    keys::{Algorithm, SigningKeys, generate_pem},
    oidc::{Fetch, HttpFetch, Issuer, Providers},
};
use chrono::Utc;
use jsonwebtoken::{EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::{app::App, client::Client};

/// An issuer that listens, with the key that it signs with.
struct Provider {
    url: String,
    keys: Arc<Mutex<SecretString>>,
    asked: Arc<AtomicUsize>,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let keys = Arc::new(Mutex::new(generate_pem().unwrap()));
        let asked = Arc::new(AtomicUsize::new(0));
        let (issuer, shared, count) = (url.clone(), Arc::clone(&keys), Arc::clone(&asked));
        let server = HttpServer::new(move || {
            let (issuer, shared, count) = (issuer.clone(), Arc::clone(&shared), Arc::clone(&count));
            let discovery = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") });
            Site::new()
                .route(
                    "/.well-known/openid-configuration",
                    web::get().to(move || std::future::ready(web::Json(discovery.clone()))),
                )
                .route(
                    "/keys",
                    web::get().to(move || {
                        count.fetch_add(1, Ordering::SeqCst);
                        let pem = shared.lock().unwrap().clone();
                        std::future::ready(web::Json(SigningKeys::from_pem(&[pem]).unwrap().jwks()))
                    }),
                )
        });
        tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
        Self { url, keys, asked }
    }

    /// A token with these claims in the place of good ones.
    fn token(&self, changes: Value) -> String {
        let pem = self.keys.lock().unwrap().clone();
        let kid = SigningKeys::from_pem(std::slice::from_ref(&pem)).unwrap().kids().next().unwrap().to_owned();
        let now = Utc::now().timestamp();
        let mut claims = json!({ "iss": self.url, "aud": "concert", "sub": "248289761001", "iat": now, "exp": now + 60,
            "email": "ada@example.org", "email_verified": true });
        crate::fixture::merge(&mut claims, changes);
        let header =
            Header { kid: Some(kid), typ: Some("at+jwt".to_owned()), ..Header::new(jsonwebtoken::Algorithm::ES256) };
        let key = EncodingKey::from_ec_pem(pem.expose_secret().as_bytes()).unwrap();
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    }

    fn trusted(&self) -> Providers {
        let fetch: Arc<dyn Fetch> = Arc::new(HttpFetch::new().unwrap());
        let issuer = Issuer {
            issuer: self.url.clone(),
            audience: "concert".to_owned(),
            algorithms: vec![Algorithm::Es256],
            jwks_uri: None,
        };
        Providers::new(vec![issuer], &fetch).unwrap()
    }
}

const VIEWER: &str = "{ viewer { kind account { email } grants { role } } }";

#[tokio::test]
async fn whom_another_provider_has_signed_in_is_who_has_the_account() {
    let provider = Provider::start().await;
    let app = App::trusting(provider.trusted()).await;
    let as_holder = |token: &str| Client::new(&app.url, Some(token));
    // Nobody is let in who was not invited.
    assert_eq!(as_holder(&provider.token(json!({}))).status(VIEWER).await, 401);
    let network = app.network("net").await;
    app.somebody("ada@example.org", json!([{ "role": "MEMBER_READER", "network": network }])).await;
    for changes in [
        json!({ "email_verified": false }),
        json!({ "email": "eve@example.org" }),
        json!({ "aud": "another" }),
        json!({ "exp": Utc::now().timestamp() - 3_600 }),
        json!({ "iss": "https://id.example.org" }),
    ] {
        assert_eq!(as_holder(&provider.token(changes.clone())).status(VIEWER).await, 401, "{changes}");
    }
    let seen = as_holder(&provider.token(json!({}))).data(VIEWER, json!({})).await;
    let ada = json!({ "viewer": { "kind": "PERSON", "account": { "email": "ada@example.org" }, "grants": [{ "role": "MEMBER_READER" }] } });
    assert_eq!(seen, ada);
    // Once linked, it is the subject that counts, whatever address comes with it.
    let moved = provider.token(json!({ "email": "elsewhere@example.org" }));
    assert_eq!(as_holder(&moved).data(VIEWER, json!({})).await, ada);
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1, "the keys are kept");
    let other = provider.token(json!({ "sub": "other", "email": "nobody@example.org" }));
    assert_eq!(as_holder(&other).status(VIEWER).await, 401);
}

/// What a provider signed before is not good any more once its holder has signed out, here or everywhere.
#[tokio::test]
async fn whoever_signs_out_ends_what_another_provider_signed_for_them() {
    let provider = Provider::start().await;
    let app = App::trusting(provider.trusted()).await;
    let network = app.network("net").await;
    let roles = json!([{ "role": "MEMBER_READER", "network": network }]);
    let ada = app.somebody("ada@example.org", roles.clone()).await;
    let bob = app.somebody("bob@example.org", roles).await;
    let now = Utc::now().timestamp();
    let issued = |at: Value| Client::new(&app.url, Some(&provider.token(json!({ "iat": at }))));
    let of_bob = json!({ "iat": now - 30, "sub": "bob", "email": "bob@example.org" });
    let of_bob = Client::new(&app.url, Some(&provider.token(of_bob)));
    let (before, after) = (issued(json!(now - 30)), issued(json!(now + 4)));
    let statuses = async |clients: [&Client; 2]| {
        [clients[0].status(VIEWER).await.as_u16(), clients[1].status(VIEWER).await.as_u16()]
    };
    // One that does not say when it was made, or says that it is yet to be, could not be told from one made before.
    assert_eq!(statuses([&issued(Value::Null), &issued(json!(now + 3_600))]).await, [401, 401]);
    assert_eq!(before.status(VIEWER).await, 200);
    let sign_out = "mutation($everywhere: Boolean!) { signOut(everywhere: $everywhere) { done } }";
    before.data(sign_out, json!({ "everywhere": false })).await;
    assert_eq!(before.status(VIEWER).await, 401);
    assert_eq!(statuses([&after, &ada.client]).await, [200, 200], "only what was signed before");
    app.clock.pass(35);
    ada.client.data(sign_out, json!({ "everywhere": true })).await;
    assert_eq!(statuses([&after, &ada.client]).await, [401, 401]);
    // Nor does one that was never seen until then.
    bob.client.data(sign_out, json!({ "everywhere": true })).await;
    assert_eq!(of_bob.status(VIEWER).await, 401);
    let query = "{ auditEntries(first: 1, filter: { action: [DENIED] }) { nodes { detail objectId } } }";
    let entry = app.admin.data(query, json!({})).await["auditEntries"]["nodes"][0].take();
    assert_eq!(entry["detail"], "a token of another provider from before its holder signed out");
    assert_eq!(entry["objectId"], bob.account);
}

#[tokio::test]
async fn many_who_come_at_once_for_the_first_time_are_let_in_and_it_is_recorded_once() {
    let provider = Provider::start().await;
    let app = App::trusting(provider.trusted()).await;
    let network = app.network("net").await;
    app.somebody("ada@example.org", json!([{ "role": "MEMBER_READER", "network": network }])).await;
    // Each with a token of its own, so that none of them is remembered.
    let tokens: Vec<_> = (0..10).map(|number| provider.token(json!({ "jti": number.to_string() }))).collect();
    let ask = async |token: &String| Client::new(&app.url, Some(token)).status(VIEWER).await;
    let answers = futures_util::future::join_all(tokens.iter().map(ask)).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    for token in &tokens {
        assert_eq!(ask(token).await, 200);
    }
    let query = "query($actions: [AuditAction!]) { auditEntries(filter: { action: $actions }) {
        nodes { actorKind action detail address } } }";
    let log = async |action: &str| {
        app.admin.data(query, json!({ "actions": [action] })).await["auditEntries"]["nodes"].take()
    };
    let entry = |action: &str, detail: String| json!([{ "actorKind": "PERSON", "action": action, "detail": detail, "address": "127.0.0.1" }]);
    assert_eq!(log("SIGN_IN").await, entry("SIGN_IN", format!("by {}", provider.url)));
    let linked = format!("linked to 248289761001 of {}", provider.url);
    assert_eq!(log("UPDATE").await, entry("UPDATE", linked));
}
