//! What a selection asks of rows, read once for all of them.

use std::{collections::HashSet, ptr};

use async_graphql::{
    ContextSelectionSet, QueryEnv, QueryPathNode, QueryPathSegment, SchemaEnv,
    parser::types::{Field, Selection, SelectionSet},
};

use super::{Out, Row};

/// A field that rows can write.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    name: &'static str,
    rows: Option<&'static Table>,
}

impl Column {
    /// A scalar, an enumeration, or a list of such.
    pub const fn leaf(name: &'static str) -> Self {
        Self { name, rows: None }
    }

    /// A row of another kind, or a list of such.
    pub const fn rows<R: Row>(name: &'static str) -> Self {
        Self { name, rows: Some(R::TABLE) }
    }
}

/// A type whose objects are rows.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// The name of the type in the schema.
    pub name: &'static str,
    /// The fields that its rows can write; their places here are their numbers.
    pub columns: &'static [Column],
}

/// What to write of each row, in order.
#[derive(Debug, Default)]
pub struct Plan {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    /// The key of the answer, ready to be written: `"name":`.
    key: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Column(usize, Plan),
    TypeName(&'static str),
}

/// Reads the selection; nothing, if rows of this table cannot write it.
pub(super) fn compile(table: &'static Table, ctx: &ContextSelectionSet<'_>) -> Option<Plan> {
    if !selected_once(ctx.query_env, ctx.path_node.as_ref()?) {
        return None;
    }
    let mut plan = Plan::default();
    plan.add(&Source { schema: ctx.schema_env, query: ctx.query_env }, table, &ctx.item.node)?;
    Some(plan)
}

struct Source<'a> {
    schema: &'a SchemaEnv,
    query: &'a QueryEnv,
}

impl Source<'_> {
    /// Whether a fragment on this type is one on objects of the table.
    fn applies(&self, on: &str, table: &Table) -> bool {
        on == table.name
            || self.schema.registry.implements.get(table.name).is_some_and(|interfaces| interfaces.contains(on))
    }
}

impl Plan {
    /// The numbers of the columns that it writes.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().filter_map(|step| match step.what {
            What::Column(column, _) => Some(column),
            What::TypeName(_) => None,
        })
    }

    fn add(&mut self, source: &Source<'_>, table: &'static Table, set: &SelectionSet) -> Option<()> {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => self.add_field(source, table, &field.node)?,
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    if on.is_none_or(|on| source.applies(on, table)) {
                        self.add(source, table, &inline.node.selection_set.node)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &source.query.fragments.get(&spread.node.fragment_name.node)?.node;
                    if source.applies(fragment.type_condition.node.on.node.as_str(), table) {
                        self.add(source, table, &fragment.selection_set.node)?;
                    }
                }
            }
        }
        Some(())
    }

    fn add_field(&mut self, source: &Source<'_>, table: &'static Table, field: &Field) -> Option<()> {
        // @skip and @include are gone by now; any other directive is for the library.
        if !field.arguments.is_empty() || !field.directives.is_empty() {
            return None;
        }
        let key = format!("\"{}\":", field.response_key().node);
        if field.name.node == "__typename" {
            if !self.steps.iter().any(|step| step.key == key) {
                self.steps.push(Step { key, what: What::TypeName(table.name) });
            }
            return Some(());
        }
        let number = table.columns.iter().position(|column| field.name.node == column.name)?;
        let column = table.columns.get(number)?;
        // Equal keys are one field, as validation has seen to: their selections are taken together.
        let place = self.steps.iter().position(|step| step.key == key).unwrap_or(self.steps.len());
        if place == self.steps.len() {
            self.steps.push(Step { key, what: What::Column(number, Self::default()) });
        }
        match (column.rows, self.steps.get_mut(place)) {
            (Some(rows), Some(Step { what: What::Column(_, nested), .. })) => {
                nested.add(source, rows, &field.selection_set.node)
            }
            _ => Some(()),
        }
    }

    pub(super) fn write<R: Row>(&self, row: &R, out: &mut Out<'_>) {
        if self.steps.is_empty() {
            // As the library answers an object of which everything was skipped.
            out.null();
            return;
        }
        let mut before = "{";
        for step in &self.steps {
            out.raw(before);
            out.raw(&step.key);
            match &step.what {
                What::Column(column, nested) => row.write(*column, nested, out),
                What::TypeName(name) => out.value(name),
            }
            before = ",";
        }
        out.raw("}");
    }
}

/// Whether the document selects what stands at this path of the answer in one place only. The library resolves every place
/// by itself and merges the results, which it cannot do with JSON that is already written.
fn selected_once(query: &QueryEnv, path: &QueryPathNode<'_>) -> bool {
    let mut keys: Vec<&str> = Vec::new();
    let mut node = Some(path);
    while let Some(QueryPathNode { parent, segment }) = node {
        if let QueryPathSegment::Name(name) = segment {
            keys.push(name);
        }
        node = *parent;
    }
    let mut sets = vec![&query.operation.node.selection_set.node];
    let mut fields: Vec<&Field> = Vec::new();
    for key in keys.into_iter().rev() {
        fields.clear();
        let mut seen = HashSet::new();
        for set in sets {
            gather(query, set, key, &mut seen, &mut fields);
        }
        sets = fields.iter().map(|field| &field.selection_set.node).collect();
    }
    fields.len() == 1
}

/// The fields with this key, each place once, fragments followed.
fn gather<'a>(
    query: &'a QueryEnv,
    set: &'a SelectionSet,
    key: &str,
    seen: &mut HashSet<*const SelectionSet>,
    found: &mut Vec<&'a Field>,
) {
    if !seen.insert(ptr::from_ref(set)) {
        return;
    }
    for item in &set.items {
        match &item.node {
            Selection::Field(field) if field.node.response_key().node == key => found.push(&field.node),
            Selection::Field(_) => {}
            Selection::InlineFragment(inline) => gather(query, &inline.node.selection_set.node, key, seen, found),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = query.fragments.get(&spread.node.fragment_name.node) {
                    gather(query, &fragment.node.selection_set.node, key, seen, found);
                }
            }
        }
    }
}
