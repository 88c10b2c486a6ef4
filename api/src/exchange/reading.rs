//! How files are to be read: the same words on the command line and in the address of an upload.

use clap::{Arg, ArgAction, Args, Command, ValueEnum, error::ErrorKind};
use domain::{
    key::{Code, CountryCode, Scheme, Slug},
    period::PeriodKind,
    revision::Restatement,
    service::NamedMapping,
    text::LanguageTag,
};

use super::{Combo, Create, Dhis2, Format, IdScheme, Options, SdmxColumns, Strategy, Total};

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatName {
    /// One figure a row: areacd, period, observation and more columns
    Tidy,
    /// A file `indicator_CODE.csv` for each indicator: Year, Geography, dimensions, Value
    OpenSdg,
    /// A full table of Statistics Canada: REF_DATE, GEO, dimensions, UOM, VALUE
    Statcan,
    /// Any table, by the column mapping of --mapping
    Mapped,
    /// DHIS2 data value sets, JSON or CSV; needs --import-strategy
    Dhis2,
    /// SDMX-CSV 2.0 or 2.1
    SdmxCsv,
    /// One JSON object a line: community, indicator, period, value and more keys
    Ndjson,
    /// Common Impact Data Standard, JSON-LD, Basic tier
    Cids,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StrategyName {
    /// Record the values; those known already become new revisions where they differ
    #[value(alias = "CREATE_AND_UPDATE")]
    CreateAndUpdate,
    /// Record only values where there was none
    #[value(alias = "CREATE")]
    Create,
    /// Record only values where there was one
    #[value(alias = "UPDATE")]
    Update,
    /// Withdraw the values
    #[value(alias = "DELETE")]
    Delete,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum IdSchemeName {
    /// By the identifiers of DHIS2: codes of the scheme dhis2:UID
    Uid,
    /// By codes of the scheme dhis2:code
    Code,
    /// By names
    Name,
}

impl From<IdSchemeName> for IdScheme {
    fn from(name: IdSchemeName) -> Self {
        match name {
            IdSchemeName::Uid => Self::Uid,
            IdSchemeName::Code => Self::Code,
            IdSchemeName::Name => Self::Name,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Missing {
    /// All of them
    All,
    /// Communities, as members of the network from its first day; needs --country
    Communities,
    /// Indicators, each with a first, neutral definition
    Indicators,
    /// Sources
    Sources,
}

/// How files are to be read.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // each is a switch of its own
pub struct ReadingArgs {
    /// How the files are written
    #[arg(long, value_enum, required_unless_present = "infer")]
    format: Option<FormatName>,

    /// The network whose members the figures are of
    #[arg(long, value_name = "SLUG", required_unless_present = "infer")]
    network: Option<Slug>,

    /// The indicator of every row, in place of what the rows or the file's name say
    #[arg(long, value_name = "CODE")]
    indicator: Option<Code>,

    /// Record under the definition of the indicator with this number, not under the one in force
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..))]
    definition: Option<i32>,

    /// The source of every row that names none
    #[arg(long, value_name = "KEY")]
    source: Option<Code>,

    /// Create what the rows name and nobody knows yet: all of it, or some kinds
    #[arg(long, value_enum, value_name = "KINDS", num_args = 0.., require_equals = true, value_delimiter = ',', default_missing_value = "all")]
    create_missing: Vec<Missing>,

    /// The sources that are created have controlled disclosure themselves, as offices of statistics do: their figures are
    /// shown as published, however few they count
    #[arg(long)]
    disclosure_controlled: bool,

    /// Do everything, then undo it
    #[arg(long)]
    dry_run: bool,

    /// Let all figures wait until a steward publishes them, though they could be published at once
    #[arg(long)]
    submit: bool,

    /// Why figures of locked periods are changed all the same: a code, and after a colon more about it
    #[arg(long, value_name = "REASON", value_parser = restatement)]
    restate: Option<Restatement>,

    /// The scheme of the communities' codes, such as uk:GSS [tidy: areacd, dhis2: dhis2:UID, sdmx-csv: sdmx:REF_AREA, cids: cids:IRI, others: codes are not read]
    #[arg(long, value_name = "SCHEME")]
    code_scheme: Option<Scheme>,

    /// The country of communities that are created: two letters of ISO 3166-1
    #[arg(long, value_name = "CC")]
    country: Option<CountryCode>,

    /// The member that rows without a place are of (open-sdg, cids)
    #[arg(long, value_name = "SLUG")]
    blank_geography: Option<Slug>,

    /// The column that names the community (open-sdg)
    #[arg(long, value_name = "NAME", default_value = "Geography")]
    geography_column: String,

    /// The month that years such as 2014/2015 begin in; without it they are rejected (open-sdg)
    #[arg(long, value_name = "MONTH", value_parser = clap::value_parser!(u32).range(2..=12))]
    fiscal_year_start: Option<u32>,

    /// A value that means everybody, of one dimension or of any: "Gender=All genders", "Total" (open-sdg, dhis2, sdmx-csv)
    #[arg(long, value_name = "[DIM=]VALUE")]
    total: Vec<Total>,

    /// What is done with the values; versions of DHIS2 do not agree on what it is without one (dhis2)
    #[arg(long, value_enum, value_name = "STRATEGY")]
    import_strategy: Option<StrategyName>,

    /// By what the payload names organisation units and data elements, where nothing else is said of one of the two (dhis2)
    #[arg(long, value_enum, ignore_case = true, value_name = "SCHEME", default_value = "uid")]
    id_scheme: IdSchemeName,

    /// By what the payload names organisation units (dhis2)
    #[arg(long, value_enum, ignore_case = true, value_name = "SCHEME")]
    org_unit_id_scheme: Option<IdSchemeName>,

    /// By what the payload names data elements: their identifiers and codes are codes of indicators (dhis2)
    #[arg(long, value_enum, ignore_case = true, value_name = "SCHEME")]
    data_element_id_scheme: Option<IdSchemeName>,

    /// What a combination of options means: "oPcWGgS2Liz=Sex=F;Age=15-24", "HllvX50cXC0=" for everybody (dhis2)
    #[arg(long, value_name = "COMBO=DIM=VALUE;…")]
    option_combo: Vec<Combo>,

    /// The column that names the place, instead of REF_AREA (sdmx-csv)
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    area_column: String,

    /// The column that names the indicator, instead of INDICATOR (sdmx-csv)
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    indicator_column: String,

    /// The column of the period, instead of TIME_PERIOD (sdmx-csv)
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    period_column: String,

    /// A column behind OBS_VALUE that is a dimension (sdmx-csv)
    #[arg(long, value_name = "ID")]
    dimension: Vec<String>,

    /// A column that is not read
    #[arg(long, value_name = "NAME")]
    ignore_column: Vec<String>,

    /// The language of names in the files
    #[arg(long, value_name = "TAG", default_value = "en")]
    language: LanguageTag,

    /// Read a comma as the decimal mark
    #[arg(long)]
    decimal_comma: bool,

    /// The kind of period of every row; without it quarters are told from months by the metadata beside the table (statcan)
    #[arg(long, value_name = "KIND", value_parser = frequency)]
    frequency: Option<PeriodKind>,

    /// What stands between cells: one character
    #[arg(long, value_name = "CHAR", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
}

fn frequency(text: &str) -> Result<PeriodKind, String> {
    text.to_uppercase().replace('-', "_").parse().map_err(|error: domain::code::UnknownCode| error.to_string())
}

fn restatement(text: &str) -> Result<Restatement, String> {
    let restatement: Restatement = text.parse().map_err(|error: domain::code::UnknownCode| error.to_string())?;
    restatement.check().map_err(|problem| problem.message)?;
    Ok(restatement)
}

fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        [b'"' | b'\r' | b'\n'] => Err("this cannot stand between cells"),
        [one] if one.is_ascii() => Ok(*one),
        _ if text == "\\t" => Ok(b'\t'),
        _ => Err("give one character, or \\t for a tab"),
    }
}

