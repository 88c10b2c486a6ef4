//! Tokens of foreign identity providers: OpenID Connect issuers that the operator trusts, each for one audience.
//!
//! Whose keys verify a token follows from the issuer that it names, and only from the configured ones: nothing in a token
//! makes this program fetch anything from a place that the operator or a trusted issuer did not name.

mod fetch;
mod jwks;

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use serde::Deserialize;
use tokio::{sync::Mutex, task::JoinHandle};

pub use self::fetch::HttpFetch;
use self::jwks::Keys;
use super::{
    jws::{Refused, Seconds, Unverified, claimed_issuer, in_time},
    keys::{Algorithm, VerifyingKey},
};

/// By how much an issuer's clock may differ from this one's.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// How far the clock of a provider may be ahead: for as long, what it signed may outlast its holder's signing out.
const AHEAD: TimeDelta = TimeDelta::seconds(5);
/// How long a set of keys is used without asking again.
pub const FRESH: TimeDelta = TimeDelta::minutes(10);
/// How often an issuer is asked at most.
pub const PAUSE: TimeDelta = TimeDelta::seconds(30);
/// How long the last good set is used while the issuer cannot be reached.
pub const OUTAGE: TimeDelta = TimeDelta::hours(24);
/// The longest document that is read of an issuer, bytes.
pub const MAX_DOCUMENT: usize = 256 * 1024;
/// The longest subject (OpenID Connect Core, section 2), characters.
const MAX_SUBJECT: usize = 255;
/// Access tokens (RFC 9068), and the plain type of those that do not tell them apart.
const TYPES: [&str; 2] = ["at+jwt", "jwt"];

/// An identity provider that is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Its name, exactly as in its tokens: an https address.
    pub issuer: String,
    /// What its tokens must name as their audience: this installation.
    pub audience: String,
    /// How its tokens may be signed.
    pub algorithms: Vec<Algorithm>,
    /// Where its keys are; without it, where its discovery document says.
    pub jwks_uri: Option<String>,
}

/// An issuer that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Its address, or that of its keys, is not one that can be trusted.
    #[error("{0}: needs an https address without query, fragment or user name (http on this machine only)")]
    Address(String),
    /// It has no audience or no algorithm.
    #[error("{0}: needs an audience and at least one algorithm")]
    Incomplete(String),
    /// It is configured twice.
    #[error("{0}: is configured twice")]
    Twice(String),
}

/// Whom a foreign token speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Who says so.
    pub issuer: String,
    /// Its name for the person, which only means something together with the issuer.
    pub subject: String,
    /// The e-mail address, if it is told. Good for nothing unless verified.
    pub email: Option<String>,
    /// Whether the issuer has made sure that the address is the person's.
    pub email_verified: bool,
    /// When the token was made.
    pub issued_at: DateTime<Utc>,
    /// Until when the token is good, by this program's clock.
    pub until: DateTime<Utc>,
}

/// Why a document could not be had; for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection failed.
    #[error("the connection failed")]
    Connection,
    /// The answer was not 200.
    #[error("answered with status {0}")]
    Status(u16),
    /// The answer was longer than [`MAX_DOCUMENT`].
    #[error("the answer is too long")]
    TooLong,
    /// The document is not what it should be.
    #[error("{0}")]
    Document(&'static str),
}

/// Fetches documents.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The document at this address: at most [`MAX_DOCUMENT`] bytes, within a few seconds, without being sent elsewhere.
    async fn get(&self, address: &Url) -> Result<Vec<u8>, FetchError>;
}

/// The trusted identity providers, with their keys.
#[derive(Clone)]
pub struct Providers {
    all: Vec<Arc<Provider>>,
}

struct Provider {
    settings: Issuer,
    address: Url,
    jwks_uri: Option<Url>,
    fetch: Arc<dyn Fetch>,
    state: RwLock<State>,
    fetching: Arc<Mutex<()>>,
}

#[derive(Clone, Default)]
struct State {
    keys: Option<Arc<Keys>>,
    fetched: Option<DateTime<Utc>>,
    asked: Option<DateTime<Utc>>,
}

impl State {
    /// Whether less than this has passed, by a clock that may have been set back.
    fn within(since: Option<DateTime<Utc>>, now: DateTime<Utc>, span: TimeDelta) -> bool {
        since.is_some_and(|since| (now - since).abs() < span)
    }

    fn find(&self, kid: &str, now: DateTime<Utc>, oldest: TimeDelta) -> Option<VerifyingKey> {
        let keys = self.keys.as_ref().filter(|_| Self::within(self.fetched, now, oldest))?;
        keys.find(kid).cloned()
    }
}

/// The claims that count.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    // RFC 9068, 2.2: required. Without it nobody could sign out of what was signed before.
    iat: Seconds,
    exp: Seconds,
    #[serde(default)]
    nbf: Option<Seconds>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    email_verified: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

