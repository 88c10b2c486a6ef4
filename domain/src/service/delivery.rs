//! Where figures that come in go: those of whoever may publish are recorded at once, all others wait for a steward. Pushes,
//! files and single figures all come this way.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
};

use super::{Session, pending::sight, quality::refusal, session::held};
use crate::{
    access::{self, Needs, Scope},
    audit::{Action, NewEntry},
    error::{Error, Problem, ProblemCode, Result},
    id::{CommunityId, SeriesId},
    indicator::IndicatorVersion,
    observation::{Figure, NewObservation, Observation, Outcome, nothing_to_retract},
    pending::{PendingId, Receipt, Replaced, Sender, Submission},
    period::Period,
    quality::Finding,
    revision::Cause,
    series::Series,
    small_cells::smallest_count,
};

/// Where the figures of a series go.
#[derive(Debug)]
pub struct Destination {
    series: Arc<Series>,
    /// Whether they wait for a steward.
    waits: bool,
    /// None while there is no such series. It is created for the first figure that is recorded in it.
    id: Mutex<Option<SeriesId>>,
}

impl Destination {
    /// The series that they are recorded in; nothing if they wait for a steward, and while there is none.
    pub fn series_id(&self) -> Option<SeriesId> {
        if self.waits { None } else { self.published_in() }
    }

    /// The series in which figures like them are published, if there is one: also where they wait themselves.
    pub fn published_in(&self) -> Option<SeriesId> {
        *held(&self.id)
    }

    /// Whether they wait for a steward.
    pub const fn waits(&self) -> bool {
        self.waits
    }

    /// What they are of.
    pub fn series(&self) -> &Series {
        &self.series
    }
}

/// A figure on its way, checked by [`Figure::check`], or the withdrawal of one.
#[derive(Debug, Clone)]
pub struct Delivery<'a> {
    /// Where it goes.
    pub to: &'a Destination,
    /// The definition that the series is by.
    pub definition: &'a IndicatorVersion,
    /// For which period.
    pub period: Period,
    /// What it says.
    pub figure: Figure,
    /// See [`NewObservation::inherits`].
    pub inherits: bool,
    /// Why it is recorded. Who restates has been asked for by [`Session::may_restate`]; of what is withdrawn the figure says no more
    /// than a note.
    pub cause: Cause,
}

impl Delivery<'_> {
    /// Whether it withdraws what is known.
    pub const fn withdraws(&self) -> bool {
        self.cause.retraction.is_some()
    }
}

/// Why nothing is withdrawn by whoever only sends figures in, nor by what is to wait.
pub(super) const NOT_WITHDRAWN: &str =
    "figures are withdrawn at once or not at all: only who may publish figures of the community withdraws them";

/// What became of a figure.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// What.
    pub outcome: Outcome,
    /// Of a received one: another that waited, whose place it took.
    pub replaced: Option<Box<Replaced>>,
    /// Of a received one: the series in which a figure for its period is published, if one is.
    pub published: Option<SeriesId>,
    /// What waits now for a steward, if it went there.
    pub pending: Option<PendingId>,
    /// What is doubtful in it though it was not refused, as far as the actor may know.
    pub findings: Vec<Finding>,
}

impl Delivered {
    /// The same with what is doubtful in it, where something became of it.
    fn with(self, findings: Vec<Finding>) -> Self {
        if matches!(self.outcome, Outcome::Rejected(_)) { self } else { Self { findings, ..self } }
    }
}

impl From<Outcome> for Delivered {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, replaced: None, published: None, pending: None, findings: Vec::new() }
    }
}

impl Session {
    /// Where figures of these series go, in their order; `submit` lets all wait, though the actor might publish. Series that are
    /// missing are created later, by what is recorded in them.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for figures that the actor may not even send in. The caller has checked that what the series refer to
    /// exists.
    pub async fn destinations(&self, series: Vec<Series>, submit: bool) -> Result<Vec<Destination>> {
        if series.is_empty() {
            return Ok(Vec::new());
        }
        let mut of_what: Vec<_> = series.iter().map(|series| (series.community, series.indicator)).collect();
        of_what.sort_unstable();
        of_what.dedup();
        let mut published = Vec::with_capacity(of_what.len());
        for (community, indicator) in of_what {
            let met = |needs: Needs| needs.met_by(self.actor(), self.now());
            if !submit && met(Needs::to_publish(community, Some(indicator))) {
                published.push((community, indicator));
                continue;
            }
            let needs = Needs::to_submit(community, Some(indicator));
            if let Err(error) = access::require(self.actor(), &needs, self.now(), "record figures of this community") {
                self.refuse_figures_of(community);
                return Err(error);
            }
        }
        let waits = |series: &Series| published.binary_search(&(series.community, series.indicator)).is_err();
        self.check_series(series.iter().filter(|series| !waits(series))).await?;
        let ids = self.find_series(&series).await?;
        let place = |(series, id): (Series, _)| {
            let waits = waits(&series);
            Destination { series: Arc::new(series), waits, id: Mutex::new(id) }
        };
        Ok(series.into_iter().zip(ids).map(place).collect())
    }

