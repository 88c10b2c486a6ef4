//! The feed of changes.
//!
//! A row of `figure_change` holds the keys of the revisions that a batch wrote. It has no place while its unit of work goes
//! on, and takes the next one while that is committed: whoever takes places holds the one row of `change_counter` until its
//! transaction has ended, so that a place is never seen before a lower one. Numbers taken while recording, as those of a
//! sequence, would be: a long import takes its numbers early and shows them late. Numbers of transactions (`pg_snapshot_xmin`)
//! do without a lock, but begin anew when a database is restored elsewhere, and the longest transaction of any database of the
//! server holds them all back. The row is held for the end of a commit alone; recording itself waits for nobody.
//!
//! `embargoed` holds the revisions whose embargo has not ended yet, or has and nobody has read the feed since.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound as _, Utc};
use domain::{
    Error, Result,
    access::Scope,
    change_feed::{ChangeFilter, ChangeKind, ChangePage, ChangeQuery, CursorKey, FeedPlace, FigureChange},
    observation::{Confidentiality, Observation},
    port::change_feed::ChangeFeed,
};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{
    bulk::Revision,
    keys::{self, Key},
};
use crate::{
    error::database,
    repo::Repos,
    row::Row,
    sight::Sight,
    sql::{self, Sql},
};

/// How many revisions are looked at together, at most: twice as many as a page holds to begin with, since most readers see most of
/// what there is, and then ever more.
const WINDOW: usize = 1_000;
/// How many windows are looked at for one page, where the reader sees few of the revisions in them.
const WINDOWS: usize = 20;
/// How many parts of the feed are looked at together, where they hold few revisions each.
const PARTS: i64 = 200;
/// How many embargoes are ended in one unit of work.
const RELEASED: i64 = 5_000;

