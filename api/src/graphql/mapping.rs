//! How tables of sources are read, in the schema.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, InputObject, Json, Object, SimpleObject, dataloader::Loader};
use domain::{
    error::{Error, FieldPath, ProblemCode, Result},
    id::{MappingId, SourceId},
    mapping::{self as noun, ColumnMapping},
    record::Stored,
};
use serde_json::Value;

use super::{
    context::ContextExt as _,
    error::{IntoGraphql as _, graphql},
    id,
    input::{key, replace},
    loaders::Batch,
    order::order,
    record::{ArchiveInput, RecordFields, archive, create, may_change, payload, referred, shows, update},
    scalars::DateTime,
    source::Source,
};

/// Versions answered at most.
const MOST_VERSIONS: i32 = 100;

/// How the tables of a source are read: which columns say what. What it says never changes: a change is another version of it.
#[derive(Clone)]
pub struct Mapping(Arc<Stored<noun::Mapping>>);

shows!(Mapping, noun::Mapping);

/// A version of a mapping.
#[derive(Debug, Clone, SimpleObject)]
pub struct MappingVersion {
    /// Counts from 1 within the mapping. `KEY@3` names the third version.
    pub number: i32,
    /// Since when.
    pub since: DateTime,
}

/// How the tables of a source are read: which columns say what. What it says never changes: a change is another version of it.
#[Object]
impl Mapping {
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

    /// Its stable key, by which imports name it.
    async fn key(&self) -> &str {
        self.0.key.as_str()
    }

    /// Whose tables: the source of figures for which neither the import nor the mapping names another.
    async fn source(&self, ctx: &Context<'_>) -> async_graphql::Result<Source> {
        referred(ctx, self.0.source).await
    }

    /// The number of its newest version, from 1.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// What it says: an object, as the guide to importing describes it. Nothing if there is no version of this number.
    async fn content(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of a version; the newest if left out.")] number: Option<i32>,
    ) -> async_graphql::Result<Option<Json<Value>>> {
        let Some(number) = number.filter(|number| *number != self.0.number) else {
            return written(&self.0.content).map(Some).into_graphql();
        };
        let found = ctx.batch().load_one(ContentOf { mapping: self.0.id, number }).await.into_graphql()?;
        found.map(|content| written(&content)).transpose().into_graphql()
    }

    /// Its versions, the newest first.
    async fn versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20, desc = "So many, 1 to 100.")] first: i32,
        #[graphql(desc = "Only versions of a smaller number.")] below: Option<i32>,
    ) -> async_graphql::Result<Vec<MappingVersion>> {
        if !(1..=MOST_VERSIONS).contains(&first) {
            return Err(graphql(Error::invalid("first", ProblemCode::OutOfRange, "1 to 100")));
        }
        let wanted = VersionsOf { mapping: self.0.id, first, below };
        let found = ctx.batch().load_one(wanted).await.into_graphql()?.unwrap_or_default();
        let shown =
            |version: &noun::MappingVersion| MappingVersion { number: version.number, since: version.since.into() };
        Ok(found.iter().map(shown).collect())
    }
}

fn written(content: &ColumnMapping) -> Result<Json<Value>> {
    serde_json::to_value(content).map(Json).map_err(Error::internal)
}

/// What a version of a mapping says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentOf {
    mapping: MappingId,
    number: i32,
}

impl Loader<ContentOf> for Batch {
    type Value = Arc<ColumnMapping>;
    type Error = Error;

    async fn load(&self, keys: &[ContentOf]) -> Result<HashMap<ContentOf, Self::Value>, Error> {
        let versions: Vec<(MappingId, i32)> = keys.iter().map(|key| (key.mapping, key.number)).collect();
        let found = self.services.mapping_contents(&self.actor, &versions).await?;
        let keyed = |((mapping, number), content)| (ContentOf { mapping, number }, Arc::new(content));
        Ok(found.into_iter().map(keyed).collect())
    }
}

/// Versions of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VersionsOf {
    mapping: MappingId,
    first: i32,
    below: Option<i32>,
}

impl Loader<VersionsOf> for Batch {
    type Value = Arc<Vec<noun::MappingVersion>>;
    type Error = Error;

