//! Participations: a partner's place in an initiative.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    code::codes,
    error::Problems,
    id::{InitiativeId, NodeRef, ParticipationId, PartnerId},
    page::SortKey,
    record::{NoKey, Noun},
    rules::{self, NAME_LENGTH},
    text::LocalizedText,
};

codes! {
    /// How close a partner is to the table (the engagement wheel).
    pub enum EngagementRing {
        /// Meets and decides regularly.
        Core = "CORE",
        /// Takes part in some of the work.
        Involved = "INVOLVED",
        /// Supports from outside.
        Supportive = "SUPPORTIVE",
        /// Is kept informed.
        Peripheral = "PERIPHERAL",
    }
}

codes! {
    /// What kind of knowledge a partner brings.
    pub enum Expertise {
        /// Professional knowledge of the issue.
        ContentExpert = "CONTENT_EXPERT",
        /// Lived experience of the issue.
        ContextExpert = "CONTEXT_EXPERT",
    }
}

codes! {
    /// How closely partners work together: an ordered scale, of which medians can be taken and means cannot.
    pub enum CollaborationLevel {
        /// They compete for the same means or public.
        Compete = "COMPETE",
        /// They work side by side without contact.
        Coexist = "COEXIST",
        /// They exchange information.
        Communicate = "COMMUNICATE",
        /// They help each other now and then.
        Cooperate = "COOPERATE",
        /// They adjust their work to each other.
        Coordinate = "COORDINATE",
        /// They share goals, decisions and means.
        Collaborate = "COLLABORATE",
        /// They are one programme.
        Integrate = "INTEGRATE",
    }
}

/// A partner's place in an initiative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Participation {
    /// The initiative.
    pub initiative: InitiativeId,
    /// The partner.
    pub partner: PartnerId,
    /// What it does there.
    pub role: LocalizedText,
    /// How close it is to the table.
    pub ring: EngagementRing,
    /// What kind of knowledge it brings.
    pub expertise: Option<Expertise>,
    /// How closely it works with the others now.
    pub collaboration_current: Option<CollaborationLevel>,
    /// How closely it would like to.
    pub collaboration_desired: Option<CollaborationLevel>,
    /// The first day of its participation.
    pub joined_on: NaiveDate,
    /// The day it left.
    pub left_on: Option<NaiveDate>,
}

/// What participations can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ParticipationFilter {
    /// In this initiative.
    pub initiative: Option<InitiativeId>,
    /// Of this partner.
    pub partner: Option<PartnerId>,
    /// In one of these rings.
    pub rings: Option<Vec<EngagementRing>>,
}

/// What participations can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ParticipationSort {
    /// The first day.
    #[default]
    JoinedOn,
    /// When it was recorded.
    CreatedAt,
}

impl SortKey for ParticipationSort {
    fn name(self) -> &'static str {
        match self {
            Self::JoinedOn => "participations.joined",
            Self::CreatedAt => "participations.created",
        }
    }
}

/// Whose participations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParticipationParent {
    /// In an initiative.
    Initiative,
    /// Of a partner.
    Partner,
}

impl Noun for Participation {
    type Id = ParticipationId;
    type Key = NoKey;
    type Filter = ParticipationFilter;
    type Sort = ParticipationSort;
    type Parent = ParticipationParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, problems: &mut Problems) {
        rules::text(problems, "role", &self.role, NAME_LENGTH);
        rules::dates_in_order(problems, "leftOn", self.joined_on, self.left_on);
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        vec![("initiative", self.initiative.into()), ("partner", self.partner.into())]
    }
}
