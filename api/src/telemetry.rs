//! The log: what happened, on the standard error stream, as text or as JSON lines.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, fmt};

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// JSON lines for programs
    Json,
}

/// Starts the log. `filter` is in the form of `RUST_LOG`: `info`, `api=debug,warn`.
///
/// # Errors
/// What is wrong with the filter.
pub fn init(filter: &str, format: LogFormat) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| error.to_string())?;
    let log = fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    // What panics say belongs in the log and nowhere else.
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        tracing::error!(at, "panic: {}", panic.payload_as_str().unwrap_or("no message"));
    }));
    Ok(())
}
