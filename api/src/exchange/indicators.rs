//! Indicators, found by code or name, with the definition that an import records under.

use std::{collections::BTreeMap, path::PathBuf};

use chrono::NaiveDate;
use domain::{
    access::Scope,
    error::{Problems, Result},
    fold::fold,
    id::IndicatorId,
    indicator::{
        Additivity, Indicator, IndicatorFilter, IndicatorKind, IndicatorSort, IndicatorVersion, IndicatorVersionParent,
        Measure, Polarity, in_force, numbered,
    },
    key::{Code, CurrencyCode, Slug},
    page::{ListQuery, MAX_PAGE, PageArgs},
    port::store::Repositories,
    record::Stored,
    series::Series,
    service::Session,
    text::LanguageTag,
};

use super::{
    batch::IndicatorKey,
    dhis2::IdScheme,
    measures::classify,
    metadata::Details,
    options::Format,
    report::Reason,
    resolve::{Found, LONGEST_NAME, Resolver, archived, create, is_called, localized, one, shorten},
};

/// The longest unit that is kept, characters.
const LONGEST_UNIT: usize = 60;
/// The longest description, characters.
const LONGEST_PROSE: usize = 20_000;
/// The most decimals that are taken from how a value is written.
const MOST_DECIMALS: i32 = 2;

/// The definition that figures are recorded under.
pub type Definition = Stored<IndicatorVersion>;

