//! Records to test with.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{
    access::Actor,
    baseline::Baseline,
    community::{Community, CommunityCode, CommunityKind, Coordinates, Population},
    id::{
        CommunityId, EntityId as _, IndicatorId, IndicatorVersionId, InitiativeId, NetworkId, PartnerId, SeriesId,
        SourceId,
    },
    indicator::{Additivity, Indicator, IndicatorKind, IndicatorVersion, Measure, Polarity},
    initiative::{Initiative, InitiativeStatus, Issue, Phase, PhaseInterval},
    key::ExternalId,
    learning::{EvidenceStage, Learning, LearningKind, LearningStatus, Visibility},
    membership::{Consent, Membership},
    network::Network,
    participation::{CollaborationLevel, EngagementRing, Expertise, Participation},
    partner::{Partner, Sector},
    period::PeriodKind,
    port::store::{Holds, Repositories, Store as _},
    record::{Noun, Stored},
    series::{Disaggregation, Series},
    small_cells::SuppressionPolicy,
    source::Source,
    target::Target,
    text::LocalizedText,
};
use uuid::Uuid;

use crate::SqlStore;

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The first of March 2026 and so many microseconds.
pub(super) fn moment(micros: i64) -> DateTime<Utc> {
    "2026-03-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::microseconds(micros)
}

pub(super) fn text(english: &str) -> LocalizedText {
    LocalizedText::new("en".parse().unwrap(), english).unwrap()
}

pub(super) fn both(english: &str, french: &str) -> LocalizedText {
    let texts =
        BTreeMap::from([("en".parse().unwrap(), english.to_owned()), ("fr".parse().unwrap(), french.to_owned())]);
    LocalizedText::from_parts("en".parse().unwrap(), texts).unwrap()
}

/// A new record as a service would make it, unkept.
pub(super) fn stored<N: Noun>(value: N, at: DateTime<Utc>) -> Stored<N> {
    Stored::create(N::Id::from(Uuid::now_v7()), value, &Actor::operator("sample"), at).unwrap()
}

/// Keeps a record in a unit of work of its own.
pub(super) async fn keep<N: Noun>(store: &SqlStore, value: N) -> Stored<N>
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let record = stored(value, moment(0));
    keep_all(store, std::slice::from_ref(&record)).await;
    record
}

/// Keeps records in one unit of work.
pub(super) async fn keep_all<N: Noun>(store: &SqlStore, records: &[Stored<N>])
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let work = store.begin().await.unwrap();
    for record in records {
        work.repositories().repository().insert(record).await.unwrap();
    }
    work.commit().await.unwrap();
}

pub(super) fn network(slug: &str, indicators: Vec<IndicatorId>) -> Network {
    Network {
        slug: slug.parse().unwrap(),
        name: both("Communities together", "Communautés ensemble"),
        purpose: Some(text("To end poverty")),
        starts_on: day("2002-04-01"),
        ends_on: Some(day("2030-12-31")),
        indicators,
        suppression: SuppressionPolicy::default(),
    }
}

pub(super) fn community(slug: &str) -> Community {
    Community {
        slug: slug.parse().unwrap(),
        name: text(slug),
        kind: CommunityKind::Municipality,
        country: "CA".parse().unwrap(),
        subdivision: None,
        coordinates: None,
        timezone: None,
        languages: Vec::new(),
        codes: Vec::new(),
        aliases: Vec::new(),
        populations: Vec::new(),
        indigenous_data_authority: None,
    }
}

