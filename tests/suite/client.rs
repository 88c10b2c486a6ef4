//! Asking a server as its users do.

use reqwest::{RequestBuilder, StatusCode, header};
use serde_json::{Value, json};

/// Somebody who asks.
#[derive(Clone)]
pub struct Client {
    url: String,
    token: Option<String>,
    http: reqwest::Client,
}

impl Client {
    pub fn new(url: &str, token: Option<&str>) -> Self {
        // A connection each: one that lay idle may be closed by the server at the moment it is used again.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { url: url.to_owned(), token: token.map(str::to_owned), http }
    }

    /// A GET request to a path.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.authorized(self.http.get(format!("{}{path}", self.url)))
    }

    /// A POST request to the API.
    pub fn post(&self) -> RequestBuilder {
        self.authorized(self.http.post(format!("{}/graphql", self.url)))
    }

    /// A POST request to a path.
    pub fn post_to(&self, path: &str) -> RequestBuilder {
        self.authorized(self.http.post(format!("{}{path}", self.url)))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// What the API answers, whatever it is.
    pub async fn ask(&self, query: &str, variables: Value) -> (StatusCode, Value) {
        let body = json!({ "query": query, "variables": variables });
        let response = self.post().header(header::ACCEPT, "application/json").json(&body).send().await.unwrap();
        let status = response.status();
        (status, response.json().await.unwrap())
    }

    /// The status that a query is answered with.
    pub async fn status(&self, query: &str) -> StatusCode {
        self.ask(query, json!({})).await.0
    }

    /// The data of a request that succeeds.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let (status, mut answer) = self.ask(query, variables).await;
        assert_eq!(status, StatusCode::OK, "{answer:#}");
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].take()
    }

    /// The first error of a request that fails.
    pub async fn error(&self, query: &str, variables: Value) -> Value {
        let (_, mut answer) = self.ask(query, variables).await;
        assert!(answer["errors"].is_array(), "{answer:#}");
        for error in answer["errors"].as_array().unwrap() {
            assert!(error["extensions"]["code"].is_string(), "an error without a code: {error:#}");
        }
        answer["errors"][0].take()
    }

    /// Runs a mutation `name(input: …)` that succeeds and answers the record that it selects.
    pub async fn change(&self, name: &str, input: Value, record: &str, select: &str) -> Value {
        let (mut payload, query) = self.mutate(name, input, record, select).await;
        assert_eq!(payload["userErrors"], json!([]), "{query}");
        payload[record].take()
    }

    /// The user errors of a mutation that is refused.
    pub async fn refusal(&self, name: &str, input: Value, record: &str) -> Vec<Value> {
        let (payload, query) = self.mutate(name, input, record, "__typename").await;
        assert_eq!(payload[record], Value::Null, "{query}");
        payload["userErrors"].as_array().unwrap().clone()
    }

    async fn mutate(&self, name: &str, input: Value, record: &str, select: &str) -> (Value, String) {
        let mut ty = name.to_owned();
        ty[..1].make_ascii_uppercase();
        let ty = if ty.ends_with("Archive") { "Archive".to_owned() } else { ty };
        let query = format!(
            "mutation($input: {ty}Input!) {{ {name}(input: $input) {{ {record} {{ {select} }} userErrors {{ path message code }} }} }}"
        );
        let mut data = self.data(&query, json!({ "input": input })).await;
        (data[name].take(), query)
    }
}

/// `[[path, code], …]` of user errors.
pub fn codes(errors: &[Value]) -> Vec<(String, String)> {
    errors
        .iter()
        .map(|error| {
            let path: Vec<_> = error["path"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
            (path.join("."), error["code"].as_str().unwrap().to_owned())
        })
        .collect()
}
