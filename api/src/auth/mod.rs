//! Who is asking: from the headers of a request to an [`Actor`].

#[cfg(test)]
mod forge;
mod jws;
pub mod jwt;
pub mod keyring;
pub mod keys;
pub mod oidc;
pub mod password;
pub mod secret;

use std::{borrow::Cow, net::IpAddr, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
};
use domain::{
    access::{Actor, Origin, Person, Who},
    api_token::AddressRange,
    id::{AccountId, ApiTokenId},
    service::identity::{Brought, ForeignIdentity, ForeignPerson, Identity},
    text::Languages,
};
use keyring::Keyring;
use moka::future::Cache;
use oidc::Providers;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use crate::{graphql::context::Viewer, refusal::Refusal};

/// How long it is remembered who holds a token. What happens in this process is felt at once, and elsewhere when the bus tells of
/// it; this bounds how long a revoked token lives on when the bus is down.
const REMEMBERED: Duration = Duration::from_secs(10);
/// How many tokens are remembered.
const MOST: u64 = 10_000;
/// How often the last use of a token is noted at most: a hundred pushes a second need not write a hundred times.
const NOTED: Duration = Duration::from_mins(1);

/// Knows who may be believed to be whom.
#[derive(Clone)]
pub struct Authenticator {
    operator: Option<SecretString>,
    proxies: Arc<[AddressRange]>,
    known: Option<Known>,
}

/// Accounts and tokens, and what is remembered of them.
#[derive(Clone)]
struct Known {
    identity: Identity,
    keyring: Arc<Keyring>,
    providers: Option<Providers>,
    holders: Cache<Box<str>, Holder>,
    uses: Cache<ApiTokenId, ()>,
}

/// Who holds a token, as of [`Known::as_of`].
#[derive(Clone)]
struct Holder {
    as_of: u64,
    /// Until when the token itself is good.
    until: Option<chrono::DateTime<chrono::Utc>>,
    who: Who,
    /// From where it may be used; from anywhere if none is named.
    addresses: Arc<[AddressRange]>,
}

impl Holder {
    fn person(as_of: u64, until: chrono::DateTime<chrono::Utc>, person: Person) -> Self {
        Self { as_of, until: Some(until), who: Who::Person(Arc::new(person)), addresses: Arc::default() }
    }

    /// Why the token is not good now and from there, if it is not.
    fn refuses(&self, origin: &Origin, now: chrono::DateTime<chrono::Utc>) -> Option<&'static str> {
        if self.until.is_some_and(|until| until <= now) {
            return Some("a token that has expired");
        }
        let from_here = |range: &AddressRange| origin.address.is_some_and(|address| range.contains(address));
        if !self.addresses.is_empty() && !self.addresses.iter().any(from_here) {
            return Some("a token from an address that it is not for");
        }
        None
    }
}

impl Authenticator {
    /// One that knows the operator's token, if there is one, and nobody else.
    pub fn new(operator: Option<SecretString>) -> Self {
        Self { operator, proxies: Arc::default(), known: None }
    }

    /// The same behind these proxies: of requests from there, the client's address is the last in `X-Forwarded-For` that is none
    /// of theirs. From anywhere else that header is not believed.
    #[must_use]
    pub fn behind(self, proxies: Vec<AddressRange>) -> Self {
        Self { proxies: proxies.into(), ..self }
    }

    /// The address that a request comes from.
    fn address(&self, request: &HttpRequest) -> Option<IpAddr> {
        let trusted = |address: &IpAddr| self.proxies.iter().any(|range| range.contains(*address));
        let peer = request.peer_addr().map(|peer| peer.ip())?;
        if !trusted(&peer) {
            return Some(peer);
        }
        let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
        let hops: Vec<Option<IpAddr>> =
            forwarded.flat_map(|value| value.split(',')).map(|hop| hop.trim().parse().ok()).collect();
        // From the nearest on; whatever lies beyond one that cannot be read could be anybody's invention.
        let known = hops.into_iter().rev().map_while(|hop| hop);
        let mut nearest = peer;
        for hop in known {
            nearest = hop;
            if !trusted(&hop) {
                break;
            }
        }
        Some(nearest)
    }

    /// The same with accounts and API tokens, and with other identity providers if any are trusted.
    #[must_use]
    pub fn with_accounts(self, identity: Identity, keyring: Arc<Keyring>, providers: Option<Providers>) -> Self {
        let holders = Cache::builder().max_capacity(MOST).time_to_live(REMEMBERED).build();
        let uses = Cache::builder().max_capacity(MOST).time_to_live(NOTED).build();
        Self { known: Some(Known { identity, keyring, providers, holders, uses }), ..self }
    }

    /// The public keys of access tokens; nothing where there are no accounts.
    pub async fn jwks(&self) -> Option<serde_json::Value> {
        self.refresh().await;
        self.known.as_ref().map(|known| known.keyring.jwks())
    }