/// A community with everything that one can have.
pub(super) fn full_community(slug: &str, code: &str) -> Community {
    Community {
        name: both("Saint-Élie", "Saint-Élie-d’Orford"),
        subdivision: Some("CA-QC".parse().unwrap()),
        coordinates: Some(Coordinates { latitude: 45.4, longitude: -71.949_999_999_9 }),
        timezone: Some("America/Toronto".into()),
        languages: vec!["fr-CA".parse().unwrap(), "en".parse().unwrap()],
        codes: vec![CommunityCode {
            scheme: "statcan:SGC".parse().unwrap(),
            code: code.parse().unwrap(),
            valid_from: Some(day("2001-01-01")),
            valid_until: None,
        }],
        aliases: vec!["St-Elie (100 %_\\)".into(), "Saint \"Élie\"".into()],
        populations: vec![
            Population { as_of: day("2016-07-01"), persons: 8_000, source: None },
            Population { as_of: day("2021-07-01"), persons: 9_001, source: Some("census".into()) },
        ],
        indigenous_data_authority: Some("Council".into()),
        ..community(slug)
    }
}

pub(super) fn membership(network: NetworkId, community: CommunityId) -> Membership {
    Membership {
        network,
        community,
        joined_on: day("2020-01-01"),
        left_on: None,
        consent: Some(Consent {
            purpose: text("comparison"),
            scope: text("all indicators"),
            granted_by: "The mayor".into(),
            expires_on: Some(day("2031-01-01")),
        }),
    }
}

pub(super) fn initiative(slug: &str, community: CommunityId, others: Vec<CommunityId>) -> Initiative {
    Initiative {
        slug: slug.parse().unwrap(),
        community,
        other_communities: others,
        issue: Issue::Poverty,
        title: both("Housing first", "Un toit d’abord"),
        summary: Some(text("Homes before conditions")),
        started_on: day("2021-05-01"),
        expected_end_on: Some(day("2027-05-01")),
        status: InitiativeStatus::Active,
        phases: vec![
            PhaseInterval {
                phase: Phase::AssessReadiness,
                started_on: day("2021-05-01"),
                ended_on: Some(day("2022-01-01")),
            },
            PhaseInterval { phase: Phase::OrganizeForImpact, started_on: day("2022-01-01"), ended_on: None },
        ],
    }
}

pub(super) fn partner(slug: &str) -> Partner {
    Partner {
        slug: slug.parse().unwrap(),
        name: text("Food bank"),
        sector: Sector::Nonprofit,
        url: Some("https://example.org/".parse().unwrap()),
        identifiers: vec![ExternalId { scheme: "ca:BN".parse().unwrap(), code: "123456789".parse().unwrap() }],
    }
}

pub(super) fn participation(initiative: InitiativeId, partner: PartnerId) -> Participation {
    Participation {
        initiative,
        partner,
        role: text("hosts the table"),
        ring: EngagementRing::Core,
        expertise: Some(Expertise::ContextExpert),
        collaboration_current: Some(CollaborationLevel::Cooperate),
        collaboration_desired: Some(CollaborationLevel::Integrate),
        joined_on: day("2021-06-01"),
        left_on: None,
    }
}

pub(super) fn indicator(code: &str) -> Indicator {
    Indicator {
        code: code.parse().unwrap(),
        kind: IndicatorKind::Population,
        issue: Some(Issue::Poverty),
        name: both("Poverty rate", "Taux de pauvreté"),
        description: Some(text("Share of persons below the line")),
    }
}

pub(super) fn version(indicator: IndicatorId, number: i32) -> IndicatorVersion {
    IndicatorVersion {
        indicator,
        number,
        measure: Measure::Percentage,
        unit: text("%"),
        currency: None,
        decimals: 1,
        minimum: Some(0.0),
        maximum: Some(100.0),
        polarity: Polarity::LowerIsBetter,
        numerator: Some(text("persons below")),
        denominator: Some(text("persons")),
        multiplier: Some(100.0),
        frequency: PeriodKind::Year,
        additivity: Additivity::RatioOfSums,
        effective_from: day("2015-01-01"),
        counts_persons: true,
    }
}

pub(super) fn source(key: &str) -> Source {
    Source {
        key: key.parse().unwrap(),
        name: both("Income survey", "Enquête sur le revenu"),
        url: Some("https://example.org/survey".parse().unwrap()),
        method: Some(text("A survey of households")),
        disclosure_controlled: false,
    }
}

