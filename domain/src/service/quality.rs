//! Looking at figures that come in by the data-quality rules that hold for them. Where there is no rule, nothing is read.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use async_trait::async_trait;
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use super::{Change, Context, Delivery, Governed, Services, Session, records::all};
use crate::{
    access::Needs,
    error::{Problem, ProblemCode, Result},
    event::Topic,
    id::{CommunityId, IndicatorVersionId, NetworkId, QualityRuleId, SourceId},
    indicator::Additivity,
    observation::ObservationStatus,
    period::{Period, PeriodKind},
    port::{quality::Stretch, store::Repositories},
    quality::{
        self, Finding, History, LEAST_HISTORY, Parts, Past, QualityCheck, QualityEffect, QualityRule, QualityRuleFilter,
    },
    series::{Disaggregation, Series},
};

/// How many periods back values are looked for: more than are looked at, since not every period has one.
const PERIODS_BACK: u64 = 6 * LEAST_HISTORY as u64;

#[async_trait]
impl Governed for QualityRule {
    const TO_WRITE: &'static str = "say which figures are doubtful";

    fn concerns(&self) -> (Option<CommunityId>, Option<NetworkId>) {
        (self.community, self.network)
    }

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("indicator", json!(self.indicator)),
            ("check", json!(self.check)),
            ("limits", json!(self.limits)),
            ("effect", json!(self.effect)),
        ]
    }

    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let of = |rule: &Self| match (rule.community, rule.network) {
            (Some(community), _) => Needs::steward(community),
            (None, Some(network)) => Needs::coordinator(network),
            (None, None) => Needs::operator(),
        };
        let before = match change {
            Change::Update(before) => Some(of(&before.value)),
            Change::Create | Change::Archive(_) | Change::Restore(_) => None,
        };
        Ok(before.into_iter().chain([of(self)]).collect())
    }

    /// With news of communities every replica forgets the rules that it remembers.
    fn topics(&self, _: QualityRuleId) -> BTreeSet<Topic> {
        [Topic::Communities].into()
    }
}

/// Why a figure is refused, if a rule says so; `reads` says whether whoever sent it reads what it was held against.
pub(super) fn refusal(findings: &[Finding], reads: bool) -> Option<Problem> {
    let finding = findings.iter().find(|finding| finding.effect == QualityEffect::Refuse)?;
    let message = if reads || !finding.check.tells_of_others() {
        format!("{}: {}", finding.check, finding.message)
    } else {
        format!("a rule of the community ({}) finds it doubtful beside its other figures", finding.check)
    };
    Some(Problem::new("value", ProblemCode::Quality, message))
}

/// The place of a total and its parts: whose, by which definition, from where, when.
type Place = (CommunityId, IndicatorVersionId, SourceId, Period);

fn place(series: &Series, period: Period) -> Place {
    (series.community, series.indicator_version, series.source, period)
}

impl Services {
    /// All rules, read by this connection unless they are remembered.
    async fn rules_by(&self, repositories: &dyn Repositories) -> Result<Arc<Vec<QualityRule>>> {
        let read = async {
            let rules = all(repositories.quality_rules(), QualityRuleFilter::default()).await?;
            Ok(rules.into_iter().map(|rule| rule.value).collect())
        };
        self.rules.or_read(self.clock.now(), read).await
    }

    /// Whether some rule refuses figures for what others say.
    pub(super) async fn refuses_for_others(&self) -> Result<bool> {
        let rules = self.rules_by(self.store.read()).await?;
        Ok(rules.iter().any(|rule| rule.effect == QualityEffect::Refuse && rule.check.tells_of_others()))
    }
}

