//! A real server for each test.

use std::{
    net::TcpListener,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use api::{
    auth::{
        Authenticator, forget_on_change,
        keyring::{Keyring, TokenNames},
        keys::generate_pem,
        oidc::Providers,
    },
    http::{HttpConfig, build},
    import_jobs::work_on_imports,
    readiness::Dependencies,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    port::{
        bus::Bus,
        clock::{Clock, SystemClock},
        limiter::Limit,
    },
    service::{
        Services,
        identity::{Identity, Throttle},
    },
};
use persistence::{SqlStore, bus, cache, limiter, relay};
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

/// A clock that can be put forward.
#[derive(Default)]
pub struct TestClock {
    ahead: AtomicI64,
}

impl TestClock {
    /// As if so many seconds had passed.
    pub fn pass(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::seconds(self.ahead.load(Ordering::SeqCst))
    }

    fn next_id(&self) -> Uuid {
        SystemClock.next_id()
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
        let (db, config) = (Arc::new(TestDatabase::new().await), HttpConfig::default());
        Self::on_trusting(db, redis().as_deref(), config, Some(providers)).await
    }

    /// A server on this database and this Redis.
    pub async fn on(db: Arc<TestDatabase>, redis: Option<&str>, config: HttpConfig) -> Self {
        Self::on_trusting(db, redis, config, None).await
    }

    async fn on_trusting(
        db: Arc<TestDatabase>,
        redis: Option<&str>,
        config: HttpConfig,
        providers: Option<Providers>,
    ) -> Self {
        let store = Arc::new(SqlStore::open(&db.config()).await.unwrap());
        let (bus, cache) = (bus::open(redis).unwrap(), cache::open(redis).unwrap());
        let clock = Arc::new(TestClock::default());
        let services = Services::new(store.clone(), cache, clock.clone());
        let readiness = Arc::new(Dependencies::new(services.clone(), Arc::clone(&bus)));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let config = HttpConfig { workers: 1, ..config };
        let keyring =
            Keyring::open(store.clone(), TokenNames::default(), std::slice::from_ref(&*SIGNING_KEY), SystemClock.now())
                .await
                .unwrap();
        let keyring = Arc::new(keyring);
        // Tests share a Redis server and an address.
        let many = Limit { burst: 1_000_000, per: Duration::from_mins(1) };
        let throttle = Throttle { address: many, ..Throttle::usual(limiter::open(redis).unwrap(), db.url.clone()) };
        let identity = Identity::new(services.clone(), keyring.clone(), throttle);
        let authenticator =
            Authenticator::new(Some(ADMIN_TOKEN.to_owned().into())).with_accounts(identity, keyring.clone(), providers);
        tokio::spawn(forget_on_change(services.clone(), keyring, Arc::clone(&bus)));
        tokio::spawn(work_on_imports(services.clone(), config.imports.clone(), std::future::pending()));
        let running = build(services, authenticator, readiness, config, listener).unwrap();
        let url = format!("http://{}", running.address);
        let handle = running.handle();
        tokio::spawn(running.server);
        tokio::spawn(relay(store.clone(), Arc::clone(&bus), store.wake(), std::future::pending()));
        let (anonymous, admin) = (Client::new(&url, None), Client::new(&url, Some(ADMIN_TOKEN)));
        Self { anonymous, admin, url, bus, db, clock, handle }
    }

    /// Stops the server; the database stays.
    pub async fn stop(self) {
        self.handle.stop(true).await;
    }
}
