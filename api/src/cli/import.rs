//! `concert import`: its arguments, its progress, its report.

use std::{
    fs::{self, File},
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum, error::ErrorKind};
use domain::{
    access::Actor,
    error::Error,
    key::{Code, CountryCode, Scheme, Slug},
    period::PeriodKind,
    service::Services,
    text::LanguageTag,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::mapping;
use crate::exchange::{
    self, Combo, Create, Dhis2, Format, IdScheme, Importer, Observer, Options, Reject, RejectsFile, Report,
    SdmxColumns, Strategy, Total,
};

/// Rejected rows shown of each file; all of them go to the file of `--rejects`.
const SHOWN: usize = 20;
/// How an import ends: everything is kept.
const KEPT: u8 = 0;
/// How it ends otherwise: a row or a file was rejected, or the database did not take it.
const REJECTED: u8 = 1;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatName {
    /// One figure a row: areacd, period, observation and more columns
    Tidy,
    /// A file `indicator_CODE.csv` for each indicator: Year, Geography, dimensions, Value
    OpenSdg,
    /// A full table of Statistics Canada: REF_DATE, GEO, dimensions, UOM, VALUE
    Statcan,
    /// Any table, by the column mapping of --mapping
    Mapped,
    /// DHIS2 data value sets, JSON or CSV; needs --import-strategy
    Dhis2,
    /// SDMX-CSV 2.0 or 2.1
    SdmxCsv,
    /// One JSON object a line: community, indicator, period, value and more keys
    Ndjson,
    /// Common Impact Data Standard, JSON-LD, Basic tier
    Cids,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StrategyName {
    /// Record the values; those known already become new revisions where they differ
    #[value(alias = "CREATE_AND_UPDATE")]
    CreateAndUpdate,
    /// Withdraw the values
    #[value(alias = "DELETE")]
    Delete,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum IdSchemeName {
    /// By the identifiers of DHIS2: codes of the scheme dhis2:UID
    Uid,
    /// By codes of the scheme dhis2:code
    Code,
    /// By names
    Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Missing {
    /// All of them
    All,
    /// Communities, as members of the network from its first day; needs --country
    Communities,
    /// Indicators, each with a first, neutral definition
    Indicators,
    /// Sources
    Sources,
}

/// Reads figures from files into a network.
///
/// Each file is kept as a whole but for the rows that break a rule: those are rejected one by one, with their line and
/// reason. A file that cannot be read to its end, or whose columns are not understood, is refused whole. Importing the
/// same file again changes nothing. Exits with 0 if every row was kept, 1 if not, 2 for arguments that do not fit.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Files, plain or gzip, and folders with files whose names end as the format's do (*.csv, *.csv.gz, …) at any depth
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// How the files are written
    #[arg(long, value_enum)]
    format: FormatName,

    /// How the columns of a table are read (mapped): a file of JSON; `--infer` proposes one
    #[arg(long, value_name = "FILE", required_if_eq("format", "mapped"))]
    mapping: Option<PathBuf>,

    /// The network whose members the figures are of
    #[arg(long, value_name = "SLUG")]
    network: Slug,

    /// The indicator of every row, in place of what the rows or the file's name say
    #[arg(long, value_name = "CODE")]
    indicator: Option<Code>,

    /// The source of every row that names none
    #[arg(long, value_name = "KEY")]
    source: Option<Code>,

    /// Create what the rows name and nobody knows yet: all of it, or some kinds
    #[arg(long, value_enum, value_name = "KINDS", num_args = 0.., require_equals = true, value_delimiter = ',', default_missing_value = "all")]
    create_missing: Vec<Missing>,

    /// The sources that are created have controlled disclosure themselves, as offices of statistics do: their figures are
    /// shown as published, however few they count
    #[arg(long)]
    disclosure_controlled: bool,

    /// Do everything, then undo it
    #[arg(long)]
    dry_run: bool,

    /// Write every rejected row to this CSV file: file, line, column, code, reason, row
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,

    /// The scheme of the communities' codes, such as uk:GSS [tidy: areacd, dhis2: dhis2:UID, sdmx-csv: sdmx:REF_AREA, cids: cids:IRI, others: codes are not read]
    #[arg(long, value_name = "SCHEME")]
    code_scheme: Option<Scheme>,

    /// The country of communities that are created: two letters of ISO 3166-1
    #[arg(long, value_name = "CC")]
    country: Option<CountryCode>,

    /// The member that rows without a place are of (open-sdg, cids)
    #[arg(long, value_name = "SLUG")]
    blank_geography: Option<Slug>,

    /// The column that names the community (open-sdg)
    #[arg(long, value_name = "NAME", default_value = "Geography")]
    geography_column: String,

    /// The month that years such as 2014/2015 begin in; without it they are rejected (open-sdg)
    #[arg(long, value_name = "MONTH", value_parser = clap::value_parser!(u32).range(2..=12))]
    fiscal_year_start: Option<u32>,

    /// A value that means everybody, of one dimension or of any: "Gender=All genders", "Total" (open-sdg, dhis2, sdmx-csv)
    #[arg(long, value_name = "[DIM=]VALUE")]
    total: Vec<Total>,

    /// What is done with the values; versions of DHIS2 do not agree on what it is without one (dhis2)
    #[arg(long, value_enum, value_name = "STRATEGY")]
    import_strategy: Option<StrategyName>,

    /// By what the payload names organisation units (dhis2)
    #[arg(long, value_enum, value_name = "SCHEME", default_value = "uid")]
    org_unit_id_scheme: IdSchemeName,

    /// What a combination of options means: "oPcWGgS2Liz=Sex=F;Age=15-24", "HllvX50cXC0=" for everybody (dhis2)
    #[arg(long, value_name = "COMBO=DIM=VALUE;…")]
    option_combo: Vec<Combo>,

    /// The column that names the place, instead of REF_AREA (sdmx-csv)
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    area_column: String,

    /// The column that names the indicator, instead of INDICATOR (sdmx-csv)
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    indicator_column: String,

    /// The column of the period, instead of TIME_PERIOD (sdmx-csv)
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    period_column: String,

    /// A column behind OBS_VALUE that is a dimension (sdmx-csv)
    #[arg(long, value_name = "ID")]
    dimension: Vec<String>,

    /// A column that is not read
    #[arg(long, value_name = "NAME")]
    ignore_column: Vec<String>,

    /// The language of names in the files
    #[arg(long, value_name = "TAG", default_value = "en")]
    language: LanguageTag,

    /// Read a comma as the decimal mark
    #[arg(long)]
    decimal_comma: bool,

    /// The kind of period of every row; without it quarters are told from months by the metadata beside the table (statcan)
    #[arg(long, value_name = "KIND", value_parser = frequency)]
    frequency: Option<PeriodKind>,

    /// What stands between cells: one character
    #[arg(long, value_name = "CHAR", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
}

fn frequency(text: &str) -> Result<PeriodKind, String> {
    text.to_uppercase().replace('-', "_").parse().map_err(|error: domain::code::UnknownCode| error.to_string())
}

fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        [b'"' | b'\r' | b'\n'] => Err("this cannot stand between cells"),
        [one] if one.is_ascii() => Ok(*one),
        _ if text == "\\t" => Ok(b'\t'),
        _ => Err("give one character, or \\t for a tab"),
    }
}

/// An import that can be carried out.
pub struct Import {
    options: Options,
    files: Vec<PathBuf>,
    rejects: Option<PathBuf>,
}

impl ImportArgs {
    /// Checks what goes together, and that the files are there; nothing is read or written yet.
    ///
    /// # Errors
    /// What does not fit, in the words and with the exit code of the command line.
    pub fn prepare(self) -> Result<Import, clap::Error> {
        let usage = |message: String| clap::Error::raw(ErrorKind::ValueValidation, message + "\n");
        let format = match self.format {
            FormatName::Tidy => Format::Tidy,
            FormatName::OpenSdg => Format::OpenSdg,
            FormatName::Statcan => Format::Statcan,
            FormatName::Mapped => Format::Mapped,
            FormatName::Dhis2 => Format::Dhis2,
            FormatName::SdmxCsv => Format::SdmxCsv,
            FormatName::Ndjson => Format::Ndjson,
            FormatName::Cids => Format::Cids,
        };
        let creates = |missing| self.create_missing.iter().any(|&given| given == missing || given == Missing::All);
        let options = Options {
            indicator: self.indicator,
            source: self.source,
            create: Create {
                communities: creates(Missing::Communities),
                indicators: creates(Missing::Indicators),
                sources: creates(Missing::Sources),
            },
            disclosure_controlled: self.disclosure_controlled,
            dry_run: self.dry_run,
            code_scheme: self.code_scheme,
            country: self.country,
            blank_geography: self.blank_geography,
            geography_column: self.geography_column,
            dhis2: Dhis2 {
                strategy: self.import_strategy.map(|strategy| match strategy {
                    StrategyName::CreateAndUpdate => Strategy::CreateAndUpdate,
                    StrategyName::Delete => Strategy::Delete,
                }),
                org_units: match self.org_unit_id_scheme {
                    IdSchemeName::Uid => IdScheme::Uid,
                    IdSchemeName::Code => IdScheme::Code,
                    IdSchemeName::Name => IdScheme::Name,
                },
                combos: self.option_combo,
            },
            sdmx: SdmxColumns {
                area: self.area_column,
                indicator: self.indicator_column,
                period: self.period_column,
                dimensions: self.dimension,
            },
            fiscal_year_start: self.fiscal_year_start,
            totals: self.total,
            ignored_columns: self.ignore_column,
            decimal_comma: self.decimal_comma,
            delimiter: self.delimiter,
            frequency: self.frequency,
            ..Options::new(format, self.network, self.language)
        };
        let options = match &self.mapping {
            Some(_) if format != Format::Mapped => return Err(usage("--mapping goes with --format mapped".to_owned())),
            Some(path) => options.mapped(mapping::read(path).map_err(usage)?),
            None => options,
        };
        if let Some(complaint) = options.complaint() {
            return Err(usage(complaint.to_owned()));
        }
        let files = exchange::find(&self.paths, format.takes())
            .map_err(|(path, error)| usage(format!("{}: {error}", path.display())))?;
        if files.is_empty() {
            return Err(usage("there is no file to import in these folders".to_owned()));
        }
        Ok(Import { options, files, rejects: self.rejects })
    }
}

impl Import {
    /// Imports every file and reports on it; answers how the process should end.
    pub async fn run(&self, services: &Services, actor: &Actor) -> u8 {
        let mut screen = match Screen::new(&self.files, self.rejects.as_deref()) {
            Ok(screen) => screen,
            Err(error) => {
                eprintln!("error: the file of rejected rows cannot be written: {error}");
                return REJECTED;
            }
        };
        let mut importer = Importer::new(services, actor, &self.options);
        if let Err(error) = importer.check().await {
            screen.error(&error);
            return REJECTED;
        }
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

/// Where an import is followed: a bar on a terminal, lines elsewhere.
struct Screen {
    bar: ProgressBar,
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
        let message = match error {
            Error::Busy => "the database is busy, full or not there; the same command may go through later".to_owned(),
            Error::Internal(detail) => format!("a fault of this program or its database: {detail}"),
            other => other.to_string(),
        };
        eprintln!("error: {what}{message}");
    }

    fn finish(&mut self) -> Option<csv::Error> {
        if let Some(rejects) = &mut self.rejects {
            self.fault = self.fault.take().or(rejects.flush().err().map(csv::Error::from));
        }
        self.fault.take()
    }

    /// Prints lines above the bar. Text of files could hold control characters, and a reader may have gone away.
    fn print(&mut self, lines: &[String]) {
        let Self { bar, out, .. } = self;
        bar.suspend(|| {
            for line in lines {
                let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                let _ = writeln!(out, "{line}");
            }
            let _ = out.flush();
        });
    }
}

impl Observer for Screen {
    fn progress(&mut self, bytes: u64, rows: u64) {
        self.bar.set_position(self.before + bytes.min(self.size));
        self.bar.set_message(format!("[{}/{}] {rows} rows of {}", self.index, self.count, self.file));
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

/// `1 row`, `2 rows`.
fn several(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}
