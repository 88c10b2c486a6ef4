//! Writes what was read: looks up each thing once, checks each figure, and records a batch at a time.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use domain::{
    error::{Error, Problem, Result},
    id::{CommunityId, IndicatorId, IndicatorVersionId, SourceId},
    import_job::Notes,
    observation::{Figure, Outcome},
    revision::{Cause, RetractionReason},
    series::{Disaggregation, Series},
    service::{Delivery, Destination, NO_STEWARD, Session},
};
use tokio::sync::mpsc;

use super::{
    batch::{Act, AreaKey, Batch, IndicatorKey, ReadRow, SeriesKey},
    import::Observer,
    indicators::Definition,
    rejected::Rows,
    report::{Adjustments, Counts, Reason, Reject, Report},
    resolve::Resolver,
};

mod admission;

/// What a number of the reader's means.
enum Known<T> {
    NotYet,
    Is(T),
    /// Rows that may create nothing are not kept; the first that may looks again.
    Missing(Box<Reason>),
    /// Rows that name it are not kept.
    Not(Box<Reason>),
}

impl<T> Known<T> {
    /// What a lookup found; `creating` says whether it might have created what was missing.
    fn of(found: std::result::Result<T, Reason>, creating: bool) -> Self {
        match found {
            Ok(found) => Self::Is(found),
            Err(reason) if creating => Self::Not(Box::new(reason)),
            Err(reason) => Self::Missing(Box::new(reason)),
        }
    }

    /// What is known to a row that may create what is missing, or may not; nothing if it has to look.
    fn to(&self, creating: bool) -> Option<std::result::Result<&T, &Reason>> {
        match self {
            Self::Is(found) => Some(Ok(found)),
            Self::Not(reason) => Some(Err(reason)),
            Self::Missing(reason) if !creating => Some(Err(reason)),
            Self::NotYet | Self::Missing(_) => None,
        }
    }
}

/// A series: where its identifier stands, and the number of its indicator.
#[derive(Clone, Copy)]
struct Place {
    slot: usize,
    indicator: u32,
}

type Identity = (CommunityId, IndicatorVersionId, SourceId, u32);

/// Writes batches within one session.
pub struct Writer<'a> {
    session: Session,
    resolver: Resolver<'a>,
    report: Report,
    areas: Vec<(AreaKey, Known<CommunityId>)>,
    indicators: Vec<(IndicatorKey, Known<Definition>)>,
    sources: Vec<(String, Known<SourceId>)>,
    disaggregations: Vec<Disaggregation>,
    series: Vec<(SeriesKey, Known<Place>)>,
    /// Where the figures of series go; for those at the end that is not known yet and is asked for together.
    ids: Vec<Destination>,
    asked: Vec<Series>,
    /// Two spellings of one community are one series.
    slots: HashMap<Identity, usize>,
    /// The communities whose figures were refused for want of a right.
    denied: HashSet<CommunityId>,
}

fn unnumbered() -> Error {
    Error::internal("a row names what it was not told of")
}

/// Looks up what stands under a number, the first time only, or where the first row that may create it is met.
macro_rules! resolve {
    ($self:ident, $list:ident, $number:expr, $lookup:ident) => {{
        let number = $number as usize;
        let entry = $self.$list.get_mut(number).ok_or_else(unnumbered)?;
        let creating = $self.resolver.creating;
        if entry.1.to(creating).is_none() {
            entry.1 = Known::of($self.resolver.$lookup(&$self.session, &entry.0).await?, creating);
        }
        entry.1.to(creating).ok_or_else(unnumbered)?.map_err(Reason::clone)
    }};
}

impl<'a> Writer<'a> {
    /// A writer into this session.
    pub fn new(session: Session, resolver: Resolver<'a>) -> Self {
        Self {
            session,
            resolver,
            report: Report::default(),
            areas: Vec::new(),
            indicators: Vec::new(),
            sources: Vec::new(),
            disaggregations: Vec::new(),
            series: Vec::new(),
            ids: Vec::new(),
            asked: Vec::new(),
            slots: HashMap::new(),
            denied: HashSet::new(),
        }
    }

    /// Writes every batch that comes.
    pub async fn write(&mut self, mut batches: mpsc::Receiver<Batch>, observer: &mut dyn Observer) -> Result<()> {
        while let Some(batch) = batches.recv().await {
            self.take(batch, observer).await?;
        }
        Ok(())
    }