/// Notes what a batch wrote.
pub(super) async fn keep<C: ConnectionTrait>(db: &C, written: &[Revision<'_>], at: DateTime<Utc>) -> Result<()> {
    if written.is_empty() {
        return Ok(());
    }
    let keys: Vec<Key> = written.iter().map(|row| (row.new.series, row.new.period, row.revision)).collect();
    put(db, &keys, false).await?;
    embargo(db, written, at).await
}

async fn put<C: ConnectionTrait>(db: &C, keys: &[Key], released: bool) -> Result<()> {
    let mut sql = Sql::new(db.get_database_backend());
    let figures = i64::try_from(keys.len()).map_err(Error::internal)?;
    let values = [sql.bind(figures), sql.bind(released), sql.bind(keys::encode(keys))].join(", ");
    let text = format!("INSERT INTO figure_change (figures, released, keys) VALUES ({values})");
    db.execute_raw(sql.statement(text)).await.map_err(database).map(drop)
}

/// Notes which of these are under an embargo.
async fn embargo<C: ConnectionTrait>(db: &C, written: &[Revision<'_>], at: DateTime<Utc>) -> Result<()> {
    let (mut keys, mut revisions) = (Vec::new(), Vec::new());
    for row in written.iter().filter(|row| row.new.figure.confidentiality == Confidentiality::Embargoed) {
        if row.new.figure.embargo_until.is_some_and(|until| until > at) && row.new.cause.retraction.is_none() {
            keys.push((row.new.series, row.new.period));
            revisions.push(row.revision);
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(db.get_database_backend());
    let keys = sql.counted_periods(&keys, &revisions, "k");
    let text = format!(
        "INSERT INTO embargoed (until, series_id, period_end, period_start, period_kind, revision) \
         SELECT o.embargo_until, {} FROM {keys} {}",
        "o.series_id, o.period_end, o.period_start, o.period_kind, o.revision",
        sql.beside("observation", "o", OF_KEY)
    );
    db.execute_raw(sql.statement(text)).await.map_err(database).map(drop)
}

/// The revision of key `k` is `o`.
const OF_KEY: &str = "o.series_id = k.series_id AND o.period_end = k.period_end AND o.period_start = k.period_start \
    AND o.period_kind = k.period_kind AND o.revision = k.counted";

/// Gives the parts of this unit of work their places. The last that it does: others who commit wait for it to end.
pub(crate) async fn settle<C: ConnectionTrait>(db: &C) -> Result<()> {
    let sql = Sql::new(db.get_database_backend());
    // Those of others without a place are not committed, and not seen.
    let text = "UPDATE change_counter SET last = last + (SELECT count(*) FROM figure_change WHERE place IS NULL)";
    db.execute_raw(sql.statement(text.to_owned())).await.map_err(database)?;
    let sql = Sql::new(db.get_database_backend());
    let text = "UPDATE figure_change SET place = mine.place FROM (SELECT own.id, \
        (SELECT last FROM change_counter) + 1 - row_number() OVER (ORDER BY own.id DESC) AS place \
        FROM figure_change own WHERE own.place IS NULL) AS mine WHERE mine.id = figure_change.id";
    db.execute_raw(sql.statement(text.to_owned())).await.map_err(database).map(drop)
}

/// Some of the feed: keys with their places, in their order.
struct Window {
    keys: Vec<(Key, FeedPlace, ChangeKind)>,
    /// Where the next begins.
    next: FeedPlace,
}

#[async_trait]
impl<C: ConnectionTrait + Send + Sync> ChangeFeed for Repos<C> {
    async fn changes(&self, scope: &Scope, query: &ChangeQuery) -> Result<ChangePage> {
        let mut page = ChangePage { next: query.from, ..ChangePage::default() };
        let mut size = (query.most * 2).min(WINDOW);
        for _ in 0..WINDOWS {
            let Some(window) = self.window(page.next, query.until, size).await? else {
                return self.with_previous(scope, query, page).await;
            };
            // One revision can stand in it twice: recorded, and released.
            let seen = self.seen(scope, query, window.keys.iter().map(|(key, ..)| *key)).await?;
            for (key, place, kind) in window.keys {
                let Some(observation) = seen.get(&key).cloned() else { continue };
                if page.changes.len() == query.most {
                    page = ChangePage { next: place, more: true, ..page };
                    return self.with_previous(scope, query, page).await;
                }
                let retracts = kind == ChangeKind::Recorded && observation.cause.retraction.is_some();
                let kind = if retracts { ChangeKind::Retracted } else { kind };
                page.changes.push(FigureChange { kind, observation, previous: None });
            }
            page.next = window.next;
            size = (size * 2).min(WINDOW);
        }
        page.more = true;
        self.with_previous(scope, query, page).await
    }

    async fn end(&self) -> Result<FeedPlace> {
        let rows = self.query(self.sql().statement("SELECT last FROM change_counter".to_owned())).await?;
        let row = rows.first().ok_or_else(|| Error::internal("the feed of changes has no counter"))?;
        Ok(FeedPlace { part: Row::new(row)?.take::<i64>()? + 1, offset: 0 })
    }

    async fn cursor_key(&self) -> Result<Option<CursorKey>> {
        let rows = self.query(self.sql().statement("SELECT cursor_key FROM change_counter".to_owned())).await?;
        let row = rows.first().ok_or_else(|| Error::internal("the feed of changes has no counter"))?;
        let kept: Option<Vec<u8>> = Row::new(row)?.take()?;
        let whole =
            |bytes: Vec<u8>| bytes.try_into().map_err(|_| Error::internal("the key of cursors is not 32 bytes"));
        kept.map(whole).transpose().map(|key| key.map(CursorKey))
    }

    async fn keep_cursor_key(&self, key: &CursorKey) -> Result<()> {
        let mut sql = self.sql();
        let key = sql.bind(key.0.to_vec());
        let text = format!("UPDATE change_counter SET cursor_key = {key} WHERE cursor_key IS NULL");
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn has_released(&self, now: DateTime<Utc>) -> Result<bool> {
        let mut sql = self.sql();
        let now = sql.bind(now.trunc_subsecs(6));
        let text = format!("SELECT 1 FROM embargoed e WHERE e.until <= {now} LIMIT 1");
        Ok(!self.query(sql.statement(text)).await?.is_empty())
    }

    async fn release(&self, now: DateTime<Utc>) -> Result<()> {
        let mut sql = self.sql();
        let now = sql.bind(now.trunc_subsecs(6));
        let columns = "series_id, period_end, period_start, period_kind, revision";
        // Whoever releases the same at the same time is waited for, and has left nothing.
        let text = format!(
            "DELETE FROM embargoed WHERE (until, {columns}) IN (SELECT until, {columns} FROM embargoed \
             WHERE until <= {now} ORDER BY until LIMIT {RELEASED}) \
             RETURNING series_id, period_kind, period_start, period_end, revision"
        );
        let rows = self.query(sql.statement(text)).await?;
        let ended: Vec<Key> = rows.iter().map(|row| read_key(&mut Row::new(row)?)).collect::<Result<_>>()?;
        let mut current = self.still_current(&ended).await?;
        if current.is_empty() {
            return Ok(());
        }
        current.sort_unstable();
        put(&self.0, &current, true).await?;
        settle(&self.0).await
    }
}

fn read_key(row: &mut Row<'_>) -> Result<Key> {
    Ok((row.id()?, row.period()?, row.take()?))
}

fn split(keys: impl IntoIterator<Item = Key>) -> (Vec<(domain::id::SeriesId, domain::period::Period)>, Vec<i32>) {
    keys.into_iter().map(|(series, period, revision)| ((series, period), revision)).unzip()
}

impl<C: ConnectionTrait + Send + Sync> Repos<C> {
    /// The next keys from a place on, up to the part of another, at most so many; nothing if there are none.
    async fn window(&self, from: FeedPlace, until: FeedPlace, size: usize) -> Result<Option<Window>> {
        let mut sql = self.sql();
        let (part, end) = (sql.bind(from.part), sql.bind(until.part));
        // As many parts as hold a window of keys, and at least the first.
        let text = format!(
            "SELECT c.place, c.released, c.keys FROM (SELECT near.place, sum(near.figures) OVER (ORDER BY near.place) - near.figures \
             AS earlier FROM (SELECT place, figures FROM figure_change WHERE place >= {part} AND place < {end} ORDER BY place LIMIT {PARTS}) AS near) \
             AS near JOIN figure_change c ON c.place = near.place WHERE near.earlier < {size} ORDER BY c.place"
        );
        let rows = self.query(sql.statement(text)).await?;
        let mut window = Window { keys: Vec::new(), next: from };
        for row in &rows {
            let mut row = Row::new(row)?;
            let (part, released, bytes): (i64, bool, Vec<u8>) = (row.take()?, row.take()?, row.take()?);
            let kind = if released { ChangeKind::Released } else { ChangeKind::Recorded };
            let skipped = if part == from.part { from.offset } else { 0 };
            for (key, offset) in keys::decode(&bytes)?.into_iter().zip(0..).skip(usize::try_from(skipped).unwrap_or(0))
            {
                let place = FeedPlace { part, offset };
                if window.keys.len() == size {
                    window.next = place;
                    return Ok(Some(window));
                }
                window.keys.push((key, place, kind));
            }
            window.next = FeedPlace { part: part + 1, offset: 0 };
        }
        Ok(if rows.is_empty() { None } else { Some(window) })
    }

    /// Those of these revisions that the reader may see and that are asked for.
    async fn seen(
        &self,
        scope: &Scope,
        query: &ChangeQuery,
        keys: impl Iterator<Item = Key>,
    ) -> Result<HashMap<Key, Observation>> {
        let (periods, revisions) = split(keys);
        if periods.is_empty() {
            return Ok(HashMap::new());
        }
        let mut sql = self.sql();
        let sight = Sight::new(&mut sql, scope, query.now);
        let filter = filtered(&mut sql, &query.filter, query.now);
        let keys = sql.counted_periods(&periods, &revisions, "k");
        let text = format!(
            "SELECT {columns} FROM {keys} {observation} {series} WHERE TRUE{filter}{shared}{revision}",
            observation = sql.beside("observation", "o", OF_KEY),
            series = sql.beside("series", "s", "s.id = o.series_id"),
            columns = sql::revision("o"),
            shared = sight.shared("s.community_id", "s.indicator_id"),
            revision = sight.revision("o"),
        );
        let rows = self.query(sql.statement(text)).await?;
        rows.iter()
            .map(|row| {
                let revision = Row::new(row)?.revision()?;
                Ok(((revision.series, revision.period, revision.revision), revision))
            })
            .collect()
    }

    /// The page with the revisions whose place those in it took.
    async fn with_previous(&self, scope: &Scope, query: &ChangeQuery, mut page: ChangePage) -> Result<ChangePage> {
        let before = |of: &Observation| (of.series, of.period, of.revision - 1);
        let revised = page.changes.iter().map(|change| &change.observation).filter(|of| of.revision > 1);
        let previous = self.seen(scope, query, revised.map(before)).await?;
        for change in &mut page.changes {
            change.previous = previous.get(&before(&change.observation)).cloned();
        }
        Ok(page)
    }

    async fn still_current(&self, keys: &[Key]) -> Result<Vec<Key>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (periods, revisions) = split(keys.iter().copied());
        let mut sql = self.sql();
        let keys = sql.counted_periods(&periods, &revisions, "k");
        let text = format!(
            "SELECT o.series_id, o.period_kind, o.period_start, o.period_end, o.revision \
             FROM {keys} {}",
            sql.beside("observation", "o", &format!("{OF_KEY} AND o.superseded_at IS NULL"))
        );
        let rows = self.query(sql.statement(text)).await?;
        rows.iter().map(|row| read_key(&mut Row::new(row)?)).collect()
    }
}

/// The conditions that a filter puts on series `s`, each beginning with `AND`.
fn filtered(sql: &mut Sql, filter: &ChangeFilter, now: DateTime<Utc>) -> String {
    let today = now.date_naive();
    let member = filter.network.map(|network| {
        let (network, today) = (sql.bind(Uuid::from(network)), sql.bind(today));
        format!(
            " AND s.community_id IN (SELECT place.community_id FROM membership place WHERE place.network_id = {network} AND {})",
            sql::current_membership("place", &today)
        )
    });
    let of = [
        ("community_id", filter.community.map(Uuid::from)),
        ("indicator_id", filter.indicator.map(Uuid::from)),
        ("source_id", filter.source.map(Uuid::from)),
    ];
    let of = of.into_iter().filter_map(|(column, id)| Some(format!(" AND s.{column} = {}", sql.bind(id?))));
    let of: String = of.collect();
    member.unwrap_or_default() + &of
}
