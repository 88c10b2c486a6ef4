//! What the limits need to know of the schema: which fields hold objects, and how many.

use std::collections::HashMap;

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, ServiceDocument, Type, TypeKind, TypeSystemDefinition},
};
use domain::{
    import_job::MOST_NOTES,
    page::{DEFAULT_PAGE, MAX_PAGE},
    pending::MOST_IDS,
    port::identity::MOST_OFFERED,
    push::MOST_ROWS,
    revision::MOST_RETRACTED,
    rules::{MOST_CODES, MOST_IDENTIFIERS, MOST_JOINED, MOST_NAMED, MOST_PHASES, MOST_POPULATIONS},
    series::MOST_DIMENSIONS,
    text::MOST_TRANSLATIONS,
};

use crate::graphql::{
    comparison::MOST_ENTRIES,
    identity::{MOST_GRANTS, MOST_INVITATIONS},
    latest,
};

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
    /// As many as the argument of this name says; without it, so many for each element of a list argument, or so many.
    Chosen { by: &'static str, for_each: Option<(&'static str, u64)>, otherwise: u64 },
    /// At most so many parts of something that is there already: nothing is looked up for them, and no record is reached through
    /// them. Ten of them weigh as much as one object.
    Parts(u64),
}

/// A field: what type it has, and how many objects.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) named: String,
    pub(super) count: Count,
}

/// Every list of objects without pages, and how long it gets; a test holds it against the schema. `*` is any type.
const LISTS: &[(&str, &str, Count)] = &[
    ("Query", "nodes", Count::Given("ids")),
    ("Comparison", "entries", chosen("first", MOST_ENTRIES as u64)),
    (
        "Community",
        "latestValues",
        Count::Chosen {
            by: "first",
            for_each: Some(("indicators", latest::FOR_EACH as u64)),
            otherwise: latest::FOR_ALL as u64,
        },
    ),
    ("Observation", "revisions", chosen("last", 20)),
    ("ImportJob", "rejects", chosen("first", 20)),
    ("ImportJob", "notes", Count::Parts(MOST_NOTES as u64)),
    ("Mapping", "versions", chosen("first", 20)),
    ("ApiToken", "communities", Count::AtMost(MOST_NAMED as u64)),
    ("ApiToken", "indicators", Count::AtMost(MOST_NAMED as u64)),
    ("Initiative", "otherCommunities", Count::AtMost(MOST_JOINED as u64)),
    ("Learning", "namedCommunities", Count::AtMost(MOST_NAMED as u64)),
    ("SharingRule", "namedCommunities", Count::AtMost(MOST_NAMED as u64)),
    ("AuditEntry", "changes", Count::Parts(20)),
    ("Community", "codes", Count::Parts(MOST_CODES as u64)),
    ("Community", "populations", Count::Parts(MOST_POPULATIONS as u64)),
    ("Initiative", "phases", Count::Parts(MOST_PHASES as u64)),
    ("Partner", "identifiers", Count::Parts(MOST_IDENTIFIERS as u64)),
    ("LocalizedText", "translations", Count::Parts(MOST_TRANSLATIONS as u64)),
    ("LatestValue", "disaggregation", Count::Parts(MOST_DIMENSIONS as u64)),
    ("Series", "disaggregation", Count::Parts(MOST_DIMENSIONS as u64)),
    ("Viewer", "grants", Count::Parts(MOST_GRANTS as u64)),
    ("Viewer", "invitations", Count::AtMost(MOST_INVITATIONS as u64)),
    ("Invitation", "grants", Count::Parts(MOST_OFFERED as u64)),
    ("ObservationsPushPayload", "rejectedRows", Count::Parts(MOST_ROWS as u64)),
    ("ObservationsPushPayload", "findings", Count::Parts(MOST_ROWS as u64)),
    ("ObservationsPushPayload", "differences", Count::Parts(MOST_ROWS as u64)),
    ("ObservationPayload", "findings", Count::Parts(MOST_FINDINGS)),
    ("ObservationsRetractPayload", "rejectedRows", Count::Parts(MOST_RETRACTED as u64)),
    ("ObservationsDecisionPayload", "refusedRows", Count::AtMost(MOST_IDS as u64)),
    ("PendingObservation", "disaggregation", Count::Parts(MOST_DIMENSIONS as u64)),
    ("PendingObservation", "findings", Count::Parts(MOST_FINDINGS)),
    ("ChangePage", "items", Count::AtMost(MAX_PAGE as u64)),
    ("*", "userErrors", Count::Parts(MOST_PROBLEMS)),
];

