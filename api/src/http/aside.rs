//! Large requests that push figures: their rows are read from the text of the body, past the values of the library.

use std::collections::BTreeMap;

use async_graphql::{Name, Variables};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::request::GraphqlRequest;
use crate::graphql::observation::Aside;

/// From how many bytes on it pays.
pub(super) const LARGE: usize = 16 * 1024;

/// How many variables are looked at.
const MOST_INPUTS: usize = 4;
/// The longest name of a variable that is looked for.
const LONGEST_NAME: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
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
    // What is derived takes arrays, too.
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    first.filter(|byte| **byte == b'{')?;
    let Body { query, operation_name, variables, .. } = serde_json::from_slice(body).ok()?;
    if variables.values().filter(|json| json.get().len() >= LARGE).count() > MOST_INPUTS {
        return None;
    }
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

/// Whether the document declares a variable and uses it once, in a place that is executed once: without fragments. Read once from
/// end to end, whatever the names are.
fn is_used_once(query: &str, name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.len() > LONGEST_NAME || !name.bytes().all(is_part) || query.contains("...") {
        return false;
    }
    let mut uses = 0;
    for (place, _) in query.match_indices('$') {
        let rest = query.as_bytes().get(place + 1..).unwrap_or_default();
        let length = rest.iter().take(LONGEST_NAME + 1).take_while(|byte| is_part(**byte)).count();
        // A space may stand between the two, or a comment.
        if length == 0 {
            return false;
        }
        uses += u32::from(rest.get(..length) == Some(name.as_bytes()));
        if uses > 2 {
            return false;
        }
    }
    uses == 2
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("mutation($input: I!) { a(input: $input) }", true)]
    #[case("mutation($input: I!, $inputs: J) { a(input: $input, b: $inputs) }", true)]
    #[case("mutation($input: I!) { a(input: $input) b(input: $input) }", false)]
    #[case("mutation($input: I!) { a(input: $input) b(input: $ input) }", false)]
    #[case("mutation($input: I!) { a(input: $input) b(input: $,input) }", false)]
    #[case("mutation($input: I!) { ...F } fragment F on M { a(input: $input) }", false)]
    #[case("mutation($input: I!) { a }", false)]
    fn a_variable_that_is_used_once_is_known(#[case] query: &str, #[case] once: bool) {
        assert_eq!(is_used_once(query, "input"), once);
    }

    #[test]
    fn names_that_nobody_could_use_cost_nothing() {
        let name = "$".repeat(1_000_000);
        assert!(!is_used_once(&name, &name));
        assert!(!is_used_once(&"$a".repeat(1_000_000), "a"));
    }

    #[test]
    fn only_an_object_is_a_body() {
        let rows = vec![serde_json::json!({ "period": "2020" }); 1_000];
        let variables = serde_json::json!({ "input": { "rows": rows } });
        let query = "mutation($input: I!) { a(input: $input) }";
        let object = serde_json::json!({ "query": query, "variables": variables });
        assert!(read(object.to_string().as_bytes()).is_some());
        let array = serde_json::json!([query, null, variables, null]);
        assert!(read(array.to_string().as_bytes()).is_none());
    }
}
