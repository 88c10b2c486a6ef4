//! Invitations: links by which people open accounts, or get roles.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Context, Session,
    identity::{HandedOut, Identity, SignedIn, grant, open_account, wrong},
    links::{Refusal, may_be_given, no_link, outdated},
};
use crate::{
    access::{self, Actor, Origin, Scope, Who},
    account::Account,
    audit::{Action, NewEntry},
    error::{Error, ProblemCode, Problems, Result},
    grant::{Grant, GrantFilter},
    id::AccountId,
    key::Email,
    page::{ListQuery, MAX_PAGE, PageArgs},
    port::{
        identity::{Link, LinkKind, MOST_OFFERED, Offered},
        secrets::{PasswordVerdict, SecretKind},
    },
    text::LanguageTag,
};

/// How long an invitation can be accepted.
const INVITATION: TimeDelta = TimeDelta::days(7);

impl Identity {
    /// Makes a link by which somebody opens an account with these roles, or gets them if they have one. The actor must be allowed to
    /// give each of them.
    pub async fn invite(&self, actor: &Actor, email: Email, offered: Vec<Offered>) -> Result<HandedOut> {
        let session = self.services.session(actor, "invite people").await?;
        let refused = session.refused();
        let result = Box::pin(self.try_invite(session, email, offered)).await;
        self.services.denied(actor, &refused, result).await
    }

    async fn try_invite(&self, session: Session, email: Email, offered: Vec<Offered>) -> Result<HandedOut> {
        let mut problems = Problems::default();
        problems.require(!offered.is_empty(), "grants", ProblemCode::Required, "name at least one role");
        let few = offered.len() <= MOST_OFFERED;
        problems.require(few, "grants", ProblemCode::TooLong, format!("at most {MOST_OFFERED} roles come with a link"));
        problems.into_result()?;
        for offer in &offered {
            session.may_create(&grant(AccountId::from(uuid::Uuid::nil()), offer)).await?;
        }
        let link = self.keep_link(&session, LinkKind::Invitation, email, None, offered, INVITATION).await?;
        session.note_entry(NewEntry::by(session.actor(), session.now(), Action::Invite));
        session.commit().await?;
        Ok(link)
    }

    /// The invitations that this actor made and that can still be accepted, the newest first, as far as they are told at once.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for nobody in particular.
    pub async fn invitations(&self, actor: &Actor) -> Result<Vec<Link>> {
        access::require_anybody(actor, "see invitations")?;
        let identities = self.services.store.read().identities();
        let open = identities.open_links(LinkKind::Invitation, None, Some(&actor.name()), self.now()).await?;
        Ok(open.into_iter().map(|(_, link)| link).collect())
    }

    /// Withdraws the invitations of somebody that can still be accepted: those that the actor made, and those whose every role the actor
    /// may give. Answers how many there were.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none of them.
    pub async fn withdraw_invitations(&self, actor: &Actor, email: &Email) -> Result<usize> {
        let session = self.services.session(actor, "withdraw invitations").await?;
        let refused = session.refused();
        let result = Box::pin(self.try_withdraw(session, email)).await;
        self.services.denied(actor, &refused, result).await
    }

    async fn try_withdraw(&self, session: Session, email: &Email) -> Result<usize> {
        let identities = session.repositories().identities();
        let context = Context::new(session.repositories(), session.actor(), session.now());
        let name = session.actor().name();
        let (kind, now) = (LinkKind::Invitation, session.now());
        let own = identities.open_links(kind, Some(email), Some(&name), now).await?;
        let mut own: Vec<_> = own.into_iter().map(|(digest, _)| digest).collect();
        for (digest, link) in identities.open_links(kind, Some(email), None, now).await? {
            if link.created_by != name && may_all_be_given(&link.grants, &context).await? {
                own.push(digest);
            }
        }
        // Somebody may have accepted one meanwhile.
        let withdrawn = identities.withdraw_links(&own, session.now()).await?;
        if withdrawn == 0 {
            return Err(Error::NotFound { noun: "Invitation", key: "email" });
        }
        let entry = NewEntry::by(session.actor(), session.now(), Action::Invite);
        session.note_entry(entry.detail(&format!("withdrew {withdrawn}")));
        session.commit().await?;
        Ok(withdrawn)
    }

    /// Opens the account that a link invites to, with its roles; whoever has an account already gives its password and gets the
    /// roles.
    ///
    /// # Errors
    /// [`Error::Validation`] on `link` for one that is not good (any more), on `password` for a wrong or weak one; both leave the
    /// link as it was, and are recorded. [`Error::Throttled`] after too many tries.
    pub async fn accept(
        &self,
        origin: &Origin,
        secret: &str,
        name: String,
        locale: LanguageTag,
        password: String,
    ) -> Result<SignedIn> {
        let denied = || self.stranger(origin, "anonymous", Action::Denied).detail("accept an invitation");
        self.try_from(origin, denied).await?;
        let result = Box::pin(self.try_accept(origin, secret, name, locale, password)).await;
        self.refused_to_a_stranger(origin, result).await
    }

