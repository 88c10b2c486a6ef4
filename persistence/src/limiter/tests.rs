#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::time::{Duration, Instant};

use super::{memory::MemoryLimiter, redis::RedisLimiter, *};
use crate::link::proxy::{self, Proxy};

/// Three at once; one comes back after 100 ms.
const FEW: Limit = Limit { burst: 3, per: Duration::from_millis(300) };
/// What does not come back while a test runs.
const SLOW: Limit = Limit { burst: 3, per: Duration::from_hours(3) };
const MINUTE: u64 = 60_000_000;

fn key() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn memory() -> MemoryLimiter {
    MemoryLimiter::new(1 << 20)
}

/// How many of so many are allowed.
async fn allowed(limiter: &dyn Limiter, key: &str, limit: Limit, times: usize) -> usize {
    let mut allowed = 0;
    for _ in 0..times {
        allowed += usize::from(limiter.take(key, limit).await.is_none());
    }
    allowed
}

async fn allows_a_burst_and_then_one_by_one(limiter: &dyn Limiter) {
    let (key, other) = (key(), key());
    assert_eq!(allowed(limiter, &key, FEW, 3).await, 3);
    let wait = limiter.take(&key, FEW).await.unwrap();
    assert!(wait <= Duration::from_millis(100), "{wait:?}");
    // What is refused does not count, nor does one key count for another.
    assert_eq!(allowed(limiter, &other, FEW, 1).await, 1);
    tokio::time::sleep(wait).await;
    assert_eq!(limiter.take(&key, FEW).await, None);
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(allowed(limiter, &key, FEW, 3).await, 3);
    assert_eq!(limiter.health().await, Ok(()));
}

async fn forgives(limiter: &dyn Limiter) {
    let key = key();
    limiter.forgive(&key).await;
    assert_eq!(allowed(limiter, &key, SLOW, 10).await, 3);
    limiter.forgive(&key).await;
    assert_eq!(allowed(limiter, &key, SLOW, 10).await, 3);
}

async fn refuses_or_allows_what_knows_no_middle(limiter: &dyn Limiter) {
    let never = Limit { burst: 0, per: Duration::from_mins(1) };
    assert_eq!(limiter.take(&key(), never).await, Some(never.per));
    let (key, ever) = (key(), Limit { burst: 3, per: Duration::ZERO });
    assert_eq!(allowed(limiter, &key, ever, 50).await, 50);
    // A key whose limit was larger before never waits for more than the present one.
    assert_eq!(allowed(limiter, &key, SLOW, 10).await, 3);
    let wait = limiter.take(&key, FEW).await.unwrap();
    assert!(wait <= Duration::from_millis(100), "{wait:?}");
}

/// Twenty callers in twenty turns at the same moment.
async fn counts_callers_side_by_side(limiters: [Arc<dyn Limiter>; 2]) {
    let (key, limit) = (key(), Limit { burst: 50, per: Duration::from_hours(50) });
    let callers = (0..20).map(|n: usize| {
        let (limiter, key) = (Arc::clone(&limiters[n % 2]), key.clone());
        tokio::spawn(async move { allowed(&*limiter, &key, limit, 20).await })
    });
    let mut all = 0;
    for caller in callers.collect::<Vec<_>>() {
        all += caller.await.unwrap();
    }
    assert_eq!(all, 50);
}

#[tokio::test]
async fn a_process_limits() {
    let limiter = memory();
    allows_a_burst_and_then_one_by_one(&limiter).await;
    forgives(&limiter).await;
    refuses_or_allows_what_knows_no_middle(&limiter).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_counts_callers_side_by_side() {
    let limiter: Arc<dyn Limiter> = Arc::new(memory());
    counts_callers_side_by_side([Arc::clone(&limiter), limiter]).await;
}

#[tokio::test]
async fn one_comes_back_after_each_interval_and_no_more_than_all() {
    let (limiter, bucket) = (memory(), Bucket::new(Limit { burst: 10, per: Duration::from_mins(1) }).unwrap());
    let interval = MINUTE / 10;
    for _ in 0..10 {
        assert_eq!(limiter.take_at("a", bucket, 5).await, None);
    }
    for now in [5, 6, 5 + interval - 1] {
        let wait = limiter.take_at("a", bucket, now).await;
        assert_eq!(wait, Some(Duration::from_micros(5 + interval - now)));
    }
    assert_eq!(limiter.take_at("a", bucket, 5 + interval).await, None);
    assert!(limiter.take_at("a", bucket, 5 + interval).await.is_some());
    let later = 100 * MINUTE;
    for _ in 0..10 {
        assert_eq!(limiter.take_at("a", bucket, later).await, None);
    }
    assert_eq!(limiter.take_at("a", bucket, later).await, Some(Duration::from_secs(6)));
}

#[test]
fn a_share_that_is_no_whole_number_allows_no_more_at_once() {
    let Bucket { interval, whole } = Bucket::new(Limit { burst: 7, per: Duration::from_micros(13) }).unwrap();
    assert_eq!((interval, whole), (1, 7));
}

#[tokio::test]
async fn a_process_keeps_no_more_keys_than_it_may_and_the_newest_count() {
    let limiter = MemoryLimiter::new(20_000);
    for _ in 0..1_000 {
        assert_eq!(limiter.take(&key(), SLOW).await, None);
    }
    let kept = limiter.keys().await;
    assert!((1..200).contains(&kept), "{kept}");
    let newest = key();
    assert_eq!(allowed(&limiter, &newest, SLOW, 10).await, 3);
    limiter.keys().await;
    assert_eq!(allowed(&limiter, &newest, SLOW, 10).await, 0);
}

#[tokio::test]
async fn keys_go_when_they_say_nothing_more() {
    let limiter = memory();
    allowed(&limiter, "a", FEW, 3).await;
    assert_eq!(limiter.keys().await, 1);
    // Out of date at once, but cleared away by a coarser clock.
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if limiter.keys().await == 0 {
            return;
        }
    }
    panic!("still there");
}