impl Resolver<'_> {
    /// The definition in force of the indicator that a row names.
    pub async fn indicator(&mut self, session: &Session, key: &IndicatorKey) -> Found<Definition> {
        let column = self.indicator_column();
        let found = match self.options.format {
            Format::OpenSdg | Format::Statcan => self.find_open_sdg(session, key).await?,
            _ => self.find_named(session, key).await?,
        };
        let (indicator, code) = match found {
            Err(reason) => return Ok(Err(reason)),
            Ok(found) => found,
        };
        let Some(indicator) = indicator else {
            // What is created would have a first definition, and not the one that is named.
            if !self.creates().indicators || self.options.definition.is_some() {
                let kind =
                    format!("there is no indicator “{}”", if key.name.is_empty() { code.as_str() } else { &key.name });
                return Ok(Err(Reason::plain("NOT_FOUND", column, kind)));
            }
            return self.create_indicator(session, key, code).await;
        };
        if let Some(reason) = archived(indicator.meta.archived_at.is_some(), column, indicator.code.as_str()) {
            return Ok(Err(reason));
        }
        let mut problems = Problems::default();
        Series::check_kind(&indicator, &mut problems);
        if !problems.is_empty() {
            let kind = "a performance measure, which communities do not have";
            return Ok(Err(Reason::detailed("INVALID", column, kind, problems.to_string())));
        }
        let Some(version) = self.definition(session, indicator.id).await? else {
            let kind = match self.options.definition {
                Some(number) => format!("the indicator {} has no definition {number}", indicator.code),
                None => format!("the indicator {} is not defined yet: it has no version in force", indicator.code),
            };
            return Ok(Err(Reason::plain("NOT_FOUND", column, kind)));
        };
        let named = || format!("{}, definition {}", indicator.code, version.number);
        if let Some(reason) = archived(version.meta.archived_at.is_some(), column, &named()) {
            return Ok(Err(reason));
        }
        Ok(agree(&version, &key.unit).map(|()| version))
    }

    /// The definition that figures are recorded under: the one that is named, or the one in force today as everywhere else.
    async fn definition(&self, session: &Session, indicator: IndicatorId) -> Result<Option<Definition>> {
        definition(session.repositories(), indicator, self.options.definition, self.today).await
    }

    fn indicator_column(&self) -> &'static str {
        match self.options.format {
            Format::OpenSdg => "",
            Format::Statcan => "UOM",
            Format::Dhis2 => "dataElement",
            Format::SdmxCsv => "INDICATOR",
            Format::Tidy | Format::Ndjson | Format::Mapped => "indicator",
            Format::Cids => "forIndicator",
        }
    }

    /// By the code named for all rows, else by the code or the name that the row has.
    async fn find_named(&mut self, session: &Session, key: &IndicatorKey) -> Found<(Option<Stored<Indicator>>, Code)> {
        if let Some(code) = self.options.indicator.clone() {
            return Ok(Ok((by_code(session, &code).await?, code)));
        }
        let name = key.name.as_str();
        let by_name = self.options.format == Format::Dhis2 && self.options.dhis2.elements == IdScheme::Name;
        if !by_name
            && let Ok(code) = name.parse::<Code>()
            && let Some(indicator) = by_code(session, &code).await?
        {
            return Ok(Ok((Some(indicator), code)));
        }
        // What a mapping calls by a title has its code and nothing else as its key.
        let mut called = if key.title.is_empty() { called(session, name).await? } else { Vec::new() };
        if called.len() > 1 {
            let codes: Vec<_> = called.iter().map(|indicator| indicator.code.to_string()).collect();
            let kind = format!("“{name}” is the name of {}: use the code", codes.join(", "));
            return Ok(Err(Reason::plain("AMBIGUOUS", self.indicator_column(), kind)));
        }
        if let Some(indicator) = called.pop() {
            let code = indicator.code.clone();
            return Ok(Ok((Some(indicator), code)));
        }
        let has_codes = self.options.format.has_codes() || (self.options.format == Format::Tidy && is_code(name));
        let written = name.parse::<Code>().ok().filter(|_| has_codes && !by_name);
        let suggested = || Slug::suggest(name).and_then(|slug| slug.as_str().parse::<Code>().ok());
        let Some(code) = written.or_else(suggested) else {
            let kind = format!("no code can be made of “{name}”");
            return Ok(Err(Reason::plain("INVALID", self.indicator_column(), kind)));
        };
        if let Some(other) = by_code(session, &code).await? {
            let kind = format!("“{name}” would have the code {code}, which “{}” has", other.name.resolve(&[]).text);
            return Ok(Err(Reason::plain("CONFLICT", self.indicator_column(), kind)));
        }
        Ok(Ok((None, code)))
    }

    /// By the code of the file, with series and units after it if the row has them: `1-4-1/2024-constant-dollars`. Where
    /// there is no such indicator, that of the file is meant if its unit is the row's.
    async fn find_open_sdg(
        &mut self,
        session: &Session,
        key: &IndicatorKey,
    ) -> Found<(Option<Stored<Indicator>>, Code)> {
        let named = self.named.clone().unwrap_or_default();
        let base = self.options.indicator.as_ref().map_or(named, Code::to_string);
        let invalid = |text: &str| {
            Reason::detailed("INVALID", "", "not the code of an indicator", format!("“{text}” cannot be a code"))
        };
        let mut code = base.clone();
        for part in [&key.series, &key.unit] {
            let part = part
                .replace('%', " percent ")
                .replace('$', " dollars ")
                .replace('£', " pounds ")
                .replace('€', " euros ");
            if part.trim().is_empty() {
                continue;
            }
            match Slug::suggest(&part) {
                Some(slug) => code = format!("{code}/{slug}"),
                None => return Ok(Err(invalid(&part))),
            }
        }
        let (Ok(base), Ok(code)) = (base.parse::<Code>(), code.parse::<Code>()) else { return Ok(Err(invalid(&code))) };
        match self.spelt.is_of(code.as_str(), (&key.series, &key.unit)) {
            Some(true) => {}
            Some(false) => {
                let kind = format!("its series and units give the code {code}, which others in this file give too");
                return Ok(Err(Reason::plain("CONFLICT", "Series", kind)));
            }
            None => {
                let kind = "the file has more series and units than can be told apart: divide it";
                return Ok(Err(Reason::plain("TOO_LONG", "Series", kind)));
            }
        }
        if let Some(indicator) = by_code(session, &code).await? {
            return Ok(Ok((Some(indicator), code)));
        }
        if key.series.is_empty()
            && !key.unit.is_empty()
            && let Some(indicator) = by_code(session, &base).await?
            && self.definition(session, indicator.id).await?.is_some_and(|version| agree(&version, &key.unit).is_ok())
        {
            return Ok(Ok((Some(indicator), base)));
        }
        Ok(Ok((None, code)))
    }

    async fn create_indicator(&mut self, session: &Session, key: &IndicatorKey, code: Code) -> Found<Definition> {
        let column = self.indicator_column();
        let details = self.details(key).await?;
        let language = &self.options.language;
        let draft = || -> std::result::Result<_, Reason> {
            let cut = |texts: &BTreeMap<LanguageTag, String>, most| -> BTreeMap<_, _> {
                texts.iter().map(|(language, text)| (language.clone(), shorten(text, most))).collect()
            };
            let mut names = details.name.clone();
            if names.is_empty() {
                let titles = [&key.title, &key.name].into_iter().find(|name| !name.is_empty());
                names = one(language, titles.map_or(code.as_str(), String::as_str));
            }
            let parts: Vec<_> =
                [&key.series, &key.unit].into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
            if matches!(self.options.format, Format::OpenSdg | Format::Statcan) && !parts.is_empty() {
                let ending = format!(" – {}", parts.join(", "));
                let room = LONGEST_NAME.saturating_sub(ending.chars().count()).max(40);
                for name in names.values_mut() {
                    *name = shorten(name, room) + &ending;
                }
            }
            let name = localized(language, cut(&names, LONGEST_NAME), column)?;
            let description = Some(cut(&details.description, LONGEST_PROSE)).filter(|texts| !texts.is_empty());
            let description = description.map(|texts| localized(language, texts, column)).transpose()?;
            let unit = localized(language, cut(&units(key, &details, language), LONGEST_UNIT), "unit")?;
            Ok((name, description, unit))
        };
        let (name, description, unit) = match draft() {
            Ok(draft) => draft,
            Err(reason) => return Ok(Err(reason)),
        };
        // Metadata written in several languages say the same in each: English is the one that `classify` knows best.
        let stated =
            if key.unit.is_empty() { details.unit.values().next().map_or("", String::as_str) } else { &key.unit };
        let words: Vec<_> = name.iter().map(|(_, text)| text).collect();
        let told = declared(self.options.format, &key.measure);
        let (measure, currency) =
            told.unwrap_or_else(|| classify(&words.join(" "), &key.measure, stated, self.options.country.as_ref()));
        let indicator = Indicator { code, kind: IndicatorKind::Population, issue: None, name, description };
        let indicator = match create(session, indicator, column).await? {
            Ok(indicator) => indicator,
            Err(reason) => return Ok(Err(reason)),
        };
        let version = IndicatorVersion {
            indicator: indicator.id,
            number: 1,
            measure,
            unit,
            currency,
            decimals: details.decimals.unwrap_or_else(|| decimals(measure, key.decimals)).clamp(0, 6),
            minimum: None,
            maximum: None,
            polarity: Polarity::Neutral,
            numerator: None,
            denominator: None,
            multiplier: (measure == Measure::Percentage).then_some(100.0),
            frequency: key.frequency,
            additivity: Additivity::None,
            effective_from: since_ever(),
            counts_persons: true,
        };
        let version = match create(session, version, column).await? {
            Ok(version) => version,
            Err(reason) => return Ok(Err(reason)),
        };
        self.created.indicators.push(indicator.code.to_string());
        Ok(Ok(version))
    }

    /// What the publisher says beside the file.
    async fn details(&self, key: &IndicatorKey) -> Result<Details> {
        let Some(path) = self.path.clone() else { return Ok(Details::default()) };
        let (name, format, language): (String, Format, LanguageTag) = match self.options.format {
            Format::Mapped | Format::Dhis2 | Format::SdmxCsv | Format::Ndjson | Format::Cids => {
                return Ok(Details::default());
            }
            Format::Tidy => (key.name.clone(), Format::Tidy, self.options.language.clone()),
            format @ (Format::OpenSdg | Format::Statcan) => {
                (self.named.clone().unwrap_or_default(), format, self.options.language.clone())
            }
        };
        let read = move |path: PathBuf| match format {
            Format::OpenSdg => Details::open_sdg(&path, &name, &language),
            Format::Statcan => Details::statcan(&path, &language),
            _ => Details::tidy(&path, &name, &language),
        };
        tokio::task::spawn_blocking(move || read(path)).await.map_err(domain::Error::internal)
    }
}