    /// The session, with all of it in it, and what became of the rows.
    pub fn finish(self) -> (Session, Report) {
        (self.session, Report { created: self.resolver.created, notices: self.resolver.notices, ..self.report })
    }

    /// What should be known of the rows so far, and of these notices of the reader.
    pub fn notes(&self, notices: &[String]) -> Notes {
        let Resolver { created, notices: remarks, .. } = &self.resolver;
        self.report.notes(created, remarks.iter().chain(notices))
    }

    /// Ends the session and goes on in another.
    pub async fn renewed(self, renew: impl AsyncFnOnce(Session) -> Result<Session>) -> Result<Self> {
        let session = renew(self.session).await?;
        Ok(Self { session, ..self })
    }

    /// What became of the rows so far.
    pub const fn counts(&self) -> &Counts {
        &self.report.counts
    }

    /// Writes a batch.
    pub async fn take(&mut self, mut batch: Batch, observer: &mut dyn Observer) -> Result<()> {
        self.learn(&mut batch);
        let mut rejects = std::mem::take(&mut batch.rejects);
        self.report.counts.read += (batch.rows.len() + rejects.len()) as u64;
        let mut placed = Vec::with_capacity(batch.rows.len());
        for row in std::mem::take(&mut batch.rows) {
            match self.place(&row).await? {
                Ok(place) => placed.push((row, place)),
                Err(reason) => rejects.push((row.line, reason)),
            }
        }
        self.ask().await?;
        let placed = self.admitted(placed, &mut rejects).await?;
        self.record(placed, &mut rejects).await?;
        rejects.sort_by_key(|(line, _)| *line);
        let mut rows = Rows::default();
        for (line, reason) in rejects {
            self.report.reject(&reason);
            // A line can hold several figures that are not kept.
            let raw = batch.raw.get(&line).map(|row| rows.told(line, row));
            observer.rejected(&Reject { line, reason, raw });
        }
        observer.progress(batch.consumed, self.report.counts.read);
        Ok(())
    }

    fn learn(&mut self, batch: &mut Batch) {
        fn unknown<K, T>(keys: &mut Vec<K>) -> impl Iterator<Item = (K, Known<T>)> {
            keys.drain(..).map(|key| (key, Known::NotYet))
        }
        if batch.restart {
            self.areas.clear();
            self.indicators.clear();
            self.sources.clear();
            self.disaggregations.clear();
            self.series.clear();
            self.ids.clear();
            self.slots.clear();
        }
        self.areas.extend(unknown(&mut batch.areas));
        self.indicators.extend(unknown(&mut batch.indicators));
        self.sources.extend(unknown(&mut batch.sources));
        self.disaggregations.append(&mut batch.disaggregations);
        self.series.extend(unknown(&mut batch.series));
    }

    /// Finds the series of a row and checks its figure. The check comes before the community is looked up, so that a row
    /// that is not kept creates none. A row that may create no figure creates nothing else.
    async fn place(&mut self, row: &ReadRow) -> Result<std::result::Result<Place, Reason>> {
        let creating = row.act.creates();
        self.resolver.creating = creating;
        let (key, known) = self.series.get(row.series as usize).ok_or_else(unnumbered)?;
        let key = *key;
        let known = match known.to(creating) {
            Some(Ok(place)) => Some(*place),
            Some(Err(reason)) => return Ok(Err(reason.clone())),
            None => None,
        };
        let version = match resolve!(self, indicators, key.indicator, indicator) {
            Ok(definition) => {
                let checked = match row.act {
                    Act::Record | Act::Create | Act::Update => {
                        row.figure.check(definition, row.period, self.resolver.today)
                    }
                    Act::Retract => Ok(()),
                };
                if let Err(problem) = checked {
                    return Ok(Err(self.reason(problem, row.column.as_deref())));
                }
                if let Some(place) = known {
                    return Ok(Ok(place));
                }
                (definition.id, definition.indicator)
            }
            Err(reason) => return Ok(Err(reason)),
        };
        let found = self.find(key, version).await?;
        if let Some((_, known)) = self.series.get_mut(row.series as usize) {
            *known = Known::of(found.clone(), creating);
        }
        Ok(found)
    }

