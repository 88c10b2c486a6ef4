//! The form of `api/demo/network.json`.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::{
    community::CommunityKind,
    error::{Error, Result},
    indicator::{Additivity, IndicatorKind, Measure, Polarity},
    initiative::{InitiativeStatus, Issue, Phase},
    key::{Code, CountryCode, ExternalId, Slug, SubdivisionCode, Url},
    learning::{EvidenceStage, LearningKind, Visibility},
    participation::{CollaborationLevel, EngagementRing, Expertise},
    partner::Sector,
    period::{Period, PeriodKind},
    text::{LanguageTag, LocalizedText},
};
use serde::Deserialize;

/// A text in its languages, English first written.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Text(#[serde(deserialize_with = "domain::text::each_once")] BTreeMap<LanguageTag, String>);

impl Text {
    pub(super) fn get(&self) -> Result<LocalizedText> {
        let english = "en".parse().map_err(Error::internal)?;
        LocalizedText::from_parts(english, self.0.clone()).map_err(Error::internal)
    }
}

/// The same for a text that may be absent.
pub(super) fn optional(text: Option<&Text>) -> Result<Option<LocalizedText>> {
    text.map(Text::get).transpose()
}

macro_rules! data {
    ($($name:ident { $($field:ident: $ty:ty),+ $(,)? })+) => {$(
        #[derive(Debug, Clone, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub(super) struct $name { $(pub(super) $field: $ty),+ }
    )+};
}

data! {
    Data {
        sources: Vec<Source>,
        indicators: Vec<Indicator>,
        communities: Vec<Community>,
        networks: Vec<Network>,
        baselines: Vec<Baseline>,
        targets: Vec<CommunityTarget>,
        partners: Vec<Partner>,
        initiatives: Vec<Initiative>,
        learnings: Vec<Learning>,
    }
    Source { key: Code, name: Text, url: Option<Url>, method: Option<Text>, disclosure_controlled: bool }
    Indicator { code: Code, kind: IndicatorKind, issue: Option<Issue>, name: Text, description: Option<Text>, version: Version }
    Version {
        measure: Measure,
        unit: Text,
        decimals: i32,
        minimum: Option<f64>,
        maximum: Option<f64>,
        polarity: Polarity,
        numerator: Option<Text>,
        denominator: Option<Text>,
        multiplier: Option<f64>,
        frequency: PeriodKind,
        additivity: Additivity,
        effective_from: NaiveDate,
    }
    Community {
        slug: Slug,
        name: Text,
        kind: CommunityKind,
        country: CountryCode,
        subdivision: Option<SubdivisionCode>,
        latitude: f64,
        longitude: f64,
        timezone: Option<String>,
        languages: Vec<LanguageTag>,
        codes: Vec<ExternalId>,
        aliases: Vec<String>,
        populations: Vec<Population>,
    }
    Population { as_of: NaiveDate, persons: i64, source: Option<String> }
    Network {
        slug: Slug,
        name: Text,
        purpose: Option<Text>,
        starts_on: NaiveDate,
        ends_on: Option<NaiveDate>,
        indicators: Vec<Code>,
        members: Vec<Member>,
        targets: Vec<NetworkTarget>,
    }
    Member { community: Slug, joined_on: NaiveDate, left_on: Option<NaiveDate>, consent: Option<Consent> }
    Consent { purpose: Text, scope: Text, granted_by: String, expires_on: Option<NaiveDate> }
    NetworkTarget { indicator: Code, value: f64, due_on: NaiveDate, note: Option<Text> }
    CommunityTarget { community: Slug, indicator: Code, value: f64, due_on: NaiveDate, note: Option<Text> }
    Baseline { community: Slug, indicator: Code, period: Period, note: Option<Text> }
    Partner { slug: Slug, name: Text, sector: Sector, url: Option<Url>, identifiers: Option<Vec<ExternalId>> }
    Initiative {
        slug: Slug,
        community: Slug,
        communities: Option<Vec<Slug>>,
        issue: Issue,
        title: Text,
        summary: Option<Text>,
        started_on: NaiveDate,
        expected_end_on: Option<NaiveDate>,
        status: InitiativeStatus,
        phases: Vec<PhaseInterval>,
        participations: Vec<Participation>,
    }
    PhaseInterval { phase: Phase, started_on: NaiveDate, ended_on: Option<NaiveDate> }
    Participation {
        partner: Slug,
        role: Text,
        ring: EngagementRing,
        expertise: Option<Expertise>,
        collaboration_current: Option<CollaborationLevel>,
        collaboration_desired: Option<CollaborationLevel>,
        joined_on: NaiveDate,
        left_on: Option<NaiveDate>,
    }
    Learning {
        slug: Slug,
        community: Slug,
        initiative: Option<Slug>,
        kind: LearningKind,
        issue: Issue,
        title: Text,
        context: Option<Text>,
        what_we_did: Text,
        what_happened: Text,
        why_we_think_so: Option<Text>,
        evidence_stage: EvidenceStage,
        visibility: Visibility,
        shared_on: NaiveDate,
        author: String,
        indicators: Vec<Code>,
    }
}

impl Data {
    /// The demo as it is built in.
    pub(super) fn read() -> Result<Self> {
        serde_json::from_str(include_str!("../../../demo/network.json")).map_err(Error::internal)
    }
}

/// The figures of the demo as tidy CSV, header included, of the communities with these codes alone.
pub(super) fn figures_of(codes: &[&str]) -> String {
    let all = include_str!("../../../demo/observations.csv");
    let mut lines = all.lines();
    let header = lines.next().unwrap_or_default();
    let own = lines.filter(|line| line.split(',').next().is_some_and(|code| codes.contains(&code)));
    std::iter::once(header).chain(own).fold(String::new(), |text, line| text + line + "\n")
}
