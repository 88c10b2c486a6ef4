//! The guard: how far a figure measures the same as the others, and what calls for care.

use chrono::{Days, Months, NaiveDate};

use super::{Candidate, Comparability, Reason, change, choose::Reference};
use crate::{
    indicator::{IndicatorVersion, Measure},
    observation::{Figure, ObservationStatus},
    period::PeriodKind,
    port::figures::Member,
    series_break::Crossing,
    small_cells::SuppressionPolicy,
    text::LocalizedText,
};

/// Of fewer than this, one person more or less moves the share by more than a point.
pub const SMALL_BASE: f64 = 100.0;

/// How far a candidate by `version` (nothing if that is unknown) measures the same as the reference, and its reasons in the
/// order of their declaration, each once.
pub(super) fn judge(
    candidate: &Candidate,
    version: Option<&IndicatorVersion>,
    member: &Member,
    reference: &Reference,
    suppression: &SuppressionPolicy,
) -> (Comparability, Vec<Reason>) {
    let mut reasons = Vec::new();
    let level = level(candidate, version, reference, &mut reasons);
    let current = &candidate.current;
    let measure = version.unwrap_or(reference.version).measure;
    let found = [
        (reference.period.is_some_and(|period| period != current.period), Reason::PeriodMismatch),
        (change::is_broken(candidate), Reason::SeriesBreak),
        (!change::is_broken(candidate) && matches!(candidate.crossing, Crossing::Bridged(_)), Reason::Bridged),
        (is_provisional(current.figure.status), Reason::Provisional),
        (is_small(&current.figure, measure, suppression.flag_below), Reason::SmallN),
        (is_stale(candidate, reference), Reason::Stale),
        (geography_changed(candidate, member), Reason::GeographyChanged),
        (!candidate.aggregated, Reason::AuthorityWithholds),
    ];
    reasons.extend(found.into_iter().filter_map(|(holds, reason)| holds.then_some(reason)));
    reasons.sort_unstable();
    reasons.dedup();
    (level, reasons)
}

/// Another definition is another measure of the same outcome, and so is a figure marked as departing from its definition;
/// another source is the same measure; everything else is the same measurement.
fn level(
    candidate: &Candidate,
    version: Option<&IndicatorVersion>,
    reference: &Reference,
    reasons: &mut Vec<Reason>,
) -> Comparability {
    let mut level = Comparability::SameMeasurement;
    if candidate.series.indicator_version != reference.version_id {
        level = Comparability::SameOutcome;
        // Of a version that is not known the unit is not known either, and counts as another.
        if !version.is_some_and(|version| same_unit(version, reference.version)) {
            reasons.push(Reason::Unit);
        }
        reasons.push(Reason::DefinitionDiffers);
    } else if reference.source.is_some_and(|source| source != candidate.series.source) {
        level = Comparability::SameMeasure;
        reasons.push(Reason::SourceDiffers);
    }
    if candidate.current.figure.status == ObservationStatus::DefinitionDiffers {
        level = Comparability::SameOutcome;
        reasons.push(Reason::DefinitionDiffers);
    }
    level
}

fn same_unit(a: &IndicatorVersion, b: &IndicatorVersion) -> bool {
    (a.measure, &a.currency) == (b.measure, &b.currency)
        && a.multiplier.map(f64::to_bits) == b.multiplier.map(f64::to_bits)
        && same_text(&a.unit, &b.unit)
}

/// Whether two texts say the same in every language that both have, and have one in common. A translation added later does
/// not make another unit.
fn same_text(a: &LocalizedText, b: &LocalizedText) -> bool {
    let mut common = a.iter().filter_map(|(language, text)| Some((text, b.get(language)?))).peekable();
    common.peek().is_some() && common.all(|(a, b)| a == b)
}

/// Provisional, estimated, a forecast, not yet validated; and imputed, which is an estimate in place of a missing figure.
/// Figures that are final but weak (G experimental, U of low reliability) say so by their status alone.
const fn is_provisional(status: ObservationStatus) -> bool {
    use ObservationStatus::{Estimated, Forecast, Imputed, Provisional, Unvalidated};
    matches!(status, Provisional | Estimated | Forecast | Unvalidated | Imputed)
}

/// Whether fewer are counted above the line than the network flags, or few below it. A figure that does not say how many is not accused
/// of it.
fn is_small(figure: &Figure, measure: Measure, flag_below: i32) -> bool {
    let counted = if measure == Measure::Count { figure.value } else { None };
    [figure.numerator, counted].into_iter().flatten().any(|cases| cases < f64::from(flag_below))
        || figure.denominator.is_some_and(|base| base < SMALL_BASE)
}

/// Whether the figure's period ended more than two periods, of the frequency that the definition asks for, before the end of
/// the period compared. Counted on the calendar, so that a leap year makes nothing stale.
fn is_stale(candidate: &Candidate, reference: &Reference) -> bool {
    let limit = two_periods_after(reference.version.frequency, candidate.current.period.end());
    reference.period.zip(limit).is_some_and(|(period, limit)| limit < period.end())
}

/// Windows of several years move by a year, and ranges are taken to be yearly.
fn two_periods_after(frequency: PeriodKind, day: NaiveDate) -> Option<NaiveDate> {
    let months = match frequency {
        PeriodKind::Year | PeriodKind::FiscalYear | PeriodKind::MultiYear | PeriodKind::Range => 24,
        PeriodKind::HalfYear => 12,
        PeriodKind::Quarter => 6,
        PeriodKind::TwoMonths => 4,
        PeriodKind::Month => 2,
        PeriodKind::Week => return day.checked_add_days(Days::new(14)),
        PeriodKind::Day => return day.checked_add_days(Days::new(2)),
    };
    day.checked_add_months(Months::new(months))
}

/// Whether the boundaries changed after the baseline's first day and no later than the day after the figure's period: figures
/// are often compiled by the boundaries in force right after their period.
fn geography_changed(candidate: &Candidate, member: &Member) -> bool {
    candidate.baseline.as_ref().is_some_and(|baseline| {
        let (from, to) = (baseline.period.start(), candidate.current.period.end());
        member.geography_changes.iter().any(|&day| from < day && day <= to)
    })
}
