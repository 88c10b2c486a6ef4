//! An id learned elsewhere opens nothing: wherever the schema takes an id, that of a record which somebody may not see is answered
//! as one that nobody has.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, TypeKind, TypeSystemDefinition},
};
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{cast::Cast, client::Client};

/// What almost nobody sees.
const HIDDEN: [&str; 15] = [
    "draft",
    "target",
    "series",
    "observation",
    "baseline",
    "rule",
    "decision",
    "account",
    "grant",
    "token",
    "entry",
    "job",
    "pending",
    "lock",
    "break",
];
/// Who sees none of it.
const OUTSIDERS: [&str; 6] = ["anonymous", "nobody", "representative", "other-steward", "other-coordinator", "funder"];

/// Names with what they are of.
type Fields = Vec<(String, Kind)>;

/// The types of the schema that are asked with, and those that answer: the fields of each, with what they are.
struct Schema {
    inputs: BTreeMap<String, Fields>,
    /// Fields of `Query` with their arguments and the type that they answer with.
    queries: Vec<(String, Fields, Kind)>,
}

/// The name of a type, and whether it is a list.
#[derive(Clone)]
struct Kind {
    name: String,
    list: bool,
    text: String,
}

impl Kind {
    fn of(ty: &async_graphql::parser::types::Type) -> Self {
        let (list, base) = match &ty.base {
            BaseType::Named(name) => (false, name.to_string()),
            BaseType::List(of) => (true, Self::of(of).name),
        };
        Self { name: base, list, text: ty.to_string() }
    }
}

impl Schema {
    fn read() -> Self {
        let mut schema = Self { inputs: BTreeMap::new(), queries: Vec::new() };
        for definition in parse_schema(api::graphql::schema::sdl()).unwrap().definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let arguments =
                |all: Vec<async_graphql::Positioned<async_graphql::parser::types::InputValueDefinition>>| {
                    let named = |one: async_graphql::Positioned<async_graphql::parser::types::InputValueDefinition>| {
                        (one.node.name.node.to_string(), Kind::of(&one.node.ty.node))
                    };
                    all.into_iter().map(named).collect::<Vec<_>>()
                };
            match definition.node.kind {
                TypeKind::InputObject(input) => {
                    schema.inputs.insert(definition.node.name.node.to_string(), arguments(input.fields));
                }
                TypeKind::Object(object) if definition.node.name.node == "Query" => {
                    for field in object.fields {
                        let field = field.node;
                        schema.queries.push((
                            field.name.node.to_string(),
                            arguments(field.arguments),
                            Kind::of(&field.ty.node),
                        ));
                    }
                }
                _ => {}
            }
        }
        schema
    }

    /// The ways through an input of this type that end at an id. Only the first of a list is asked with.
    fn ways(&self, ty: &Kind) -> Vec<Vec<Step>> {
        let begin: Vec<Step> = if ty.list { vec![Step::First] } else { Vec::new() };
        if ty.name == "ID" {
            return vec![begin];
        }
        let Some(fields) = self.inputs.get(&ty.name) else { return Vec::new() };
        let through = |(name, kind): &(String, Kind)| {
            let rest = self.ways(kind).into_iter();
            let whole = rest.map(|rest| [begin.clone(), vec![Step::Field(name.clone())], rest].concat());
            whole.collect::<Vec<_>>()
        };
        fields.iter().flat_map(through).collect()
    }
}

#[derive(Clone, PartialEq)]
enum Step {
    Field(String),
    First,
}

/// A place in the schema that takes an id.
struct Place {
    name: String,
    document: String,
    variables: Value,
    way: Vec<Step>,
    /// The type and the id of a record whose version is asked with.
    record: Option<(String, String)>,
}

impl Place {
    /// What somebody is answered who asks with this id there.
    async fn answer(&self, client: &Client, id: &str) -> String {
        let mut variables = self.variables.clone();
        let mut at = &mut variables;
        for step in &self.way {
            at = match step {
                Step::Field(name) => {
                    if !at.is_object() {
                        *at = json!({});
                    }
                    &mut at[name.as_str()]
                }
                Step::First => {
                    if at.as_array().is_none_or(Vec::is_empty) {
                        *at = json!([null]);
                    }
                    &mut at[0]
                }
            };
        }
        *at = json!(id);
        self.fit(&mut variables["a"]);
        let (_, answer) = client.ask(&self.document, variables).await;
        let answer = answer.to_string();
        assert!(!answer.contains("VALIDATION_FAILED"), "{}: {answer}", self.name);
        answer.replace(id, "ID")
    }
}

