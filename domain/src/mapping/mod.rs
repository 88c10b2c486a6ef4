//! Column mappings: how a table that somebody else made says figures. A pure value, kept as JSON; whoever reads tables
//! by it is told of a wrong one by [`ColumnMapping::check`] before the first row.
//!
//! A table has rows; the *figures* of a row stand in one column or in many. What a figure is about, its community,
//! indicator, period, dimensions and source, is a [`Text`] of each row's cells, of constants, and of what the names of
//! the columns say: a column `AGE04_FEM` matched by the pattern `AGE{age}_{sex}` captures an age and a sex, a column
//! `Annex` matched by `{name}` a community (a table with communities in columns), a column `1998` a period.

mod check;
mod pattern;
mod period;
mod saved;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::{
    pattern::{Captures, Pattern},
    period::PeriodFormat,
    saved::{MOST_BYTES, Mapping, MappingFilter, MappingRef, MappingSort, MappingVersion},
    text::{Part, Text},
};
use crate::{
    indicator::Measure,
    key::{CurrencyCode, Scheme},
    observation::ObservationStatus,
};

/// How the figures of a table are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnMapping {
    /// What tables it is for, in a sentence or two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How the text is cut into rows and cells.
    #[serde(default, skip_serializing_if = "TableShape::is_default")]
    pub table: TableShape,
    /// Rows that say no figures of communities: each is rejected as `LEFT_OUT` with the reason given here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leave_out: Vec<LeaveOut>,
    /// Whose figures.
    pub community: CommunityColumns,
    /// What is measured, for figures that do not say it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indicator: Option<IndicatorColumns>,
    /// When, for figures that do not say it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<PeriodColumns>,
    /// Which part of the population; those of a figure come in addition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<DimensionColumn>,
    /// The key of the source; blank: the one that the caller names.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub source: Text,
    /// How numbers are written.
    #[serde(default, skip_serializing_if = "NumberForm::is_default")]
    pub numbers: NumberForm,
    /// Cells that stand for no value, with the reason that each gives: `"N.A.": "L"`. The blank cell is `""`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub missing: BTreeMap<String, ObservationStatus>,
    /// Whether blank cells of figures are left out (`LEFT_OUT`), where there is no reason for them in `missing`; otherwise
    /// each is a fault.
    #[serde(default, skip_serializing_if = "is_false")]
    pub leave_out_blank: bool,
    /// The columns that hold figures.
    pub figures: Vec<FigureColumns>,
}

/// How a text is cut into rows and cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TableShape {
    /// What stands between cells: one ASCII character.
    pub delimiter: char,
    /// How letters are written.
    pub encoding: Encoding,
    /// Rows before the header: titles. A cell with line ends in it is still one row; blank lines are none.
    pub skip_rows: usize,
    /// Rows of the header. With several, a blank cell of all but the last takes the text to its left, and a column's
    /// name is what stands above each other, joined.
    pub header_rows: usize,
    /// What joins the rows of a header.
    pub join: String,
}

impl Default for TableShape {
    fn default() -> Self {
        Self { delimiter: ',', encoding: Encoding::Utf8, skip_rows: 0, header_rows: 1, join: " / ".to_owned() }
    }
}

impl TableShape {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How the letters of a text are written as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8", alias = "UTF-8")]
    Utf8,
    /// Windows-1252, of which Latin-1 (ISO 8859-1) is a part.
    #[serde(rename = "windows-1252", alias = "latin-1", alias = "iso-8859-1")]
    Windows1252,
}

/// Rows that are not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaveOut {
    /// The column that tells them.
    pub column: String,
    /// The cells of such rows, as they stand.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub values: BTreeSet<String>,
    /// In place of `values`: the cells of all other rows.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub except: BTreeSet<String>,
    /// Why, for the report.
    pub because: String,
}

/// Whose figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommunityColumns {
    /// Its code.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub code: Text,
    /// The scheme of the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// Its name: what it is found by where there is no code, and called if it is created.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub name: Text,
    /// What kind of place it is, in the publisher's word: `county`. Used if it is created.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub level: Text,
}

/// What is measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IndicatorColumns {
    /// Its code; a name that is no code finds an indicator of that name.
    pub code: Text,
    /// What it is called if it is created.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub name: Text,
    /// In what it is measured, after multiplication; must agree with the definition.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub unit: Text,
    /// What kind of quantity it is, if it is created; otherwise told from its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Measure>,
    /// The currency of an amount of money, if it is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<CurrencyCode>,
    /// Decimals to show, if it is created; otherwise told from its first value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimals: Option<i32>,
}

/// When.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PeriodColumns {
    /// The period as it is written, or, by `values`, what a code stands for.
    pub text: Text,
    /// How it is written, where that is not one of the usual spellings: `DD/MM/YYYY`, `MM.YYYY`, `QQ YYYY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<PeriodFormat>,
    /// The month, 2 to 12, that years such as 2014/2015 begin in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fiscal_year_start: Option<u32>,
}

/// A dimension of the disaggregation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DimensionColumn {
    /// What it is called: `sex`.
    pub dimension: String,
    /// The value; blank means everybody.
    pub value: Text,
    /// Values that mean everybody too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub totals: BTreeSet<String>,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct NumberForm {
    /// The decimal mark: a point or a comma.
    pub decimal: char,
    /// What stands between groups of three digits; nothing may unless it is declared.
    pub thousands: Option<char>,
    /// Whether a percent sign may follow. It changes nothing in the number.
    pub percent_sign: bool,
}

impl Default for NumberForm {
    fn default() -> Self {
        Self { decimal: '.', thousands: None, percent_sign: false }
    }
}

impl NumberForm {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One column of figures, or several that a pattern matches, with the columns that go with each.
///
/// Columns are named as in the header. `NAME#2` is the second column of that name, `#7` the seventh column. In the names
/// that go with a pattern, `{capture}` stands for what the pattern captured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FigureColumns {
    /// The column of the values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// In place of it: all columns of these names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
    /// The first column that the pattern is tried on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What a capture may be; each must be met. A capture that is not named here may be anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub captures: BTreeMap<String, BTreeSet<String>>,
    /// What is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indicator: Option<IndicatorColumns>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<PeriodColumns>,
    /// Which part of the population.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<DimensionColumn>,
    /// What values and limits are multiplied by: `1000` where they stand in thousands.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub multiplier: Text,
    /// The column of the lower limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<String>,
    /// The column of the upper limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<String>,
    /// What share of cases the limits hold for, percent, where it is not 95: they are then moved to where the limits for
    /// 95 % lie under a normal distribution, and every use is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits_level: Option<u32>,
    /// The column of what was counted above the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numerator: Option<String>,
    /// The column of what was counted below the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denominator: Option<String>,
    /// The status, by its letter; blank: normal if there is a value.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub status: Text,
    /// Who may see it, by its letter; blank: as before.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub confidentiality: Text,
    /// A remark.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub note: Text,
}

/// How many standard errors lie between a value and its limits, under a normal distribution, where the limits hold for so
/// many percent of cases.
pub const fn standard_errors(percent: u32) -> Option<f64> {
    Some(match percent {
        50 => 0.674_489_75,
        68 => 0.994_457_883,
        80 => 1.281_551_566,
        90 => 1.644_853_627,
        95 => 1.959_963_985,
        98 => 2.326_347_874,
        99 => 2.575_829_304,
        _ => return None,
    })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_false(value: &bool) -> bool {
    !*value
}
