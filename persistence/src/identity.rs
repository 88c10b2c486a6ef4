//! Where passwords, sessions, links and tokens are kept: digests alone, in tables of their own.

// A method's path fixes the lifetime of the row, which is another for every call.
#![allow(clippy::redundant_closure_for_method_calls)]

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Error, Result,
    access::{Held, Place, Scope},
    api_token::ApiToken,
    grant::Grant,
    id::{AccountId, ApiTokenId, CommunityId, NetworkId, SessionId},
    key::Email,
    port::identity::{
        Digest, Identities, KnownToken, Link, LinkKind, LinkedAccount, MOST_LINKS, NewSession, Principal, SigningKey,
        Spent,
    },
    port::store::Repository,
    record::Stored,
};
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use uuid::Uuid;

use crate::{
    error::database,
    repo::Repos,
    row::Row,
    sql::{Sql, current_membership},
};

impl<C: ConnectionTrait> Repos<C> {
    pub(crate) fn sql(&self) -> Sql {
        Sql::new(self.0.get_database_backend())
    }

    pub(crate) async fn query(&self, statement: Statement) -> Result<Vec<QueryResult>> {
        self.0.query_all_raw(statement).await.map_err(database)
    }

    pub(crate) async fn run(&self, statement: Statement) -> Result<u64> {
        self.0.execute_raw(statement).await.map_err(database).map(|done| done.rows_affected())
    }

    /// The networks that these communities are in on a day.
    pub(crate) async fn memberships_on(
        &self,
        communities: &BTreeSet<CommunityId>,
        day: NaiveDate,
    ) -> Result<BTreeSet<(CommunityId, NetworkId)>> {
        if communities.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut sql = self.sql();
        let (whose, day) = (sql.ids(communities.iter().copied(), "whose"), sql.bind(day));
        let text = format!(
            "SELECT m.community_id, m.network_id FROM membership m WHERE m.community_id IN (SELECT whose.id FROM {whose}) \
             AND {}",
            current_membership("m", &day)
        );
        let rows = self.query(sql.statement(text)).await?;
        rows.iter()
            .map(|row| {
                let mut row = Row::new(row)?;
                Ok((row.id()?, row.id()?))
            })
            .collect()
    }

    /// A refresh token of a session that goes on: its session, whose it is, and when it was spent.
    async fn refresh_token(
        &self,
        refresh: &Digest,
        now: DateTime<Utc>,
    ) -> Result<Option<(SessionId, AccountId, Option<DateTime<Utc>>)>> {
        let mut sql = self.sql();
        let (digest, moment) = (sql.bind(refresh.to_vec()), sql.bind(now));
        let text = format!(
            "SELECT t.session_id, s.account_id, t.spent_at FROM refresh_token t \
             JOIN account_session s ON s.id = t.session_id JOIN account a ON a.id = s.account_id \
             WHERE t.digest = {digest} AND s.ended_at IS NULL AND s.expires_at > {moment} AND a.archived_at IS NULL"
        );
        one(&self.query(sql.statement(text)).await?, |row| Ok((row.id()?, row.id()?, row.take()?)))
    }
}

