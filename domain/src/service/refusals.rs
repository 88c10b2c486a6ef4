//! Whoever is not let in is recorded, but never so often that anybody could fill the log: what is passed over is counted, and the
//! next entry says how many those were.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{Services, identity::Identity};
use crate::{
    access::{Actor, Origin, Who},
    audit::{Action, ActorKind, NewEntry},
    error::{Error, Result},
    id::{AccountId, ApiTokenId},
    port::{limiter::Limit, secrets::SecretKind},
    record::Stored,
};

/// How many refusals are recorded from one address; of IPv6, from one /64.
const FROM_ONE: Limit = Limit { burst: 10, per: Duration::from_mins(1) };
/// How many from everywhere together.
const FROM_ALL: Limit = Limit { burst: 100, per: Duration::from_mins(1) };
/// How many attempts of somebody who is known are recorded, and of all of them together: whoever is not known uses up none of these.
const OF_ONE: Limit = Limit { burst: 60, per: Duration::from_mins(1) };
const OF_ALL: Limit = Limit { burst: 600, per: Duration::from_mins(1) };
/// For how many communities of a token that is refused an entry is made.
const MOST_COMMUNITIES: usize = 20;

/// What was brought and not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brought<'a> {
    /// Nothing that is known here.
    Something,
    /// What has the form of an API token.
    Token(&'a str),
    /// An API token that is known.
    KnownToken(ApiTokenId),
    /// What was signed for this account.
    Account(AccountId),
}

/// Counts the refusals that were passed over.
#[derive(Clone, Default)]
pub(super) struct PassedOver(Arc<AtomicU64>);

impl PassedOver {
    fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Identity {
    /// Records that whatever was brought is not believed; `why` is for those who read the log.
    ///
    /// # Errors
    /// Whatever kept it from being recorded; it is counted as passed over.
    pub async fn note_unbelieved(&self, origin: &Origin, brought: Brought<'_>, why: &str) -> Result<()> {
        let Some(before) = self.services.room_for_refusal(None, origin).await else { return Ok(()) };
        let entries = self.unbelieved(origin, brought, why).await;
        self.services.record_refusal(before, entries).await
    }

    async fn unbelieved(&self, origin: &Origin, brought: Brought<'_>, why: &str) -> Result<Vec<NewEntry>> {
        let identities = self.services.store.read().identities();
        let token = match brought {
            Brought::Token(text) => match self.secrets.digest(SecretKind::Api, text) {
                Some(digest) => identities.token_named(&digest).await?,
                None => None,
            },
            Brought::KnownToken(token) => Some(token),
            Brought::Something | Brought::Account(_) => None,
        };
        match (token, brought) {
            (Some(token), _) => self.of_token(origin, token, why).await,
            (None, Brought::Account(account)) => Ok(vec![self.of_account(origin, account, Action::Denied).detail(why)]),
            (None, _) => Ok(vec![self.stranger(origin, "anonymous", Action::Denied).detail(why)]),
        }
    }

    /// Entries about a token, for those who answer for its communities.
    async fn of_token(&self, origin: &Origin, token: ApiTokenId, why: &str) -> Result<Vec<NewEntry>> {
        let everything = crate::access::Scope::Everything;
        let found = self.services.store.read().api_tokens().get(&everything, &[token]).await?.pop();
        let communities = found.map(|token: Stored<_>| token.value.communities).unwrap_or_default();
        let entry = self.stranger(origin, &format!("token:{token}"), Action::Denied).on(token).detail(why);
        let entry = NewEntry { actor_kind: ActorKind::Integration, ..entry };
        if communities.is_empty() {
            return Ok(vec![entry]);
        }
        let communities = communities.into_iter().take(MOST_COMMUNITIES);
        Ok(communities.map(|community| entry.clone().of_community(community)).collect())
    }

    /// Counts a try from somewhere, and refuses too many; `entry` says who tried what.
    pub(super) async fn try_from(&self, origin: &Origin, entry: impl FnOnce() -> NewEntry + Send) -> Result<()> {
        match self.services.throttle.of_address(origin).await {
            Err(error @ Error::Throttled(_)) => Err(self.too_often(origin, entry(), error).await),
            result => result,
        }
    }

    /// Counts a try for the account with this address, and refuses too many.
    pub(super) async fn try_for(
        &self,
        tries: &str,
        origin: &Origin,
        entry: impl FnOnce() -> NewEntry + Send,
    ) -> Result<()> {
        match self.services.throttle.of_account(tries).await {
            Err(error @ Error::Throttled(_)) => Err(self.too_often(origin, entry(), error).await),
            result => result,
        }
    }

    async fn too_often(&self, origin: &Origin, entry: NewEntry, error: Error) -> Error {
        let what = entry.detail.as_deref().unwrap_or("sign in");
        let detail = format!("{what}: too many attempts");
        let Some(before) = self.services.room_for_refusal(None, origin).await else { return error };
        // That it cannot be recorded changes nothing of the refusal; it is counted.
        let _ = self.services.record_refusal(before, Ok(vec![entry.detail(&detail)])).await;
        error
    }
}

impl Services {
    /// Records that somebody named what is not there for them, or wrote without saying who they are: so whoever tries identifiers that
    /// they learned elsewhere is seen, and it takes the same time whether there is such a thing or not. `found` is what stands in
    /// the log of those who answer for what they tried, if there is something.
    pub(super) async fn note_attempt(&self, actor: &Actor, what: &str, found: Vec<NewEntry>) -> Result<()> {
        let whose = if matches!(actor.who, Who::Anonymous) { None } else { Some(actor.name()) };
        let Some(before) = self.room_for_refusal(whose.as_deref(), &actor.origin).await else { return Ok(()) };
        let mut entries = found;
        if entries.is_empty() {
            entries.push(NewEntry::by(actor, self.clock.now(), Action::Denied));
        }
        let entries = entries.into_iter().map(|entry| entry.detail(what)).collect();
        self.record_refusal(before, Ok(entries)).await
    }

    /// How many refusals were passed over since the last that was recorded, if another may be recorded now: of whoever is known,
    /// wherever they come from, or else from there.
    async fn room_for_refusal(&self, whose: Option<&str>, origin: &Origin) -> Option<u64> {
        let (one, all) = if whose.is_some() { (OF_ONE, OF_ALL) } else { (FROM_ONE, FROM_ALL) };
        if self.throttle.too_many_refusals(whose, origin, one, all).await {
            self.passed_over.add(1);
            return None;
        }
        Some(self.passed_over.take())
    }

    async fn record_refusal(&self, before: u64, entries: Result<Vec<NewEntry>>) -> Result<()> {
        let recorded = match entries {
            Ok(entries) => self.record_entries(&with_count(entries, before)).await,
            Err(error) => Err(error),
        };
        if recorded.is_err() {
            self.passed_over.add(before + 1);
        }
        recorded
    }
}

/// Entries of which the first says how many refusals were passed over before it.
fn with_count(mut entries: Vec<NewEntry>, before: u64) -> Vec<NewEntry> {
    if let Some(first) = entries.first_mut().filter(|_| before > 0) {
        let detail = first.detail.as_deref().unwrap_or_default();
        *first = first.clone().detail(&format!("{detail}; {before} other refusals before it were not recorded"));
    }
    entries
}
