//! The use case: reads a file in a thread of its own while what was read before is written, all of it in one session.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use domain::{
    access::{Actor, Scope},
    error::{Error, ProblemCode, Result},
    mapping::Encoding,
    port::store::Repositories,
    service::Services,
};
use tokio::sync::mpsc;

use super::{
    batch::{Batch, RowReader},
    cids,
    communities::Directory,
    csv::{Header, Table},
    dhis2,
    failure::{Failure, FailureCode},
    indicators::definition,
    mapped, metadata, ndjson,
    open_sdg::{self, OpenSdg},
    options::{Format, Options},
    reader::Input,
    report::{Created, Reject, Report},
    resolve::{Resolver, Spelt},
    sdmx_csv,
    sink::{self, Sink},
    statcan::{self, Statcan},
    tidy::Tidy,
    writer::Writer,
};

/// Batches that may wait, besides the one that is being read: the reader stops when the writer falls behind.
pub(super) const WAITING: usize = 1;

/// Hears how an import goes on.
pub trait Observer: Send {
    /// So much of the file is done.
    fn progress(&mut self, _bytes: u64, _rows: u64) {}

    /// A row is not kept. What is said of a file that is refused in the end does not count.
    fn rejected(&mut self, _reject: &Reject) {}

    /// Whether rejected rows are wanted as they stand in the file.
    fn wants_rows(&self) -> bool {
        false
    }
}

/// Does not listen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unheard;

impl Observer for Unheard {}

/// Imports files one after the other by the same rules.
pub struct Importer<'a> {
    pub(super) services: &'a Services,
    pub(super) actor: &'a Actor,
    pub(super) options: &'a Options,
    /// Read for the first file, and again after a file whose creations were undone.
    pub(super) directory: Option<Directory>,
}

/// Imports one text. `name` is what it is called; for Open SDG it tells the indicator.
///
/// # Errors
/// As [`Importer::text`].
pub async fn import_reader(
    services: &Services,
    actor: &Actor,
    options: &Options,
    name: &str,
    reader: impl Read + Send + 'static,
) -> Result<Report> {
    Importer::new(services, actor, options).text(name, None, reader, &mut Unheard).await
}

impl<'a> Importer<'a> {
    /// An import by these rules.
    pub const fn new(services: &'a Services, actor: &'a Actor, options: &'a Options) -> Self {
        Self { services, actor, options, directory: None }
    }

    /// Looks up what every row needs, so that a wrong network or source is told before anything is read.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the network, [`Error::Validation`] for the source or the community for blank places.
    pub async fn check(&mut self) -> Result<()> {
        let session = self.services.session(self.actor, "import figures").await?;
        let repositories = session.repositories();
        let directory = Directory::load(repositories, self.options, self.services.clock().today()).await?;
        if let Some(slug) = self.options.blank_geography.as_ref().filter(|slug| !directory.has(slug)) {
            let message = format!("“{slug}” is not a member of the network");
            return Err(Error::invalid("blank-geography", ProblemCode::NotFound, message));
        }
        if let Some(key) = self.options.source.as_ref().filter(|_| !self.options.create.sources)
            && repositories.sources().by_keys(&Scope::Everything, std::slice::from_ref(key)).await?.is_empty()
        {
            return Err(Error::invalid("source", ProblemCode::NotFound, format!("there is no source “{key}”")));
        }
        self.check_indicator(repositories).await?;
        self.directory = Some(directory);
        Ok(())
    }

    /// The indicator of all rows, and its definition, where they are named and not made here.
    async fn check_indicator(&self, repositories: &dyn Repositories) -> Result<()> {
        let Options { indicator, definition: number, create, format, .. } = self.options;
        let Some(code) = indicator else { return Ok(()) };
        let found = repositories.indicators().by_keys(&Scope::Everything, std::slice::from_ref(code)).await?.pop();
        match (found, number) {
            // Series and units may make other codes of it.
            (None, _) if create.indicators || matches!(format, Format::OpenSdg | Format::Statcan) => Ok(()),
            (None, _) => {
                Err(Error::invalid("indicator", ProblemCode::NotFound, format!("there is no indicator “{code}”")))
            }
            (Some(indicator), Some(number)) => {
                let today = self.services.clock().today();
                let found = definition(repositories, indicator.id, Some(*number), today).await?;
                let missing = || format!("the indicator “{code}” has no definition {number}");
                found.map(drop).ok_or_else(|| Error::invalid("definition", ProblemCode::NotFound, missing()))
            }
            (Some(_), None) => Ok(()),
        }
    }

