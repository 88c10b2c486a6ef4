//! Reading and recording figures.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{Delivery, Services, Session, pending::sight, session::HAS_LEFT};
use crate::{
    access::{Actor, Scope},
    audit::{Action, NewEntry},
    error::{Error, ProblemCode, Problems, Result},
    id::{CommunityId, IndicatorId, IndicatorVersionId, SeriesId, SourceId},
    indicator::IndicatorVersion,
    observation::{Figure, Observation, ObservationFilter, ObservationSort, Outcome},
    page::{ListQuery, Page},
    pending::PendingObservation,
    period::Period,
    port::figures::Latest,
    quality::Finding,
    revision::{Cause, Restatement},
    series::{Disaggregation, Series},
};

/// A figure to record, with everything that says which it is.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFigure {
    /// Whose.
    pub community: CommunityId,
    /// By which definition.
    pub indicator_version: IndicatorVersionId,
    /// Where it comes from.
    pub source: SourceId,
    /// About which part of the population.
    pub disaggregation: Disaggregation,
    /// For which period.
    pub period: Period,
    /// What is known.
    pub figure: Figure,
    /// Whether it says nothing of its confidentiality; see [`crate::observation::NewObservation::inherits`].
    pub inherits: bool,
    /// Whether it waits until a steward publishes it, though the actor could.
    pub submit: bool,
    /// Why it changes a figure of a locked period, if it does.
    pub restatement: Option<Restatement>,
}

/// A figure as it stands once it was recorded or sent in.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// What became of it.
    pub outcome: Outcome,
    /// The published figure, if it went there and the actor reads it.
    pub observation: Option<Observation>,
    /// What waits for a steward, if it went there.
    pub pending: Option<PendingObservation>,
    /// What is doubtful in it, as far as the actor may know.
    pub findings: Vec<Finding>,
}

/// Whether a figure is refused because of who records it.
fn is_forbidden(error: &Error) -> bool {
    let Error::Validation(problems) = error else { return false };
    problems.iter().any(|problem| problem.code == ProblemCode::Forbidden)
}

