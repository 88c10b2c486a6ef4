//! Changing communities.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use domain::{community as noun, error::Result, text};

use super::{Community, CommunityKind, Coordinates};
use crate::graphql::{
    input::{each, key, key_opt, patch, replace},
    record::{ArchiveInput, archive, create, payload, update},
    scalars::{Date, LanguageTag},
    text::LocalizedTextInput,
};

/// A code that others know a community by.
#[derive(Debug, Clone, InputObject)]
pub struct CommunityCodeInput {
    /// Who gives the codes: `statcan:SGC`, `us:FIPS`, `uk:GSS`.
    pub scheme: String,
    /// The code.
    pub code: String,
    /// The first day it is in force, if known.
    pub valid_from: Option<Date>,
    /// The first day it is no longer in force.
    pub valid_until: Option<Date>,
}

/// A population estimate or count.
#[derive(Debug, Clone, InputObject)]
pub struct PopulationInput {
    /// The day it holds for.
    pub as_of: Date,
    /// Persons.
    pub persons: i64,
    /// Where the figure comes from.
    pub source: Option<String>,
}

/// A community to add.
#[derive(Debug, Clone, InputObject)]
pub struct CommunityCreateInput {
    /// Its readable address: 1 to 80 of a-z, 0-9 and hyphens.
    pub slug: String,
    /// Its name, at most 200 characters.
    pub name: LocalizedTextInput,
    /// What kind of place it is.
    pub kind: CommunityKind,
    /// Its country, ISO 3166-1 alpha-2.
    pub country: String,
    /// Its province, state or region, ISO 3166-2.
    pub subdivision: Option<String>,
    /// Where it lies.
    pub coordinates: Option<Coordinates>,
    /// Its time zone by the IANA name.
    pub timezone: Option<String>,
    /// The languages it works in, the first first.
    #[graphql(default)]
    pub languages: Vec<LanguageTag>,
    /// The codes that others know it by.
    #[graphql(default)]
    pub codes: Vec<CommunityCodeInput>,
    /// Other spellings of its name by which imported rows find it.
    #[graphql(default)]
    pub aliases: Vec<String>,
    /// Its population over time.
    #[graphql(default)]
    pub populations: Vec<PopulationInput>,
    /// The Indigenous data authority that decides about its data.
    pub indigenous_data_authority: Option<String>,
}

/// A change of a community. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct CommunityUpdateInput {
    /// The community.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// Its readable address.
    pub slug: Option<String>,
    /// Its name.
    pub name: Option<LocalizedTextInput>,
    /// What kind of place it is.
    pub kind: Option<CommunityKind>,
    /// Its country, ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Its province, state or region, ISO 3166-2; null takes it away.
    pub subdivision: MaybeUndefined<String>,
    /// Where it lies; null takes it away.
    pub coordinates: MaybeUndefined<Coordinates>,
    /// Its time zone by the IANA name; null takes it away.
    pub timezone: MaybeUndefined<String>,
    /// The languages it works in: the whole list.
    pub languages: Option<Vec<LanguageTag>>,
    /// The codes that others know it by: the whole list.
    pub codes: Option<Vec<CommunityCodeInput>>,
    /// Other spellings of its name: the whole list.
    pub aliases: Option<Vec<String>>,
    /// Its population over time: the whole list.
    pub populations: Option<Vec<PopulationInput>>,
    /// The Indigenous data authority that decides about its data; null takes it away.
    pub indigenous_data_authority: MaybeUndefined<String>,
}

payload! {
    /// What a change of a community answers.
    CommunityPayload { community: Community }
}

fn code(input: CommunityCodeInput, path: &str) -> Result<noun::CommunityCode> {
    let day = |day: Option<Date>, field: &str| day.map(|day| day.get(format!("{path}.{field}"))).transpose();
    Ok(noun::CommunityCode {
        scheme: key(&input.scheme, format!("{path}.scheme"))?,
        code: key(&input.code, format!("{path}.code"))?,
        valid_from: day(input.valid_from, "validFrom")?,
        valid_until: day(input.valid_until, "validUntil")?,
    })
}

fn population(input: PopulationInput, path: &str) -> Result<noun::Population> {
    let as_of = input.as_of.get(format!("{path}.asOf"))?;
    Ok(noun::Population { as_of, persons: input.persons, source: input.source })
}

fn language(input: LanguageTag, path: &str) -> Result<text::LanguageTag> {
    input.get(path)
}

#[allow(clippy::unnecessary_wraps)] // read like every other field
fn coordinates(Coordinates { latitude, longitude }: Coordinates) -> Result<noun::Coordinates> {
    Ok(noun::Coordinates { latitude, longitude })
}

impl CommunityCreateInput {
    fn read(self) -> Result<noun::Community> {
        Ok(noun::Community {
            slug: key(&self.slug, "slug")?,
            name: self.name.get("name")?,
            kind: self.kind.into(),
            country: key(&self.country, "country")?,
            subdivision: key_opt(self.subdivision.as_deref(), "subdivision")?,
            coordinates: self.coordinates.map(coordinates).transpose()?,
            timezone: self.timezone,
            languages: each(self.languages, "languages", language)?,
            codes: each(self.codes, "codes", code)?,
            aliases: self.aliases,
            populations: each(self.populations, "populations", population)?,
            indigenous_data_authority: self.indigenous_data_authority,
        })
    }
}

impl CommunityUpdateInput {
    fn apply(self, now: &noun::Community) -> Result<noun::Community> {
        Ok(noun::Community {
            slug: replace(self.slug, &now.slug, |slug| key(&slug, "slug"))?,
            name: replace(self.name, &now.name, |name| name.get("name"))?,
            kind: self.kind.map_or(now.kind, Into::into),
            country: replace(self.country, &now.country, |country| key(&country, "country"))?,
            subdivision: patch(self.subdivision, &now.subdivision, |code| key(&code, "subdivision"))?,
            coordinates: patch(self.coordinates, &now.coordinates, coordinates)?,
            timezone: patch(self.timezone, &now.timezone, Ok)?,
            languages: replace(self.languages, &now.languages, |all| each(all, "languages", language))?,
            codes: replace(self.codes, &now.codes, |all| each(all, "codes", code))?,
            aliases: replace(self.aliases, &now.aliases, Ok)?,
            populations: replace(self.populations, &now.populations, |all| each(all, "populations", population))?,
            indigenous_data_authority: patch(self.indigenous_data_authority, &now.indigenous_data_authority, Ok)?,
        })
    }
}

/// Changes of communities.
#[derive(Default)]
pub struct CommunityMutation;

/// Changes of communities.
#[Object]
impl CommunityMutation {
    /// Adds a community.
    async fn community_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The community.")] input: CommunityCreateInput,
    ) -> async_graphql::Result<CommunityPayload> {
        CommunityPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes a community.
    async fn community_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: CommunityUpdateInput,
    ) -> async_graphql::Result<CommunityPayload> {
        let (id, version) = (input.id.clone(), input.version);
        CommunityPayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a community or brings it back. Its figures and learnings stay.
    async fn community_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<CommunityPayload> {
        CommunityPayload::of(archive::<noun::Community>(ctx, input).await, "input")
    }
}
