//! Measuring a document: every fragment once, every count saturating.

use std::collections::HashMap;

use async_graphql::{
    Value, Variables,
    parser::types::{
        ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use super::shape::{Count, PAGE, Shape};

/// Levels of selections that are followed, fragments among them; what lies deeper need not be known, for it is refused.
/// It keeps the stack small: a document may hold a thousand fragments, each spread in the one before.
pub(super) const MAX_NESTING: u64 = 32;

/// What a selection costs for one object that it is made on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Fields and fragments, all levels together: what the library walks through when it validates.
    pub(super) fields: u64,
    /// Fields of the first level.
    pub(super) width: u64,
    pub(super) aliases: u64,
    pub(super) directives: u64,
    pub(super) depth: u64,
    /// As the depth, fragments counted as levels.
    pub(super) nesting: u64,
    pub(super) nodes: u64,
    pub(super) introspection: u64,
}

impl Cost {
    fn add(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.width = self.width.saturating_add(other.width);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.depth = self.depth.max(other.depth);
        self.nesting = self.nesting.max(other.nesting);
        self.nodes = self.nodes.saturating_add(other.nodes);
        self.introspection = self.introspection.saturating_add(other.introspection);
    }

    /// Adds another operation: all are validated, but only one is executed.
    pub(super) fn add_operation(&mut self, other: Self) {
        let known = *self;
        self.add(other);
        self.width = known.width.max(other.width);
        self.nodes = known.nodes.max(other.nodes);
        self.introspection = known.introspection.max(other.introspection);
    }

    /// As a fragment's content: one level more, and itself to be walked through.
    fn spread(mut self, directives: usize) -> Self {
        self.fields = self.fields.saturating_add(1);
        self.nesting = self.nesting.saturating_add(1);
        self.directives = self.directives.saturating_add(directives as u64);
        self
    }
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    shape: &'a Shape,
    /// What is known of each fragment; `None` while it is being measured, so that a cycle ends. Cycles are for validation
    /// to report.
    fragments: HashMap<&'a str, Option<Cost>>,
}

/// What each operation costs, measured as it is asked for. Fragments are measured anew for each, because defaults of
/// variables belong to one operation, and so do page sizes within fragments.
pub(super) fn operations<'a>(
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    shape: &'a Shape,
) -> impl Iterator<Item = Cost> {
    document.operations.iter().map(move |(_, operation)| {
        let operation = &operation.node;
        let root = match operation.ty {
            OperationType::Query => &shape.query,
            OperationType::Mutation => &shape.mutation,
            OperationType::Subscription => &shape.subscription,
        };
        let mut measure = Measure { document, operation, variables, shape, fragments: HashMap::new() };
        let mut cost = measure.selection(&operation.selection_set.node, root, 1);
        cost.directives = cost.directives.saturating_add(operation.directives.len() as u64);
        cost
    })
}

impl<'a> Measure<'a> {
    fn selection(&mut self, set: &'a SelectionSet, parent: &'a str, level: u64) -> Cost {
        let mut cost = Cost::default();
        if level > MAX_NESTING {
            // Whatever encloses it now nests too deep.
            cost.nesting = 1;
            return cost;
        }
        for item in &set.items {
            cost.add(match &item.node {
                Selection::Field(field) => self.field(&field.node, parent, level),
                Selection::InlineFragment(inline) => {
                    let inline = &inline.node;
                    let on = inline.type_condition.as_ref().map_or(parent, |on| on.node.on.node.as_str());
                    self.selection(&inline.selection_set.node, on, level + 1).spread(inline.directives.len())
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    self.fragment(name, level).spread(spread.node.directives.len())
                }
            });
        }
        cost
    }

    /// A fragment's cost is that of its first spread: where that one lies too deep to be followed, the whole is refused.
    fn fragment(&mut self, name: &'a str, level: u64) -> Cost {
        if let Some(known) = self.fragments.get(name) {
            return known.unwrap_or_default();
        }
        let document = self.document;
        let Some(definition) = document.fragments.get(name) else {
            return Cost::default();
        };
        self.fragments.insert(name, None);
        let definition: &'a FragmentDefinition = &definition.node;
        let on = definition.type_condition.node.on.node.as_str();
        let mut cost = self.selection(&definition.selection_set.node, on, level + 1);
        cost.directives = cost.directives.saturating_add(definition.directives.len() as u64);
        self.fragments.insert(name, Some(cost));
        cost
    }

    fn field(&mut self, field: &'a Field, parent: &'a str, level: u64) -> Cost {
        let name = field.name.node.as_str();
        let known = self.shape.field(parent, name);
        let (named, count) = known.map_or(("", Count::Leaf), |known| (known.named.as_str(), known.count));
        let set = &field.selection_set.node;
        let inner = if set.items.is_empty() { Cost::default() } else { self.selection(set, named, level + 1) };
        let times = self.times(count, field);
        // A page is no object of its own; its objects are counted once, not for `edges` and again for `nodes`.
        let own = match count {
            Count::Leaf | Count::OfPage => 0,
            _ => times,
        };
        let nodes = own.saturating_add(times.saturating_mul(inner.nodes));
        let introspection = times.saturating_mul(inner.introspection);
        let is_introspection = parent.starts_with("__") || name.starts_with("__");
        Cost {
            fields: inner.fields.saturating_add(1),
            width: 1,
            aliases: inner.aliases.saturating_add(u64::from(field.alias.is_some())),
            directives: inner.directives.saturating_add(field.directives.len() as u64),
            depth: inner.depth.saturating_add(1),
            nesting: inner.nesting.saturating_add(1),
            nodes: if is_introspection { 0 } else { nodes },
            introspection: if is_introspection { introspection.saturating_add(own) } else { introspection },
        }
    }

    fn times(&self, count: Count, field: &'a Field) -> u64 {
        match count {
            Count::Leaf | Count::One | Count::OfPage => 1,
            Count::AtMost(most) => most,
            Count::Parts(most) => most.div_ceil(10),
            Count::Chosen { by, for_each, otherwise } => {
                let elements = |(list, each): (&str, u64)| match self.argument(field, list) {
                    Some(Value::List(items)) => Some(each.saturating_mul(items.len() as u64)),
                    Some(Value::Null) | None => None,
                    // A single element stands for a list of one.
                    Some(_) => Some(each),
                };
                let chosen = self.argument(field, by).and_then(|value| integer(&value));
                chosen.or_else(|| for_each.and_then(elements)).unwrap_or(otherwise)
            }
            Count::Page => {
                let size = |name| self.argument(field, name).and_then(|value| integer(&value));
                // Both at once are refused later; until then the larger counts.
                size("first").max(size("last")).unwrap_or(PAGE)
            }
            Count::Given(name) => match self.argument(field, name) {
                Some(Value::List(items)) => items.len() as u64,
                _ => 1,
            },
        }
    }

    /// The value of an argument, variables and their defaults put in.
    fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let (_, given) = field.arguments.iter().find(|(argument, _)| argument.node.as_str() == name)?;
        let value = given.node.clone().into_const_with(|variable| {
            let definition = self.operation.variable_definitions.iter().find(|of| of.node.name.node == variable);
            let default = || definition.and_then(|of| of.node.default_value.as_ref()).map(|default| &default.node);
            let found = self.variables.get(&variable).or_else(default).cloned();
            Ok::<_, std::convert::Infallible>(found.unwrap_or(Value::Null))
        });
        value.ok()
    }
}

/// A page size; a negative one is refused later and costs nothing.
fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_i64().map(|_| 0)),
        _ => None,
    }
}
