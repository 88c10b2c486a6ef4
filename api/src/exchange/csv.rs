//! Rows of a comma-separated text, one at a time, each with the line it begins at.
//!
//! The crate `csv` counts lines one short for files that end lines by CR LF and does not bound a row; so this reads with
//! its inner state machine, `csv_core`, and counts by itself.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use domain::mapping::TableShape;

use super::{
    failure::{Failure, FailureCode},
    reader::Input,
};

/// The longest row, in bytes: beyond it a quotation mark was surely left open.
const LONGEST_ROW: usize = 1024 * 1024;
/// The most columns.
const MOST_COLUMNS: usize = 4096;
/// The longest name of a column in one row of a header, characters: every row that is not kept has a copy, and so has every
/// column below a group of that name.
const LONGEST_NAME: usize = 400;

/// A table whose first row names its columns.
pub struct Table {
    input: Input,
    machine: Reader,
    header: Header,
    fields: Vec<u8>,
    ends: Vec<usize>,
    raw: Vec<u8>,
    /// The line that comes next, from 1.
    line: u64,
    /// Whether a CR was read that may be the whole end of a line, or its beginning.
    carriage_return: bool,
}

/// The names of the columns, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header(Vec<String>);

/// What stands next in a table.
pub enum Next<'a> {
    /// A row of text.
    Row(Row<'a>),
    /// A row that is not UTF-8, or holds the byte 0: the line it begins at and the column of the first bad byte.
    Broken(u64, String),
    /// Nothing more.
    End,
}

/// One row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The line that it begins at, from 1.
    pub line: u64,
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Row<'a> {
    /// The cell in a column without the white space around it; nothing for a row that is too short.
    pub fn cell(&self, column: usize) -> &'a str {
        let start = match column.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or(self.text.len()),
        };
        let end = self.ends.get(column).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default().trim()
    }

    /// The cell in a column that the table may not have.
    pub fn optional(&self, column: Option<usize>) -> &'a str {
        column.map_or("", |column| self.cell(column))
    }

    /// How many cells there are.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is nothing in any of them.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

impl Header {
    /// The number of columns.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The name of a column.
    pub fn name(&self, column: usize) -> &str {
        self.0.get(column).map_or("", String::as_str)
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// This header with another row of it below: a blank cell takes the text to its left, and two texts are joined.
    fn over(self, below: &Self, join: &str) -> Self {
        let mut group = String::new();
        let mut names = self.0.into_iter();
        let columns = below.0.iter().map(|name| {
            group = names.next().filter(|above| !above.is_empty()).unwrap_or_else(|| std::mem::take(&mut group));
            match (group.is_empty(), name.is_empty()) {
                (true, _) => name.clone(),
                (false, true) => group.clone(),
                (false, false) => format!("{group}{join}{name}"),
            }
        });
        Self(columns.collect())
    }

    /// Refuses two columns that `same` takes for one, and columns without a name.
    pub fn distinct<K: PartialEq>(&self, same: impl Fn(&str) -> K) -> Result<(), Failure> {
        let mut keys = Vec::with_capacity(self.len());
        for (index, name) in self.names().enumerate() {
            if name.is_empty() {
                let message = format!("column {} has no name", index + 1);
                return Err(Failure::new(FailureCode::UnknownColumn, message).at(1));
            }
            let key = same(name);
            if let Some(earlier) = keys.iter().position(|other| *other == key) {
                let message = format!("columns {} and {} have the same name", earlier + 1, index + 1);
                return Err(Failure::new(FailureCode::DuplicateColumn, message).at(1).in_column(name));
            }
            keys.push(key);
        }
        Ok(())
    }
}

impl Table {
    /// Reads the header.
    ///
    /// # Errors
    /// `EMPTY_FILE` if there is none, ENCODING if it is not UTF-8, and whatever reading runs into.
    pub fn open(input: Input, delimiter: u8) -> Result<Self, Failure> {
        Self::shaped(input, delimiter, &TableShape::default())
    }

    /// Reads the header of a table of this shape, but for its delimiter and encoding: leaves out the rows before it, and joins
    /// its rows where it has several.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub fn shaped(input: Input, delimiter: u8, shape: &TableShape) -> Result<Self, Failure> {
        let mut table = Self::without_header(input, delimiter);
        for _ in 0..shape.skip_rows {
            if matches!(table.next()?, Next::End) {
                return Err(Failure::new(FailureCode::Empty, "it ends before its header"));
            }
        }
        table.header = table.read_header()?;
        for _ in 1..shape.header_rows {
            let below = table.read_header()?;
            let above = std::mem::replace(&mut table.header, Header(Vec::new()));
            table.header = above.over(&below, &shape.join);
        }
        Ok(table)
    }

