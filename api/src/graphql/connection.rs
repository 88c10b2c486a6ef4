//! Relay connections over keyset pages.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{Context, Enum, Object, OutputType, SimpleObject, TypeName};
use domain::{
    page::{Cursor, Direction, ListQuery, Order, Page, PageArgs, SortKey},
    port::store::{Holds, Repositories},
    record::{Noun, Stored},
};
use uuid::Uuid;

use super::{
    context::ContextExt,
    error::IntoGraphql,
    loaders::{Batch, ById, ChildrenOf},
};

/// A type that connections can list.
pub trait Listed: OutputType {
    /// Its name in the schema.
    const NAME: &'static str;
}

/// A type that shows a kind of record.
pub trait Shows: Listed + From<Arc<Stored<Self::Noun>>> {
    /// The record.
    type Noun: Noun;

    /// The one with this id, found together with those that its siblings ask for; nothing if the reader may not see it.
    fn find(
        ctx: &Context<'_>,
        id: <Self::Noun as Noun>::Id,
    ) -> impl Future<Output = domain::Result<Option<Arc<Stored<Self::Noun>>>>> + Send
    where
        for<'a> dyn Repositories + 'a: Holds<Self::Noun>,
    {
        async move { ctx.batch().load_one(ById::<Self::Noun>(id)).await }
    }
}

/// Which way a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest or earliest first.
    Asc,
    /// Largest or latest first.
    Desc,
}

impl From<OrderDirection> for Direction {
    fn from(direction: OrderDirection) -> Self {
        match direction {
            OrderDirection::Asc => Self::Ascending,
            OrderDirection::Desc => Self::Descending,
        }
    }
}

/// Where a page lies in its list.
#[derive(Debug, Clone, SimpleObject)]
pub struct PageInfo {
    /// Whether more follow this page.
    pub has_next_page: bool,
    /// Whether more precede this page.
    pub has_previous_page: bool,
    /// The cursor of the first record of the page.
    pub start_cursor: Option<String>,
    /// The cursor of the last record of the page.
    pub end_cursor: Option<String>,
}

/// A page of a list.
pub struct Connection<T> {
    edges: Vec<Edge<T>>,
    page_info: PageInfo,
    total: Option<u64>,
}

/// A record and its place in the list.
pub struct Edge<T> {
    cursor: String,
    node: T,
}

impl<T: Listed> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Connection", T::NAME))
    }
}

impl<T: Listed> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Edge", T::NAME))
    }
}

/// A page of a list. Pages are 1 to 100 records, 20 unless `first` or `last` says otherwise.
#[Object(name_type)]
impl<T: Listed> Connection<T> {
    /// The records of the page, each with its cursor.
    async fn edges(&self) -> &[Edge<T>] {
        &self.edges
    }

    /// The records of the page.
    async fn nodes(&self) -> Vec<&T> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// Where the page lies in its list.
    async fn page_info(&self) -> &PageInfo {
        &self.page_info
    }

    /// How many records the whole list has, pages aside. Counted only when asked for.
    async fn total_count(&self) -> i32 {
        i32::try_from(self.total.unwrap_or_default()).unwrap_or(i32::MAX)
    }
}

/// A record and its place in the list.
#[Object(name_type)]
impl<T: Listed> Edge<T> {
    /// The place, for `after` and `before`. Valid only with the order that the list had.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The record.
    async fn node(&self) -> &T {
        &self.node
    }
}

impl<T> Connection<T> {
    /// The first record of the page alone.
    pub fn into_first(self) -> Option<T> {
        self.edges.into_iter().next().map(|edge| edge.node)
    }
}

impl<T> From<Page<T>> for Connection<T> {
    fn from(page: Page<T>) -> Self {
        let edges: Vec<_> =
            page.items.into_iter().map(|(cursor, node)| Edge { cursor: Cursor::encode(&cursor), node }).collect();
        let page_info = PageInfo {
            has_next_page: page.has_next,
            has_previous_page: page.has_previous,
            start_cursor: edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: edges.last().map(|edge| edge.cursor.clone()),
        };
        Self { edges, page_info, total: page.total }
    }
}

/// The paging arguments of a field, as they came.
#[derive(Debug, Clone, Default)]
pub struct Paging {
    /// So many from the start.
    pub first: Option<i32>,
    /// Only what follows this cursor.
    pub after: Option<String>,
    /// So many from the end.
    pub last: Option<i32>,
    /// Only what precedes this cursor.
    pub before: Option<String>,
}

impl Paging {
    /// The list request of a field; `count` only if `totalCount` is asked for.
    pub fn query<F, S: SortKey>(
        self,
        ctx: &Context<'_>,
        filter: F,
        order: Order<S>,
        archived: bool,
    ) -> domain::Result<ListQuery<F, S>> {
        let page = PageArgs::parse(
            self.first.map(i64::from),
            self.after.as_deref(),
            self.last.map(i64::from),
            self.before.as_deref(),
            &order.tag(),
        )?;
        Ok(ListQuery { filter, order, page, count: ctx.look_ahead().field("totalCount").exists(), archived })
    }
}

/// The list request of a type, or what is wrong with the arguments that it was made of.
pub type Asked<T> = domain::Result<ListQuery<<<T as Shows>::Noun as Noun>::Filter, <<T as Shows>::Noun as Noun>::Sort>>;

/// A part of a list of records.
pub async fn list<T: Shows>(ctx: &Context<'_>, query: Asked<T>) -> async_graphql::Result<Connection<T>>
where
    for<'a> dyn Repositories + 'a: Holds<T::Noun>,
{
    let page = ctx.services().list::<T::Noun>(ctx.actor(), &query.into_graphql()?).await.into_graphql()?;
    Ok(page.map(|record| T::from(Arc::new(record))).into())
}

/// A part of the list of a parent's children, loaded together with those of its siblings.
pub async fn children<T: Shows>(
    ctx: &Context<'_>,
    parent: <T::Noun as Noun>::Parent,
    id: impl Into<Uuid>,
    query: Asked<T>,
) -> async_graphql::Result<Connection<T>>
where
    for<'a> dyn Repositories + 'a: Holds<T::Noun>,
    Batch: async_graphql::dataloader::Loader<
            ChildrenOf<T::Noun>,
            Value = Arc<Page<Stored<T::Noun>>>,
            Error = domain::Error,
        >,
{
    let key = ChildrenOf { parent, id: id.into(), query: Arc::new(query.into_graphql()?) };
    let page = ctx.batch().load_one(key).await.into_graphql()?.unwrap_or_default();
    Ok(Arc::unwrap_or_clone(page).map(|record| T::from(Arc::new(record))).into())
}
