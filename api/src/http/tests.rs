//! The transport, over a store that has nothing to give.

mod nothing;

use std::fmt::Write as _;

use actix_web::{
    body::to_bytes,
    dev::ServiceResponse,
    http::{Method, StatusCode},
    test::{TestRequest, call_service, init_service},
};
use domain::{port::clock::SystemClock, service::identity::Throttle};
use rstest::rstest;
use serde_json::Value;

use super::*;
use nothing::Nothing;

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";
const TOKEN: &str = "a-token-for-the-tests";

struct Health(Vec<Component>, Duration);

#[async_trait::async_trait]
impl Readiness for Health {
    async fn check(&self) -> Vec<Component> {
        tokio::time::sleep(self.1).await;
        self.0.clone()
    }
}

fn shared(config: HttpConfig, readiness: Health) -> web::Data<Shared> {
    let throttle = Throttle::usual(Arc::new(Nothing), "tests");
    let services = Services::new(Arc::new(Nothing), Arc::new(Nothing), Arc::new(SystemClock), throttle);
    let authenticator = Authenticator::new(Some(TOKEN.to_owned().into()));
    web::Data::new(Shared::new(services, authenticator, Arc::new(readiness), config).unwrap())
}

struct Answer {
    status: StatusCode,
    headers: header::HeaderMap,
    body: String,
}

impl Answer {
    async fn of<B: MessageBody>(response: ServiceResponse<B>) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body()).await.unwrap_or_default();
        Self { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The code of the first error; every error must have one.
    fn code(&self) -> String {
        let answer = self.json();
        assert!(
            answer["errors"].as_array().unwrap().iter().all(|error| error["extensions"]["code"].is_string()),
            "{answer:#}"
        );
        answer["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn send_with(config: HttpConfig, request: TestRequest) -> Answer {
    let app = init_service(app(shared(config, Health(Vec::new(), Duration::ZERO)))).await;
    let request = request.to_request();
    Answer::of(call_service(&app, request).await).await
}

async fn send(request: TestRequest) -> Answer {
    send_with(HttpConfig::default(), request).await
}

fn post(accept: &'static str, body: impl Into<web::Bytes>) -> TestRequest {
    TestRequest::post()
        .uri("/graphql")
        .insert_header((header::ACCEPT, accept))
        .insert_header((header::CONTENT_TYPE, JSON))
        .set_payload(body)
}

fn query(text: &str) -> String {
    serde_json::json!({ "query": text }).to_string()
}

/// A GET request with these parameters.
fn get(parameters: &[(&str, &str)]) -> TestRequest {
    let mut uri = "/graphql?".to_owned();
    for (name, value) in parameters {
        let _ = write!(uri, "{name}=");
        value.bytes().for_each(|byte| {
            let _ = write!(uri, "%{byte:02X}");
        });
        uri.push('&');
    }
    TestRequest::get().uri(uri.trim_end_matches('&'))
}

#[rstest]
#[case("{ __typename }", 200, None)]
#[case("{ __typename", 400, Some("GRAPHQL_PARSE_FAILED"))]
#[case("{ communities(first: 5, after: \"\"\"x) { totalCount } }", 400, Some("GRAPHQL_PARSE_FAILED"))]
#[case("{ nothing }", 400, Some("GRAPHQL_VALIDATION_FAILED"))]
#[case("{ a: nothing b: nothing }", 400, Some("GRAPHQL_VALIDATION_FAILED"))]
#[case("{ __typename } fragment a on Query { ...a }", 400, Some("GRAPHQL_VALIDATION_FAILED"))]
#[case("query a { __typename } query b { __typename }", 400, Some("OPERATION_RESOLUTION_FAILURE"))]
#[case("query($id: ID!) { node(id: $id) { id } }", 400, Some("BAD_USER_INPUT"))]
#[case(
    "{ communities(first: 100) { nodes { initiatives(first: 100) { nodes { learnings(first: 100) { nodes { id } } } } } } }",
    400,
    Some("QUERY_LIMIT_EXCEEDED")
)]
#[actix_web::test]
async fn the_status_tells_what_happened_if_the_media_type_does(
    #[case] text: &str,
    #[case] status: u16,
    #[case] code: Option<&str>,
) {
    let answer = send(post(GRAPHQL, query(text))).await;
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/graphql-response+json; charset=utf-8");
    assert_eq!(code.is_none(), answer.json().get("data").is_some(), "{}", answer.body);
    // Plain JSON: whatever is well-formed is answered 200.
    let plain = send(post(JSON, query(text))).await;
    assert_eq!(plain.status, 200);
    assert_eq!(plain.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(plain.body, answer.body);
    if let Some(code) = code {
        assert_eq!(answer.code(), code);
    }
}

#[rstest]
#[case("", "BAD_REQUEST")]
#[case("not json", "BAD_REQUEST")]
#[case("{}", "BAD_REQUEST")]
#[case("\"query\"", "BAD_REQUEST")]
#[case("[{\"query\":\"{__typename}\"}]", "BAD_REQUEST")]
#[case("{\"query\":1}", "BAD_REQUEST")]
#[case("{\"query\":\"{__typename}\",\"operationName\":1}", "BAD_REQUEST")]
#[case("{\"query\":\"{__typename}\",\"variables\":[]}", "BAD_REQUEST")]
#[case("{\"query\":\"{__typename}\",\"extensions\":\"\"}", "BAD_REQUEST")]
#[actix_web::test]
async fn what_is_no_request_is_refused_in_either_media_type(#[case] body: &'static str, #[case] code: &str) {
    for accept in [GRAPHQL, JSON] {
        let answer = send(post(accept, body)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, code), "{body}");
    }
}

