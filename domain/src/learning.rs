//! Learnings: what a community tried, what came of it, and why it thinks so.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    code::codes,
    error::{Problem, ProblemCode, Problems},
    id::{CommunityId, IndicatorId, InitiativeId, LearningId, NetworkId, NodeRef},
    initiative::Issue,
    key::Slug,
    page::SortKey,
    record::Noun,
    rules::{self, NAME_LENGTH, PROSE_LENGTH},
    text::{LanguageTag, LocalizedText},
};

codes! {
    /// What kind of lesson it is.
    pub enum LearningKind {
        /// Something worked.
        Worked = "WORKED",
        /// Something did not work.
        DidNotWork = "DID_NOT_WORK",
        /// Something happened that nobody expected.
        Unexpected = "UNEXPECTED",
        /// Something must be in place for success.
        ConditionForSuccess = "CONDITION_FOR_SUCCESS",
    }
}

codes! {
    /// How well a lesson is supported.
    pub enum EvidenceStage {
        /// First signs.
        Emerging = "EMERGING",
        /// Some evidence in one place.
        Promising = "PROMISING",
        /// Evidence in several places.
        Leading = "LEADING",
        /// Independent successful application elsewhere.
        Best = "BEST",
    }
}

codes! {
    /// Where a learning stands in its life. Any status may become RETRACTED.
    pub enum LearningStatus {
        /// Being written.
        Draft = "DRAFT",
        /// Shared with whoever its visibility names.
        Shared = "SHARED",
        /// Under review by others.
        UnderReview = "UNDER_REVIEW",
        /// Reviewed.
        Evaluated = "EVALUATED",
        /// No longer current.
        Archived = "ARCHIVED",
        /// Withdrawn.
        Retracted = "RETRACTED",
    }
}

impl LearningStatus {
    /// Whether a learning may go from this status to `next`. Staying is always possible.
    pub fn may_become(self, next: Self) -> bool {
        use LearningStatus::{Archived, Draft, Evaluated, Retracted, Shared, UnderReview};
        self == next
            || (next == Retracted && self != Retracted)
            || matches!(
                (self, next),
                (Draft, Shared) | (Shared, UnderReview) | (UnderReview, Evaluated) | (Evaluated, Archived)
            )
    }

    /// Whether it is past being written and not withdrawn.
    pub const fn is_out(self) -> bool {
        !matches!(self, Self::Draft | Self::Retracted)
    }
}

codes! {
    /// Who may read something, from fewest to most; AGGREGATE_ONLY is counted and never read alone.
    pub enum Visibility {
        /// Whoever wrote it.
        Private = "PRIVATE",
        /// The community it belongs to.
        Community = "COMMUNITY",
        /// Communities that were named.
        NamedCommunities = "NAMED_COMMUNITIES",
        /// The communities of the network.
        Network = "NETWORK",
        /// Everybody.
        Public = "PUBLIC",
        /// Nobody alone: it enters totals only.
        AggregateOnly = "AGGREGATE_ONLY",
    }
}

/// A learning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learning {
    /// Its readable address. Where two have the same, because neither's writer may read the other, whoever reads both finds the older.
    pub slug: Slug,
    /// The community that learned it.
    pub community: CommunityId,
    /// The initiative it comes from.
    pub initiative: Option<InitiativeId>,
    /// Who wrote it down.
    pub author: String,
    /// What kind of lesson it is.
    pub kind: LearningKind,
    /// What it is about.
    pub issue: Issue,
    /// Its title.
    pub title: LocalizedText,
    /// The situation in which it was learned.
    pub context: Option<LocalizedText>,
    /// What was done.
    pub what_we_did: LocalizedText,
    /// What came of it.
    pub what_happened: LocalizedText,
    /// Why its authors think so.
    pub why_we_think_so: Option<LocalizedText>,
    /// How well it is supported.
    pub evidence_stage: EvidenceStage,
    /// Who may read it.
    pub visibility: Visibility,
    /// The communities that may read it, for NAMED_COMMUNITIES.
    pub named: Vec<CommunityId>,
    /// Where it stands.
    pub status: LearningStatus,
    /// When it was shared.
    pub shared_at: Option<DateTime<Utc>>,
    /// The indicators it speaks of.
    pub indicators: Vec<IndicatorId>,
}