fn one<T>(rows: &[QueryResult], read: impl FnOnce(&mut Row<'_>) -> Result<T>) -> Result<Option<T>> {
    rows.first().map(|row| read(&mut Row::new(row)?)).transpose()
}

/// What is read of a link.
const LINK: &str = "email, account_id, grants, created_at, created_by, expires_at";

fn link(kind: LinkKind, row: &mut Row<'_>) -> Result<Link> {
    Ok(Link {
        kind,
        email: row.parse()?,
        account: row.optional_id()?,
        grants: row.json()?,
        created_at: row.take()?,
        created_by: row.take()?,
        expires_at: row.take()?,
    })
}

#[async_trait]
impl<C: ConnectionTrait + Send + Sync> Identities for Repos<C> {
    async fn password(&self, account: AccountId) -> Result<Option<String>> {
        let mut sql = self.sql();
        let account = sql.bind(Uuid::from(account));
        let text = format!(
            "SELECT p.hash FROM account_password p JOIN account a ON a.id = p.account_id \
             WHERE p.account_id = {account} AND a.archived_at IS NULL"
        );
        one(&self.query(sql.statement(text)).await?, |row| row.take())
    }

    async fn set_password(&self, id: AccountId, hash: &str, at: DateTime<Utc>) -> Result<()> {
        let mut sql = self.sql();
        let (account, hash, moment) = (sql.bind(Uuid::from(id)), sql.bind(hash), sql.bind(at));
        let text = format!(
            "INSERT INTO account_password (account_id, hash, changed_at) VALUES ({account}, {hash}, {moment}) \
             ON CONFLICT (account_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at"
        );
        self.run(sql.statement(text)).await?;
        let mut sql = self.sql();
        let (account, at, kind) = (sql.bind(Uuid::from(id)), sql.bind(at), sql.bind(LinkKind::Recovery.code()));
        let text = format!(
            "UPDATE invitation SET used_at = {at} WHERE account_id = {account} AND kind = {kind} AND used_at IS NULL"
        );
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn principal(&self, account: AccountId, now: DateTime<Utc>) -> Result<Option<Principal>> {
        let mut sql = self.sql();
        let account = sql.bind(Uuid::from(account));
        // A row without a role tells an account without roles from one that is not there.
        let text = format!(
            "SELECT g.role, g.network_id, g.community_id, g.partner_id, g.expires_at FROM account a \
             LEFT JOIN access_grant g ON g.account_id = a.id AND g.archived_at IS NULL \
             WHERE a.id = {account} AND a.archived_at IS NULL"
        );
        let rows = self.query(sql.statement(text)).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut grants: Vec<Held> = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut row = Row::new(row)?;
            let Some(role) = row.optional_parse()? else { continue };
            let grant = Grant {
                account: Uuid::nil().into(),
                role,
                network: row.optional_id()?,
                community: row.optional_id()?,
                partner: row.optional_id()?,
                expires_at: row.take()?,
            };
            grants.extend(grant.held());
        }
        let communities = grants.iter().filter_map(|held| match held.at {
            Place::Community(community) => Some(community),
            _ => None,
        });
        let memberships = self.memberships_on(&communities.collect(), now.date_naive()).await?;
        Ok(Some(Principal { grants, memberships }))
    }

    async fn foreign(&self, issuer: &str, subject: &str) -> Result<Option<LinkedAccount>> {
        let mut sql = self.sql();
        let (issuer, subject) = (sql.bind(issuer), sql.bind(subject));
        let text = format!(
            "SELECT f.account_id, a.signed_out_at FROM foreign_identity f JOIN account a ON a.id = f.account_id \
             WHERE f.issuer = {issuer} AND f.subject = {subject} AND a.archived_at IS NULL"
        );
        one(&self.query(sql.statement(text)).await?, |row| {
            Ok(LinkedAccount { account: row.id()?, signed_out_at: row.take()? })
        })
    }

    async fn end_foreign(&self, account: AccountId, at: DateTime<Utc>) -> Result<()> {
        let mut sql = self.sql();
        let (account, at) = (sql.bind(Uuid::from(account)), sql.bind(at));
        let text = format!("UPDATE account SET signed_out_at = {at} WHERE id = {account}");
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn link_foreign(&self, issuer: &str, subject: &str, account: AccountId, at: DateTime<Utc>) -> Result<()> {
        let mut sql = self.sql();
        let (issuer, subject) = (sql.bind(issuer), sql.bind(subject));
        let (account, at) = (sql.bind(Uuid::from(account)), sql.bind(at));
        let text = format!(
            "INSERT INTO foreign_identity (issuer, subject, account_id, linked_at) \
             VALUES ({issuer}, {subject}, {account}, {at})"
        );
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn start_session(&self, session: &NewSession, refresh: &Digest) -> Result<()> {
        let mut sql = self.sql();
        let values = [
            sql.bind(Uuid::from(session.id)),
            sql.bind(Uuid::from(session.account)),
            sql.bind(session.started_at),
            sql.bind(session.expires_at),
            sql.bind(session.address.clone()),
        ];
        let text = format!(
            "INSERT INTO account_session (id, account_id, started_at, expires_at, address) VALUES ({})",
            values.join(", ")
        );
        self.run(sql.statement(text)).await?;
        self.succeed(session.id, refresh, session.started_at).await
    }

    async fn has_refresh(&self, refresh: &Digest, now: DateTime<Utc>) -> Result<bool> {
        Ok(self.refresh_token(refresh, now).await?.is_some())
    }

    async fn spend(&self, refresh: &Digest, now: DateTime<Utc>) -> Result<Spent> {
        let mut sql = self.sql();
        let (digest, moment) = (sql.bind(refresh.to_vec()), sql.bind(now));
        // The condition is looked at again by whoever waited for the row: exactly one finds it unspent.
        let text = format!(
            "UPDATE refresh_token SET spent_at = {moment} WHERE digest = {digest} AND spent_at IS NULL \
             AND session_id IN (SELECT s.id FROM account_session s JOIN account a ON a.id = s.account_id \
             WHERE s.ended_at IS NULL AND s.expires_at > {moment} AND a.archived_at IS NULL)"
        );
        let won = self.run(sql.statement(text)).await? == 1;
        Ok(match self.refresh_token(refresh, now).await? {
            Some((session, account, Some(_))) if won => Spent::Now { session, account },
            Some((session, account, Some(at))) => Spent::Before { session, account, at },
            _ => Spent::Unknown,
        })
    }

    async fn succeed(&self, session: SessionId, refresh: &Digest, at: DateTime<Utc>) -> Result<()> {
        let mut sql = self.sql();
        let (digest, session, at) = (sql.bind(refresh.to_vec()), sql.bind(Uuid::from(session)), sql.bind(at));
        let text =
            format!("INSERT INTO refresh_token (digest, session_id, issued_at) VALUES ({digest}, {session}, {at})");
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn is_open(&self, session: SessionId, now: DateTime<Utc>) -> Result<bool> {
        let mut sql = self.sql();
        let (session, now) = (sql.bind(Uuid::from(session)), sql.bind(now));
        let text = format!(
            "SELECT 1 FROM account_session s JOIN account a ON a.id = s.account_id WHERE s.id = {session} \
             AND s.ended_at IS NULL AND s.expires_at > {now} AND a.archived_at IS NULL"
        );
        Ok(!self.query(sql.statement(text)).await?.is_empty())
    }

    async fn end_session(&self, session: SessionId, at: DateTime<Utc>) -> Result<()> {
        let mut sql = self.sql();
        let (session, at) = (sql.bind(Uuid::from(session)), sql.bind(at));
        let text = format!("UPDATE account_session SET ended_at = {at} WHERE id = {session} AND ended_at IS NULL");
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn end_sessions(&self, account: AccountId, except: Option<SessionId>, at: DateTime<Utc>) -> Result<u64> {
        let mut sql = self.sql();
        let (account, moment) = (sql.bind(Uuid::from(account)), sql.bind(at));
        let except = except.map(|except| format!(" AND id <> {}", sql.bind(Uuid::from(except)))).unwrap_or_default();
        let text = format!(
            "UPDATE account_session SET ended_at = {moment} WHERE account_id = {account} AND ended_at IS NULL \
             AND expires_at > {moment}{except}"
        );
        self.run(sql.statement(text)).await
    }

    async fn keep_link(&self, link: &Link, digest: &Digest) -> Result<()> {
        let mut sql = self.sql();
        let values = [
            sql.bind(digest.to_vec()),
            sql.bind(link.kind.code()),
            sql.bind(link.email.to_string()),
            sql.bind(link.account.map(Uuid::from)),
            sql.bind(serde_json::to_value(&link.grants).map_err(Error::internal)?),
            sql.bind(link.created_at),
            sql.bind(link.created_by.clone()),
            sql.bind(link.expires_at),
        ];
        let text = format!(
            "INSERT INTO invitation (digest, kind, email, account_id, grants, created_at, created_by, expires_at) \
             VALUES ({})",
            values.join(", ")
        );
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn use_link(&self, kind: LinkKind, digest: &Digest, now: DateTime<Utc>) -> Result<Option<Link>> {
        let mut sql = self.sql();
        let (digest_name, kind_name, now_name) = (sql.bind(digest.to_vec()), sql.bind(kind.code()), sql.bind(now));
        let text = format!(
            "UPDATE invitation SET used_at = {now_name} WHERE digest = {digest_name} AND kind = {kind_name} \
             AND used_at IS NULL AND expires_at > {now_name}"
        );
        if self.run(sql.statement(text)).await? == 0 {
            return Ok(None);
        }
        let mut sql = self.sql();
        let digest = sql.bind(digest.to_vec());
        let text = format!("SELECT {LINK} FROM invitation WHERE digest = {digest}");
        one(&self.query(sql.statement(text)).await?, |row| link(kind, row))
    }

    async fn open_links(
        &self,
        kind: LinkKind,
        email: Option<&Email>,
        created_by: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Vec<(Digest, Link)>> {
        let mut sql = self.sql();
        let (kind_name, now) = (sql.bind(kind.code()), sql.bind(now));
        let email = email.map_or_else(String::new, |email| format!(" AND email = {}", sql.bind(email.to_string())));
        let by = created_by.map_or_else(String::new, |by| format!(" AND created_by = {}", sql.bind(by)));
        let text = format!(
            "SELECT digest, {LINK} FROM invitation WHERE kind = {kind_name} AND used_at IS NULL AND expires_at > {now}{email}{by} \
             ORDER BY created_at DESC, digest LIMIT {MOST_LINKS}"
        );
        let rows = self.query(sql.statement(text)).await?;
        let read = |row| {
            let mut row = Row::new(row)?;
            let digest: Vec<u8> = row.take()?;
            let digest = digest.try_into().map_err(|_| Error::internal("a digest of another length is kept"))?;
            Ok((digest, link(kind, &mut row)?))
        };
        rows.iter().map(read).collect()
    }

    async fn withdraw_links(&self, digests: &[Digest], now: DateTime<Utc>) -> Result<usize> {
        let mut withdrawn = 0;
        for digest in digests {
            let mut sql = self.sql();
            let (digest, now) = (sql.bind(digest.to_vec()), sql.bind(now));
            let text = format!("UPDATE invitation SET used_at = {now} WHERE digest = {digest} AND used_at IS NULL");
            withdrawn += self.run(sql.statement(text)).await?;
        }
        usize::try_from(withdrawn).map_err(Error::internal)
    }

    async fn keep_token(&self, token: ApiTokenId, digest: &Digest) -> Result<()> {
        let mut sql = self.sql();
        let (digest, token) = (sql.bind(digest.to_vec()), sql.bind(Uuid::from(token)));
        let text = format!("INSERT INTO api_token_secret (digest, api_token_id) VALUES ({digest}, {token})");
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn token_named(&self, digest: &Digest) -> Result<Option<ApiTokenId>> {
        let mut sql = self.sql();
        let digest = sql.bind(digest.to_vec());
        let text = format!("SELECT api_token_id FROM api_token_secret WHERE digest = {digest}");
        one(&self.query(sql.statement(text)).await?, |row| row.id())
    }

    async fn token(&self, digest: &Digest, now: DateTime<Utc>) -> Result<Option<KnownToken>> {
        let Some(id) = self.token_named(digest).await? else { return Ok(None) };
        let found: Vec<Stored<ApiToken>> = Repository::get(self, &Scope::Everything, &[id]).await?;
        let Some(token) = found.into_iter().find(|token| token.meta.archived_at.is_none()) else { return Ok(None) };
        let memberships = self.memberships_on(&token.communities.iter().copied().collect(), now.date_naive()).await?;
        Ok(Some(KnownToken { token, memberships }))
    }

    async fn note_use(&self, token: ApiTokenId, at: DateTime<Utc>) -> Result<()> {
        let mut sql = self.sql();
        let (token, at) = (sql.bind(Uuid::from(token)), sql.bind(at));
        let text = format!(
            "INSERT INTO api_token_use (api_token_id, last_used_at) VALUES ({token}, {at}) ON CONFLICT (api_token_id) \
             DO UPDATE SET last_used_at = excluded.last_used_at WHERE api_token_use.last_used_at < excluded.last_used_at"
        );
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn last_uses(&self, tokens: &[ApiTokenId]) -> Result<Vec<(ApiTokenId, DateTime<Utc>)>> {
        let mut sql = self.sql();
        let ids = sql.ids(tokens.iter().copied(), "ids");
        let text = format!(
            "SELECT api_token_id, last_used_at FROM api_token_use WHERE api_token_id IN (SELECT ids.id FROM {ids})"
        );
        let rows = self.query(sql.statement(text)).await?;
        rows.iter()
            .map(|row| {
                let mut row = Row::new(row)?;
                Ok((row.id()?, row.take()?))
            })
            .collect()
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>> {
        let text =
            "SELECT kid, pem, created_at FROM signing_key WHERE retired_at IS NULL ORDER BY created_at DESC, kid";
        let rows = self.query(self.sql().statement(text.to_owned())).await?;
        rows.iter()
            .map(|row| {
                let mut row = Row::new(row)?;
                Ok(SigningKey { kid: row.take()?, pem: row.take()?, created_at: row.take()? })
            })
            .collect()
    }

    async fn keep_signing_key(&self, key: &SigningKey) -> Result<()> {
        let mut sql = self.sql();
        let (kid, pem, at) = (sql.bind(key.kid.clone()), sql.bind(key.pem.clone()), sql.bind(key.created_at));
        let text = format!("INSERT INTO signing_key (kid, pem, created_at) VALUES ({kid}, {pem}, {at})");
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn retire_signing_key(&self, kid: &str, at: DateTime<Utc>) -> Result<bool> {
        let mut sql = self.sql();
        let (kid, at) = (sql.bind(kid), sql.bind(at));
        let text = format!("UPDATE signing_key SET retired_at = {at} WHERE kid = {kid} AND retired_at IS NULL");
        Ok(self.run(sql.statement(text)).await? > 0)
    }
}
