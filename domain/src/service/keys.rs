//! The keys that access tokens are signed with, where the database keeps them: added and retired by whoever runs the
//! installation, and heard of by every replica.

use super::Services;
use crate::{
    access::{self, Actor, Needs},
    audit::{Action, NewEntry},
    error::{Error, Result},
    event::Event,
    port::{identity::SigningKey, store::UnitOfWork},
};

/// Completes “sign in to …” and “you may not …”.
const WHAT: &str = "change the keys that tokens are signed with";

impl Services {
    /// Keeps a key that signs from now on; those before it go on verifying.
    pub async fn add_key(&self, actor: &Actor, key: &SigningKey) -> Result<()> {
        access::require(actor, &Needs::operator(), self.clock.now(), WHAT)?;
        let work = self.store.begin().await?;
        work.repositories().identities().keep_signing_key(key).await?;
        self.keys_changed(actor, work, Action::KeyRotate, &key.kid).await
    }

    /// Retires a key: from now on tokens signed with it are not believed.
    ///
    /// # Errors
    /// [`Error::NotFound`] where no key of this name signs or verifies.
    pub async fn retire_key(&self, actor: &Actor, kid: &str) -> Result<()> {
        let now = self.clock.now();
        access::require(actor, &Needs::operator(), now, WHAT)?;
        let work = self.store.begin().await?;
        if !work.repositories().identities().retire_signing_key(kid, now).await? {
            return Err(Error::NotFound { noun: "signing key", key: "kid" });
        }
        self.keys_changed(actor, work, Action::KeyRetire, kid).await
    }

    /// Makes the change last, records it, and lets it be known.
    async fn keys_changed(&self, actor: &Actor, work: Box<dyn UnitOfWork>, action: Action, kid: &str) -> Result<()> {
        work.emit(&Event::KeysChanged).await?;
        let entry = NewEntry::by(actor, self.clock.now(), action).detail(kid);
        work.repositories().audit().record(&[entry]).await?;
        work.commit().await
    }
}
