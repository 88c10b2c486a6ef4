//! `concert import`: its arguments, its progress, its report.

use std::{
    fs::{self, File},
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Args, error::ErrorKind};
use domain::{access::Actor, error::Error, mapping::MappingRef, service::Services};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::mapping::{self, Named};
use crate::exchange::{self, Format, Importer, Observer, Options, ReadingArgs, Reject, RejectsFile, Report};

/// Rejected rows shown of each file; all of them go to the file of `--rejects`.
const SHOWN: usize = 20;
/// How an import ends: everything is kept.
const KEPT: u8 = 0;
/// How it ends otherwise: a row or a file was rejected, or the database did not take it.
const REJECTED: u8 = 1;

/// Reads figures from files into a network.
///
/// Each file is kept as a whole but for the rows that break a rule: those are rejected one by one, with their line and
/// reason. A file that cannot be read to its end, or whose columns are not understood, is refused whole. Importing the
/// same file again changes nothing. Exits with 0 if every row was kept, 1 if not, 2 for arguments that do not fit.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Files, plain or gzip, and folders with files whose names end as the format's do (*.csv, *.csv.gz, …) at any depth
    #[arg(required_unless_present = "infer", value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// How the columns of a table are read (mapped): a file of JSON, or the key of a mapping that the server keeps, KEY or
    /// KEY@VERSION
    #[arg(long, value_name = "FILE|KEY", required_if_eq("format", "mapped"))]
    mapping: Option<PathBuf>,

    /// Import nothing: read the beginning of this table, print the mapping that it seems to need, and what is unsure of it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "mapping", "rejects", "format", "network"])]
    infer: Option<PathBuf>,

    /// Write every rejected row to this CSV file: file, line, column, code, reason, row
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,

    #[command(flatten)]
    reading: ReadingArgs,
}

/// An import that can be carried out.
pub struct Import {
    options: Options,
    /// A mapping that the server keeps.
    mapping: Option<MappingRef>,
    files: Vec<PathBuf>,
    rejects: Option<PathBuf>,
}

impl ImportArgs {
    /// The table whose mapping is to be proposed, if that is what is asked for.
    pub fn infers(&self) -> Option<&Path> {
        self.infer.as_deref()
    }

    /// Prints the mapping that the table seems to need, and on the other channel what is unsure of it.
    pub fn propose(&self) -> ExitCode {
        match self.infers().map(mapping::propose) {
            Some(Err(message)) => {
                eprintln!("error: {message}");
                ExitCode::from(REJECTED)
            }
            _ => ExitCode::from(KEPT),
        }
    }

    /// Checks what goes together, and that the files are there; nothing is read or written yet.
    ///
    /// # Errors
    /// What does not fit, in the words and with the exit code of the command line.
    pub fn prepare(self) -> Result<Import, clap::Error> {
        let usage = |message: String| clap::Error::raw(ErrorKind::ValueValidation, message + "\n");
        let options = self.reading.options().ok_or_else(|| usage("--format and --network are needed".to_owned()))?;
        let format = options.format;
        let (options, kept) = match &self.mapping {
            Some(_) if format != Format::Mapped => return Err(usage("--mapping goes with --format mapped".to_owned())),
            Some(path) => match mapping::named(path).map_err(usage)? {
                Named::File(mapping) => (options.mapped(*mapping), None),
                Named::Kept(named) => (options, Some(named)),
            },
            None => (options, None),
        };
        if let Some(complaint) = options.complaint().filter(|_| kept.is_none()) {
            return Err(usage(complaint.to_owned()));
        }
        let files = exchange::find(&self.paths, format.takes())
            .map_err(|(path, error)| usage(format!("{}: {error}", path.display())))?;
        if files.is_empty() {
            return Err(usage("there is no file to import in these folders".to_owned()));
        }
        Ok(Import { options, mapping: kept, files, rejects: self.rejects })
    }
}

