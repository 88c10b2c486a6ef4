//! What the caller of an import decides.

use std::{borrow::Cow, sync::Arc};

use super::{dhis2::Dhis2, sdmx_csv::SdmxColumns};
use domain::{
    fold::fold,
    key::{Code, CountryCode, Scheme, Slug},
    mapping::ColumnMapping,
    period::PeriodKind,
    revision::Restatement,
    service::NamedMapping,
    text::LanguageTag,
};

/// How a file says what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One figure a row; see [`super::tidy`].
    Tidy,
    /// A file for each indicator; see [`super::open_sdg`].
    OpenSdg,
    /// A full table of Statistics Canada; see [`super::statcan`].
    Statcan,
    /// Any table, by a column mapping; see [`super::mapped`].
    Mapped,
    /// Data value sets of DHIS2, JSON or CSV; see [`super::dhis2`].
    Dhis2,
    /// SDMX-CSV 2.0 and 2.1; see [`super::sdmx_csv`].
    SdmxCsv,
    /// One JSON object a line; see [`super::ndjson`].
    Ndjson,
    /// The Common Impact Data Standard, JSON-LD; see [`super::cids`].
    Cids,
}

impl Format {
    /// The column that holds a field of the domain's figure, for messages.
    pub fn column_of(self, field: &str) -> Cow<'static, str> {
        match self {
            Self::Tidy => super::tidy::column_of(field),
            Self::OpenSdg => super::open_sdg::column_of(field),
            Self::Statcan => super::statcan::column_of(field),
            Self::Mapped => field.to_owned().into(),
            Self::Dhis2 => super::dhis2::column_of(field),
            Self::SdmxCsv => super::sdmx_csv::column_of(field),
            Self::Ndjson => super::ndjson::column_of(field),
            Self::Cids => super::cids::column_of(field),
        }
    }

    /// Which files of a folder are of this format, by their names.
    pub fn takes(self) -> fn(&str) -> bool {
        match self {
            Self::Tidy | Self::SdmxCsv => |name| super::reader::stem(name).is_some(),
            Self::OpenSdg => super::open_sdg::is_data_file,
            Self::Statcan => super::statcan::is_table,
            Self::Mapped => super::reader::is_table,
            Self::Dhis2 => super::dhis2::is_data_file,
            Self::Ndjson => super::ndjson::is_data_file,
            Self::Cids => super::cids::is_data_file,
        }
    }

    /// Whether rows name indicators by codes, so that a created one has the very code that they name.
    pub const fn has_codes(self) -> bool {
        matches!(self, Self::Dhis2 | Self::SdmxCsv | Self::Ndjson | Self::Mapped)
    }
}

/// Which missing records are created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Create {
    /// Communities, as members of the network.
    pub communities: bool,
    /// Indicators, with a first version.
    pub indicators: bool,
    /// Sources.
    pub sources: bool,
}

impl Create {
    /// Whether anything is.
    pub const fn any(&self) -> bool {
        self.communities || self.indicators || self.sources
    }
}

/// A value of a disaggregation that means everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// The dimension it is of, folded; of any if none is named.
    dimension: Option<String>,
    /// The value, folded.
    value: String,
}

impl Total {
    /// Whether it is this value of this dimension.
    pub fn is(&self, dimension: &str, value: &str) -> bool {
        self.dimension.as_ref().is_none_or(|own| *own == fold(dimension)) && self.value == fold(value)
    }
}

impl std::str::FromStr for Total {
    type Err = &'static str;

    /// `Gender=All genders`, or `All genders` for any dimension.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (dimension, value) = match text.split_once('=') {
            Some((dimension, value)) => (Some(fold(dimension)), fold(value)),
            None => (None, fold(text)),
        };
        if value.is_empty() || dimension.as_ref().is_some_and(String::is_empty) {
            return Err("write VALUE or DIMENSION=VALUE");
        }
        Ok(Self { dimension, value })
    }
}

/// What the caller of an import decides.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // each is a switch of its own
pub struct Options {
    /// How the files are written.
    pub format: Format,
    /// The network whose communities the figures are of.
    pub network: Slug,
    /// The indicator of every row, in place of what the rows or the file's name say.
    pub indicator: Option<Code>,
    /// The definition that figures are recorded under, by its number within the indicator; without it, the one in force.
    pub definition: Option<i32>,
    /// The source of every row that names none.
    pub source: Option<Code>,
    /// Which missing records are created.
    pub create: Create,
    /// Whether sources that are created have controlled disclosure themselves.
    pub disclosure_controlled: bool,
    /// Whether everything is undone in the end.
    pub dry_run: bool,
    /// Whether all rows wait until a steward publishes them, though the actor could.
    pub submit: bool,
    /// Why figures of locked periods are changed all the same, if they are.
    pub restatement: Option<Restatement>,
    /// The scheme of the communities' codes in the rows. Open SDG files are read by names alone without it.
    pub code_scheme: Option<Scheme>,
    /// The country of communities that are created.
    pub country: Option<CountryCode>,
    /// The community of rows that name none.
    pub blank_geography: Option<Slug>,
    /// What is particular to DHIS2.
    pub dhis2: Dhis2,
    /// Which columns of SDMX-CSV mean what.
    pub sdmx: SdmxColumns,
    /// The column of Open SDG files that names the community.
    pub geography_column: String,
    /// The month that a year such as 2014/2015 begins in, 1 to 12.
    pub fiscal_year_start: Option<u32>,
    /// Values that mean everybody.
    pub totals: Vec<Total>,
    /// Columns that are not read.
    pub ignored_columns: Vec<String>,
    /// The language of names in the files.
    pub language: LanguageTag,
    /// Whether a comma is the decimal mark.
    pub decimal_comma: bool,
    /// What stands between the cells. A mapping says it itself.
    pub delimiter: u8,
    /// The kind of period of all rows, where the file does not say it: Statistics Canada names a quarter by its first month.
    pub frequency: Option<PeriodKind>,
    /// How the columns of [`Format::Mapped`] are read.
    pub mapping: Option<Arc<ColumnMapping>>,
}

