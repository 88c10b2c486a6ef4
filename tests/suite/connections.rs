//! Every connection of every type, as the schema has them: a list holds exactly what its reader may read by id, and its count says
//! nothing of the rest.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, TypeKind, TypeSystemDefinition},
};
use serde_json::{Value, json};

use crate::{
    cast::{Cast, ROLES},
    client::Client,
    matrix::READ,
};

/// Types with the fields of theirs that are connections.
fn connections() -> BTreeMap<String, Vec<String>> {
    let document = parse_schema(api::graphql::schema::sdl()).unwrap();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeKind::Object(object) = definition.node.kind else { continue };
        for field in object.fields {
            let BaseType::Named(name) = &field.node.ty.node.base else { continue };
            if name.ends_with("Connection") {
                let of = found.entry(definition.node.name.node.to_string()).or_default();
                of.push(field.node.name.node.to_string());
            }
        }
    }
    found
}

/// What somebody finds in a list of a record, and how many they are told that there are; nothing if they do not see the record.
async fn listed(client: &Client, ty: &str, id: &str, field: &str) -> Option<BTreeSet<String>> {
    let query = format!(
        "query($id: ID!) {{ node(id: $id) {{ ... on {ty} {{ list: {field}(first: 100) {{ totalCount nodes {{ id }} }} }} }} }}"
    );
    let page = client.data(&query, json!({ "id": id })).await["node"]["list"].take();
    let nodes: BTreeSet<String> =
        page["nodes"].as_array()?.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(page["totalCount"], nodes.len(), "{ty}.{field} counts what it shows");
    Some(nodes)
}

/// Those of these records that somebody reads by their ids.
async fn readable(client: &Client, ids: &BTreeSet<String>) -> BTreeSet<String> {
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let read = client.data(query, json!({ "ids": ids })).await["nodes"].take();
    read.as_array().unwrap().iter().filter_map(|node: &Value| node["id"].as_str().map(str::to_owned)).collect()
}

/// Lists of which the records here have nothing in them.
const EMPTY: [&str; 0] = [];

#[tokio::test]
async fn a_list_holds_exactly_what_its_reader_may_read() {
    let cast = Cast::assemble().await;
    let mut wrong = Vec::new();
    let (mut full, mut everything) = (BTreeSet::new(), BTreeSet::new());
    for (ty, fields) in connections().into_iter().filter(|(ty, _)| ty != "Query") {
        let records: BTreeSet<&str> = READ.iter().filter(|row| row.0 == ty).map(|row| cast.id(row.1)).collect();
        assert!(!records.is_empty(), "there is no {ty} to look at");
        for field in fields {
            everything.insert(format!("{ty}.{field}"));
            for id in &records {
                // Whoever runs the installation sees all there is.
                let all = listed(&cast.app.admin, &ty, id, &field).await.unwrap();
                if !all.is_empty() {
                    full.insert(format!("{ty}.{field}"));
                }
                for role in ROLES {
                    let client = &cast.people[role];
                    let Some(seen) = listed(client, &ty, id, &field).await else { continue };
                    let mut expected = readable(client, &all).await;
                    // What the table of types says of a record stands above what its id opens.
                    for (_, name, _, readers) in READ {
                        let id = cast.id(name).to_owned();
                        if readers.is_none_or(|readers| readers.contains(&role)) {
                            expected.extend(all.get(&id).cloned());
                        } else {
                            expected.remove(&id);
                        }
                    }
                    if seen != expected {
                        wrong.push(format!("{ty}.{field}, {role}: {} of {} in it", seen.len(), expected.len()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let unfilled: BTreeSet<String> = everything.difference(&full).cloned().collect();
    assert_eq!(unfilled, EMPTY.map(str::to_owned).into(), "lists that show nothing here prove nothing");
}
