use std::{
    collections::HashMap,
    sync::{
        Mutex as Lock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use jsonwebtoken::jwk::Jwk;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::auth::{
    forge::{KEYS, NOW, at, changed, header, signed, signed_hs256},
    keys::SigningKeys,
};

const ISSUER: &str = "https://id.example.org/realm";
const DISCOVERY: &str = "https://id.example.org/realm/.well-known/openid-configuration";
const KEYS_AT: &str = "https://keys.example.org/jwks";

/// The world outside, which answers what it is told to.
#[derive(Default)]
struct Outside {
    documents: Lock<HashMap<String, Result<Vec<u8>, FetchError>>>,
    asked: AtomicUsize,
    slow: Duration,
}

#[async_trait]
impl Fetch for Outside {
    async fn get(&self, address: &Url) -> Result<Vec<u8>, FetchError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.slow).await;
        self.documents.lock().unwrap().get(address.as_str()).cloned().unwrap_or(Err(FetchError::Status(404)))
    }
}

impl Outside {
    fn serve(&self, address: &str, document: &Value) {
        self.documents.lock().unwrap().insert(address.to_owned(), Ok(document.to_string().into_bytes()));
    }

    fn fail(&self, address: &str) {
        self.documents.lock().unwrap().insert(address.to_owned(), Err(FetchError::Timeout));
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

struct World {
    outside: Arc<Outside>,
    providers: Providers,
}

fn issuer() -> Issuer {
    Issuer {
        issuer: ISSUER.to_owned(),
        audience: "concert".to_owned(),
        algorithms: Algorithm::ALL.to_vec(),
        jwks_uri: None,
    }
}

fn discovery() -> Value {
    json!({ "issuer": ISSUER, "jwks_uri": KEYS_AT, "token_endpoint": "https://id.example.org/token" })
}

/// The public keys of all kinds.
fn published() -> Vec<Value> {
    KEYS.iter().map(|keys| keys.jwks()["keys"][0].clone()).collect()
}

impl World {
    fn of(issuer: Issuer, slow: Duration) -> Self {
        let outside = Arc::new(Outside { slow, ..Outside::default() });
        outside.serve(DISCOVERY, &discovery());
        outside.serve(KEYS_AT, &json!({ "keys": published() }));
        let fetch: Arc<dyn Fetch> = outside.clone();
        Self { outside, providers: Providers::new(vec![issuer], &fetch).unwrap() }
    }

    fn new() -> Self {
        Self::of(issuer(), Duration::ZERO)
    }

    async fn verify(&self, token: &str, seconds: i64) -> Result<Foreign, Refused> {
        self.providers.verify(token, at(seconds)).await
    }
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": "concert", "sub": "person", "exp": NOW + 100_000, "iat": NOW, "scope": "openid" })
}

fn token(keys: &SigningKeys, head: &Value, changes: &Value) -> String {
    signed(keys, &header(keys, head), &changed(claims(), changes))
}

fn good() -> String {
    token(&KEYS[0], &json!({}), &json!({}))
}

fn person() -> Foreign {
    let until = at(100_000) + LEEWAY;
    let (issuer, subject) = (ISSUER.to_owned(), "person".to_owned());
    Foreign { issuer, subject, email: None, email_verified: false, issued_at: at(0), until }
}

#[actix_web::test]
async fn tokens_of_every_algorithm_are_verified_with_the_keys_that_the_issuer_publishes() {
    let world = World::new();
    for keys in KEYS.iter() {
        assert_eq!(world.verify(&token(keys, &json!({}), &json!({})), 0).await, Ok(person()));
    }
    // The discovery document and the keys, once for all.
    assert_eq!(world.outside.asked(), 2);
    assert!(world.providers.recognise(&good()));
    assert!(!world.providers.recognise(&token(&KEYS[0], &json!({}), &json!({"iss": "https://evil.example.org"}))));
    assert!(!world.providers.recognise("cnr_x"));
}

#[actix_web::test]
async fn keys_at_a_configured_place_need_no_discovery() {
    let world = World::of(Issuer { jwks_uri: Some(KEYS_AT.to_owned()), ..issuer() }, Duration::ZERO);
    world.outside.fail(DISCOVERY);
    assert_eq!(world.verify(&good(), 0).await, Ok(person()));
    assert_eq!(world.outside.asked(), 1);
}

#[rstest]
#[case(json!({}), Ok(()))]
#[case(json!({"typ": "JWT"}), Ok(()))]
#[case(json!({"typ": "application/jwt"}), Ok(()))]
#[case(json!({"typ": "-"}), Err(Refused::Header))]
#[case(json!({"typ": "logout+jwt"}), Err(Refused::Type))]
#[case(json!({"typ": "dpop+jwt"}), Err(Refused::Type))]
#[case(json!({"alg": "none"}), Err(Refused::Algorithm))]
#[case(json!({"alg": "HS256"}), Err(Refused::Algorithm))]
#[case(json!({"alg": "RS256"}), Err(Refused::Algorithm))]
#[case(json!({"alg": "ES384"}), Err(Refused::Algorithm))]
#[case(json!({"kid": "-"}), Err(Refused::Header))]
#[case(json!({"kid": "unknown"}), Err(Refused::UnknownKey))]
#[case(json!({"jku": KEYS_AT}), Err(Refused::ForbiddenHeader))]
#[case(json!({"x5u": KEYS_AT}), Err(Refused::ForbiddenHeader))]
#[case(json!({"jwk": published()[0]}), Err(Refused::ForbiddenHeader))]
#[case(json!({"x5c": []}), Err(Refused::ForbiddenHeader))]
#[case(json!({"crit": []}), Err(Refused::ForbiddenHeader))]
#[actix_web::test]
async fn headers(#[case] changes: Value, #[case] expected: Result<(), Refused>) {
    assert_eq!(World::new().verify(&token(&KEYS[0], &changes, &json!({})), 0).await.map(drop), expected);
}

#[rstest]
#[case(json!({"aud": ["other", "concert"]}), Ok(()))]
#[case(json!({"exp": 1_800_000_600.5}), Ok(()))]
#[case(json!({"nbf": NOW + 30}), Ok(()))]
#[case(json!({"nbf": NOW + 31}), Err(Refused::NotYetValid))]
#[case(json!({"exp": NOW - 29}), Ok(()))]
#[case(json!({"exp": NOW - 30}), Err(Refused::Expired))]
#[case(json!({"exp": "1800000600"}), Err(Refused::Claims))]
#[case(json!({"exp": "-"}), Err(Refused::Claims))]
#[case(json!({"exp": null}), Err(Refused::Claims))]
#[case(json!({"nbf": "0"}), Err(Refused::Claims))]
#[case(json!({"aud": "other"}), Err(Refused::Audience))]
#[case(json!({"aud": []}), Err(Refused::Audience))]
#[case(json!({"aud": ["concert", 1]}), Err(Refused::Claims))]
#[case(json!({"aud": "-"}), Err(Refused::Claims))]
#[case(json!({"aud": {"concert": true}}), Err(Refused::Claims))]
#[case(json!({"iss": "https://id.example.org/realm/"}), Err(Refused::Issuer))]
#[case(json!({"iss": "https://evil.example.org"}), Err(Refused::Issuer))]
#[case(json!({"iss": "-"}), Err(Refused::Claims))]
#[case(json!({"sub": "-"}), Err(Refused::Claims))]
#[case(json!({"sub": ""}), Err(Refused::Claims))]
#[case(json!({"sub": 1}), Err(Refused::Claims))]
#[case(json!({"sub": "x".repeat(256)}), Err(Refused::Claims))]
#[case(json!({"email": 1}), Err(Refused::Claims))]
#[case(json!({"padding": "x".repeat(8000)}), Err(Refused::TooLong))]
#[actix_web::test]
async fn claims_of_every_kind(#[case] changes: Value, #[case] expected: Result<(), Refused>) {
    assert_eq!(World::new().verify(&token(&KEYS[0], &json!({}), &changes), 0).await.map(drop), expected);
}

#[rstest]
#[case(json!({"email": "a@example.org", "email_verified": true}), true)]
#[case(json!({"email": "a@example.org", "email_verified": false}), false)]
#[case(json!({"email": "a@example.org", "email_verified": "true"}), false)]
#[case(json!({"email": "a@example.org", "email_verified": 1}), false)]
#[case(json!({"email": "a@example.org"}), false)]
#[case(json!({"email_verified": true}), false)]
#[actix_web::test]
async fn an_address_is_verified_only_if_the_issuer_says_so(#[case] changes: Value, #[case] verified: bool) {
    let found = World::new().verify(&token(&KEYS[0], &json!({}), &changes), 0).await.unwrap();
    assert_eq!(found.email.as_deref(), changes["email"].as_str());
    assert_eq!(found.email_verified, verified);
}

#[actix_web::test]
async fn claims_given_twice_are_refused() {
    let world = World::new();
    let good = claims().to_string();
    for member in [r#""iss":"https://id.example.org/realm""#, r#""sub":"admin""#, r#""exp":9999999999"#, r#""aud":"x""#]
    {
        let claims = format!("{},{member}}}", good.strip_suffix('}').unwrap());
        assert_eq!(
            world.verify(&signed(&KEYS[0], &header(&KEYS[0], &json!({})), &claims), 0).await,
            Err(Refused::Claims)
        );
    }
}

#[actix_web::test]
async fn keys_of_no_use_are_left_out() {
    let [es, rs, ed] = published().try_into().unwrap();
    let with = |key: &Value, changes: Value| -> Value { changed(key.clone(), &changes).parse().unwrap() };
    let set = json!({ "keys": [
        { "kty": "oct", "kid": "shared", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "alg": "HS256" },
        with(&es, json!({"kid": "for encrypting", "use": "enc"})),
        with(&es, json!({"kid": "for others", "use": "-", "key_ops": ["sign"]})),
        with(&es, json!({"kid": "of another algorithm", "alg": "ES384"})),
        with(&es, json!({"kid": "of another kind", "alg": "HS256"})),
        with(&es, json!({"kid": "on another curve", "crv": "P-384", "alg": "-"})),
        with(&es, json!({"kid": "short", "x": "AAAA"})),
        with(&es, json!({"kid": "without y", "y": "-"})),
        with(&es, json!({"kid": "-"})),
        with(&rs, json!({"kid": "short RSA", "n": "AAAA"})),
        with(&rs, json!({"kid": "RSA for another algorithm", "alg": "PS256"})),
        with(&ed, json!({"kid": "X25519", "crv": "X25519"})),
        7, null, "text", [], {},
        with(&es, json!({"kid": "good", "alg": "-", "use": "-", "key_ops": ["verify"], "x5c": ["ignored"]})),
        with(&ed, json!({"kid": "new name", "alg": "Ed25519"})),
    ]});
    let keys = Keys::read(set.to_string().as_bytes(), &Algorithm::ALL).unwrap();
    for key in set["keys"].as_array().unwrap() {
        let Some(kid) = key["kid"].as_str() else { continue };
        assert_eq!(keys.find(kid).is_some(), ["good", "new name"].contains(&kid), "{kid}");
    }
    // Only the algorithms that the operator allows.
    let only = Keys::read(json!({ "keys": published() }).to_string().as_bytes(), &[Algorithm::Rs256]).unwrap();
    assert!(only.find(es["kid"].as_str().unwrap()).is_none());
    assert!(only.find(rs["kid"].as_str().unwrap()).is_some());
    for malformed in ["", "{}", "[]", "null", r#"{"keys":{}}"#] {
        assert!(Keys::read(malformed.as_bytes(), &Algorithm::ALL).is_err(), "{malformed}");
    }
}

#[actix_web::test]
async fn a_shared_secret_in_the_set_and_a_public_key_as_secret_are_no_use() {
    let world = World::new();
    let mut keys = published();
    keys.push(json!({ "kty": "oct", "kid": "shared", "k": "c2VjcmV0", "alg": "HS256" }));
    world.outside.serve(KEYS_AT, &json!({ "keys": keys }));
    let forged = |secret: &[u8], head: Value| signed_hs256(secret, &header(&KEYS[1], &head), &claims().to_string());
    let shared = forged(b"secret", json!({"alg": "HS256", "kid": "shared"}));
    assert_eq!(world.verify(&shared, 0).await, Err(Refused::Algorithm));
    let shared = forged(b"secret", json!({"kid": "shared"}));
    assert_eq!(world.verify(&shared, 0).await, Err(Refused::UnknownKey));
    let public = serde_json::from_value::<Jwk>(published()[1].clone()).unwrap();
    let confused = forged(serde_json::to_string(&public).unwrap().as_bytes(), json!({}));
    assert_eq!(world.verify(&confused, 0).await, Err(Refused::Signature));
}

#[actix_web::test]
async fn keys_are_kept_for_ten_minutes_and_then_asked_for_again() {
    let world = World::new();
    for (seconds, fetches) in [(0, 2), (599, 0), (600, 2), (601, 0), (1199, 0), (1200, 2)] {
        assert!(world.verify(&good(), seconds).await.is_ok());
        assert_eq!(world.outside.asked(), fetches, "{seconds}");
    }
    // A key that the issuer has withdrawn is no longer good then.
    world.outside.serve(KEYS_AT, &json!({ "keys": [published()[1]] }));
    assert!(world.verify(&good(), 1799).await.is_ok());
    assert_eq!(world.verify(&good(), 1800).await, Err(Refused::UnknownKey));
}

#[actix_web::test]
async fn an_unknown_key_is_asked_for_at_most_twice_a_minute() {
    let world = World::new();
    world.outside.serve(KEYS_AT, &json!({ "keys": [published()[1]] }));
    assert_eq!(world.verify(&good(), 0).await, Err(Refused::UnknownKey));
    assert_eq!(world.outside.asked(), 2);
    world.outside.serve(KEYS_AT, &json!({ "keys": published() }));
    for seconds in 0..30 {
        assert_eq!(world.verify(&good(), seconds).await, Err(Refused::UnknownKey));
    }
    assert_eq!(world.outside.asked(), 0);
    assert_eq!(world.verify(&good(), 30).await, Ok(person()));
    assert_eq!(world.outside.asked(), 2);
    for seconds in 31..60 {
        assert_eq!(
            world.verify(&token(&KEYS[0], &json!({"kid": seconds.to_string()}), &json!({})), seconds).await,
            Err(Refused::UnknownKey)
        );
    }
    assert_eq!(world.outside.asked(), 0);
}

#[actix_web::test]
async fn the_last_good_keys_last_through_an_outage() {
    let world = World::new();
    assert!(world.verify(&good(), 0).await.is_ok());
    world.outside.asked();
    world.outside.fail(DISCOVERY);
    for seconds in (600..86_400).step_by(600) {
        assert!(world.verify(&good(), seconds).await.is_ok(), "{seconds}");
    }
    // An empty set and a wrong document are outages as well.
    world.outside.serve(DISCOVERY, &discovery());
    world.outside.serve(KEYS_AT, &json!({ "keys": [] }));
    assert!(world.verify(&good(), 86_399).await.is_ok());
    world.outside.serve(KEYS_AT, &json!("maintenance"));
    assert_eq!(world.verify(&good(), 86_400 + 60).await, Err(Refused::KeysUnavailable));
    world.outside.serve(KEYS_AT, &json!({ "keys": published() }));
    assert!(world.verify(&good(), 86_400 + 90).await.is_ok());
}

#[actix_web::test]
async fn those_whose_key_is_known_do_not_wait_through_an_outage() {
    let world = World::of(issuer(), Duration::from_millis(300));
    assert!(world.verify(&good(), 0).await.is_ok());
    world.outside.fail(DISCOVERY);
    assert!(world.verify(&good(), 600).await.is_ok());
    let start = std::time::Instant::now();
    for seconds in [640, 680, 720] {
        assert!(world.verify(&good(), seconds).await.is_ok());
    }
    assert!(start.elapsed() < Duration::from_millis(250), "{:?}", start.elapsed());
}

#[actix_web::test]
async fn without_any_keys_nothing_is_believed() {
    let world = World::new();
    world.outside.fail(KEYS_AT);
    assert_eq!(world.verify(&good(), 0).await, Err(Refused::KeysUnavailable));
    assert_eq!(world.verify(&good(), 1).await, Err(Refused::KeysUnavailable));
    assert_eq!(world.outside.asked(), 2);
    world.outside.serve(KEYS_AT, &json!({ "keys": published() }));
    assert!(world.verify(&good(), 30).await.is_ok());
}

#[rstest]
#[case(json!({"issuer": "https://id.example.org/realm/"}))]
#[case(json!({"issuer": "https://evil.example.org"}))]
#[case(json!({"issuer": "-"}))]
#[case(json!({"jwks_uri": "-"}))]
#[case(json!({"jwks_uri": "http://keys.example.org/jwks"}))]
#[case(json!({"jwks_uri": "http://127.0.0.1/jwks"}))]
#[case(json!({"jwks_uri": "http://169.254.169.254/latest"}))]
#[case(json!({"jwks_uri": "file:///etc/passwd"}))]
#[case(json!({"jwks_uri": "/jwks"}))]
#[actix_web::test]
async fn a_discovery_document_that_cannot_be_trusted_is_not(#[case] changes: Value) {
    let world = World::new();
    world.outside.serve(DISCOVERY, &changed(discovery(), &changes).parse().unwrap());
    for (address, document) in [("http://keys.example.org/jwks", KEYS_AT), ("http://127.0.0.1/jwks", KEYS_AT)] {
        let document = world.outside.documents.lock().unwrap()[document].clone();
        world.outside.documents.lock().unwrap().insert(address.to_owned(), document);
    }
    assert_eq!(world.verify(&good(), 0).await, Err(Refused::KeysUnavailable));
    assert_eq!(world.outside.asked(), 1);
}

#[actix_web::test]
async fn many_at_once_fetch_once() {
    let world = World::of(issuer(), Duration::from_millis(30));
    let token = good();
    let all = join_all((0..50).map(|_| world.verify(&token, 0))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(world.outside.asked(), 2);
}

#[actix_web::test]
async fn a_caller_who_leaves_does_not_spoil_it_for_the_others() {
    let world = World::of(issuer(), Duration::from_millis(50));
    let token = good();
    let leaving = tokio::time::timeout(Duration::from_millis(5), world.verify(&token, 0)).await;
    assert!(leaving.is_err());
    assert_eq!(world.verify(&token, 1).await, Ok(person()));
    assert_eq!(world.outside.asked(), 2);
}

#[test]
fn settings_that_cannot_be_trusted_are_refused() {
    let fetch: Arc<dyn Fetch> = Arc::new(Outside::default());
    let failure = |issuers: Vec<Issuer>| Providers::new(issuers, &fetch).err();
    let named = |name: &str| Issuer { issuer: name.to_owned(), ..issuer() };
    for name in ["", "id.example.org", "http://id.example.org", "https://id.example.org?x", "https://u@id.example.org"]
    {
        assert_eq!(failure(vec![named(name)]), Some(IssuerError::Address(name.to_owned())), "{name}");
    }
    let keys = Issuer { jwks_uri: Some("http://keys.example.org".to_owned()), ..issuer() };
    assert!(matches!(failure(vec![keys]), Some(IssuerError::Address(_))));
    for incomplete in [Issuer { audience: String::new(), ..issuer() }, Issuer { algorithms: vec![], ..issuer() }] {
        assert!(matches!(failure(vec![incomplete]), Some(IssuerError::Incomplete(_))));
    }
    assert!(matches!(failure(vec![issuer(), issuer()]), Some(IssuerError::Twice(_))));
    assert!(failure(vec![issuer(), named("http://localhost:4000")]).is_none());
}

/// A server on this machine that answers every request with what the path asks for; returns its address.
async fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = format!("http://{}", listener.local_addr().unwrap());
    let issuer = here.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let issuer = issuer.clone();
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap();
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default();
                let (status, body) = match path {
                    "/.well-known/openid-configuration" => {
                        ("200 OK", json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/jwks") }).to_string())
                    }
                    "/jwks" => ("200 OK", json!({ "keys": published() }).to_string()),
                    "/long" => ("200 OK", "x".repeat(MAX_DOCUMENT + 1)),
                    "/moved" => ("302 Found\r\nLocation: /jwks", String::new()),
                    _ => ("404 Not Found", String::new()),
                };
                let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap_or_default();
            });
        }
    });
    here
}

