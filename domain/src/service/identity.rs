//! Signing in and out: who somebody is. What they may do is decided in [`crate::access`].

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Services, Session};
pub use super::{refusals::Brought, throttle::Throttle};
use crate::{
    access::{self, Actor, Integration, Origin, Person, Role, Who},
    account::Account,
    api_token::ApiToken,
    audit::{Action, ActorKind, NewEntry},
    error::{Error, ProblemCode, Result},
    grant::Grant,
    id::{AccountId, SessionId},
    key::Email,
    port::{
        identity::{Digest, NewSession, Offered, Principal, Spent},
        limiter::Limit,
        secrets::{AccessToken, PasswordVerdict, SecretKind, Secrets},
        store::Repositories,
    },
    record::Stored,
};

/// How long a session lasts, whatever is refreshed: people sign in once a month.
const SESSION: TimeDelta = TimeDelta::days(30);
/// A spent refresh token that comes again within this time is a reply that was lost or a second tab, not a theft (RFC 9700, 4.14.2).
const GRACE: TimeDelta = TimeDelta::seconds(10);
/// How often it is recorded that somebody comes by the word of another provider.
const FOREIGN: Limit = Limit { burst: 1, per: Duration::from_hours(1) };
/// How long a token that another takes the place of goes on, at most.
const OVERLAP: TimeDelta = TimeDelta::days(7);

/// What somebody gets who has signed in.
pub struct SignedIn {
    /// Says who they are, for a short time.
    pub access: AccessToken,
    /// Gets the next access token, once.
    pub refresh: String,
    /// Their account.
    pub account: Stored<Account>,
}

/// Somebody by the word of another identity provider.
pub struct ForeignIdentity<'a> {
    /// Whose word.
    pub issuer: &'a str,
    /// Its name for them.
    pub subject: &'a str,
    /// When it gave its word, in whole seconds.
    pub issued_at: DateTime<Utc>,
    /// Their address, if the provider has made sure that it is theirs.
    pub verified_email: Option<&'a str>,
}

/// What is known of whom another provider has signed in.
pub enum ForeignPerson {
    /// They have an account here.
    Known(Person),
    /// They have, and signed out since.
    SignedOut(AccountId),
    /// Nobody here.
    Unknown,
}

/// A link to hand over.
pub struct HandedOut {
    /// What is shown once.
    pub secret: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Signing in and out, over the services and what makes secrets.
#[derive(Clone)]
pub struct Identity {
    pub(super) services: Services,
    pub(super) secrets: Arc<dyn Secrets>,
}

pub(super) fn wrong() -> Error {
    // The same for an unknown address: who has an account here is nobody's business.
    Error::invalid("password", ProblemCode::Invalid, "the address or the password is wrong")
}

impl Identity {
    /// Over these services and secrets.
    pub const fn new(services: Services, secrets: Arc<dyn Secrets>) -> Self {
        Self { services, secrets }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.services.clock.now()
    }

    pub(super) fn stranger(&self, origin: &Origin, name: &str, action: Action) -> NewEntry {
        let address = origin.address.map(|address| address.to_string());
        NewEntry::new(self.now(), name, ActorKind::Anonymous, action)
            .from_request(origin.request.as_deref(), address.as_deref())
    }

    pub(super) async fn account(&self, email: &str) -> Result<Option<Stored<Account>>> {
        let Ok(email) = email.parse::<Email>() else { return Ok(None) };
        open_account(self.services.store.read(), &email).await
    }

