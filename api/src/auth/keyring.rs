//! The secrets of the running program: the keys it signs with, and how it hashes, mints and digests.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Error, Result,
    id::{AccountId, SessionId},
    port::{
        identity::{Digest, SigningKey},
        secrets::{AccessToken, Minted, PasswordVerdict, SecretKind, Secrets},
        store::Store,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use super::{
    jwt::{Claims, Refused, Verifier, sign},
    keys::{SigningKeys, generate_pem},
    password::{Passwords, Verdict, check},
    secret::{self, Kind},
};

/// How long an access token lasts.
pub const ACCESS: TimeDelta = TimeDelta::minutes(10);
/// How old what is known of the keys may be. News of a change comes sooner; this bounds how long a retired key is believed, and an
/// outdated one signs, where it does not come.
const FRESH: TimeDelta = TimeDelta::seconds(5);
/// How soon they are looked at again when a token names one that is not known here: another replica may have heard of it first.
const PAUSE: TimeDelta = TimeDelta::seconds(1);

/// For whom tokens are issued, and by whom.
#[derive(Debug, Clone)]
pub struct TokenNames {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
}

impl Default for TokenNames {
    fn default() -> Self {
        Self { issuer: "concert".to_owned(), audience: "concert".to_owned() }
    }
}

/// Keys, passwords and tokens.
pub struct Keyring {
    store: Arc<dyn Store>,
    names: TokenNames,
    /// Keys that the operator gave; without any, those in the database, which all replicas share.
    given: bool,
    verifier: RwLock<Verifier>,
    /// Counts up whenever the keys are others than before.
    generation: AtomicU64,
    /// When the keys were read last; nothing where they are known to have changed since.
    looked: RwLock<Option<DateTime<Utc>>>,
    /// Whoever reads them: the others wait for it.
    looking: Mutex<()>,
    passwords: Passwords,
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::internal(error)
}

impl Keyring {
    /// With the keys that the operator gave as PKCS#8 PEM or, without any, with those that the database keeps; the first start of
    /// all makes one.
    ///
    /// # Errors
    /// [`Error::Validation`] naming `CONCERT_SIGNING_KEYS` for keys that cannot be used.
    pub async fn open(
        store: Arc<dyn Store>,
        names: TokenNames,
        given: &[SecretString],
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let keys = if given.is_empty() {
            kept(&*store, now).await?
        } else {
            SigningKeys::from_pem(given).map_err(|error| {
                Error::invalid("CONCERT_SIGNING_KEYS", domain::error::ProblemCode::Invalid, error.to_string())
            })?
        };
        let verifier =
            Verifier { issuer: names.issuer.clone(), audience: names.audience.clone(), keys: Arc::new(keys) };
        Ok(Self {
            store,
            names,
            given: !given.is_empty(),
            verifier: RwLock::new(verifier),
            generation: AtomicU64::default(),
            looked: RwLock::new(Some(now)),
            looking: Mutex::default(),
            passwords: Passwords::new().map_err(broken)?,
        })
    }

    fn verifier(&self) -> Verifier {
        self.verifier.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The claims of an access token that is good at this moment.
    pub async fn verify(&self, token: &str, now: DateTime<Utc>) -> std::result::Result<Claims, Refused> {
        match self.verifier().verify(token, now) {
            Err(Refused::UnknownKey) => {
                self.look_again(now, PAUSE).await;
                self.verifier().verify(token, now)
            }
            result => result,
        }
    }

    /// The keys have changed: they are read again before anybody signs or verifies with them.
    pub fn forget(&self) {
        *self.looked.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Makes sure that what is known of the keys is not too old.
    pub async fn refresh(&self, now: DateTime<Utc>) {
        self.look_again(now, FRESH).await;
    }

    /// Counts up whenever the keys are others than before: whatever was believed by them is to be verified again.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn is_fresh(&self, now: DateTime<Utc>, age: TimeDelta) -> bool {
        let looked = *self.looked.read().unwrap_or_else(PoisonError::into_inner);
        self.given || looked.is_some_and(|looked| (now - looked).abs() < age)
    }

    /// Reads the keys again, unless that was done so short a time ago.
    async fn look_again(&self, now: DateTime<Utc>, age: TimeDelta) {
        if self.is_fresh(now, age) {
            return;
        }
        let _alone = self.looking.lock().await;
        if self.is_fresh(now, age) {
            return;
        }
        // Before they are read: a change that is told of meanwhile has them read again. Without an answer too: a database that
        // fails is not asked by everybody.
        *self.looked.write().unwrap_or_else(PoisonError::into_inner) = Some(now);
        match kept(&*self.store, now).await {
            Ok(keys) => {
                let mut verifier = self.verifier.write().unwrap_or_else(PoisonError::into_inner);
                let changed = !keys.kids().eq(verifier.keys.kids());
                verifier.keys = Arc::new(keys);
                self.generation.fetch_add(u64::from(changed), Ordering::AcqRel);
            }
            Err(error) => tracing::warn!(%error, "the signing keys could not be read again"),
        }
    }

    /// The public keys, as `/.well-known/jwks.json` shows them.
    pub fn jwks(&self) -> serde_json::Value {
        self.verifier().keys.jwks()
    }
}

/// The keys that the database keeps, newest first; makes one if there is none.
async fn kept(store: &dyn Store, now: DateTime<Utc>) -> Result<SigningKeys> {
    let mut keys = store.read().identities().signing_keys().await?;
    if keys.is_empty() {
        let work = store.begin().await?;
        work.repositories().identities().keep_signing_key(&new_key(now)?).await?;
        work.commit().await?;
        keys = store.read().identities().signing_keys().await?;
    }
    let texts: Vec<SecretString> = keys.into_iter().map(|key| key.pem.into()).collect();
    SigningKeys::from_pem(&texts).map_err(broken)
}

/// A new key, to be kept.
pub fn new_key(now: DateTime<Utc>) -> Result<SigningKey> {
    let pem = generate_pem().map_err(broken)?;
    let keys = SigningKeys::from_pem(std::slice::from_ref(&pem)).map_err(broken)?;
    Ok(SigningKey { kid: keys.first_kid().to_owned(), pem: pem.expose_secret().to_owned(), created_at: now })
}

const fn kind(kind: SecretKind) -> Kind {
    match kind {
        SecretKind::Refresh => Kind::Refresh,
        SecretKind::Link => Kind::Link,
        SecretKind::Api => Kind::Api,
    }
}

#[async_trait]
impl Secrets for Keyring {
    fn password_fault(&self, password: &str, email: &str) -> Option<&'static str> {
        check(&password.to_owned().into(), email).err()
    }

    async fn hash(&self, password: String) -> Result<String> {
        self.passwords.hash(password.into()).await.map_err(broken)
    }

    async fn verify(&self, password: String, hash: Option<String>) -> PasswordVerdict {
        match self.passwords.verify(password.into(), hash).await {
            Verdict::Wrong => PasswordVerdict::Wrong,
            Verdict::Right => PasswordVerdict::Right,
            Verdict::RightButOutdated => PasswordVerdict::RightButOutdated,
        }
    }

    fn mint(&self, what: SecretKind) -> Result<Minted> {
        let text = kind(what).generate().map_err(broken)?;
        Ok(Minted { digest: secret::digest(&text), text: text.expose_secret().to_owned() })
    }

    fn digest(&self, what: SecretKind, text: &str) -> Option<Digest> {
        (Kind::of(text) == Some(kind(what))).then(|| secret::digest(&text.to_owned().into()))
    }

    fn issue(&self, account: AccountId, session: SessionId, now: DateTime<Utc>) -> Result<AccessToken> {
        let expires_at = now + ACCESS;
        let claims = Claims {
            iss: self.names.issuer.clone(),
            aud: self.names.audience.clone(),
            sub: account.to_string(),
            sid: session.to_string(),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
        };
        let text = sign(&self.verifier().keys, &claims).map_err(broken)?;
        Ok(AccessToken { text, expires_at })
    }
}
