use std::fmt::Write as _;

use rstest::rstest;
use serde_json::json;

use crate::app::App;

#[rstest]
#[case(&format!("{{ {} }}", "a ".repeat(10_001)), "tokens")]
#[case(&format!("{{ {} }}", "a ".repeat(2_001)), "fields")]
#[case(&format!("{}a{}", "{ a ".repeat(30), " }".repeat(30)), "depth")]
#[case(
    "{ communities(first: 100) { nodes { initiatives(first: 100) { nodes { participations(first: 100) { nodes { id } } } } } } }",
    "nodes"
)]
#[tokio::test]
async fn what_costs_too_much_is_refused_by_name(#[case] query: &str, #[case] limit: &str) {
    let app = App::start().await;
    let error = app.anonymous.error(query, json!({})).await;
    assert_eq!(error["extensions"]["code"], "QUERY_LIMIT_EXCEEDED", "{error}");
    assert_eq!(error["extensions"]["limit"], limit, "{error}");
    assert!(error["extensions"]["found"].as_u64() > error["extensions"]["allowed"].as_u64());
}

/// Eight fragments, each spread eight times in the one before: sixteen million fields in a kilobyte. The test runner's own
/// limit would end a server that expands them.
#[tokio::test]
async fn a_bomb_of_fragments_does_not_hold_the_server() {
    let app = App::start().await;
    let mut query = "{ communities { nodes { ...f0 } } }".to_owned();
    for level in 0..8 {
        let _ = write!(query, " fragment f{level} on Community {{ slug {} }}", format!("...f{} ", level + 1).repeat(8));
    }
    query.push_str(" fragment f8 on Community { slug }");
    let error = app.anonymous.error(&query, json!({})).await;
    assert_eq!(error["extensions"]["code"], "QUERY_LIMIT_EXCEEDED");
    app.anonymous.data("{ __typename }", json!({})).await;
}

#[tokio::test]
async fn brackets_without_end_do_not_fell_the_server() {
    let app = App::start().await;
    for query in ["{".repeat(100_000), format!("{{ a(b: {}", "[".repeat(100_000)), "\"".repeat(99_999)] {
        app.anonymous.error(&query, json!({})).await;
    }
    app.anonymous.data("{ __typename }", json!({})).await;
}