    /// Signs somebody in by address and password.
    ///
    /// # Errors
    /// [`Error::Validation`] on `password`, the same for an unknown address and a wrong password, after the same time.
    /// [`Error::Throttled`] after too many tries, likewise.
    pub async fn sign_in(&self, origin: &Origin, email: &str, password: String) -> Result<SignedIn> {
        let failed = || self.stranger(origin, email, Action::SignInFailed);
        self.try_from(origin, failed).await?;
        let tries = self.services.throttle.account_key(email);
        self.try_for(&tries, origin, failed).await?;
        let account = self.account(email).await?;
        let id = account.as_ref().map_or(AccountId::from(uuid::Uuid::nil()), |account| account.id);
        let hash = self.services.store.read().identities().password(id).await?;
        let verdict = self.secrets.verify(password.clone(), hash).await;
        let right = matches!(verdict, PasswordVerdict::Right | PasswordVerdict::RightButOutdated);
        let Some(account) = account.filter(|_| right) else {
            self.services.record_entry(&failed()).await?;
            return Err(wrong());
        };
        self.services.throttle.limiter.forgive(&tries).await;
        let anew = match verdict {
            PasswordVerdict::RightButOutdated => Some(self.secrets.hash(password).await?),
            _ => None,
        };
        let (work, now) = (self.services.store.begin().await?, self.now());
        if let Some(hash) = anew {
            work.repositories().identities().set_password(account.id, &hash, now).await?;
        }
        let signed_in = self.begin_session(&*work, origin, account, now).await?;
        let entry = self.of_account(origin, signed_in.account.id, Action::SignIn);
        work.repositories().audit().record(&[entry]).await?;
        work.commit().await?;
        Ok(signed_in)
    }

    pub(super) fn of_account(&self, origin: &Origin, account: AccountId, action: Action) -> NewEntry {
        let address = origin.address.map(|address| address.to_string());
        NewEntry::new(self.now(), &format!("account:{account}"), ActorKind::Person, action)
            .on(account)
            .from_request(origin.request.as_deref(), address.as_deref())
    }

    pub(super) async fn begin_session(
        &self,
        work: &dyn crate::port::store::UnitOfWork,
        origin: &Origin,
        account: Stored<Account>,
        now: DateTime<Utc>,
    ) -> Result<SignedIn> {
        let session = NewSession {
            id: SessionId::from(self.services.clock.next_id()),
            account: account.id,
            started_at: now,
            expires_at: now + SESSION,
            address: origin.address.map(|address| address.to_string()),
        };
        let refresh = self.secrets.mint(SecretKind::Refresh)?;
        work.repositories().identities().start_session(&session, &refresh.digest).await?;
        let access = self.secrets.issue(account.id, session.id, now)?;
        Ok(SignedIn { access, refresh: refresh.text, account })
    }

    /// Exchanges a refresh token for the next pair; each is good once.
    ///
    /// # Errors
    /// [`Error::Validation`] on `refreshToken` for one that is unknown or spent. One that comes again after its time of grace ends
    /// the whole session: somebody else may have it.
    pub async fn refresh(&self, origin: &Origin, refresh: &str) -> Result<SignedIn> {
        let refused = |message: &str| Error::invalid("refreshToken", ProblemCode::Invalid, message.to_owned());
        let unknown = || refused("it is not known here: sign in again");
        let Some(digest) = self.known_refresh(refresh).await? else {
            // Nobody makes the database write by trying.
            let entry = || self.stranger(origin, "anonymous", Action::Denied).detail("refresh a session");
            self.try_from(origin, entry).await?;
            let why = "a refresh token that is not known, or whose session has ended";
            self.note_unbelieved(origin, Brought::Something, why).await?;
            return Err(unknown());
        };
        let (work, now) = (self.services.store.begin().await?, self.now());
        let identities = work.repositories().identities();
        match identities.spend(&digest, now).await? {
            Spent::Now { session, account } => {
                let next = self.secrets.mint(SecretKind::Refresh)?;
                identities.succeed(session, &next.digest, now).await?;
                let account = work.repositories().accounts().get(&access::Scope::Everything, &[account]).await?.pop();
                let account = account.ok_or_else(unknown)?;
                let access = self.secrets.issue(account.id, session, now)?;
                work.commit().await?;
                Ok(SignedIn { access, refresh: next.text, account })
            }
            Spent::Before { at, .. } if now - at <= GRACE => {
                Err(refused("it was used a moment ago: go on with the one that was answered then"))
            }
            Spent::Before { session, account, .. } => {
                identities.end_session(session, now).await?;
                let entry = self.of_account(origin, account, Action::TokenRefreshReused);
                work.repositories().audit().record(&[entry]).await?;
                self.commit(work).await?;
                Err(refused("it was used before, so the session was ended: sign in again"))
            }
            Spent::Unknown => Err(unknown()),
        }
    }

