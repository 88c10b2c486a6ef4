//! What is written is read again as the same, format by format, whatever the figures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod sdmx_json;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::{
    community::{Community, CommunityKind},
    export::{ExportOutline, ExportedFigure},
    indicator::{Additivity, Indicator, IndicatorKind, IndicatorVersion, Measure, Polarity},
    key::{ExternalId, Scheme},
    network::Network,
    observation::{Confidentiality, Figure, ObservationStatus},
    period::{Period, PeriodKind},
    record::{Meta, Noun, Stored},
    series::Disaggregation,
    source::Source,
    text::LocalizedText,
};
use proptest::prelude::*;
use rstest::rstest;
use uuid::Uuid;

use super::{ExportOptions, LeftOut, Line, Places, settings};
use crate::exchange::{
    Format, Options, Strategy as ImportStrategy,
    batch::{AreaKey, Batch},
    told,
};

const SCHEME: &str = "test:code";
const PERIODS: [&str; 12] = [
    "2020",
    "2020-S1",
    "2020-Q3",
    "2020-04",
    "2020-W10",
    "2020-03-15",
    "2014-04-01/P1Y",
    "2014-11-01/P1Y",
    "2016-01-01/P3Y",
    "2015-11-16/P17D",
    "2020-03-01/P2M",
    "2014-10-01/P6M",
];
const DIMENSIONS: [&str; 4] = ["sex", "Age group", "categoryOptionCombo", "attributeOptionCombo"];

fn now() -> DateTime<Utc> {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn english(text: &str) -> LocalizedText {
    LocalizedText::new("en".parse().unwrap(), text).unwrap()
}

fn stored<N: Noun>(value: N) -> Arc<Stored<N>> {
    let (by, at) = ("test".to_owned(), now());
    let meta =
        Meta { version: 1, created_at: at, created_by: by.clone(), updated_at: at, updated_by: by, archived_at: None };
    Arc::new(Stored { id: Uuid::now_v7().into(), meta, value })
}

fn community(slug: &str, name: &str, code: Option<&str>) -> Arc<Stored<Community>> {
    let code = code.map(|code| ExternalId { scheme: SCHEME.parse().unwrap(), code: code.parse().unwrap() });
    stored(Community {
        slug: slug.parse().unwrap(),
        name: english(name),
        kind: CommunityKind::County,
        country: "CA".parse().unwrap(),
        subdivision: None,
        coordinates: None,
        timezone: None,
        languages: Vec::new(),
        codes: code.into_iter().map(Into::into).collect(),
        aliases: Vec::new(),
        populations: Vec::new(),
        indigenous_data_authority: None,
    })
}

/// A network with two communities that have codes and one that has none, two indicators and two sources.
struct World {
    outline: ExportOutline,
    version: Arc<Stored<IndicatorVersion>>,
}

impl World {
    fn new(indicators: usize, sources: usize) -> Self {
        let members = vec![
            community("a", "=A1, \"quoted\"", Some("C-1")),
            community("b", "Québec", Some("C/2")),
            community("c", "data.C", None),
        ];
        let indicator = |code: &str, name: &str| {
            let (code, name) = (code.parse().unwrap(), english(name));
            stored(Indicator { code, kind: IndicatorKind::Population, issue: None, name, description: None })
        };
        let source = |key: &str| {
            let (key, name) = (key.parse().unwrap(), english("An office"));
            stored(Source { key, name, url: None, method: None, disclosure_controlled: false })
        };
        let outline = ExportOutline {
            network: stored(Network {
                slug: "net".parse().unwrap(),
                name: english("A network"),
                purpose: None,
                starts_on: now().date_naive(),
                ends_on: None,
                indicators: Vec::new(),
                suppression: Default::default(),
            }),
            members,
            indicators: [indicator("rate/x", "A rate, of some"), indicator("count", "count")][..indicators].to_vec(),
            sources: [source("office"), source("other")][..sources].to_vec(),
            dimensions: DIMENSIONS.iter().map(ToString::to_string).collect(),
            other_definitions: Vec::new(),
            at: now(),
        };
        let version = stored(IndicatorVersion {
            indicator: outline.indicators[0].id,
            number: 1,
            measure: Measure::Other,
            unit: english("%"),
            currency: None,
            decimals: 1,
            minimum: None,
            maximum: None,
            polarity: Polarity::Neutral,
            numerator: None,
            denominator: None,
            multiplier: None,
            frequency: PeriodKind::Year,
            additivity: Additivity::None,
            effective_from: now().date_naive(),
            counts_persons: true,
        });
        Self { outline, version }
    }

    /// One figure for each series and period.
    fn figures(&self, seeds: &[Seed]) -> Vec<ExportedFigure> {
        let mut taken = std::collections::HashSet::new();
        seeds.iter().map(|seed| self.figure(seed)).filter(|of| taken.insert(place(of))).collect()
    }

    fn figure(&self, seed: &Seed) -> ExportedFigure {
        let of = |count: usize, of: usize| of % count;
        let outline = &self.outline;
        ExportedFigure {
            community: outline.members[of(outline.members.len(), seed.community)].clone(),
            indicator: outline.indicators[of(outline.indicators.len(), seed.indicator)].clone(),
            version: self.version.clone(),
            source: outline.sources[of(outline.sources.len(), seed.source)].clone(),
            disaggregation: Disaggregation::new(seed.part.clone()).unwrap(),
            period: PERIODS[seed.period].parse().unwrap(),
            figure: seed.figure.clone(),
        }
    }
}

/// Where a figure stands in an export.
fn place(of: &ExportedFigure) -> (String, String, String, String, Period) {
    let part = of.disaggregation.to_string();
    (of.community.slug.to_string(), of.indicator.code.to_string(), of.source.key.to_string(), part, of.period)
}

#[derive(Debug, Clone)]
struct Seed {
    community: usize,
    indicator: usize,
    source: usize,
    period: usize,
    part: Vec<(&'static str, &'static str)>,
    figure: Figure,
}

fn text() -> impl Strategy<Value = Option<String>> {
    let text = "[-=+@a-zé\"', ;:\t\n0-9]{0,12}";
    proptest::option::of(text.prop_map(|text| text.trim().to_owned()).prop_filter("blank", |text| !text.is_empty()))
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<i32>().prop_map(f64::from),
        (-1e6..1e6),
        Just(0.0),
        Just(1e-7),
        Just(123_456_789_012_345.6),
        Just(5e300)
    ]
}

