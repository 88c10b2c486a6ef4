//! Reading a GraphQL request from HTTP: media types, body and query string.

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
    web::{self, Bytes},
};
use async_graphql::Variables;
use futures_util::StreamExt as _;
use serde_json::{Map, Value};

use super::aside;
use crate::{graphql::observation::Aside, refusal::Refusal};

/// The media types of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/graphql-response+json`: the status tells what happened.
    Response,
    /// `application/json`: a well-formed request is answered 200.
    Json,
}

impl MediaType {
    pub(super) const fn header(self) -> &'static str {
        match self {
            Self::Response => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    /// What the caller takes, the best first; plain JSON for a caller who does not say.
    pub(super) fn negotiate(request: &HttpRequest) -> Result<Self, Refusal> {
        let accepts: Vec<&str> =
            request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()).collect();
        if accepts.is_empty() {
            return Ok(Self::Json);
        }
        let mut best: Option<(f32, Self)> = None;
        for part in accepts.iter().flat_map(|value| value.split(',')) {
            let mut pieces = part.split(';').map(str::trim);
            let media = match pieces.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/graphql-response+json" => Self::Response,
                "application/json" | "application/*" | "*/*" => Self::Json,
                _ => continue,
            };
            let parameters: Vec<&str> = pieces.collect();
            let quality = parameters.iter().find_map(|p| p.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
            let utf8 = parameters.iter().filter_map(|p| p.strip_prefix("charset=")).all(is_utf8);
            let Some(quality) = quality.filter(|&quality: &f32| quality > 0.0 && utf8) else { continue };
            if best.is_none_or(|(known, _)| quality > known) {
                best = Some((quality, media));
            }
        }
        best.map(|(_, media)| media).ok_or_else(|| {
            let message = "answers are application/graphql-response+json or application/json, in UTF-8";
            Refusal::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message)
        })
    }
}

fn is_utf8(charset: &str) -> bool {
    charset.trim_matches('"').eq_ignore_ascii_case("utf-8")
}

/// A GraphQL request as it came.
#[derive(Debug, Default)]
pub(super) struct GraphqlRequest {
    pub(super) query: String,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Variables,
    /// The rows of large pushes, for which tokens stand among the variables.
    pub(super) aside: Aside,
}

impl GraphqlRequest {
    fn of(mut fields: Map<String, Value>) -> Result<Self, Refusal> {
        let wrong =
            |field: &str, what: &str| Refusal::bad_request(format!("{field} must be {what}")).with("field", field);
        let Some(Value::String(query)) = fields.remove("query") else {
            return Err(wrong("query", "a string"));
        };
        let operation_name = match fields.remove("operationName") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name).filter(|name| !name.is_empty()),
            Some(_) => return Err(wrong("operationName", "a string")),
        };
        let variables = match fields.remove("variables") {
            None | Some(Value::Null) => Variables::default(),
            Some(variables @ Value::Object(_)) => Variables::from_json(variables),
            Some(_) => return Err(wrong("variables", "an object")),
        };
        match fields.remove("extensions") {
            None | Some(Value::Null | Value::Object(_)) => {
                Ok(Self { query, operation_name, variables, aside: Aside::default() })
            }
            Some(_) => Err(wrong("extensions", "an object")),
        }
    }

    /// From the query string of a GET request.
    pub(super) fn from_query(request: &HttpRequest) -> Result<Self, Refusal> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|_| Refusal::bad_request("the query string cannot be read"))?;
        let mut fields = Map::new();
        for (name, text) in pairs.into_inner() {
            let value = match name.as_str() {
                "query" | "operationName" => Value::String(text),
                "variables" | "extensions" if text.is_empty() => Value::Null,
                "variables" | "extensions" => serde_json::from_str(&text).map_err(|_| {
                    Refusal::bad_request(format!("{name} must be an object in JSON")).with("field", name.clone())
                })?,
                _ => continue,
            };
            if fields.insert(name.clone(), value).is_some() {
                return Err(Refusal::bad_request(format!("{name} is given twice")).with("field", name));
            }
        }
        Self::of(fields)
    }

    /// From the body of a POST request, of at most so many bytes.
    pub(super) async fn from_body(request: &HttpRequest, payload: web::Payload, most: usize) -> Result<Self, Refusal> {
        check_content_type(request)?;
        let body = read(request, payload, most).await?;
        if body.len() >= aside::LARGE
            && let Some(request) = aside::read(&body)
        {
            return Ok(request);
        }
        match serde_json::from_slice(&body) {
            Ok(Value::Object(fields)) => Self::of(fields),
            Ok(Value::Array(_)) => Err(Refusal::bad_request("batches are not served; send one request at a time")),
            Ok(_) => Err(Refusal::bad_request("the body must be an object in JSON")),
            Err(_) => Err(Refusal::bad_request("the body is not JSON")),
        }
    }
}

/// JSON only: what browsers send without asking first (forms, plain text) must not reach the API from other pages.
fn check_content_type(request: &HttpRequest) -> Result<(), Refusal> {
    let refuse = |message: &str| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message);
    if request.headers().get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(refuse("send the body without compression"));
    }
    let content_type =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut pieces = content_type.split(';').map(str::trim);
    let json = pieces.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"));
    let charset = pieces.filter_map(|p| p.split_once('=')).filter(|(name, _)| name.eq_ignore_ascii_case("charset"));
    if json && charset.map(|(_, charset)| charset).all(is_utf8) {
        Ok(())
    } else {
        Err(refuse("send application/json in UTF-8"))
    }
}

async fn read(request: &HttpRequest, mut payload: web::Payload, most: usize) -> Result<Bytes, Refusal> {
    let too_large = || {
        let message = format!("the body is larger than {most} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message).with("limit", most)
    };
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > most) {
        return Err(too_large());
    }
    let mut body = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::bad_request("the body broke off"))?;
        if body.len() + chunk.len() > most {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
