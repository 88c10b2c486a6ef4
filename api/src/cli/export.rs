//! `concert export`: writing figures to a file.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, error::ErrorKind};
use domain::{
    access::Actor,
    error::{Error, Result},
    service::Services,
};

use super::part::{Part, unwritten};
use crate::exchange::export::{Export, ExportOptions, ExportingArgs, Told};

/// Writes figures of a network to a file.
///
/// In the order of communities, indicators, sources, parts of the population and periods, whatever database they come from. A
/// figure that the format cannot hold without saying something else is left out and counted on the standard error
/// stream. That figures were exported is recorded in the audit log. Exits with 0 if the file is complete, 1 if not, 2 for arguments that do not
/// fit.
#[derive(Debug, Args)]
pub struct FiguresArgs {
    #[command(flatten)]
    exporting: ExportingArgs,

    /// Write to this file, which then appears or is replaced as a whole; to the standard output if left out
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// An export that can be carried out.
pub struct FiguresExport {
    options: ExportOptions,
    output: Option<PathBuf>,
}

impl FiguresArgs {
    /// Checks what goes together; nothing is read or written yet.
    ///
    /// # Errors
    /// What does not fit, in the words and with the exit code of the command line.
    pub fn prepare(self) -> std::result::Result<FiguresExport, clap::Error> {
        let usage = |message: String| clap::Error::raw(ErrorKind::ValueValidation, message + "\n");
        let options = self.exporting.options();
        if let Some((field, complaint)) = options.complaint() {
            return Err(usage(format!("--{field}: {complaint}")));
        }
        if let Some(output) = self.output.as_ref().filter(|output| !Part::is_file_name(output)) {
            return Err(usage(format!("--output {}: this is not a file", output.display())));
        }
        Ok(FiguresExport { options, output: self.output })
    }
}

impl FiguresExport {
    /// Exports; answers how the process should end.
    ///
    /// # Errors
    /// Those of reading figures and of writing the file.
    pub async fn run(&self, services: &Services, actor: &Actor) -> Result<ExitCode> {
        let told = match &self.output {
            None => self.write(services, actor, &mut io::stdout().lock()).await?,
            Some(path) => {
                // First the file: where none can be written, nothing is exported and nothing need be recorded.
                let mut part = Part::create(path)?;
                let told = self.write(services, actor, &mut part.out).await?;
                part.keep(path)?;
                told
            }
        };
        report(&told);
        Ok(ExitCode::SUCCESS)
    }

    async fn write(&self, services: &Services, actor: &Actor, out: &mut impl Write) -> Result<Told> {
        let mut export = Export::begin(services, actor, &self.options).await?;
        let failed = |error: io::Error| match &self.output {
            Some(path) => unwritten(path, &error),
            None => Error::internal(format!("the export cannot be written: {error}")),
        };
        while let Some(part) = export.next().await? {
            out.write_all(&part).map_err(failed)?;
        }
        out.flush().map_err(failed)?;
        Ok(export.told().clone())
    }
}

fn report(told: &Told) {
    let several = |count: u64| format!("{count} figure{}", if count == 1 { "" } else { "s" });
    let left_out: u64 = told.left_out.values().sum();
    eprintln!("{} written, {left_out} left out", several(told.written));
    for (why, count) in &told.left_out {
        eprintln!("    {}: {}", several(*count), why.text());
    }
    for notice in &told.notices {
        eprintln!("    {notice}");
    }
}
