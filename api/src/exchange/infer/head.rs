//! The beginning of a table: how it is cut into rows and cells, and which rows are its header.

use std::io::{Cursor, Read};

use domain::{
    mapping::{Encoding, TableShape},
    period::Period,
};

use super::{
    super::{
        csv::{Next, Table},
        failure::{Failure, FailureCode},
        reader::Input,
    },
    Doubts,
    numbers::Written,
};

/// Bytes of a text that are looked at.
const BYTES: usize = 512 * 1024;
/// Rows that are looked at.
const ROWS: usize = 1_000;
/// What may stand between cells.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// The most rows that a header is taken to have.
const MOST_HEADER_ROWS: usize = 4;

/// The beginning of a table.
pub struct Head {
    /// How it is cut.
    pub shape: TableShape,
    /// The titles above its header.
    pub titles: Vec<String>,
    /// What its columns are called.
    pub names: Vec<String>,
    /// Its first rows.
    pub rows: Vec<Vec<String>>,
}

impl Head {
    /// The cells of a column, blank ones left out.
    pub fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str).filter(|cell| !cell.is_empty())
    }

    /// How a mapping names a column: `NAME`, `NAME#2` for the second of that name, `#7` for one without a name.
    pub fn reference(&self, column: usize) -> String {
        let plain = |name: &String| name.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = self.names.get(column).map(plain).unwrap_or_default();
        let same = |other: &&String| plain(other) == name;
        if name.is_empty() {
            return format!("#{}", column + 1);
        }
        if self.names.iter().filter(same).count() == 1 {
            return name;
        }
        format!("{name}#{}", self.names.iter().take(column + 1).filter(same).count())
    }
}

/// Reads it.
///
/// # Errors
/// Whatever keeps it from being read, and a text without rows below its header.
pub fn read(raw: impl Read + Send + 'static, doubts: &mut Doubts) -> Result<Head, Failure> {
    let mut input = Input::new(raw)?;
    let mut bytes = input.head(BYTES)?;
    let whole = bytes.len() < BYTES;
    if !whole {
        // The last row is not read to its end.
        let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(bytes.len(), |end| end + 1);
        bytes.truncate(end);
    }
    let mut shape = TableShape { encoding: encoding(&bytes, whole, doubts), ..TableShape::default() };
    shape.delimiter = delimiter(&bytes, shape.encoding, doubts)?;
    let rows = cut(&bytes, &shape)?;
    header(&rows, &mut shape, doubts);
    let titles = rows.iter().take(shape.skip_rows).map(|row| row.concat()).collect();
    let mut table = Table::shaped(input_of(&bytes, shape.encoding)?, byte(shape.delimiter), &shape)?;
    let names: Vec<String> = table.header().names().map(str::to_owned).collect();
    let rows = rest(&mut table)?;
    if rows.is_empty() {
        return Err(Failure::new(FailureCode::Empty, "there is no row below its header"));
    }
    Ok(Head { shape, titles, names, rows })
}

fn byte(delimiter: char) -> u8 {
    u8::try_from(delimiter).unwrap_or(b',')
}

fn input_of(bytes: &[u8], encoding: Encoding) -> Result<Input, Failure> {
    Input::decoded(Cursor::new(bytes.to_vec()), encoding)
}

fn rest(table: &mut Table) -> Result<Vec<Vec<String>>, Failure> {
    let mut rows = Vec::new();
    while rows.len() < ROWS {
        match table.next() {
            Ok(Next::Row(row)) if row.is_blank() => {}
            Ok(Next::Row(row)) => rows.push((0..row.len()).map(|column| row.cell(column).to_owned()).collect()),
            Ok(Next::Broken(..)) => {}
            Ok(Next::End) => break,
            // What was cut off at the end of the head may end within quotation marks.
            Err(_) if !rows.is_empty() => break,
            Err(failure) => return Err(failure),
        }
    }
    Ok(rows)
}

