//! The connection to Redis: never waited for long, and never mourned more than once.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod proxy;

use std::{
    future::Future,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{Error, Result};
use redis::{
    Client, FromRedisValue, IntoConnectionInfo, ProtocolVersion, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

/// How long an answer may take. Redis is asked for what can be had otherwise, so it is not worth waiting for.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long it is left alone after it failed to answer.
const PAUSE: Duration = Duration::from_secs(1);
/// After so many unanswered calls in a row the connection itself is given up: its other end may be gone without a word.
const UNANSWERED: u32 = 3;

/// A connection to Redis that says once when it is lost and once when it is back.
pub(crate) struct Link {
    client: Client,
    config: ConnectionManagerConfig,
    manager: Mutex<ConnectionManager>,
    /// What it is for, and what its loss means: for the log.
    what: &'static str,
    began: Instant,
    /// Milliseconds after `began` until which nothing is asked.
    paused_until: AtomicU64,
    lost: AtomicBool,
    unanswered: AtomicU32,
}

/// The settings of a connection; `Link::open` takes them with what is to be heard, if anything.
pub(crate) fn config() -> ConnectionManagerConfig {
    // It does not try again by itself: whoever calls next does, at most once a second.
    ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
}

impl Link {
    /// Prepares a connection; it need not be possible yet. The driver's tasks run on the present tokio runtime.
    ///
    /// # Errors
    /// [`Error::Internal`] for an address that cannot be read; it may hold a password and is not repeated.
    pub(crate) fn open(url: &str, config: ConnectionManagerConfig, what: &'static str) -> Result<Self> {
        let refused = |_: RedisError| {
            Error::internal(
                "REDIS_URL: the address of Redis is not of the form redis://[user:password@]host:port/number",
            )
        };
        let info = url.into_connection_info().map_err(refused)?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).map_err(refused)?;
        let manager =
            ConnectionManager::new_lazy_with_config(client.clone(), config.clone()).map_err(Error::internal)?;
        Ok(Self {
            client,
            config,
            manager: Mutex::new(manager),
            what,
            began: Instant::now(),
            paused_until: AtomicU64::new(0),
            lost: AtomicBool::new(false),
            unanswered: AtomicU32::new(0),
        })
    }

    /// Asks Redis, unless it failed less than a second ago.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Option<T> {
        if self.elapsed() < self.paused_until.load(Ordering::Relaxed) {
            return None;
        }
        self.ask_now(command).await.ok()
    }

    /// Asks Redis even if it just failed; the error is for operators.
    pub(crate) async fn ask_now<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, String> {
        self.call(|mut manager| async move { command.query_async(&mut manager).await }).await
    }

    /// Runs an operation on the connection, within the time that it is worth.
    pub(crate) async fn call<T, F: Future<Output = Result<T, RedisError>>>(
        &self,
        operation: impl FnOnce(ConnectionManager) -> F,
    ) -> Result<T, String> {
        let manager = self.manager.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let result = match tokio::time::timeout(PATIENCE, operation(manager)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.is_timeout() => Err(None),
            Ok(Err(error)) => Err(Some(error)),
            Err(_) => Err(None),
        };
        match result {
            Ok(answer) => {
                self.found();
                Ok(answer)
            }
            Err(error) => {
                if error.is_none() {
                    self.count_unanswered();
                }
                let reason = error.map_or_else(|| "no answer in time".to_owned(), |error| error.to_string());
                self.failed(&reason);
                Err(reason)
            }
        }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn found(&self) {
        self.unanswered.store(0, Ordering::Relaxed);
        self.paused_until.store(0, Ordering::Relaxed);
        if self.lost.swap(false, Ordering::Relaxed) {
            tracing::info!("Redis is back for {}", self.what);
        }
    }

    fn failed(&self, reason: &str) {
        let pause = u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX);
        self.paused_until.store(self.elapsed().saturating_add(pause), Ordering::Relaxed);
        if !self.lost.swap(true, Ordering::Relaxed) {
            tracing::warn!(reason, "Redis is lost for {}", self.what);
        }
    }

    fn count_unanswered(&self) {
        if self.unanswered.fetch_add(1, Ordering::Relaxed) + 1 < UNANSWERED {
            return;
        }
        self.unanswered.store(0, Ordering::Relaxed);
        if let Ok(fresh) = ConnectionManager::new_lazy_with_config(self.client.clone(), self.config.clone()) {
            *self.manager.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}
