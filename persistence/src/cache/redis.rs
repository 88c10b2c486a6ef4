//! The cache of several processes. While Redis is gone it holds nothing, and nobody waits for it.

use std::time::Duration;

use async_trait::async_trait;
use domain::{Result, port::cache::Cache};
use redis::cmd;

use crate::link::{self, Link};

/// Keeps bytes in Redis, under keys that begin with `concert:`.
pub(super) struct RedisCache {
    link: Link,
}

impl RedisCache {
    pub(super) fn open(url: &str) -> Result<Self> {
        Ok(Self { link: Link::open(url, link::config(), "the cache: results are computed anew until it is back")? })
    }
}

fn own(key: &str) -> String {
    format!("concert:{key}")
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.link.ask::<Option<Vec<u8>>>(cmd("GET").arg(own(key))).await.flatten()
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, ttl: Duration) {
        // Redis refuses a time of nothing.
        let Some(ttl) = u64::try_from(ttl.as_millis()).ok().filter(|ttl| *ttl > 0) else { return };
        let _: Option<()> = self.link.ask(cmd("SET").arg(own(key)).arg(bytes).arg("PX").arg(ttl)).await;
    }

    async fn health(&self) -> Result<(), String> {
        self.link.ask_now::<String>(&cmd("PING")).await.map(drop)
    }
}
