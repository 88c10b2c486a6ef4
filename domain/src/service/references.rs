//! What new records and figures refer to: it exists for whoever makes them, and it is not archived. What was recorded before
//! something was archived stays as it is, history and all, and can still be changed otherwise.

use std::collections::HashSet;

use super::Session;
use crate::{
    access::Scope,
    error::{Error, Problem, ProblemCode, Problems, Result},
    id::{IndicatorId, NodeKind, NodeRef},
    series::Series,
};

/// That nothing new refers to something archived, for the field that does.
pub(super) fn archived(field: &str, of: NodeRef) -> Problem {
    Problem::new(field, ProblemCode::Archived, format!("this {} is archived: restore it first", of.kind))
}

impl Session {
    /// Refuses what does not exist for the actor, and what is archived.
    pub(super) async fn check_references(&self, references: &[(&'static str, NodeRef)]) -> Result<()> {
        let ids: Vec<_> = references.iter().map(|(_, id)| *id).collect();
        let missing = self.repositories().missing(&self.reader(), &ids).await?;
        let gone = self.repositories().archived(&ids).await?;
        let mut problems = Problems::default();
        for &(field, id) in references {
            if missing.contains(&id) {
                problems.add(field, ProblemCode::NotFound, format!("there is no such {}", id.kind));
            } else if gone.contains(&id) {
                problems.push(archived(field, id));
            }
        }
        problems.into_result()
    }

    /// Refuses series of what is archived, and of performance measures (invariant 7). What was found good once in this session
    /// is not looked up again.
    pub(super) async fn check_series<'a>(&self, series: impl Iterator<Item = &'a Series>) -> Result<()> {
        let of = |series: &Series| -> [(&'static str, NodeRef); 4] {
            [
                ("community", series.community.into()),
                ("indicator", series.indicator.into()),
                ("indicatorVersion", series.indicator_version.into()),
                ("source", series.source.into()),
            ]
        };
        let new = self.not_yet_checked(series.flat_map(of));
        if new.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = new.iter().map(|(_, id)| *id).collect();
        let gone = self.repositories().archived(&ids).await?;
        if let Some((field, id)) = new.iter().find(|(_, id)| gone.contains(id)) {
            return Err(archived(field, *id).into());
        }
        let indicators: Vec<_> =
            ids.iter().filter(|id| id.kind == NodeKind::Indicator).map(|id| IndicatorId::from(id.id)).collect();
        let found = self.repositories().indicators().get(&Scope::Everything, &indicators).await?;
        if found.len() != indicators.len() {
            return Err(Error::internal("a series of an indicator that is not there"));
        }
        let mut problems = Problems::default();
        for indicator in &found {
            Series::check_kind(indicator, &mut problems);
        }
        problems.into_result()?;
        self.note_checked(ids);
        Ok(())
    }

    /// Those of these references that were not found good before, each once and in order.
    fn not_yet_checked(
        &self,
        references: impl Iterator<Item = (&'static str, NodeRef)>,
    ) -> Vec<(&'static str, NodeRef)> {
        let mut met = HashSet::new();
        let mut new: Vec<_> = self
            .with_checked(|checked| references.filter(|(_, id)| met.insert(*id) && !checked.contains(id)).collect());
        new.sort_unstable();
        new
    }

    fn note_checked(&self, ids: Vec<NodeRef>) {
        self.with_checked(|checked| checked.extend(ids));
    }
}
