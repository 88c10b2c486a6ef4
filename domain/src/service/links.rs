//! Links that are handed over and good once: ways back into an account, and what invitations have in common with them.

use chrono::TimeDelta;

use super::{
    Context, Governed as _, Session,
    grant::to_stand_in_for,
    identity::{HandedOut, Identity, SignedIn, open_account},
};
use crate::{
    access::{Actor, Needs, Origin, Scope},
    audit::{Action, NewEntry},
    error::{Error, ProblemCode, Result},
    grant::{Grant, GrantFilter},
    id::AccountId,
    key::Email,
    page::{ListQuery, MAX_PAGE, PageArgs},
    port::{
        identity::{Link, LinkKind, Offered},
        secrets::SecretKind,
    },
};

/// Completes “you may not …”.
const LET_BACK: &str = "hand out a way back into an account";
/// How long a way back into an account stays open.
const RECOVERY: TimeDelta = TimeDelta::hours(1);

pub(super) fn no_link() -> Error {
    Error::invalid("link", ProblemCode::NotFound, "this link is not known, used already, or too old")
}

pub(super) fn outdated() -> Error {
    let message = "whoever made this link may not give any more what it leads to; ask for another";
    Error::invalid("link", ProblemCode::Forbidden, message)
}

impl Identity {
    pub(super) async fn keep_link(
        &self,
        session: &Session,
        kind: LinkKind,
        email: Email,
        account: Option<AccountId>,
        grants: Vec<Offered>,
        lasts: TimeDelta,
    ) -> Result<HandedOut> {
        let (created_at, minted) = (session.now(), self.secrets.mint(SecretKind::Link)?);
        let expires_at = created_at + lasts;
        let created_by = session.actor().name();
        let link = Link { kind, email, account, grants, created_at, created_by, expires_at };
        session.repositories().identities().keep_link(&link, &minted.digest).await?;
        Ok(HandedOut { secret: minted.text, expires_at })
    }

    /// The same result; a refusal is recorded first, once what was begun has been undone. Those who may try are throttled, so nobody
    /// fills the log.
    pub(super) async fn refused_to_a_stranger<T>(&self, origin: &Origin, result: Result<T, Refusal>) -> Result<T> {
        match result {
            Ok(done) => Ok(done),
            Err(Refusal { error, recorded }) => {
                if let Some((name, action, what)) = recorded {
                    let entry = self.stranger(origin, &name, action).detail(what);
                    self.services.record_entry(&entry).await?;
                }
                Err(error)
            }
        }
    }

    /// Makes a link by which somebody sets a new password. For administrators, unless the account speaks for an Indigenous data
    /// authority, and for those who may give every role that the
    /// account holds: through it they get nothing that they could not have given themselves.
    pub async fn offer_recovery(&self, actor: &Actor, account: AccountId) -> Result<HandedOut> {
        let session = self.services.session(actor, LET_BACK).await?;
        let refused = session.refused();
        let result = Box::pin(self.try_offer_recovery(session, account)).await;
        self.services.denied(actor, &refused, result).await
    }

    async fn try_offer_recovery(&self, session: Session, account: AccountId) -> Result<HandedOut> {
        let found = session.repositories().accounts().get(&session.reader(), &[account]).await?.pop();
        let found = found.ok_or(Error::NotFound { noun: "Account", key: "account" })?;
        let by = |action| NewEntry::by(session.actor(), session.now(), action).on(account);
        if !may_let_back(account, &Context::new(session.repositories(), session.actor(), session.now())).await? {
            session.refuse(by(Action::Denied));
            return Err(Error::Forbidden(LET_BACK));
        }
        let email = found.value.email.clone();
        let link = self.keep_link(&session, LinkKind::Recovery, email, Some(account), Vec::new(), RECOVERY).await?;
        session.note_entry(by(Action::Recovery).detail("handed out"));
        session.commit().await?;
        Ok(link)
    }

