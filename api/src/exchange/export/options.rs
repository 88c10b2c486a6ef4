//! What the caller of an export decides: the same words on the command line and in an address.

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, ValueEnum};
use domain::{
    export::{ExportOutline, ExportRequest, ExportSpan},
    key::{Code, Scheme, Slug},
    text::LanguageTag,
};

use super::{FigureWriter, Naming};
use crate::exchange::{
    Combo, IdScheme, cids, communities, dhis2, ndjson, open_sdg,
    reading::{BadSetting, IdSchemeName, parsed},
    sdmx_csv, sdmx_json, tidy,
};

/// How figures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One figure a row: areacd, period, observation and more columns
    Tidy,
    /// One JSON object a line, with all that is known of a figure
    Ndjson,
    /// The file of one indicator: Year, dimensions, Value; needs --indicator
    OpenSdg,
    /// A DHIS2 data value set, JSON
    Dhis2,
    /// A DHIS2 data value set, CSV
    Dhis2Csv,
    /// SDMX-CSV 2.0, or 2.1 with --sdmx-version
    SdmxCsv,
    /// SDMX-JSON 2.1
    SdmxJson,
    /// Common Impact Data Standard 3.2, JSON-LD, Basic tier
    Cids,
}

/// A version of SDMX-CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SdmxVersion {
    /// SDMX-CSV 2.0, of SDMX 3.0
    #[value(name = "2.0")]
    V20,
    /// SDMX-CSV 2.1, of SDMX 3.1
    #[value(name = "2.1")]
    V21,
}

impl ExportFormat {
    /// Its name, as callers write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tidy => "tidy",
            Self::Ndjson => "ndjson",
            Self::OpenSdg => "open-sdg",
            Self::Dhis2 => "dhis2",
            Self::Dhis2Csv => "dhis2-csv",
            Self::SdmxCsv => "sdmx-csv",
            Self::SdmxJson => "sdmx-json",
            Self::Cids => "cids",
        }
    }

    /// Whether it says of each figure where it comes from.
    pub const fn has_sources(self) -> bool {
        matches!(self, Self::Tidy | Self::Ndjson | Self::SdmxJson)
    }

    /// What a figure may have that it has no word for. Figures that would say something else without it are left out.
    pub const fn not_carried(self) -> &'static [&'static str] {
        match self {
            Self::Tidy | Self::Ndjson | Self::SdmxJson => &[],
            Self::SdmxCsv => &["source", "numerator", "denominator", "lower", "upper", "externalId"],
            Self::OpenSdg => &["source", "confidentiality", "numerator", "denominator", "lower", "upper", "externalId"],
            Self::Dhis2 | Self::Dhis2Csv => {
                &["source", "status", "confidentiality", "numerator", "denominator", "lower", "upper", "externalId"]
            }
            Self::Cids => &[
                "source",
                "disaggregation",
                "status",
                "confidentiality",
                "numerator",
                "denominator",
                "lower",
                "upper",
                "externalId",
            ],
        }
    }

    /// Its media type.
    pub fn media_type(self, version: SdmxVersion) -> String {
        let text = match (self, version) {
            (Self::Tidy | Self::OpenSdg | Self::Dhis2Csv, _) => "text/csv; charset=utf-8; header=present",
            (Self::Ndjson, _) => "application/x-ndjson; charset=utf-8",
            (Self::Dhis2, _) => "application/json; charset=utf-8",
            (Self::SdmxCsv, SdmxVersion::V20) => "application/vnd.sdmx.data+csv; version=2.0.0; charset=utf-8",
            (Self::SdmxCsv, SdmxVersion::V21) => "application/vnd.sdmx.data+csv; version=2.1.0; charset=utf-8",
            (Self::SdmxJson, _) => "application/vnd.sdmx.data+json; version=2.1.0; charset=utf-8",
            (Self::Cids, _) => "application/ld+json",
        };
        text.to_owned()
    }
}

