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

use std::{net::IpAddr, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
};
use domain::{
    access::{Actor, Integration, Origin, Person, Who},
    api_token::AddressRange,
    service::identity::{ForeignIdentity, Identity},
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
    uses: Cache<domain::id::ApiTokenId, ()>,
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
    async fn bearer(&self, token: &str, origin: &Origin) -> domain::Result<Option<Who>> {
        if let Some(operator) = &self.operator {
            // In constant time, so that guesses cannot be told from each other.
            if bool::from(operator.expose_secret().as_bytes().ct_eq(token.as_bytes())) {
                return Ok(Some(Who::Operator("administrator".into())));
            }
        }
        match &self.known {
            Some(known) => known.bearer(token, origin).await,
            None => Ok(None),
        }
    }
}

impl Known {
    /// Counts up whenever who may do what, or with which keys they may say who they are, has changed.
    fn as_of(&self) -> u64 {
        self.identity.services().actors_as_of() + self.keyring.generation()
    }

    async fn bearer(&self, token: &str, origin: &Origin) -> domain::Result<Option<Who>> {
        if token.len() > jwt::MAX_TOKEN {
            return Ok(None);
        }
        let services = self.identity.services();
        let (as_of, now) = (self.as_of(), services.clock().now());
        let remembered = self.holders.get(token).await.filter(|holder| holder.as_of == as_of);
        let holder = if let Some(holder) = remembered {
            holder
        } else {
            let Some(holder) = self.look_up(token, origin, as_of).await? else { return Ok(None) };
            self.holders.insert(token.into(), holder.clone()).await;
            holder
        };
        if holder.until.is_some_and(|until| until <= now) {
            return Ok(None);
        }
        let from_here = |range: &AddressRange| origin.address.is_some_and(|address| range.contains(address));
        if !holder.addresses.is_empty() && !holder.addresses.iter().any(from_here) {
            return Ok(None);
        }
        if let Who::Integration(integration) = &holder.who
            && self.uses.get(&integration.token).await.is_none()
        {
            self.uses.insert(integration.token, ()).await;
            self.identity.services().note_use(integration.token);
        }
        Ok(Some(holder.who))
    }

    async fn look_up(&self, token: &str, origin: &Origin, as_of: u64) -> domain::Result<Option<Holder>> {
        if secret::Kind::of(token) == Some(secret::Kind::Api) {
            let found = self.identity.actor_of_token(token).await?;
            return Ok(found.map(|(integration, token): (Integration, _)| Holder {
                as_of,
                until: token.expires_at,
                who: Who::Integration(Arc::new(integration)),
                addresses: token.addresses.into(),
            }));
        }
        let person = |until, person: Person| Holder {
            as_of,
            until: Some(until),
            who: Who::Person(Arc::new(person)),
            addresses: Arc::default(),
        };
        let now = self.identity.services().clock().now();
        if let Some(providers) = self.providers.as_ref().filter(|providers| providers.recognise(token)) {
            let foreign = match providers.verify(token, now).await {
                Ok(foreign) => foreign,
                Err(refused) => {
                    tracing::info!(%refused, "a token of another provider was refused");
                    return Ok(None);
                }
            };
            let found = ForeignIdentity {
                issuer: &foreign.issuer,
                subject: &foreign.subject,
                verified_email: foreign.email.as_deref().filter(|_| foreign.email_verified),
            };
            let found = self.identity.foreign(origin, &found).await?;
            return Ok(found.map(|found| person(foreign.until, found)));
        }
        let claims = match self.keyring.verify(token, now).await {
            Ok(claims) => claims,
            Err(refused) => {
                tracing::info!(%refused, "an access token was refused");
                return Ok(None);
            }
        };
        let (Ok(account), Ok(session)) = (claims.sub.parse(), claims.sid.parse()) else { return Ok(None) };
        let until = chrono::DateTime::from_timestamp(claims.exp, 0).unwrap_or(now);
        Ok(self.identity.actor_of_session(account, session).await?.map(|found| person(until, found)))
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
    // Of two it would depend on who reads them, which one counts.
    if headers.get_all(header::AUTHORIZATION).nth(1).is_some() {
        return Err(refused());
    }
    let who = match headers.get(header::AUTHORIZATION) {
        None => Who::Anonymous,
        Some(value) => {
            let token = value
                .to_str()
                .ok()
                .and_then(|value| value.split_once(' '))
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                .map(|(_, token)| token.trim())
                .ok_or_else(refused)?;
            let found = authenticator.bearer(token, &origin).await.map_err(|error| {
                tracing::warn!(%error, "nobody could be recognised");
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "BUSY", "the service is busy; try again")
            })?;
            found.ok_or_else(refused)?
        }
    };
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(Viewer { actor: Actor { who, origin }, languages: Languages::parse_accept_language(accepted) })
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
            services.forget_authorities();
        }
    }
}

/// How often the uses of tokens are written.
const WRITTEN: Duration = Duration::from_secs(1);

/// Writes when tokens were last used, every second until `cancel` is done, and once more then.
pub async fn write_uses(services: domain::service::Services, cancel: impl Future<Output = ()> + Send) {
    let mut cancel = std::pin::pin!(cancel);
    loop {
        let done = tokio::select! {
            () = &mut cancel => true,
            () = tokio::time::sleep(WRITTEN) => false,
        };
        if let Err(error) = services.write_uses().await {
            tracing::warn!(%error, "the last uses of tokens wait to be written");
        }
        if done {
            return;
        }
    }
}
