//! What figures need to stand on.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{
    community::{Community, CommunityKind},
    id::{CommunityId, IndicatorId, IndicatorVersionId, SourceId},
    indicator::{Additivity, Indicator, IndicatorKind, IndicatorVersion, Measure, Polarity},
    period::PeriodKind,
    port::store::{Store, UnitOfWork},
    record::{Meta, Noun, Stored},
    source::Source,
    text::LocalizedText,
};
use uuid::Uuid;

use crate::SqlStore;

/// The moment from which tests count hours.
pub(crate) fn hour(hours: i64) -> DateTime<Utc> {
    "2024-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hours)
}

/// What series refer to.
pub(crate) struct World {
    /// The last is under an Indigenous data authority.
    pub(crate) communities: [CommunityId; 3],
    pub(crate) indicator: IndicatorId,
    pub(crate) version: IndicatorVersionId,
    pub(crate) sources: [SourceId; 2],
}

pub(crate) fn stored<N: Noun>(value: N) -> Stored<N> {
    let meta = Meta {
        version: 1,
        created_at: hour(0),
        created_by: "test".into(),
        updated_at: hour(0),
        updated_by: "test".into(),
        archived_at: None,
    };
    Stored { id: Uuid::now_v7().into(), meta, value }
}

pub(crate) fn text(text: &str) -> LocalizedText {
    LocalizedText::new("en".parse().unwrap(), text).unwrap()
}

fn unique() -> String {
    Uuid::now_v7().simple().to_string()
}

/// A community, under an Indigenous data authority or not.
pub(crate) fn community(authority: Option<&str>) -> Community {
    Community {
        slug: format!("c-{}", unique()).parse().unwrap(),
        name: text("A place"),
        kind: CommunityKind::Municipality,
        country: "CA".parse().unwrap(),
        subdivision: None,
        coordinates: None,
        timezone: None,
        languages: Vec::new(),
        codes: Vec::new(),
        aliases: Vec::new(),
        populations: Vec::new(),
        indigenous_data_authority: authority.map(str::to_owned),
    }
}

async fn kept_community(work: &dyn UnitOfWork, authority: Option<&str>) -> CommunityId {
    let community = stored(community(authority));
    work.repositories().communities().insert(&community).await.unwrap();
    community.id
}

async fn source(work: &dyn UnitOfWork) -> SourceId {
    let source = stored(Source {
        key: unique().parse().unwrap(),
        name: text("A source"),
        url: None,
        method: None,
        disclosure_controlled: false,
    });
    work.repositories().sources().insert(&source).await.unwrap();
    source.id
}

/// Keeps everything that series refer to.
pub(crate) async fn world(store: &SqlStore) -> World {
    let work = store.begin().await.unwrap();
    let indicator = stored(Indicator {
        code: unique().parse().unwrap(),
        kind: IndicatorKind::Population,
        issue: None,
        name: text("An indicator"),
        description: None,
    });
    work.repositories().indicators().insert(&indicator).await.unwrap();
    let version = stored(IndicatorVersion {
        indicator: indicator.id,
        number: 1,
        measure: Measure::Percentage,
        unit: text("%"),
        currency: None,
        decimals: 1,
        minimum: None,
        maximum: None,
        polarity: Polarity::LowerIsBetter,
        numerator: None,
        denominator: None,
        multiplier: None,
        frequency: PeriodKind::Year,
        additivity: Additivity::None,
        effective_from: day("2000-01-01"),
        counts_persons: true,
    });
    work.repositories().indicator_versions().insert(&version).await.unwrap();
    let communities = [
        kept_community(&*work, None).await,
        kept_community(&*work, None).await,
        kept_community(&*work, Some("The council")).await,
    ];
    let sources = [source(&*work).await, source(&*work).await];
    work.commit().await.unwrap();
    World { communities, indicator: indicator.id, version: version.id, sources }
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}
