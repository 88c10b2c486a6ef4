//! What every record shows: the same fields, the same ways in and out.

use std::{str::FromStr, sync::Arc};

use async_graphql::{Context, ID, InputObject, SimpleObject};
use domain::{
    id::EntityId as _,
    port::store::{Holds, Repositories},
    record::{Meta, Noun, Stored},
    service::{Governed, MayChange},
};

use super::{
    connection::Shows,
    context::ContextExt as _,
    error::{self, IntoGraphql as _},
    id,
    loaders::MayOn,
    scalars::DateTime,
};

/// Version and times of a record; flattened into every type that shows one.
#[derive(Debug, Clone, SimpleObject)]
pub struct RecordFields {
    /// Counts from 1. A change must name the version that it saw, so that nobody overwrites what they have not read.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime,
    /// When it last changed.
    pub updated_at: DateTime,
    /// Since when it has been archived: kept and readable, but out of the lists unless they are asked for it.
    pub archived_at: Option<DateTime>,
}

impl From<&Meta> for RecordFields {
    fn from(meta: &Meta) -> Self {
        Self {
            version: meta.version,
            created_at: meta.created_at.into(),
            updated_at: meta.updated_at.into(),
            archived_at: meta.archived_at.map(Into::into),
        }
    }
}

/// Declares the type that shows a kind of record: a shared handle, with its name in the schema.
macro_rules! shows {
    ($name:ident, $noun:ty) => {
        impl From<std::sync::Arc<domain::record::Stored<$noun>>> for $name {
            fn from(record: std::sync::Arc<domain::record::Stored<$noun>>) -> Self {
                Self(record)
            }
        }

        impl $crate::graphql::connection::Listed for $name {
            const NAME: &'static str = stringify!($name);
        }

        impl $crate::graphql::connection::Shows for $name {
            type Noun = $noun;
        }
    };
}

/// Declares what a change of a record answers.
macro_rules! payload {
    ($(#[$meta:meta])* $name:ident { $field:ident: $shown:ty }) => {
        $(#[$meta])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            /// The record as it now stands; nothing if it was refused.
            pub $field: Option<$shown>,
            /// Why it was refused; empty if it was not.
            pub user_errors: Vec<$crate::graphql::error::UserError>,
        }

        impl $name {
            /// What a change answers; `prefix` is the argument that it came in.
            ///
            /// # Errors
            /// What is not the caller's to mend in the input: see [`crate::graphql::error::user_errors`].
            pub fn of<R: Into<$shown>>(result: domain::Result<R>, prefix: &str) -> async_graphql::Result<Self> {
                Ok(match result {
                    Ok(record) => Self { $field: Some(record.into()), user_errors: Vec::new() },
                    Err(error) => Self { $field: None, user_errors: $crate::graphql::error::user_errors(error, prefix)? },
                })
            }
        }
    };
}

pub(super) use {payload, shows};

/// Archives a record or brings it back.
#[derive(Debug, Clone, InputObject)]
pub struct ArchiveInput {
    /// The record.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// Whether it is to be archived; false brings it back.
    #[graphql(default = true)]
    pub archived: bool,
}

/// Creates a record from what an input says.
pub async fn create<N: Governed>(ctx: &Context<'_>, value: domain::Result<N>) -> domain::Result<Arc<Stored<N>>>
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    ctx.services().create(ctx.actor(), value?).await.map(Arc::new)
}

/// Changes a record of which the caller saw version `seen`.
pub async fn update<N: Governed>(
    ctx: &Context<'_>,
    id: &ID,
    seen: i32,
    change: impl FnOnce(&N) -> domain::Result<N> + Send,
) -> domain::Result<Arc<Stored<N>>>
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let id = id::parse(id, "id")?;
    ctx.services().update(ctx.actor(), id, seen, change).await.map(Arc::new)
}

/// Archives a record or brings it back, as a mutation asks for.
pub async fn archive<N: Governed>(ctx: &Context<'_>, input: ArchiveInput) -> domain::Result<Arc<Stored<N>>>
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let id = id::parse(&input.id, "id")?;
    ctx.services().archive::<N>(ctx.actor(), id, input.version, input.archived).await.map(Arc::new)
}

/// What the reader may do with a record; found out together with that of its siblings.
pub async fn may_change<N: Governed>(ctx: &Context<'_>, record: &Arc<Stored<N>>) -> async_graphql::Result<MayChange> {
    let may = ctx.batch().load_one(MayOn(Arc::clone(record))).await.into_graphql()?;
    Ok(may.unwrap_or_default())
}

/// One record by its id, loaded together with those of its siblings; nothing if the reader may not see it.
pub async fn by_id<T: Shows>(ctx: &Context<'_>, id: <T::Noun as Noun>::Id) -> async_graphql::Result<Option<T>>
where
    for<'a> dyn Repositories + 'a: Holds<T::Noun>,
{
    Ok(T::find(ctx, id).await.into_graphql()?.map(T::from))
}

/// The record that another names, if it names one.
pub async fn by_id_opt<T: Shows>(
    ctx: &Context<'_>,
    id: Option<<T::Noun as Noun>::Id>,
) -> async_graphql::Result<Option<T>>
where
    for<'a> dyn Repositories + 'a: Holds<T::Noun>,
{
    match id {
        Some(id) => by_id(ctx, id).await,
        None => Ok(None),
    }
}

/// One record by its natural key; nothing if the reader may not see it. Of several the oldest.
pub async fn by_key<T: Shows>(ctx: &Context<'_>, key: &str) -> async_graphql::Result<Option<T>>
where
    for<'a> dyn Repositories + 'a: Holds<T::Noun>,
    <T::Noun as Noun>::Key: FromStr,
{
    // A text that cannot be a key is the key of nothing.
    let Ok(key) = key.parse() else { return Ok(None) };
    let found = ctx.services().by_keys::<T::Noun>(ctx.actor(), &[key]).await.into_graphql()?;
    let found = found.into_iter().min_by_key(|record| (record.meta.created_at, record.id.uuid()));
    Ok(found.map(|record| T::from(Arc::new(record))))
}

/// A record that another one refers to and that is therefore there.
pub async fn referred<T: Shows>(ctx: &Context<'_>, id: <T::Noun as Noun>::Id) -> async_graphql::Result<T>
where
    for<'a> dyn Repositories + 'a: Holds<T::Noun>,
{
    by_id(ctx, id)
        .await?
        .ok_or_else(|| error::graphql(domain::Error::internal("a record that is referred to is not there")))
}