#[actix_web::test]
async fn a_body_that_is_not_utf8_is_refused() {
    let answer = send(post(JSON, vec![b'{', 0xff, b'}'])).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "BAD_REQUEST"));
}

#[rstest]
#[case(None, Some(JSON))]
#[case(Some("*/*"), Some(JSON))]
#[case(Some("application/*"), Some(JSON))]
#[case(Some("application/json"), Some(JSON))]
#[case(Some("application/graphql-response+json"), Some(GRAPHQL))]
#[case(Some("application/graphql-response+json, application/json;q=0.9"), Some(GRAPHQL))]
#[case(Some("application/graphql-response+json;q=0.5, application/json"), Some(JSON))]
#[case(Some("text/html, application/json;charset=utf-8"), Some(JSON))]
#[case(Some("application/json;charset=utf-16"), None)]
#[case(Some("application/json;q=0"), None)]
#[case(Some("text/html"), None)]
#[actix_web::test]
async fn the_caller_chooses_the_media_type(#[case] accept: Option<&str>, #[case] expected: Option<&str>) {
    let mut request = post(JSON, query("{ __typename }"));
    request = match accept {
        Some(accept) => request.insert_header((header::ACCEPT, accept)),
        None => TestRequest::post()
            .uri("/graphql")
            .insert_header((header::CONTENT_TYPE, JSON))
            .set_payload(query("{ __typename }")),
    };
    let answer = send(request).await;
    match expected {
        Some(media) => {
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), format!("{media}; charset=utf-8"));
        }
        None => assert_eq!((answer.status.as_u16(), answer.code().as_str()), (406, "NOT_ACCEPTABLE")),
    }
}

