//! The nodes of a document, wherever they stand in it: side by side, within each other, or in several parts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    context::{self, Term},
    tree::{Map, Tree},
};
use crate::exchange::{
    failure::{Failure, FailureCode},
    values::shown,
};

/// The longest identifier of a node, bytes: every reference to it is a copy.
const LONGEST_ID: usize = 2_000;
/// Values of one key that a further one is compared with.
const MOST_COMPARED: usize = 16;

/// What a document says of one thing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its identifier; made up for one that has none.
    pub id: String,
    types: BTreeSet<Term>,
    values: BTreeMap<Term, Vec<String>>,
}

impl Node {
    /// Whether it is of this kind.
    pub fn is(&self, kind: Term) -> bool {
        self.types.contains(&kind)
    }

    /// What it says: texts, numbers as they are written, identifiers of other nodes; each once.
    pub fn get(&self, term: Term) -> &[String] {
        self.values.get(&term).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, term: Term, value: String) {
        let values = self.values.entry(term).or_default();
        // Many are reports of an indicator: that one of them stands there twice does not matter.
        if values.len() > MOST_COMPARED || !values.contains(&value) {
            values.push(value);
        }
    }
}

/// The nodes of a document in the order in which they are met.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    ids: HashMap<String, usize>,
    /// By the identifier of a report, the places of the indicators that say that it is theirs.
    owners: HashMap<String, Vec<usize>>,
}

impl Graph {
    /// Reads every node.
    ///
    /// # Errors
    /// MALFORMED for a context that is not known, `ROW_TOO_LONG` for an identifier that is too long.
    pub fn read(document: &Tree) -> Result<Self, Failure> {
        let mut graph = Self::default();
        graph.walk(document, false)?;
        for (place, node) in graph.nodes.iter().enumerate() {
            for report in node.get(Term::HasReport) {
                graph.owners.entry(report.clone()).or_default().push(place);
            }
        }
        Ok(graph)
    }

    /// Every node.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// The node of this identifier.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.ids.get(id).and_then(|&index| self.nodes.get(index))
    }

    /// The indicators that say that a report is theirs.
    pub fn owners(&self, report: &str) -> impl Iterator<Item = &str> {
        let places = self.owners.get(report).into_iter().flatten();
        places.filter_map(|&place| self.nodes.get(place)).map(|node| node.id.as_str())
    }

    fn walk(&mut self, part: &Tree, in_context: bool) -> Result<(), Failure> {
        match part {
            Tree::List(parts) => parts.iter().try_for_each(|part| self.walk(part, in_context)),
            Tree::Map(map) => self.node_of(map, in_context).map(drop),
            Tree::Text(_) | Tree::Nothing => Ok(()),
        }
    }

    /// Takes an object that is a node; answers its identifier.
    fn node_of(&mut self, map: &Map, in_context: bool) -> Result<String, Failure> {
        let own = map.get("@context");
        own.map_or(Ok(()), context::check)?;
        let in_context = in_context || own.is_some();
        let id = match map.get("@id") {
            Some(Tree::Text(id)) if id.len() > LONGEST_ID => return Err(too_long(id)),
            Some(Tree::Text(id)) if !id.is_empty() => id.to_string(),
            // No identifier holds this character.
            _ => format!("\u{1}{}", self.nodes.len()),
        };
        let index = *self.ids.entry(id.clone()).or_insert(self.nodes.len());
        if index == self.nodes.len() {
            self.nodes.push(Node { id: id.clone(), ..Node::default() });
        }
        for (key, part) in map.iter() {
            match key {
                "@graph" => self.walk(part, in_context)?,
                "@type" => {
                    let mut types = Vec::new();
                    texts(part, &mut types);
                    let types = types.into_iter().filter_map(|name| context::term(name, in_context));
                    if let Some(node) = self.nodes.get_mut(index) {
                        node.types.extend(types);
                    }
                }
                _ if key.starts_with('@') => {}
                _ => self.value(index, context::term(key, in_context), part, in_context)?,
            }
        }
        Ok(id)
    }

    /// Takes what stands under a key of a node. Nodes within are read also where the key is not.
    fn value(&mut self, index: usize, term: Option<Term>, part: &Tree, in_context: bool) -> Result<(), Failure> {
        let value = match part {
            Tree::Nothing => return Ok(()),
            Tree::Text(text) => text.to_string(),
            Tree::List(parts) => {
                return parts.iter().try_for_each(|part| self.value(index, term, part, in_context));
            }
            Tree::Map(map) => {
                if let Some(part) = map.get("@value").or_else(|| map.get("@list")).or_else(|| map.get("@set")) {
                    return self.value(index, term, part, in_context);
                }
                self.node_of(map, in_context)?
            }
        };
        if let (Some(term), Some(node)) = (term, self.nodes.get_mut(index)) {
            node.add(term, value);
        }
        Ok(())
    }
}

fn too_long(id: &str) -> Failure {
    let message = format!("the identifier “{}” is longer than {LONGEST_ID} bytes", shown(id));
    Failure::new(FailureCode::TooLong, message).in_column("@id")
}

fn texts<'a>(part: &'a Tree, found: &mut Vec<&'a str>) {
    match part {
        Tree::Text(text) => found.push(text),
        Tree::List(parts) => parts.iter().for_each(|part| texts(part, found)),
        Tree::Map(_) | Tree::Nothing => {}
    }
}