#[tokio::test]
async fn redis_limits() {
    let Some(url) = proxy::redis("limiter::tests::redis_limits") else { return };
    let limiter = RedisLimiter::open(&url).unwrap();
    allows_a_burst_and_then_one_by_one(&limiter).await;
    forgives(&limiter).await;
    refuses_or_allows_what_knows_no_middle(&limiter).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_counts_callers_of_all_processes() {
    let Some(url) = proxy::redis("limiter::tests::redis_counts_callers_of_all_processes") else { return };
    counts_callers_side_by_side([open(Some(&url)).unwrap(), open(Some(&url)).unwrap()]).await;
}

#[tokio::test]
async fn redis_keeps_a_key_no_longer_than_it_says_anything() {
    let Some(url) = proxy::redis("limiter::tests::redis_keeps_a_key_no_longer_than_it_says_anything") else { return };
    let (limiter, key) = (RedisLimiter::open(&url).unwrap(), key());
    allowed(&limiter, &key, FEW, 2).await;
    let mut redis = ::redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let mut left = async || -> i64 {
        ::redis::cmd("PTTL").arg(format!("concert:limit:{key}")).query_async(&mut redis).await.unwrap()
    };
    let soon = left().await;
    assert!((1..=200).contains(&soon), "{soon}");
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(left().await, -2);
}

#[tokio::test]
async fn without_redis_each_process_counts_by_itself_and_nobody_waits() {
    // Nobody listens at the discard port of this machine, and nobody answers from an address kept for examples.
    for url in ["redis://127.0.0.1:9", "redis://192.0.2.1:6379"] {
        let (limiter, key) = (RedisLimiter::open(url).unwrap(), key());
        let began = Instant::now();
        assert_eq!(limiter.take(&key, SLOW).await, None);
        assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
        let began = Instant::now();
        assert_eq!(allowed(&limiter, &key, SLOW, 100).await, 2);
        limiter.forgive(&key).await;
        assert_eq!(allowed(&limiter, &key, SLOW, 100).await, 3);
        assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
        assert!(limiter.health().await.is_err());
    }
    assert!(matches!(RedisLimiter::open("http://a"), Err(domain::Error::Internal(text)) if !text.contains("http")));
}

#[tokio::test]
async fn a_limiter_takes_up_again_when_redis_is_back() {
    let Some(proxy) = Proxy::to_redis("limiter::tests::a_limiter_takes_up_again_when_redis_is_back").await else {
        return;
    };
    let (limiter, key) = (RedisLimiter::open(&proxy.url).unwrap(), key());
    assert_eq!(allowed(&limiter, &key, SLOW, 10).await, 3);
    proxy.cut();
    // By itself the process knows of none of them.
    assert_eq!(allowed(&limiter, &key, SLOW, 10).await, 3);
    assert!(limiter.health().await.is_err());
    proxy.mend();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    for _ in 0..20 {
        if limiter.health().await.is_ok() {
            // What Redis counted before still holds; another key is counted there again.
            assert_eq!(allowed(&limiter, &key, SLOW, 10).await, 0);
            let other = self::key();
            assert_eq!(allowed(&limiter, &other, SLOW, 10).await, 3);
            assert_eq!(allowed(&RedisLimiter::open(&proxy.url).unwrap(), &other, SLOW, 10).await, 0);
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("not taken up again");
}
