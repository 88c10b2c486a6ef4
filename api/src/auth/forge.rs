//! Keys and tokens for tests, good and bad.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::Ed25519KeyPair,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{EncodingKey, crypto};
use secrecy::SecretString;
use serde_json::Value;

use super::{
    jws::URL_SAFE,
    keys::{SigningKeys, generate_pem},
};

/// The moment at which tests take place, seconds since 1970.
pub const NOW: i64 = 1_800_000_000;

pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(NOW + seconds, 0).unwrap()
}

pub fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

pub fn rsa_pem(size: KeySize) -> String {
    let der: Pkcs8V1Der<'_> = KeyPair::generate(size).unwrap().as_der().unwrap();
    pem("PRIVATE KEY", der.as_ref())
}

/// With the public key at its end, as newer tools write it, or without.
pub fn ed_pem(with_public: bool) -> String {
    let random = SystemRandom::new();
    let der =
        if with_public { Ed25519KeyPair::generate_pkcs8(&random) } else { Ed25519KeyPair::generate_pkcs8v1(&random) };
    pem("PRIVATE KEY", der.unwrap().as_ref())
}

pub fn keys(pem: &str) -> SigningKeys {
    SigningKeys::from_pem(&[SecretString::from(pem)]).unwrap()
}

/// One set of each kind, made once: ES256, RS256, EdDSA.
pub static KEYS: LazyLock<[SigningKeys; 3]> = LazyLock::new(|| {
    use secrecy::ExposeSecret as _;
    [keys(generate_pem().unwrap().expose_secret()), keys(&rsa_pem(KeySize::Rsa2048)), keys(&ed_pem(true))]
});

/// Any header and claims, as text, rightly signed.
pub fn signed(keys: &SigningKeys, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE.encode(header), URL_SAFE.encode(claims));
    let signature = keys.sign(&message).unwrap();
    format!("{message}.{signature}")
}

/// The header that the first of the keys needs, with further members instead of or beside its own.
pub fn header(keys: &SigningKeys, changes: &Value) -> String {
    changed(serde_json::json!({ "alg": keys.algorithm().name(), "kid": keys.kids().next(), "typ": "at+jwt" }), changes)
}

/// The object with these members instead of or beside its own; `"-"` leaves one out.
pub fn changed(mut object: Value, changes: &Value) -> String {
    for (name, value) in changes.as_object().unwrap() {
        if value == "-" {
            object.as_object_mut().unwrap().remove(name);
        } else {
            object[name] = value.clone();
        }
    }
    object.to_string()
}

/// Signed with a shared secret.
pub fn signed_hs256(secret: &[u8], header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE.encode(header), URL_SAFE.encode(claims));
    let key = EncodingKey::from_secret(secret);
    let signature = crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}
