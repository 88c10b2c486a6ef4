//! Networks: communities that share lessons and compare progress.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    error::Problems,
    id::{CommunityId, IndicatorId, NetworkId, NodeRef},
    key::Slug,
    page::SortKey,
    record::{NoParent, Noun},
    rules::{self, NAME_LENGTH, PROSE_LENGTH},
    small_cells::SuppressionPolicy,
    text::LocalizedText,
};

/// A network of communities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Its readable address.
    pub slug: Slug,
    /// Its name.
    pub name: LocalizedText,
    /// What it is for.
    pub purpose: Option<LocalizedText>,
    /// Its first day.
    pub starts_on: NaiveDate,
    /// Its last day, if it is to end.
    pub ends_on: Option<NaiveDate>,
    /// The indicators that its communities agreed to share.
    pub indicators: Vec<IndicatorId>,
    /// What it withholds because few stand behind it.
    pub suppression: SuppressionPolicy,
}

/// What networks can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct NetworkFilter {
    /// Has this community as a member at present.
    pub community: Option<CommunityId>,
    /// Has adopted this indicator.
    pub indicator: Option<IndicatorId>,
    /// The name in any language or the slug contains this, whatever the case and marks.
    pub text: Option<String>,
}

/// What networks can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NetworkSort {
    /// The name in its source language.
    #[default]
    Name,
    /// The first day.
    StartsOn,
    /// When it was recorded.
    CreatedAt,
}

impl SortKey for NetworkSort {
    fn name(self) -> &'static str {
        match self {
            Self::Name => "networks.name",
            Self::StartsOn => "networks.starts",
            Self::CreatedAt => "networks.created",
        }
    }
}

impl Noun for Network {
    type Id = NetworkId;
    type Key = Slug;
    type Filter = NetworkFilter;
    type Sort = NetworkSort;
    type Parent = NoParent;

    fn key(&self) -> Option<&Slug> {
        Some(&self.slug)
    }

    fn check(&self, problems: &mut Problems) {
        rules::text(problems, "name", &self.name, NAME_LENGTH);
        rules::optional_text(problems, "purpose", self.purpose.as_ref(), PROSE_LENGTH);
        rules::dates_in_order(problems, "endsOn", self.starts_on, self.ends_on);
        rules::at_most(problems, "indicators", &self.indicators, 1_000);
        rules::distinct(problems, "indicators", &self.indicators);
        self.suppression.check(problems, "suppression");
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        self.indicators.iter().map(|&id| ("indicators", id.into())).collect()
    }
}
