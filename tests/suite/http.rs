use api::http::HttpConfig;
use reqwest::{Method, StatusCode, header};
use rstest::rstest;
use serde_json::{Value, json};

use crate::app::App;

const RESPONSE: &str = "application/graphql-response+json";

#[rstest]
#[case("application/json", "{ __typename }", StatusCode::OK, None)]
#[case("application/json", "{ nothing }", StatusCode::OK, Some("GRAPHQL_VALIDATION_FAILED"))]
#[case("application/json", "{", StatusCode::OK, Some("GRAPHQL_PARSE_FAILED"))]
#[case(RESPONSE, "{ __typename }", StatusCode::OK, None)]
#[case(RESPONSE, "{ nothing }", StatusCode::BAD_REQUEST, Some("GRAPHQL_VALIDATION_FAILED"))]
#[case(RESPONSE, "{", StatusCode::BAD_REQUEST, Some("GRAPHQL_PARSE_FAILED"))]
#[tokio::test]
async fn the_status_follows_the_media_type(
    #[case] accept: &str,
    #[case] query: &str,
    #[case] status: StatusCode,
    #[case] code: Option<&str>,
) {
    let app = App::start().await;
    let body = json!({ "query": query });
    let reply = app.anonymous.post().header(header::ACCEPT, accept).json(&body).send().await.unwrap();
    assert_eq!(reply.status(), status);
    assert!(reply.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with(accept));
    let answer: Value = reply.json().await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"].as_str(), code, "{answer}");
    assert_eq!(answer.get("data").is_some(), code.is_none(), "a request that was not executed has no data");
}

#[rstest]
#[case("text/plain", "{\"query\":\"{ __typename }\"}", StatusCode::UNSUPPORTED_MEDIA_TYPE)]
#[case("application/x-www-form-urlencoded", "query={__typename}", StatusCode::UNSUPPORTED_MEDIA_TYPE)]
#[case("application/json; charset=latin1", "{\"query\":\"{ __typename }\"}", StatusCode::UNSUPPORTED_MEDIA_TYPE)]
#[case("application/json; charset=utf-8", "{\"query\":\"{ __typename }\"}", StatusCode::OK)]
#[case("application/json", "{\"query\":", StatusCode::BAD_REQUEST)]
#[case("application/json", "[]", StatusCode::BAD_REQUEST)]
#[case("application/json", "{\"query\":7}", StatusCode::BAD_REQUEST)]
#[case("application/json", "{\"query\":\"{ __typename }\",\"variables\":[]}", StatusCode::BAD_REQUEST)]
#[case("application/json", "{\"query\":\"{ __typename }\",\"operationName\":7}", StatusCode::BAD_REQUEST)]
#[case("application/json", "", StatusCode::BAD_REQUEST)]
#[tokio::test]
async fn only_well_formed_json_is_taken(#[case] content_type: &str, #[case] body: &str, #[case] status: StatusCode) {
    let app = App::start().await;
    let request = app.anonymous.post().header(header::CONTENT_TYPE, content_type).body(body.to_owned());
    let reply = request.send().await.unwrap();
    assert_eq!(reply.status(), status);
    let answer: Value = reply.json().await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"].is_string(), status != StatusCode::OK, "{answer}");
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_refused() {
    let app = App::start().await;
    let body = json!({ "query": format!("{{ __typename }} #{}", "x".repeat(1024 * 1024)) });
    let reply = app.anonymous.post().json(&body).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // Without an announced length as well.
    let chunks = futures_util::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b' '; 100_000])));
    let streamed = app.anonymous.post().header(header::CONTENT_TYPE, "application/json");
    let reply = streamed.body(reqwest::Body::wrap_stream(chunks)).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::PAYLOAD_TOO_LARGE);
    app.anonymous.data("{ __typename }", json!({})).await;
}

#[tokio::test]
async fn get_reads_and_never_writes() {
    let app = App::start().await;
    let get = |query: &'static [(&'static str, &'static str)]| app.admin.get("/graphql").query(query).send();
    let reply = get(&[("query", "query A { __typename } query B { networks { totalCount } }"), ("operationName", "B")])
        .await
        .unwrap();
    assert_eq!(reply.status(), StatusCode::OK);
    assert_eq!(reply.json::<Value>().await.unwrap()["data"]["networks"]["totalCount"], 0);
    let reply = get(&[("query", "query($n: Int) { networks(first: $n) { totalCount } }"), ("variables", "{\"n\": 1}")])
        .await
        .unwrap();
    assert_eq!(reply.json::<Value>().await.unwrap()["data"]["networks"]["totalCount"], 0);
    let write = "mutation { sourceCreate(input: { key: \"a\", name: { sourceLanguage: \"en\", translations: [{ language: \"en\", text: \"A\" }] } }) { userErrors { code } } }";
    let reply = app.admin.get("/graphql").query(&[("query", write)]).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reply.headers()[header::ALLOW], "POST");
    assert_eq!(app.anonymous.data("{ sources { totalCount } }", json!({})).await["sources"]["totalCount"], 0);
}

#[tokio::test]
async fn other_methods_are_refused() {
    let app = App::start().await;
    let http = reqwest::Client::new();
    for (path, allow) in [("/graphql", "GET, POST"), ("/livez", "GET, HEAD")] {
        let reply = http.request(Method::DELETE, format!("{}{path}", app.url)).send().await.unwrap();
        assert_eq!(
            (reply.status(), reply.headers()[header::ALLOW].to_str().unwrap()),
            (StatusCode::METHOD_NOT_ALLOWED, allow)
        );
    }
}

#[tokio::test]
async fn an_unknown_token_is_refused_and_never_anonymous() {
    let app = App::start().await;
    for value in ["Bearer wrong", "Basic dXNlcjpwdw==", "Bearer", ""] {
        let request = app.anonymous.post().header(header::AUTHORIZATION, value);
        let reply = request.json(&json!({ "query": "{ __typename }" })).send().await.unwrap();
        assert_eq!(reply.status(), StatusCode::UNAUTHORIZED, "{value:?}");
        assert!(reply.headers().contains_key(header::WWW_AUTHENTICATE));
        assert_eq!(reply.json::<Value>().await.unwrap()["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn cors_is_off_unless_an_origin_is_listed() {
    let origin = "https://dashboard.example";
    let listed = App::with(HttpConfig { cors_origins: vec![origin.to_owned()], ..HttpConfig::default() }).await;
    let closed = App::start().await;
    for (app, from, allowed) in
        [(&listed, origin, true), (&listed, "https://other.example", false), (&closed, origin, false)]
    {
        let reply = app
            .anonymous
            .post()
            .header(header::ORIGIN, from)
            .json(&json!({ "query": "{ __typename }" }))
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), StatusCode::OK);
        let named = reply.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap());
        assert_eq!(named, allowed.then_some(from), "{from}");
    }
}

#[tokio::test]
async fn replies_are_compressed_for_who_takes_it() {
    let app = App::start().await;
    let reply = app.anonymous.get("/schema.graphql").header(header::ACCEPT_ENCODING, "gzip").send().await.unwrap();
    let length = reply.content_length();
    assert!(length.is_none_or(|length| length < 60_000), "decoded by the client, so no longer announced: {length:?}");
    assert!(reply.text().await.unwrap().len() > 60_000);
}