/// The part of a discovery document (OpenID Connect Discovery, section 4) that is needed.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Providers {
    /// Those that the operator trusts. Nothing is fetched before the first token.
    pub fn new(issuers: Vec<Issuer>, fetch: &Arc<dyn Fetch>) -> Result<Self, IssuerError> {
        let mut all: Vec<Arc<Provider>> = Vec::with_capacity(issuers.len());
        for issuer in issuers {
            if all.iter().any(|known| known.settings.issuer == issuer.issuer) {
                return Err(IssuerError::Twice(issuer.issuer));
            }
            all.push(Arc::new(Provider::new(issuer, Arc::clone(fetch))?));
        }
        Ok(Self { all })
    }

    /// Whether the token names one of them; whether it does so rightly is for [`Providers::verify`].
    pub fn recognise(&self, token: &str) -> bool {
        claimed_issuer(token).is_ok_and(|issuer| self.find(&issuer).is_some())
    }

    /// Whom a token that is valid at this moment speaks of.
    pub async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Foreign, Refused> {
        let unverified = Unverified::read(token, &TYPES)?;
        let provider = self.find(&claimed_issuer(token)?).ok_or(Refused::Issuer)?;
        let settings = &provider.settings;
        let key = Arc::clone(provider).key(unverified.kid(), now).await?;
        let Claims { iss, aud, sub, iat, exp, nbf, email, email_verified } = unverified.verified(&key)?;
        if iss != settings.issuer {
            return Err(Refused::Issuer);
        }
        if !aud.names(&settings.audience) {
            return Err(Refused::Audience);
        }
        if sub.is_empty() || sub.chars().count() > MAX_SUBJECT {
            return Err(Refused::Claims);
        }
        in_time(now, LEEWAY, nbf, exp)?;
        let email_verified = email.is_some() && email_verified == Some(serde_json::Value::Bool(true));
        // Beyond the calendar is as good as for ever; what is remembered of a token is looked up again long before.
        let until = DateTime::from_timestamp(exp.0, 0).and_then(|exp| exp.checked_add_signed(LEEWAY));
        let until = until.unwrap_or(DateTime::<Utc>::MAX_UTC);
        // One from the future would outlast its holder's signing out.
        if iat.0 > (now + AHEAD).timestamp() {
            return Err(Refused::NotYetValid);
        }
        let issued_at = DateTime::from_timestamp(iat.0, 0).ok_or(Refused::Claims)?;
        Ok(Foreign { issuer: iss, subject: sub, email, email_verified, issued_at, until })
    }

    fn find(&self, issuer: &str) -> Option<&Arc<Provider>> {
        self.all.iter().find(|provider| provider.settings.issuer == issuer)
    }
}

impl Provider {
    fn new(settings: Issuer, fetch: Arc<dyn Fetch>) -> Result<Self, IssuerError> {
        if settings.audience.is_empty() || settings.algorithms.is_empty() {
            return Err(IssuerError::Incomplete(settings.issuer));
        }
        let trusted = |text: &str| fetch::address(text).ok_or_else(|| IssuerError::Address(text.to_owned()));
        let address = trusted(&settings.issuer)?;
        if address.query().is_some() {
            return Err(IssuerError::Address(settings.issuer));
        }
        let jwks_uri = settings.jwks_uri.as_deref().map(trusted).transpose()?;
        let (state, fetching) = (RwLock::default(), Arc::default());
        Ok(Self { settings, address, jwks_uri, fetch, state, fetching })
    }

    /// The issuer's key of this name, fetched if need be.
    async fn key(self: Arc<Self>, kid: &str, now: DateTime<Utc>) -> Result<VerifyingKey, Refused> {
        let state = self.state();
        if let Some(key) = state.find(kid, now, FRESH) {
            return Ok(key);
        }
        let old = state.find(kid, now, OUTAGE);
        if !State::within(state.asked, now, PAUSE) || self.fetching.try_lock().is_err() {
            let refreshed = self.clone().refresh(now);
            // Once the issuer has failed to answer, those whose key is known do not wait for it to fail again.
            if let Some(key) = old.filter(|_| state.asked > state.fetched) {
                return Ok(key);
            }
            // It can only fail by a panic, after which nothing has changed.
            refreshed.await.unwrap_or_default();
        }
        let state = self.state();
        match state.find(kid, now, OUTAGE) {
            Some(key) => Ok(key),
            None if State::within(state.fetched, now, OUTAGE) => Err(Refused::UnknownKey),
            None => Err(Refused::KeysUnavailable),
        }
    }

    /// Has the keys fetched, once for all who ask meanwhile. On a task of its own: a caller who leaves must not spoil it
    /// for those who wait.
    fn refresh(self: Arc<Self>, now: DateTime<Utc>) -> JoinHandle<()> {
        tokio::spawn(async move {
            let _one_at_a_time = self.fetching.lock().await;
            if State::within(self.state().asked, now, PAUSE) {
                return;
            }
            self.change(|state| state.asked = Some(now));
            match self.fetch_keys().await {
                Ok(keys) => self.change(|state| {
                    state.keys = Some(Arc::new(keys));
                    state.fetched = Some(now);
                }),
                Err(error) => {
                    tracing::warn!(issuer = self.settings.issuer, %error, "the keys of an issuer cannot be fetched");
                }
            }
        })
    }

    async fn fetch_keys(&self) -> Result<Keys, FetchError> {
        let address = match &self.jwks_uri {
            Some(address) => address.clone(),
            None => self.discover().await?,
        };
        let keys = Keys::read(&self.fetch.get(&address).await?, &self.settings.algorithms)?;
        // Nothing to verify with is more likely a mistake than a change of keys.
        if keys.is_empty() { Err(FetchError::Document("the set of keys has none that can be used")) } else { Ok(keys) }
    }

    /// Where the issuer's keys are, by its own word.
    async fn discover(&self) -> Result<Url, FetchError> {
        let mut address = self.address.clone();
        let path = format!("{}/.well-known/openid-configuration", address.path().trim_end_matches('/'));
        address.set_path(&path);
        let document = self.fetch.get(&address).await?;
        let found: Discovery = serde_json::from_slice(&document)
            .map_err(|_| FetchError::Document("the discovery document is malformed"))?;
        if found.issuer != self.settings.issuer {
            return Err(FetchError::Document("the discovery document is of another issuer"));
        }
        // An issuer elsewhere may not point at this machine.
        fetch::address(&found.jwks_uri)
            .filter(|keys| keys.scheme() == "https" || fetch::is_here(&self.address))
            .ok_or(FetchError::Document("the discovery document names no https address for the keys"))
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
