//! Stopping in an orderly way.

use std::future::Future;

use actix_web::dev::ServerHandle;
use tokio::signal::ctrl_c;

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
