//! Forged and broken tokens, sent to a real server: each is refused, none is taken for nobody.

use api::auth::keys::SigningKeys;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, crypto::sign};
use reqwest::{StatusCode, header};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    app::{App, SIGNING_KEY},
    fixture::merge,
    identity::{invitation, text},
};

const QUERY: &str = "{ networks { totalCount } viewer { kind } }";

/// The parts of a good token of somebody, to be changed.
struct Good {
    header: Value,
    claims: Value,
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn changed(part: &Value, changes: Value) -> Value {
    let mut part = part.clone();
    merge(&mut part, changes);
    // What is to be left out.
    part.as_object_mut().unwrap().retain(|_, value| value != "-");
    part
}

impl Good {
    fn of(token: &str) -> Self {
        let part = |place: usize| {
            let text = token.split('.').nth(place).unwrap();
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        Self { header: part(0), claims: part(1) }
    }

    /// With the server's own key, whatever it says.
    fn signed(&self, header: Value, claims: Value) -> String {
        let key = EncodingKey::from_ec_pem(SIGNING_KEY.expose_secret().as_bytes()).unwrap();
        self.with(&key, Algorithm::ES256, header, claims)
    }

    fn with(&self, key: &EncodingKey, algorithm: Algorithm, header: Value, claims: Value) -> String {
        let said = [encoded(&changed(&self.header, header)), encoded(&changed(&self.claims, claims))].join(".");
        let signature = sign(said.as_bytes(), key, algorithm).unwrap();
        format!("{said}.{signature}")
    }
}

/// The public key, in every form in which it can be had.
fn public_key() -> Vec<Vec<u8>> {
    // Of a key on P-256: what precedes the point in its SubjectPublicKeyInfo (RFC 5480).
    const BEFORE: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";
    let jwks = SigningKeys::from_pem(std::slice::from_ref(&*SIGNING_KEY)).unwrap().jwks();
    let key = &jwks["keys"][0];
    let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let der = [STANDARD.decode(BEFORE).unwrap(), part("x"), part("y")].concat();
    assert_eq!(der.len(), 91);
    let text = STANDARD.encode(&der);
    let lines: Vec<&str> = [&text[..64], &text[64..]].to_vec();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
    let texts = [jwks.to_string(), key.to_string(), text.clone(), pem.trim_end().to_owned(), pem];
    texts.into_iter().map(String::into_bytes).chain([der, part("x")]).collect()
}

/// Every token that must not be believed, and what is wrong with it.
fn forged(good: &Good, token: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |what: &str, token: String| all.push((what.to_owned(), token));
    let now = Utc::now().timestamp();
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "None" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "RS256" }),
        json!({ "alg": "ES384" }),
        json!({ "alg": "-" }),
        json!({ "typ": "JWT" }),
        json!({ "typ": "-" }),
        json!({ "kid": "unknown" }),
        json!({ "kid": "../../../dev/null" }),
        json!({ "kid": "-" }),
        json!({ "kid": 0 }),
        json!({ "jku": "http://127.0.0.1:1/keys" }),
        json!({ "x5u": "http://127.0.0.1:1/keys" }),
        json!({ "jwk": { "kty": "oct", "k": "AAAA" } }),
        json!({ "x5c": ["AAAA"] }),
        json!({ "crit": ["exp"] }),
        json!({ "b64": false }),
    ] {
        add(&format!("header {header}"), good.signed(header, json!({})));
    }
    for claims in [
        json!({ "iss": "another" }),
        json!({ "iss": "-" }),
        json!({ "aud": "another" }),
        json!({ "aud": "-" }),
        json!({ "sub": "-" }),
        json!({ "sub": "" }),
        json!({ "sub": "00000000-0000-0000-0000-000000000000" }),
        json!({ "sid": "-" }),
        json!({ "sid": "00000000-0000-0000-0000-000000000000" }),
        json!({ "exp": "-" }),
        json!({ "exp": (now + 60).to_string() }),
        json!({ "exp": now - 3_600 }),
        json!({ "exp": -1 }),
        json!({ "exp": null }),
        json!({ "exp": 1e300 }),
        json!({ "exp": [now + 60] }),
        json!({ "iat": now + 3_600 }),
        json!({ "iss": ["concert"] }),
        json!({ "sub": null }),
        json!({ "nbf": now + 3_600 }),
    ] {
        add(&format!("claims {claims}"), good.signed(json!({}), claims));
    }
    for secret in public_key() {
        let key = EncodingKey::from_secret(&secret);
        add("the public key as a secret", good.with(&key, Algorithm::HS256, json!({ "alg": "HS256" }), json!({})));
    }
    // Which of the two counts would depend on who reads them.
    let twice = good.claims.to_string().replacen('{', &format!("{{\"exp\":{},", now + 60), 1);
    let said = [encoded(&good.header), URL_SAFE_NO_PAD.encode(twice)].join(".");
    let key = EncodingKey::from_ec_pem(SIGNING_KEY.expose_secret().as_bytes()).unwrap();
    add("a claim twice", format!("{said}.{}", sign(said.as_bytes(), &key, Algorithm::ES256).unwrap()));
    let unsigned = [encoded(&changed(&good.header, json!({ "alg": "none" }))), encoded(&good.claims)].join(".");
    add("unsigned", format!("{unsigned}."));
    add("unsigned, in two parts", unsigned);
    let another = api::auth::keys::generate_pem().unwrap();
    let another = EncodingKey::from_ec_pem(another.expose_secret().as_bytes()).unwrap();
    add("another key", good.with(&another, Algorithm::ES256, json!({}), json!({})));
    let said = token.rsplit_once('.').unwrap().0;
    let signature = token.rsplit_once('.').unwrap().1;
    for (what, text) in [
        ("no signature", format!("{said}.")),
        ("two parts", said.to_owned()),
        ("four parts", format!("{token}.{signature}")),
        ("nothing but dots", "..".to_owned()),
        ("one word", "token".to_owned()),
        ("no base64", "a b.c d.e f".to_owned()),
        ("a signature of zeros", format!("{said}.{}", URL_SAFE_NO_PAD.encode([0; 64]))),
        ("a signature that is longer", format!("{token}AAAA")),
        ("an API token that nobody made", "cnc_000000000000000000000000000000000000".to_owned()),
        ("a thousand parts", vec!["e30"; 1_000].join(".")),
        ("much too long", format!("{said}.{}", "A".repeat(20_000))),
    ] {
        add(what, text);
    }
    all
}