impl Session {
    /// What is doubtful in each of these figures, in their order; nothing at all where no rule holds for any.
    pub(super) async fn examine(&self, deliveries: &[Delivery<'_>]) -> Result<Vec<Vec<Finding>>> {
        let rules = self.rules().await?;
        if rules.is_empty() {
            return Ok(Vec::new());
        }
        let applying = self.applying(&rules, deliveries).await?;
        if applying.iter().all(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let looked_at = |check: QualityCheck| {
            let has = move |rules: &Vec<&QualityRule>| rules.iter().any(|rule| rule.check == check);
            deliveries.iter().zip(&applying).filter(move |(_, rules)| has(rules)).map(|(delivery, _)| delivery)
        };
        let histories = self.histories(looked_at(QualityCheck::Jump).collect()).await?;
        let adds_up = |delivery: &&Delivery<'_>| delivery.definition.additivity == Additivity::Sum;
        let totals = looked_at(QualityCheck::TotalAgainstParts).filter(adds_up).collect();
        let breakdowns = self.breakdowns(totals).await?;
        let mut world = World { histories, breakdowns, totals: totals_of(deliveries) };
        world.leave_out_withdrawn(deliveries);
        let findings = |(delivery, rules): (&Delivery<'_>, &Vec<&QualityRule>)| {
            rules.iter().filter_map(|rule| world.finding(delivery, rule)).collect()
        };
        Ok(deliveries.iter().zip(&applying).map(findings).collect())
    }

    /// All rules. They are read by the connection that the session has: sessions that waited for another one, each holding its own, would
    /// wait for each other.
    async fn rules(&self) -> Result<Arc<Vec<QualityRule>>> {
        self.services().rules_by(self.repositories()).await
    }

    /// The rules that hold for each of these figures; none does for what is withdrawn.
    async fn applying<'r>(
        &self,
        rules: &'r [QualityRule],
        deliveries: &[Delivery<'_>],
    ) -> Result<Vec<Vec<&'r QualityRule>>> {
        let communities: BTreeSet<_> = deliveries.iter().map(|delivery| delivery.to.series().community).collect();
        let members = if rules.iter().any(|rule| rule.network.is_some()) {
            self.repositories().quality().networks_of(&communities, self.now().date_naive()).await?
        } else {
            BTreeSet::new()
        };
        let holds = |rule: &QualityRule, series: &Series| {
            rule.indicator.is_none_or(|indicator| indicator == series.indicator)
                && rule.community.is_none_or(|community| community == series.community)
                && rule.network.is_none_or(|network| members.contains(&(series.community, network)))
        };
        let of = |delivery: &Delivery<'_>| {
            let holding = |rule: &&QualityRule| !delivery.withdraws() && holds(rule, delivery.to.series());
            rules.iter().filter(holding).collect()
        };
        Ok(deliveries.iter().map(of).collect())
    }

    /// The values before each of these figures, of the same series and kind of period, with the declared breaks: those that are
    /// recorded, and in their places those that come in now.
    async fn histories<'a>(
        &self,
        deliveries: Vec<&'a Delivery<'_>>,
    ) -> Result<HashMap<(&'a Series, PeriodKind), History>> {
        let mut spans: HashMap<(&Series, PeriodKind), (NaiveDate, NaiveDate)> = HashMap::new();
        for delivery in &deliveries {
            let (period, start) = (delivery.period, delivery.period.start());
            let back = Days::new(PERIODS_BACK * period.days().unsigned_abs());
            let since = start.checked_sub_days(back).unwrap_or(start);
            let span = spans.entry((delivery.to.series(), period.kind())).or_insert((since, start));
            *span = (span.0.min(since), span.1.max(start));
        }
        let keys: Vec<_> = spans.keys().copied().collect();
        let stretch = |key: &(&'a Series, PeriodKind)| {
            let (since, until) = *spans.get(key)?;
            Some(Stretch { series: key.0, kind: key.1, since, until })
        };
        let stretches: Vec<_> = keys.iter().filter_map(stretch).collect();
        let of: Vec<_> = stretches.iter().map(|stretch| stretch.series).collect();
        let values = self.repositories().quality().values(&stretches).await?;
        let breaks = self.repositories().quality().breaks(&of).await?;
        let kept = values.into_iter().zip(breaks).map(|(values, breaks)| History { values, breaks });
        let mut histories: HashMap<_, _> = keys.into_iter().zip(kept).collect();
        for delivery in deliveries {
            let Some(value) = delivery.figure.value else { continue };
            if delivery.figure.status != ObservationStatus::Forecast
                && let Some(history) = histories.get_mut(&(delivery.to.series(), delivery.period.kind()))
            {
                let breaks = delivery.figure.status == ObservationStatus::SeriesBreak;
                history.values.insert(delivery.period, Past { value, breaks });
            }
        }
        Ok(histories)
    }

    /// The totals that these figures belong to with their parts: those that are recorded, and in their places those that come in
    /// now.
    async fn breakdowns(
        &self,
        deliveries: Vec<&Delivery<'_>>,
    ) -> Result<HashMap<Place, HashMap<Disaggregation, Option<f64>>>> {
        let mut asked = HashMap::new();
        for delivery in &deliveries {
            let series = delivery.to.series();
            if series.disaggregation.iter().count() <= 1 {
                let total = || (Series { disaggregation: Disaggregation::total(), ..series.clone() }, delivery.period);
                asked.entry(place(series, delivery.period)).or_insert_with(total);
            }
        }
        let (places, totals): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let kept = self.repositories().quality().breakdowns(&totals).await?;
        let mut breakdowns: HashMap<_, _> = places.into_iter().zip(kept).collect();
        for delivery in deliveries {
            let series = delivery.to.series();
            if let Some(values) = breakdowns.get_mut(&place(series, delivery.period))
                && series.disaggregation.iter().count() <= 1
            {
                values.insert(series.disaggregation.clone(), delivery.figure.value);
            }
        }
        Ok(breakdowns)
    }
}

