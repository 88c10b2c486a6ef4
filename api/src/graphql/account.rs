//! Accounts in the schema.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use domain::{account as noun, error::Result, grant::GrantFilter, record::Stored};

use super::{
    connection::{Connection, Paging, list},
    grant::{self, Grant, GrantOrder},
    id,
    input::{key, replace},
    order::{order, ordered},
    record::{ArchiveInput, RecordFields, archive, may_change, payload, shows, update},
    scalars::LanguageTag,
};

/// Somebody who can sign in. Archived, they cannot. Seen by themselves, by administrators, and by those who answer for a place
/// where they hold a role.
#[derive(Clone)]
pub struct Account(pub(super) Arc<Stored<noun::Account>>);

shows!(Account, noun::Account);

/// Somebody who can sign in. Archived, they cannot. Seen by themselves, by administrators, and by those who answer for a place
/// where they hold a role.
#[Object]
impl Account {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(self.0.id)
    }

    /// Version and times.
    #[graphql(flatten)]
    async fn record(&self) -> RecordFields {
        (&self.0.meta).into()
    }

    /// Whether you may change it.
    async fn viewer_can_update(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.update)
    }

    /// Whether you may archive it, or bring it back.
    async fn viewer_can_archive(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.archive)
    }

    /// The address that they sign in with.
    async fn email(&self) -> &str {
        self.0.email.as_str()
    }

    /// What they are called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The language that they prefer.
    async fn locale(&self) -> LanguageTag {
        self.0.locale.clone().into()
    }

    /// The roles that they hold, as far as the reader may see them.
    #[allow(clippy::too_many_arguments)]
    async fn grants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<grant::GrantFilter>,
        #[graphql(desc = "The order; by time if left out.")] order_by: Option<GrantOrder>,
    ) -> async_graphql::Result<Connection<Grant>> {
        let paging = Paging { first, after, last, before };
        let query = filter.unwrap_or_default().read().and_then(|(filter, archived)| {
            let filter = GrantFilter { account: Some(self.0.id), ..filter };
            paging.query(ctx, filter, ordered(order_by), archived)
        });
        list(ctx, query).await
    }
}

order! { "accounts", AccountOrder, AccountOrderField, noun::AccountSort,
    /// Their address.
    Email,
    /// When they were created.
    CreatedAt,
}

/// What accounts are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct AccountFilter {
    /// With this text in the name or address, whatever the case and marks.
    pub text: Option<String>,
    /// Whether archived ones are listed too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl AccountFilter {
    /// The filter, and whether archived ones are asked for.
    pub fn read(self) -> Result<(noun::AccountFilter, bool)> {
        Ok((noun::AccountFilter { text: self.text }, self.include_archived))
    }
}

/// A change of an account. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct AccountUpdateInput {
    /// The account.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// The address that they sign in with; only administrators change it.
    pub email: Option<String>,
    /// What they are called.
    pub name: Option<String>,
    /// The language that they prefer.
    pub locale: Option<LanguageTag>,
}

impl AccountUpdateInput {
    fn apply(self, now: &noun::Account) -> Result<noun::Account> {
        Ok(noun::Account {
            email: replace(self.email, &now.email, |email| key(&email, "email"))?,
            name: self.name.unwrap_or_else(|| now.name.clone()),
            locale: replace(self.locale, &now.locale, |locale| locale.get("locale"))?,
        })
    }
}

payload! {
    /// What a change of an account answers.
    AccountPayload { account: Account }
}

/// Changes of accounts.
#[derive(Default)]
pub struct AccountMutation;

/// Changes of accounts.
#[Object]
impl AccountMutation {
    /// Changes an account. For itself and for administrators.
    async fn account_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: AccountUpdateInput,
    ) -> async_graphql::Result<AccountPayload> {
        let (id, version) = (input.id.clone(), input.version);
        AccountPayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives an account, so that nobody can sign in with it, or brings it back. For administrators.
    async fn account_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<AccountPayload> {
        AccountPayload::of(archive::<noun::Account>(ctx, input).await, "input")
    }
}