impl ReadingArgs {
    /// What they mean, if they say what every import needs; what goes together is told by [`Options::complaint`].
    pub fn options(self) -> Option<Options> {
        let format = match self.format? {
            FormatName::Tidy => Format::Tidy,
            FormatName::OpenSdg => Format::OpenSdg,
            FormatName::Statcan => Format::Statcan,
            FormatName::Mapped => Format::Mapped,
            FormatName::Dhis2 => Format::Dhis2,
            FormatName::SdmxCsv => Format::SdmxCsv,
            FormatName::Ndjson => Format::Ndjson,
            FormatName::Cids => Format::Cids,
        };
        let creates = |missing| self.create_missing.iter().any(|&given| given == missing || given == Missing::All);
        let scheme = |of: Option<IdSchemeName>| of.unwrap_or(self.id_scheme).into();
        Some(Options {
            indicator: self.indicator,
            definition: self.definition,
            source: self.source,
            create: Create {
                communities: creates(Missing::Communities),
                indicators: creates(Missing::Indicators),
                sources: creates(Missing::Sources),
            },
            disclosure_controlled: self.disclosure_controlled,
            dry_run: self.dry_run,
            submit: self.submit,
            restatement: self.restate,
            code_scheme: self.code_scheme,
            country: self.country,
            blank_geography: self.blank_geography,
            geography_column: self.geography_column,
            dhis2: Dhis2 {
                strategy: self.import_strategy.map(|strategy| match strategy {
                    StrategyName::CreateAndUpdate => Strategy::CreateAndUpdate,
                    StrategyName::Create => Strategy::Create,
                    StrategyName::Update => Strategy::Update,
                    StrategyName::Delete => Strategy::Delete,
                }),
                org_units: scheme(self.org_unit_id_scheme),
                elements: scheme(self.data_element_id_scheme),
                combos: self.option_combo,
            },
            sdmx: SdmxColumns {
                area: self.area_column,
                indicator: self.indicator_column,
                period: self.period_column,
                dimensions: self.dimension,
            },
            fiscal_year_start: self.fiscal_year_start,
            totals: self.total,
            ignored_columns: self.ignore_column,
            decimal_comma: self.decimal_comma,
            delimiter: self.delimiter,
            frequency: self.frequency,
            ..Options::new(format, self.network?, self.language)
        })
    }
}

