//! What the fuzzer sees of the readers: how much they make of a text. Part of no other build.

use std::io::Cursor;

use tokio::sync::mpsc;

use super::{batch::Batch, failure::Failure, import::read, options::Options, report::Reason};

/// Batches that are held at once: more than a text of a fuzzer gives.
const MOST_BATCHES: usize = 10_000;

/// How much a reader made of a text.
#[derive(Debug, Default)]
pub struct Heard {
    /// Rows that were read.
    pub rows: usize,
    /// Rows that were not.
    pub rejects: usize,
    /// The bytes of the longest reason.
    pub longest: usize,
    /// The bytes of all rows as they stand.
    pub raw: usize,
    /// The bytes of all names, notes and parts of the population.
    pub named: usize,
}

fn length(reason: &Reason) -> usize {
    reason.column.len() + reason.kind.len() + reason.detail.as_ref().map_or(0, String::len)
}

impl Heard {
    fn hear(&mut self, batch: &Batch) {
        self.rows += batch.rows.len();
        self.rejects += batch.rejects.len();
        let longest = batch.rejects.iter().map(|(_, reason)| length(reason)).max();
        self.longest = self.longest.max(longest.unwrap_or_default());
        self.raw += batch.raw.values().map(|raw| raw.len()).sum::<usize>();
        let notes = batch.rows.iter().filter_map(|row| row.figure.note.as_ref()).map(String::len);
        let indicators = batch.indicators.iter().map(|key| key.name.len() + key.title.len() + key.unit.len());
        let sources = batch.sources.iter().map(String::len);
        self.named += notes.chain(indicators).chain(sources).sum::<usize>();
    }
}

/// Reads a text with its rows as they stand.
///
/// # Errors
/// What keeps it from being read.
pub fn hear(text: &[u8], options: &Options) -> Result<Heard, Failure> {
    let (sender, mut batches) = mpsc::channel(MOST_BATCHES);
    let outcome = read(Cursor::new(text.to_vec()), options, true, &sender);
    drop(sender);
    let mut heard = Heard::default();
    while let Some(batch) = batches.blocking_recv() {
        heard.hear(&batch);
    }
    outcome.map(|_| heard)
}
