//! API tokens in the schema.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{api_token as noun, error::Result, record::Stored};

use super::{
    community::Community,
    context::ContextExt as _,
    error::{IntoGraphql as _, UserError, user_errors},
    id,
    indicator::Indicator,
    input::{each, key},
    order::order,
    record::{ArchiveInput, RecordFields, archive, by_id_opt, may_change, payload, referred, shows},
    scalars::DateTime,
};

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::TokenAction")]
pub enum TokenAction {
    /// Reading as a member of its communities.
    Read,
    /// Sending in figures of its communities, by its indicators: they wait until a steward publishes them.
    RecordFigures,
    /// With RECORD_FIGURES: what it sends in is published at once.
    PublishFigures,
}

/// What a program signs in with: what it is for, never what it is. Revoked, it is archived. Seen by administrators, and by those
/// who answer for all its communities.
#[derive(Clone)]
pub struct ApiToken(Arc<Stored<noun::ApiToken>>);

shows!(ApiToken, noun::ApiToken);

/// What a program signs in with: what it is for, never what it is. Revoked, it is archived. Seen by administrators, and by those
/// who answer for all its communities.
#[Object]
impl ApiToken {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(self.0.id)
    }

    /// Version and times.
    #[graphql(flatten)]
    async fn record(&self) -> RecordFields {
        (&self.0.meta).into()
    }

    /// Whether you may archive it, or bring it back.
    async fn viewer_can_archive(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.archive)
    }

    /// What it is for.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its first characters, by which people know it again.
    async fn hint(&self) -> &str {
        &self.0.hint
    }

    /// For these communities.
    async fn communities(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Community>> {
        futures_util::future::try_join_all(self.0.communities.iter().map(|&id| referred(ctx, id))).await
    }

    /// For these indicators; all of them if none is named.
    async fn indicators(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Indicator>> {
        futures_util::future::try_join_all(self.0.indicators.iter().map(|&id| referred(ctx, id))).await
    }

    /// What it may be used for.
    async fn actions(&self) -> Vec<TokenAction> {
        self.0.actions.iter().copied().map(Into::into).collect()
    }

    /// Only from these addresses, `192.0.2.0/24`; from anywhere if none is named.
    async fn addresses(&self) -> Vec<String> {
        self.0.addresses.iter().map(ToString::to_string).collect()
    }

    /// The moment it ends, if it does.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(Into::into)
    }

    /// When it was last used, to the minute; nothing if it never was.
    async fn last_used_at(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<DateTime>> {
        let uses = ctx.services().last_uses(&[self.0.id]).await.into_graphql()?;
        Ok(uses.into_iter().next().map(|(_, at)| at.into()))
    }

    /// The token that it takes the place of.
    async fn replaces(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Self>> {
        by_id_opt(ctx, self.0.replaces).await
    }
}

order! { "tokens", ApiTokenOrder, ApiTokenOrderField, noun::ApiTokenSort,
    /// When they were created.
    CreatedAt,
    /// When they end; those that do not end come before all others.
    ExpiresAt,
}

/// What tokens are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ApiTokenFilter {
    /// For this community.
    pub community: Option<ID>,
    /// Whether revoked ones are listed too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl ApiTokenFilter {
    /// The filter, and whether revoked ones are asked for.
    pub fn read(self) -> Result<(noun::ApiTokenFilter, bool)> {
        let community = id::parse_opt(self.community.as_ref(), "filter.community")?;
        Ok((noun::ApiTokenFilter { community }, self.include_archived))
    }
}

/// A token to make.
#[derive(Debug, Clone, InputObject)]
pub struct ApiTokenCreateInput {
    /// What it is for.
    pub name: String,
    /// For these communities.
    pub communities: Vec<ID>,
    /// For these indicators; all of them if none is named.
    #[graphql(default)]
    pub indicators: Vec<ID>,
    /// What it may be used for.
    pub actions: Vec<TokenAction>,
    /// Only from these addresses, `192.0.2.0/24`; from anywhere if none is named.
    #[graphql(default)]
    pub addresses: Vec<String>,
    /// The moment it ends, if it does.
    pub expires_at: Option<DateTime>,
    /// The token that it takes the place of, which goes on for a week at most.
    pub replaces: Option<ID>,
}

impl ApiTokenCreateInput {
    fn read(self) -> Result<noun::ApiToken> {
        Ok(noun::ApiToken {
            name: self.name,
            hint: String::new(),
            communities: id::parse_all(&self.communities, "communities")?,
            indicators: id::parse_all(&self.indicators, "indicators")?,
            actions: self.actions.into_iter().map(Into::into).collect(),
            addresses: each(self.addresses, "addresses", |text, path| key(&text, path))?,
            expires_at: self.expires_at.map(|time| time.get("expiresAt")).transpose()?,
            replaces: id::parse_opt(self.replaces.as_ref(), "replaces")?,
        })
    }
}

/// What making a token answers.
#[derive(SimpleObject)]
pub struct ApiTokenCreatePayload {
    /// What it is for; nothing if it was refused.
    pub api_token: Option<ApiToken>,
    /// The token itself. It is answered this once and kept nowhere.
    pub secret: Option<String>,
    /// Why it was refused; empty if it was not.
    pub user_errors: Vec<UserError>,
}

payload! {
    /// What a change of a token answers.
    ApiTokenPayload { api_token: ApiToken }
}

/// Changes of tokens.
#[derive(Default)]
pub struct ApiTokenMutation;

/// Changes of tokens.
#[Object]
impl ApiTokenMutation {
    /// Makes a token for a program. For those who answer for every one of its communities.
    async fn api_token_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is for.")] input: ApiTokenCreateInput,
    ) -> async_graphql::Result<ApiTokenCreatePayload> {
        let made = match input.read() {
            Ok(token) => ctx.identity()?.create_token(ctx.actor(), token).await,
            Err(error) => Err(error),
        };
        Ok(match made {
            Ok((token, secret)) => ApiTokenCreatePayload {
                api_token: Some(Arc::new(token).into()),
                secret: Some(secret),
                user_errors: Vec::new(),
            },
            Err(error) => {
                ApiTokenCreatePayload { api_token: None, secret: None, user_errors: user_errors(error, "input")? }
            }
        })
    }

    /// Revokes a token at once.
    async fn api_token_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<ApiTokenPayload> {
        ApiTokenPayload::of(archive::<noun::ApiToken>(ctx, input).await, "input")
    }
}
