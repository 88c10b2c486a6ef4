//! Keyset pages. Missing values come before all others, on both databases, and equal ones are ordered by id; so every
//! record has one place, and a page begins exactly after the record that its cursor names.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use domain::{
    Error, Result,
    access::Scope,
    error::ProblemCode,
    id::EntityId as _,
    page::{Cursor, CursorValue, Direction, ListQuery, Page},
    record::Stored,
};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::table::{META, ParentLink, SortColumn, Table, Where, read_stored};
use crate::{error::database, row::Row};

/// A part of the list of all records.
pub(super) async fn list<C: ConnectionTrait, N: Table>(
    db: &C,
    scope: &Scope,
    query: &ListQuery<N::Filter, N::Sort>,
) -> Result<Page<Stored<N>>> {
    let mut filter = conditions::<C, N>(db, scope, query);
    let total = if query.count {
        let text = format!("SELECT count(*) FROM {} t WHERE {}", N::TABLE, filter.conditions());
        let statement = conditions::<C, N>(db, scope, query).sql.statement(text);
        let rows = db.query_all_raw(statement).await.map_err(database)?;
        Some(count(rows.first().map(Row::new).transpose()?)?)
    } else {
        None
    };
    let column = N::sort(query.order.by);
    within::<N>(&mut filter, column, query)?;
    let text = format!(
        "SELECT t.{sort}, {META}, {columns} FROM {table} t WHERE {conditions} ORDER BY {order} LIMIT {limit}",
        sort = column.name(),
        columns = N::columns("t"),
        table = N::TABLE,
        conditions = filter.conditions(),
        order = order::<N>("t", column, query),
        limit = query.page.size + 1,
    );
    let rows = db.query_all_raw(filter.sql.statement(text)).await.map_err(database)?;
    let fetched: Result<Vec<_>> =
        rows.iter().map(|row| place::<N>(&mut Row::new(row)?, scope, column, query)).collect();
    Ok(Page::from_fetched(fetched?, &query.page, total))
}

/// The same part of the lists of several parents' children.
pub(super) async fn list_of<C: ConnectionTrait, N: Table>(
    db: &C,
    scope: &Scope,
    parent: N::Parent,
    ids: &[Uuid],
    query: &ListQuery<N::Filter, N::Sort>,
) -> Result<HashMap<Uuid, Page<Stored<N>>>> {
    let link = N::parent(parent);
    let only = if let [id] = ids { Some(*id) } else { None };
    let of_parents = |filter: &mut Where| match only {
        Some(_) => filter.value(&format!("{} = {{}}", link.column), only),
        None => filter.ids(link.column, ids.iter().copied()),
    };
    let totals = if query.count {
        let mut filter = conditions::<C, N>(db, scope, query);
        of_parents(&mut filter);
        let text = format!(
            "SELECT {parent}, count(*) FROM {table} t {join} WHERE {conditions} GROUP BY {parent}",
            parent = link.column,
            table = N::TABLE,
            join = link.join,
            conditions = filter.conditions(),
        );
        let rows = db.query_all_raw(filter.sql.statement(text)).await.map_err(database)?;
        let mut totals = HashMap::with_capacity(rows.len());
        for row in &rows {
            let mut row = Row::new(row)?;
            totals.insert(row.take::<Uuid>()?, count(Some(row))?);
        }
        Some(totals)
    } else {
        None
    };
    let column = N::sort(query.order.by);
    let mut filter = conditions::<C, N>(db, scope, query);
    of_parents(&mut filter);
    within::<N>(&mut filter, column, query)?;
    let text = children::<N>(&link, &filter.conditions(), column, query, only.is_some());
    let rows = db.query_all_raw(filter.sql.statement(text)).await.map_err(database)?;
    let mut fetched: HashMap<Uuid, Vec<_>> = HashMap::with_capacity(ids.len());
    for row in &rows {
        let mut row = Row::new(row)?;
        let parent = row.take::<Uuid>()?;
        fetched.entry(parent).or_default().push(place::<N>(&mut row, scope, column, query)?);
    }
    // A parent whose page is empty may still have children to count.
    let ids = ids.iter().filter(|id| query.count || fetched.contains_key(*id)).copied().collect::<Vec<_>>();
    let page = |id: Uuid| {
        let total = totals.as_ref().map(|totals| totals.get(&id).copied().unwrap_or(0));
        (id, Page::from_fetched(fetched.remove(&id).unwrap_or_default(), &query.page, total))
    };
    Ok(ids.into_iter().map(page).collect())
}

/// The statement that reads the children of one parent, or those of several.
fn children<N: Table>(
    link: &ParentLink,
    conditions: &str,
    column: SortColumn,
    query: &ListQuery<N::Filter, N::Sort>,
    of_one: bool,
) -> String {
    let (sort, columns, table) = (column.name(), N::columns("t"), N::TABLE);
    let (parent, join) = (link.column, link.join.as_str());
    let (order, limit) = (order::<N>("t", column, query), query.page.size + 1);
    if of_one {
        // An index that has the order ends the search after the page; neither database sees that through numbered rows.
        return format!(
            "SELECT {parent}, t.{sort}, {META}, {columns} FROM {table} t {join} WHERE {conditions} \
             ORDER BY {order} LIMIT {limit}"
        );
    }
    format!(
        "SELECT t.parent, t.{sort}, {META}, {columns} FROM (SELECT t.*, {parent} AS parent, \
         row_number() OVER (PARTITION BY {parent} ORDER BY {order}) AS place FROM {table} t {join} \
         WHERE {conditions}) AS t WHERE t.place <= {limit} ORDER BY t.parent, t.place"
    )
}

