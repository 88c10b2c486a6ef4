//! Accounts: people who can sign in.

use serde::{Deserialize, Serialize};

use crate::{
    error::Problems,
    id::{AccountId, NodeRef},
    key::Email,
    page::SortKey,
    record::{NoParent, Noun},
    rules,
    text::LanguageTag,
};

/// Somebody who can sign in. Archived, they cannot; passwords and sessions are kept apart from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// The address that they sign in with.
    pub email: Email,
    /// What they are called.
    pub name: String,
    /// The language that they prefer.
    pub locale: LanguageTag,
}

/// What accounts can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct AccountFilter {
    /// With this text in the name or address, whatever the case and marks.
    pub text: Option<String>,
}

/// What accounts can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AccountSort {
    /// Their address.
    #[default]
    Email,
    /// When they were created.
    CreatedAt,
}

impl SortKey for AccountSort {
    fn name(self) -> &'static str {
        match self {
            Self::Email => "accounts.email",
            Self::CreatedAt => "accounts.created",
        }
    }
}

impl Noun for Account {
    type Id = AccountId;
    type Key = Email;
    type Filter = AccountFilter;
    type Sort = AccountSort;
    type Parent = NoParent;

    fn key(&self) -> Option<&Email> {
        Some(&self.email)
    }

    fn check(&self, problems: &mut Problems) {
        rules::label(problems, "name", &self.name);
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        Vec::new()
    }
}
