//! Sharing rules: how far a community shares its figures.

use serde::{Deserialize, Serialize};

use crate::{
    error::{ProblemCode, Problems},
    id::{CommunityId, IndicatorId, NodeRef, SharingRuleId},
    learning::Visibility,
    page::SortKey,
    record::{NoKey, Noun},
    rules::{self, PROSE_LENGTH},
    text::LocalizedText,
};

/// How far a community shares its figures: all of them, or those by one indicator, which goes before the general rule. It holds
/// for every series there is and every one to come, so that a new breakdown never says more than its total may.
///
/// Without a rule figures are PUBLIC, and COMMUNITY where an Indigenous data authority speaks for the community.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharingRule {
    /// Whose figures.
    pub community: CommunityId,
    /// By this indicator; all others if none is named.
    pub indicator: Option<IndicatorId>,
    /// How far.
    pub visibility: Visibility,
    /// With whom, for NAMED_COMMUNITIES.
    pub named: Vec<CommunityId>,
    /// Why.
    pub note: Option<LocalizedText>,
}

/// What sharing rules can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SharingRuleFilter {
    /// Of this community.
    pub community: Option<CommunityId>,
    /// By this indicator.
    pub indicator: Option<IndicatorId>,
}

/// What sharing rules can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SharingRuleSort {
    /// When they were made.
    #[default]
    CreatedAt,
}

impl SortKey for SharingRuleSort {
    fn name(self) -> &'static str {
        "sharing.created"
    }
}

/// Whose sharing rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SharingRuleParent {
    /// A community's.
    Community,
}

impl Noun for SharingRule {
    type Id = SharingRuleId;
    type Key = NoKey;
    type Filter = SharingRuleFilter;
    type Sort = SharingRuleSort;
    type Parent = SharingRuleParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, problems: &mut Problems) {
        let names = self.visibility == Visibility::NamedCommunities;
        problems.require(
            names != self.named.is_empty(),
            "named",
            if names { ProblemCode::Required } else { ProblemCode::Invalid },
            "communities are named for NAMED_COMMUNITIES, and for nothing else",
        );
        rules::distinct(problems, "named", &self.named);
        rules::at_most(problems, "named", &self.named, rules::MOST_NAMED);
        rules::optional_text(problems, "note", self.note.as_ref(), PROSE_LENGTH);
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        let mut references = vec![("community", self.community.into())];
        references.extend(self.indicator.map(|id| ("indicator", id.into())));
        references.extend(self.named.iter().map(|&id| ("named", id.into())));
        references
    }
}