    /// The digest of a refresh token, if there is one like it.
    async fn known_refresh(&self, refresh: &str) -> Result<Option<Digest>> {
        let Some(digest) = self.secrets.digest(SecretKind::Refresh, refresh) else { return Ok(None) };
        let known = self.services.store.read().identities().has_refresh(&digest, self.now()).await?;
        Ok(known.then_some(digest))
    }

    /// Makes a change of who may act last, and lets it be felt at once.
    pub(super) async fn commit(&self, work: Box<dyn crate::port::store::UnitOfWork>) -> Result<()> {
        work.emit(&crate::event::Event::IdentityChanged).await?;
        work.commit().await?;
        self.services.forget_actors();
        Ok(())
    }

    fn person<'a>(actor: &'a Actor, what: &'static str) -> Result<&'a Person> {
        match &actor.who {
            Who::Person(person) => Ok(person),
            Who::Anonymous => Err(Error::Unauthenticated(what)),
            Who::Operator(_) | Who::Integration(_) => Err(Error::Forbidden(what)),
        }
    }

    /// Signs out of this session, or of all of them; answers how many ended. Whoever comes by the word of another provider, or signs
    /// out everywhere, has to bring what it signs from then on.
    pub async fn sign_out(&self, actor: &Actor, everywhere: bool) -> Result<u64> {
        let person = Self::person(actor, "sign out")?;
        let (work, now) = (self.services.store.begin().await?, self.now());
        let identities = work.repositories().identities();
        if everywhere || person.session.is_none() {
            identities.end_foreign(person.account, now).await?;
        }
        let ended = match person.session {
            _ if everywhere => identities.end_sessions(person.account, None, now).await?,
            Some(session) => identities.end_session(session, now).await.map(|()| 1)?,
            None => 1,
        };
        let detail = if everywhere { "everywhere" } else { "here" };
        let entry = NewEntry::by(actor, now, Action::SignOut).on(person.account).detail(detail);
        work.repositories().audit().record(&[entry]).await?;
        self.commit(work).await?;
        Ok(ended)
    }

    /// Sets another password; every other session ends. It takes as many tries of the present one as signing in, and they are
    /// counted together with those.
    ///
    /// # Errors
    /// [`Error::Validation`] on `currentPassword` for a wrong one and on `newPassword` for a weak one; [`Error::Throttled`] after too
    /// many tries.
    pub async fn change_password(&self, actor: &Actor, present: String, new: String) -> Result<()> {
        let person = Self::person(actor, "change your password")?;
        let reader = self.services.store.read();
        let account = reader.accounts().get(&access::Scope::Everything, &[person.account]).await?.pop();
        let account = account.ok_or(Error::Unauthenticated("change your password"))?;
        let denied = || NewEntry::by(actor, self.now(), Action::Denied).on(account.id).detail("change the password");
        self.try_from(&actor.origin, denied).await?;
        let tries = self.services.throttle.account_key(account.email.as_str());
        self.try_for(&tries, &actor.origin, denied).await?;
        let hash = reader.identities().password(account.id).await?;
        if self.secrets.verify(present, hash).await == PasswordVerdict::Wrong {
            self.services.record_entry(&denied()).await?;
            return Err(Error::invalid("currentPassword", ProblemCode::Invalid, "it is not the present password"));
        }
        self.services.throttle.limiter.forgive(&tries).await;
        let hash = self.hashed(new, "newPassword", &account.email).await?;
        let (work, now) = (self.services.store.begin().await?, self.now());
        let identities = work.repositories().identities();
        identities.set_password(account.id, &hash, now).await?;
        identities.end_sessions(account.id, person.session, now).await?;
        let entry = NewEntry::by(actor, now, Action::PasswordChange).on(account.id);
        work.repositories().audit().record(&[entry]).await?;
        self.commit(work).await
    }

