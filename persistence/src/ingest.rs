//! Keys of pushes, and what their rows name.

// A method's path fixes the lifetime of the row, which is another for every call.
#![allow(clippy::redundant_closure_for_method_calls)]

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Error, Result,
    id::CommunityId,
    key::ExternalId,
    port::ingest::{Claim, Ingest},
};
use sea_orm::ConnectionTrait;

use crate::{repo::Repos, row::Row};

#[async_trait]
impl<C: ConnectionTrait + Send + Sync> Ingest for Repos<C> {
    async fn claim(
        &self,
        owner: &str,
        key: &str,
        digest: &[u8; 32],
        at: DateTime<Utc>,
        since: DateTime<Utc>,
    ) -> Result<Claim> {
        let mut sql = self.sql();
        let (by, before) = (sql.bind(owner), sql.bind(since));
        let forget = format!("DELETE FROM push_key WHERE owner = {by} AND at <= {before}");
        self.run(sql.statement(forget)).await?;
        let mut sql = self.sql();
        let values = [sql.bind(owner), sql.bind(key), sql.bind(digest.to_vec()), sql.bind(at)].join(", ");
        // On PostgreSQL this waits for whoever has taken the key and not ended; SQLite has one writer at a time.
        let take = format!(
            "INSERT INTO push_key (owner, key, digest, at) VALUES ({values}) ON CONFLICT (owner, key) DO NOTHING"
        );
        if self.run(sql.statement(take)).await? == 1 {
            return Ok(Claim::New);
        }
        let mut sql = self.sql();
        let (by, name) = (sql.bind(owner), sql.bind(key));
        let text = format!("SELECT k.digest, k.answer FROM push_key k WHERE k.owner = {by} AND k.key = {name}");
        let rows = self.query(sql.statement(text)).await?;
        // Undone between the two statements by whoever had taken it: the caller may try again.
        let Some(row) = rows.first() else { return Err(Error::Busy) };
        let mut row = Row::new(row)?;
        let (kept, answer): (Vec<u8>, Option<String>) = (row.take()?, row.take()?);
        Ok(match answer {
            Some(answer) if kept == digest => Claim::Same(answer),
            _ => Claim::Other,
        })
    }

    async fn settle(&self, owner: &str, key: &str, answer: &str) -> Result<()> {
        let mut sql = self.sql();
        let (answer, by, name) = (sql.bind(answer), sql.bind(owner), sql.bind(key));
        let text = format!("UPDATE push_key SET answer = {answer} WHERE owner = {by} AND key = {name}");
        match self.run(sql.statement(text)).await? {
            1 => Ok(()),
            _ => Err(Error::internal("the key of a push is not there")),
        }
    }

    async fn communities_by_code(&self, codes: &HashSet<ExternalId>) -> Result<HashMap<ExternalId, CommunityId>> {
        if codes.is_empty() {
            return Ok(HashMap::new());
        }
        let mut sql = self.sql();
        let names: Vec<_> = codes.iter().map(|id| (id.scheme.as_str(), id.code.as_str())).collect();
        let names = sql.bind(serde_json::to_string(&names).map_err(Error::internal)?);
        let wanted = if sql.is_postgres() {
            format!(
                "(SELECT w ->> 0 AS scheme, w ->> 1 AS code FROM jsonb_array_elements({names}::text::jsonb) AS w) AS w"
            )
        } else {
            format!("(SELECT value ->> 0 AS scheme, value ->> 1 AS code FROM json_each({names})) AS w")
        };
        let text = format!(
            "SELECT k.scheme, k.code, k.community_id FROM {wanted} JOIN community_code k ON k.scheme = w.scheme AND k.code = w.code"
        );
        let rows = self.query(sql.statement(text)).await?;
        rows.iter()
            .map(|row| {
                let mut row = Row::new(row)?;
                let id = ExternalId { scheme: row.parse()?, code: row.parse()? };
                Ok((id, row.id()?))
            })
            .collect()
    }

    async fn departed(&self, communities: &HashSet<CommunityId>, today: NaiveDate) -> Result<HashSet<CommunityId>> {
        let mut sql = self.sql();
        let (whose, today) = (sql.ids(communities.iter().copied(), "whose"), sql.bind(today));
        let text = format!(
            "SELECT m.community_id FROM membership m WHERE m.community_id IN (SELECT whose.id FROM {whose}) \
             AND m.archived_at IS NULL GROUP BY m.community_id \
             HAVING MAX(CASE WHEN m.joined_on <= {today} AND (m.left_on IS NULL OR {today} < m.left_on) THEN 1 ELSE 0 END) = 0"
        );
        let rows = self.query(sql.statement(text)).await?;
        rows.iter().map(|row| Row::new(row)?.id()).collect()
    }
}
