//! What every record has in common: identity, an optimistic version, who and when.

use std::{fmt::Debug, hash::Hash, ops::Deref};

use chrono::{DateTime, Utc};

use crate::{
    access::Actor,
    error::{Error, Problem, ProblemCode, Problems, Result},
    id::{CommunityId, EntityId, NodeRef, SeriesId},
    page::SortKey,
};

/// A kind of record: its content, apart from identity and version.
pub trait Noun: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// Its identifier.
    type Id: EntityId;
    /// The natural key by which people look it up, or [`NoKey`].
    type Key: AsRef<str> + Clone + Debug + Eq + Hash + Send + Sync;
    /// What a list can be narrowed by.
    type Filter: Clone + Debug + Default + Eq + Hash + Send + Sync;
    /// What a list can be ordered by.
    type Sort: SortKey;
    /// Whose child it can be listed as.
    type Parent: Copy + Debug + Eq + Hash + Send + Sync;

    /// The natural key, where there is one.
    fn key(&self) -> Option<&Self::Key>;

    /// Notes every rule that the content breaks by itself, without looking at anything else.
    fn check(&self, problems: &mut Problems);

    /// The community whose data it is, if reading it is reading that community's data.
    fn data_of(&self) -> Option<CommunityId> {
        None
    }

    /// The series whose data it is, where only the series says whose that is.
    fn data_of_series(&self) -> Option<SeriesId> {
        None
    }

    /// Whatever the content refers to, with the field that refers to it: all of it must exist.
    fn references(&self) -> Vec<(&'static str, NodeRef)>;
}

/// The key of a record that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoKey {}

impl AsRef<str> for NoKey {
    fn as_ref(&self) -> &str {
        match *self {}
    }
}

/// The parent of a record that is never listed as a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoParent {}

/// Version, times and actors of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Counts from 1; every change adds one, and an update must name the version that it saw.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// By whom.
    pub created_by: String,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// By whom.
    pub updated_by: String,
    /// Since when it has been archived: kept and readable, but out of the lists.
    pub archived_at: Option<DateTime<Utc>>,
}

/// A record: some content with its identity and version.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<N: Noun> {
    /// Its identity.
    pub id: N::Id,
    /// Version, times and actors.
    pub meta: Meta,
    /// The content.
    pub value: N,
}

impl<N: Noun> Deref for Stored<N> {
    type Target = N;

    fn deref(&self) -> &N {
        &self.value
    }
}

impl<N: Noun> Stored<N> {
    /// A new record of checked content.
    pub fn create(id: N::Id, value: N, actor: &Actor, now: DateTime<Utc>) -> Result<Self> {
        let mut problems = Problems::default();
        value.check(&mut problems);
        problems.into_result()?;
        let who = actor.name();
        Ok(Self {
            id,
            meta: Meta {
                version: 1,
                created_at: now,
                created_by: who.clone(),
                updated_at: now,
                updated_by: who,
                archived_at: None,
            },
            value,
        })
    }

    /// The record with other content, for an actor who saw version `seen`.
    ///
    /// # Errors
    /// [`Error::Conflict`] for a stale version or an archived record, [`Error::Validation`] for bad content.
    pub fn changed(&self, value: N, seen: i32, actor: &Actor, now: DateTime<Utc>) -> Result<Self> {
        self.expect_version(seen)?;
        if self.meta.archived_at.is_some() {
            return Err(Error::Conflict(Problem::new("id", ProblemCode::Archived, "it is archived; restore it first")));
        }
        let mut problems = Problems::default();
        value.check(&mut problems);
        problems.into_result()?;
        Ok(Self { id: self.id, meta: self.meta.touched(actor, now), value })
    }

    /// The record archived or restored, for an actor who saw version `seen`. Doing it twice changes nothing.
    pub fn archived(&self, archived: bool, seen: i32, actor: &Actor, now: DateTime<Utc>) -> Result<Self> {
        self.expect_version(seen)?;
        if self.meta.archived_at.is_some() == archived {
            return Ok(self.clone());
        }
        let mut meta = self.meta.touched(actor, now);
        meta.archived_at = archived.then_some(now);
        Ok(Self { id: self.id, meta, value: self.value.clone() })
    }

    fn expect_version(&self, seen: i32) -> Result<()> {
        if seen == self.meta.version {
            return Ok(());
        }
        Err(Error::Conflict(Problem::new(
            "version",
            ProblemCode::StaleVersion,
            format!("version {seen} is not current; it is at version {}: read it again", self.meta.version),
        )))
    }
}

impl Meta {
    fn touched(&self, actor: &Actor, now: DateTime<Utc>) -> Self {
        Self { version: self.version.saturating_add(1), updated_at: now, updated_by: actor.name(), ..self.clone() }
    }
}
