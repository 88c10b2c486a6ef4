//! A way to Redis that can be cut and mended.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The Redis that tests may use. None where none is named; `test` is then noted as not run.
pub(crate) fn redis(test: &str) -> Option<String> {
    let url = std::env::var("CONCERT_TEST_REDIS_URL").ok();
    if let (None, Ok(path)) = (&url, std::env::var("CONCERT_TEST_NOT_RUN")) {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{test}: CONCERT_TEST_REDIS_URL is not set").unwrap();
    }
    url
}

/// A port on this machine that leads to Redis.
pub(crate) struct Proxy {
    pub(crate) url: String,
    open: Arc<AtomicBool>,
    cut: watch::Sender<()>,
}

impl Proxy {
    /// To the Redis that tests may use; see [`redis`].
    pub(crate) async fn to_redis(test: &str) -> Option<Self> {
        let target = redis(test)?;
        let target = target.trim_start_matches("redis://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (open, cut) = (Arc::new(AtomicBool::new(true)), watch::Sender::new(()));
        let (is_open, cuts) = (Arc::clone(&open), cut.clone());
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if !is_open.load(Ordering::SeqCst) {
                    continue;
                }
                let mut far = TcpStream::connect(&target).await.unwrap();
                let mut cut = cuts.subscribe();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Some(Self { url, open, cut })
    }

    /// Breaks every connection, and every new one at once.
    pub(crate) fn cut(&self) {
        self.open.store(false, Ordering::SeqCst);
        self.cut.send_replace(());
    }

    /// Lets connections through again.
    pub(crate) fn mend(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}