/// Decimals to show of an indicator whose first value is written with so many: publishers leave out those that are zero.
fn decimals(measure: Measure, written: i32) -> i32 {
    let least = i32::from(matches!(measure, Measure::Percentage | Measure::Rate));
    written.clamp(least, MOST_DECIMALS)
}

/// Nothing is known of when the definition of a created indicator began, so it holds for every figure there is.
fn since_ever() -> NaiveDate {
    NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or(NaiveDate::MIN)
}

/// The unit by the row, else by the publisher, else what is measured.
fn units(key: &IndicatorKey, details: &Details, language: &LanguageTag) -> BTreeMap<LanguageTag, String> {
    match (key.unit.as_str(), key.measure.as_str()) {
        ("", "") if !details.unit.is_empty() => details.unit.clone(),
        ("", "") => one(language, "?"),
        ("", measure) => one(language, measure),
        (unit, _) => one(language, unit),
    }
}

async fn by_code(session: &Session, code: &Code) -> Result<Option<Stored<Indicator>>> {
    Ok(session.repositories().indicators().by_keys(&Scope::Everything, std::slice::from_ref(code)).await?.pop())
}

async fn called(session: &Session, name: &str) -> Result<Vec<Stored<Indicator>>> {
    let filter = IndicatorFilter { text: Some(name.to_owned()), ..IndicatorFilter::default() };
    let mut query: ListQuery<_, IndicatorSort> =
        ListQuery { filter, page: PageArgs::first(MAX_PAGE), ..ListQuery::default() };
    let mut found = Vec::new();
    loop {
        let page = session.repositories().indicators().list(&Scope::Everything, &query).await?;
        let last = page.items.last().map(|(cursor, _)| cursor.clone());
        found.extend(
            page.items.into_iter().map(|(_, indicator)| indicator).filter(|indicator| is_called(&indicator.name, name)),
        );
        match last {
            Some(cursor) if page.has_next => query.page.after = Some(cursor),
            _ => return Ok(found),
        }
    }
}