#[rstest]
#[case(Some("application/json"), None, 200)]
#[case(Some("application/json; charset=UTF-8"), None, 200)]
#[case(Some("application/json; charset=\"utf-8\""), None, 200)]
#[case(Some("application/json; charset=latin1"), None, 415)]
#[case(Some("application/jsonp"), None, 415)]
#[case(Some("text/plain"), None, 415)]
#[case(Some("application/x-www-form-urlencoded"), None, 415)]
#[case(Some("multipart/form-data; boundary=x"), None, 415)]
#[case(None, None, 415)]
#[case(Some("application/json"), Some("gzip"), 415)]
#[case(Some("application/json"), Some("identity"), 200)]
#[actix_web::test]
async fn only_json_is_read(#[case] media: Option<&str>, #[case] encoding: Option<&str>, #[case] status: u16) {
    let mut request = TestRequest::post().uri("/graphql").set_payload(query("{ __typename }"));
    if let Some(media) = media {
        request = request.insert_header((header::CONTENT_TYPE, media));
    }
    if let Some(encoding) = encoding {
        request = request.insert_header((header::CONTENT_ENCODING, encoding));
    }
    let answer = send(request).await;
    assert_eq!(answer.status, status);
    assert!(status == 200 || answer.code() == "UNSUPPORTED_MEDIA_TYPE");
}

#[actix_web::test]
async fn a_body_beyond_the_limit_is_refused_whether_announced_or_not() {
    let body = query(&format!("{{ __typename }} #{}", "x".repeat(MAX_BODY)));
    let announced = send(post(JSON, body.clone()).insert_header((header::CONTENT_LENGTH, body.len()))).await;
    assert_eq!((announced.status.as_u16(), announced.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    let quiet = send(post(JSON, body)).await;
    assert_eq!((quiet.status.as_u16(), quiet.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    assert_eq!(quiet.json()["errors"][0]["extensions"]["limit"], MAX_BODY);
}

#[actix_web::test]
async fn get_reads_and_never_writes() {
    let two = "query a { a: __typename } mutation b { __typename }";
    let read = send(get(&[("query", two), ("operationName", "a"), ("variables", "{}"), ("extensions", "{}")])).await;
    assert_eq!(read.json(), serde_json::json!({ "data": { "a": "Query" } }));
    let write = send(get(&[("query", two), ("operationName", "b")])).await;
    assert_eq!(
        (write.status.as_u16(), write.code().as_str(), write.header("allow")),
        (405, "METHOD_NOT_ALLOWED", "POST")
    );
}

#[rstest]
#[case(&[])]
#[case(&[("query", "{ __typename }"), ("query", "{ __typename }")])]
#[case(&[("query", "{ __typename }"), ("variables", "{")])]
#[case(&[("query", "{ __typename }"), ("variables", "[]")])]
#[case(&[("query", "{ __typename }"), ("extensions", "1")])]
#[actix_web::test]
async fn a_query_string_is_checked_as_a_body_is(#[case] parameters: &[(&str, &str)]) {
    let answer = send(get(parameters)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "BAD_REQUEST"));
}

#[actix_web::test]
async fn an_operation_is_found_by_its_name() {
    let body = |name: &str| {
        let text = "query a { a: __typename } query b { b: __typename }";
        serde_json::json!({ "query": text, "operationName": name }).to_string()
    };
    assert_eq!(send(post(JSON, body("b"))).await.json(), serde_json::json!({ "data": { "b": "Query" } }));
    assert_eq!(send(post(JSON, body("c"))).await.code(), "OPERATION_RESOLUTION_FAILURE");
}

#[actix_web::test]
async fn a_panic_is_answered_in_general_words() {
    for accept in [GRAPHQL, JSON] {
        let answer = send(post(accept, query("{ networks { nodes { slug } } }"))).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (500, "INTERNAL"));
        assert!(!answer.body.contains("secret"), "{}", answer.body);
    }
}

#[rstest]
#[case("{ communities(first: 100) { nodes { initiatives(first: 10) { nodes { slug } } } } }", 504)]
#[case("{ __typename }", 200)]
#[actix_web::test]
async fn large_answers_wait_for_their_turn_and_small_ones_do_not(#[case] text: &str, #[case] status: u16) {
    let config = HttpConfig { large_at_once: 0, execution_timeout: Duration::from_millis(20), ..HttpConfig::default() };
    let answer = send_with(config, post(GRAPHQL, query(text))).await;
    assert_eq!(answer.status, status, "{}", answer.body);
}

#[actix_web::test]
async fn a_request_that_takes_too_long_is_ended() {
    let text = "mutation { networkCreate(input: {slug: \"a\", name: {sourceLanguage: \"en\", translations: [{language: \"en\", text: \"A\"}]}, startsOn: \"2020-01-01\"}) { userErrors { message } } }";
    let config = HttpConfig { execution_timeout: Duration::from_millis(20), ..HttpConfig::default() };
    let bearer = (header::AUTHORIZATION, format!("Bearer {TOKEN}"));
    let answer = send_with(config, post(JSON, query(text)).insert_header(bearer)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (504, "TIMEOUT"), "{}", answer.body);
}

#[rstest]
#[case("Bearer wrong")]
#[case("Basic YTpi")]
#[case("nonsense")]
#[actix_web::test]
async fn whoever_cannot_be_believed_is_refused(#[case] authorization: &str) {
    let answer = send(post(JSON, query("{ __typename }")).insert_header((header::AUTHORIZATION, authorization))).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "UNAUTHENTICATED"));
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

#[rstest]
#[case(Method::PUT, "/graphql", 405, "GET, POST")]
#[case(Method::DELETE, "/graphql", 405, "GET, POST")]
#[case(Method::POST, "/", 405, "GET, HEAD")]
#[case(Method::POST, "/livez", 405, "GET, HEAD")]
#[case(Method::GET, "/nothing", 404, "")]
#[actix_web::test]
async fn what_is_not_served_is_refused_with_a_code(
    #[case] method: Method,
    #[case] path: &str,
    #[case] status: u16,
    #[case] allow: &str,
) {
    let answer = send(TestRequest::with_uri(path).method(method)).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (status, allow));
    assert!(!answer.code().is_empty());
    assert!(!answer.header("x-request-id").is_empty());
}

