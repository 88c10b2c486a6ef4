//! Stopping in an orderly way.

use std::{future::Future, time::Duration};

use actix_web::dev::ServerHandle;
use tokio::{signal::ctrl_c, task::JoinHandle, time::timeout_at};

/// How long what runs beside the server may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// What runs beside the server. It is waited for: a job is left to another replica only by a statement that is carried out,
/// and a connection has to be given back while there is a runtime.
#[derive(Default)]
pub struct Beside(Vec<JoinHandle<()>>);

impl Beside {
    /// Has something run until it ends by itself, as it should when the process is asked to stop.
    pub fn run(&mut self, work: impl Future<Output = ()> + 'static) {
        self.0.push(actix_web::rt::spawn(work));
    }

    /// Has something run that would go on for ever, until `stop` ends.
    pub fn run_until(&mut self, stop: impl Future<Output = ()> + 'static, work: impl Future<Output = ()> + 'static) {
        self.run(async {
            tokio::select! {
                () = work => {}
                () = stop => {}
            }
        });
    }

    /// Waits until everything has ended, 10 seconds at most; what has not is broken off.
    pub async fn ended(self) {
        let end = tokio::time::Instant::now() + PATIENCE;
        for mut task in self.0 {
            if timeout_at(end, &mut task).await.is_err() {
                tracing::warn!("work beside the server does not end and is broken off");
                task.abort();
                let _ = task.await;
            }
        }
    }
}

/// Ends when the process is asked to stop: by Ctrl+C, or by SIGTERM as service managers send it. It listens from the call
/// on, not only once it is awaited. To be called within a tokio runtime.
///
/// # Errors
/// Whatever the operating system has against listening.
#[cfg(unix)]
pub fn requested() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = ctrl_c() => {}
        }
    })
}

/// Ends when the process is asked to stop, by Ctrl+C.
///
/// # Errors
/// None here.
#[cfg(not(unix))]
pub fn requested() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a way to hear of it the process is ended by force, as it would be anyway.
        let _ = ctrl_c().await;
    })
}

/// Stops the server when `requested` ends: no new requests, running ones are finished.
pub async fn stop_when(requested: impl Future<Output = ()>, server: ServerHandle) {
    requested.await;
    tracing::info!("stopping: running requests are finished first");
    server.stop(true).await;
}
