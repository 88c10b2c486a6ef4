//! Initiatives: structured, cross-sector efforts of several years on one issue.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    code::codes,
    error::{ProblemCode, Problems},
    id::{CommunityId, InitiativeId, NetworkId, NodeRef, PartnerId},
    key::Slug,
    page::SortKey,
    record::Noun,
    rules::{self, NAME_LENGTH, PROSE_LENGTH},
    text::LocalizedText,
};

codes! {
    /// What an initiative or learning is about.
    pub enum Issue {
        /// Poverty.
        Poverty = "POVERTY",
        /// Homelessness.
        Homelessness = "HOMELESSNESS",
        /// Climate.
        Climate = "CLIMATE",
        /// Ecological transition.
        EcologicalTransition = "ECOLOGICAL_TRANSITION",
        /// Injustice.
        Injustice = "INJUSTICE",
        /// Education.
        Education = "EDUCATION",
        /// Young people's way from school to work.
        YouthTransition = "YOUTH_TRANSITION",
        /// Health.
        Health = "HEALTH",
        /// Food security.
        FoodSecurity = "FOOD_SECURITY",
        /// Any other issue.
        Other = "OTHER",
    }
}

codes! {
    /// Where an initiative stands in its life: PROPOSED, then ACTIVE, which may be PAUSED and taken up again, then CLOSED.
    pub enum InitiativeStatus {
        /// Under discussion.
        Proposed = "PROPOSED",
        /// Under way.
        Active = "ACTIVE",
        /// Interrupted.
        Paused = "PAUSED",
        /// Ended.
        Closed = "CLOSED",
    }
}

impl InitiativeStatus {
    /// Whether an initiative may go from this status to `next`. Staying is always possible.
    pub fn may_become(self, next: Self) -> bool {
        use InitiativeStatus::{Active, Closed, Paused, Proposed};
        self == next || matches!((self, next), (Proposed | Paused, Active | Closed) | (Active, Paused | Closed))
    }
}

codes! {
    /// The phases of collective impact. They are not a staircase: going back is possible and recorded.
    pub enum Phase {
        /// Are the preconditions met?
        AssessReadiness = "ASSESS_READINESS",
        /// Champions meet, the issue is framed.
        InitiateAction = "INITIATE_ACTION",
        /// Common agenda, shared measures and backbone take shape.
        OrganizeForImpact = "ORGANIZE_FOR_IMPACT",
        /// Partners act on the agenda.
        BeginImplementation = "BEGIN_IMPLEMENTATION",
        /// Action and impact are sustained.
        SustainActionAndImpact = "SUSTAIN_ACTION_AND_IMPACT",
    }
}

/// A stretch of an initiative's life in one phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseInterval {
    /// The phase.
    pub phase: Phase,
    /// Its first day.
    pub started_on: NaiveDate,
    /// The first day of what followed; none for the present phase.
    pub ended_on: Option<NaiveDate>,
}

/// An initiative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Initiative {
    /// Its readable address.
    pub slug: Slug,
    /// The community that leads it.
    pub community: CommunityId,
    /// The other communities that take part.
    pub other_communities: Vec<CommunityId>,
    /// What it is about.
    pub issue: Issue,
    /// Its title.
    pub title: LocalizedText,
    /// What it does, in a few sentences.
    pub summary: Option<LocalizedText>,
    /// Its first day.
    pub started_on: NaiveDate,
    /// The day it is expected to end.
    pub expected_end_on: Option<NaiveDate>,
    /// Where it stands.
    pub status: InitiativeStatus,
    /// Its phases so far, in order of time; exactly one is open.
    pub phases: Vec<PhaseInterval>,
}

impl Initiative {
    /// The phase it is in.
    pub fn current_phase(&self) -> Option<&PhaseInterval> {
        self.phases.iter().find(|interval| interval.ended_on.is_none())
    }

    /// Phase intervals follow each other without overlap and exactly one, the last, is open (invariant 10).
    fn check_phases(&self, problems: &mut Problems) {
        let open = self.phases.iter().filter(|interval| interval.ended_on.is_none()).count();
        problems.require(
            open == 1,
            "phases",
            ProblemCode::Invalid,
            "exactly one phase is open: the one without an end",
        );
        for (index, interval) in self.phases.iter().enumerate() {
            rules::dates_in_order(problems, &format!("phases.{index}.endedOn"), interval.started_on, interval.ended_on);
        }
        for (index, (earlier, later)) in self.phases.iter().zip(self.phases.iter().skip(1)).enumerate() {
            let apart = earlier.ended_on.is_some_and(|end| end <= later.started_on);
            problems.require(
                apart,
                format!("phases.{}.startedOn", index + 1),
                ProblemCode::Overlap,
                "a phase begins when the one before it has ended",
            );
        }
    }
}

/// What initiatives can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct InitiativeFilter {
    /// Led or joined by this community.
    pub community: Option<CommunityId>,
    /// Led by a community that is a member of this network at present.
    pub network: Option<NetworkId>,
    /// With this partner taking part.
    pub partner: Option<PartnerId>,
    /// About one of these issues.
    pub issues: Option<Vec<Issue>>,
    /// In one of these statuses.
    pub statuses: Option<Vec<InitiativeStatus>>,
    /// Now in one of these phases.
    pub phases: Option<Vec<Phase>>,
    /// The title in any language or the slug contains this, whatever the case and marks.
    pub text: Option<String>,
}

/// What initiatives can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum InitiativeSort {
    /// The title in its source language.
    #[default]
    Title,
    /// The first day.
    StartedOn,
    /// When it was recorded.
    CreatedAt,
}

impl SortKey for InitiativeSort {
    fn name(self) -> &'static str {
        match self {
            Self::Title => "initiatives.title",
            Self::StartedOn => "initiatives.started",
            Self::CreatedAt => "initiatives.created",
        }
    }
}

/// Whose initiatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InitiativeParent {
    /// Led or joined by a community.
    Community,
}

impl Noun for Initiative {
    type Id = InitiativeId;
    type Key = Slug;
    type Filter = InitiativeFilter;
    type Sort = InitiativeSort;
    type Parent = InitiativeParent;

    fn key(&self) -> Option<&Slug> {
        Some(&self.slug)
    }

    fn check(&self, problems: &mut Problems) {
        rules::text(problems, "title", &self.title, NAME_LENGTH);
        rules::optional_text(problems, "summary", self.summary.as_ref(), PROSE_LENGTH);
        rules::dates_in_order(problems, "expectedEndOn", self.started_on, self.expected_end_on);
        rules::at_most(problems, "otherCommunities", &self.other_communities, rules::MOST_JOINED);
        rules::distinct(problems, "otherCommunities", &self.other_communities);
        problems.require(
            !self.other_communities.contains(&self.community),
            "otherCommunities",
            ProblemCode::Taken,
            "the lead community is not one of the others",
        );
        rules::at_most(problems, "phases", &self.phases, rules::MOST_PHASES);
        self.check_phases(problems);
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        std::iter::once(("community", self.community.into()))
            .chain(self.other_communities.iter().map(|&id| ("otherCommunities", id.into())))
            .collect()
    }
}
