use std::fmt::Write as _;

use async_graphql::{
    EmptyMutation, EmptySubscription, Enum, ID, Interface, Object, Request, Response, Schema, SimpleObject,
};
use futures_util::FutureExt as _;
use proptest::{prelude::*, sample::subsequence};
use rstest::rstest;

use super::*;

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum Reason {
    Stale,
    SmallN,
}

#[derive(Clone, SimpleObject)]
struct Rank {
    position: i32,
    best: Option<f64>,
    tags: Vec<Tag>,
}

impl Row for Rank {
    const TABLE: &'static Table = &Table {
        name: "Rank",
        columns: &[Column::leaf("position"), Column::leaf("best"), Column::rows::<Tag>("tags")],
    };

    fn write(&self, column: usize, nested: &Plan, out: &mut Out<'_>) {
        match column {
            0 => out.value(&self.position),
            1 => out.value(&self.best),
            _ => out.rows(&self.tags, nested),
        }
    }
}

#[derive(Clone, SimpleObject)]
struct Tag {
    label: String,
}

impl Row for Tag {
    const TABLE: &'static Table = &Table { name: "Tag", columns: &[Column::leaf("label")] };

    fn write(&self, _column: usize, _nested: &Plan, out: &mut Out<'_>) {
        out.value(&self.label);
    }
}

#[derive(Clone)]
struct Entry {
    id: u32,
    name: String,
    value: Option<f64>,
    rank: Option<Rank>,
}

#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID"))]
enum Node {
    Entry(Entry),
}

#[Object]
impl Entry {
    async fn id(&self) -> ID {
        self.id.into()
    }

    async fn name(&self) -> &str {
        &self.name
    }

    async fn value(&self) -> Option<f64> {
        self.value
    }

    async fn rank(&self) -> Option<Rank> {
        self.rank.clone()
    }

    async fn reasons(&self) -> Vec<Reason> {
        vec![Reason::Stale, Reason::SmallN]
    }

    async fn loaded(&self) -> i32 {
        7
    }

    async fn greeting(&self, #[graphql(default)] loud: bool) -> String {
        if loud { "HELLO" } else { "hello" }.to_owned()
    }
}

impl Row for Entry {
    const TABLE: &'static Table = &Table {
        name: "Entry",
        columns: &[
            Column::leaf("id"),
            Column::leaf("name"),
            Column::leaf("value"),
            Column::rows::<Rank>("rank"),
            Column::leaf("reasons"),
            Column::leaf("greeting"),
        ],
    };

    fn holds(&self, column: usize) -> bool {
        column != 1 || self.name != "not here"
    }

    fn write(&self, column: usize, nested: &Plan, out: &mut Out<'_>) {
        match column {
            0 => out.value(&self.id.to_string()),
            1 => out.value(&self.name),
            2 => out.value(&self.value),
            3 => out.row(self.rank.as_ref(), nested),
            4 => out.value(&["STALE", "SMALL_N"]),
            _ => out.value("hello"),
        }
    }
}

fn entries() -> Vec<Entry> {
    let tag = |label: &str| Tag { label: label.to_owned() };
    let rank = Rank { position: -3, best: Some(f64::INFINITY), tags: vec![tag(""), tag("zwei")] };
    vec![
        Entry {
            id: 1,
            name: "a \"b\" \\ \n \u{1} \u{7f} é 🎵 \u{2028}".to_owned(),
            value: Some(0.1 + 0.2),
            rank: Some(rank),
        },
        Entry { id: 2, name: String::new(), value: Some(f64::NAN), rank: None },
        Entry {
            id: 3,
            name: "c".to_owned(),
            value: Some(-0.0),
            rank: Some(Rank { position: 0, best: None, tags: vec![] }),
        },
        Entry { id: 4, name: "d".to_owned(), value: Some(1e300), rank: None },
        Entry { id: 5, name: "e".to_owned(), value: None, rank: None },
    ]
}

struct Query;

struct Nested(bool);

#[Object]
impl Nested {
    async fn entries(&self) -> Either {
        Either(self.0, Rows(entries()))
    }
}

/// The same rows: written at once, or resolved by the library.
struct Either(bool, Rows<Entry>);

impl OutputType for Either {
    fn type_name() -> Cow<'static, str> {
        Rows::<Entry>::type_name()
    }

    fn qualified_type_name() -> String {
        Rows::<Entry>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Rows::<Entry>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        if self.0 { self.1.resolve(ctx, field).await } else { self.1.0.resolve(ctx, field).await }
    }
}

#[Object]
impl Query {
    async fn list(&self, fast: bool) -> Either {
        Either(fast, Rows(entries()))
    }

    async fn absent(&self) -> Rows<Entry> {
        Rows(vec![Entry { name: "not here".to_owned(), ..entries().remove(0) }])
    }

