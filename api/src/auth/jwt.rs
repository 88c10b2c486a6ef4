//! The program's own access tokens (RFC 9068): short-lived, signed by [`SigningKeys`], verified without a database.

use std::sync::Arc;

use base64::Engine as _;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use super::jws::{MAX_TOKEN, Refused};
use super::{
    jws::{Seconds, URL_SAFE, Unverified, in_time},
    keys::{KeyError, SigningKeys},
};

/// By how much the clocks of those who sign and those who verify may differ.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(5);

/// The only type of token: an access token, so that no other kind that a key may sign some day passes for one.
const TYPE: &str = "at+jwt";

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// Who issued it: this installation.
    pub iss: String,
    /// Which program it is for.
    pub aud: String,
    /// The account.
    pub sub: String,
    /// The session, which can be ended.
    pub sid: String,
    /// Since when, seconds since 1970.
    pub iat: i64,
    /// Until when, seconds since 1970; at this moment it is over.
    pub exp: i64,
}

/// The claims as they are read: all those of [`Claims`] are required, each of its own type, none twice.
#[derive(Deserialize)]
struct Wire {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
    #[serde(default)]
    nbf: Option<Seconds>,
}

#[derive(Serialize)]
struct Header<'k> {
    alg: &'static str,
    kid: &'k str,
    typ: &'static str,
}

/// A token with these claims, signed by the first of the keys.
pub fn sign(keys: &SigningKeys, claims: &Claims) -> Result<String, KeyError> {
    let part =
        |json: serde_json::Result<Vec<u8>>| json.map(|json| URL_SAFE.encode(json)).map_err(|_| KeyError::Library);
    let header = Header { alg: keys.algorithm().name(), kid: keys.first_kid(), typ: TYPE };
    let mut token = part(serde_json::to_vec(&header))?;
    token.push('.');
    token.push_str(&part(serde_json::to_vec(claims))?);
    let signature = keys.sign(&token)?;
    token.push('.');
    token.push_str(&signature);
    Ok(token)
}

/// Knows which tokens are to be believed.
#[derive(Debug, Clone)]
pub struct Verifier {
    /// The one issuer.
    pub issuer: String,
    /// The one audience.
    pub audience: String,
    /// The keys, any of which may have signed.
    pub keys: Arc<SigningKeys>,
}

impl Verifier {
    /// The claims of a token that is valid at this moment.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Claims, Refused> {
        let unverified = Unverified::read(token, &[TYPE])?;
        let key = self.keys.find(unverified.kid()).ok_or(Refused::UnknownKey)?;
        let Wire { iss, aud, sub, sid, iat, exp, nbf } = unverified.verified(key)?;
        if iss != self.issuer {
            return Err(Refused::Issuer);
        }
        if aud != self.audience {
            return Err(Refused::Audience);
        }
        if sub.is_empty() || sid.is_empty() {
            return Err(Refused::Claims);
        }
        in_time(now, LEEWAY, nbf, Seconds(exp))?;
        // Issued in the future: by a clock that is wrong, or by nobody who should.
        in_time(now, LEEWAY, Some(Seconds(iat)), Seconds(exp))?;
        Ok(Claims { iss, aud, sub, sid, iat, exp })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
