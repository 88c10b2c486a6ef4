#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::time::{Duration, Instant};

use super::{memory::MemoryCache, redis::RedisCache, *};
use crate::link::proxy::{self, Proxy};

const LONG: Duration = Duration::from_mins(1);

fn key() -> String {
    uuid::Uuid::now_v7().to_string()
}

async fn keeps_for_a_while(cache: &dyn Cache) {
    let (kept, gone) = (key(), key());
    assert_eq!(cache.get(&kept).await, None);
    cache.put(&kept, vec![0, 1, 255], LONG).await;
    cache.put(&gone, vec![7], Duration::from_millis(30)).await;
    tokio::time::sleep(Duration::from_millis(80)).await;
    assert_eq!(cache.get(&kept).await, Some(vec![0, 1, 255]));
    assert_eq!(cache.get(&gone).await, None);
    cache.put(&kept, Vec::new(), LONG).await;
    assert_eq!(cache.get(&kept).await, Some(Vec::new()));
    assert_eq!(cache.health().await, Ok(()));
}

#[tokio::test]
async fn a_process_keeps_bytes_for_a_while() {
    keeps_for_a_while(&MemoryCache::new(1 << 20)).await;
}

#[tokio::test]
async fn redis_keeps_bytes_for_a_while() {
    let Some(url) = proxy::redis("cache::tests::redis_keeps_bytes_for_a_while") else { return };
    keeps_for_a_while(&RedisCache::open(&url).unwrap()).await;
}

#[tokio::test]
async fn a_process_keeps_no_more_than_it_may() {
    let cache = MemoryCache::new(10_000);
    let keys: Vec<_> = (0..100).map(|_| key()).collect();
    for key in &keys {
        cache.put(key, vec![0; 1_000], LONG).await;
    }
    cache.settle().await;
    let mut kept = 0;
    for key in &keys {
        kept += usize::from(cache.get(key).await.is_some());
    }
    assert!((1..10).contains(&kept), "{kept}");
}

#[tokio::test]
async fn nobody_waits_for_a_redis_that_is_gone() {
    // Nobody listens at the discard port of this machine, and nobody answers from an address kept for examples.
    for url in ["redis://127.0.0.1:9", "redis://192.0.2.1:6379"] {
        let cache = RedisCache::open(url).unwrap();
        let began = Instant::now();
        assert_eq!(cache.get("a").await, None);
        assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
        let began = Instant::now();
        for _ in 0..100 {
            assert_eq!(cache.get("a").await, None);
            cache.put("a", vec![1], LONG).await;
        }
        assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
        assert!(cache.health().await.is_err());
    }
}

#[tokio::test]
async fn a_cache_takes_up_again_when_redis_is_back() {
    let Some(proxy) = Proxy::to_redis("cache::tests::a_cache_takes_up_again_when_redis_is_back").await else { return };
    let (cache, key) = (RedisCache::open(&proxy.url).unwrap(), key());
    cache.put(&key, vec![1], LONG).await;
    assert_eq!(cache.get(&key).await, Some(vec![1]));
    proxy.cut();
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(cache.get(&key).await, None);
        assert!(began.elapsed() < Duration::from_millis(400));
    }
    assert!(cache.health().await.is_err());
    proxy.mend();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    for _ in 0..20 {
        if cache.get(&key).await.is_some() {
            assert_eq!(cache.health().await, Ok(()));
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("not taken up again");
}