impl Services {
    /// The newest values of these communities, of all indicators if none are named: as they are known now, or were at a moment.
    pub async fn latest(
        &self,
        actor: &Actor,
        communities: &[CommunityId],
        indicators: &[IndicatorId],
        disaggregation: &Disaggregation,
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Vec<Latest>> {
        let (figures, scope, now) = (self.store.read().figures(), &self.scope(actor), self.clock.now());
        let latest = match as_of {
            None => figures.latest(scope, communities, indicators, disaggregation, now).await?,
            Some(then) => figures.latest_then(scope, communities, indicators, disaggregation, then, now).await?,
        };
        self.note_reading(actor, "newest figures", latest.iter().map(|latest| latest.series.community)).await?;
        Ok(latest)
    }

    /// The newest value of each of these series: as it is known now, or was at a moment.
    pub async fn latest_of(
        &self,
        actor: &Actor,
        series: &[SeriesId],
        as_of: Option<DateTime<Utc>>,
    ) -> Result<HashMap<SeriesId, Observation>> {
        let (figures, scope, now) = (self.store.read().figures(), &self.scope(actor), self.clock.now());
        let latest = match as_of {
            None => figures.latest_of(scope, series, now).await?,
            Some(then) => figures.latest_of_then(scope, series, then, now).await?,
        };
        self.note_reading_series(actor, "newest figures", latest.keys().copied()).await?;
        Ok(latest)
    }

    /// The same part of the current figures of several series.
    pub async fn observations(
        &self,
        actor: &Actor,
        series: &[SeriesId],
        query: &ListQuery<ObservationFilter, ObservationSort>,
    ) -> Result<HashMap<SeriesId, Page<Observation>>> {
        let figures = self.store.read().figures();
        let pages = figures.observations(&self.scope(actor), series, query, self.clock.now()).await?;
        let read = pages.iter().filter(|(_, page)| !page.items.is_empty()).map(|(series, _)| *series);
        self.note_reading_series(actor, "figures", read.collect::<Vec<_>>()).await?;
        Ok(pages)
    }

    /// Every revision of these periods, oldest first.
    pub async fn revisions(&self, actor: &Actor, keys: &[(SeriesId, Period)]) -> Result<Vec<Observation>> {
        let revisions = self.store.read().figures().revisions(&self.scope(actor), keys, self.clock.now()).await?;
        let read: BTreeSet<_> = revisions.iter().map(|revision| revision.series).collect();
        self.note_reading_series(actor, "revisions of figures", read).await?;
        Ok(revisions)
    }

    /// Records one figure, or lets it wait for a steward, and answers how it now stands.
    ///
    /// # Errors
    /// [`Error::Validation`] naming the field of a figure that breaks a rule, or what it refers to and does not exist.
    pub async fn record_figure(&self, actor: &Actor, new: NewFigure) -> Result<Recorded> {
        let session = self.session(actor, "record figures").await?;
        let (refused, community) = (session.refused(), new.community);
        let result = Box::pin(self.try_record_figure(session, new)).await;
        // What was there already is read like any other figure.
        if result
            .as_ref()
            .is_ok_and(|recorded| recorded.outcome == Outcome::Unchanged && recorded.observation.is_some())
        {
            self.note_reading(actor, "a figure, by recording it again", [community]).await?;
        }
        // The indicator is named by its version here.
        let result = result.map_err(|error| error.renamed("indicator", "indicatorVersion"));
        if result.as_ref().is_err_and(is_forbidden) {
            let entry = NewEntry::by(actor, self.clock.now(), Action::Denied).detail("open a figure to more readers");
            self.record_entry(&entry).await?;
        }
        self.denied(actor, &refused, result).await
    }

    async fn try_record_figure(&self, mut session: Session, new: NewFigure) -> Result<Recorded> {
        let version = session.check_figure(&new, self.clock.today()).await?;
        let series = Series {
            community: new.community,
            indicator: version.indicator,
            indicator_version: new.indicator_version,
            source: new.source,
            disaggregation: new.disaggregation,
        };
        let nothing = || Error::internal("recording a figure answered nothing");
        let to = session.destinations(vec![series], new.submit).await?.pop().ok_or_else(nothing)?;
        let (period, figure, inherits) = (new.period, new.figure, new.inherits);
        let cause = Cause::of(new.restatement);
        let delivery = Delivery { to: &to, definition: &version, period, figure, inherits, cause };
        let delivered = session.deliver(vec![delivery]).await?.pop().ok_or_else(nothing)?;
        let (outcome, findings) = (delivered.outcome, delivered.findings);
        let mut recorded = Recorded { outcome, observation: None, pending: None, findings };
        if let Outcome::Rejected(problem) = recorded.outcome {
            return Err(problem.into());
        }
        let repositories = session.repositories();
        if let Some(id) = delivered.pending {
            recorded.pending =
                repositories.pending().get(&sight(session.actor(), &session.reader()), &[id]).await?.pop();
        }
        if let Some(series) = to.series_id() {
            let figures = repositories.figures();
            let revisions = figures.revisions(&session.reader(), &[(series, period)], session.now()).await?;
            recorded.observation = revisions.into_iter().rfind(Observation::is_current);
        }
        session.commit().await?;
        Ok(recorded)
    }
}

impl Session {
    /// Checks a single figure and what it refers to; answers its definition.
    async fn check_figure(&self, new: &NewFigure, today: chrono::NaiveDate) -> Result<IndicatorVersion> {
        let repositories = self.repositories();
        self.check_references(&[
            ("community", new.community.into()),
            ("indicatorVersion", new.indicator_version.into()),
            ("source", new.source.into()),
        ])
        .await?;
        let gone = |noun| Error::NotFound { noun, key: "id" };
        let version = repositories.indicator_versions().get(&Scope::Everything, &[new.indicator_version]).await?.pop();
        let version = version.ok_or_else(|| gone("IndicatorVersion"))?;
        let indicator = repositories.indicators().get(&Scope::Everything, &[version.indicator]).await?.pop();
        let indicator = indicator.ok_or_else(|| gone("Indicator"))?;
        let mut problems = Problems::default();
        Series::check_kind(&indicator.value, &mut problems);
        problems.into_result()?;
        new.figure.check(&version.value, new.period, today)?;
        if let Some(restatement) = &new.restatement {
            restatement.check()?;
            if !self.may_restate(new.community) {
                self.refuse_figures_of(new.community);
                return Err(Error::Forbidden("restate figures of locked periods"));
            }
        }
        self.check_has_not_left(new.community, today).await?;
        Ok(version.value)
    }

    /// The last revisions of these periods, whoever may see them: what is known of each, or that it was withdrawn. It stays so
    /// until the session ends: nobody else records into their series.
    pub(super) async fn last_revisions(
        &self,
        keys: &[(SeriesId, Period)],
    ) -> Result<HashMap<(SeriesId, Period), Observation>> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let held = self.repositories().figures().held(keys).await.inspect_err(|error| self.doubt_series(error))?;
        Ok(held.into_iter().map(|last| ((last.series, last.period), last)).collect())
    }

    /// Writes for a community that left every network it was in are refused.
    async fn check_has_not_left(&self, community: CommunityId, today: chrono::NaiveDate) -> Result<()> {
        if self.repositories().ingest().departed(&[community].into(), today).await?.contains(&community) {
            return Err(Error::invalid("community", ProblemCode::Conflict, HAS_LEFT));
        }
        Ok(())
    }
}
