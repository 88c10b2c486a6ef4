//! Keeps rows to their word: those that want to create only, or only to change what is there.

use std::collections::{HashMap, HashSet};

use domain::{
    access::Scope,
    error::Result,
    observation::{Figure, Observation},
    period::Period,
    service::Session,
};

use super::placed::{Placed, PlacedRow};
use crate::exchange::{
    batch::{Act, ReadRow},
    report::Reason,
};

/// Which figure: where its series stands, and its period.
type Key = (usize, Period);

/// What is published of the figures that rows are about, as far as it decides about them.
#[derive(Default)]
struct Published {
    figures: HashMap<Key, Figure>,
    /// Those of which the actor may be told what they say.
    told: HashSet<Key>,
}

impl Published {
    /// Whether there is another figure than this one. To whoever may not be told that a row says the same, it is another figure,
    /// whatever it says.
    fn has_another(&self, key: Key, figure: &Figure) -> bool {
        self.figures.get(&key).is_some_and(|before| !self.told.contains(&key) || !says(before, figure))
    }

    /// Counts a row as recorded for those that follow.
    fn note(&mut self, key: Key, row: &ReadRow) {
        if row.act == Act::Retract {
            self.figures.remove(&key);
        } else {
            self.figures.insert(key, row.figure.clone());
            self.told.insert(key);
        }
    }
}

/// Whether a figure says what is known already; of its confidentiality it may say nothing.
fn says(known: &Figure, new: &Figure) -> bool {
    let silent = Figure { confidentiality: known.confidentiality, embargo_until: known.embargo_until, ..new.clone() };
    *known == silent
}

impl Placed<'_> {
    /// Takes the rows but for those that want to create what is known, or to change what is not. Rows that say what is known already
    /// are left to be counted as such.
    pub(super) async fn admitted(&mut self, session: &Session) -> Result<Vec<PlacedRow>> {
        let rows = std::mem::take(&mut self.rows);
        if rows.iter().all(|placed| matches!(placed.row.act, Act::Record | Act::Retract)) {
            return Ok(rows);
        }
        let mut published = published(session, &rows).await?;
        let mut admitted = Vec::with_capacity(rows.len());
        for placed in rows {
            let PlacedRow { row, slot, to, .. } = &placed;
            let key = (*slot, row.period);
            let column = |field| self.options.format.column_of(field);
            let refused = match row.act {
                Act::Create if published.has_another(key, &row.figure) => {
                    let kind = "there is another figure, and none is to be changed";
                    Some(Reason::plain("EXISTS", column("value"), kind))
                }
                Act::Update if !published.figures.contains_key(&key) => {
                    let kind = "there is no figure, and none is to be created";
                    Some(Reason::plain("NOT_FOUND", column("period"), kind))
                }
                _ => None,
            };
            if let Some(reason) = refused {
                self.rejects.push((row.line, reason));
                continue;
            }
            // What waits changes nothing of what is published.
            if !to.waits() {
                published.note(key, row);
            }
            admitted.push(placed);
        }
        Ok(admitted)
    }
}

/// What is published of the figures that these rows are about. To whoever only sends figures in, what they neither read nor gave
/// themselves is not there: what becomes of a row must not tell them that it is.
async fn published(session: &Session, rows: &[PlacedRow]) -> Result<Published> {
    let mut slots = HashMap::new();
    let mut keys = Vec::with_capacity(rows.len());
    for PlacedRow { row, slot, to, .. } in rows {
        if let Some(series) = to.published_in() {
            slots.insert(series, (*slot, to.waits()));
            keys.push((series, row.period));
        }
    }
    if keys.is_empty() {
        return Ok(Published::default());
    }
    let place = |(series, period)| slots.get(&series).map(|(slot, waits)| ((*slot, period), *waits));
    let told =
        session.may_be_told(&keys).await?.into_iter().filter_map(place).map(|(key, _)| key).collect::<HashSet<Key>>();
    let revisions = session.repositories().figures().revisions(&Scope::Everything, &keys, session.now());
    let mut figures = HashMap::new();
    for revision in revisions.await?.into_iter().filter(Observation::is_current) {
        let Some((key, waits)) = place((revision.series, revision.period)) else { continue };
        if !waits || told.contains(&key) {
            figures.insert(key, revision.figure);
        }
    }
    Ok(Published { figures, told })
}