impl Place {
    /// Leaves out what goes with another way of asking, and adds what goes with this one.
    fn fit(&self, input: &mut Value) {
        let within = |name: &str| self.way.contains(&Step::Field(name.into()));
        let leave_out = |at: &mut Value, names: &[&str]| {
            for name in names {
                at.as_object_mut().map(|fields| fields.remove(*name));
            }
        };
        if within("namedCommunities") && input.is_object() {
            input["visibility"] = json!("NAMED_COMMUNITIES");
        }
        if within("ids") && input["filter"].is_object() {
            leave_out(input, &["filter"]);
        } else if within("filter") && input["ids"].is_array() {
            leave_out(input, &["ids"]);
        } else if within("figures") && within("id") {
            leave_out(&mut input["figures"][0], &["series", "period"]);
        }
    }

    /// The same as it is to be asked now that the record may have changed.
    async fn renewed(&mut self, cast: &Cast) {
        let Some((ty, id)) = &self.record else { return };
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on {ty} {{ version }} }} }}");
        let found = cast.app.admin.data(&query, json!({ "id": id })).await;
        self.variables["a"]["version"] = found["node"]["version"].clone();
    }
}

fn shown(way: &[Step]) -> String {
    let step = |step: &Step| if let Step::Field(name) = step { format!(".{name}") } else { "[]".to_owned() };
    way.iter().map(step).collect()
}

/// Every argument of a query that takes an id or has one in it.
fn in_queries(schema: &Schema) -> Vec<Place> {
    let mut places = Vec::new();
    for (field, arguments, answers) in &schema.queries {
        let select = match answers.name.strip_suffix("Connection") {
            Some(_) => "{ totalCount nodes { __typename } }",
            None if field == "changes" => "{ items { kind } }",
            None => "{ __typename }",
        };
        for (argument, kind) in arguments {
            for way in schema.ways(kind) {
                places.push(Place {
                    name: format!("{field}({argument}){}", shown(&way)),
                    document: format!("query($a: {}) {{ {field}({argument}: $a) {select} }}", kind.text),
                    variables: json!({}),
                    way: [vec![Step::Field("a".into())], way].concat(),
                    record: None,
                });
            }
        }
    }
    places
}

/// Every place for an id in the inputs of changes, in an input that nothing else stands against.
async fn in_changes(schema: &Schema, cast: &Cast, elsewhere: &[(&str, &str)]) -> Vec<Place> {
    let mut places = Vec::new();
    for (change, input) in cast.changes(elsewhere) {
        let mut ty = change.to_owned();
        ty[..1].make_ascii_uppercase();
        let ty = if ty.ends_with("Archive") { "ArchiveInput".to_owned() } else { format!("{ty}Input") };
        let rows = match change {
            "observationsPush" | "observationsRetract" => "rejectedRows { code field message }",
            "observationsValidate" | "observationsPublish" | "observationsDecline" => {
                "decided unchanged refusedRows { code }"
            }
            _ => "",
        };
        let kind = Kind { name: ty.clone(), list: false, text: String::new() };
        for way in schema.ways(&kind) {
            places.push(Place {
                name: format!("{change}{}", shown(&way)),
                document: format!(
                    "mutation($a: {ty}!) {{ {change}(input: $a) {{ {rows} userErrors {{ path code message }} }} }}"
                ),
                variables: json!({ "a": input }),
                way: [vec![Step::Field("a".into())], way].concat(),
                record: versioned(change, &input),
            });
        }
    }
    for place in &mut places {
        place.renewed(cast).await;
    }
    places
}

/// The type and the id of the record that a change is of, if it names a version of it.
fn versioned(change: &str, input: &Value) -> Option<(String, String)> {
    input.get("version")?;
    let noun = ["Update", "Archive", "Lift"].into_iter().find_map(|done| change.strip_suffix(done))?;
    Some((noun[..1].to_ascii_uppercase() + &noun[1..], input["id"].as_str()?.to_owned()))
}

/// The cast, with a sharing rule on an indicator, and a figure that waits and cannot be published: another for its period was recorded
/// since.
async fn assembled() -> Cast {
    let cast = Cast::assemble().await;
    let rule = json!({ "community": "@here", "indicator": "@indicator", "visibility": "COMMUNITY" });
    cast.app.admin.change("sharingRuleCreate", cast.filled(rule), "sharingRule", "id").await;
    let newer = json!({ "community": "@here", "indicatorVersion": "@version", "source": "@source", "period": "2018",
        "value": 32.0 });
    cast.app.admin.change("observationRecord", cast.filled(newer), "observation", "id").await;
    cast
}