    /// Makes sure that the keys are those in use now: for whoever signs or verifies next.
    async fn refresh(&self) {
        let Some(Known { identity, keyring, .. }) = &self.known else { return };
        keyring.refresh(identity.services().clock().now()).await;
    }

    /// The use cases of signing in; nothing where there are no accounts.
    pub fn identity(&self) -> Option<&Identity> {
        self.known.as_ref().map(|known| &known.identity)
    }

    /// Whoever holds this token.
    async fn bearer(&self, token: &str, origin: &Origin) -> domain::Result<Result<Who, Unbelieved>> {
        if let Some(operator) = &self.operator {
            // In constant time, so that guesses cannot be told from each other.
            if bool::from(operator.expose_secret().as_bytes().ct_eq(token.as_bytes())) {
                return Ok(Ok(Who::Operator("administrator".into())));
            }
        }
        match &self.known {
            Some(known) => known.bearer(token, origin).await,
            None => Ok(Err(Unbelieved::Something("no accounts are known here".into()))),
        }
    }

    /// Records that somebody was not believed, where there is a log for that.
    async fn note_unbelieved(&self, origin: &Origin, brought: Brought<'_>, why: &str) {
        let Some(known) = &self.known else { return };
        tracing::info!(why, "somebody was not believed");
        if let Err(error) = known.identity.note_unbelieved(origin, brought, why).await {
            tracing::warn!(%error, "that somebody was not believed could not be recorded");
        }
    }
}