impl Import {
    /// Imports every file and reports on it; answers how the process should end.
    pub async fn run(mut self, services: &Services, actor: &Actor) -> u8 {
        if let Some(named) = self.mapping.take() {
            let found = services.mapping_to_begin(&named).await;
            self.options = match found.map(|found| self.options.clone().mapped_as_kept(found)) {
                Ok(options) => options,
                Err(error) => {
                    eprintln!("error: {error}");
                    return REJECTED;
                }
            };
            if let Some(complaint) = self.options.complaint() {
                eprintln!("error: {complaint}");
                return REJECTED;
            }
        }
        let mut importer = Importer::new(services, actor, &self.options);
        // Before the file of rejected rows is opened: those of an earlier run are not given up for nothing.
        if let Err(error) = importer.check().await {
            eprintln!("error: {}", told(&error));
            return REJECTED;
        }
        let mut screen = match Screen::new(&self.files, self.rejects.as_deref()) {
            Ok(screen) => screen,
            Err(error) => {
                let file = self.rejects.as_deref().unwrap_or_else(|| Path::new("")).display();
                eprintln!("error: --rejects {file}: the file of rejected rows cannot be written: {error}");
                return REJECTED;
            }
        };
        let mut total = Report::default();
        for (index, path) in self.files.iter().enumerate() {
            screen.begin(index, path);
            match importer.file(path, &mut screen).await {
                Ok(report) => {
                    screen.end(&report);
                    total.add(&report);
                }
                Err(error) => {
                    screen.summary(&total, self.options.dry_run);
                    screen.error(&error);
                    return REJECTED;
                }
            }
        }
        screen.summary(&total, self.options.dry_run);
        if let Some(error) = screen.finish() {
            eprintln!("error: the file of rejected rows is not complete: {error}");
            return REJECTED;
        }
        if total.is_clean() { KEPT } else { REJECTED }
    }
}

/// What went wrong, in words for whoever runs the command.
fn told(error: &Error) -> String {
    match error {
        Error::Busy => "the database is busy, full or not there; the same command may go through later".to_owned(),
        Error::Internal(detail) => format!("a fault of this program or its database: {detail}"),
        other => other.to_string(),
    }
}

/// How often a line tells how far an import is, where there is no bar.
const EVERY: Duration = Duration::from_secs(5);

/// Says when it is time for another line.
struct Pace {
    last: Instant,
}

impl Pace {
    /// Whether the last line, or the beginning, is long enough ago; then this is the last.
    fn is_due(&mut self, now: Instant) -> bool {
        let due = now.saturating_duration_since(self.last) >= EVERY;
        if due {
            self.last = now;
        }
        due
    }
}

/// Where an import is followed: a bar on a terminal, a line every few seconds elsewhere.
struct Screen {
    bar: ProgressBar,
    pace: Pace,
    out: io::Stdout,
    rejects: Option<RejectsFile<BufWriter<File>>>,
    rejects_name: String,
    /// Why the file of rejected rows could not be written to its end.
    fault: Option<csv::Error>,
    count: usize,
    index: usize,
    file: String,
    /// Bytes of the files before this one.
    before: u64,
    size: u64,
    shown: Vec<String>,
}

