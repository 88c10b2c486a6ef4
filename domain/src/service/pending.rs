//! Figures that wait: reading them, and deciding about them. What is published goes the way of all figures, in the same unit of
//! work in which it ceases to wait.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Delivery, Services, Session, session::HAS_LEFT};
use crate::{
    access::{self, Actor, Needs, Scope},
    audit::{Action, NewEntry},
    error::{Error, Problem, ProblemCode, Result},
    id::{CommunityId, IndicatorId, IndicatorVersionId, NodeRef},
    indicator::{Indicator, IndicatorVersion},
    observation::{Observation, Outcome},
    page::{ListQuery, Page},
    pending::{
        Chosen, Decided, Decision, MOST_IDS, MOST_MATCHING, PendingFilter, PendingId, PendingObservation, PendingSight,
        PendingSort, PendingState, REASON_LENGTH, Refusal,
    },
    record::Stored,
    revision::{Cause, Restatement},
    series::Series,
};

/// Completes “sign in to …” and “you may not …”.
const WHAT: &str = "decide about figures of this community";

/// Which figures that wait this actor sees.
pub(super) fn sight(actor: &Actor, scope: &Scope) -> PendingSight {
    let communities = match scope {
        Scope::Everything => return PendingSight::Everything,
        Scope::Public => Vec::new(),
        Scope::Of(reader) => reader.stewarded.iter().copied().collect(),
    };
    PendingSight::Of { communities, submitter: actor.name() }
}

impl Services {
    /// A part of the figures that wait and that the actor may see.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for nobody in particular.
    pub async fn pending_observations(
        &self,
        actor: &Actor,
        query: &ListQuery<PendingFilter, PendingSort>,
    ) -> Result<Page<PendingObservation>> {
        access::require_anybody(actor, "see figures that wait")?;
        let page = self.store.read().pending().list(&sight(actor, &self.scope(actor)), query).await?;
        self.note_reading(actor, "figures that wait", page.items.iter().map(|(_, row)| row.series.community)).await?;
        Ok(page)
    }

    /// A figure that waits, if the actor may see it.
    pub async fn pending_observation(&self, actor: &Actor, id: PendingId) -> Result<Option<PendingObservation>> {
        if access::require_anybody(actor, "see figures that wait").is_err() {
            return Ok(None);
        }
        let found = self.store.read().pending().get(&sight(actor, &self.scope(actor)), &[id]).await?.pop();
        self.note_reading(actor, "figures that wait", found.iter().map(|row| row.series.community)).await?;
        Ok(found)
    }

    /// Decides about figures that wait, all in one unit of work; those about which it cannot be decided so are told of and stay.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a filter that names a community that the actor does not answer for, or none;
    /// [`Error::Validation`] for too many ids or a reason that is missing or too long.
    pub async fn decide_pending(&self, actor: &Actor, decision: Decision, chosen: Chosen) -> Result<Decided> {
        check(&decision, &chosen)?;
        let session = self.session(actor, WHAT).await?;
        let refused = session.refused();
        let decided = Box::pin(self.try_decide(session, decision, chosen)).await;
        self.denied(actor, &refused, decided).await
    }

    async fn try_decide(&self, mut session: Session, decision: Decision, chosen: Chosen) -> Result<Decided> {
        let chosen = match chosen {
            Chosen::Ids(ids) => Chosen::Ids(ids),
            Chosen::Matching(filter) => {
                let needs = filter.community.map_or_else(Needs::operator, Needs::steward);
                if let Err(error) = access::require(session.actor(), &needs, session.now(), WHAT) {
                    let entry = NewEntry::by(session.actor(), session.now(), Action::Denied);
                    session.refuse(entry.of_community(filter.community));
                    return Err(error);
                }
                let states = filter.states.or_else(|| Some(decision.of_states()));
                Chosen::Matching(PendingFilter { states, ..filter })
            }
        };
        let decided = Box::pin(session.decide(&decision, &chosen, self.clock.today())).await?;
        session.commit().await?;
        Ok(decided)
    }
}

/// Whether the decision can be made about so many at once.
fn check(decision: &Decision, chosen: &Chosen) -> Result<()> {
    match chosen {
        Chosen::Ids(ids) if ids.len() > MOST_IDS => {
            let message = format!("{} figures at once; at most {MOST_IDS}", ids.len());
            return Err(Error::invalid("ids", ProblemCode::OutOfRange, message));
        }
        Chosen::Matching(PendingFilter { community: None, .. }) => {
            let message = "name the community whose figures are meant";
            return Err(Error::invalid("filter.community", ProblemCode::Required, message));
        }
        _ => {}
    }
    let reason = match decision {
        Decision::Validate | Decision::Publish(None) => return Ok(()),
        Decision::Publish(Some(restatement)) => return Ok(restatement.check()?),
        Decision::Decline(reason) => reason,
    };
    if reason.trim().is_empty() {
        return Err(Error::invalid("reason", ProblemCode::Required, "say why, for whoever sent the figures in"));
    }
    if reason.chars().count() > REASON_LENGTH
        || reason.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        let message = format!("a reason is at most {REASON_LENGTH} characters, without control characters");
        return Err(Error::invalid("reason", ProblemCode::Invalid, message));
    }
    Ok(())
}