fn cut(bytes: &[u8], shape: &TableShape) -> Result<Vec<Vec<String>>, Failure> {
    rest(&mut Table::without_header(input_of(bytes, shape.encoding)?, byte(shape.delimiter)))
}

fn encoding(bytes: &[u8], whole: bool, doubts: &mut Doubts) -> Encoding {
    let path = "table.encoding";
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            if text.is_ascii() && !whole {
                doubts.add(path, "all letters of the beginning are ASCII: further down it could still be windows-1252");
            }
            Encoding::Utf8
        }
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.split(|&byte| byte == b'\n').count();
            let reason = format!("line {line} is not UTF-8; taken for windows-1252, of which Latin-1 is a part");
            doubts.add(path, reason);
            Encoding::Windows1252
        }
    }
}

/// The delimiter that cuts most rows into the same number of cells, more than one.
fn delimiter(bytes: &[u8], encoding: Encoding, doubts: &mut Doubts) -> Result<char, Failure> {
    let mut scores = Vec::new();
    for delimiter in DELIMITERS {
        let shape = TableShape { delimiter, encoding, ..TableShape::default() };
        let Ok(rows) = cut(bytes, &shape) else { continue };
        let width = width(&rows);
        if width > 1 {
            let same = rows.iter().filter(|row| row.len() == width).count();
            scores.push((same * 1_000 / rows.len().max(1), width, delimiter));
        }
    }
    // Whatever is wrong with the text is told by reading it as usual.
    let Some(best) = scores.iter().max_by_key(|(share, width, _)| (*share / 100, *width)).copied() else {
        cut(bytes, &TableShape { encoding, ..TableShape::default() })?;
        doubts.add("table.delimiter", "no row has several cells, whatever is taken to stand between them");
        return Ok(',');
    };
    let rival = scores.iter().find(|(share, _, delimiter)| *delimiter != best.2 && *share >= best.0);
    if let Some((_, width, delimiter)) = rival {
        let reason = format!("“{delimiter}” too would cut the rows evenly, into {width} cells");
        doubts.add("table.delimiter", reason);
    }
    Ok(best.2)
}

/// How many cells most rows have.
fn width(rows: &[Vec<String>]) -> usize {
    let mut widths = std::collections::BTreeMap::<usize, usize>::new();
    for row in rows {
        *widths.entry(row.len()).or_default() += 1;
    }
    widths.into_iter().max_by_key(|(_, count)| *count).map_or(0, |(width, _)| width)
}

fn filled(row: &[String]) -> usize {
    row.iter().filter(|cell| !cell.is_empty()).count()
}

/// Whether a row holds a number that is no name of a period: then it is none of the header.
fn has_figures(row: &[String]) -> bool {
    row.iter().any(|cell| Written::of(cell).is_some() && cell.parse::<Period>().is_err())
}

/// Which rows are titles and which are the header.
fn header(rows: &[Vec<String>], shape: &mut TableShape, doubts: &mut Doubts) {
    let wide = width(rows) > 2;
    shape.skip_rows = rows.iter().take_while(|row| wide && filled(row) <= 1).count().min(rows.len().saturating_sub(2));
    if shape.skip_rows > 0 {
        let reason = format!("{} rows with a single cell stand above the header: taken for titles", shape.skip_rows);
        doubts.add("table.skipRows", reason);
    }
    let below = rows.get(shape.skip_rows..).unwrap_or_default();
    let texts = below.iter().take_while(|row| !has_figures(row)).count();
    // Groups stand above several columns: all but the first of each are blank.
    let grouped = below.first().is_some_and(|row| filled(row) * 3 < row.len() * 2);
    if grouped && (2..=MOST_HEADER_ROWS).contains(&texts) {
        shape.header_rows = texts;
        doubts.add(
            "table.headerRows",
            format!("{texts} rows stand above the first figures, and the first has gaps: taken for one header"),
        );
    } else if below.first().is_some_and(|row| has_figures(row)) {
        doubts.add(
            "table.headerRows",
            "the first row holds figures: the table may have no header, and mappings need one",
        );
    }
}