    async fn load(&self, keys: &[VersionsOf]) -> Result<HashMap<VersionsOf, Self::Value>, Error> {
        let mut asked: HashMap<(i32, Option<i32>), Vec<MappingId>> = HashMap::new();
        for key in keys {
            asked.entry((key.first, key.below)).or_default().push(key.mapping);
        }
        let mut found: HashMap<VersionsOf, Vec<noun::MappingVersion>> = HashMap::new();
        for ((first, below), mappings) in asked {
            for version in self.services.mapping_versions(&self.actor, &mappings, below, first).await? {
                found.entry(VersionsOf { mapping: version.mapping, first, below }).or_default().push(version);
            }
        }
        Ok(found.into_iter().map(|(key, versions)| (key, Arc::new(versions))).collect())
    }
}

order! { "mappings", MappingOrder, MappingOrderField, noun::MappingSort,
    /// The key.
    Key,
    /// When it was recorded.
    CreatedAt,
}

/// What mappings are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct MappingFilter {
    /// Of tables of this source.
    pub source: Option<ID>,
    /// Archived ones too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl MappingFilter {
    /// The filter, and whether archived records are listed too.
    ///
    /// # Errors
    /// A text that is no id of a source.
    pub fn read(self) -> Result<(noun::MappingFilter, bool)> {
        let source = self.source.map(|source| id::parse::<SourceId>(&source, "filter.source")).transpose()?;
        Ok((noun::MappingFilter { source }, self.include_archived))
    }
}

/// A mapping to add.
#[derive(Debug, Clone, InputObject)]
pub struct MappingCreateInput {
    /// Its stable key: 1 to 120 letters, digits and . _ - : /.
    pub key: String,
    /// Whose tables.
    pub source: ID,
    /// What it says: an object, as the guide to importing describes it.
    pub content: Json<Value>,
}

/// A change of a mapping. What is left out stays as it is; another content is another version of it.
#[derive(Debug, Clone, InputObject)]
pub struct MappingUpdateInput {
    /// The mapping.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// Its stable key.
    pub key: Option<String>,
    /// Whose tables.
    pub source: Option<ID>,
    /// What it says from now on.
    pub content: Option<Json<Value>>,
}

payload! {
    /// What a change of a mapping answers.
    MappingPayload { mapping: Mapping }
}

/// What an input says, or the path in it of what is not understood.
fn content(given: &Json<Value>) -> Result<ColumnMapping> {
    serde_path_to_error::deserialize(&given.0).map_err(|error| {
        let steps = error.path().iter().filter_map(|step| match step {
            serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
            serde_path_to_error::Segment::Map { key } => Some(key.clone()),
            serde_path_to_error::Segment::Enum { variant } => Some(variant.clone()),
            serde_path_to_error::Segment::Unknown => None,
        });
        let path = FieldPath(std::iter::once("content".to_owned()).chain(steps).collect());
        Error::invalid(path, ProblemCode::Invalid, error.inner().to_string())
    })
}

impl MappingCreateInput {
    fn read(self) -> Result<noun::Mapping> {
        Ok(noun::Mapping {
            key: key(&self.key, "key")?,
            source: id::parse(&self.source, "source")?,
            number: 1,
            content: content(&self.content)?,
        })
    }
}

impl MappingUpdateInput {
    fn apply(self, now: &noun::Mapping) -> Result<noun::Mapping> {
        Ok(noun::Mapping {
            key: replace(self.key, &now.key, |text| key(&text, "key"))?,
            source: replace(self.source, &now.source, |source| id::parse(&source, "source"))?,
            number: now.number,
            content: replace(self.content, &now.content, |given| content(&given))?,
        })
    }
}

/// Changes of mappings.
#[derive(Default)]
pub struct MappingMutation;

/// Changes of mappings.
#[Object]
impl MappingMutation {
    /// Adds a mapping. What is wrong within it is told with the path in it.
    async fn mapping_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: MappingCreateInput,
    ) -> async_graphql::Result<MappingPayload> {
        MappingPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes a mapping. Another content is another version of it; those before stay, and can be named in imports.
    async fn mapping_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: MappingUpdateInput,
    ) -> async_graphql::Result<MappingPayload> {
        let (id, version) = (input.id.clone(), input.version);
        MappingPayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a mapping or brings it back. No import begins by an archived one.
    async fn mapping_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<MappingPayload> {
        MappingPayload::of(archive::<noun::Mapping>(ctx, input).await, "input")
    }
}