impl Decision {
    /// The states of those about which it is decided where nothing else is said: nobody publishes what was declined by the way.
    fn of_states(&self) -> Vec<PendingState> {
        match self {
            Self::Validate => vec![PendingState::Received],
            Self::Publish(_) | Self::Decline(_) => vec![PendingState::Received, PendingState::Validated],
        }
    }

    /// What the audit log says was done.
    const fn done(&self) -> &'static str {
        match self {
            Self::Validate => "validated",
            Self::Publish(_) => "published",
            Self::Decline(_) => "declined",
        }
    }
}

impl Session {
    async fn decide(&mut self, decision: &Decision, chosen: &Chosen, today: chrono::NaiveDate) -> Result<Decided> {
        let sight = sight(self.actor(), &self.reader());
        let (rows, remaining) = self.repositories().pending().take_up(&sight, chosen, MOST_MATCHING).await?;
        let mut decided = Decided { remaining, ..Decided::default() };
        if let Chosen::Matching(_) = chosen {
            decided.last = rows.last().map(|row| row.id);
        }
        if let Chosen::Ids(ids) = chosen {
            let found: HashSet<_> = rows.iter().map(|row| row.id).collect();
            let missing = Problem::new("ids", ProblemCode::NotFound, "no figure with this id waits");
            let refusals = ids.iter().filter(|id| !found.contains(*id)).map(|&id| Refusal::new(id, missing.clone()));
            decided.refusals.extend(refusals);
        }
        let (own, foreign): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| Needs::steward(row.series.community).met_by(self.actor(), self.now()));
        let forbidden = || Problem::new("ids", ProblemCode::Forbidden, format!("you may not {WHAT}"));
        decided.refusals.extend(foreign.iter().map(|row| Refusal::new(row.id, forbidden())));
        let changed = match decision {
            Decision::Publish(restatement) => self.publish(own, restatement.as_ref(), today, &mut decided).await?,
            Decision::Validate => self.put_into(PendingState::Validated, None, own, &mut decided).await?,
            Decision::Decline(reason) => self.put_into(PendingState::Declined, Some(reason), own, &mut decided).await?,
        };
        self.note_decision(decision, &changed);
        Ok(decided)
    }

    /// Notes for the audit log of each community how many figures of whose were decided about.
    fn note_decision(&self, decision: &Decision, changed: &[PendingObservation]) {
        let mut of: BTreeMap<CommunityId, (u64, BTreeSet<&str>)> = BTreeMap::new();
        for row in changed {
            let (count, givers) = of.entry(row.series.community).or_default();
            *count += 1;
            givers.insert(&row.received_by);
        }
        for (community, (count, givers)) in of {
            let givers = givers.into_iter().collect::<Vec<_>>().join(", ");
            let reason = if let Decision::Decline(reason) = decision { format!(": {reason}") } else { String::new() };
            let detail = format!("{} {count} figures received from {givers}{reason}", decision.done());
            let entry = NewEntry::by(self.actor(), self.now(), Action::ReviewFigures);
            self.note_entry(entry.of_community(community).detail(&detail));
        }
    }

    async fn put_into(
        &self,
        state: PendingState,
        reason: Option<&str>,
        rows: Vec<PendingObservation>,
        decided: &mut Decided,
    ) -> Result<Vec<PendingObservation>> {
        let is_new = |row: &PendingObservation| row.state != state || row.reason.as_deref() != reason;
        let (changed, same): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_new);
        let ids: Vec<_> = changed.iter().map(|row| row.id).collect();
        let pending = self.repositories().pending();
        pending.decide(&ids, state, self.now(), &self.actor().name(), reason).await?;
        decided.decided += ids.len() as u64;
        decided.unchanged += same.len() as u64;
        Ok(changed)
    }

    /// Records figures that waited, and those that could be wait no longer. Who decides here may restate: they answer for the
    /// communities.
    async fn publish(
        &mut self,
        rows: Vec<PendingObservation>,
        restatement: Option<&Restatement>,
        today: chrono::NaiveDate,
        decided: &mut Decided,
    ) -> Result<Vec<PendingObservation>> {
        let known = Definitions::of(self, &rows, today).await?;
        let mut good = Vec::with_capacity(rows.len());
        for row in rows {
            match known.check(&row, today) {
                Ok(()) => good.push(row),
                Err(problem) => decided.refusals.push(Refusal::new(row.id, problem)),
            }
        }
        let series: Vec<Series> = good.iter().map(|row| row.series.clone()).collect();
        let destinations = self.destinations(series, false).await?;
        // There from now on, so that nobody else records into them meanwhile: what is last there stays so.
        self.create_missing(destinations.iter()).await?;
        let keys = destinations.iter().zip(&good).filter_map(|(to, row)| Some((to.series_id()?, row.period)));
        let last = self.last_revisions(&keys.collect::<Vec<_>>()).await?;
        let (mut places, mut deliveries) = (Vec::with_capacity(good.len()), Vec::with_capacity(good.len()));
        for (place, (row, to)) in good.iter().zip(&destinations).enumerate() {
            let before = to.series_id().and_then(|series| last.get(&(series, row.period)));
            if let Some(problem) = before.and_then(|before| outdated(row, before)) {
                decided.refusals.push(Refusal::new(row.id, problem));
                continue;
            }
            let Some(definition) = known.versions.get(&row.series.indicator_version) else { continue };
            places.push(place);
            let (period, figure, inherits) = (row.period, row.figure.clone(), row.inherits);
            let sent_in_by = Some(row.received_by.clone());
            let cause = Cause { sent_in_by, ..Cause::of(restatement.or(row.restatement.as_ref()).cloned()) };
            deliveries.push(Delivery { to, definition: &definition.value, period, figure, inherits, cause });
        }
        let delivered = self.deliver(deliveries).await?;
        let mut published = Vec::with_capacity(places.len());
        for (place, delivered) in places.into_iter().zip(delivered) {
            let Some(row) = good.get(place) else { continue };
            match delivered.outcome {
                Outcome::Rejected(problem) => {
                    decided.refusals.push(Refusal::new(row.id, problem));
                    continue;
                }
                Outcome::Unchanged => decided.unchanged += 1,
                Outcome::Created | Outcome::Updated | Outcome::Received => decided.decided += 1,
            }
            published.push(row.clone());
        }
        let ids: Vec<_> = published.iter().map(|row| row.id).collect();
        self.repositories().pending().remove(&ids).await?;
        Ok(published)
    }
}