/// Whether what tidy CSV calls an indicator by looks like a code and is kept as it is written: publishers write names there, of which
/// some are one word with a capital.
fn is_code(name: &str) -> bool {
    !name.contains(char::is_uppercase) || name.contains(|c: char| c.is_ascii_digit() || "/:._".contains(c))
}

/// The definition of the indicator with this number, archived or not; without one, the definition in force.
pub(super) async fn definition(
    repositories: &dyn Repositories,
    indicator: IndicatorId,
    number: Option<i32>,
    today: NaiveDate,
) -> Result<Option<Definition>> {
    let (parent, ids) = (IndicatorVersionParent::Indicator, [indicator.into()]);
    let wanted = number.map_or_else(|| in_force(today), numbered);
    let found = repositories.indicator_versions().list_of(&Scope::Everything, parent, &ids, &wanted).await?;
    Ok(found.into_values().flat_map(|page| page.items).next().map(|(_, version)| version))
}

/// Refuses a row in another unit than the definition's. A row that names none is taken at the definition's word.
fn agree(version: &Definition, unit: &str) -> std::result::Result<(), Reason> {
    let short = shorten(unit, LONGEST_UNIT);
    if unit.is_empty() || version.unit.iter().any(|(_, own)| fold(own) == fold(unit) || fold(own) == fold(&short)) {
        return Ok(());
    }
    let own: Vec<_> = version.unit.iter().map(|(_, own)| own).collect();
    let kind = format!("the row is in “{}”, the indicator in “{}”", super::values::shown(unit), own.join("” or “"));
    Err(Reason::plain("UNIT", "unit", kind))
}

/// The kind of quantity that a mapping declares, with the currency of an amount of money after it: `AMOUNT USD`. Tidy CSV
/// that was written here says so in small letters; publishers have words of their own there, with capitals.
fn declared(format: Format, text: &str) -> Option<(Measure, Option<CurrencyCode>)> {
    let (word, currency) = text.split_once(' ').map_or((text, None), |(word, rest)| (word, Some(rest)));
    let measure = match format {
        Format::Mapped => word.parse().ok()?,
        Format::Tidy => Measure::ALL.iter().copied().find(|measure| measure.code().to_lowercase() == word)?,
        _ => return None,
    };
    Some((measure, currency.and_then(|currency| currency.parse().ok())))
}