impl Options {
    /// The plainest import: nothing is created, nothing is assumed.
    pub const fn new(format: Format, network: Slug, language: LanguageTag) -> Self {
        Self {
            format,
            network,
            indicator: None,
            definition: None,
            source: None,
            create: Create { communities: false, indicators: false, sources: false },
            disclosure_controlled: false,
            dry_run: false,
            submit: false,
            restatement: None,
            code_scheme: None,
            country: None,
            blank_geography: None,
            dhis2: Dhis2::new(),
            sdmx: SdmxColumns::new(),
            geography_column: String::new(),
            fiscal_year_start: None,
            totals: Vec::new(),
            ignored_columns: Vec::new(),
            language,
            decimal_comma: false,
            delimiter: b',',
            frequency: None,
            mapping: None,
        }
    }

    /// The import of tables by this mapping, whose codes of communities are of the scheme that it names.
    #[must_use]
    pub fn mapped(mut self, mapping: ColumnMapping) -> Self {
        self.format = Format::Mapped;
        self.code_scheme = mapping.community.scheme.clone().or(self.code_scheme);
        self.mapping = Some(Arc::new(mapping));
        self
    }

    /// The same by a mapping that is kept: its figures are of its source, where nothing else names another.
    #[must_use]
    pub fn mapped_as_kept(mut self, mapping: NamedMapping) -> Self {
        if self.source.is_none() && mapping.content.source.is_empty() {
            self.source = Some(mapping.source.value.key);
        }
        self.mapped(mapping.content)
    }

    /// The scheme of the communities' codes: the one that the caller names, or the format's own.
    pub fn scheme(&self) -> Option<Scheme> {
        let own = match self.format {
            Format::Tidy => Some(super::communities::OWN_SCHEME),
            Format::Dhis2 => self.dhis2.org_units.scheme(),
            Format::SdmxCsv => Some(super::sdmx_csv::OWN_SCHEME),
            Format::Cids => Some(super::cids::OWN_SCHEME),
            _ => None,
        };
        self.code_scheme.clone().or_else(|| own.and_then(|own| own.parse().ok()))
    }

    /// Whether a column is not to be read.
    pub fn ignores(&self, column: &str) -> bool {
        self.ignored_columns.iter().any(|ignored| ignored.eq_ignore_ascii_case(column))
    }

    /// What does not go together, for the caller to correct.
    pub fn complaint(&self) -> Option<&'static str> {
        if self.create.communities && self.country.is_none() {
            return Some("communities can only be created with a country: name it");
        }
        if self.definition.is_some() && self.indicator.is_none() {
            return Some("a definition is one of a single indicator: name that");
        }
        if self.format == Format::OpenSdg && self.source.is_none() {
            return Some("Open SDG files do not say where their figures come from: name the source");
        }
        if self.format == Format::Statcan && self.source.is_none() {
            return Some("name the source of all rows, such as statcan");
        }
        if self.format == Format::Mapped {
            let Some(mapping) = &self.mapping else {
                return Some("tables of any make are read by a mapping: name it");
            };
            if self.source.is_none() && mapping.source.is_empty() {
                return Some("the mapping does not say where figures come from: name the source");
            }
            if !mapping.community.code.is_empty() && self.code_scheme.is_none() {
                return Some("the mapping reads codes of communities: name their scheme, there or here");
            }
        }
        if matches!(self.format, Format::Dhis2 | Format::SdmxCsv | Format::Cids) && self.source.is_none() {
            return Some("files of this format do not say where their figures come from: name the source");
        }
        if self.format == Format::Dhis2 && self.dhis2.strategy.is_none() {
            return Some("name the import strategy: versions of DHIS2 do not agree on what it is without one");
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_of_one_dimension_or_of_any() {
        let any: Total = "Total".parse().unwrap();
        assert!(any.is("Gender", "total") && any.is("Age", " TOTAL "));
        let one: Total = "Gender=All genders".parse().unwrap();
        assert!(one.is("gender", "all genders") && !one.is("Age", "All genders"));
        assert!("".parse::<Total>().is_err() && "=x".parse::<Total>().is_err() && "x=".parse::<Total>().is_err());
    }

    #[test]
    fn what_does_not_go_together_is_told() {
        let mut options = Options::new(Format::OpenSdg, "net".parse().unwrap(), "en".parse().unwrap());
        assert!(options.complaint().unwrap().contains("source"));
        options.source = Some("x".parse().unwrap());
        assert_eq!(options.complaint(), None);
        options.create.communities = true;
        assert!(options.complaint().unwrap().contains("country"));
    }
}
