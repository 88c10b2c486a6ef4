//! The keys of a foreign issuer (RFC 7517), as far as they are good for verifying tokens.

use std::collections::HashMap;

use base64::Engine as _;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

use super::FetchError;
use crate::auth::{
    jws::URL_SAFE,
    keys::{Algorithm, MIN_RSA_BITS, VerifyingKey, rsa_bits},
};

/// The most keys that are read of a set.
const MAX_KEYS: usize = 64;
/// The longest modulus of an RSA key, bits: verifying with longer ones is slow.
const MAX_RSA_BITS: usize = 8192;
/// The coordinates of P-256 and the public key of Ed25519, bytes.
const CURVE: usize = 32;

/// Keys by their name.
pub(super) struct Keys(HashMap<String, VerifyingKey>);

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// A key as it is published. Members of private and symmetric keys are not even read.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Keys {
    /// Reads a set. Keys that are of no use here are left out: those of other kinds and algorithms, shared secrets,
    /// those for encrypting, those without a name, and those that are unsound.
    pub(super) fn read(document: &[u8], allowed: &[Algorithm]) -> Result<Self, FetchError> {
        let set: Set =
            serde_json::from_slice(document).map_err(|_| FetchError::Document("the set of keys is malformed"))?;
        let usable = set.keys.into_iter().take(MAX_KEYS).filter_map(|key| {
            let key: Jwk = serde_json::from_value(key).ok()?;
            let verifying = key.verifying().filter(|verifying| allowed.contains(&verifying.algorithm))?;
            Some((key.kid, verifying))
        });
        let mut keys = HashMap::new();
        for (kid, key) in usable {
            keys.entry(kid).or_insert(key);
        }
        Ok(Self(keys))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0.get(kid)
    }
}

impl Jwk {
    /// The key with the one algorithm that it is for: its kind says which, and its `alg` must not differ.
    fn verifying(&self) -> Option<VerifyingKey> {
        let for_signatures = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
        if !for_signatures {
            return None;
        }
        let (algorithm, key) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let (n, e) = (self.n.as_deref()?, self.e.as_deref()?);
                if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&rsa_bits(n)) {
                    return None;
                }
                (Algorithm::Rs256, DecodingKey::from_rsa_components(n, e))
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (point(self.x.as_deref())?, point(self.y.as_deref())?);
                (Algorithm::Es256, DecodingKey::from_ec_components(x, y))
            }
            ("OKP", Some("Ed25519")) => (Algorithm::EdDsa, DecodingKey::from_ed_components(point(self.x.as_deref())?)),
            _ => return None,
        };
        let agrees = self.alg.as_deref().is_none_or(|alg| alg.parse() == Ok(algorithm));
        key.ok().filter(|_| agrees).map(|key| VerifyingKey { algorithm, key })
    }
}

/// A coordinate of the right length.
fn point(text: Option<&str>) -> Option<&str> {
    text.filter(|text| URL_SAFE.decode(text).is_ok_and(|bytes| bytes.len() == CURVE))
}
