//! What the columns of a table seem to be: by their names first, then by what stands in them.

use std::collections::BTreeSet;

use domain::period::Period;

use super::{head::Head, numbers::Written};

/// Cells that are not numbers and stand for none, with the letter of the status that each most often means.
pub const TOKENS: [(&str, char); 20] = [
    ("", 'O'),
    (".", 'O'),
    ("..", 'O'),
    ("...", 'M'),
    ("-", 'O'),
    ("–", 'O'),
    (":", 'O'),
    ("*", 'Q'),
    ("#N/A", 'O'),
    ("(D)", 'Q'),
    ("(S)", 'Q'),
    ("(NA)", 'O'),
    ("c", 'Q'),
    ("F", 'Q'),
    ("N.A.", 'O'),
    ("N/A", 'O'),
    ("NA", 'O'),
    ("n/a", 'O'),
    ("null", 'O'),
    ("x", 'Q'),
];

/// What a column seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The code of a place, or a part of it.
    Code,
    /// The name of a place.
    Place,
    /// What kind of place it is.
    Level,
    /// When.
    Period,
    /// What is measured, where rows say it.
    Indicator,
    /// The value, where rows say what is measured.
    Value,
    /// A lower limit.
    Lower,
    /// An upper limit.
    Upper,
    /// What was counted above the line.
    Numerator,
    /// What was counted below the line.
    Denominator,
    /// A status.
    Status,
    /// A remark.
    Note,
    /// In what it is measured.
    Unit,
    /// Where it comes from.
    Source,
    /// Figures, of what the name of the column says.
    Figure,
    /// Texts of few kinds.
    Kind,
    /// Anything else.
    Other,
}

/// What is known of a column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its place.
    pub place: usize,
    /// What it seems to be.
    pub role: Role,
    /// Cells that are not blank.
    pub filled: usize,
    /// Numbers among them.
    pub numbers: usize,
    /// Different texts.
    pub distinct: BTreeSet<String>,
    /// The fewest and the most characters of a cell.
    pub widths: (usize, usize),
    /// Whether its name says that it is this, and not its cells.
    pub named: bool,
}