/// What was recorded or withdrawn since a figure was received is newer than it: publishing it would undo a correction.
fn outdated(row: &PendingObservation, last: &Observation) -> Option<Problem> {
    if last.recorded_at <= row.received_at {
        return None;
    }
    let message = if last.cause.retraction.is_some() {
        format!("the figure for {} was withdrawn after this one had been received", row.period)
    } else if last.figure == row.figure {
        return None;
    } else {
        format!("another figure for {} was recorded after this one had been received", row.period)
    };
    Some(Problem::new("period", ProblemCode::Conflict, message))
}

/// The definitions that figures that wait are by, as they are now, and what stands against recording them.
#[derive(Default)]
struct Definitions {
    versions: HashMap<IndicatorVersionId, Stored<IndicatorVersion>>,
    indicators: HashMap<IndicatorId, Stored<Indicator>>,
    departed: HashSet<CommunityId>,
    archived: HashSet<NodeRef>,
}

impl Definitions {
    async fn of(session: &Session, rows: &[PendingObservation], today: chrono::NaiveDate) -> Result<Self> {
        if rows.is_empty() {
            return Ok(Self::default());
        }
        let repositories = session.repositories();
        let versions: BTreeSet<_> = rows.iter().map(|row| row.series.indicator_version).collect();
        let versions: Vec<_> = versions.into_iter().collect();
        let versions = repositories.indicator_versions().get(&Scope::Everything, &versions).await?;
        let indicators: BTreeSet<_> = versions.iter().map(|version| version.indicator).collect();
        let indicators: Vec<_> = indicators.into_iter().collect();
        let indicators = repositories.indicators().get(&Scope::Everything, &indicators).await?;
        let communities: HashSet<_> = rows.iter().map(|row| row.series.community).collect();
        let of_whom: BTreeSet<NodeRef> =
            rows.iter().flat_map(|row| [row.series.community.into(), row.series.source.into()]).collect();
        Ok(Self {
            archived: repositories.archived(&of_whom.into_iter().collect::<Vec<_>>()).await?,
            versions: versions.into_iter().map(|version| (version.id, version)).collect(),
            indicators: indicators.into_iter().map(|indicator| (indicator.id, indicator)).collect(),
            departed: repositories.ingest().departed(&communities, today).await?,
        })
    }

    /// Checks a figure as if it came in now: its definition may have changed since.
    fn check(&self, row: &PendingObservation, today: chrono::NaiveDate) -> Result<(), Problem> {
        let gone = || Problem::new("indicatorVersion", ProblemCode::NotFound, "its definition is not there any more");
        let version = self.versions.get(&row.series.indicator_version).ok_or_else(gone)?;
        let indicator = self.indicators.get(&version.indicator).ok_or_else(gone)?;
        let archived = |id: NodeRef| self.archived.contains(&id);
        for (path, archived) in [
            ("community", archived(row.series.community.into())),
            ("indicator", indicator.meta.archived_at.is_some()),
            ("indicatorVersion", version.meta.archived_at.is_some()),
            ("source", archived(row.series.source.into())),
        ] {
            if archived {
                return Err(Problem::new(path, ProblemCode::Archived, format!("the {path} is archived")));
            }
        }
        if self.departed.contains(&row.series.community) {
            return Err(Problem::new("community", ProblemCode::Conflict, HAS_LEFT));
        }
        row.figure.check(&version.value, row.period, today)
    }
}
