//! Writes what was read, a batch at a time: looks up each thing once and checks each figure; then records what was found. The one
//! needs nothing of the other, so that a batch can be looked up while the one before is recorded.

mod admission;
mod placed;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use domain::{
    error::{Error, Problem, Result},
    id::{CommunityId, IndicatorId, IndicatorVersionId, SourceId},
    series::{Disaggregation, Series},
    service::{Destination, NO_STEWARD, Session},
};

use super::{
    batch::{Act, AreaKey, Batch, IndicatorKey, ReadRow, SeriesKey},
    indicators::Definition,
    options::Options,
    report::Reason,
    resolve::Resolver,
};
use placed::PlacedRow;
pub use placed::{Placed, Written};

/// What a number of the reader's means.
enum Known<T> {
    NotYet,
    Is(T),
    /// Rows that may create nothing are not kept; the first that may looks again.
    Missing(Box<Reason>),
    /// Rows that name it are not kept.
    Not(Box<Reason>),
}

impl<T> Known<T> {
    /// What a lookup found; `creating` says whether it might have created what was missing.
    fn of(found: std::result::Result<T, Reason>, creating: bool) -> Self {
        match found {
            Ok(found) => Self::Is(found),
            Err(reason) if creating => Self::Not(Box::new(reason)),
            Err(reason) => Self::Missing(Box::new(reason)),
        }
    }

    /// What is known to a row that may create what is missing, or may not; nothing if it has to look.
    fn to(&self, creating: bool) -> Option<std::result::Result<&T, &Reason>> {
        match self {
            Self::Is(found) => Some(Ok(found)),
            Self::Not(reason) => Some(Err(reason)),
            Self::Missing(reason) if !creating => Some(Err(reason)),
            Self::NotYet | Self::Missing(_) => None,
        }
    }
}

/// A series: where its identifier stands, and the number of its indicator.
#[derive(Clone, Copy)]
struct Place {
    slot: usize,
    indicator: u32,
}

type Identity = (CommunityId, IndicatorVersionId, SourceId, u32);

/// What is known of what the rows of a text name.
pub struct Writer<'a> {
    resolver: Resolver<'a>,
    areas: Vec<(AreaKey, Known<CommunityId>)>,
    indicators: Vec<(IndicatorKey, Known<Arc<Definition>>)>,
    sources: Vec<(String, Known<SourceId>)>,
    disaggregations: Vec<Disaggregation>,
    series: Vec<(SeriesKey, Known<Place>)>,
    /// Where the figures of series go; for those at the end that is not known yet and is asked for together.
    ids: Vec<Arc<Destination>>,
    asked: Vec<Series>,
    /// Two spellings of one community are one series.
    slots: HashMap<Identity, usize>,
    /// The communities whose figures were refused for want of a right.
    denied: HashSet<CommunityId>,
}

fn unnumbered() -> Error {
    Error::internal("a row names what it was not told of")
}

/// Looks up what stands under a number, the first time only, or where the first row that may create it is met.
macro_rules! resolve {
    ($self:ident, $session:ident, $list:ident, $number:expr, $lookup:ident) => {{
        let number = $number as usize;
        let entry = $self.$list.get_mut(number).ok_or_else(unnumbered)?;
        let creating = $self.resolver.creating;
        if entry.1.to(creating).is_none() {
            entry.1 = Known::of($self.resolver.$lookup($session, &entry.0).await?.map(Into::into), creating);
        }
        entry.1.to(creating).ok_or_else(unnumbered)?.map_err(Reason::clone)
    }};
}

impl<'a> Writer<'a> {
    /// A writer of what is looked up so.
    pub fn new(resolver: Resolver<'a>) -> Self {
        Self {
            resolver,
            areas: Vec::new(),
            indicators: Vec::new(),
            sources: Vec::new(),
            disaggregations: Vec::new(),
            series: Vec::new(),
            ids: Vec::new(),
            asked: Vec::new(),
            slots: HashMap::new(),
            denied: HashSet::new(),
        }
    }

