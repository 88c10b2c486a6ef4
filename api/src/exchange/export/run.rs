//! The use case: reads figures page by page and writes each page when it is asked for.

use std::collections::BTreeMap;

use domain::{
    access::Actor,
    error::{Error, ProblemCode, Result},
    export::ExportOutline,
    service::{FigureExport, Services},
};

use super::{ExportFormat, ExportOptions, FigureWriter, LeftOut, Line, Places};

/// What became of the figures of an export.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// How many are written.
    pub written: u64,
    /// How many are left out, by reason.
    pub left_out: BTreeMap<LeftOut, u64>,
    /// What else should be known.
    pub notices: Vec<String>,
}

/// An export under way. Memory does not grow with the figures.
pub struct Export {
    figures: FigureExport,
    writer: Box<dyn FigureWriter>,
    places: Places,
    media_type: String,
    file_name: String,
    stage: Stage,
    told: Told,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begins,
    Goes,
    Ended,
}

impl Export {
    /// Begins an export of what the actor may read.
    ///
    /// # Errors
    /// As [`Services::export_figures`]; [`Error::Validation`] naming `source` where the format has no word for the source and there are several,
    /// and `indicator` where it holds one and there is not exactly that.
    pub async fn begin(services: &Services, actor: &Actor, options: &ExportOptions) -> Result<Self> {
        let figures = services.export_figures(actor, &options.request).await?;
        let outline = figures.outline();
        check(outline, options.format)?;
        let day = outline.at.date_naive();
        let mut notices = Vec::new();
        if !outline.other_definitions.is_empty() {
            let others = outline.other_definitions.iter().map(|(code, number)| format!("{code} {number}"));
            notices.push(format!(
                "figures by other definitions are not in it: --indicator CODE --definition NUMBER exports those of one ({})",
                others.collect::<Vec<_>>().join(", ")
            ));
        }
        Ok(Self {
            writer: options.writer(outline),
            places: Places::new(&outline.members, &options.naming(), &options.language, day),
            media_type: options.format.media_type(options.sdmx_version),
            file_name: options.file_name(outline),
            stage: Stage::Begins,
            told: Told { notices, ..Told::default() },
            figures,
        })
    }

    /// The media type of what is written.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// What a file with it would be called: letters, digits and `. _ -` alone.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// How many definitions there are whose figures were asked for as well and are left out.
    pub fn other_definitions(&self) -> usize {
        self.figures.outline().other_definitions.len()
    }

    /// What became of the figures so far.
    pub const fn told(&self) -> &Told {
        &self.told
    }

    /// The next part of the file; none when it is complete.
    ///
    /// # Errors
    /// What keeps the database from working. The file is not complete then.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut out = Vec::new();
        if self.stage == Stage::Begins {
            self.writer.begin(&mut out);
            self.stage = Stage::Goes;
        }
        while self.stage == Stage::Goes && out.is_empty() {
            let now = self.figures.outline().at;
            let page = self.figures.next().await?;
            if page.is_empty() {
                self.writer.end(&mut out);
                self.stage = Stage::Ended;
            }
            for figure in &page {
                let writer = &mut self.writer;
                let written = self
                    .places
                    .of(figure.community.id)
                    .and_then(|place| writer.figure(&Line { of: figure, place, now }, &mut out));
                match written {
                    Ok(()) => self.told.written += 1,
                    Err(why) => *self.told.left_out.entry(why).or_default() += 1,
                }
            }
        }
        Ok(Some(out).filter(|out| !out.is_empty()))
    }
}

/// Refuses what would mix figures in one file that it cannot tell apart.
fn check(outline: &ExportOutline, format: ExportFormat) -> Result<()> {
    let list = |keys: Vec<&str>| keys.join(", ");
    if !format.has_sources() && outline.sources.len() > 1 {
        let keys = list(outline.sources.iter().map(|source| source.key.as_str()).collect());
        let message =
            format!("the format has no word for the source of a figure, and there are several: name one of {keys}");
        return Err(Error::invalid("source", ProblemCode::Required, message));
    }
    if format == ExportFormat::OpenSdg && outline.indicators.len() > 1 {
        let keys = list(outline.indicators.iter().map(|indicator| indicator.code.as_str()).collect());
        let message = format!("a file of this format holds one indicator: name one of {keys}");
        return Err(Error::invalid("indicator", ProblemCode::Required, message));
    }
    Ok(())
}
