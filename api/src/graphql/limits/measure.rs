//! Measuring a document: every fragment once, every count saturating.

use std::collections::HashMap;

use async_graphql::{
    Value, Variables,
    parser::types::{
        ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use super::shape::{Count, PAGE, Shape};

/// What a selection costs for one object that it is made on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) fields: u64,
    pub(super) aliases: u64,
    pub(super) directives: u64,
    pub(super) depth: u64,
    pub(super) nodes: u64,
    pub(super) introspection: u64,
}

impl Cost {
    fn add(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.depth = self.depth.max(other.depth);
        self.nodes = self.nodes.saturating_add(other.nodes);
        self.introspection = self.introspection.saturating_add(other.introspection);
    }
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    shape: &'a Shape,
    /// What is known of each fragment; `None` while it is being measured, so that a cycle ends. Cycles are for validation
    /// to report.
    fragments: HashMap<&'a str, Option<Cost>>,
}

/// The costliest of the document's operations.
pub(super) fn measure(document: &ExecutableDocument, variables: &Variables, shape: &Shape) -> Cost {
    let mut worst = Cost::default();
    for (_, operation) in document.operations.iter() {
        // Defaults of variables belong to one operation, and so do page sizes within fragments.
        let mut measure = Measure { document, variables, shape, fragments: HashMap::new() };
        let cost = measure.operation(&operation.node);
        worst.fields = worst.fields.max(cost.fields);
        worst.aliases = worst.aliases.max(cost.aliases);
        worst.directives = worst.directives.max(cost.directives);
        worst.depth = worst.depth.max(cost.depth);
        worst.nodes = worst.nodes.max(cost.nodes);
        worst.introspection = worst.introspection.max(cost.introspection);
    }
    worst
}

impl<'a> Measure<'a> {
    fn operation(&mut self, operation: &'a OperationDefinition) -> Cost {
        let root = match operation.ty {
            OperationType::Query => self.shape.query.as_str(),
            OperationType::Mutation => self.shape.mutation.as_str(),
            OperationType::Subscription => self.shape.subscription.as_str(),
        };
        let mut cost = self.selection(&operation.selection_set.node, root, operation);
        cost.directives = cost.directives.saturating_add(operation.directives.len() as u64);
        cost
    }

    fn selection(&mut self, set: &'a SelectionSet, parent: &'a str, operation: &'a OperationDefinition) -> Cost {
        let mut cost = Cost::default();
        for item in &set.items {
            cost.add(match &item.node {
                Selection::Field(field) => self.field(&field.node, parent, operation),
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref().map_or(parent, |on| on.node.on.node.as_str());
                    let mut cost = self.selection(&inline.node.selection_set.node, on, operation);
                    cost.directives = cost.directives.saturating_add(inline.node.directives.len() as u64);
                    cost
                }
                Selection::FragmentSpread(spread) => {
                    let mut cost = self.fragment(spread.node.fragment_name.node.as_str(), operation);
                    cost.directives = cost.directives.saturating_add(spread.node.directives.len() as u64);
                    cost
                }
            });
        }
        cost
    }

    fn fragment(&mut self, name: &'a str, operation: &'a OperationDefinition) -> Cost {
        if let Some(known) = self.fragments.get(name) {
            return known.unwrap_or_default();
        }
        let document = self.document;
        let Some((name, definition)) = document.fragments.iter().find(|(key, _)| key.as_str() == name) else {
            return Cost::default();
        };
        self.fragments.insert(name.as_str(), None);
        let definition: &'a FragmentDefinition = &definition.node;
        let on = definition.type_condition.node.on.node.as_str();
        let mut cost = self.selection(&definition.selection_set.node, on, operation);
        cost.directives = cost.directives.saturating_add(definition.directives.len() as u64);
        self.fragments.insert(name.as_str(), Some(cost));
        cost
    }

    fn field(&mut self, field: &'a Field, parent: &'a str, operation: &'a OperationDefinition) -> Cost {
        let shape = self.shape;
        let name = field.name.node.as_str();
        let known = shape.field(parent, name);
        let (named, count) = known.map_or(("", Count::Leaf), |known| (known.named.as_str(), known.count));
        let inner = self.selection(&field.selection_set.node, named, operation);
        let times = self.times(count, field, operation);
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
            aliases: inner.aliases.saturating_add(u64::from(field.alias.is_some())),
            directives: inner.directives.saturating_add(field.directives.len() as u64),
            depth: inner.depth.saturating_add(1),
            nodes: if is_introspection { 0 } else { nodes },
            introspection: if is_introspection { introspection.saturating_add(own) } else { introspection },
        }
    }

    fn times(&self, count: Count, field: &Field, operation: &OperationDefinition) -> u64 {
        match count {
            Count::Leaf | Count::One | Count::OfPage => 1,
            Count::AtMost(most) => most,
            Count::Page => {
                let size = |name| self.argument(field, name, operation).and_then(|value| integer(&value));
                size("first").or_else(|| size("last")).unwrap_or(PAGE)
            }
            Count::Given(name) => match self.argument(field, name, operation) {
                Some(Value::List(items)) => items.len() as u64,
                _ => 1,
            },
        }
    }

    /// The value of an argument, variables and their defaults put in.
    fn argument(&self, field: &Field, name: &str, operation: &OperationDefinition) -> Option<Value> {
        let (_, given) = field.arguments.iter().find(|(argument, _)| argument.node.as_str() == name)?;
        let value = given.node.clone().into_const_with(|variable| {
            let default = || {
                let definition =
                    operation.variable_definitions.iter().find(|definition| definition.node.name.node == variable)?;
                definition.node.default_value.as_ref().map(|default| default.node.clone())
            };
            let found = self.variables.get(&variable).cloned().or_else(default);
            Ok::<_, std::convert::Infallible>(found.unwrap_or(Value::Null))
        });
        value.ok().filter(|value| *value != Value::Null)
    }
}

/// A page size; a negative one is refused later and costs nothing.
fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_i64().map(|number| u64::try_from(number).unwrap_or(0)),
        _ => None,
    }
}