    async fn find(
        &mut self,
        key: SeriesKey,
        (indicator_version, indicator): (IndicatorVersionId, IndicatorId),
    ) -> Result<std::result::Result<Place, Reason>> {
        let community = match resolve!(self, areas, key.area, area) {
            Ok(community) => *community,
            Err(reason) => return Ok(Err(reason)),
        };
        if !self.session.may_record(community, indicator) {
            self.note_denied(community);
            let kind = "you may not record figures of this community by this indicator";
            return Ok(Err(Reason::plain("FORBIDDEN", "", kind)));
        }
        if self.resolver.options.restatement.is_some() && !self.session.may_restate(community) {
            self.note_denied(community);
            return Ok(Err(Reason::plain("FORBIDDEN", "", NO_STEWARD)));
        }
        let source = match resolve!(self, sources, key.source, source) {
            Ok(source) => *source,
            Err(reason) => return Ok(Err(reason)),
        };
        let identity = (community, indicator_version, source, key.disaggregation);
        let next = self.ids.len() + self.asked.len();
        let slot = *self.slots.entry(identity).or_insert(next);
        if slot == next {
            let disaggregation = self.disaggregations.get(key.disaggregation as usize).ok_or_else(unnumbered)?.clone();
            self.asked.push(Series { community, indicator, indicator_version, source, disaggregation });
        }
        Ok(Ok(Place { slot, indicator: key.indicator }))
    }

    /// Once for every community.
    fn note_denied(&mut self, community: CommunityId) {
        if self.denied.insert(community) {
            self.session.refuse_figures_of(community);
        }
    }

    /// Why a figure is not kept, with the column that holds the field at fault.
    fn reason(&self, problem: Problem, column: Option<&str>) -> Reason {
        let field = problem.path.to_string();
        let column = match (column, field.as_str()) {
            (Some(column), "value") => column.to_owned().into(),
            (Some(column), field) => format!("{column}, {field}").into(),
            (None, field) => self.resolver.options.format.column_of(field),
        };
        Reason::of(problem, column)
    }

    /// Asks where the figures of the series go that this batch met first.
    async fn ask(&mut self) -> Result<()> {
        if self.asked.is_empty() {
            return Ok(());
        }
        let asked = std::mem::take(&mut self.asked);
        let expected = asked.len();
        let destinations = self.session.destinations(asked, self.resolver.options.submit).await?;
        if destinations.len() != expected {
            return Err(Error::internal("another number of series was answered for"));
        }
        self.ids.extend(destinations);
        Ok(())
    }

    async fn record(&mut self, placed: Vec<(ReadRow, Place)>, rejects: &mut Vec<(u64, Reason)>) -> Result<()> {
        let mut deliveries = Vec::with_capacity(placed.len());
        let mut rows: Vec<(u64, Option<Arc<str>>, Adjustments)> = Vec::with_capacity(placed.len());
        let restatement = &self.resolver.options.restatement;
        for (ReadRow { line, column, period, figure, adjustments, act, .. }, place) in placed {
            let to = self.ids.get(place.slot).ok_or_else(unnumbered)?;
            let Some((_, Known::Is(definition))) = self.indicators.get(place.indicator as usize) else {
                return Err(unnumbered());
            };
            let withdraws = act == Act::Retract;
            let retraction = withdraws.then_some(RetractionReason::SourceWithdrew);
            let figure = if withdraws { Figure { note: figure.note, ..Figure::default() } } else { figure };
            let cause = Cause { retraction, ..Cause::of(restatement.clone()) };
            deliveries.push(Delivery { to, definition, period, figure, inherits: true, cause });
            rows.push((line, column, adjustments));
        }
        if deliveries.is_empty() {
            return Ok(());
        }
        let outcomes = self.session.deliver(deliveries).await?;
        if outcomes.len() != rows.len() {
            return Err(Error::internal("another number of figures was answered for"));
        }
        for ((line, column, adjustments), delivered) in rows.into_iter().zip(outcomes) {
            let count = match delivered.outcome {
                Outcome::Created => &mut self.report.counts.created,
                Outcome::Updated => &mut self.report.counts.updated,
                Outcome::Unchanged => &mut self.report.counts.unchanged,
                Outcome::Received => &mut self.report.counts.received,
                Outcome::Rejected(problem) => {
                    rejects.push((line, self.reason(problem, column.as_deref())));
                    continue;
                }
            };
            *count += 1;
            self.report.adjust(adjustments);
            self.report.doubt(line, &delivered.findings);
        }
        Ok(())
    }
}