impl Column {
    /// Whether all its cells are of digits alone.
    pub fn is_digits(&self) -> bool {
        self.filled > 0 && self.distinct.iter().all(|cell| cell.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Whether all its cells are years that could be measured.
    fn is_years(&self) -> bool {
        self.is_digits()
            && self.distinct.iter().all(|cell| cell.len() == 4 && ("1800"..="2100").contains(&cell.as_str()))
    }

    /// Whether most of its cells are periods.
    pub fn is_periods(&self) -> bool {
        let read = self.distinct.iter().filter(|cell| cell.parse::<Period>().is_ok()).count();
        read * 10 >= self.distinct.len() * 9 && read > 0
    }
}

/// A name in lower case, its words set apart by single spaces.
pub fn words(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

const CODES: &[&str] = &[
    "areacd",
    "area code",
    "geocode",
    "geo code",
    "geoid",
    "geo id",
    "fips",
    "ref area",
    "dguid",
    "orgunit",
    "lad code",
    "place code",
    "community code",
    "region code",
    "gss code",
    "sgc code",
    "csduid",
    "cduid",
    "code",
];
const PLACES: &[&str] = &[
    "areanm",
    "area",
    "area name",
    "geo",
    "geography",
    "geo name",
    "county",
    "county name",
    "ctyname",
    "municipality",
    "city",
    "town",
    "region",
    "region name",
    "place",
    "place name",
    "community",
    "name",
    "location",
    "district",
    "neighbourhood",
    "neighborhood",
    "lieu",
    "commune",
    "municipalité",
    "ville",
    "région",
    "gemeinde",
    "ort",
    "state",
    "province",
    "country",
    "stname",
    "state name",
];
const PERIODS: &[&str] = &[
    "year",
    "period",
    "date",
    "time",
    "ref date",
    "time period",
    "month",
    "quarter",
    "fiscal year",
    "reference period",
    "année",
    "annee",
    "période",
    "jahr",
    "zeitraum",
];
const INDICATORS: &[&str] =
    &["indicator", "measure", "variable", "data element", "dataelement", "metric", "statistic", "indicateur", "series"];
const VALUES: &[&str] = &["value", "observation", "obs value", "val", "figure", "valeur", "wert"];
const STATUSES: &[&str] = &["status", "obs status", "observation status", "flag", "flags", "symbol"];
const NOTES: &[&str] =
    &["note", "notes", "comment", "comments", "comment obs", "footnote", "footnotes", "remark", "remarks"];
const UNITS: &[&str] = &["unit", "units", "uom", "unit measure", "unité"];
const LEVELS: &[&str] = &["level", "geography level", "geo level", "sumlev", "area type", "geography type"];

/// What a name says that the column is.
fn by_name(name: &str) -> Option<Role> {
    // Below groups, the last row of the header says what the column is.
    let words = words(name.rsplit(" / ").next().unwrap_or(name));
    let is = |list: &[&str]| list.contains(&words.as_str());
    let has = |wanted: &[&str]| words.split(' ').any(|word| wanted.contains(&word));
    // “High Park” is a place.
    let ends = |wanted: &[&str]| words.rsplit(' ').next().is_some_and(|word| wanted.contains(&word));
    if is(CODES) || has(&["fips", "areacd", "geocode"]) {
        return Some(Role::Code);
    }
    let role = if is(PERIODS) {
        Role::Period
    } else if is(INDICATORS) {
        Role::Indicator
    } else if is(VALUES) {
        Role::Value
    } else if is(STATUSES) {
        Role::Status
    } else if is(NOTES) {
        Role::Note
    } else if is(UNITS) {
        Role::Unit
    } else if is(LEVELS) {
        Role::Level
    } else if is(&["source"]) {
        Role::Source
    } else if has(&["lower", "lci", "lb"]) || ends(&["low"]) {
        Role::Lower
    } else if has(&["upper", "uci", "ub"]) || ends(&["high"]) {
        Role::Upper
    } else if is(&["numerator"]) {
        Role::Numerator
    } else if is(&["denominator"]) {
        Role::Denominator
    } else if is(PLACES) {
        Role::Place
    } else {
        return None;
    };
    Some(role)
}

/// What is known of every column.
pub fn columns(head: &Head) -> Vec<Column> {
    let mut columns: Vec<Column> = (0..head.names.len()).map(|place| measured(head, place)).collect();
    // Where a table has both, the kind of place is called its geography.
    let has_names = columns.iter().any(|column| column.role == Role::Place && words(name(head, column)) == "areanm");
    for column in &mut columns {
        if has_names && words(name(head, column)) == "geography" {
            column.role = Role::Level;
        }
    }
    if !columns.iter().any(|column| column.role == Role::Period)
        && let Some(column) = columns.iter_mut().find(|column| column.is_years())
    {
        (column.role, column.named) = (Role::Period, false);
    }
    columns
}

fn name<'a>(head: &'a Head, column: &Column) -> &'a str {
    head.names.get(column.place).map_or("", String::as_str)
}

fn measured(head: &Head, place: usize) -> Column {
    let (mut filled, mut numbers, mut others) = (0, 0, 0);
    let mut distinct = BTreeSet::new();
    let mut widths = (usize::MAX, 0);
    for cell in head.cells(place) {
        filled += 1;
        let width = cell.chars().count();
        widths = (widths.0.min(width), widths.1.max(width));
        if Written::of(cell).is_some() {
            numbers += 1;
        } else if !TOKENS.iter().any(|(token, _)| *token == cell) {
            others += 1;
        }
        distinct.insert(cell.to_owned());
    }
    let mut column = Column { place, role: Role::Other, filled, numbers, distinct, widths, named: true };
    column.role = match by_name(name(head, &column)) {
        // A column “Name” of numbers is none of names, and one of limits without a number none of limits.
        Some(Role::Place) if column.is_digits() => Role::Code,
        Some(Role::Lower | Role::Upper | Role::Value | Role::Numerator | Role::Denominator) if others * 5 > filled => {
            Role::Kind
        }
        Some(role) => role,
        None => {
            column.named = false;
            by_cells(&column, others)
        }
    };
    column
}

fn by_cells(column: &Column, others: usize) -> Role {
    let Column { filled, numbers, distinct, .. } = column;
    // Numbers that never repeat and are as many as the rows name rows.
    let counts_rows = column.is_digits() && *filled > 2 && distinct.len() == *filled && consecutive(distinct);
    if *filled == 0 || counts_rows {
        return Role::Other;
    }
    if *numbers > 0 && others * 5 <= numbers + others {
        return Role::Figure;
    }
    if distinct.len() * 2 <= *filled || distinct.len() <= 3 { Role::Kind } else { Role::Other }
}

fn consecutive(cells: &BTreeSet<String>) -> bool {
    let mut numbers: Vec<u64> = cells.iter().filter_map(|cell| cell.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.windows(2).all(|pair| matches!(pair, [a, b] if a.checked_add(1) == Some(*b)))
}
