//! Rows of which it is known where their figures go, and what becomes of them.

use std::{collections::HashMap, sync::Arc};

use domain::{
    error::{Error, Result},
    observation::{Figure, Outcome},
    revision::{Cause, RetractionReason},
    service::{Delivered, Delivery, Destination, Session},
};

use super::reason;
use crate::exchange::{
    batch::{Act, ReadRow},
    import::Observer,
    indicators::Definition,
    options::Options,
    rejected::Rows,
    report::{Created, Reason, Reject, Report},
};

/// A row, where its figure goes, and the definition that it is by.
pub(super) struct PlacedRow {
    pub(super) row: ReadRow,
    /// The number of its series.
    pub(super) slot: usize,
    pub(super) to: Arc<Destination>,
    pub(super) definition: Arc<Definition>,
}

/// A batch of which everything is known but what is recorded already.
pub struct Placed<'a> {
    pub(super) options: &'a Options,
    pub(super) rows: Vec<PlacedRow>,
    pub(super) rejects: Vec<(u64, Reason)>,
    /// How many rows were read for it.
    pub(super) read: u64,
    /// Its rows as they stand, as far as they are kept.
    pub(super) raw: HashMap<u64, Arc<str>>,
    /// How much of the text has been read so far, bytes.
    pub(super) consumed: u64,
    /// What was created on the way, up to this batch.
    pub(super) created: Created,
    /// What else should be known.
    pub(super) notices: Vec<String>,
    /// Whether series were forgotten before it was looked up: the batch before may have created some that were not there yet.
    pub(super) forgetful: bool,
}

/// A batch that is recorded.
pub struct Written {
    /// What became of its rows; with what was created and should be known since the beginning of the text.
    report: Report,
    rejects: Vec<(u64, Reason)>,
    raw: HashMap<u64, Arc<str>>,
    consumed: u64,
}

impl Placed<'_> {
    /// Records its figures in this session.
    pub async fn record(mut self, session: &mut Session) -> Result<Written> {
        let mut report = Report::default();
        report.counts.read = self.read;
        // Others may have created some since: rows that are not simply recorded go by what there is.
        if self.forgetful || self.rows.iter().any(|placed| placed.row.act != Act::Record) {
            session.find_missing(self.rows.iter().map(|placed| &*placed.to)).await?;
        }
        let rows = self.admitted(session).await?;
        self.deliver(session, rows, &mut report).await?;
        self.rejects.sort_by_key(|(line, _)| *line);
        for (_, reason) in &self.rejects {
            report.reject(reason);
        }
        let Self { rejects, raw, consumed, created, notices, .. } = self;
        Ok(Written { report: Report { created, notices, ..report }, rejects, raw, consumed })
    }

    async fn deliver(&mut self, session: &mut Session, rows: Vec<PlacedRow>, report: &mut Report) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut deliveries = Vec::with_capacity(rows.len());
        let mut told = Vec::with_capacity(rows.len());
        let (mut destinations, mut figures) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for PlacedRow { row, to, definition, .. } in rows {
            let ReadRow { line, column, period, figure, adjustments, act, .. } = row;
            destinations.push((to, definition));
            figures.push((period, figure, act));
            told.push((line, column, adjustments));
        }
        for ((to, definition), (period, figure, act)) in destinations.iter().zip(figures) {
            let withdraws = act == Act::Retract;
            let retraction = withdraws.then_some(RetractionReason::SourceWithdrew);
            let figure = if withdraws { Figure { note: figure.note, ..Figure::default() } } else { figure };
            let cause = Cause { retraction, ..Cause::of(self.options.restatement.clone()) };
            deliveries.push(Delivery { to, definition, period, figure, inherits: true, cause });
        }
        let delivered = session.deliver(deliveries).await?;
        if delivered.len() != told.len() {
            return Err(Error::internal("another number of figures was answered for"));
        }
        for ((line, column, adjustments), Delivered { outcome, findings, .. }) in told.into_iter().zip(delivered) {
            let column = column.as_deref();
            let count = match outcome {
                Outcome::Created => &mut report.counts.created,
                Outcome::Updated => &mut report.counts.updated,
                Outcome::Unchanged => &mut report.counts.unchanged,
                Outcome::Received => &mut report.counts.received,
                Outcome::Rejected(problem) => {
                    self.rejects.push((line, reason(self.options, problem, column)));
                    continue;
                }
            };
            *count += 1;
            report.adjust(adjustments);
            report.doubt(line, &findings);
        }
        Ok(())
    }
}

impl Written {
    /// Adds what became of its rows to the report of those before, and tells it.
    pub fn tell(self, total: &mut Report, observer: &mut dyn Observer) {
        let Self { mut report, rejects, raw, consumed } = self;
        total.created = std::mem::take(&mut report.created);
        total.notices = std::mem::take(&mut report.notices);
        total.add(&report);
        let mut rows = Rows::default();
        for (line, reason) in rejects {
            // A line can hold several figures that are not kept.
            let raw = raw.get(&line).map(|row| rows.told(line, row));
            observer.rejected(&Reject { line, reason, raw });
        }
        observer.progress(consumed, total.counts.read);
    }
}
