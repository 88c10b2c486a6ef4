//! `concert audit`: taking the audit log out, and checking what was taken out.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter},
    path::PathBuf,
    process::ExitCode,
};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::{Args, Subcommand, error::ErrorKind};
use domain::{access::Actor, audit::AuditFilter, error::Result, service::Services};

use super::part::Part;
use crate::exchange::audit::{Unverified, Written, export, verify};

/// How a check ends that found a fault.
const FAULT: u8 = 1;
/// How it ends if the file cannot be read.
const UNREADABLE: u8 = 2;

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Write the audit log as JSON lines whose every byte `audit verify` can check
    ///
    /// Oldest entry first, each with a hash that covers everything before it. That it was exported is recorded in the log
    /// before anything is written. The last hash is told on the standard error stream: keep it apart from the file, and
    /// nobody can write the file anew unnoticed. Exits with 0 if the export is complete, 1 if not, 2 for arguments that do
    /// not fit.
    Export(ExportArgs),
    /// Check a file that `audit export` wrote
    ///
    /// Checks every hash, the order of the entries, the first line and the last. Exits with 0 if everything fits, 1 at the
    /// first line that does not, 2 if the file cannot be read.
    Verify(VerifyArgs),
}

/// What to export, and where to.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Only what happened on this day or later, in UTC
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<NaiveDate>,

    /// Only what happened before this day, in UTC
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Option<NaiveDate>,

    /// Write to this file, which then appears or is replaced as a whole; to the standard output if left out
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What to check.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The file
    file: PathBuf,

    /// The hash that was told when the file was exported
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
}

impl ExportArgs {
    /// Checks what goes together.
    ///
    /// # Errors
    /// What does not fit, in the words and with the exit code of the command line.
    pub fn check(self) -> Result<Self, clap::Error> {
        let usage = |message: String| clap::Error::raw(ErrorKind::ValueValidation, message + "\n");
        if let (Some(from), Some(until)) = (self.from, self.until)
            && from >= until
        {
            return Err(usage(format!(
                "no day lies between --from {from} and --until {until}, which is left out itself"
            )));
        }
        if let Some(output) = &self.output
            && !Part::is_file_name(output)
        {
            return Err(usage(format!("--output {}: this is not a file", output.display())));
        }
        Ok(self)
    }

    /// Exports; answers how the process should end.
    ///
    /// # Errors
    /// Those of reading the log and of writing the file.
    pub async fn run(self, services: &Services, actor: &Actor) -> Result<ExitCode> {
        let filter =
            AuditFilter { from: self.from.map(begins), until: self.until.map(begins), ..AuditFilter::default() };
        let written = match &self.output {
            None => export(services.export_audit(actor, filter).await?, BufWriter::new(io::stdout())).await?,
            Some(path) => {
                // First the file: where none can be written, nothing is exported and nothing need be recorded.
                let mut part = Part::create(path)?;
                let written = export(services.export_audit(actor, filter).await?, &mut part.out).await?;
                part.keep(path)?;
                written
            }
        };
        let Written { entries, hash } = written;
        eprintln!("{entries} entries; the last hash is {hash}");
        Ok(ExitCode::SUCCESS)
    }
}

fn begins(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

impl VerifyArgs {
    /// Checks the file, says what was found and answers how the process should end.
    pub fn run(self) -> ExitCode {
        let name = self.file.display();
        let found = File::open(&self.file).map_err(Unverified::from).and_then(|file| verify(BufReader::new(file)));
        match found {
            Ok(found) if self.hash.as_ref().is_some_and(|hash| !hash.eq_ignore_ascii_case(&found.hash)) => {
                eprintln!(
                    "{name}: everything fits, but the last hash is {}: this is not the file that was exported",
                    found.hash
                );
                ExitCode::from(FAULT)
            }
            Ok(found) => {
                let places =
                    found.places.map(|(first, last)| format!(", places {first} to {last}")).unwrap_or_default();
                println!(
                    "{name}: everything fits: {} entries{places}, exported at {}",
                    found.entries, found.exported_at
                );
                println!("The last hash is {}", found.hash);
                ExitCode::SUCCESS
            }
            Err(Unverified::Fault(fault)) => {
                eprintln!("{name}: {fault}");
                ExitCode::from(FAULT)
            }
            Err(Unverified::Unreadable(error)) => {
                eprintln!("{name}: {error}");
                ExitCode::from(UNREADABLE)
            }
        }
    }
}