    /// Imports a file.
    ///
    /// # Errors
    /// As [`Importer::text`].
    pub async fn file(&mut self, path: &Path, observer: &mut dyn Observer) -> Result<Report> {
        let name = path.to_string_lossy().into_owned();
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(error) => {
                let message = format!("it cannot be opened: {error}");
                return Ok(Report::failed(Failure::new(FailureCode::Unreadable, message)));
            }
        };
        self.text(&name, Some(path.to_path_buf()), file, observer).await
    }

    /// What the name of a text says of its indicator, where the format has it there.
    pub(super) fn named(&self, name: &str) -> std::result::Result<Option<String>, Failure> {
        Ok(match (self.options.format, &self.options.indicator) {
            (Format::OpenSdg, None) => Some(open_sdg::indicator_of(name)?.to_owned()),
            (Format::Statcan, None) => Some(statcan::table_of(name)?.to_owned()),
            (Format::OpenSdg | Format::Statcan, Some(code)) => Some(code.to_string()),
            _ => None,
        })
    }

    /// Imports a text in one unit of work: all of its good rows, or, where the text itself is at fault, nothing of it.
    ///
    /// # Errors
    /// What keeps the database from working at all, and a network that does not exist. Nothing of the text stays then.
    pub async fn text(
        &mut self,
        name: &str,
        path: Option<PathBuf>,
        reader: impl Read + Send + 'static,
        observer: &mut dyn Observer,
    ) -> Result<Report> {
        let named = match self.named(name) {
            Ok(named) => named,
            Err(failure) => return Ok(Report::failed(failure)),
        };
        let mut session = self.services.session(self.actor, "import figures").await?;
        if self.options.dry_run {
            session.rehearse();
        }
        let today = self.services.clock().today();
        let mut directory = match self.directory.take() {
            Some(directory) => directory,
            None => Directory::load(session.repositories(), self.options, today).await?,
        };
        let beside = path.clone();
        let resolver = Resolver {
            options: self.options,
            creating: false,
            directory: &mut directory,
            path,
            named,
            today,
            created: Created::default(),
            notices: Vec::new(),
            spelt: Spelt::default(),
        };
        let keep_rows = observer.wants_rows();
        let (sender, mut batches) = mpsc::channel(WAITING);
        let mut options = self.options.clone();
        if options.format == Format::Statcan && options.frequency.is_none() {
            options.frequency = beside.and_then(|path| metadata::statcan(&path)).and_then(|(_, kind)| kind);
        }
        let reading = tokio::task::spawn_blocking(move || read(reader, &options, keep_rows, &sender));
        let (mut writer, mut report) = (Writer::new(resolver), Report::default());
        while let Some(batch) = batches.recv().await {
            let placed = writer.place(&session, batch).await?;
            placed.record(&mut session).await?.tell(&mut report, observer);
        }
        let outcome = reading.await.map_err(Error::internal)?;
        match outcome {
            Err(failure) => Ok(Report::failed(failure)),
            Ok(notices) => {
                if !self.options.dry_run {
                    session.commit().await?;
                }
                // What a dry run created is not there for the next file.
                self.directory = Some(directory).filter(|_| !self.options.dry_run || report.created.is_empty());
                report.notices.extend(notices);
                Ok(report)
            }
        }
    }
}

/// Reads a whole text and hands it over in batches; answers what should be known of its columns.
pub(super) fn read(
    reader: impl Read + Send + 'static,
    options: &Options,
    keep_rows: bool,
    sender: &mpsc::Sender<Batch>,
) -> std::result::Result<Vec<String>, Failure> {
    let mapping = options.mapping.as_deref().filter(|_| options.format == Format::Mapped);
    let input = Input::decoded(reader, mapping.map_or(Encoding::Utf8, |mapping| mapping.table.encoding))?;
    let mut sink = Sink::new(sender, keep_rows, input.consumed());
    let notices = match options.format {
        Format::Tidy => table(input, options, &mut sink, |header| Ok(Box::new(Tidy::new(header, options)?)))?,
        Format::OpenSdg => table(input, options, &mut sink, |header| Ok(Box::new(OpenSdg::new(header, options)?)))?,
        Format::Statcan => table(input, options, &mut sink, |header| Ok(Box::new(Statcan::new(header, options)?)))?,
        Format::Mapped => mapped::read(input, mapping, &mut sink)?,
        Format::Dhis2 => dhis2::read(input, options, &mut sink)?,
        Format::SdmxCsv => sdmx_csv::read(input, options, &mut sink)?,
        Format::Ndjson => ndjson::read(input, options, &mut sink).map(|()| Vec::new())?,
        Format::Cids => cids::read(input, options, &mut sink)?,
    };
    sink.end();
    Ok(notices)
}

/// Reads a table whose header says what its columns are.
fn table(
    input: Input,
    options: &Options,
    sink: &mut Sink<'_>,
    reader: impl FnOnce(&Header) -> std::result::Result<Box<dyn RowReader>, Failure>,
) -> std::result::Result<Vec<String>, Failure> {
    let table = Table::open(input, options.delimiter)?;
    let mut reader = reader(table.header())?;
    sink::rows(table, &mut *reader, sink)?;
    Ok(reader.notices())
}
