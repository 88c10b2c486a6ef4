//! Where readers put what they read: rows become batches, which are handed to the writing task.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::mpsc;

use super::{
    batch::{Batch, Keys, ReadRow, RowReader},
    csv::{Next, Table},
    failure::Failure,
    rejected::kept,
    report::Reason,
};

/// Rows handed over at a time.
const BATCH_ROWS: usize = 10_000;
/// Bytes of rows handed over at a time, where rows are long.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Takes rows in the order of the text. The reader is held up when the writer falls behind.
pub struct Sink<'a> {
    /// Numbers what rows name.
    pub keys: Keys,
    sender: &'a mpsc::Sender<Batch>,
    consumed: Arc<AtomicU64>,
    keep_rows: bool,
    bytes: usize,
}

impl<'a> Sink<'a> {
    /// Hands batches to `sender`, with every row as it stands if `keep_rows`. `consumed` is how much of the text is read.
    pub fn new(sender: &'a mpsc::Sender<Batch>, keep_rows: bool, consumed: Arc<AtomicU64>) -> Self {
        Self { keys: Keys::default(), sender, consumed, keep_rows, bytes: 0 }
    }

    /// Takes what was made of a row. `place` is its line, or its number where lines mean nothing. Breaks when nobody
    /// listens any more: the writer gave up and says why.
    pub fn put(&mut self, place: u64, read: Result<ReadRow, Reason>, raw: &[u8]) -> ControlFlow<()> {
        self.put_all(place, std::iter::once(read), raw)
    }

    /// Takes what was made of each figure of a row, all of them into one batch.
    pub fn put_all(
        &mut self,
        place: u64,
        reads: impl Iterator<Item = Result<ReadRow, Reason>>,
        raw: &[u8],
    ) -> ControlFlow<()> {
        for read in reads {
            match read {
                Ok(row) => {
                    // Each figure of a row may have a copy of one note.
                    self.bytes += row.figure.note.as_ref().map_or(0, String::len);
                    self.keys.batch.rows.push(row);
                }
                Err(reason) => {
                    self.bytes += reason.detail.as_ref().map_or(0, String::len);
                    self.keys.batch.rejects.push((place, reason));
                }
            }
        }
        if self.keep_rows {
            self.keys.batch.raw.insert(place, kept(raw));
        }
        self.bytes += raw.len();
        let rows = self.keys.batch.rows.len() + self.keys.batch.rejects.len();
        if rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES { self.hand_over() } else { ControlFlow::Continue(()) }
    }

    /// Hands over what is left.
    pub fn end(&mut self) {
        let _ = self.hand_over();
    }

    fn hand_over(&mut self) -> ControlFlow<()> {
        self.bytes = 0;
        self.keys.batch.consumed = self.consumed.load(Ordering::Relaxed);
        match self.sender.blocking_send(self.keys.take()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// Reads every row of a table.
///
/// # Errors
/// Whatever keeps the rest of the text from being read.
pub fn rows(mut table: Table, reader: &mut dyn RowReader, sink: &mut Sink<'_>) -> Result<(), Failure> {
    let mut first = true;
    loop {
        let (line, read) = match table.next()? {
            Next::End => return Ok(()),
            Next::Row(row) if row.is_blank() => continue,
            Next::Row(row) if std::mem::take(&mut first) && reader.is_header(&row)? => continue,
            Next::Row(row) => (row.line, reader.read(&row, &mut sink.keys)),
            Next::Broken(line, column) => {
                (line, Err(Reason::plain("ENCODING", column, "the cell is not UTF-8 or holds the byte 0")))
            }
        };
        if sink.put(line, read, table.raw()).is_break() {
            return Ok(());
        }
    }
}
