//! Large requests that push figures: their rows are read from the text of the body, past the values of the library.

use std::collections::BTreeMap;

use async_graphql::{Name, Variables};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::request::GraphqlRequest;
use crate::graphql::observation::Aside;

/// From how many bytes on it pays.
pub(super) const LARGE: usize = 16 * 1024;

#[derive(Deserialize)]
struct Body<'a> {
    query: String,
    #[serde(default, rename = "operationName")]
    operation_name: Option<String>,
    #[serde(borrow)]
    variables: BTreeMap<String, &'a RawValue>,
    #[serde(default, rename = "extensions")]
    _extensions: Option<Map<String, Value>>,
}

/// The request in a body of which the rows of a push were read aside; nothing if there are none, or if anything is not as usual: the
/// body is then read as every other.
pub(super) fn read(body: &[u8]) -> Option<GraphqlRequest> {
    let Body { query, operation_name, variables, .. } = serde_json::from_slice(body).ok()?;
    let (mut aside, mut inputs, mut others) = (Aside::default(), Vec::new(), Map::new());
    for (name, json) in variables {
        let json = json.get();
        let is_input = json.len() >= LARGE && json.starts_with('{') && is_used_once(&query, &name);
        if let Some(input) = if is_input { aside.read(json) } else { None } {
            inputs.push((Name::new(name), input));
        } else {
            others.insert(name, serde_json::from_str(json).ok()?);
        }
    }
    if inputs.is_empty() {
        return None;
    }
    let mut variables = Variables::from_json(Value::Object(others));
    variables.extend(inputs);
    let operation_name = operation_name.filter(|name| !name.is_empty());
    Some(GraphqlRequest { query, operation_name, variables, aside })
}

/// Whether the document declares a variable and uses it once, in a place that is executed once: without fragments.
fn is_used_once(query: &str, name: &str) -> bool {
    let mut uses = 0;
    let mut rest = query;
    while let Some((_, after)) = rest.split_once('$') {
        let is_it = after
            .strip_prefix(name)
            .is_some_and(|after| !after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_'));
        uses += u32::from(is_it);
        rest = after;
    }
    uses == 2 && !query.contains("...")
}
