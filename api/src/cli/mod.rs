//! The command line.

mod accounts;
mod audit;
mod demo;
mod export;
mod import;
mod mapping;
mod part;

use clap::{Parser, Subcommand};

pub use accounts::{TokenCommand, UserCommand};
pub use audit::{AuditCommand, ExportArgs, VerifyArgs};
pub use demo::{Demo, load_demo};
pub use export::{FiguresArgs, FiguresExport};
pub use import::{Import, ImportArgs};

use crate::config::{ServeSettings, Settings};

/// Concert: a GraphQL API for networks of communities working for collective impact.
///
/// To look around, run `concert demo` and open <http://127.0.0.1:8080>.
#[derive(Debug, Parser)]
#[command(name = "concert", version, max_term_width = 100)]
pub struct Cli {
    /// Settings for every command.
    #[command(flatten)]
    pub settings: Settings,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API
    ///
    /// Applies the migrations that are missing, then serves the GraphQL API at /graphql with an explorer at /.
    Serve(ServeSettings),
    /// Serve a demo network of real figures
    ///
    /// Creates an SQLite database (concert-demo.db in the working folder unless DATABASE_URL says otherwise), loads two
    /// networks with cited figures, and serves them.
    Demo(ServeSettings),
    /// Apply the migrations that are missing
    Migrate,
    /// Print the schema in the GraphQL schema definition language
    Schema,
    /// Read figures from files
    Import(Box<ImportArgs>),
    /// Write figures to a file
    Export(Box<FiguresArgs>),
    /// Open accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Make, list and revoke tokens of programs
    #[command(subcommand)]
    Token(Box<TokenCommand>),
    /// Manage the keys that access tokens are signed with
    #[command(subcommand)]
    Key(KeyCommand),
    /// Take out the audit log, or check what was taken out
    #[command(subcommand)]
    Audit(AuditCommand),
}

/// The keys that access tokens are signed with, where the database keeps them.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Sign with a new key from now on; those before it go on verifying
    Rotate,
    /// No longer believe tokens signed with a key
    Retire {
        /// Its name, `kid` in /.well-known/jwks.json
        #[arg(value_name = "KID")]
        kid: String,
    },
}