/// What was not believed, and why: for the audit log, never for whoever sent it.
enum Unbelieved {
    /// Nothing that is known here.
    Something(Cow<'static, str>),
    /// An API token that is not known, or no more.
    Token,
    /// An API token that is known.
    KnownToken(ApiTokenId, &'static str),
    /// A token that somebody with an account had.
    Account(AccountId, &'static str),
}

impl Unbelieved {
    /// What was brought, as which text, and why it is not believed.
    fn told<'a>(&'a self, text: &'a str) -> (Brought<'a>, &'a str) {
        match self {
            Self::Something(why) => (Brought::Something, why.as_ref()),
            Self::Token => (Brought::Token(text), "an API token that is not known, or was revoked"),
            Self::KnownToken(token, why) => (Brought::KnownToken(*token), *why),
            Self::Account(account, why) => (Brought::Account(*account), *why),
        }
    }
}

impl From<jwt::Refused> for Unbelieved {
    fn from(refused: jwt::Refused) -> Self {
        Self::Something(format!("an access token: {refused}").into())
    }
}

impl Known {
    /// Counts up whenever who may do what, or with which keys they may say who they are, has changed.
    fn as_of(&self) -> u64 {
        self.identity.services().actors_as_of() + self.keyring.generation()
    }

    async fn bearer(&self, token: &str, origin: &Origin) -> domain::Result<Result<Who, Unbelieved>> {
        if token.len() > jwt::MAX_TOKEN {
            return Ok(Err(Unbelieved::Something("a token that is too long".into())));
        }
        let (as_of, now) = (self.as_of(), self.identity.services().clock().now());
        let remembered = self.holders.get(token).await.filter(|holder| holder.as_of == as_of);
        let holder = if let Some(holder) = remembered {
            holder
        } else {
            match self.look_up(token, origin, as_of).await? {
                Ok(holder) => {
                    self.holders.insert(token.into(), holder.clone()).await;
                    holder
                }
                Err(unbelieved) => return Ok(Err(unbelieved)),
            }
        };
        if let Some(why) = holder.refuses(origin, now) {
            return Ok(Err(match &holder.who {
                Who::Integration(integration) => Unbelieved::KnownToken(integration.token, why),
                Who::Person(person) => Unbelieved::Account(person.account, why),
                Who::Anonymous | Who::Operator(_) => Unbelieved::Something(why.into()),
            }));
        }
        if let Who::Integration(integration) = &holder.who
            && self.uses.get(&integration.token).await.is_none()
        {
            self.uses.insert(integration.token, ()).await;
            self.identity.services().note_use(integration.token);
        }
        Ok(Ok(holder.who))
    }

    async fn look_up(&self, token: &str, origin: &Origin, as_of: u64) -> domain::Result<Result<Holder, Unbelieved>> {
        if secret::Kind::of(token) == Some(secret::Kind::Api) {
            let Some((integration, token)) = self.identity.actor_of_token(token).await? else {
                return Ok(Err(Unbelieved::Token));
            };
            return Ok(Ok(Holder {
                as_of,
                until: token.expires_at,
                who: Who::Integration(Arc::new(integration)),
                addresses: token.addresses.into(),
            }));
        }
        match self.providers.as_ref().filter(|providers| providers.recognise(token)) {
            Some(providers) => self.look_up_foreign(providers, token, origin, as_of).await,
            None => self.look_up_own(token, as_of).await,
        }
    }

    /// Whose token of another provider it is.
    async fn look_up_foreign(
        &self,
        providers: &Providers,
        token: &str,
        origin: &Origin,
        as_of: u64,
    ) -> domain::Result<Result<Holder, Unbelieved>> {
        let foreign = match providers.verify(token, self.identity.services().clock().now()).await {
            Ok(foreign) => foreign,
            Err(refused) => {
                let why = format!("a token of another provider: {refused}");
                return Ok(Err(Unbelieved::Something(why.into())));
            }
        };
        let found = ForeignIdentity {
            issuer: &foreign.issuer,
            subject: &foreign.subject,
            issued_at: foreign.issued_at,
            verified_email: foreign.email.as_deref().filter(|_| foreign.email_verified),
        };
        Ok(match self.identity.foreign(origin, &found).await? {
            ForeignPerson::Known(person) => Ok(Holder::person(as_of, foreign.until, person)),
            ForeignPerson::SignedOut(account) => {
                Err(Unbelieved::Account(account, "a token of another provider from before its holder signed out"))
            }
            ForeignPerson::Unknown => {
                Err(Unbelieved::Something("a token of another provider, of somebody without an account".into()))
            }
        })
    }

    /// Whose access token it is.
    async fn look_up_own(&self, token: &str, as_of: u64) -> domain::Result<Result<Holder, Unbelieved>> {
        let now = self.identity.services().clock().now();
        let claims = match self.keyring.verify(token, now).await {
            Ok(claims) => claims,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let (Ok(account), Ok(session)) = (claims.sub.parse(), claims.sid.parse()) else {
            return Ok(Err(jwt::Refused::Claims.into()));
        };
        let until = chrono::DateTime::from_timestamp(claims.exp, 0).unwrap_or(now);
        let found = self.identity.actor_of_session(account, session).await?;
        let ended = || Unbelieved::Account(account, "an access token whose session has ended");
        Ok(found.map(|found| Holder::person(as_of, until, found)).ok_or_else(ended))
    }
}

/// Who asks, and in which languages. Without an `Authorization` header it is nobody in particular; with one that cannot be
/// believed the request is refused: it never falls back to being anonymous.
pub(crate) async fn viewer(
    request: &HttpRequest,
    request_id: Option<String>,
    authenticator: &Authenticator,
) -> Result<Viewer, Refusal> {
    let headers = request.headers();
    let refused = || Refusal::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "the token is not known here");
    let origin = Origin { request: request_id.map(Into::into), address: authenticator.address(request) };
    authenticator.refresh().await;
    let who = match bearer_token(headers) {
        Ok(None) => Who::Anonymous,
        Ok(Some(token)) => {
            let found = authenticator.bearer(token, &origin).await.map_err(|error| {
                tracing::warn!(%error, "nobody could be recognised");
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "BUSY", "the service is busy; try again")
            })?;
            match found {
                Ok(who) => who,
                Err(unbelieved) => {
                    let (brought, why) = unbelieved.told(token);
                    authenticator.note_unbelieved(&origin, brought, why).await;
                    return Err(refused());
                }
            }
        }
        Err(why) => {
            authenticator.note_unbelieved(&origin, Brought::Something, why).await;
            return Err(refused());
        }
    };
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(Viewer { actor: Actor { who, origin }, languages: Languages::parse_accept_language(accepted) })
}

/// The token in the header `Authorization`, if there is one; otherwise what is wrong with it.
fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, &'static str> {
    // Of two it would depend on who reads them, which one counts.
    if headers.get_all(header::AUTHORIZATION).nth(1).is_some() {
        return Err("several Authorization headers");
    }
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let value = value.to_str().ok().and_then(|value| value.split_once(' '));
    let token = value.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    token.map(Some).ok_or("a malformed Authorization header")
}

/// Forgets who may do what, whose data is under an authority, and the keys, whenever any replica tells that it has changed.
pub async fn forget_on_change(
    services: domain::service::Services,
    keyring: Arc<Keyring>,
    bus: Arc<dyn domain::port::bus::Bus>,
) {
    use futures_util::StreamExt as _;
    let mut events = bus.subscribe();
    while let Some(event) = events.next().await {
        if event == domain::event::Event::KeysChanged {
            keyring.forget();
        }
        if event.concerns_actors() {
            services.forget_actors();
        }
        if event.topics().contains(&domain::event::Topic::Communities) {
            services.forget_communities();
        }
    }
}

/// How often the uses of tokens are written.
const WRITTEN: Duration = Duration::from_secs(1);

/// Writes when tokens were last used, every second until `cancel` is done.
pub async fn write_uses(services: domain::service::Services, cancel: impl Future<Output = ()> + Send) {
    let mut cancel = std::pin::pin!(cancel);
    loop {
        tokio::select! {
            () = &mut cancel => return,
            () = tokio::time::sleep(WRITTEN) => {}
        }
        if let Err(error) = services.write_uses().await {
            tracing::warn!(%error, "the last uses of tokens wait to be written");
        }
    }
}
