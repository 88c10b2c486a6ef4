//! Writes what was read: looks up each thing once, checks each figure, and records a batch at a time.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use domain::{
    access::Scope,
    error::{Error, Problem, Result},
    id::{CommunityId, IndicatorId, IndicatorVersionId, SourceId},
    import_job::Notes,
    observation::{Figure, Observation, Outcome},
    revision::{Cause, RetractionReason},
    series::{Disaggregation, Series},
    service::{Delivery, Destination, NO_STEWARD, Session},
};
use tokio::sync::mpsc;

use super::{
    batch::{Act, AreaKey, Batch, IndicatorKey, ReadRow, SeriesKey},
    import::Observer,
    indicators::Definition,
    report::{Adjustments, Counts, Reason, Reject, Report},
    resolve::Resolver,
};

/// What a number of the reader's means.
enum Known<T> {
    NotYet,
    Is(T),
    /// Rows that name it are not kept.
    Not(Box<Reason>),
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

/// Whether a figure says what is known already; of its confidentiality it may say nothing.
fn says(known: &Figure, new: &Figure) -> bool {
    let silent = Figure { confidentiality: known.confidentiality, embargo_until: known.embargo_until, ..new.clone() };
    *known == silent
}

fn unnumbered() -> Error {
    Error::internal("a row names what it was not told of")
}

/// Looks up what stands under a number, the first time only.
macro_rules! resolve {
    ($self:ident, $list:ident, $number:expr, $lookup:ident) => {{
        let number = $number as usize;
        let entry = $self.$list.get_mut(number).ok_or_else(unnumbered)?;
        if let Known::NotYet = entry.1 {
            entry.1 = match $self.resolver.$lookup(&$self.session, &entry.0).await? {
                Ok(found) => Known::Is(found),
                Err(reason) => Known::Not(Box::new(reason)),
            };
        }
        match &entry.1 {
            Known::Is(found) => Ok(found),
            Known::Not(reason) => Err(Reason::clone(reason)),
            Known::NotYet => return Err(unnumbered()),
        }
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
        for (line, reason) in rejects {
            self.report.reject(&reason);
            // A line can hold several figures that are not kept.
            observer.rejected(&Reject { line, reason, raw: batch.raw.get(&line).cloned() });
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
    /// that is not kept creates none.
    async fn place(&mut self, row: &ReadRow) -> Result<std::result::Result<Place, Reason>> {
        let (key, known) = self.series.get(row.series as usize).ok_or_else(unnumbered)?;
        let key = *key;
        let known = match known {
            Known::Is(place) => Some(*place),
            Known::Not(reason) => return Ok(Err(Reason::clone(reason))),
            Known::NotYet => None,
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
            *known = match &found {
                Ok(place) => Known::Is(*place),
                Err(reason) => Known::Not(Box::new(reason.clone())),
            };
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

    /// Leaves out rows that want to create what is known, or to change what is not. Rows that say what is known already are
    /// left to be counted as such.
    async fn admitted(
        &self,
        placed: Vec<(ReadRow, Place)>,
        rejects: &mut Vec<(u64, Reason)>,
    ) -> Result<Vec<(ReadRow, Place)>> {
        if placed.iter().all(|(row, _)| matches!(row.act, Act::Record | Act::Retract)) {
            return Ok(placed);
        }
        let mut keys = Vec::with_capacity(placed.len());
        for (row, place) in &placed {
            let to = self.ids.get(place.slot).ok_or_else(unnumbered)?;
            keys.push(to.series_id().map(|series| (series, row.period)));
        }
        let published: Vec<_> = keys.iter().copied().flatten().collect();
        let figures = self.session.repositories().figures();
        let revisions = figures.revisions(&Scope::Everything, &published, self.session.now()).await?;
        let current = revisions.into_iter().filter(Observation::is_current);
        let mut known: HashMap<_, _> =
            current.map(|revision| ((revision.series, revision.period), revision.figure)).collect();
        // To whoever may not be told that a row says the same, it is another figure, whatever it says.
        let mut told = self.session.may_be_told(&published).await?;
        let mut admitted = Vec::with_capacity(placed.len());
        for ((row, place), key) in placed.into_iter().zip(keys) {
            // Whoever decides about a row that waits sees what it takes the place of.
            let Some(key) = key else {
                admitted.push((row, place));
                continue;
            };
            let before = known.get(&key);
            let refused = match row.act {
                Act::Create if before.is_some_and(|before| !told.contains(&key) || !says(before, &row.figure)) => {
                    Some(Reason::plain("EXISTS", "", "there is another figure, and none is to be changed"))
                }
                Act::Update if before.is_none() => {
                    Some(Reason::plain("NOT_FOUND", "", "there is no figure, and none is to be created"))
                }
                _ => None,
            };
            if let Some(reason) = refused {
                rejects.push((row.line, reason));
                continue;
            }
            if row.act == Act::Retract {
                known.remove(&key);
            } else {
                known.insert(key, row.figure.clone());
                told.insert(key);
            }
            admitted.push((row, place));
        }
        Ok(admitted)
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
