//! Who is asking: from the headers of a request to an [`Actor`].

#[cfg(test)]
mod forge;
mod jws;
pub mod jwt;
pub mod keys;
pub mod oidc;
pub mod password;
pub mod secret;

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
};
use domain::{access::Actor, text::Languages};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use crate::{graphql::context::Viewer, http::Refusal};

/// Knows who may be believed to be whom.
#[derive(Clone, Default)]
pub struct Authenticator {
    administrator: Option<SecretString>,
}

impl Authenticator {
    /// One that knows the administrator's token, if there is one.
    pub fn new(administrator: Option<SecretString>) -> Self {
        Self { administrator }
    }

    /// Whoever holds this token.
    fn bearer(&self, token: &str) -> Option<Actor> {
        let known = self.administrator.as_ref()?.expose_secret().as_bytes();
        // In constant time, so that guesses cannot be told from each other.
        bool::from(known.ct_eq(token.as_bytes())).then(|| Actor::operator("administrator"))
    }
}

/// Who asks, and in which languages. Without an `Authorization` header it is nobody in particular; with one that cannot be
/// believed the request is refused: it never falls back to being anonymous.
pub(crate) fn viewer(request: &HttpRequest, authenticator: &Authenticator) -> Result<Viewer, Refusal> {
    let headers = request.headers();
    let actor = match headers.get(header::AUTHORIZATION) {
        None => Actor::anonymous(),
        Some(value) => value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .and_then(|(_, token)| authenticator.bearer(token.trim()))
            .ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "the token is not known here"))?,
    };
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(Viewer { actor, languages: Languages::parse_accept_language(accepted) })
}
