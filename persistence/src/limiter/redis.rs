//! The limiter of several processes. While Redis is gone each of them counts by itself.

use std::time::Duration;

use async_trait::async_trait;
use domain::{
    Result,
    port::limiter::{Limit, Limiter},
};
use redis::cmd;

use super::{
    Bucket,
    memory::{self, MemoryLimiter},
};
use crate::link::{self, Link};

/// Answers the microseconds to wait, 0 if it is allowed. The clock is Redis's, one for all processes; a moment in
/// microseconds needs 16 digits, two more than Lua prints by itself. Sent whole each time: Redis knows it again, also
/// after a restart.
const TAKE: &str = r"
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, whole = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = tonumber(redis.call('GET', KEYS[1]) or now) or now
full_at = math.min(math.max(full_at, now), now + whole) + interval
if full_at > now + whole then return full_at - now - whole end
if full_at > now then
  redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
end
return 0
";

/// Counts in Redis, under keys that begin with `concert:limit:`.
pub(super) struct RedisLimiter {
    link: Link,
    /// For while Redis is gone.
    own: MemoryLimiter,
}

impl RedisLimiter {
    pub(super) fn open(url: &str) -> Result<Self> {
        let link = Link::open(url, link::config(), "limits: each process counts by itself until it is back")?;
        Ok(Self { link, own: MemoryLimiter::new(memory::CAPACITY) })
    }
}

fn shared(key: &str) -> String {
    format!("concert:limit:{key}")
}

#[async_trait]
impl Limiter for RedisLimiter {
    async fn take(&self, key: &str, limit: Limit) -> Option<Duration> {
        let Some(Bucket { interval, whole }) = Bucket::new(limit) else { return Some(limit.per) };
        let answer = self.link.ask::<u64>(cmd("EVAL").arg(TAKE).arg(1).arg(shared(key)).arg(interval).arg(whole)).await;
        match answer {
            Some(wait) => Some(Duration::from_micros(wait)).filter(|wait| !wait.is_zero()),
            None => self.own.take(key, limit).await,
        }
    }

    async fn forgive(&self, key: &str) {
        self.own.forgive(key).await;
        let _: Option<()> = self.link.ask(cmd("DEL").arg(shared(key))).await;
    }

    async fn health(&self) -> Result<(), String> {
        self.link.ask_now::<String>(&cmd("PING")).await.map(drop)
    }
}