    /// Records figures or lets them wait, each where it goes, and says what became of each, in their order.
    pub async fn deliver(&mut self, deliveries: Vec<Delivery<'_>>) -> Result<Vec<Delivered>> {
        let mut findings = self.examine(&deliveries).await?.into_iter();
        let mut told = vec![Vec::new(); deliveries.len()];
        let mut delivered: Vec<Option<Delivered>> = vec![None; deliveries.len()];
        let (mut direct, mut waiting) = (Batch::with_room(deliveries.len()), Batch::with_room(0));
        let places = delivered.iter_mut().zip(&mut told).enumerate();
        for (delivery, (place, (slot, told))) in deliveries.into_iter().zip(places) {
            let findings = findings.next().unwrap_or_default();
            if delivery.withdraws() && delivery.to.waits {
                let problem = Problem::new("", ProblemCode::Forbidden, NOT_WITHDRAWN);
                *slot = Some(Outcome::Rejected(problem).into());
                continue;
            }
            if let Some(problem) = self.refused_by_rules(&delivery, &findings) {
                *slot = Some(Outcome::Rejected(problem).into());
                continue;
            }
            *told = self.known_to_actor(&delivery, &findings);
            if delivery.to.waits || self.is_for_a_steward(&delivery, &findings) {
                let Delivery { to, period, figure, inherits, cause: Cause { restatement, .. }, .. } = delivery;
                let (id, series) = (PendingId(self.next_id()), Arc::clone(&to.series));
                let may_open = self.may_open();
                waiting
                    .put(place, Submission { id, series, period, figure, inherits, restatement, findings, may_open });
            } else {
                direct.put(place, delivery);
            }
        }
        // Those that wait take their communities before others take their series, as whoever publishes them does.
        let receipts = self.receive(&waiting.items).await?;
        waiting.told(receipts, &mut delivered);
        self.publish_at_once(direct, &mut delivered).await?;
        let all = delivered.into_iter().zip(told);
        all.map(|(one, findings)| one.map(|one| one.with(findings)).ok_or_else(unanswered)).collect()
    }

    /// Records figures, each in its series. One that is missing is created, but for no withdrawal, and it stays only if a figure of it does.
    async fn publish_at_once(
        &mut self,
        direct: Batch<Delivery<'_>>,
        delivered: &mut [Option<Delivered>],
    ) -> Result<()> {
        let recorded = direct.items.iter().filter(|delivery| !delivery.withdraws());
        self.create_missing(recorded.map(|delivery| delivery.to)).await?;
        let to: Vec<&Destination> = direct.items.iter().map(|delivery| delivery.to).collect();
        let mut figures = Batch::with_room(direct.items.len());
        let mut of = Vec::with_capacity(direct.items.len());
        for (place, delivery) in direct.places.into_iter().zip(direct.items) {
            if let Some(series) = delivery.to.series_id() {
                of.push((delivery.to.series.community, delivery.to.series.indicator));
                figures.put(place, recorded_in(series, delivery));
            } else if let Some(slot) = delivered.get_mut(place) {
                *slot = Some(Outcome::Rejected(nothing_to_retract(delivery.period)).into());
            }
        }
        if !figures.items.is_empty() {
            let outcomes = self.record(&figures.items, &of).await?;
            figures.told(outcomes, delivered);
        }
        self.drop_unused(&to).await
    }

