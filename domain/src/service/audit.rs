//! Reading the audit log.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Services;
use crate::{
    access::{self, Actor, Needs, Scope},
    audit::{Action, AuditFilter, AuditSight, AuditSort, Entry, NewEntry},
    error::{Error, Result},
    page::{ListQuery, Order, Page, PageArgs},
    port::store::Store,
};

/// How many entries an export reads at once.
const PIECE: u64 = 1_000;

/// Completes “sign in to …” and “you may not …”.
const WHAT: &str = "read the audit log";

/// What this actor may read of the audit log: administrators everything, others what concerns the communities and networks
/// that they answer for.
fn sight(actor: &Actor, now: DateTime<Utc>) -> Result<AuditSight> {
    access::require_anybody(actor, WHAT)?;
    if Needs::administrator().met_by(actor, now) {
        return Ok(AuditSight::Everything);
    }
    let Scope::Of(reader) = actor.scope(now) else { return Err(Error::Forbidden(WHAT)) };
    let communities: Vec<_> = reader.stewarded.iter().copied().collect();
    let networks: Vec<_> = reader.coordinated.iter().copied().collect();
    if communities.is_empty() && networks.is_empty() {
        return Err(Error::Forbidden(WHAT));
    }
    Ok(AuditSight::Of { communities, networks })
}

impl Services {
    /// A part of the entries of the audit log that the actor may see.
    ///
    /// # Errors
    /// [`crate::Error::Unauthenticated`] or [`crate::Error::Forbidden`] for an actor who may read none.
    pub async fn audit_entries(&self, actor: &Actor, query: &ListQuery<AuditFilter, AuditSort>) -> Result<Page<Entry>> {
        let sight = match sight(actor, self.clock.now()) {
            Err(error @ Error::Forbidden(what)) => {
                self.record_entry(&NewEntry::by(actor, self.clock.now(), Action::Denied).detail(what)).await?;
                return Err(error);
            }
            sight => sight?,
        };
        self.store.read().audit().list(&sight, query).await
    }

    /// The entry at this place, if the actor may see it.
    pub async fn audit_entry(&self, actor: &Actor, place: i64) -> Result<Option<Entry>> {
        // What one may not see looks like what does not exist.
        let Ok(sight) = sight(actor, self.clock.now()) else { return Ok(None) };
        let order = Order::default();
        let after = place.checked_sub(1).map(|before| Entry::cursor_at(before, order));
        let query = ListQuery { order, page: PageArgs { after, ..PageArgs::first(1) }, ..ListQuery::default() };
        let page = self.store.read().audit().list(&sight, &query).await?;
        Ok(page.items.into_iter().map(|(_, entry)| entry).find(|entry| entry.place == place))
    }

    /// Begins an export of every entry for which the filter holds, and records that it was begun: nothing leaves unless
    /// that is kept. The export holds all that happened before it, its own entry included.
    ///
    /// # Errors
    /// As [`Services::audit_entries`]; [`crate::Error::Busy`] while something that was recorded is not yet committed.
    pub async fn export_audit(&self, actor: &Actor, filter: AuditFilter) -> Result<AuditExport> {
        let at = self.clock.now();
        access::require(actor, &Needs::administrator(), at, "export the audit log")?;
        let work = self.store.begin().await?;
        let detail = format!("the audit log, {}", span(&filter));
        work.repositories().audit().record(&[NewEntry::by(actor, at, Action::Export).detail(&detail)]).await?;
        work.commit().await?;
        let last = self.store.read().audit().settled().await?;
        Ok(AuditExport { store: Arc::clone(&self.store), filter, at, place: 0, last })
    }
}

fn span(filter: &AuditFilter) -> String {
    let from = filter.from.map_or_else(|| "from its beginning".to_owned(), |from| format!("from {from}"));
    let until = filter.until.map_or_else(|| "to its end".to_owned(), |until| format!("until {until}"));
    format!("{from} {until}")
}

/// An export under way: entries in pieces, oldest first, as they stood when it began.
pub struct AuditExport {
    store: Arc<dyn Store>,
    filter: AuditFilter,
    at: DateTime<Utc>,
    place: i64,
    last: i64,
}

impl AuditExport {
    /// When it began.
    pub const fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Which entries it holds.
    pub const fn filter(&self) -> &AuditFilter {
        &self.filter
    }

    /// The next entries; none when it is complete.
    pub async fn next(&mut self) -> Result<Vec<Entry>> {
        let entries = self.store.read().audit().after(&self.filter, self.place, self.last, PIECE).await?;
        if let Some(entry) = entries.last() {
            self.place = entry.place;
        }
        Ok(entries)
    }
}