pub(super) fn series(
    community: CommunityId,
    indicator: IndicatorId,
    version: IndicatorVersionId,
    source: SourceId,
) -> Series {
    Series {
        community,
        indicator,
        indicator_version: version,
        source,
        disaggregation: Disaggregation::new([("age", "0–17"), ("sex", "a;b=c%")]).unwrap(),
    }
}

pub(super) fn baseline(series: SeriesId) -> Baseline {
    Baseline { series, period: "2015-11-16/P1Y".parse().unwrap(), note: Some(text("before the strategy")) }
}

pub(super) fn target(indicator: IndicatorId, version: IndicatorVersionId, community: CommunityId) -> Target {
    Target {
        indicator,
        indicator_version: version,
        network: None,
        community: Some(community),
        value: 7.25,
        due_on: day("2030-12-31"),
        note: Some(text("by resolution")),
        replaces: None,
    }
}

pub(super) fn learning(
    slug: &str,
    community: CommunityId,
    initiative: Option<InitiativeId>,
    indicators: Vec<IndicatorId>,
) -> Learning {
    Learning {
        slug: slug.parse().unwrap(),
        community,
        initiative,
        author: "A. Writer".into(),
        kind: LearningKind::Worked,
        issue: Issue::Homelessness,
        title: both("Ask first", "Demander d’abord"),
        context: Some(both("A winter", "Un hiver")),
        what_we_did: both("We asked", "Nous avons demandé"),
        what_happened: both("They answered", "On a répondu"),
        why_we_think_so: None,
        evidence_stage: EvidenceStage::Promising,
        visibility: Visibility::Public,
        named: Vec::new(),
        status: LearningStatus::Shared,
        shared_at: Some(moment(123_456)),
        indicators,
    }
}

/// One record of every kind, each referring to the others.
pub(super) struct World {
    pub(super) network: Stored<Network>,
    pub(super) community: Stored<Community>,
    pub(super) other: Stored<Community>,
    pub(super) membership: Stored<Membership>,
    pub(super) initiative: Stored<Initiative>,
    pub(super) partner: Stored<Partner>,
    pub(super) participation: Stored<Participation>,
    pub(super) indicator: Stored<Indicator>,
    pub(super) version: Stored<IndicatorVersion>,
    pub(super) source: Stored<Source>,
    pub(super) series: Stored<Series>,
    pub(super) baseline: Stored<Baseline>,
    pub(super) target: Stored<Target>,
    pub(super) learning: Stored<Learning>,
}

impl World {
    /// The first community is under an Indigenous data authority, the other is not.
    pub(super) async fn create(store: &SqlStore) -> Self {
        let indicator = keep(store, indicator("poverty.mbm")).await;
        let version = keep(store, version(indicator.id, 1)).await;
        let source = keep(store, source("cis")).await;
        let network = keep(store, network("together", vec![indicator.id])).await;
        let community = keep(store, full_community("saint-elie", "2443027")).await;
        let other = keep(store, self::community("elsewhere")).await;
        let membership = keep(store, membership(network.id, community.id)).await;
        let initiative = keep(store, initiative("housing", community.id, vec![other.id])).await;
        let partner = keep(store, partner("food-bank")).await;
        let participation = keep(store, participation(initiative.id, partner.id)).await;
        let series = keep(store, series(community.id, indicator.id, version.id, source.id)).await;
        let baseline = keep(store, baseline(series.id)).await;
        let target = keep(store, target(indicator.id, version.id, community.id)).await;
        let learning = keep(store, learning("ask-first", community.id, Some(initiative.id), vec![indicator.id])).await;
        Self {
            network,
            community,
            other,
            membership,
            initiative,
            partner,
            participation,
            indicator,
            version,
            source,
            series,
            baseline,
            target,
            learning,
        }
    }
}

/// The bare id.
pub(super) fn id<N: Noun>(record: &Stored<N>) -> Uuid {
    record.id.uuid()
}