impl Screen {
    fn new(files: &[PathBuf], rejects: Option<&Path>) -> io::Result<Self> {
        let bar = if io::stderr().is_terminal() {
            let size = files.iter().map(|file| size(file)).sum();
            let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {elapsed_precise} {wide_msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        } else {
            ProgressBar::hidden()
        };
        let open = |path: &Path| -> io::Result<_> { Ok(RejectsFile::new(BufWriter::new(File::create(path)?))?) };
        Ok(Self {
            bar,
            pace: Pace { last: Instant::now() },
            out: io::stdout(),
            rejects: rejects.map(open).transpose()?,
            rejects_name: rejects.map(|path| path.display().to_string()).unwrap_or_default(),
            fault: None,
            count: files.len(),
            index: 0,
            file: String::new(),
            before: 0,
            size: 0,
            shown: Vec::new(),
        })
    }

    fn begin(&mut self, index: usize, path: &Path) {
        self.before += self.size;
        self.size = size(path);
        self.index = index + 1;
        self.file = path.display().to_string();
        self.shown.clear();
    }

    fn end(&mut self, report: &Report) {
        let mut lines = Vec::new();
        let Self { index, count, file, .. } = self;
        if let Some(failure) = &report.failure {
            lines.push(format!("[{index}/{count}] {file}: refused, nothing of it is kept: {failure}"));
            if let Some(rejects) = &mut self.rejects {
                self.fault = self.fault.take().or(rejects.failure(file, failure).err());
            }
        } else {
            lines.push(format!("[{index}/{count}] {file}: {}", report.counts));
            lines.extend(report.notices.iter().map(|notice| format!("    {notice}")));
            lines.extend(report.doubts.iter().map(|(check, doubts)| {
                let (rows, what) = (several(doubts.rows, "row"), exchange::doubt(*check));
                format!("    {rows} kept though doubtful, the first at line {}: {what}", doubts.line)
            }));
            lines.append(&mut self.shown);
            let more = report.counts.rejected.saturating_sub(SHOWN as u64);
            if more > 0 {
                let name = if self.rejects.is_some() { &self.rejects_name } else { "--rejects FILE" };
                lines.push(format!("    … and {} rejected: see {name}", several(more, "more row")));
            }
        }
        self.print(&lines);
    }

    fn summary(&mut self, total: &Report, dry_run: bool) {
        self.bar.finish_and_clear();
        let mut lines = vec![format!("{}: {}", several(self.index as u64, "file"), total.counts)];
        if total.failures > 0 {
            lines.push(format!("Refused whole: {}", several(total.failures, "file")));
        }
        if !total.created.is_empty() {
            lines.push(format!("Created on the way: {}", total.created));
        }
        if !total.adjustments.is_empty() {
            lines.push("Read as something that they do not literally say:".to_owned());
            lines.extend(
                total
                    .adjustments
                    .iter()
                    .map(|(adjustment, rows)| format!("    {}: {}", several(*rows, "row"), adjustment.text())),
            );
        }
        if !total.reasons.is_empty() {
            lines.push("Rejected:".to_owned());
            let mut reasons: Vec<_> = total.reasons.iter().collect();
            reasons.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
            lines.extend(reasons.into_iter().map(|((code, column, kind), rows)| {
                let column = if column.is_empty() { String::new() } else { format!("{column}: ") };
                format!("    {}: {column}{kind} [{code}]", several(*rows, "row"))
            }));
        }
        if dry_run {
            lines.push("This was a dry run: nothing of it is kept.".to_owned());
        }
        self.print(&lines);
    }

    fn error(&mut self, error: &Error) {
        self.bar.finish_and_clear();
        let what = if self.file.is_empty() { String::new() } else { format!("{}: nothing of it is kept: ", self.file) };
        eprintln!("error: {what}{}", told(error));
    }

    fn finish(&mut self) -> Option<csv::Error> {
        if let Some(rejects) = &mut self.rejects {
            self.fault = self.fault.take().or(rejects.flush().err().map(csv::Error::from));
        }
        self.fault.take()
    }

    /// Prints lines above the bar. A reader may have gone away.
    fn print(&mut self, lines: &[String]) {
        let Self { bar, out, .. } = self;
        bar.suspend(|| {
            for line in lines {
                let _ = writeln!(out, "{}", plain(line));
            }
            let _ = out.flush();
        });
    }
}

impl Observer for Screen {
    fn progress(&mut self, bytes: u64, rows: u64) {
        self.bar.set_position(self.before + bytes.min(self.size));
        let done = format!("[{}/{}] {rows} rows of {}", self.index, self.count, self.file);
        if self.bar.is_hidden() && self.pace.is_due(Instant::now()) {
            let percent = 100 * bytes.min(self.size) / self.size.max(1);
            // Beside the report, where the bar would be.
            eprintln!("{}", plain(&format!("{done}, {percent} % of it read …")));
        }
        self.bar.set_message(done);
    }

    fn rejected(&mut self, reject: &Reject) {
        if self.shown.len() < SHOWN {
            self.shown.push(format!("    line {}: {} [{}]", reject.line, reject.reason, reject.reason.code));
        }
        if let Some(rejects) = &mut self.rejects {
            self.fault = self.fault.take().or(rejects.reject(&self.file, reject).err());
        }
    }

    fn wants_rows(&self) -> bool {
        self.rejects.is_some()
    }
}

/// Text of files could hold control characters.
fn plain(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `1 row`, `2 rows`.
fn several(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_import_tells_how_far_it_is_every_five_seconds() {
        let start = Instant::now();
        let mut pace = Pace { last: start };
        let told: Vec<u64> =
            (0..200).filter(|&tenth| pace.is_due(start + Duration::from_millis(100 * tenth))).collect();
        assert_eq!(told, [50, 100, 150]);
        // However long nothing was heard, one line makes up for it.
        assert!(pace.is_due(start + Duration::from_mins(10)));
        assert!(!pace.is_due(start + Duration::from_mins(10)));
        assert!(!pace.is_due(start), "a clock that goes back tells nothing");
    }
}
