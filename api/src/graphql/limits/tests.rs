use std::{fmt::Write as _, time::Instant};

use async_graphql::{Variables, parser::parse_query};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn check(query: &str) -> Result<(), TextError> {
    let limits = Limits::default();
    check_text(query, &limits)?;
    let shape = Shape::of(&crate::graphql::schema::sdl()).unwrap();
    limits.check(&parse_query(query).unwrap(), &Variables::default(), &shape)?;
    Ok(())
}

fn refused(query: &str) -> Option<&'static str> {
    check(query).err().map(|error| match error {
        TextError::Limit(exceeded) => exceeded.limit,
        TextError::UnclosedString => "unclosed",
    })
}

/// A document with several operations that ask the same.
fn operations(count: usize, selection: &str) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        let _ = write!(text, "query q{n} {selection} ");
        text
    })
}

/// Eight fragments, each spread eight times in the one before: sixteen million fields in a kilobyte.
fn bomb(leaf: &str) -> String {
    let mut query = "{ communities { nodes { ...f0 } } }".to_owned();
    for level in 0..8 {
        let spread = format!("...f{} ", level + 1).repeat(8);
        let _ = write!(query, " fragment f{level} on Community {{ {spread} }}");
    }
    let _ = write!(query, " fragment f8 on Community {{ {leaf} }}");
    query
}

#[rstest]
#[case("slug")]
// Validation would follow every spread to the end all the same.
#[case("...nowhere")]
fn a_bomb_of_fragments_is_refused_at_once(#[case] leaf: &str) {
    let shape = Shape::of(&crate::graphql::schema::sdl()).unwrap();
    let document = parse_query(bomb(leaf)).unwrap();
    let start = Instant::now();
    let refused = Limits::default().check(&document, &Variables::default(), &shape);
    assert!(matches!(refused, Err(LimitExceeded { limit: "fields", found, .. }) if found > 16_000_000));
    // The pass takes microseconds; a second says that it follows spreads without memory.
    assert!(start.elapsed().as_secs() < 1);
}

#[test]
fn a_long_chain_of_fragments_is_refused_on_a_small_stack() {
    let mut query = "{ communities { nodes { ...f0 } } } fragment f1200 on Community { slug }".to_owned();
    for link in 0..1_200 {
        let _ = write!(query, " fragment f{link} on Community {{ ...f{} }}", link + 1);
    }
    let thread = std::thread::Builder::new().stack_size(1024 * 1024).spawn(move || refused(&query)).unwrap();
    assert_eq!(thread.join().unwrap(), Some("nesting"));
}

#[test]
fn fragments_that_lead_back_to_themselves_end() {
    assert_eq!(
        refused(
            "{ communities { nodes { ...a } } } fragment a on Community { slug ...b } fragment b on Community { ...a }"
        ),
        None
    );
}

#[rstest]
#[case(
    "{ communities(first: 100) { nodes { initiatives(first: 100) { nodes { participations(first: 100) { nodes { id } } } } } } }",
    Some("nodes")
)]
#[case(
    "{ communities(first: 50) { nodes { initiatives(first: 3) { nodes { title { text } } } latestValues { value } } } }",
    None
)]
#[case(
    "query($n: Int = 100) { communities(first: $n) { edges { node { initiatives(last: $n) { edges { node { learnings(first: $n) { nodes { id } } } } } } } } }",
    Some("nodes")
)]
#[case(
    "{ comparison(network: \"a\", indicator: \"b\") { entries { community { initiatives(first: 100) { nodes { id } } } } } }",
    Some("nodes")
)]
#[case(
    "{ comparison(network: \"a\", indicator: \"b\") { entries { community { slug name { text } } current { value } } } }",
    None
)]
// 50 communities x 10 values, of 1 of which the source is loaded; 100 if no indicator is named.
#[case("{ communities(first: 50) { nodes { latestValues(indicators: [\"a\"]) { source { name { text } } } } } }", None)]
#[case("{ communities(first: 100) { nodes { latestValues { source { name { text } } } } } }", Some("nodes"))]
#[case("{ communities(first: 100) { nodes { latestValues(first: 20) { source { name { text } } } } } }", None)]
#[case("query($f: Int) { communities(first: 100) { nodes { latestValues(first: $f) { source { id } } } } }", None)]
#[case("{ initiatives(first: 100) { nodes { otherCommunities { name { text } } } } }", None)]
#[case(
    "{ initiatives(first: 100) { nodes { otherCommunities { name { text } baselines(first: 1) { nodes { id } } } } } }",
    Some("nodes")
)]
#[case("{ learnings(first: 100) { nodes { namedCommunities { id } } } }", Some("nodes"))]
#[case("{ apiTokens(first: 30) { nodes { communities { id } indicators { id } } } }", Some("nodes"))]
#[case(
    "{ comparison(network: \"a\", indicator: \"b\") { entries(first: 10) { community { initiatives(first: 100) { nodes { id } } } } } }",
    None
)]
#[case(
    "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }",
    Some("introspectionNodes")
)]
fn lists_multiply(#[case] query: &str, #[case] limit: Option<&str>) {
    assert_eq!(refused(query), limit);
}