    pub(super) async fn hashed(&self, password: String, field: &'static str, email: &Email) -> Result<String> {
        if let Some(fault) = self.secrets.password_fault(&password, email.as_str()) {
            return Err(Error::invalid(field, ProblemCode::Invalid, fault));
        }
        self.secrets.hash(password).await
    }

    /// Opens an account with these roles at once: for the command line.
    pub async fn create_account(
        &self,
        actor: &Actor,
        account: Account,
        password: Option<String>,
        offered: &[Offered],
    ) -> Result<Stored<Account>> {
        let hash = match password {
            Some(password) => Some(self.hashed(password, "password", &account.email).await?),
            None => None,
        };
        let session = self.services.session(actor, "create accounts").await?;
        let account = session.create(account).await?;
        if let Some(hash) = hash {
            session.repositories().identities().set_password(account.id, &hash, session.now()).await?;
        }
        for offer in offered {
            session.create(grant(account.id, offer)).await?;
        }
        session.commit().await?;
        Ok(account)
    }

    /// Makes a token for a program. It is answered once. One that takes the place of another lets that go on for a week at most.
    pub async fn create_token(&self, actor: &Actor, token: ApiToken) -> Result<(Stored<ApiToken>, String)> {
        let session = self.services.session(actor, "create tokens").await?;
        let refused = session.refused();
        let result = Box::pin(self.try_create_token(session, token)).await;
        self.services.denied(actor, &refused, result).await
    }

    async fn try_create_token(&self, session: Session, mut token: ApiToken) -> Result<(Stored<ApiToken>, String)> {
        let minted = self.secrets.mint(SecretKind::Api)?;
        token.hint = minted.text.chars().take(8).collect();
        let replaced = token.replaces;
        let record = session.create(token).await?;
        session.repositories().identities().keep_token(record.id, &minted.digest).await?;
        if let Some(id) = replaced {
            let earlier = session.repositories().api_tokens().get(&session.reader(), &[id]).await?.pop();
            let earlier = earlier.ok_or(Error::NotFound { noun: "ApiToken", key: "replaces" })?;
            let end = session.now() + OVERLAP;
            let end = earlier.expires_at.map_or(end, |present| present.min(end));
            let shorten = |now: &ApiToken| Ok(ApiToken { expires_at: Some(end), ..now.clone() });
            session.update::<ApiToken>(id, earlier.meta.version, shorten).await?;
        }
        session.commit().await?;
        Ok((record, minted.text))
    }

    /// Who acts in this session, if it is open.
    pub async fn actor_of_session(&self, account: AccountId, session: SessionId) -> Result<Option<Person>> {
        let (reader, now) = (self.services.store.read().identities(), self.now());
        if !reader.is_open(session, now).await? {
            return Ok(None);
        }
        let principal = reader.principal(account, now).await?;
        Ok(principal.map(|principal| Person {
            account,
            session: Some(session),
            grants: principal.grants,
            memberships: principal.memberships,
        }))
    }