    async fn try_accept(
        &self,
        origin: &Origin,
        secret: &str,
        name: String,
        locale: LanguageTag,
        password: String,
    ) -> Result<SignedIn, Refusal> {
        const WHAT: &str = "accept an invitation";
        let no_link = || Refusal::of(no_link(), "anonymous", Action::Denied, WHAT);
        let digest = self.secrets.digest(SecretKind::Link, secret).ok_or_else(no_link)?;
        let system = Actor { who: Who::Operator("invitation".into()), origin: origin.clone() };
        let mut session = self.services.session(&system, WHAT).await?;
        let now = session.now();
        let found = session.repositories().identities().use_link(LinkKind::Invitation, &digest, now).await?;
        let link = found.ok_or_else(no_link)?;
        let outdated = || Refusal::of(outdated(), link.email.as_str(), Action::Denied, WHAT);
        // The roles are given by whoever made the link.
        let giver = self.services.actor_named(session.repositories(), &link.created_by).await?.ok_or_else(outdated)?;
        session.act_for(&giver);
        // All within the session: whoever waits for a second connection while others wait for the link stops them all.
        let identities = session.repositories().identities();
        let account = if let Some(account) = open_account(session.repositories(), &link.email).await? {
            let hash = identities.password(account.id).await?;
            self.check_password(&link.email, password, hash).await?;
            account
        } else {
            let hash = self.hashed(password, "password", &link.email).await?;
            let account = session.create(Account { email: link.email.clone(), name, locale }).await?;
            identities.set_password(account.id, &hash, now).await?;
            account
        };
        let context = Context::new(session.repositories(), &giver, now);
        for offer in &link.grants {
            let grant = grant(account.id, offer);
            // A link is a promise: whoever may not give the role any more cannot keep it, and what was taken back since then is not
            // taken again.
            if !may_be_given(&grant, &context).await? || was_taken_back(&grant, link.created_at, &context).await? {
                return Err(outdated());
            }
            session.create(grant).await?;
        }
        session.note_entry(self.of_account(origin, account.id, Action::InvitationAccepted).detail(&link.created_by));
        let signed_in = self.begin_session(session.work(), origin, account, now).await?;
        session.commit().await?;
        Ok(signed_in)
    }

    /// Whether it is the password of the account. An invitation must not be a way to try more of them than signing in is.
    async fn check_password(&self, email: &Email, password: String, hash: Option<String>) -> Result<(), Refusal> {
        const WHAT: &str = "accept an invitation";
        let tries = self.services.throttle.account_key(email.as_str());
        if let Err(error) = self.services.throttle.of_account(&tries).await {
            return Err(Refusal::of(error, email.as_str(), Action::SignInFailed, WHAT));
        }
        if self.secrets.verify(password, hash).await == PasswordVerdict::Wrong {
            return Err(Refusal::of(wrong(), email.as_str(), Action::SignInFailed, WHAT));
        }
        self.services.throttle.limiter.forgive(&tries).await;
        Ok(())
    }
}

impl Session {
    /// Whether the actor could create such a record, if what it refers to is there.
    async fn may_create(&self, value: &Grant) -> Result<()> {
        let mut problems = Problems::default();
        crate::record::Noun::check(value, &mut problems);
        problems.into_result()?;
        self.require(value, super::Change::Create).await
    }
}

/// Whether the account held such a role, and it was taken back after this moment.
async fn was_taken_back(grant: &Grant, since: DateTime<Utc>, context: &Context<'_>) -> Result<bool> {
    let filter = GrantFilter {
        account: Some(grant.account),
        network: grant.network,
        community: grant.community,
        partner: grant.partner,
        roles: Some(vec![grant.role]),
    };
    let query = ListQuery { filter, page: PageArgs::first(MAX_PAGE), archived: true, ..ListQuery::default() };
    let held = context.repositories.grants().list(&Scope::Everything, &query).await?;
    Ok(held.items.iter().any(|(_, held)| held.meta.archived_at.is_some_and(|at| at >= since)))
}

/// Whether the actor of the context could give all of these roles now.
async fn may_all_be_given(offered: &[Offered], context: &Context<'_>) -> Result<bool> {
    for offer in offered {
        if !may_be_given(&grant(AccountId::from(uuid::Uuid::nil()), offer), context).await? {
            return Ok(false);
        }
    }
    Ok(true)
}