fn figure() -> impl Strategy<Value = Figure> {
    let status = proptest::sample::select(ObservationStatus::ALL);
    let confidentiality = proptest::sample::select(Confidentiality::ALL);
    let part = || proptest::option::of(number());
    // Half of them are plain, or little would be left to formats that have no more.
    (
        any::<bool>(),
        status,
        confidentiality,
        number(),
        (part(), part(), part(), part()),
        text(),
        text(),
        0..4_000_000_000_i64,
    )
        .prop_map(
            |(
                is_plain,
                status,
                confidentiality,
                value,
                (numerator, denominator, lower, upper),
                note,
                external_id,
                until,
            )| {
                let status = if is_plain { ObservationStatus::Normal } else { status };
                let confidentiality = if is_plain { Confidentiality::Free } else { confidentiality };
                let none = status.is_without_value();
                let or_none = |part: Option<f64>| part.filter(|_| !none);
                let embargo = DateTime::from_timestamp(until, 123_456_000);
                Figure {
                    value: Some(value).filter(|_| !none),
                    numerator: or_none(numerator),
                    denominator: or_none(denominator),
                    lower: or_none(lower),
                    upper: or_none(upper),
                    status,
                    confidentiality,
                    embargo_until: embargo.filter(|_| confidentiality == Confidentiality::Embargoed),
                    note,
                    external_id,
                }
            },
        )
}

fn seed() -> impl Strategy<Value = Seed> {
    let values = ["F", "=1+1", "15 to 24, both", "“x” \"y\"", "_T", "default", "data.z"];
    let pair = (proptest::sample::select(&DIMENSIONS[..]), proptest::sample::select(values.to_vec()));
    let part = proptest::collection::vec(pair, 0..3).prop_map(|mut pairs| {
        pairs.sort_unstable();
        pairs.dedup_by_key(|(dimension, _)| *dimension);
        pairs
    });
    (any::<usize>(), any::<usize>(), any::<usize>(), 0..PERIODS.len(), part, figure()).prop_map(
        |(community, indicator, source, period, part, figure)| Seed {
            community,
            indicator,
            source,
            period,
            part,
            figure,
        },
    )
}

fn options(query: &str) -> ExportOptions {
    let pairs: Vec<_> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    settings(&pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>()).unwrap()
}

/// A file of these figures, and what became of each.
fn write(world: &World, options: &ExportOptions, figures: &[ExportedFigure]) -> (Vec<u8>, Vec<Result<(), LeftOut>>) {
    let mut writer = options.writer(&world.outline);
    let day = now().date_naive();
    let places = Places::new(&world.outline.members, &options.naming(), &options.language, day);
    let mut out = Vec::new();
    writer.begin(&mut out);
    let mut told = Vec::new();
    for of in figures {
        let before = out.len();
        let written =
            places.of(of.community.id).and_then(|place| writer.figure(&Line { of, place, now: now() }, &mut out));
        assert!(written.is_ok() || out.len() == before, "what is left out leaves nothing behind");
        told.push(written);
    }
    writer.end(&mut out);
    (out, told)
}