#[rstest]
#[case("the.callers-own_ID", true)]
#[case("", false)]
#[case("two words", false)]
#[case("0123456789012345678901234567890123456789012345678901234567890123456789", false)]
#[actix_web::test]
async fn every_answer_carries_an_id(#[case] given: &str, #[case] kept: bool) {
    for path in ["/livez", "/nothing", "/graphql"] {
        let answer = send(TestRequest::get().uri(path).insert_header(("x-request-id", given))).await;
        let id = answer.header("x-request-id");
        assert_eq!(id == given, kept);
        assert!(kept || uuid::Uuid::parse_str(id).is_ok(), "{id}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

/// A number that does not fit is named by where it stands, however deep.
#[rstest]
#[case("$v: Int", serde_json::json!(4_294_967_298_u64), "variables.v")]
#[case("$v: Int!", serde_json::json!(1.5), "variables.v")]
#[case("$v: [CommunityCreateInput!]", serde_json::json!([{}, { "populations": [{ "persons": -3_000_000_000_i64 }] }]), "variables.v.1.populations.0.persons")]
#[case("$v: Float", serde_json::json!(4_294_967_298_u64), "")]
#[case("$v: Int", serde_json::json!(2_147_483_647), "")]
#[case("$v: Int", serde_json::json!("x"), "")]
#[actix_web::test]
async fn a_number_that_does_not_fit_is_named(#[case] declared: &str, #[case] value: Value, #[case] field: &str) {
    let asked =
        serde_json::json!({ "query": format!("query({declared}) {{ __typename }}"), "variables": { "v": value } });
    let answer = send(post(JSON, asked.to_string())).await;
    let error = &answer.json()["errors"][0];
    assert_eq!(error["extensions"]["field"].as_str().unwrap_or_default(), field, "{error}");
    assert!(
        field.is_empty() || (answer.code() == "BAD_USER_INPUT" && error["message"].as_str().unwrap().contains("Int"))
    );
}

#[rstest]
#[case("https://listed.example", true)]
#[case("https://other.example", false)]
#[actix_web::test]
async fn other_sites_may_call_if_they_are_listed(#[case] origin: &str, #[case] listed: bool) {
    let config = HttpConfig { cors_origins: vec!["https://listed.example".to_owned()], ..HttpConfig::default() };
    let allowed = if listed { origin } else { "" };
    let request = post(JSON, query("{ __typename }")).insert_header((header::ORIGIN, origin));
    let answer = send_with(config.clone(), request).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, allowed));
    let asking = TestRequest::with_uri("/graphql")
        .method(Method::OPTIONS)
        .insert_header((header::ORIGIN, origin))
        .insert_header((header::ACCESS_CONTROL_REQUEST_METHOD, "POST"))
        .insert_header((
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            "content-type,authorization,accept-language,x-request-id",
        ));
    let answer = send_with(config, asking).await;
    assert_eq!(answer.header("access-control-allow-origin"), allowed);
    assert_eq!(answer.status.is_success(), listed, "{}", answer.status);
    if !listed {
        assert_eq!(answer.code(), "ORIGIN_NOT_ALLOWED");
    }
}

#[actix_web::test]
async fn no_other_site_may_call_by_default() {
    let answer = send(post(JSON, query("{ __typename }")).insert_header((header::ORIGIN, "https://a.example"))).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[rstest]
#[case(&[(true, true), (false, true)], 0, 200, "ok")]
#[case(&[(true, true), (false, false)], 0, 200, "degraded")]
#[case(&[(true, false), (false, true)], 0, 503, "unavailable")]
#[case(&[(true, true)], 60, 503, "unavailable")]
#[actix_web::test]
async fn readiness_is_that_of_what_is_required(
    #[case] components: &[(bool, bool)],
    #[case] seconds: u64,
    #[case] status: u16,
    #[case] word: &str,
) {
    let component = |&(required, ok): &(bool, bool)| Component { name: "thing", ok, required, detail: None };
    let health = Health(components.iter().map(component).collect(), Duration::from_secs(seconds));
    let app = init_service(app(shared(HttpConfig::default(), health))).await;
    let answer = Answer::of(call_service(&app, TestRequest::get().uri("/readyz").to_request()).await).await;
    assert_eq!((answer.status.as_u16(), answer.json()["status"].as_str()), (status, Some(word)));
}

#[rstest]
#[case("/")]
#[case("/livez")]
#[case("/readyz")]
#[case("/schema.graphql")]
#[actix_web::test]
async fn whoever_asks_for_the_head_alone_gets_the_same_status(#[case] path: &str) {
    for method in [Method::GET, Method::HEAD] {
        let answer = send(TestRequest::with_uri(path).method(method.clone())).await;
        assert_eq!(answer.status.as_u16(), 200, "{method} {path}");
    }
}

#[actix_web::test]
async fn the_schema_is_sent_once_to_those_who_keep_it() {
    let first = send(TestRequest::get().uri("/schema.graphql")).await;
    assert_eq!((first.status.as_u16(), first.header("content-type")), (200, "text/plain; charset=utf-8"));
    assert_eq!(first.body, sdl());
    let tag = first.header("etag").to_owned();
    let again = send(TestRequest::get().uri("/schema.graphql").insert_header((header::IF_NONE_MATCH, tag))).await;
    assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""));
}

#[actix_web::test]
async fn large_answers_are_compressed_for_those_who_take_that() {
    let request = TestRequest::get().uri("/schema.graphql").insert_header((header::ACCEPT_ENCODING, "gzip"));
    let app = init_service(app(shared(HttpConfig::default(), Health(Vec::new(), Duration::ZERO)))).await;
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(response.headers().get(header::CONTENT_ENCODING).unwrap(), "gzip");
    assert!(to_bytes(response.into_body()).await.unwrap_or_default().len() * 3 < sdl().len());
}

#[actix_web::test]
async fn the_explorer_pins_what_it_loads() {
    let page = send(TestRequest::get().uri("/")).await;
    assert_eq!(page.status, 200);
    let loaded = page.body.matches("https://cdn.").count();
    assert!(loaded > 0);
    assert_eq!(page.body.matches("integrity=\"sha384-").count(), loaded);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src 'unsafe"), "{policy}");
    assert_eq!(send(TestRequest::get().uri("/explorer.js")).await.status, 200);
}
