//! Partners in the schema.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use domain::{error::Result, key::ExternalId, participation::ParticipationParent, partner as noun, record::Stored};

use super::{
    connection::{Connection, Paging, children},
    id,
    input::{ExternalIdInput, ShownExternalId, each, key, patch, replace},
    order::{order, ordered},
    participation::{Participation, ParticipationFilter, ParticipationOrder},
    record::{ArchiveInput, RecordFields, archive, create, may_change, payload, shows, update},
    scalars::{LanguageTag, URL},
    text::{LocalizedText, LocalizedTextInput, serve},
};

/// The part of society that a partner comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::Sector")]
pub enum Sector {
    /// A government or one of its services.
    Government,
    /// An Indigenous government.
    IndigenousGovernment,
    /// A non-profit organisation.
    Nonprofit,
    /// A business.
    Business,
    /// A school, college, university or school board.
    Education,
    /// A health service.
    Health,
    /// A funder.
    Funder,
    /// A group of residents.
    ResidentGroup,
    /// A group of young people.
    YouthGroup,
    /// Any other sector.
    Other,
}

/// A partner: an organisation or group at the table.
#[derive(Clone)]
pub struct Partner(Arc<Stored<noun::Partner>>);

shows!(Partner, noun::Partner);

/// A partner: an organisation or group at the table.
#[Object]
impl Partner {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(self.0.id)
    }

    /// Version and times.
    #[graphql(flatten)]
    async fn record(&self) -> RecordFields {
        (&self.0.meta).into()
    }

    /// Whether you may change it.
    async fn viewer_can_update(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.update)
    }

    /// Whether you may archive it, or bring it back.
    async fn viewer_can_archive(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.archive)
    }

    /// Its readable address.
    async fn slug(&self) -> &str {
        self.0.slug.as_str()
    }

    /// Its name.
    async fn name(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<LocalizedText> {
        serve(ctx, &self.0.name, locale)
    }

    /// The part of society it comes from.
    async fn sector(&self) -> Sector {
        self.0.sector.into()
    }

    /// Its own page.
    async fn url(&self) -> Option<URL> {
        self.0.url.clone().map(Into::into)
    }

    /// The numbers that registers know it by.
    async fn identifiers(&self) -> Vec<ShownExternalId> {
        self.0.identifiers.iter().map(Into::into).collect()
    }

    /// Where it takes part.
    #[allow(clippy::too_many_arguments)]
    async fn participations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<ParticipationFilter>,
        #[graphql(desc = "The order; by the day of joining if left out.")] order_by: Option<ParticipationOrder>,
    ) -> async_graphql::Result<Connection<Participation>> {
        let paging = Paging { first, after, last, before };
        let query = filter
            .unwrap_or_default()
            .read()
            .and_then(|(filter, archived)| paging.query(ctx, filter, ordered(order_by), archived));
        children(ctx, ParticipationParent::Partner, self.0.id, query).await
    }
}

order! { "partners", PartnerOrder, PartnerOrderField, noun::PartnerSort,
    /// The name in its source language.
    Name,
    /// When it was recorded.
    CreatedAt,
}

/// What partners are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct PartnerFilter {
    /// From one of these sectors.
    pub sectors: Option<Vec<Sector>>,
    /// Taking part in this initiative.
    pub initiative: Option<ID>,
    /// Taking part in an initiative that this community leads or takes part in.
    pub community: Option<ID>,
    /// The name in any language or the slug contains this, whatever the case and marks.
    pub text: Option<String>,
    /// Archived ones too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl PartnerFilter {
    /// The filter, and whether archived records are listed too.
    pub fn read(self) -> Result<(noun::PartnerFilter, bool)> {
        let filter = noun::PartnerFilter {
            sectors: self.sectors.map(|sectors| sectors.into_iter().map(Into::into).collect()),
            initiative: id::parse_opt(self.initiative.as_ref(), "filter.initiative")?,
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            text: self.text,
        };
        Ok((filter, self.include_archived))
    }
}

/// A partner to add.
#[derive(Debug, Clone, InputObject)]
pub struct PartnerCreateInput {
    /// Its readable address: 1 to 80 of a-z, 0-9 and hyphens.
    pub slug: String,
    /// Its name, at most 200 characters.
    pub name: LocalizedTextInput,
    /// The part of society it comes from.
    pub sector: Sector,
    /// Its own page.
    pub url: Option<URL>,
    /// The numbers that registers know it by.
    #[graphql(default)]
    pub identifiers: Vec<ExternalIdInput>,
}

/// A change of a partner. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct PartnerUpdateInput {
    /// The partner.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// Its readable address.
    pub slug: Option<String>,
    /// Its name.
    pub name: Option<LocalizedTextInput>,
    /// The part of society it comes from.
    pub sector: Option<Sector>,
    /// Its own page; null takes it away.
    pub url: MaybeUndefined<URL>,
    /// The numbers that registers know it by: the whole list.
    pub identifiers: Option<Vec<ExternalIdInput>>,
}

payload! {
    /// What a change of a partner answers.
    PartnerPayload { partner: Partner }
}

fn identifier(input: ExternalIdInput, path: &str) -> Result<ExternalId> {
    input.get(path)
}

impl PartnerCreateInput {
    fn read(self) -> Result<noun::Partner> {
        Ok(noun::Partner {
            slug: key(&self.slug, "slug")?,
            name: self.name.get("name")?,
            sector: self.sector.into(),
            url: self.url.map(|url| url.get("url")).transpose()?,
            identifiers: each(self.identifiers, "identifiers", identifier)?,
        })
    }
}

impl PartnerUpdateInput {
    fn apply(self, now: &noun::Partner) -> Result<noun::Partner> {
        Ok(noun::Partner {
            slug: replace(self.slug, &now.slug, |slug| key(&slug, "slug"))?,
            name: replace(self.name, &now.name, |name| name.get("name"))?,
            sector: self.sector.map_or(now.sector, Into::into),
            url: patch(self.url, &now.url, |url| url.get("url"))?,
            identifiers: replace(self.identifiers, &now.identifiers, |all| each(all, "identifiers", identifier))?,
        })
    }
}

/// Changes of partners.
#[derive(Default)]
pub struct PartnerMutation;

/// Changes of partners.
#[Object]
impl PartnerMutation {
    /// Adds a partner.
    async fn partner_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: PartnerCreateInput,
    ) -> async_graphql::Result<PartnerPayload> {
        PartnerPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes a partner.
    async fn partner_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: PartnerUpdateInput,
    ) -> async_graphql::Result<PartnerPayload> {
        let (id, version) = (input.id.clone(), input.version);
        PartnerPayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a partner or brings it back.
    async fn partner_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<PartnerPayload> {
        PartnerPayload::of(archive::<noun::Partner>(ctx, input).await, "input")
    }
}
