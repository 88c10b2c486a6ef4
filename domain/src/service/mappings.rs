//! What mappings say now and said before.

use super::Services;
use crate::{
    access::{Actor, Scope},
    error::{Error, Problem, ProblemCode, Result},
    id::{EntityId as _, MappingId},
    mapping::{ColumnMapping, Mapping, MappingRef, MappingVersion},
    record::Stored,
    source::Source,
};

/// A mapping to read tables by.
#[derive(Debug, Clone)]
pub struct NamedMapping {
    /// What names this very version from now on.
    pub pinned: MappingRef,
    /// What it says.
    pub content: ColumnMapping,
    /// Whose tables.
    pub source: Stored<Source>,
}

impl Services {
    /// The newest so many versions of each of these mappings that the actor may see, of those below a number if one is given;
    /// the newest first.
    pub async fn mapping_versions(
        &self,
        actor: &Actor,
        mappings: &[MappingId],
        below: Option<i32>,
        most: i32,
    ) -> Result<Vec<MappingVersion>> {
        let seen: Vec<MappingId> =
            self.get::<Mapping>(actor, mappings).await?.iter().map(|mapping| mapping.id).collect();
        self.store.read().mapping_versions(&seen, below, most).await
    }

    /// What these versions of mappings say that the actor may see, those that there are, in any order.
    pub async fn mapping_contents(
        &self,
        actor: &Actor,
        versions: &[(MappingId, i32)],
    ) -> Result<Vec<((MappingId, i32), ColumnMapping)>> {
        let ids: Vec<MappingId> = versions.iter().map(|(mapping, _)| *mapping).collect();
        let seen: Vec<MappingId> = self.get::<Mapping>(actor, &ids).await?.iter().map(|mapping| mapping.id).collect();
        let seen: Vec<_> = versions.iter().copied().filter(|(mapping, _)| seen.contains(mapping)).collect();
        self.store.read().mapping_contents(&seen).await
    }

    /// The mapping of this name, to begin reading by it.
    ///
    /// # Errors
    /// [`Error::Validation`] of the field `mapping` if there is none, or no such version; [`Error::Conflict`] if it is archived.
    pub async fn mapping_to_begin(&self, named: &MappingRef) -> Result<NamedMapping> {
        let (mapping, found) = self.mapping_named(named).await?;
        if mapping.meta.archived_at.is_some() {
            let message = format!("the mapping “{}” is archived", named.key);
            return Err(Error::Conflict(Problem::new("mapping", ProblemCode::Archived, message)));
        }
        Ok(found)
    }

    /// The mapping of this name, to go on reading by it: also if it has been archived meanwhile.
    ///
    /// # Errors
    /// [`Error::Validation`] as [`Services::mapping_to_begin`].
    pub async fn mapping_to_go_on(&self, named: &MappingRef) -> Result<NamedMapping> {
        Ok(self.mapping_named(named).await?.1)
    }

    async fn mapping_named(&self, named: &MappingRef) -> Result<(Stored<Mapping>, NamedMapping)> {
        let missing = |message: String| Error::invalid("mapping", ProblemCode::NotFound, message);
        let repositories = self.store.read();
        let key = std::slice::from_ref(&named.key);
        let mapping = repositories.mappings().by_keys(&Scope::Everything, key).await?.pop();
        let mapping = mapping.ok_or_else(|| missing(format!("there is no mapping “{}”", named.key)))?;
        let number = named.number.unwrap_or(mapping.number);
        let content = repositories.mapping_contents(&[(mapping.id, number)]).await?.pop();
        let (_, content) =
            content.ok_or_else(|| missing(format!("the mapping “{}” has no version {number}", named.key)))?;
        let source = repositories.sources().get(&Scope::Everything, &[mapping.source]).await?.pop();
        let source =
            source.ok_or_else(|| Error::internal(format!("the source of mapping {} is gone", mapping.id.uuid())))?;
        let pinned = MappingRef { key: mapping.key.clone(), number: Some(number) };
        Ok((mapping, NamedMapping { pinned, content, source }))
    }
}