/// Whose a figure is, by what, from where, about whom, when, and what it says.
type Row = (String, String, String, String, Period, Figure);

/// The rows that a reader makes of a file.
fn read(file: &[u8], options: &Options) -> Vec<Row> {
    // Lines of nothing are an empty file, which readers refuse.
    if file.is_empty() {
        return Vec::new();
    }
    let (batches, _) = told::batches(file, options).unwrap();
    let [batch] = &batches[..] else { panic!("{} batches", batches.len()) };
    assert_eq!(batch.rejects, [], "{}", String::from_utf8_lossy(file));
    let mut rows: Vec<_> = batch.rows.iter().collect();
    // Values of DHIS2 may wait for what stands behind them.
    rows.sort_by_key(|row| row.line);
    rows.into_iter().map(|row| read_row(batch, row.series, row.period, &row.figure)).collect()
}

fn read_row(batch: &Batch, series: u32, period: Period, figure: &Figure) -> Row {
    let key = batch.series[series as usize];
    let area = match &batch.areas[key.area as usize] {
        AreaKey::Code { code, .. } => code.clone(),
        AreaKey::Name { name, code } => if code.is_empty() { name } else { code }.clone(),
        AreaKey::Slug(slug) => slug.clone(),
        AreaKey::External(external) => format!("{}={}", external.scheme, external.code),
        AreaKey::Blank => String::new(),
    };
    let indicator = batch.indicators[key.indicator as usize].name.clone();
    let part = batch.disaggregations[key.disaggregation as usize].to_string();
    (area, indicator, batch.sources[key.source as usize].clone(), part, period, figure.clone())
}

/// How a format is written and read, and what it keeps of a figure.
struct Way {
    settings: &'static str,
    options: Options,
    area: fn(&Community) -> String,
    indicator: fn(&Indicator) -> String,
    source: bool,
    keeps: fn(&Figure) -> Figure,
}

fn code(community: &Community) -> String {
    community.codes.first().map_or_else(|| community.slug.to_string(), |code| code.code.to_string())
}

fn plain(figure: &Figure) -> Figure {
    Figure { value: figure.value, status: figure.status, note: figure.note.clone(), ..Figure::default() }
}

fn way(format: &str) -> Way {
    let reading = |format: Format| {
        let mut options = told::options(format);
        options.code_scheme = Some(SCHEME.parse::<Scheme>().unwrap());
        options.dhis2.strategy = Some(ImportStrategy::CreateAndUpdate);
        options
    };
    let usual = |settings, format| Way {
        settings,
        options: reading(format),
        area: code,
        indicator: |indicator| indicator.code.to_string(),
        source: false,
        keeps: plain,
    };
    match format {
        "tidy" => Way {
            source: true,
            keeps: Clone::clone,
            ..usual("format=tidy&network=net&codeScheme=test:code", Format::Tidy)
        },
        "ndjson" => Way {
            source: true,
            keeps: Clone::clone,
            area: |community| match community.codes.first() {
                Some(code) => format!("{}={}", code.scheme, code.code),
                None => community.slug.to_string(),
            },
            ..usual("format=ndjson&network=net&codeScheme=test:code", Format::Ndjson)
        },
        "slugs" => {
            let mut way = usual("format=ndjson&network=net", Format::Ndjson);
            way.options.code_scheme = None;
            Way { source: true, keeps: Clone::clone, area: |community| community.slug.to_string(), ..way }
        }
        "open-sdg" => {
            let way = usual("format=open-sdg&network=net&indicator=rate/x&codeScheme=test:code", Format::OpenSdg);
            Way {
                indicator: |_| String::new(),
                area: |community| match code(community).as_str() {
                    "c" => "data.C".to_owned(),
                    other => other.to_owned(),
                },
                ..way
            }
        }
        "dhis2" => usual("format=dhis2&network=net&codeScheme=test:code", Format::Dhis2),
        "dhis2-csv" => usual("format=dhis2-csv&network=net&codeScheme=test:code", Format::Dhis2),
        "sdmx-csv" | "sdmx-csv-2.1" => {
            let keeps = |figure: &Figure| Figure {
                confidentiality: figure.confidentiality,
                embargo_until: figure.embargo_until,
                ..plain(figure)
            };
            let settings = if format == "sdmx-csv" {
                "format=sdmx-csv&network=net&codeScheme=test:code"
            } else {
                "format=sdmx-csv&network=net&codeScheme=test:code&sdmxVersion=2.1"
            };
            Way { keeps, ..usual(settings, Format::SdmxCsv) }
        }
        "cids" => Way {
            area: |community| match code(community).as_str() {
                "c" => "urn:concert:community:c".to_owned(),
                other => other.to_owned(),
            },
            indicator: |indicator| match indicator.code.as_str() {
                "rate/x" => "A rate, of some".to_owned(),
                code => code.to_owned(),
            },
            ..usual("format=cids&network=net&codeScheme=test:code", Format::Cids)
        },
        other => panic!("{other}"),
    }
}

