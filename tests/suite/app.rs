//! A real server for each test.

use std::{
    net::TcpListener,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use api::{
    auth::{
        Authenticator, forget_on_change,
        keyring::{Keyring, TokenNames},
        keys::generate_pem,
        oidc::Providers,
        write_uses,
    },
    http::{HttpConfig, build},
    import_jobs::work_on_imports,
    readiness::Dependencies,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    api_token::AddressRange,
    id::{AccountId, SessionId},
    port::{
        bus::Bus,
        clock::{Clock, SystemClock},
        identity::Digest,
        limiter::Limit,
        secrets::{AccessToken, Minted, PasswordVerdict, SecretKind, Secrets},
    },
    service::{
        Services,
        identity::{Identity, Throttle},
    },
};
use persistence::{DatabaseConfig, SqlStore, bus, cache, limiter, relay};
use secrecy::SecretString;
use uuid::Uuid;

use crate::{
    client::Client,
    db::{TestDatabase, redis},
};

/// The token of the tests' administrator.
pub const ADMIN_TOKEN: &str = "a-token-for-the-tests";

/// The key that all servers of the tests sign with.
pub static SIGNING_KEY: LazyLock<SecretString> = LazyLock::new(|| generate_pem().unwrap());

/// A clock that can be put forward, and stopped.
#[derive(Default)]
pub struct TestClock {
    ahead: AtomicI64,
    stopped: Mutex<Option<DateTime<Utc>>>,
}

impl TestClock {
    /// As if so many seconds had passed.
    pub fn pass(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }

    /// From now on it shows this moment, until it is put forward.
    pub fn stop(&self) {
        *self.stopped.lock().unwrap() = Some(SystemClock.now());
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        let now = self.stopped.lock().unwrap().unwrap_or_else(|| SystemClock.now());
        now + TimeDelta::seconds(self.ahead.load(Ordering::SeqCst))
    }

    fn next_id(&self) -> Uuid {
        SystemClock.next_id()
    }
}

/// The secrets of a server, and how often a password was verified.
struct Counting {
    inner: Arc<Keyring>,
    verified: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Secrets for Counting {
    fn password_fault(&self, password: &str, email: &str) -> Option<&'static str> {
        self.inner.password_fault(password, email)
    }

    async fn hash(&self, password: String) -> domain::Result<String> {
        self.inner.hash(password).await
    }

    async fn verify(&self, password: String, hash: Option<String>) -> PasswordVerdict {
        self.verified.fetch_add(1, Ordering::SeqCst);
        Secrets::verify(&*self.inner, password, hash).await
    }

    fn mint(&self, kind: SecretKind) -> domain::Result<Minted> {
        self.inner.mint(kind)
    }

    fn digest(&self, kind: SecretKind, text: &str) -> Option<Digest> {
        self.inner.digest(kind, text)
    }

    fn issue(&self, account: AccountId, session: SessionId, now: DateTime<Utc>) -> domain::Result<AccessToken> {
        self.inner.issue(account, session, now)
    }
}

/// Hears the text of a statement.
pub type Listener = Arc<dyn Fn(&str) + Send + Sync>;

/// How a server of the tests differs from the usual.
pub struct Options {
    pub http: HttpConfig,
    /// Other identity providers that are believed.
    pub providers: Option<Providers>,
    /// The keys that it signs with; without any, those that the database keeps.
    pub keys: Vec<SecretString>,
    /// How often anybody may try from one address.
    pub address: Limit,
    /// Proxies that are believed.
    pub proxies: Vec<AddressRange>,
    /// Hears every statement that reads.
    pub on_read: Option<Listener>,
    /// Whether nothing runs beside its requests: it tells nobody of what happens, and hears of nothing.
    pub alone: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            http: HttpConfig::default(),
            providers: None,
            keys: vec![SIGNING_KEY.clone()],
            // Tests share a Redis server and an address.
            address: Limit { burst: 1_000_000, per: Duration::from_mins(1) },
            proxies: Vec::new(),
            on_read: None,
            alone: false,
        }
    }
}

