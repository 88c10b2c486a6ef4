//! What an Indigenous data authority decided: ownership, control, access and possession (OCAP, First Nations Information
//! Governance Centre) put into practice.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    code::codes,
    error::Problems,
    id::{AuthorityDecisionId, CommunityId, IndicatorId, NetworkId, NodeRef},
    page::SortKey,
    record::{NoKey, Noun},
    rules::{self, PROSE_LENGTH},
    text::LocalizedText,
};

codes! {
    /// What figures of a community under an Indigenous data authority may be used for.
    pub enum AuthorityAct {
        /// Being read outside the community, as far as its sharing rules go.
        Publish = "PUBLISH",
        /// Standing beside those of other communities.
        Compare = "COMPARE",
        /// Entering medians, quartiles and totals.
        Aggregate = "AGGREGATE",
    }
}

/// A decision to allow one use. Without one the use is not allowed; withdrawn, it is archived. Nobody else can take its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuthorityDecision {
    /// Whose figures.
    pub community: CommunityId,
    /// What is allowed.
    pub act: AuthorityAct,
    /// By this indicator; by any, if none is named.
    pub indicator: Option<IndicatorId>,
    /// In this network; in any, if none is named.
    pub network: Option<NetworkId>,
    /// Its last day, if it ends.
    pub expires_on: Option<NaiveDate>,
    /// Where it was decided, and under which conditions.
    pub note: Option<LocalizedText>,
}

/// What decisions can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct AuthorityDecisionFilter {
    /// On this community.
    pub community: Option<CommunityId>,
    /// One of these uses.
    pub acts: Option<Vec<AuthorityAct>>,
}

/// What decisions can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AuthorityDecisionSort {
    /// When they were made.
    #[default]
    CreatedAt,
}

impl SortKey for AuthorityDecisionSort {
    fn name(self) -> &'static str {
        "decisions.created"
    }
}

/// Whose decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthorityDecisionParent {
    /// On a community.
    Community,
}

impl Noun for AuthorityDecision {
    type Id = AuthorityDecisionId;
    type Key = NoKey;
    type Filter = AuthorityDecisionFilter;
    type Sort = AuthorityDecisionSort;
    type Parent = AuthorityDecisionParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, problems: &mut Problems) {
        rules::optional_text(problems, "note", self.note.as_ref(), PROSE_LENGTH);
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        let mut references = vec![("community", self.community.into())];
        references.extend(self.indicator.map(|id| ("indicator", id.into())));
        references.extend(self.network.map(|id| ("network", id.into())));
        references
    }
}