impl Learning {
    /// The languages in which it can be read whole: those that every part of it has.
    pub fn languages(&self) -> Vec<LanguageTag> {
        let parts =
            [Some(&self.what_we_did), Some(&self.what_happened), self.context.as_ref(), self.why_we_think_so.as_ref()];
        self.title
            .languages()
            .filter(|tag| parts.iter().flatten().all(|part| part.get(tag).is_some()))
            .cloned()
            .collect()
    }

    /// This learning as it is when it takes the place of `before`: the status may take that step, and the moment of
    /// sharing is set once.
    ///
    /// # Errors
    /// [`ProblemCode::Conflict`] for a step that its lifecycle does not have.
    pub fn succeeding(
        mut self,
        before: LearningStatus,
        shared_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        if !before.may_become(self.status) {
            let message = format!("a learning cannot go from {before} to {}", self.status);
            return Err(Problem::new("status", ProblemCode::Conflict, message));
        }
        self.shared_at = shared_at.or(self.status.is_out().then_some(now));
        Ok(self)
    }
}

/// What learnings can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct LearningFilter {
    /// From this community.
    pub community: Option<CommunityId>,
    /// From this initiative.
    pub initiative: Option<InitiativeId>,
    /// From a community that is a member of this network at present.
    pub network: Option<NetworkId>,
    /// Speaking of this indicator.
    pub indicator: Option<IndicatorId>,
    /// About one of these issues.
    pub issues: Option<Vec<Issue>>,
    /// Of one of these kinds.
    pub kinds: Option<Vec<LearningKind>>,
    /// At one of these stages of evidence.
    pub evidence_stages: Option<Vec<EvidenceStage>>,
    /// In one of these statuses.
    pub statuses: Option<Vec<LearningStatus>>,
    /// Readable whole in this language, or in a variety of it: `fr` finds `fr-CA` too.
    pub language: Option<LanguageTag>,
    /// The title in any language or the slug contains this, whatever the case and marks.
    pub text: Option<String>,
}

/// What learnings can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LearningSort {
    /// When it was shared.
    #[default]
    SharedAt,
    /// The title in its source language.
    Title,
    /// When it was recorded.
    CreatedAt,
}

impl SortKey for LearningSort {
    fn name(self) -> &'static str {
        match self {
            Self::SharedAt => "learnings.shared",
            Self::Title => "learnings.title",
            Self::CreatedAt => "learnings.created",
        }
    }
}

/// Whose learnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LearningParent {
    /// A community's.
    Community,
    /// An initiative's.
    Initiative,
    /// Those that speak of an indicator.
    Indicator,
}

impl Noun for Learning {
    type Id = LearningId;
    type Key = Slug;
    type Filter = LearningFilter;
    type Sort = LearningSort;
    type Parent = LearningParent;

    fn key(&self) -> Option<&Slug> {
        Some(&self.slug)
    }

    fn check(&self, problems: &mut Problems) {
        rules::label(problems, "author", &self.author);
        rules::text(problems, "title", &self.title, NAME_LENGTH);
        rules::optional_text(problems, "context", self.context.as_ref(), PROSE_LENGTH);
        rules::text(problems, "whatWeDid", &self.what_we_did, PROSE_LENGTH);
        rules::text(problems, "whatHappened", &self.what_happened, PROSE_LENGTH);
        rules::optional_text(problems, "whyWeThinkSo", self.why_we_think_so.as_ref(), PROSE_LENGTH);
        let names = self.visibility == Visibility::NamedCommunities;
        problems.require(
            names != self.named.is_empty(),
            "namedCommunities",
            if names { ProblemCode::Required } else { ProblemCode::Invalid },
            "communities are named for NAMED_COMMUNITIES, and for nothing else",
        );
        rules::at_most(problems, "namedCommunities", &self.named, rules::MOST_NAMED);
        rules::distinct(problems, "namedCommunities", &self.named);
        rules::at_most(problems, "indicators", &self.indicators, 100);
        rules::distinct(problems, "indicators", &self.indicators);
    }

    fn data_of(&self) -> Option<CommunityId> {
        Some(self.community)
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        let mut references = vec![("community", self.community.into())];
        references.extend(self.initiative.map(|id| ("initiative", id.into())));
        references.extend(self.named.iter().map(|&id| ("namedCommunities", id.into())));
        references.extend(self.indicators.iter().map(|&id| ("indicators", id.into())));
        references
    }
}