#[test]
fn the_usual_introspection_passes() {
    let of_type = "ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }";
    let query = format!(
        "query {{ __schema {{ queryType {{ name }} types {{ ...FullType }} directives {{ name args {{ ...InputValue }} }} }} }}
         fragment FullType on __Type {{ kind name fields(includeDeprecated: true) {{ name args {{ ...InputValue }} type {{ ...TypeRef }} }}
           inputFields {{ ...InputValue }} interfaces {{ ...TypeRef }} enumValues {{ name }} possibleTypes {{ ...TypeRef }} }}
         fragment InputValue on __InputValue {{ name type {{ ...TypeRef }} defaultValue }}
         fragment TypeRef on __Type {{ kind name {of_type} }}"
    );
    assert_eq!(refused(&query), None);
}

#[test]
fn each_limit_is_named() {
    assert_eq!(refused(&format!("{{ {} }}", "a ".repeat(10_001))), Some("tokens"));
    assert_eq!(refused(&format!("{{ a {{ {} }} }}", "a ".repeat(2_000))), Some("fields"));
    assert_eq!(refused(&format!("{{ {} }}", "a ".repeat(51))), Some("rootFields"));
    assert_eq!(refused(&operations(21, "{ a }")), Some("operations"));
    let aliases: String = (0..201).fold(String::new(), |mut text, n| {
        let _ = write!(text, "a{n}: __typename ");
        text
    });
    assert_eq!(refused(&format!("{{ a {{ {aliases} }} }}")), Some("aliases"));
    assert_eq!(refused(&format!("{{ __typename {} }}", "@include(if: true) ".repeat(101))), Some("directives"));
    assert_eq!(refused(&format!("{}a{}", "{ a ".repeat(21), " }".repeat(21))), Some("depth"));
    assert_eq!(refused(&"{".repeat(100_000)), Some("depth"));
}

#[test]
fn operations_are_validated_together_and_executed_alone() {
    let wide = format!("{{ communities {{ nodes {{ {} }} }} }}", "slug ".repeat(100));
    assert_eq!(refused(&operations(20, &wide)), Some("fields"));
    let page = "{ communities(first: 100) { nodes { initiatives(first: 100) { nodes { id } } } } }";
    assert_eq!(refused(&operations(3, page)), None);
}

#[rstest]
#[case("{ a(b: \"\"\"x) }")]
#[case("{ a(b: \"x) }")]
#[case("{ a(b: \"x\n\") }")]
// The parser would read an empty string, another string, and then the brackets.
#[case("{ a(b: [\"\"\"{ \" [[[[[[")]
fn strings_must_end(#[case] query: &str) {
    assert_eq!(refused(query), Some("unclosed"));
}

#[rstest]
#[case("{ a(b: \"{{{{ # } \\\" \") }", 8)]
#[case("{ a # { ( [ \n }", 3)]
#[case("\"\"\"one \" token\"\"\"", 1)]
#[case("\"\"\" \\\\\"\"\" still \"\"\" [", 2)]
#[case("\"\\\\\" [", 2)]
#[case("{...a...b}", 6)]
#[case("[1-2-3.5e-7-0]", 6)]
#[case("\u{feff}{ a }", 3)]
fn tokens_are_those_of_the_grammar(#[case] text: &str, #[case] tokens: u64) {
    assert!(check_text(text, &Limits { tokens, ..Limits::default() }).is_ok());
    assert!(check_text(text, &Limits { tokens: tokens - 1, ..Limits::default() }).is_err());
}

proptest! {
    #[test]
    fn any_text_is_counted(text in ".{0,300}") {
        let _ = check_text(&text, &Limits::default());
    }
}