    /// Whom another provider has signed in, if an account here is theirs: one that was linked to them before or, the first time,
    /// one with the address of which the provider has made sure. Accounts are opened by invitation, never by a provider.
    pub async fn foreign(&self, origin: &Origin, foreign: &ForeignIdentity<'_>) -> Result<ForeignPerson> {
        let (reader, now) = (self.services.store.read().identities(), self.now());
        let linked = match reader.foreign(foreign.issuer, foreign.subject).await? {
            Some(linked) => Some(linked),
            None if self.link(origin, foreign).await? => reader.foreign(foreign.issuer, foreign.subject).await?,
            None => None,
        };
        let Some(linked) = linked else { return Ok(ForeignPerson::Unknown) };
        let account = linked.account;
        if !linked.accepts(foreign.issued_at) {
            return Ok(ForeignPerson::SignedOut(account));
        }
        let Some(principal) = reader.principal(account, now).await? else { return Ok(ForeignPerson::Unknown) };
        self.note_foreign(origin, foreign, account).await?;
        let Principal { grants, memberships } = principal;
        Ok(ForeignPerson::Known(Person { account, session: None, grants, memberships }))
    }

    /// Records that somebody comes by the word of another provider, when they begin to: once an hour, since every request brings
    /// its token.
    async fn note_foreign(&self, origin: &Origin, foreign: &ForeignIdentity<'_>, account: AccountId) -> Result<()> {
        let key = self.services.throttle.foreign_key(foreign.issuer, foreign.subject);
        if self.services.throttle.limiter.take(&key, FOREIGN).await.is_some() {
            return Ok(());
        }
        let entry = self.of_account(origin, account, Action::SignIn).detail(&format!("by {}", foreign.issuer));
        let recorded = self.services.record_entry(&entry).await;
        if recorded.is_err() {
            self.services.throttle.limiter.forgive(&key).await;
        }
        recorded
    }

    /// Links an identity of another provider to the account with its address; whether there is one.
    async fn link(&self, origin: &Origin, foreign: &ForeignIdentity<'_>) -> Result<bool> {
        let Some(email) = foreign.verified_email else { return Ok(false) };
        let Some(account) = self.account(email).await? else { return Ok(false) };
        let (work, now) = (self.services.store.begin().await?, self.now());
        let linked =
            work.repositories().identities().link_foreign(foreign.issuer, foreign.subject, account.id, now).await;
        if let Err(Error::Conflict(_)) = linked {
            // Another request with the same token was a moment faster.
            return Ok(true);
        }
        linked?;
        let entry = self.of_account(origin, account.id, Action::Update);
        let entry = entry.detail(&format!("linked to {} of {}", foreign.subject, foreign.issuer));
        work.repositories().audit().record(&[entry]).await?;
        work.commit().await?;
        Ok(true)
    }

    /// The program that holds this token, wherever it asks from; and the ranges that it may ask from.
    pub async fn actor_of_token(&self, text: &str) -> Result<Option<(Integration, ApiToken)>> {
        let Some(digest) = self.secrets.digest(SecretKind::Api, text) else { return Ok(None) };
        let Some(known) = self.services.store.read().identities().token(&digest, self.now()).await? else {
            return Ok(None);
        };
        let token = known.token;
        let integration = Integration {
            token: token.id,
            communities: token.communities.iter().copied().collect(),
            indicators: token.indicators.iter().copied().collect(),
            actions: token.actions.iter().copied().collect(),
            until: token.expires_at,
            memberships: known.memberships,
        };
        Ok(Some((integration, token.value)))
    }

    /// The services that this is over.
    pub const fn services(&self) -> &Services {
        &self.services
    }
}

/// The account with this address, unless it was closed.
pub(super) async fn open_account(repositories: &dyn Repositories, email: &Email) -> Result<Option<Stored<Account>>> {
    let found = repositories.accounts().by_keys(&access::Scope::Everything, std::slice::from_ref(email)).await?.pop();
    Ok(found.filter(|account| account.meta.archived_at.is_none()))
}

pub(super) fn grant(account: AccountId, offer: &Offered) -> Grant {
    let Offered { role, network, community, partner, expires_at } = *offer;
    Grant { account, role, network, community, partner, expires_at }
}

/// The role that makes an administrator.
pub const ADMINISTRATOR: Offered =
    Offered { role: Role::Administrator, network: None, community: None, partner: None, expires_at: None };