/// For each of [`OUTSIDERS`], with what they ask for in place of what is not theirs: then no want of rights there stands before an
/// id. A test for each, since each asks some thousands of questions.
#[rstest]
#[case::anybody("anonymous", &[])]
#[case::an_account_without_roles("nobody", &[])]
#[case::a_representative("representative", &[])]
#[case::a_steward_elsewhere("other-steward", &[("here", "there")])]
#[case::a_coordinator_elsewhere("other-coordinator", &[("net", "other")])]
#[case::a_funder("funder", &[])]
#[tokio::test]
async fn an_id_learned_elsewhere_opens_nothing(#[case] role: &str, #[case] elsewhere: &[(&str, &str)]) {
    let cast = assembled().await;
    let schema = Schema::read();
    let mut places = in_queries(&schema);
    places.extend(in_changes(&schema, &cast, elsewhere).await);
    let client = &cast.people[role];
    let mut differ = Vec::new();
    for place in &places {
        for name in HIDDEN {
            let id = cast.id(name);
            let (hidden, none) = (place.answer(client, id).await, place.answer(client, &nobodys(id)).await);
            if hidden != none {
                differ.push(format!("{}, {name}: {hidden} instead of {none}", place.name));
            }
        }
    }
    assert!(differ.is_empty(), "{role}: {differ:#?}");
}

/// Places where whoever sees all there is is answered the same for every record here as for one that nobody has.
const ALIKE: [&str; 4] = [
    // Ids are given in the order of time: what comes after one is asked for, whether it is there or not.
    "observationsDecline.filter.after",
    "observationsPublish.filter.after",
    "observationsValidate.filter.after",
    "pendingObservations(filter).after",
];

/// The same places, asked with ids that open something: each must tell them from ids that nobody has, or that it says nothing to others
/// proves nothing.
#[tokio::test]
async fn every_place_for_an_id_opens_something_to_whoever_may_see_it() {
    let cast = assembled().await;
    let schema = Schema::read();
    let mut places = in_queries(&schema);
    places.extend(in_changes(&schema, &cast, &[]).await);
    let ids = cast.everything();
    let (mut open, mut opening) = (BTreeSet::new(), BTreeSet::new());
    for place in &mut places {
        for (name, id) in &ids {
            // What is known to open, and to be opened, is not asked again.
            if open.contains(&place.name) && (opening.contains(name.as_str()) || !HIDDEN.contains(&name.as_str())) {
                continue;
            }
            place.renewed(&cast).await;
            let none = place.answer(&cast.app.admin, &nobodys(id)).await;
            if place.answer(&cast.app.admin, id).await != none {
                open.insert(place.name.clone());
                opening.insert(name.as_str());
            }
        }
    }
    let all: BTreeSet<&str> = places.iter().map(|place| place.name.as_str()).collect();
    let shut: BTreeSet<&str> = all.into_iter().filter(|place| !open.contains(*place)).collect();
    assert_eq!(shut, ALIKE.into(), "places that no id opens");
    let hidden: BTreeSet<&str> = opening.into_iter().filter(|name| HIDDEN.contains(name)).collect();
    assert_eq!(hidden, HIDDEN.into(), "ids that open nothing");
}

#[tokio::test]
async fn an_import_of_others_is_not_there() {
    let cast = Cast::assemble().await;
    let id = cast.id("job");
    for role in OUTSIDERS {
        let client = &cast.people[role];
        for rest in ["", "/rejects"] {
            let answer = async |id: &str| {
                let answer = client.get(&format!("/imports/{id}{rest}")).send().await.unwrap();
                (answer.status(), answer.text().await.unwrap().replace(id, "ID"))
            };
            assert_eq!(answer(id).await, answer(&nobodys(id)).await, "{role}{rest}");
        }
    }
    for rest in ["", "/rejects"] {
        let own = cast.people["steward"].get(&format!("/imports/{id}{rest}")).send().await.unwrap();
        assert!(own.status().is_success(), "{}", own.status());
    }
}

/// An id of the same kind that nobody has.
fn nobodys(id: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut bytes = URL_SAFE_NO_PAD.decode(id).unwrap();
    let start = bytes.iter().position(|byte| *byte == b':').unwrap() + 1;
    let random = Uuid::now_v7();
    let end = bytes.len().min(start + 16);
    // A place in the log is eight bytes and must not be below zero.
    let from = if end - start < 16 { &random.as_bytes()[..end - start] } else { &random.as_bytes()[..] };
    bytes[start..end].copy_from_slice(from);
    bytes[start] &= 0x7f;
    URL_SAFE_NO_PAD.encode(bytes)
}