const WAYS: [&str; 9] =
    ["tidy", "ndjson", "slugs", "open-sdg", "dhis2", "dhis2-csv", "sdmx-csv", "sdmx-csv-2.1", "cids"];

fn expected(way: &Way, of: &ExportedFigure) -> Row {
    (
        (way.area)(&of.community),
        (way.indicator)(&of.indicator),
        if way.source { of.source.key.to_string() } else { String::new() },
        of.disaggregation.to_string(),
        of.period,
        (way.keeps)(&of.figure),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_format_is_read_as_it_was_written(seeds in proptest::collection::vec(seed(), 0..24)) {
        for name in WAYS {
            let way = way(name);
            let world = World::new(if name == "open-sdg" { 1 } else { 2 }, if way.source { 2 } else { 1 });
            let figures = world.figures(&seeds);
            let (file, told) = write(&world, &options(way.settings), &figures);
            let kept: Vec<_> = figures.iter().zip(&told).filter(|(_, told)| told.is_ok()).collect();
            let expected: Vec<_> = kept.iter().map(|(of, _)| expected(&way, of)).collect();
            prop_assert_eq!(read(&file, &way.options), expected, "{}: {}", name, String::from_utf8_lossy(&file));
            // Read again and written again nothing changes: the same rows give the same bytes.
            let again: Vec<_> = kept.into_iter().map(|(of, _)| of.clone()).collect();
            prop_assert_eq!(write(&world, &options(way.settings), &again).0, file, "{}", name);
        }
    }
}

#[rstest]
#[case("tidy", "c", Err(LeftOut::NoCode))]
#[case("slugs", "c", Ok(()))]
#[case("open-sdg", "c", Err(LeftOut::Ambiguous))]
#[case("cids", "c", Ok(()))]
fn a_community_that_a_file_cannot_name_is_left_out(
    #[case] format: &str,
    #[case] slug: &str,
    #[case] expected: Result<(), LeftOut>,
) {
    let world = World::new(1, 1);
    let seed = Seed { community: 0, indicator: 0, source: 0, period: 0, part: vec![], figure: Figure::of(1.0) };
    let mut figure = world.figure(&seed);
    figure.community = world.outline.members.iter().find(|member| member.slug.as_str() == slug).unwrap().clone();
    assert_eq!(write(&world, &options(way(format).settings), &[figure]).1, [expected]);
}

#[test]
fn what_would_say_something_else_is_left_out() {
    use ObservationStatus as S;
    let figure = |status, confidentiality| Figure { status, confidentiality, ..Figure::of(7.0) };
    let suppressed = Figure { value: None, ..figure(S::Suppressed, Confidentiality::Free) };
    let provisional = figure(S::Provisional, Confidentiality::Free);
    let confidential = figure(S::Normal, Confidentiality::Confidential);
    let world = World::new(1, 1);
    for (format, expected) in [
        ("tidy", [Ok(()), Ok(()), Ok(())]),
        ("ndjson", [Ok(()), Ok(()), Ok(())]),
        ("sdmx-csv", [Ok(()), Ok(()), Ok(())]),
        ("open-sdg", [Ok(()), Ok(()), Err(LeftOut::Confidential)]),
        ("dhis2", [Err(LeftOut::NoValue), Err(LeftOut::Status), Err(LeftOut::Confidential)]),
        ("dhis2-csv", [Err(LeftOut::NoValue), Err(LeftOut::Status), Err(LeftOut::Confidential)]),
        ("cids", [Err(LeftOut::NoValue), Err(LeftOut::Status), Err(LeftOut::Confidential)]),
    ] {
        let figures = [&suppressed, &provisional, &confidential].map(|figure| {
            let figure = figure.clone();
            world.figure(&Seed { community: 0, indicator: 0, source: 0, period: 0, part: vec![], figure })
        });
        assert_eq!(write(&world, &options(way(format).settings), &figures).1, expected, "{format}");
    }
}