    /// Looks up what a batch names and checks its figures.
    pub async fn place(&mut self, session: &Session, mut batch: Batch) -> Result<Placed<'a>> {
        self.learn(&mut batch);
        let mut rejects = std::mem::take(&mut batch.rejects);
        let read = (batch.rows.len() + rejects.len()) as u64;
        let mut places = Vec::with_capacity(batch.rows.len());
        for row in std::mem::take(&mut batch.rows) {
            match self.find_place(session, &row).await? {
                Ok(place) => places.push((row, place)),
                Err(reason) => rejects.push((row.line, reason)),
            }
        }
        self.ask(session).await?;
        let mut rows = Vec::with_capacity(places.len());
        for (row, Place { slot, indicator }) in places {
            let to = Arc::clone(self.ids.get(slot).ok_or_else(unnumbered)?);
            let Some((_, Known::Is(definition))) = self.indicators.get(indicator as usize) else {
                return Err(unnumbered());
            };
            rows.push(PlacedRow { row, slot, to, definition: Arc::clone(definition) });
        }
        let Resolver { options, created, notices, .. } = &self.resolver;
        Ok(Placed {
            options,
            rows,
            rejects,
            read,
            raw: batch.raw,
            consumed: batch.consumed,
            created: created.clone(),
            notices: notices.clone(),
            forgetful: batch.restart,
        })
    }

    fn learn(&mut self, batch: &mut Batch) {
        fn unknown<K, T>(keys: &mut Vec<K>) -> impl Iterator<Item = (K, Known<T>)> {
            keys.drain(..).map(|key| (key, Known::NotYet))
        }
        if batch.restart {
            self.areas.clear();
            self.indicators.clear();
            self.sources.clear();
            self.disaggregations.clear();
            self.series.clear();
            self.ids.clear();
            self.slots.clear();
        }
        self.areas.extend(unknown(&mut batch.areas));
        self.indicators.extend(unknown(&mut batch.indicators));
        self.sources.extend(unknown(&mut batch.sources));
        self.disaggregations.append(&mut batch.disaggregations);
        self.series.extend(unknown(&mut batch.series));
    }

    /// Finds the series of a row and checks its figure. The check comes before the community is looked up, so that a row
    /// that is not kept creates none. A row that may create no figure creates nothing else.
    async fn find_place(&mut self, session: &Session, row: &ReadRow) -> Result<std::result::Result<Place, Reason>> {
        let creating = row.act.creates();
        self.resolver.creating = creating;
        let (key, known) = self.series.get(row.series as usize).ok_or_else(unnumbered)?;
        let key = *key;
        let known = match known.to(creating) {
            Some(Ok(place)) => Some(*place),
            Some(Err(reason)) => return Ok(Err(reason.clone())),
            None => None,
        };
        let version = match resolve!(self, session, indicators, key.indicator, indicator) {
            Ok(definition) => {
                let checked = match row.act {
                    Act::Record | Act::Create | Act::Update => {
                        row.figure.check(definition, row.period, self.resolver.today)
                    }
                    Act::Retract => Ok(()),
                };
                if let Err(problem) = checked {
                    return Ok(Err(reason(self.resolver.options, problem, row.column.as_deref())));
                }
                if let Some(place) = known {
                    return Ok(Ok(place));
                }
                (definition.id, definition.indicator)
            }
            Err(reason) => return Ok(Err(reason)),
        };
        let found = self.find(session, key, version).await?;
        if let Some((_, known)) = self.series.get_mut(row.series as usize) {
            *known = Known::of(found.clone(), creating);
        }
        Ok(found)
    }

    async fn find(
        &mut self,
        session: &Session,
        key: SeriesKey,
        (indicator_version, indicator): (IndicatorVersionId, IndicatorId),
    ) -> Result<std::result::Result<Place, Reason>> {
        let community = match resolve!(self, session, areas, key.area, area) {
            Ok(community) => *community,
            Err(reason) => return Ok(Err(reason)),
        };
        if !session.may_record(community, indicator) {
            self.note_denied(session, community);
            let kind = "you may not record figures of this community by this indicator";
            return Ok(Err(Reason::plain("FORBIDDEN", "", kind)));
        }
        if self.resolver.options.restatement.is_some() && !session.may_restate(community) {
            self.note_denied(session, community);
            return Ok(Err(Reason::plain("FORBIDDEN", "", NO_STEWARD)));
        }
        let source = match resolve!(self, session, sources, key.source, source) {
            Ok(source) => *source,
            Err(reason) => return Ok(Err(reason)),
        };
        let identity = (community, indicator_version, source, key.disaggregation);
        let next = self.ids.len() + self.asked.len();
        let slot = *self.slots.entry(identity).or_insert(next);
        if slot == next {
            let disaggregation = self.disaggregations.get(key.disaggregation as usize).ok_or_else(unnumbered)?.clone();
            self.asked.push(Series { community, indicator, indicator_version, source, disaggregation });
        }
        Ok(Ok(Place { slot, indicator: key.indicator }))
    }

    /// Once for every community.
    fn note_denied(&mut self, session: &Session, community: CommunityId) {
        if self.denied.insert(community) {
            session.refuse_figures_of(community);
        }
    }

    /// Asks where the figures of the series go that this batch met first.
    async fn ask(&mut self, session: &Session) -> Result<()> {
        if self.asked.is_empty() {
            return Ok(());
        }
        let asked = std::mem::take(&mut self.asked);
        let expected = asked.len();
        let destinations = session.destinations(asked, self.resolver.options.submit).await?;
        if destinations.len() != expected {
            return Err(Error::internal("another number of series was answered for"));
        }
        self.ids.extend(destinations.into_iter().map(Arc::new));
        Ok(())
    }
}

/// Why a figure is not kept, with the column that holds the field at fault.
fn reason(options: &Options, problem: Problem, column: Option<&str>) -> Reason {
    let field = problem.path.to_string();
    let column = match (column, field.as_str()) {
        (Some(column), "value") => column.to_owned().into(),
        (Some(column), field) => format!("{column}, {field}").into(),
        (None, field) => options.format.column_of(field),
    };
    Reason::of(problem, column)
}