    fn read_header(&mut self) -> Result<Header, Failure> {
        Ok(match self.next()? {
            Next::Row(row) if row.is_blank() => {
                return Err(Failure::new(FailureCode::Empty, "its first row is blank").at(row.line));
            }
            Next::Row(row) => {
                let names: Vec<String> = (0..row.len()).map(|column| row.cell(column).to_owned()).collect();
                if let Some(column) = names.iter().position(|name| name.chars().count() > LONGEST_NAME) {
                    let message = format!("the name of a column is longer than {LONGEST_NAME} characters");
                    let failure = Failure::new(FailureCode::TooLong, message).at(row.line);
                    return Err(failure.in_column(format!("column {}", column + 1)));
                }
                Header(names)
            }
            Next::Broken(line, column) => {
                return Err(
                    Failure::new(FailureCode::Encoding, format!("the header is not UTF-8 in its {column}")).at(line)
                );
            }
            Next::End => return Err(Failure::new(FailureCode::Empty, "there is no row in it")),
        })
    }

    /// A table whose columns are told by their places: the first row is one like all others.
    pub fn without_header(input: Input, delimiter: u8) -> Self {
        Self {
            input,
            machine: ReaderBuilder::new().delimiter(delimiter).build(),
            header: Header(Vec::new()),
            fields: vec![0; 4096],
            ends: vec![0; 64],
            raw: Vec::new(),
            line: 1,
            carriage_return: false,
        }
    }

