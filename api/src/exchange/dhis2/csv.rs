//! Data value sets as CSV: columns by their places.

use super::{Said, Values};
use crate::exchange::{
    batch::{Keys, ReadRow, RowReader},
    csv::{Row, Table},
    failure::{Failure, FailureCode},
    options::Options,
    reader::Input,
    report::Reason,
    sink::{self, Sink},
};

/// The columns that are needed.
const LEAST: usize = 3;
/// The columns that there can be.
const MOST: usize = 11;

/// Reads rows of values.
pub struct Rows {
    values: Values,
}

/// Reads a table to its end.
///
/// # Errors
/// Whatever keeps it from being read.
pub fn read(input: Input, options: &Options, sink: &mut Sink<'_>) -> Result<(), Failure> {
    let table = Table::without_header(input, options.delimiter);
    sink::rows(table, &mut Rows { values: Values::new(options) }, sink)
}

/// A name as it is compared: DHIS2 and those who write for it differ in capitals, spaces and lines.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

impl RowReader for Rows {
    fn read(&mut self, row: &Row<'_>, keys: &mut Keys) -> Result<ReadRow, Reason> {
        if !(LEAST..=MOST).contains(&row.len()) {
            let kind = "a value has 3 to 11 cells";
            return Err(Reason::detailed("CELLS", "", kind, format!("the row has {} cells; {kind}", row.len())));
        }
        let deleted = match row.cell(10) {
            "" | "false" => false,
            "true" => true,
            other => {
                let detail = format!("“{}” is neither true nor false", crate::exchange::values::shown(other));
                return Err(Reason::detailed("INVALID", "deleted", "neither true nor false", detail));
            }
        };
        let said = Said {
            element: row.cell(0),
            period: row.cell(1),
            org_unit: row.cell(2),
            category: row.cell(3),
            attribute: row.cell(4),
            value: row.cell(5),
            comment: row.cell(8),
            deleted,
        };
        self.values.row(row.line, &said, keys)
    }

    /// A first row that names its columns is left out. One that names them in another order is refused: the places count.
    fn is_header(&mut self, row: &Row<'_>) -> Result<bool, Failure> {
        let names = [row.cell(0), row.cell(1), row.cell(2)].map(plain);
        let known = |name: &String| ["dataelement", "period", "orgunit"].contains(&name.as_str());
        if names == ["dataelement", "period", "orgunit"] {
            return Ok(true);
        }
        if names.iter().filter(|name| known(name)).count() > 1 {
            let message = "the columns count by their places: dataelement, period, orgunit, …";
            return Err(Failure::new(FailureCode::UnknownColumn, message).at(row.line));
        }
        Ok(false)
    }

    fn notices(&self) -> Vec<String> {
        Vec::new()
    }
}