/// The elements of the longest list that an input holds, of which each can be wrong.
const MOST_PROBLEMS: u64 = 1_000;
/// What rules find in one figure: few rules hold for any.
const MOST_FINDINGS: u64 = 20;

/// As many as the argument says, or so many without it.
const fn chosen(by: &'static str, otherwise: u64) -> Count {
    Count::Chosen { by, for_each: None, otherwise }
}

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

/// The type that a type is of in the end.
pub(crate) fn named(ty: &Type) -> &str {
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
    // A list that nobody has counted is as long as a page can be.
    listed(parent, name).unwrap_or(Count::AtMost(MAX_PAGE as u64))
}

/// How long a list without pages gets, if that is known.
fn listed(parent: &str, name: &str) -> Option<Count> {
    LISTS.iter().find(|(of, list, _)| *list == name && [parent, "*"].contains(of)).map(|(_, _, count)| *count)
}

/// The page of a caller who names no size.
pub(super) const PAGE: u64 = DEFAULT_PAGE as u64;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn shape() -> Shape {
        Shape::of(&crate::graphql::schema::sdl()).unwrap()
    }

    /// The lists of objects without pages that the schema has, by type and field.
    fn lists() -> Vec<(String, String)> {
        let document = parse_schema(crate::graphql::schema::sdl()).unwrap();
        let objects = shape().types;
        let mut lists = Vec::new();
        for definition in &document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let TypeKind::Object(object) = &definition.node.kind else { continue };
            let parent = definition.node.name.node.as_str();
            for field in &object.fields {
                let field = &field.node;
                let is_list = matches!(field.ty.node.base, BaseType::List(_));
                if is_list && objects.contains_key(named(&field.ty.node)) && !parent.ends_with("Connection") {
                    lists.push((parent.to_owned(), field.name.node.to_string()));
                }
            }
        }
        lists
    }

    #[test]
    fn every_list_of_objects_is_counted() {
        let lists = lists();
        let unknown: Vec<_> = lists.iter().filter(|(parent, name)| listed(parent, name).is_none()).collect();
        assert!(unknown.is_empty(), "say in LISTS how long these get: {unknown:?}");
        let gone = |(of, list, _): &&(&str, &str, Count)| {
            !lists.iter().any(|(parent, name)| name == list && [parent.as_str(), "*"].contains(of))
        };
        assert_eq!(LISTS.iter().filter(gone).map(|(of, list, _)| (*of, *list)).collect::<Vec<_>>(), []);
    }

    /// What weighs a tenth of an object leads to nothing that weighs more.
    #[test]
    fn no_record_is_reached_through_parts() {
        let shape = shape();
        let mut ahead: Vec<String> = Vec::new();
        for (parent, name) in lists() {
            if matches!(listed(&parent, &name), Some(Count::Parts(_))) {
                ahead.push(shape.field(&parent, &name).unwrap().named.clone());
            }
        }
        let mut seen = HashSet::new();
        while let Some(of) = ahead.pop() {
            let Some(fields) = shape.types.get(&of).filter(|_| seen.insert(of.clone())) else { continue };
            assert!(!fields.contains_key("id"), "{of} is a record");
            for (name, field) in fields {
                assert!(matches!(field.count, Count::Leaf | Count::One | Count::Parts(_)), "{of}.{name}");
                ahead.extend((field.count != Count::Leaf).then(|| field.named.clone()));
            }
        }
    }
}