    /// The names of the columns.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The row read last as it stands in the text, without the end of its line.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Reads the next row.
    ///
    /// # Errors
    /// TRUNCATED, DAMAGED, UNREADABLE, `ROW_TOO_LONG`, `UNCLOSED_QUOTE`: nothing after it can be read.
    pub fn next(&mut self) -> Result<Next<'_>, Failure> {
        self.skip_line_ends()?;
        let line = self.line;
        let Some((length, count)) = self.read_record(line)? else { return Ok(Next::End) };
        let fields = self.fields.get(..length).unwrap_or_default();
        let ends = self.ends.get(..count).unwrap_or_default();
        let column_at = |byte: usize| {
            let column = ends.iter().take_while(|&&end| end <= byte).count();
            let name = self.header.name(column);
            if name.is_empty() { format!("column {}", column + 1) } else { name.to_owned() }
        };
        match std::str::from_utf8(fields) {
            Err(error) => Ok(Next::Broken(line, column_at(error.valid_up_to()))),
            // No text has it, and what looks like text with it is UTF-16 without its mark.
            Ok(text) if text.contains('\0') => Ok(Next::Broken(line, column_at(text.find('\0').unwrap_or_default()))),
            // Two cells can each be broken and their bytes one after the other not be.
            Ok(text) => match ends.iter().find(|&&end| !text.is_char_boundary(end)) {
                Some(end) => Ok(Next::Broken(line, column_at(end.saturating_sub(1)))),
                None => Ok(Next::Row(Row { line, text, ends })),
            },
        }
    }

    /// Leaves blank lines behind, and the rest of a line end of which the row before took the first character.
    fn skip_line_ends(&mut self) -> Result<(), Failure> {
        loop {
            let line = self.line;
            let text = self.input.text();
            let buffer = text.fill_buf().map_err(|error| Failure::reading(&error, line))?;
            let ends = buffer.iter().take_while(|&&byte| byte == b'\n' || byte == b'\r').count();
            let more = ends > 0 && ends == buffer.len();
            for &byte in buffer.iter().take(ends) {
                // CR LF and CR CR LF are one end of a line.
                self.carriage_return = byte == b'\r';
                self.line += u64::from(byte == b'\n');
            }
            text.consume(ends);
            if !more {
                self.line += u64::from(std::mem::take(&mut self.carriage_return));
                return Ok(());
            }
        }
    }

    /// Reads one record into the buffers; answers how much of them it takes, or nothing at the end.
    fn read_record(&mut self, line: u64) -> Result<Option<(usize, usize)>, Failure> {
        let (mut length, mut count) = (0, 0);
        self.raw.clear();
        loop {
            let text = self.input.text();
            let buffer = text.fill_buf().map_err(|error| Failure::reading(&error, line))?;
            let at_end = buffer.is_empty();
            let (fields, ends) =
                (self.fields.get_mut(length..).unwrap_or_default(), self.ends.get_mut(count..).unwrap_or_default());
            let (result, read, written, ended) = self.machine.read_record(buffer, fields, ends);
            self.raw.extend_from_slice(buffer.get(..read).unwrap_or_default());
            text.consume(read);
            length += written;
            count += ended;
            let wider = |size: usize| size.saturating_mul(2);
            match result {
                ReadRecordResult::InputEmpty if self.raw.len() <= LONGEST_ROW => {}
                ReadRecordResult::OutputFull if self.fields.len() <= LONGEST_ROW => {
                    self.fields.resize(wider(self.fields.len()), 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < MOST_COLUMNS => {
                    self.ends.resize(wider(self.ends.len()), 0);
                }
                ReadRecordResult::Record => {
                    self.end_record(line, at_end)?;
                    return Ok(Some((length, count)));
                }
                ReadRecordResult::End => return Ok(None),
                _ => {
                    let message =
                        "a row is longer than 1 MiB or has more than 4096 cells: is a quotation mark missing?";
                    return Err(Failure::new(FailureCode::TooLong, message).at(line));
                }
            }
        }
    }

    /// Counts the lines of the record just read, and refuses the last one if it never closes its quotation mark: what
    /// looks like its last cell may be thousands of rows.
    fn end_record(&mut self, line: u64, at_end: bool) -> Result<(), Failure> {
        let count = |wanted: u8| self.raw.split(|&byte| byte == wanted).count().saturating_sub(1);
        let lines = count(b'\n');
        if at_end && lines > 0 && count(b'"') % 2 == 1 {
            let message = "a quotation mark that opens in this row is never closed";
            return Err(Failure::new(FailureCode::UnclosedQuote, message).at(line));
        }
        self.line += lines as u64;
        self.carriage_return = self.raw.last() == Some(&b'\r');
        while self.raw.last().is_some_and(|&byte| byte == b'\n' || byte == b'\r') {
            self.raw.pop();
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a table says: each row's line and cells, or the column that is broken.
    fn rows(bytes: impl AsRef<[u8]>) -> Result<Vec<(u64, Vec<String>)>, Failure> {
        let input = Input::new(std::io::Cursor::new(bytes.as_ref().to_vec()))?;
        let mut table = Table::open(input, b',')?;
        let mut found = Vec::new();
        loop {
            match table.next()? {
                Next::Row(row) if row.is_blank() => {}
                Next::Row(row) => {
                    found.push((row.line, (0..row.len()).map(|column| row.cell(column).to_owned()).collect()));
                }
                Next::Broken(line, column) => found.push((line, vec![format!("broken {column}")])),
                Next::End => return Ok(found),
            }
        }
    }

    fn lines(bytes: impl AsRef<[u8]>) -> Vec<u64> {
        rows(bytes).unwrap().into_iter().map(|(line, _)| line).collect()
    }

    fn failure(bytes: impl AsRef<[u8]>) -> (FailureCode, Option<u64>) {
        let failure = rows(bytes).unwrap_err();
        (failure.code, failure.line)
    }

    #[test]
    fn every_end_of_line_counts_once() {
        for (end, name) in [("\n", "LF"), ("\r\n", "CR LF"), ("\r\r\n", "CR CR LF"), ("\r", "CR")] {
            let text = ["a,b", "1,2", "3,4"].join(end);
            assert_eq!(lines(&text), [2, 3], "{name}");
            assert_eq!(lines(text + end + end), [2, 3], "{name}, with blank lines after");
        }
    }

    #[test]
    fn blank_lines_and_rows_without_anything_are_no_rows_but_count_as_lines() {
        assert_eq!(lines("a,b\n\n1,2\n,\n   \n3,4\n\n\n"), [3, 6]);
        assert_eq!(lines("\r\n\r\na,b\r\n1,2\r\n"), [4]);
    }

    #[test]
    fn a_quoted_cell_may_hold_line_ends_commas_and_quotation_marks() {
        let found = rows("a,b\r\n\"x\r\ny\",\"1,\"\"2\"\"\"\r\n3,4\r\n").unwrap();
        assert_eq!(found, [(2, vec!["x\r\ny".into(), "1,\"2\"".into()]), (4, vec!["3".into(), "4".into()])]);
    }

    #[test]
    fn titles_are_left_out_and_the_rows_of_a_header_are_joined() {
        let text = "A title,,\n\"of two\nlines\",,\nPlace,All ages,\nName,Low,High\nx,1,2\n";
        let shape = TableShape { skip_rows: 2, header_rows: 2, ..TableShape::default() };
        let open = |text: &'static str| Table::shaped(Input::new(text.as_bytes()).unwrap(), b',', &shape);
        let mut table = open(text).unwrap();
        assert_eq!(table.header().names().collect::<Vec<_>>(), ["Place / Name", "All ages / Low", "All ages / High"]);
        assert!(matches!(table.next(), Ok(Next::Row(row)) if row.line == 6));
        assert_eq!(open("a\nb\nc\n").err().unwrap().code, FailureCode::Empty);
        assert_eq!(open("a\n").err().unwrap().code, FailureCode::Empty);
    }

    #[test]
    fn a_name_that_is_copied_to_every_column_below_it_is_bounded() {
        let shape = TableShape { header_rows: 2, ..TableShape::default() };
        let open = |text: String| Table::shaped(Input::new(std::io::Cursor::new(text)).unwrap(), b',', &shape);
        let below = format!("x{}\n", ",".repeat(MOST_COLUMNS - 1));
        let failure = open(format!("é,{}\n{below}", "é".repeat(LONGEST_NAME + 1))).err().unwrap();
        assert_eq!(
            (failure.code, failure.line, failure.column.as_deref()),
            (FailureCode::TooLong, Some(1), Some("column 2"))
        );
        let table = open(format!("é,{}\n{below}", "é".repeat(LONGEST_NAME))).unwrap();
        assert_eq!(
            table.header().names().map(str::len).sum::<usize>(),
            (MOST_COLUMNS - 1) * 2 * LONGEST_NAME + 2 + 3 + 1
        );
    }

    #[test]
    fn the_raw_row_is_the_text_itself() {
        let mut table = Table::open(Input::new(&b"a,b\r\n\"1\", 2\r\r\n"[..]).unwrap(), b',').unwrap();
        assert!(matches!(table.next(), Ok(Next::Row(_))));
        assert_eq!(table.raw(), b"\"1\", 2");
    }

    #[test]
    fn broken_utf8_concerns_its_row_alone_and_names_its_column() {
        let found = rows(b"name,value\na,1\nMontr\xe9al,2\nb,3\n").unwrap();
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(found[1].1, ["broken name"]);
        // Each cell is broken and their bytes together are “é”.
        assert_eq!(rows(b"name,value\n\xc3,\xa9\n").unwrap()[0].1, ["broken name"]);
        assert_eq!(rows(b"name,value\na,1\0\n").unwrap()[0].1, ["broken value"]);
        assert_eq!(failure(b"n\0a\0,\0v\0\n\0"), (FailureCode::Encoding, Some(1)));
    }

    #[test]
    fn what_is_wrong_with_a_whole_text_is_told_with_its_line() {
        assert_eq!(failure(""), (FailureCode::Empty, None));
        assert_eq!(failure("\u{feff}"), (FailureCode::Empty, None));
        assert_eq!(failure("\n\n"), (FailureCode::Empty, None));
        assert_eq!(failure(",,\n1,2,3\n"), (FailureCode::Empty, Some(1)));
        assert_eq!(failure(b"a,\xff\n1,2\n"), (FailureCode::Encoding, Some(1)));
        assert_eq!(failure("a,b\n1,2\n\"3,4\n5,6\n7,8\n"), (FailureCode::UnclosedQuote, Some(3)));
        let endless = format!("a,b\n1,2\n3,\"{}", "x\n".repeat(LONGEST_ROW));
        assert_eq!(failure(endless), (FailureCode::TooLong, Some(3)));
        assert_eq!(failure(",".repeat(MOST_COLUMNS + 1)), (FailureCode::TooLong, Some(1)));
    }

    #[test]
    fn a_header_has_no_two_columns_of_one_name() {
        let header = |text: &str| {
            Table::open(Input::new(std::io::Cursor::new(text.to_owned())).unwrap(), b',').unwrap().header().clone()
        };
        assert_eq!(header("a,b").distinct(str::to_lowercase), Ok(()));
        let failure = header("a,b, A ").distinct(str::to_lowercase).unwrap_err();
        assert_eq!((failure.code, failure.column.as_deref()), (FailureCode::DuplicateColumn, Some("A")));
        assert_eq!(header("a,,b").distinct(str::to_lowercase).unwrap_err().code, FailureCode::UnknownColumn);
    }

    #[test]
    fn a_row_may_be_shorter_or_longer_than_the_header() {
        let found = rows("a,b\n1\n1,2,3\n").unwrap();
        assert_eq!(found.iter().map(|(_, cells)| cells.len()).collect::<Vec<_>>(), [1, 3]);
    }

    proptest! {
        #[test]
        fn whatever_is_written_as_csv_is_read_again(
            table in proptest::collection::vec(proptest::collection::vec("[a-z\"\n ,é]{0,6}", 3), 1..20),
            unix in any::<bool>(),
        ) {
            let end = if unix { csv::Terminator::Any(b'\n') } else { csv::Terminator::CRLF };
            let mut writer = csv::WriterBuilder::new().terminator(end).from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).unwrap();
            let (mut expected, mut line) = (Vec::new(), 2);
            for row in &table {
                writer.write_record(row).unwrap();
                let cells: Vec<String> = row.iter().map(|cell| cell.trim().to_owned()).collect();
                if cells.iter().any(|cell| !cell.is_empty()) {
                    expected.push((line, cells));
                }
                line += 1 + row.iter().map(|cell| cell.matches('\n').count() as u64).sum::<u64>();
            }
            writer.flush().unwrap();
            prop_assert_eq!(rows(writer.into_inner().unwrap()).unwrap(), expected);
        }

        #[test]
        fn whatever_comes_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = rows(bytes);
        }
    }
}