    async fn none(&self) -> Option<Rows<Entry>> {
        None
    }

    async fn many(&self, fast: bool) -> Vec<Nested> {
        vec![Nested(fast), Nested(fast)]
    }

    async fn node(&self) -> Option<Node> {
        None
    }
}

fn run(query: &str, fast: bool) -> Response {
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).finish();
    let variables = async_graphql::Variables::from_json(serde_json::json!({ "fast": fast }));
    let response = schema.execute(Request::new(query).variables(variables)).now_or_never().unwrap();
    assert_eq!(response.errors, [], "{query}");
    response
}

fn json(response: &Response) -> String {
    serde_json::to_string(response).unwrap()
}

/// Runs a query both ways; says whether anything was written at once.
fn same(query: &str) -> bool {
    let (fast, slow) = (run(query, true), run(query, false));
    assert_eq!(json(&fast), json(&slow), "{query}");
    assert!(!format!("{:?}", slow.data).contains(RAW_JSON));
    format!("{:?}", fast.data).contains(RAW_JSON)
}

#[rstest]
#[case("id name value reasons")]
#[case("__typename a: id b: id kind: __typename name")]
#[case("rank { position best tags { label __typename } }")]
#[case("rank { position } rank { best } rank { position tags { l: label } }")]
#[case("... { id } ... on Entry { name } ... on Node { id value: id }")]
#[case("id @skip(if: true) name @include(if: true) value @include(if: $fast) @skip(if: $fast)")]
#[case("id @skip(if: true)")]
#[case("greeting")]
fn rows_are_written_as_the_library_does(#[case] selection: &str) {
    assert!(same(&format!("query($fast: Boolean!) {{ list(fast: $fast) {{ {selection} }} }}")));
    assert!(same(&format!("query($fast: Boolean!) {{ many(fast: $fast) {{ entries {{ {selection} }} }} }}")));
    let spread = format!(
        "query($fast: Boolean!) {{ x: list(fast: $fast) {{ ...f ...f }} }} fragment f on Entry {{ {selection} }}"
    );
    assert!(same(&spread));
}

#[rstest]
#[case("list(fast: $fast) { id loaded }")]
#[case("list(fast: $fast) { rank { position } ... on Entry { loaded } }")]
#[case("list(fast: $fast) { id greeting(loud: true) }")]
// Two places select the same part of the answer.
#[case("list(fast: $fast) { id } list(fast: $fast) { name rank { position } }")]
#[case("many(fast: $fast) { entries { id } } ... on Query { many(fast: $fast) { ... { entries { name } } } }")]
fn what_rows_cannot_write_is_left_to_the_library(#[case] selection: &str) {
    assert!(!same(&format!("query($fast: Boolean!) {{ {selection} }}")));
}

#[rstest]
#[case("list(fast: $fast) { id } other: list(fast: $fast) { name }")]
#[case("many(fast: $fast) { entries { id } other: entries { name } } again: many(fast: $fast) { entries { value } }")]
fn the_same_list_under_another_name_is_another(#[case] selection: &str) {
    assert!(same(&format!("query($fast: Boolean!) {{ {selection} }}")));
}

#[test]
fn one_row_that_lacks_a_column_leaves_all_to_the_library() {
    let answer = |query| format!("{:?}", run(query, true).data);
    assert!(answer("{ absent { id } none { id } }").contains(RAW_JSON));
    assert!(!answer("{ absent { id name } }").contains(RAW_JSON));
}

#[test]
fn the_schema_does_not_tell() {
    let sdl = Schema::build(Query, EmptyMutation, EmptySubscription).finish().sdl();
    assert!(sdl.contains("absent: [Entry!]!") && sdl.contains("none: [Entry!]\n"), "{sdl}");
}

/// Selections that any others may stand beside.
const PARTS: &[&str] = &[
    "id",
    "name",
    "other: name",
    "__typename",
    "kind: __typename",
    "value",
    "rank { position }",
    "rank { best tags { label } }",
    "place: rank { ...rank }",
    "rank { ... on Rank { tags { __typename } } }",
    "reasons",
    "... on Node { id }",
    "... on Entry { rank { ...rank } value @skip(if: false) }",
    "...entry",
    "... { name @include(if: true) reasons @include(if: false) }",
];

proptest! {
    #[test]
    fn any_selection_is_written_as_the_library_does(parts in subsequence(PARTS, 1..PARTS.len()).prop_shuffle()) {
        let mut query = format!("query($fast: Boolean!) {{ list(fast: $fast) {{ {} }} }}", parts.join(" "));
        let entry = query.contains("...entry");
        if entry || query.contains("...rank") {
            let _ = write!(query, " fragment rank on Rank {{ best position }}");
        }
        if entry {
            let _ = write!(query, " fragment entry on Entry {{ value place: rank {{ ...rank }} }}");
        }
        prop_assert!(same(&query));
    }
}
