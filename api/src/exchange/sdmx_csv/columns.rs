//! The header of an SDMX-CSV message: what stands between cells, and which component each column holds.

use super::SdmxColumns;
use crate::exchange::{
    csv::Header,
    failure::{Failure, FailureCode},
    options::Options,
    reader::Input,
};

/// Attributes of the cross-domain concepts of SDMX that say nothing that a figure keeps. Many messages carry them.
const UNREAD: [&str; 23] = [
    "BASE_PER",
    "BREAKS",
    "COLLECTION",
    "COMMENT_DSET",
    "COMMENT_TS",
    "COMPILATION",
    "COMPILING_ORG",
    "DATA_COMP",
    "DATA_LAST_UPDATE",
    "DISS_ORG",
    "FREQ",
    "FREQUENCY",
    "LAST_UPDATE",
    "NATURE",
    "OBS_PRE_BREAK",
    "PRE_BREAK_VALUE",
    "REF_PERIOD_DETAIL",
    "SOURCE_AGENCY",
    "SOURCE_DETAIL",
    "TIME_FORMAT",
    "TIME_PER_COLLECT",
    "TITLE",
    "TITLE_COMPL",
];
/// Columns of the message itself that are not needed.
const KEYS: [&str; 4] = ["STRUCTURE_NAME", "SERIES_KEY", "OBS_KEY", "STRUCTURE"];

/// What stands between cells and between the values of a cell that holds several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    pub delimiter: u8,
    pub separator: Option<char>,
}

impl Marks {
    /// Reads them from the first cell, `STRUCTURE` or `STRUCTURE[;]`, quoted or not, and what follows it.
    ///
    /// # Errors
    /// `MISSING_COLUMN` if the message begins otherwise.
    pub fn read(input: &mut Input) -> Result<Self, Failure> {
        let head = input.head(64)?;
        let head = String::from_utf8_lossy(&head);
        let text = head.trim_start();
        let (text, quoted) = text.strip_prefix('"').map_or((text, false), |text| (text, true));
        let missing = || {
            let message = "the first column must be “STRUCTURE”, as in SDMX-CSV 2.0 and 2.1";
            Failure::new(FailureCode::MissingColumn, message).at(1).in_column("STRUCTURE")
        };
        let start = text.get(.."STRUCTURE".len()).filter(|start| start.eq_ignore_ascii_case("STRUCTURE"));
        let mut rest = start.and_then(|start| text.get(start.len()..)).ok_or_else(missing)?;
        let mut separator = None;
        if let Some(inside) = rest.strip_prefix('[') {
            separator = inside.chars().next().filter(|&first| first != ']');
            rest = inside.split_once(']').map(|(_, rest)| rest).ok_or_else(missing)?;
        }
        if quoted {
            rest = rest.strip_prefix('"').ok_or_else(missing)?;
        }
        // A header of one column ends here; that others are missing is told later.
        let delimiter = rest.bytes().next().unwrap_or(b',');
        if delimiter.is_ascii_alphanumeric() || b"_-\"[]:".contains(&delimiter) || !delimiter.is_ascii() {
            return Err(missing());
        }
        let delimiter = if delimiter == b'\r' || delimiter == b'\n' { b',' } else { delimiter };
        Ok(Self { delimiter, separator })
    }
}

/// Where each component stands.
#[derive(Debug, Default)]
pub struct Columns {
    pub count: usize,
    /// Whether cells say `ID: label`.
    pub labelled: bool,
    pub structure: usize,
    pub structure_id: Option<usize>,
    pub action: Option<usize>,
    pub area: usize,
    pub indicator: Option<usize>,
    pub period: usize,
    pub value: usize,
    pub status: Option<usize>,
    pub confidentiality: Option<usize>,
    pub embargo: Option<usize>,
    pub unit: Option<usize>,
    pub multiplier: Option<usize>,
    pub decimals: Option<usize>,
    pub comment: Option<usize>,
    /// Whether a comment may be several.
    pub comments: bool,
    pub dimensions: Vec<(String, usize)>,
    /// Columns that are left out, for the caller to know.
    pub unread: Vec<String>,
}

/// The identifier in a header such as `ATTR[en;fr]: Label`.
pub fn id_of(name: &str) -> &str {
    let id = name.split_once(": ").map_or(name, |(id, _)| id);
    id.split_once('[').map_or(id, |(id, _)| id).trim()
}