#[tokio::test]
async fn a_forged_token_is_refused_and_never_taken_for_nobody() {
    let app = App::start().await;
    let network = app.network("net").await;
    let somebody = app.somebody("ada@example.org", json!([{ "role": "MEMBER_READER", "network": network }])).await;
    let roles = json!([{ "role": "MEMBER_READER", "network": network }]);
    let link = invitation(&app.admin, json!({ "email": "bob@example.org", "grants": roles })).await;
    let query = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { secret } }";
    let made = json!({ "input": { "name": "Push", "communities": [app.community("c").await], "actions": ["RECORD_FIGURES"] } });
    let token = text(&app.admin.data(query, made).await["apiTokenCreate"]["secret"]);
    let good = Good::of(&somebody.access);
    let ask = async |values: &[String]| {
        let mut request = app.anonymous.post().json(&json!({ "query": QUERY }));
        for value in values {
            request = request.header(header::AUTHORIZATION, value.as_str());
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        (status, headers, answer.json::<Value>().await.unwrap())
    };
    let (status, _, answer) = ask(&[format!("Bearer {}", good.signed(json!({}), json!({})))]).await;
    assert_eq!(
        (status, &answer["data"]["viewer"]["kind"]),
        (StatusCode::OK, &json!("PERSON")),
        "signed again it is good"
    );
    let mut refused: Vec<(String, Vec<String>)> = forged(&good, &somebody.access)
        .into_iter()
        .map(|(what, token)| (what, vec![format!("Bearer {token}")]))
        .collect();
    let bearer = format!("Bearer {}", somebody.access);
    refused.extend([
        ("no token".to_owned(), vec!["Bearer".to_owned()]),
        ("an empty token".to_owned(), vec!["Bearer ".to_owned()]),
        ("another scheme".to_owned(), vec![format!("Basic {}", somebody.access)]),
        ("no scheme".to_owned(), vec![somebody.access.clone()]),
        ("a refresh token".to_owned(), vec![format!("Bearer {}", somebody.refresh)]),
        ("an access token and more".to_owned(), vec![format!("{bearer} {bearer}")]),
        ("half a refresh token".to_owned(), vec![format!("Bearer {}", &somebody.refresh[..20])]),
        ("an invitation".to_owned(), vec![format!("Bearer {link}")]),
        ("an API token that was cut off".to_owned(), vec![format!("Bearer {}", &token[..39])]),
        ("an API token with more".to_owned(), vec![format!("Bearer {token}0")]),
        ("an API token without its checksum".to_owned(), vec![format!("Bearer {}", &token[..34])]),
        ("an API token in another scheme".to_owned(), vec![format!("Basic {token}")]),
        ("two headers, one good".to_owned(), vec!["Bearer forged".to_owned(), bearer.clone()]),
        ("two headers, one good, the other way round".to_owned(), vec![bearer.clone(), "Bearer forged".to_owned()]),
        ("two headers, both good".to_owned(), vec![bearer.clone(), bearer]),
    ]);
    for (what, values) in refused {
        let (status, headers, answer) = ask(&values).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}: {answer}");
        assert!(headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer"), "{what}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{what}");
        assert!(answer.get("data").is_none(), "{what}");
        // Which of its parts is wrong is for the log alone.
        assert_eq!(answer["errors"][0]["message"], "the token is not known here", "{what}");
    }
    let (status, _, answer) = ask(&[format!("Bearer {}", somebody.access)]).await;
    assert_eq!((status, &answer["data"]["viewer"]["kind"]), (StatusCode::OK, &json!("PERSON")), "the server goes on");
    assert_eq!(app.anonymous.get("/livez").send().await.unwrap().status(), StatusCode::OK);
}