/// The places whose totals are among these figures.
fn totals_of(deliveries: &[Delivery<'_>]) -> BTreeSet<Place> {
    let total = |delivery: &&Delivery<'_>| !delivery.withdraws() && delivery.to.series().disaggregation.is_total();
    deliveries.iter().filter(total).map(|delivery| place(delivery.to.series(), delivery.period)).collect()
}

/// What figures are held against.
struct World<'a> {
    histories: HashMap<(&'a Series, PeriodKind), History>,
    breakdowns: HashMap<Place, HashMap<Disaggregation, Option<f64>>>,
    totals: BTreeSet<Place>,
}

impl<'a> World<'a> {
    /// What comes in is held against what will be there: what is withdrawn with it is gone by then.
    fn leave_out_withdrawn(&mut self, deliveries: &'a [Delivery<'_>]) {
        let withdrawn = |delivery: &&Delivery<'_>| delivery.withdraws() && delivery.to.series_id().is_some();
        for delivery in deliveries.iter().filter(withdrawn) {
            let (series, period) = (delivery.to.series(), delivery.period);
            if let Some(history) = self.histories.get_mut(&(series, period.kind())) {
                history.values.remove(&period);
            }
            if let Some(values) = self.breakdowns.get_mut(&place(series, period)) {
                values.insert(series.disaggregation.clone(), None);
            }
        }
    }

    fn finding(&self, delivery: &Delivery<'_>, rule: &QualityRule) -> Option<Finding> {
        let (figure, limits) = (&delivery.figure, &rule.limits);
        let message = match rule.check {
            QualityCheck::Range => quality::range(figure.value?, limits),
            QualityCheck::Ratio => quality::ratio(figure, delivery.definition, limits),
            // What is forecast may jump, and after a break it does.
            QualityCheck::Jump
                if matches!(figure.status, ObservationStatus::Forecast | ObservationStatus::SeriesBreak) =>
            {
                None
            }
            QualityCheck::Jump => {
                let history = self.histories.get(&(delivery.to.series(), delivery.period.kind()))?;
                quality::jump(figure.value?, delivery.period, history, delivery.definition.decimals, limits)
            }
            QualityCheck::TotalAgainstParts => self.total_against_parts(delivery, rule),
        }?;
        Some(Finding { check: rule.check, effect: rule.effect, message })
    }

    /// What contradicts its parts is the total, where it comes in with them; otherwise the parts that come in.
    fn total_against_parts(&self, delivery: &Delivery<'_>, rule: &QualityRule) -> Option<String> {
        let series = delivery.to.series();
        let place = place(series, delivery.period);
        let values = self.breakdowns.get(&place)?;
        let own: Vec<_> = series.disaggregation.iter().map(|(dimension, _)| dimension).collect();
        let own = match own.as_slice() {
            [] => None,
            [one] if !self.totals.contains(&place) => Some(*one),
            _ => return None,
        };
        let mut dimensions: BTreeSet<&str> = BTreeSet::new();
        for part in values.keys() {
            dimensions.extend(part.iter().map(|(dimension, _)| dimension));
        }
        let total = values.get(&Disaggregation::total()).copied().flatten();
        dimensions.into_iter().filter(|dimension| own.is_none_or(|own| own == *dimension)).find_map(|dimension| {
            let of = |part: &Disaggregation| {
                part.iter().next().filter(|(of, _)| *of == dimension).map(|(_, v)| v.to_owned())
            };
            let parts = values.iter().filter_map(|(part, value)| Some((of(part)?, *value))).collect();
            quality::total_against_parts(dimension, &Parts { total, parts }, &rule.limits)
        })
    }
}