/// What a setting in the address of an upload is wrong about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSetting {
    /// Which, as the caller wrote it; nothing where several do not go together.
    pub field: Option<String>,
    /// What is wrong, for people.
    pub message: String,
}

/// Reads the settings of an upload whose tables are read by this mapping, if by any. They are those of the command line in the spelling of addresses: `--import-strategy delete`
/// is `importStrategy=delete`, `--dry-run` is `dryRun=true`.
///
/// # Errors
/// A setting that there is not, one that is no good, and settings that do not go together.
pub fn settings(pairs: &[(String, String)], mapping: Option<NamedMapping>) -> Result<Options, BadSetting> {
    // What the command line has in addition is known here, and asked for by no address.
    let infer = Arg::new("infer").long("infer");
    let bad = |field: &str, message: &str| BadSetting { field: Some(field.to_owned()), message: message.to_owned() };
    let read: ReadingArgs = parsed_by(Command::new("import").arg(infer), pairs)?;
    let options = read.options().ok_or_else(|| bad("format", "format and network are needed"))?;
    let options = match mapping {
        Some(_) if options.format != Format::Mapped => return Err(bad("mapping", "it goes with format=mapped")),
        Some(mapping) => options.mapped_as_kept(mapping),
        None => options,
    };
    match options.complaint() {
        Some(complaint) => Err(BadSetting { field: None, message: complaint.to_owned() }),
        None => Ok(options),
    }
}

/// Reads arguments of the command line from the pairs of an address.
///
/// # Errors
/// An argument that there is not, and one that is no good.
pub fn parsed<A: Args>(pairs: &[(String, String)]) -> Result<A, BadSetting> {
    parsed_by(Command::new("settings"), pairs)
}

