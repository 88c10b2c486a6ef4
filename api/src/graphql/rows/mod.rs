//! Long lists of rows that are already in memory, written straight to JSON.
//!
//! The library resolves every leaf of every row by itself; a list of a thousand rows with ten leaves spends most of its
//! time there. [`Rows`] has the type of the list that it holds, so that schema and validation do not know it, but reads the
//! selection once and writes all rows by it. Where a selection asks for more than rows can write, the library resolves it
//! as any other list.

mod plan;

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value, indexmap::IndexMap, parser::types::Field,
    registry::Registry, resolver_utils::resolve_list,
};
use serde::Serialize;

pub use plan::{Column, Plan, Table};

/// The name under which the library and `serde_json` keep JSON that is already written.
const RAW_JSON: &str = "$serde_json::private::RawValue";

/// An object that can write columns of itself.
pub trait Row: Sync {
    /// Its type in the schema, and the fields that it can write. Fields with arguments are none of them.
    const TABLE: &'static Table;

    /// Whether this row can write that column. If any row of the list cannot write a column that is asked for, the library
    /// resolves the whole list. Rows within rows are not asked: what they cannot write, their parent's column cannot.
    fn holds(&self, _column: usize) -> bool {
        true
    }

    /// Writes the column of this number in [`Row::TABLE`], by [`Out::value`] if it is a leaf. A column of rows is written by
    /// [`Out::row`] or [`Out::rows`] with the plan `nested`.
    fn write(&self, column: usize, nested: &Plan, out: &mut Out<'_>);
}

/// A list of rows that is written at once where it can be.
#[derive(Debug, Clone)]
pub struct Rows<T>(pub Vec<T>);

impl<T: Row + OutputType> OutputType for Rows<T> {
    fn type_name() -> Cow<'static, str> {
        <Vec<T> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<T> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<T> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match self.written(ctx) {
            Some(json) => Ok(Value::Object(IndexMap::from_iter([(Name::new(RAW_JSON), Value::String(json))]))),
            None => resolve_list(ctx, field, &self.0, Some(self.0.len())).await,
        }
    }
}

impl<T: Row + OutputType> Rows<T> {
    /// All rows as JSON, if they can write what is asked for.
    fn written(&self, ctx: &ContextSelectionSet<'_>) -> Option<String> {
        let plan = plan::compile(T::TABLE, ctx)?;
        if !plan.columns().all(|column| self.0.iter().all(|row| row.holds(column))) {
            return None;
        }
        let mut out = Out { json: Vec::with_capacity(64 * self.0.len()), ctx };
        out.rows(&self.0, &plan);
        String::from_utf8(out.json).ok()
    }
}

/// JSON that is being written.
pub struct Out<'a> {
    json: Vec<u8>,
    ctx: &'a ContextSelectionSet<'a>,
}

impl<'a> Out<'a> {
    /// What the request carries, such as the languages of its reader.
    pub fn data<D: Send + Sync + 'static>(&self) -> Option<&'a D> {
        self.ctx.data_opt()
    }

    /// Writes a leaf as `serde_json` does: strings escaped, numbers that are not finite as null. What it cannot write at
    /// all is null too. A single-precision number must be made double first, as the library does.
    pub fn value<V: Serialize + ?Sized>(&mut self, value: &V) {
        let start = self.json.len();
        if serde_json::to_writer(&mut self.json, value).is_err() {
            self.json.truncate(start);
            self.null();
        }
    }

    /// Writes null.
    pub fn null(&mut self) {
        self.json.extend_from_slice(b"null");
    }

    /// Writes an object, or null.
    pub fn row<R: Row>(&mut self, row: Option<&R>, plan: &Plan) {
        match row {
            Some(row) => plan.write(row, self),
            None => self.null(),
        }
    }

    /// Writes a list of objects.
    pub fn rows<'r, R: Row + 'r>(&mut self, rows: impl IntoIterator<Item = &'r R>, plan: &Plan) {
        self.json.push(b'[');
        for (index, row) in rows.into_iter().enumerate() {
            if index > 0 {
                self.json.push(b',');
            }
            plan.write(row, self);
        }
        self.json.push(b']');
    }

    fn raw(&mut self, json: &str) {
        self.json.extend_from_slice(json.as_bytes());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
