//! Stopping in an orderly way.

use actix_web::dev::ServerHandle;

/// Ends when the process is asked to stop: by Ctrl+C, or by SIGTERM as service managers send it.
pub async fn requested() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Without a way to hear signals the process is ended by force, as it would be anyway.
    let _ = tokio::signal::ctrl_c().await;
}

/// Stops the server when the process is asked to: no new requests, running ones are finished.
pub async fn stop_when_requested(server: ServerHandle) {
    requested().await;
    tracing::info!("stopping: running requests are finished first");
    server.stop(true).await;
}