/// Whether a column of this name, before the value, is read as a dimension of this name.
pub fn is_dimension(name: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "STRUCTURE_ID",
        "ACTION",
        "DECIMALS",
        super::REF_AREA,
        super::INDICATOR,
        super::TIME_PERIOD,
        super::OBS_VALUE,
        super::OBS_STATUS,
        super::CONF_STATUS,
        super::EMBARGO_TIME,
        super::UNIT_MEASURE,
        super::UNIT_MULT,
        super::COMMENT_OBS,
        "STRUCTURE",
    ];
    let taken = |names: &[&str]| names.iter().any(|taken| name.eq_ignore_ascii_case(taken));
    id_of(name) == name && !taken(&OTHERS) && !taken(&KEYS) && !taken(&UNREAD)
}

fn missing(column: &str, otherwise: &str) -> Failure {
    Failure::new(FailureCode::MissingColumn, format!("there must be a column “{column}”{otherwise}"))
        .at(1)
        .in_column(column)
}

impl Columns {
    /// Finds every component.
    ///
    /// # Errors
    /// `MISSING_COLUMN`, `DUPLICATE_COLUMN`, and `UNKNOWN_COLUMN` for one of which it cannot be known whether it is a dimension.
    pub fn read(header: &Header, options: &Options) -> Result<Self, Failure> {
        header.distinct(|name| id_of(name).to_ascii_uppercase())?;
        let labelled = header.names().any(|name| name.contains(": "));
        let mut columns = Self { count: header.len(), labelled, ..Self::default() };
        let SdmxColumns { area: area_column, indicator, period: period_column, dimensions } = &options.sdmx;
        let or = |name: &str, default: &'static str| if name.is_empty() { default.to_owned() } else { name.to_owned() };
        let area_column = or(area_column, super::REF_AREA);
        let period_column = or(period_column, super::TIME_PERIOD);
        let indicator_column = or(indicator, super::INDICATOR);
        let (mut structure, mut area, mut period, mut value) = (None, None, None, None);
        for (index, name) in header.names().enumerate() {
            let id = id_of(name);
            let is = |other: &str| id.eq_ignore_ascii_case(other);
            if options.ignores(id) {
                continue;
            }
            if is("STRUCTURE_NAME") && !labelled {
                let message = "columns of labels are not read: ask for labels=id or labels=both";
                return Err(Failure::new(FailureCode::UnknownColumn, message).at(1).in_column(id));
            }
            let slot = match id.to_ascii_uppercase().as_str() {
                "STRUCTURE" => &mut structure,
                _ if is(&area_column) => &mut area,
                _ if is(&period_column) => &mut period,
                _ if is(&indicator_column) => &mut columns.indicator,
                super::OBS_VALUE => &mut value,
                "STRUCTURE_ID" => &mut columns.structure_id,
                "ACTION" => &mut columns.action,
                super::OBS_STATUS => &mut columns.status,
                super::CONF_STATUS => &mut columns.confidentiality,
                super::EMBARGO_TIME => &mut columns.embargo,
                super::UNIT_MEASURE => &mut columns.unit,
                super::UNIT_MULT => &mut columns.multiplier,
                "DECIMALS" => &mut columns.decimals,
                super::COMMENT_OBS => {
                    columns.comments = name.contains('[');
                    &mut columns.comment
                }
                _ if dimensions.iter().any(|dimension| is(dimension)) => {
                    columns.dimensions.push((id.to_owned(), index));
                    continue;
                }
                _ if KEYS.iter().any(|key| is(key)) => continue,
                _ if UNREAD.iter().any(|unread| is(unread)) => {
                    columns.unread.push(id.to_owned());
                    continue;
                }
                _ if value.is_none() => {
                    columns.dimensions.push((id.to_owned(), index));
                    continue;
                }
                _ => return Err(unclear(id)),
            };
            *slot = Some(index);
        }
        columns.structure = structure.ok_or_else(|| missing("STRUCTURE", ""))?;
        columns.area = area.ok_or_else(|| missing(&area_column, ", or say which column names the place"))?;
        columns.period = period.ok_or_else(|| missing(&period_column, ", or say which column is the period"))?;
        columns.value = value.ok_or_else(|| missing(super::OBS_VALUE, ""))?;
        if columns.indicator.is_none() && columns.structure_id.is_none() && options.indicator.is_none() {
            return Err(missing(&indicator_column, ", or name the indicator of all rows"));
        }
        Ok(columns)
    }

    /// Whether any attribute of a row is given.
    pub fn attributes(&self) -> [Option<usize>; 7] {
        [self.status, self.confidentiality, self.embargo, self.unit, self.multiplier, self.decimals, self.comment]
    }
}

fn unclear(id: &str) -> Failure {
    let message =
        "it stands behind OBS_VALUE, so it may be an attribute: say that it is a dimension, or have the column ignored";
    Failure::new(FailureCode::UnknownColumn, message).at(1).in_column(id)
}