/// What is exported, and how it is written.
#[derive(Debug, Args)]
pub struct ExportingArgs {
    /// How the figures are written
    #[arg(long, value_enum)]
    format: ExportFormat,

    /// The network whose members the figures are of
    #[arg(long, value_name = "SLUG")]
    network: Slug,

    /// Only figures by this indicator; may be given several times
    #[arg(long, value_name = "CODE")]
    indicator: Vec<Code>,

    /// Figures by the definition of the indicator with this number, not by the one in force; the import of the file names it too
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..))]
    definition: Option<i32>,

    /// Only figures of this member; may be given several times
    #[arg(long, value_name = "SLUG")]
    community: Vec<Slug>,

    /// Only figures from this source; may be given several times
    #[arg(long, value_name = "KEY")]
    source: Vec<Code>,

    /// Only figures for periods that end after this day begins
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<NaiveDate>,

    /// Only figures for periods that begin on or before this day
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Option<NaiveDate>,

    /// Figures as they were known at this moment, by the definitions then in force, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "MOMENT")]
    as_of: Option<DateTime<Utc>>,

    /// The scheme of the codes that communities are named by, such as uk:GSS [tidy: areacd, dhis2: dhis2:UID, sdmx: sdmx:REF_AREA, cids: cids:IRI, ndjson: slugs, open-sdg: names alone]
    #[arg(long, value_name = "SCHEME")]
    code_scheme: Option<Scheme>,

    /// The language of names, where they have it
    #[arg(long, value_name = "TAG", default_value = "en")]
    language: LanguageTag,

    /// By what organisation units are named (dhis2)
    #[arg(long, value_enum, value_name = "SCHEME", default_value = "uid")]
    org_unit_id_scheme: IdSchemeName,

    /// The combination of options that a part of the population is: "oPcWGgS2Liz=Sex=F;Age=15-24" (dhis2)
    #[arg(long, value_name = "COMBO=DIM=VALUE;…")]
    option_combo: Vec<Combo>,

    /// The version of SDMX-CSV
    #[arg(long, value_enum, value_name = "VERSION", default_value = "2.0")]
    sdmx_version: SdmxVersion,
}

/// What is exported, and how it is written.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// How the figures are written.
    pub format: ExportFormat,
    /// Which figures.
    pub request: ExportRequest,
    /// The scheme of the communities' codes, if one is named.
    pub code_scheme: Option<Scheme>,
    /// The language of names.
    pub language: LanguageTag,
    /// By what DHIS2 names organisation units.
    pub org_units: IdScheme,
    /// What combinations of options mean in DHIS2.
    pub combos: Vec<Combo>,
    /// The version of SDMX-CSV.
    pub sdmx_version: SdmxVersion,
}

impl ExportingArgs {
    /// What they mean; what goes together is told by [`ExportOptions::complaint`].
    pub fn options(self) -> ExportOptions {
        ExportOptions {
            format: self.format,
            request: ExportRequest {
                network: self.network,
                communities: self.community,
                indicators: self.indicator,
                sources: self.source,
                definition: self.definition,
                span: ExportSpan { from: self.from, until: self.until, as_of: self.as_of },
                format: self.format.name(),
            },
            code_scheme: self.code_scheme,
            language: self.language,
            org_units: self.org_unit_id_scheme.into(),
            combos: self.option_combo,
            sdmx_version: self.sdmx_version,
        }
    }
}

/// Reads the settings of an export, which are those of the command line in the spelling of addresses: `--as-of` is `asOf`.
///
/// # Errors
/// A setting that there is not, one that is no good, and settings that do not go together.
pub fn settings(pairs: &[(String, String)]) -> Result<ExportOptions, BadSetting> {
    let options = parsed::<ExportingArgs>(pairs)?.options();
    match options.complaint() {
        Some((field, complaint)) => Err(BadSetting { field: Some(field.to_owned()), message: complaint.to_owned() }),
        None => Ok(options),
    }
}

