//! Sources in the schema.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use domain::{error::Result, record::Stored, source as noun};

use super::{
    id,
    input::{key, patch, replace},
    order::order,
    record::{ArchiveInput, RecordFields, archive, create, may_change, payload, shows, update},
    scalars::{LanguageTag, URL},
    text::{LocalizedText, LocalizedTextInput, serve, serve_opt},
};

/// Where figures come from. A source measures by one method; another method is another source.
#[derive(Clone)]
pub struct Source(Arc<Stored<noun::Source>>);

shows!(Source, noun::Source);

/// Where figures come from. A source measures by one method; another method is another source.
#[Object]
impl Source {
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

    /// Its stable key.
    async fn key(&self) -> &str {
        self.0.key.as_str()
    }

    /// Its name, as it wishes to be cited.
    async fn name(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<LocalizedText> {
        serve(ctx, &self.0.name, locale)
    }

    /// Where it publishes.
    async fn url(&self) -> Option<URL> {
        self.0.url.clone().map(Into::into)
    }

    /// How it measures.
    async fn method(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.method.as_ref(), locale)
    }

    /// Whether it has controlled disclosure itself, as offices of statistics do: then its figures are shown as it published
    /// them, however few they count.
    async fn disclosure_controlled(&self) -> bool {
        self.0.disclosure_controlled
    }
}

order! { "sources", SourceOrder, SourceOrderField, noun::SourceSort,
    /// The name in its source language.
    Name,
    /// When it was recorded.
    CreatedAt,
}

/// What sources are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct SourceFilter {
    /// The name in any language or the key contains this, whatever the case and marks.
    pub text: Option<String>,
    /// Archived ones too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl SourceFilter {
    /// The filter, and whether archived records are listed too.
    #[allow(clippy::unnecessary_wraps)] // read like every other filter
    pub fn read(self) -> Result<(noun::SourceFilter, bool)> {
        Ok((noun::SourceFilter { text: self.text }, self.include_archived))
    }
}

/// A source to add.
#[derive(Debug, Clone, InputObject)]
pub struct SourceCreateInput {
    /// Its stable key: 1 to 120 letters, digits and . _ - : /.
    pub key: String,
    /// Its name, as it wishes to be cited, at most 200 characters.
    pub name: LocalizedTextInput,
    /// Where it publishes.
    pub url: Option<URL>,
    /// How it measures.
    pub method: Option<LocalizedTextInput>,
    /// Whether it has controlled disclosure itself; only an administrator says so.
    #[graphql(default)]
    pub disclosure_controlled: bool,
}

/// A change of a source. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct SourceUpdateInput {
    /// The source.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// Its stable key.
    pub key: Option<String>,
    /// Its name.
    pub name: Option<LocalizedTextInput>,
    /// Where it publishes; null takes it away.
    pub url: MaybeUndefined<URL>,
    /// How it measures; null takes it away.
    pub method: MaybeUndefined<LocalizedTextInput>,
    /// Whether it has controlled disclosure itself; only an administrator says so.
    pub disclosure_controlled: Option<bool>,
}

payload! {
    /// What a change of a source answers.
    SourcePayload { source: Source }
}

impl SourceCreateInput {
    fn read(self) -> Result<noun::Source> {
        Ok(noun::Source {
            key: key(&self.key, "key")?,
            name: self.name.get("name")?,
            url: self.url.map(|url| url.get("url")).transpose()?,
            method: self.method.map(|method| method.get("method")).transpose()?,
            disclosure_controlled: self.disclosure_controlled,
        })
    }
}

impl SourceUpdateInput {
    fn apply(self, now: &noun::Source) -> Result<noun::Source> {
        Ok(noun::Source {
            key: replace(self.key, &now.key, |text| key(&text, "key"))?,
            name: replace(self.name, &now.name, |name| name.get("name"))?,
            url: patch(self.url, &now.url, |url| url.get("url"))?,
            method: patch(self.method, &now.method, |method| method.get("method"))?,
            disclosure_controlled: self.disclosure_controlled.unwrap_or(now.disclosure_controlled),
        })
    }
}

/// Changes of sources.
#[derive(Default)]
pub struct SourceMutation;

/// Changes of sources.
#[Object]
impl SourceMutation {
    /// Adds a source.
    async fn source_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: SourceCreateInput,
    ) -> async_graphql::Result<SourcePayload> {
        SourcePayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes a source.
    async fn source_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: SourceUpdateInput,
    ) -> async_graphql::Result<SourcePayload> {
        let (id, version) = (input.id.clone(), input.version);
        SourcePayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a source or brings it back.
    async fn source_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<SourcePayload> {
        SourcePayload::of(archive::<noun::Source>(ctx, input).await, "input")
    }
}
