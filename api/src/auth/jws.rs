//! What all signed tokens have in common (RFC 7515, RFC 8725): their outer form, read strictly, and why one is refused.

use std::fmt;

use base64::{
    Engine as _,
    engine::general_purpose::{GeneralPurpose, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, Visitor},
};

use super::keys::{Algorithm, VerifyingKey};

/// The longest token that is read at all, bytes.
pub const MAX_TOKEN: usize = 8 * 1024;

/// base64url without padding, as in all parts of a token.
pub(super) const URL_SAFE: GeneralPurpose = URL_SAFE_NO_PAD;

/// Why a token is refused. It is for the log and says nothing of the token's content; whoever sent it learns only
/// [`Refused::ANSWER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Longer than [`MAX_TOKEN`].
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url.
    #[error("not three parts of base64url")]
    Form,
    /// The header is no JSON object, or a member is missing, of the wrong type or given twice.
    #[error("the header is malformed")]
    Header,
    /// The header brings its own key, or asks for what is not understood here.
    #[error("the header has a member that is never accepted (jku, jwk, x5u, x5c, crit, b64)")]
    ForbiddenHeader,
    /// Not an access token.
    #[error("the type is not that of an access token")]
    Type,
    /// Not signed in a way that is accepted, or not in the way of the key that it names.
    #[error("the algorithm is not that of the key")]
    Algorithm,
    /// The key is not one of the issuer's.
    #[error("the key is not known")]
    UnknownKey,
    /// The signature is not by the key.
    #[error("the signature does not fit")]
    Signature,
    /// The claims are no JSON object, or one is missing, of the wrong type or given twice.
    #[error("a claim is missing, malformed or given twice")]
    Claims,
    /// Of an issuer that is not trusted here.
    #[error("the issuer is another one")]
    Issuer,
    /// Meant for another program.
    #[error("the audience is another one")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The issuer's keys have never been fetched, or are too old.
    #[error("the keys of the issuer cannot be had")]
    KeysUnavailable,
}

impl Refused {
    /// What whoever sent the token is told, whatever the reason.
    pub const ANSWER: &'static str = "the token is not valid";
}

/// A token in its outer form; nothing of it can be believed yet.
pub(super) struct Unverified<'t> {
    message: &'t str,
    claims: &'t str,
    signature: &'t str,
    algorithm: Algorithm,
    kid: String,
}

/// A member of a header that is only asked whether it is there, be it null.
#[derive(Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

/// The members that count. Deriving refuses those that are given twice.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    #[serde(default)]
    jku: Present,
    #[serde(default)]
    jwk: Present,
    #[serde(default)]
    x5u: Present,
    #[serde(default)]
    x5c: Present,
    #[serde(default)]
    crit: Present,
    #[serde(default)]
    b64: Present,
}

impl<'t> Unverified<'t> {
    /// Reads the outer form. `types` are the accepted values of `typ`, in lower case and without `application/`.
    pub(super) fn read(token: &'t str, types: &[&str]) -> Result<Self, Refused> {
        let (message, claims, signature) = parts(token)?;
        let header = message.strip_suffix(claims).and_then(|rest| rest.strip_suffix('.')).ok_or(Refused::Form)?;
        let header: Header = object(header, Refused::Header)?;
        let forbidden = [&header.jku, &header.jwk, &header.x5u, &header.x5c, &header.crit, &header.b64];
        if forbidden.iter().any(|member| member.0) {
            return Err(Refused::ForbiddenHeader);
        }
        // Media types have no case, and the prefix may be left out (RFC 7515, section 4.1.9).
        let typ = header.typ.to_ascii_lowercase();
        if !types.contains(&typ.strip_prefix("application/").unwrap_or(&typ)) {
            return Err(Refused::Type);
        }
        let algorithm = header.alg.parse().map_err(|_| Refused::Algorithm)?;
        Ok(Self { message, claims, signature, algorithm, kid: header.kid })
    }

    /// The name of the key.
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// The claims, if the key signed them in its own way.
    pub(super) fn verified<T: DeserializeOwned>(&self, key: &VerifyingKey) -> Result<T, Refused> {
        if key.algorithm != self.algorithm {
            return Err(Refused::Algorithm);
        }
        if !key.verifies(self.message, self.signature) {
            return Err(Refused::Signature);
        }
        object(self.claims, Refused::Claims)
    }
}

/// Who the token says has issued it. Only good for choosing whose keys to verify it with.
pub(super) fn claimed_issuer(token: &str) -> Result<String, Refused> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: String,
    }
    let (_, claims, _) = parts(token)?;
    object::<Claimed>(claims, Refused::Claims).map(|claimed| claimed.iss)
}

/// Header and claims together (which are what is signed), claims, signature.
fn parts(token: &str) -> Result<(&str, &str, &str), Refused> {
    if token.len() > MAX_TOKEN {
        return Err(Refused::TooLong);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(Refused::Form)?;
    let (header, claims) = message.split_once('.').ok_or(Refused::Form)?;
    let encoded = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if [header, claims, signature].into_iter().all(encoded) {
        Ok((message, claims, signature))
    } else {
        Err(Refused::Form)
    }
}

/// The JSON object in a part of a token.
fn object<T: DeserializeOwned>(part: &str, refused: Refused) -> Result<T, Refused> {
    let bytes = URL_SAFE.decode(part).map_err(|_| Refused::Form)?;
    // A derived reader takes an array of the members' values as well.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(refused);
    }
    serde_json::from_slice(&bytes).map_err(|_| refused)
}

/// A moment in a token: seconds since 1970, whole or not (RFC 7519, section 2). Text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seconds(pub(super) i64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seconds")
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Seconds, E> {
                Ok(Seconds(value))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Seconds, E> {
                i64::try_from(value).map(Seconds).map_err(|_| E::custom("out of range"))
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Seconds, E> {
                // Far beyond all dates, and still exact.
                const LIMIT: f64 = 1e15;
                if value.is_finite() && value.abs() < LIMIT {
                    #[allow(clippy::cast_possible_truncation, reason = "within the limit; the fraction is dropped")]
                    Ok(Seconds(value.floor() as i64))
                } else {
                    Err(E::custom("out of range"))
                }
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// Whether a token is valid now, by a clock that may differ from the issuer's by `leeway`.
pub(super) fn in_time(
    now: DateTime<Utc>,
    leeway: TimeDelta,
    not_before: Option<Seconds>,
    expires: Seconds,
) -> Result<(), Refused> {
    let (now, leeway) = (now.timestamp(), leeway.num_seconds());
    if now >= expires.0.saturating_add(leeway) {
        return Err(Refused::Expired);
    }
    match not_before {
        Some(start) if now.saturating_add(leeway) < start.0 => Err(Refused::NotYetValid),
        _ => Ok(()),
    }
}
