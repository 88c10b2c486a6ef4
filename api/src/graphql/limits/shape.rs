//! What the limits need to know of the schema: which fields hold objects, and how many.

use std::collections::HashMap;

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, ServiceDocument, Type, TypeKind, TypeSystemDefinition},
};
use domain::page::DEFAULT_PAGE;

/// How many objects a field holds for each of its parents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// A scalar or enumeration: no object.
    Leaf,
    /// One.
    One,
    /// A page: `first` or `last`, or as many as the page has without them. The objects are those of `edges` and `nodes`.
    Page,
    /// The objects of a page, already counted at the page itself.
    OfPage,
    /// As many as the list argument of this name has elements.
    Given(&'static str),
    /// At most so many.
    AtMost(u64),
}

/// A field: what type it has, and how many objects.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) named: String,
    pub(super) count: Count,
}

/// Lists without pages, and how long they get.
const LISTS: &[(&str, &str, Count)] = &[
    ("Query", "nodes", Count::Given("ids")),
    ("Comparison", "entries", Count::AtMost(1_000)),
    ("Community", "latestValues", Count::AtMost(50)),
    ("Observation", "revisions", Count::AtMost(10)),
];

/// Any other list holds parts of its record, such as codes and phases: a handful.
const PARTS: Count = Count::AtMost(10);

/// The fields of introspection, as large as the schema makes them.
const INTROSPECTION: &[(&str, &str, &str, Count)] = &[
    ("Query", "__schema", "__Schema", Count::One),
    ("Query", "__type", "__Type", Count::One),
    ("__Schema", "types", "__Type", Count::AtMost(200)),
    ("__Schema", "queryType", "__Type", Count::One),
    ("__Schema", "mutationType", "__Type", Count::One),
    ("__Schema", "subscriptionType", "__Type", Count::One),
    ("__Schema", "directives", "__Directive", Count::AtMost(10)),
    ("__Directive", "args", "__InputValue", Count::AtMost(3)),
    ("__Type", "fields", "__Field", Count::AtMost(15)),
    ("__Type", "inputFields", "__InputValue", Count::AtMost(10)),
    ("__Type", "interfaces", "__Type", Count::One),
    ("__Type", "enumValues", "__EnumValue", Count::AtMost(5)),
    ("__Type", "possibleTypes", "__Type", Count::AtMost(3)),
    ("__Type", "ofType", "__Type", Count::One),
    ("__Field", "args", "__InputValue", Count::AtMost(3)),
    ("__Field", "type", "__Type", Count::One),
    ("__InputValue", "type", "__Type", Count::One),
];

/// What the limits need to know of a schema.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    types: HashMap<String, HashMap<String, Field>>,
    pub(super) query: String,
    pub(super) mutation: String,
    pub(super) subscription: String,
}

impl Shape {
    /// Reads it from the definition language.
    ///
    /// # Errors
    /// The parser's message, for a text that is no schema.
    pub fn of(sdl: &str) -> Result<Self, String> {
        let document = parse_schema(sdl).map_err(|error| error.to_string())?;
        let mut shape = Self {
            types: HashMap::new(),
            query: "Query".to_owned(),
            mutation: "Mutation".to_owned(),
            subscription: "Subscription".to_owned(),
        };
        shape.read(&document);
        for (parent, name, named, count) in INTROSPECTION {
            let field = Field { named: (*named).to_owned(), count: *count };
            shape.types.entry((*parent).to_owned()).or_default().insert((*name).to_owned(), field);
        }
        Ok(shape)
    }

    fn read(&mut self, document: &ServiceDocument) {
        let types = document.definitions.iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(&definition.node),
            _ => None,
        });
        let objects: HashMap<&str, &[_]> = types
            .filter_map(|definition| {
                let name = definition.name.node.as_str();
                match &definition.kind {
                    TypeKind::Object(object) => Some((name, object.fields.as_slice())),
                    TypeKind::Interface(interface) => Some((name, interface.fields.as_slice())),
                    TypeKind::Union(_) => Some((name, [].as_slice())),
                    _ => None,
                }
            })
            .collect();
        for (&parent, &fields) in &objects {
            let fields = fields.iter().map(|field| {
                let field: &FieldDefinition = &field.node;
                let named = named(&field.ty.node);
                let is_object = objects.contains_key(named);
                let count = if is_object { count(parent, field) } else { Count::Leaf };
                (field.name.node.to_string(), Field { named: named.to_owned(), count })
            });
            self.types.insert(parent.to_owned(), fields.collect());
        }
    }

    pub(super) fn field(&self, parent: &str, name: &str) -> Option<&Field> {
        self.types.get(parent)?.get(name)
    }
}

fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(inner) => named(inner),
    }
}

fn count(parent: &str, field: &FieldDefinition) -> Count {
    let name = field.name.node.as_str();
    if parent.ends_with("Connection") && matches!(name, "edges" | "nodes") {
        return Count::OfPage;
    }
    if named(&field.ty.node).ends_with("Connection") {
        return Count::Page;
    }
    if !matches!(field.ty.node.base, BaseType::List(_)) {
        return Count::One;
    }
    LISTS.iter().find(|(of, list, _)| *of == parent && *list == name).map_or(PARTS, |(_, _, count)| *count)
}

/// The page of a caller who names no size.
pub(super) const PAGE: u64 = DEFAULT_PAGE as u64;