    /// Sets the password of the account that a link leads back into; all its sessions end.
    ///
    /// # Errors
    /// [`Error::Validation`] on `link` for one that is not good (any more), which is recorded, and on `password` for a weak one; both
    /// leave the link as it was. [`Error::Throttled`] after too many tries.
    pub async fn recover(&self, origin: &Origin, secret: &str, password: String) -> Result<SignedIn> {
        let denied = || self.stranger(origin, "anonymous", Action::Denied).detail("use a way back into an account");
        self.try_from(origin, denied).await?;
        let result = Box::pin(self.try_recover(origin, secret, password)).await;
        self.refused_to_a_stranger(origin, result).await
    }

    async fn try_recover(&self, origin: &Origin, secret: &str, password: String) -> Result<SignedIn, Refusal> {
        const WHAT: &str = "use a way back into an account";
        let no_link = || Refusal::of(no_link(), "anonymous", Action::Denied, WHAT);
        let digest = self.secrets.digest(SecretKind::Link, secret).ok_or_else(no_link)?;
        let (work, now) = (self.services.store.begin().await?, self.now());
        let repositories = work.repositories();
        let identities = repositories.identities();
        let link = identities.use_link(LinkKind::Recovery, &digest, now).await?.ok_or_else(no_link)?;
        let account = open_account(repositories, &link.email).await?;
        let account = account.filter(|account| link.account == Some(account.id)).ok_or_else(no_link)?;
        let outdated = || Refusal::of(outdated(), link.email.as_str(), Action::Denied, WHAT);
        let giver = self.services.actor_named(repositories, &link.created_by).await?.ok_or_else(outdated)?;
        // The account may hold more by now than whoever made the link could give.
        if !may_let_back(account.id, &Context::new(repositories, &giver, now)).await? {
            return Err(outdated());
        }
        let hash = self.hashed(password, "password", &account.email).await?;
        identities.set_password(account.id, &hash, now).await?;
        identities.end_sessions(account.id, None, now).await?;
        identities.end_foreign(account.id, now).await?;
        let id = account.id;
        let signed_in = self.begin_session(&*work, origin, account, now).await?;
        let entry = self.of_account(origin, id, Action::Recovery).detail("used");
        repositories.audit().record(&[entry]).await?;
        self.commit(work).await?;
        Ok(signed_in)
    }
}

/// Why a stranger is refused, and what of it is recorded: as whom they came, what they did, and to what end.
pub(super) struct Refusal {
    error: Error,
    recorded: Option<(String, Action, &'static str)>,
}

impl Refusal {
    pub(super) fn of(error: Error, name: &str, action: Action, what: &'static str) -> Self {
        Self { error, recorded: Some((name.to_owned(), action, what)) }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, recorded: None }
    }
}

/// Whether the actor of the context could give this role now.
pub(super) async fn may_be_given(value: &Grant, context: &Context<'_>) -> Result<bool> {
    let needs = match value.needs(super::Change::Create, context).await {
        Ok(needs) => needs,
        // Where the role was for is not there any more.
        Err(Error::NotFound { .. } | Error::Validation(_) | Error::Forbidden(_)) => return Ok(false),
        Err(fault) => return Err(fault),
    };
    Ok(needs.iter().all(|needs| needs.met_by(context.actor, context.now)))
}

/// Whether the actor of the context could give every role that the account holds, and it holds one; administrators let everybody
/// back in but those who speak for an Indigenous data authority. Nobody but an administrator lets themselves back in: it would be a
/// way around the password.
async fn may_let_back(account: AccountId, context: &Context<'_>) -> Result<bool> {
    for needs in to_stand_in_for(account, context).await? {
        if !needs.met_by(context.actor, context.now) {
            return Ok(false);
        }
    }
    if Needs::administrator().met_by(context.actor, context.now) {
        return Ok(true);
    }
    if context.actor.account() == Some(account) {
        return Ok(false);
    }
    let query = ListQuery {
        filter: GrantFilter { account: Some(account), ..GrantFilter::default() },
        page: PageArgs::first(MAX_PAGE),
        ..ListQuery::default()
    };
    let grants = context.repositories.grants().list(&Scope::Everything, &query).await?;
    if grants.items.is_empty() || grants.has_next {
        return Ok(false);
    }
    for (_, grant) in &grants.items {
        if !may_be_given(&grant.value, context).await? {
            return Ok(false);
        }
    }
    Ok(true)
}