/// A running server with its database.
pub struct App {
    /// Asks as nobody in particular.
    pub anonymous: Client,
    /// Asks as the administrator.
    pub admin: Client,
    /// Where it listens.
    pub url: String,
    pub bus: Arc<dyn Bus>,
    pub db: Arc<TestDatabase>,
    /// What time it is for this server.
    pub clock: Arc<TestClock>,
    /// How often it has verified a password.
    pub verified: Arc<AtomicUsize>,
    handle: actix_web::dev::ServerHandle,
}

impl App {
    /// A server with an empty database.
    pub async fn start() -> Self {
        Self::with(HttpConfig::default()).await
    }

    /// A server with an empty database that behaves as told.
    pub async fn with(config: HttpConfig) -> Self {
        Self::on(Arc::new(TestDatabase::new().await), redis().as_deref(), config).await
    }

    /// Another server on the same database, as replicas are.
    pub async fn replica(&self) -> Self {
        Self::on(Arc::clone(&self.db), redis().as_deref(), HttpConfig::default()).await
    }

    /// A server with an empty database that believes these identity providers.
    pub async fn trusting(providers: Providers) -> Self {
        Self::opened(Options { providers: Some(providers), ..Options::default() }).await
    }

    /// A server with an empty database that differs so from the usual.
    pub async fn opened(options: Options) -> Self {
        Self::opened_on(Arc::new(TestDatabase::new().await), redis().as_deref(), options).await
    }

    /// A server on this database and this Redis.
    pub async fn on(db: Arc<TestDatabase>, redis: Option<&str>, config: HttpConfig) -> Self {
        Self::opened_on(db, redis, Options { http: config, ..Options::default() }).await
    }

    /// A server on this database and this Redis that differs so from the usual.
    pub async fn opened_on(db: Arc<TestDatabase>, redis: Option<&str>, mut options: Options) -> Self {
        let config = DatabaseConfig { on_read: options.on_read.take(), ..db.config() };
        let store = Arc::new(SqlStore::open(&config).await.unwrap());
        Self::over(store, db, redis, options).await
    }

    /// A server over this store.
    pub async fn over(store: Arc<SqlStore>, db: Arc<TestDatabase>, redis: Option<&str>, options: Options) -> Self {
        let (bus, cache) = (bus::open(redis).unwrap(), cache::open(redis).unwrap());
        let clock = Arc::new(TestClock::default());
        let usual = Throttle::usual(limiter::open(redis).unwrap(), db.url.clone());
        let throttle = Throttle { address: options.address, ..usual };
        let services = Services::new(store.clone(), cache, clock.clone(), throttle);
        let readiness = Arc::new(Dependencies::new(services.clone(), Arc::clone(&bus)));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let config = HttpConfig { workers: 1, ..options.http };
        let keyring = Keyring::open(store.clone(), TokenNames::default(), &options.keys, SystemClock.now());
        let keyring = Arc::new(keyring.await.unwrap());
        let verified = Arc::<AtomicUsize>::default();
        let secrets = Counting { inner: keyring.clone(), verified: verified.clone() };
        let identity = Identity::new(services.clone(), Arc::new(secrets));
        let authenticator = Authenticator::new(Some(ADMIN_TOKEN.to_owned().into())).behind(options.proxies);
        let authenticator = authenticator.with_accounts(identity, keyring.clone(), options.providers);
        if !options.alone {
            tokio::spawn(write_uses(services.clone(), std::future::pending()));
            tokio::spawn(forget_on_change(services.clone(), keyring, Arc::clone(&bus)));
            tokio::spawn(work_on_imports(services.clone(), config.imports.clone(), std::future::pending()));
        }
        let running = build(services, authenticator, readiness, config, listener).unwrap();
        let url = format!("http://{}", running.address);
        let handle = running.handle();
        tokio::spawn(running.server);
        if !options.alone {
            tokio::spawn(relay(store.clone(), Arc::clone(&bus), store.wake(), std::future::pending()));
        }
        let (anonymous, admin) = (Client::new(&url, None), Client::new(&url, Some(ADMIN_TOKEN)));
        Self { anonymous, admin, url, bus, db, clock, verified, handle }
    }

    /// Stops the server; the database stays.
    pub async fn stop(self) {
        self.handle.stop(true).await;
    }
}