#[actix_web::test]
async fn over_http_from_a_server_on_this_machine() {
    let here = server().await;
    let fetch: Arc<dyn Fetch> = Arc::new(HttpFetch::new().unwrap());
    let get = async |path: &str| fetch.get(&Url::parse(&format!("{here}{path}")).unwrap()).await;
    assert_eq!(get("/missing").await, Err(FetchError::Status(404)));
    assert_eq!(get("/moved").await, Err(FetchError::Status(302)));
    assert_eq!(get("/long").await, Err(FetchError::TooLong));
    assert_eq!(fetch.get(&Url::parse("http://127.0.0.1:9").unwrap()).await, Err(FetchError::Connection));
    // Nothing that is not encrypted from elsewhere, whatever asks for it.
    assert_eq!(fetch.get(&Url::parse("http://192.0.2.1/jwks").unwrap()).await, Err(FetchError::Connection));

    let providers = Providers::new(vec![Issuer { issuer: here.clone(), ..issuer() }], &fetch).unwrap();
    let token = token(&KEYS[1], &json!({"typ": "JWT"}), &json!({ "iss": here }));
    assert_eq!(providers.verify(&token, at(0)).await, Ok(Foreign { issuer: here, ..person() }));
}

proptest! {
    #[test]
    fn no_document_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
        let _ = Keys::read(&bytes, &Algorithm::ALL);
        let key = json!({ "keys": [{ "kty": "RSA", "kid": "k", "n": text, "e": text }, { "kty": "EC", "crv": "P-256", "kid": "k", "x": text, "y": text }] });
        let _ = Keys::read(key.to_string().as_bytes(), &Algorithm::ALL);
    }

    #[test]
    fn chance_names_no_issuer(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let fetch: Arc<dyn Fetch> = Arc::new(Outside::default());
        let providers = Providers::new(vec![issuer()], &fetch).unwrap();
        prop_assert!(!providers.recognise(&String::from_utf8_lossy(&bytes)));
    }
}