impl ExportOptions {
    /// The setting that does not go with the others, and why.
    pub fn complaint(&self) -> Option<(&'static str, &'static str)> {
        let ExportSpan { from, until, .. } = self.request.span;
        if from.zip(until).is_some_and(|(from, until)| from > until) {
            return Some(("until", "no day lies between from and until"));
        }
        if self.request.definition.is_some() && self.request.indicators.len() != 1 {
            return Some(("indicator", "a definition is one of a single indicator: name that"));
        }
        if self.format == ExportFormat::OpenSdg && self.request.indicators.len() != 1 {
            return Some(("indicator", "a file of Open SDG holds one indicator: name it"));
        }
        None
    }

    /// By what the file names communities: its readers look for the same.
    pub fn naming(&self) -> Naming {
        let own = |scheme: &str| self.code_scheme.clone().or_else(|| scheme.parse().ok());
        let by_code = |scheme: Option<Scheme>| scheme.map_or(Naming::Name(None), Naming::Code);
        match self.format {
            ExportFormat::Tidy => by_code(own(communities::OWN_SCHEME)),
            ExportFormat::SdmxCsv | ExportFormat::SdmxJson => by_code(own(sdmx_csv::OWN_SCHEME)),
            ExportFormat::Dhis2 | ExportFormat::Dhis2Csv => {
                by_code(self.code_scheme.clone().or_else(|| self.org_units.scheme()?.parse().ok()))
            }
            ExportFormat::Ndjson => Naming::CodeOrSlug(self.code_scheme.clone()),
            ExportFormat::OpenSdg => Naming::Name(self.code_scheme.clone()),
            ExportFormat::Cids => Naming::Name(own(cids::OWN_SCHEME)),
        }
    }

    /// Whoever writes the file.
    pub fn writer(&self, outline: &ExportOutline) -> Box<dyn FigureWriter> {
        let language = self.language.clone();
        match self.format {
            ExportFormat::Tidy => Box::new(tidy::Writer::new(outline, language)),
            ExportFormat::Ndjson => Box::new(ndjson::Writer::new(self.code_scheme.clone())),
            ExportFormat::OpenSdg => Box::new(open_sdg::Writer::new(outline, self.code_scheme.is_some())),
            ExportFormat::Dhis2 => Box::new(dhis2::JsonWriter::new(&self.combos)),
            ExportFormat::Dhis2Csv => Box::new(dhis2::CsvWriter::new(&self.combos)),
            ExportFormat::SdmxCsv => Box::new(sdmx_csv::Writer::new(outline, self.sdmx_version, language)),
            ExportFormat::SdmxJson => Box::new(sdmx_json::Writer::new(outline, language)),
            ExportFormat::Cids => Box::new(cids::Writer::new(outline, language)),
        }
    }

    /// What the file is called.
    pub fn file_name(&self, outline: &ExportOutline) -> String {
        let network = &outline.network.slug;
        let name = match self.format {
            // As readers of the format find out which indicator it is.
            ExportFormat::OpenSdg => {
                let code = self.request.indicators.first().map(Code::as_str).unwrap_or_default();
                format!("indicator_{code}.csv")
            }
            ExportFormat::Cids => format!("CIDSBasic{network}{}.json", outline.at.format("%Y%m%d")),
            ExportFormat::Tidy => format!("{network}.csv"),
            ExportFormat::Ndjson => format!("{network}.ndjson"),
            ExportFormat::Dhis2 => format!("{network}-dhis2.json"),
            ExportFormat::Dhis2Csv => format!("{network}-dhis2.csv"),
            ExportFormat::SdmxCsv => format!("{network}-sdmx.csv"),
            ExportFormat::SdmxJson => format!("{network}-sdmx.json"),
        };
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect()
    }
}
