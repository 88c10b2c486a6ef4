//! What a resolver finds in its context: the use cases, who is asking, and the loaders of this one request.

use async_graphql::{Context, dataloader::DataLoader};
use domain::{
    access::Actor,
    error::Error,
    service::{Services, identity::Identity},
    text::{LanguageTag, Languages},
};

use super::{error::graphql, loaders::Batch};
use crate::auth::Authenticator;

/// Who is asking, and in which languages.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Who.
    pub actor: Actor,
    /// The languages preferred, best first, as `Accept-Language` names them.
    pub languages: Languages,
}

/// Reads the context of a request.
pub trait ContextExt {
    /// The use cases.
    fn services(&self) -> &Services;
    /// Who is asking.
    fn actor(&self) -> &Actor;
    /// The use cases of signing in.
    ///
    /// # Errors
    /// NOT_FOUND where there are no accounts.
    fn identity(&self) -> async_graphql::Result<&Identity>;
    /// The languages to serve a text in: the one asked for on the field, then those of the request.
    fn languages(&self, locale: Option<LanguageTag>) -> Vec<LanguageTag>;
    /// Loads records and lists for many parents at once.
    fn batch(&self) -> &DataLoader<Batch, async_graphql::dataloader::HashMapCache>;
}

impl ContextExt for Context<'_> {
    fn services(&self) -> &Services {
        self.data_unchecked()
    }

    fn actor(&self) -> &Actor {
        &self.data_unchecked::<Viewer>().actor
    }

    fn identity(&self) -> async_graphql::Result<&Identity> {
        let missing = || graphql(Error::NotFound { noun: "accounts", key: "service" });
        self.data_unchecked::<Authenticator>().identity().ok_or_else(missing)
    }

    fn languages(&self, locale: Option<LanguageTag>) -> Vec<LanguageTag> {
        locale.into_iter().chain(self.data_unchecked::<Viewer>().languages.iter().cloned()).collect()
    }

    fn batch(&self) -> &DataLoader<Batch, async_graphql::dataloader::HashMapCache> {
        self.data_unchecked()
    }
}
