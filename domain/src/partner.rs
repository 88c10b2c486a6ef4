//! Partners: the organisations and groups at the table.

use serde::{Deserialize, Serialize};

use crate::{
    code::codes,
    error::Problems,
    id::{CommunityId, InitiativeId, NodeRef, PartnerId},
    key::{ExternalId, Slug, Url},
    page::SortKey,
    record::Noun,
    rules::{self, NAME_LENGTH},
    text::LocalizedText,
};

codes! {
    /// The part of society that a partner comes from.
    pub enum Sector {
        /// A government or one of its services.
        Government = "GOVERNMENT",
        /// An Indigenous government.
        IndigenousGovernment = "INDIGENOUS_GOVERNMENT",
        /// A non-profit organisation.
        Nonprofit = "NONPROFIT",
        /// A business.
        Business = "BUSINESS",
        /// A school, college, university or school board.
        Education = "EDUCATION",
        /// A health service.
        Health = "HEALTH",
        /// A funder.
        Funder = "FUNDER",
        /// A group of residents.
        ResidentGroup = "RESIDENT_GROUP",
        /// A group of young people.
        YouthGroup = "YOUTH_GROUP",
        /// Any other sector.
        Other = "OTHER",
    }
}

/// A partner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Partner {
    /// Its readable address.
    pub slug: Slug,
    /// Its name.
    pub name: LocalizedText,
    /// The part of society it comes from.
    pub sector: Sector,
    /// Its own page.
    pub url: Option<Url>,
    /// The numbers that registers know it by.
    pub identifiers: Vec<ExternalId>,
}

/// What partners can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PartnerFilter {
    /// From one of these sectors.
    pub sectors: Option<Vec<Sector>>,
    /// Taking part in this initiative.
    pub initiative: Option<InitiativeId>,
    /// Taking part in an initiative that this community leads or takes part in.
    pub community: Option<CommunityId>,
    /// The name in any language or the slug contains this, whatever the case and marks.
    pub text: Option<String>,
}

/// What partners can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PartnerSort {
    /// The name in its source language.
    #[default]
    Name,
    /// When it was recorded.
    CreatedAt,
}

impl SortKey for PartnerSort {
    fn name(self) -> &'static str {
        match self {
            Self::Name => "partners.name",
            Self::CreatedAt => "partners.created",
        }
    }
}

/// Whose partners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartnerParent {
    /// Taking part in an initiative led by a community.
    Community,
}

impl Noun for Partner {
    type Id = PartnerId;
    type Key = Slug;
    type Filter = PartnerFilter;
    type Sort = PartnerSort;
    type Parent = PartnerParent;

    fn key(&self) -> Option<&Slug> {
        Some(&self.slug)
    }

    fn check(&self, problems: &mut Problems) {
        rules::text(problems, "name", &self.name, NAME_LENGTH);
        rules::at_most(problems, "identifiers", &self.identifiers, rules::MOST_IDENTIFIERS);
        rules::distinct(problems, "identifiers", &self.identifiers);
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        Vec::new()
    }
}