    /// Looks for the series of those of these destinations again of which there was none.
    pub async fn find_missing<'a>(&self, to: impl Iterator<Item = &'a Destination>) -> Result<()> {
        let missing: Vec<&Destination> = to.filter(|to| to.published_in().is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let found = self.find_series(&series_of(&missing)).await?;
        missing.iter().zip(found).for_each(|(to, id)| *held(&to.id) = id);
        Ok(())
    }

    /// Creates the series of these destinations that are missing.
    pub(super) async fn create_missing<'a>(&mut self, to: impl Iterator<Item = &'a Destination>) -> Result<()> {
        let missing: Vec<&Destination> = to.filter(|to| to.series_id().is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let created = self.ensure_series(&series_of(&missing)).await?;
        missing.iter().zip(created).for_each(|(to, id)| *held(&to.id) = Some(id));
        Ok(())
    }

    /// Takes back the series that were created for figures of which none was recorded.
    async fn drop_unused(&mut self, to: &[&Destination]) -> Result<()> {
        let unused = self.take_unused();
        if unused.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = unused.iter().copied().collect();
        self.repositories().figures().drop_unused(&ids, self.now(), &self.actor().name()).await?;
        for to in to {
            held(&to.id).take_if(|id| unused.contains(id));
        }
        Ok(())
    }

    /// Of which of these periods the actor may be told what the current figure says: those that they read, recorded or sent in.
    pub async fn may_be_told(&self, keys: &[(SeriesId, Period)]) -> Result<HashSet<(SeriesId, Period)>> {
        if keys.is_empty() {
            return Ok(HashSet::new());
        }
        let figures = self.repositories().figures();
        let name = self.actor().name();
        let own = figures
            .revisions(&Scope::Everything, keys, self.now())
            .await?
            .into_iter()
            .filter(|last| last.is_current() && last.is_from(&name));
        let read =
            figures.revisions(&self.reader(), keys, self.now()).await?.into_iter().filter(Observation::is_current);
        Ok(own.chain(read).map(|last| (last.series, last.period)).collect())
    }

    /// Whether the actor reads what a figure is held against.
    fn reads_others_of(&self, delivery: &Delivery<'_>) -> bool {
        Needs::steward(delivery.to.series.community).met_by(self.actor(), self.now())
    }

    /// Why a rule refuses a figure: for what it says itself or, to whoever reads that, for what it is held against.
    fn refused_by_rules(&self, delivery: &Delivery<'_>, findings: &[Finding]) -> Option<Problem> {
        if findings.is_empty() {
            return None;
        }
        if !delivery.to.waits && self.reads_others_of(delivery) {
            return refusal(findings, true);
        }
        let own: Vec<Finding> = findings.iter().filter(|finding| !finding.check.tells_of_others()).cloned().collect();
        refusal(&own, false)
    }

    /// Whether a figure that would be recorded at once is left to a steward: a rule refuses it for figures that whoever sends it in does
    /// not read. A refusal would tell them of those as often as they tried, and so would a dry run, which leaves nothing behind.
    fn is_for_a_steward(&self, delivery: &Delivery<'_>, findings: &[Finding]) -> bool {
        !findings.is_empty()
            && !self.is_rehearsal()
            && !delivery.withdraws()
            && !self.reads_others_of(delivery)
            && refusal(findings, false).is_some()
    }

    /// What the actor may know of what is doubtful.
    fn known_to_actor(&self, delivery: &Delivery<'_>, findings: &[Finding]) -> Vec<Finding> {
        if findings.is_empty() {
            return Vec::new();
        }
        let reads = self.reads_others_of(delivery);
        findings.iter().filter(|finding| reads || !finding.check.tells_of_others()).cloned().collect()
    }

    /// Lets figures wait.
    async fn receive(&self, figures: &[Submission]) -> Result<Vec<Receipt>> {
        if figures.is_empty() {
            return Ok(Vec::new());
        }
        let (name, reader) = (self.actor().name(), self.reader());
        let sender = Sender { name: &name, sight: &sight(self.actor(), &reader), reader: &reader };
        let receipts = self.repositories().pending().receive(figures, self.now(), sender).await?;
        let mut counts: BTreeMap<CommunityId, (u64, u64)> = BTreeMap::new();
        for (figure, receipt) in figures.iter().zip(&receipts) {
            if receipt.outcome == Outcome::Received {
                let (received, replaced) = counts.entry(figure.series.community).or_default();
                *received += 1;
                *replaced += u64::from(receipt.replaced.is_some());
            }
        }
        for (community, (received, replaced)) in counts {
            let detail = format!("{received} figures, {replaced} of them in the place of others that waited");
            let entry = NewEntry::by(self.actor(), self.now(), Action::SubmitFigures);
            self.note_entry(entry.of_community(community).detail(&detail));
        }
        Ok(receipts)
    }
}

fn series_of(destinations: &[&Destination]) -> Vec<Series> {
    destinations.iter().map(|to| Series::clone(&to.series)).collect()
}

/// A figure as it is recorded in this series.
fn recorded_in(series: SeriesId, delivery: Delivery<'_>) -> NewObservation {
    let withdraws = delivery.withdraws();
    let Delivery { definition, period, figure, inherits, cause, .. } = delivery;
    if withdraws {
        return NewObservation::retraction(series, period, figure.note, cause);
    }
    NewObservation { series, period, smallest_count: smallest_count(definition, &figure), figure, inherits, cause }
}

/// Figures that go one way, with the places that they have among all.
struct Batch<T> {
    places: Vec<usize>,
    items: Vec<T>,
}

impl<T> Batch<T> {
    fn with_room(figures: usize) -> Self {
        Self { places: Vec::with_capacity(figures), items: Vec::with_capacity(figures) }
    }

    fn put(&mut self, place: usize, item: T) {
        self.places.push(place);
        self.items.push(item);
    }

    /// Puts what became of them where it belongs.
    fn told(&self, outcomes: Vec<impl Into<Delivered>>, delivered: &mut [Option<Delivered>]) {
        for (&place, outcome) in self.places.iter().zip(outcomes) {
            if let Some(slot) = delivered.get_mut(place) {
                *slot = Some(outcome.into());
            }
        }
    }
}

impl From<Receipt> for Delivered {
    fn from(Receipt { outcome, id, replaced, published }: Receipt) -> Self {
        Self { outcome, replaced: replaced.map(Box::new), published, pending: id, findings: Vec::new() }
    }
}

fn unanswered() -> Error {
    Error::internal("figures were recorded, and not all of them answered for")
}