fn parsed_by<A: Args>(command: Command, pairs: &[(String, String)]) -> Result<A, BadSetting> {
    let bad = |field: &str, message: String| BadSetting { field: Some(field.to_owned()), message };
    let mut command = A::augment_args(command.no_binary_name(true).disable_help_flag(true));
    let mut words = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        let long = kebab(name);
        let known = |arg: &&Arg| arg.get_long() == Some(&long) && camel(&long) == *name && long != "infer";
        let Some(argument) = command.get_arguments().find(known) else {
            return Err(bad(name, "there is no such setting".to_owned()));
        };
        match (argument.get_action(), value.as_str()) {
            (ArgAction::SetTrue, "true" | "") => words.push(format!("--{long}")),
            (ArgAction::SetTrue, "false") => {}
            (ArgAction::SetTrue, _) => return Err(bad(name, "it is true or false".to_owned())),
            _ => words.push(format!("--{long}={value}")),
        }
    }
    let read = command.try_get_matches_from_mut(&words).and_then(|found| A::from_arg_matches(&found));
    read.map_err(|error| explained(&error))
}

/// What the reader of the command line complains of, in the spelling of addresses.
fn explained(error: &clap::Error) -> BadSetting {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let message = first.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" ");
    let option =
        message.split_once("--").map(|(_, rest)| rest.chars().take_while(|&c| c == '-' || c.is_alphanumeric()));
    let field = option.map(|long| camel(&long.collect::<String>()));
    let message = match &field {
        Some(field) if error.kind() == ErrorKind::MissingRequiredArgument => format!("{field} is needed"),
        _ => message,
    };
    BadSetting { field, message }
}

fn kebab(name: &str) -> String {
    let mut long = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            long.push('-');
        }
        long.push(c.to_ascii_lowercase());
    }
    long
}

fn camel(long: &str) -> String {
    let mut words = long.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        name.extend(letters);
        name
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(query: &str) -> Result<Options, BadSetting> {
        let pairs: Vec<(String, String)> = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        settings(&pairs, None)
    }

    #[test]
    fn an_address_says_what_the_command_line_does() {
        let options = read(
            "format=dhis2&network=net&source=dhis2&importStrategy=delete&orgUnitIdScheme=code&dryRun=true&total=a&total=b=c\
             &createMissing=sources&decimalComma=false&language=fr",
        )
        .unwrap();
        assert_eq!((options.format, options.network.as_str(), options.dry_run), (Format::Dhis2, "net", true));
        assert_eq!((options.dhis2.strategy, options.dhis2.org_units), (Some(Strategy::Delete), IdScheme::Code));
        assert_eq!(options.dhis2.elements, IdScheme::Uid);
        let named =
            read("format=dhis2&network=net&source=x&importStrategy=CREATE&idScheme=NAME&orgUnitIdScheme=UID").unwrap();
        assert_eq!((named.dhis2.org_units, named.dhis2.elements), (IdScheme::Uid, IdScheme::Name));
        assert_eq!(named.dhis2.strategy, Some(Strategy::Create));
        assert_eq!((options.totals.len(), options.decimal_comma), (2, false));
        assert!(options.create.sources && !options.create.communities);
        assert_eq!(options.language.to_string(), "fr");
    }

    #[rstest]
    #[case("format=tidy", Some("network"))]
    #[case("network=net", Some("format"))]
    #[case("format=xml&network=net", Some("format"))]
    #[case("format=tidy&network=NET!", Some("network"))]
    #[case("format=tidy&network=net&network=other", Some("network"))]
    #[case("format=tidy&network=net&dryRun=perhaps", Some("dryRun"))]
    #[case("format=tidy&network=net&dry-run=true", Some("dry-run"))]
    #[case("format=tidy&network=net&paths=x", Some("paths"))]
    #[case("format=tidy&network=net&infer=x", Some("infer"))]
    #[case("infer=x", Some("infer"))]
    #[case("format=tidy&network=net&fiscalYearStart=13", Some("fiscalYearStart"))]
    #[case("format=dhis2&network=net&source=s", None)]
    #[case("format=tidy&network=net&definition=1", None)]
    #[case("format=tidy&network=net&indicator=a&definition=0", Some("definition"))]
    fn what_is_no_good_is_named(#[case] query: &str, #[case] field: Option<&str>) {
        let refused = read(query).unwrap_err();
        assert_eq!(refused.field.as_deref(), field, "{}", refused.message);
        assert!(!refused.message.is_empty() && !refused.message.contains('\n'));
    }
}