fn count(row: Option<Row<'_>>) -> Result<u64> {
    let mut row = row.ok_or_else(|| Error::internal("a count without a row"))?;
    u64::try_from(row.take::<i64>()?).map_err(Error::internal)
}

/// What the filter and the scope say, apart from cursors.
fn conditions<C: ConnectionTrait, N: Table>(db: &C, scope: &Scope, query: &ListQuery<N::Filter, N::Sort>) -> Where {
    let mut filter = Where::new(db.get_database_backend());
    N::scope(scope, &mut filter);
    N::filter(&query.filter, &mut filter);
    if !query.archived {
        filter.and("t.archived_at IS NULL");
    }
    filter
}

/// A record with its place.
fn place<N: Table>(
    row: &mut Row<'_>,
    scope: &Scope,
    column: SortColumn,
    query: &ListQuery<N::Filter, N::Sort>,
) -> Result<(Cursor, Stored<N>)> {
    let value = match column {
        SortColumn::Text(_) => row.take::<Option<String>>()?.map(CursorValue::Text),
        SortColumn::Integer(_) | SortColumn::OptionalInteger(_) => row.take::<Option<i64>>()?.map(CursorValue::Integer),
        SortColumn::Date(_) => row.take::<Option<NaiveDate>>()?.map(|day| CursorValue::Text(day.to_string())),
        SortColumn::Time(_) | SortColumn::OptionalTime(_) => row
            .take::<Option<DateTime<Utc>>>()?
            .map(|time| CursorValue::Text(time.to_rfc3339_opts(SecondsFormat::Micros, true))),
    };
    let record = read_stored::<N>(row, scope)?;
    let value = value.unwrap_or(CursorValue::Missing(()));
    Ok((Cursor { order: query.order.tag(), value, id: record.id.uuid() }, record))
}

/// The order, seen from the side that the page is counted from. Only where values may be missing does it say where those
/// go: PostgreSQL takes an index only for an order that says the same as the index.
fn order<N: Table>(alias: &str, column: SortColumn, query: &ListQuery<N::Filter, N::Sort>) -> String {
    let ascending = (query.order.direction == Direction::Ascending) != query.page.from_end;
    let way = if ascending { "ASC" } else { "DESC" };
    let nulls = match (column.is_optional(), ascending) {
        (false, _) => "",
        (true, true) => " NULLS FIRST",
        (true, false) => " NULLS LAST",
    };
    format!("{alias}.{} {way}{nulls}, {alias}.id {way}", column.name())
}

/// The conditions of the cursors.
fn within<N: Table>(filter: &mut Where, column: SortColumn, query: &ListQuery<N::Filter, N::Sort>) -> Result<()> {
    let ascending = query.order.direction == Direction::Ascending;
    let cursors = [(&query.page.after, ascending, "after"), (&query.page.before, !ascending, "before")];
    for (cursor, upwards, field) in cursors {
        if let Some(cursor) = cursor {
            let condition = beyond(filter, column, cursor, upwards, field)?;
            filter.and(condition);
        }
    }
    Ok(())
}

/// The record lies above the cursor, or below it.
fn beyond(filter: &mut Where, column: SortColumn, cursor: &Cursor, upwards: bool, field: &str) -> Result<String> {
    let foreign = || Error::invalid(field, ProblemCode::Invalid, "this is not a cursor of this list");
    let id = filter.sql.bind(cursor.id);
    let sql = &mut filter.sql;
    let value = match (column, &cursor.value) {
        (_, CursorValue::Missing(())) if column.is_optional() => None,
        // No text that is kept has a NUL, and PostgreSQL refuses to hear of one.
        (SortColumn::Text(_), CursorValue::Text(text)) if !text.contains('\0') => Some(sql.bind(text.clone())),
        (SortColumn::Integer(_) | SortColumn::OptionalInteger(_), CursorValue::Integer(number)) => {
            Some(sql.bind(*number))
        }
        (SortColumn::Date(_), CursorValue::Text(text)) => {
            Some(sql.bind(text.parse::<NaiveDate>().map_err(|_| foreign())?))
        }
        (SortColumn::Time(_) | SortColumn::OptionalTime(_), CursorValue::Text(text)) => {
            let time = DateTime::parse_from_rfc3339(text).map_err(|_| foreign())?;
            Some(sql.bind(time.with_timezone(&Utc)))
        }
        _ => return Err(foreign()),
    };
    let name = format!("t.{}", column.name());
    Ok(match (value, upwards) {
        (None, true) => format!("({name} IS NOT NULL OR t.id > {id})"),
        (None, false) => format!("({name} IS NULL AND t.id < {id})"),
        // As rows, and not as what that means: both databases go straight to such a place in an index.
        (Some(value), true) => format!("({name}, t.id) > ({value}, {id})"),
        (Some(value), false) if column.is_optional() => format!("({name} IS NULL OR ({name}, t.id) < ({value}, {id}))"),
        (Some(value), false) => format!("({name}, t.id) < ({value}, {id})"),
    })
}
