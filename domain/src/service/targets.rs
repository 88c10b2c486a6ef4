//! Setting targets.

use super::{Governed as _, Services, Session};
use crate::{
    access::{Actor, Scope},
    error::{Error, ProblemCode, Result},
    record::Stored,
    target::Target,
};

impl Services {
    /// Sets a target. If it replaces another, that one is archived with it: moved targets keep their history.
    ///
    /// # Errors
    /// [`Error::Validation`] naming `replaces` for a target of somebody else, on another indicator, or already archived.
    pub async fn set_target(&self, actor: &Actor, target: Target) -> Result<Stored<Target>> {
        let session = self.session(actor, Target::TO_WRITE).await?;
        let refused = session.refused();
        let result = Box::pin(session.set_target(target)).await;
        self.denied(actor, &refused, result).await
    }
}

impl Session {
    async fn set_target(self, target: Target) -> Result<Stored<Target>> {
        let replaced = target.replaces;
        let record = self.create(target).await?;
        if let Some(id) = replaced {
            let earlier = self.repositories().targets().get(&Scope::Everything, &[id]).await?.pop();
            let same = |earlier: &Stored<Target>| {
                earlier.indicator == record.indicator
                    && earlier.network == record.network
                    && earlier.community == record.community
                    && earlier.meta.archived_at.is_none()
            };
            let earlier = earlier.filter(same).ok_or_else(|| {
                let message = "it is not a current target of the same owner on the same indicator";
                Error::invalid("replaces", ProblemCode::Invalid, message)
            })?;
            self.archive::<Target>(id, earlier.meta.version, true).await?;
        }
        self.commit().await?;
        Ok(record)
    }
}
