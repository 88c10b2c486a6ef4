//! Observations: one period of a series, in append-only revisions.

mod readers;

pub use readers::opened_by_a_program;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// The longest note on a figure, characters.
pub const NOTE_LENGTH: usize = 2_000;

use crate::{
    code::codes,
    error::{Problem, ProblemCode},
    id::SeriesId,
    indicator::{IndicatorVersion, Measure},
    page::SortKey,
    period::{Period, PeriodKind},
    revision::Cause,
    rules::LABEL_LENGTH,
};

codes! {
    /// What a figure is, by the letters of the SDMX code list CL_OBS_STATUS.
    pub enum ObservationStatus {
        /// Normal.
        Normal = "A",
        /// The series breaks here: what precedes cannot be compared with what follows.
        SeriesBreak = "B",
        /// The definition differs from the indicator's.
        DefinitionDiffers = "D",
        /// Estimated.
        Estimated = "E",
        /// A forecast; the only status that a period in the future may have.
        Forecast = "F",
        /// Experimental.
        Experimental = "G",
        /// Imputed.
        Imputed = "I",
        /// Missing: not collected.
        NotCollected = "L",
        /// Missing: it cannot exist.
        CannotExist = "M",
        /// Missing: no reason is known.
        Missing = "O",
        /// Provisional.
        Provisional = "P",
        /// Suppressed. Never zero.
        Suppressed = "Q",
        /// Of low reliability.
        LowReliability = "U",
        /// Not yet validated.
        Unvalidated = "V",
    }
}

impl ObservationStatus {
    /// Whether a figure with this status has no value (invariant 3).
    pub const fn is_without_value(self) -> bool {
        matches!(self, Self::NotCollected | Self::CannotExist | Self::Missing | Self::Suppressed)
    }
}

codes! {
    /// Who may see a figure, by the letters of the SDMX code list CL_CONF_STATUS.
    pub enum Confidentiality {
        /// Free for publication.
        Free = "F",
        /// Not for publication.
        Internal = "N",
        /// Free once its embargo has passed.
        Embargoed = "E",
        /// Confidential.
        Confidential = "C",
        /// Confidential because few are counted.
        SmallCounts = "A",
        /// Confidential because another could be derived from it.
        Secondary = "S",
    }
}

/// What is known of one period of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The measured value, in the unit of the indicator version; none exactly if the status says so.
    pub value: Option<f64>,
    /// What was counted above the line.
    pub numerator: Option<f64>,
    /// What was counted below the line.
    pub denominator: Option<f64>,
    /// Lower 95 % limit.
    pub lower: Option<f64>,
    /// Upper 95 % limit.
    pub upper: Option<f64>,
    /// What kind of figure it is.
    pub status: ObservationStatus,
    /// Who may see it.
    pub confidentiality: Confidentiality,
    /// The end of its embargo.
    pub embargo_until: Option<DateTime<Utc>>,
    /// A remark of whoever gave it.
    pub note: Option<String>,
    /// What the giver calls it.
    pub external_id: Option<String>,
}

impl Default for Figure {
    fn default() -> Self {
        Self {
            value: None,
            numerator: None,
            denominator: None,
            lower: None,
            upper: None,
            status: ObservationStatus::Missing,
            confidentiality: Confidentiality::Free,
            embargo_until: None,
            note: None,
            external_id: None,
        }
    }
}

impl Figure {
    /// A plain value.
    pub fn of(value: f64) -> Self {
        Self { value: Some(value), status: ObservationStatus::Normal, ..Self::default() }
    }

    /// Whether anybody may see it at `now`.
    pub fn is_public(&self, now: DateTime<Utc>) -> bool {
        match self.confidentiality {
            Confidentiality::Free => true,
            Confidentiality::Embargoed => self.embargo_until.is_some_and(|until| until <= now),
            _ => false,
        }
    }

    /// Checks a figure for `period` against its indicator version, as known on `today` (invariants 1 to 4).
    ///
    /// # Errors
    /// The first broken rule, naming the field. One is enough for a row of a file, and nothing is allocated for good rows.
    pub fn check(&self, version: &IndicatorVersion, period: Period, today: NaiveDate) -> Result<(), Problem> {
        self.check_presence(version)?;
        self.check_ratio(version)?;
        self.check_limits()?;
        self.check_period(period, today)?;
        self.check_texts()
    }

    fn check_presence(&self, version: &IndicatorVersion) -> Result<(), Problem> {
        let value = match (self.value, self.status.is_without_value()) {
            (Some(value), false) => value,
            (None, true) => return self.check_silence(),
            (None, false) => {
                let message = "a figure without a value needs a status that says why: L, M, O or Q";
                return Err(Problem::new("value", ProblemCode::Required, message));
            }
            (Some(_), true) => {
                let message = format!("the status {} means that there is no value", self.status);
                return Err(Problem::new("status", ProblemCode::Invalid, message));
            }
        };
        if !value.is_finite() {
            return Err(Problem::new("value", ProblemCode::Invalid, "a value is a finite number"));
        }
        if !version.allows(value) {
            let message = format!("{value} lies outside the indicator's range: {}", version.range());
            return Err(Problem::new("value", ProblemCode::OutOfRange, message));
        }
        if version.measure == Measure::Count && value.fract() != 0.0 {
            return Err(Problem::new(
                "value",
                ProblemCode::Invalid,
                format!("{value} is not a whole number, and this counts"),
            ));
        }
        Ok(())
    }

    /// What there is no value for has no parts either: they would say it.
    fn check_silence(&self) -> Result<(), Problem> {
        for (path, part) in [("numerator", self.numerator), ("denominator", self.denominator)] {
            if part.is_some() {
                let message =
                    format!("a figure without a value ({}) has no {path}: it would give the value away", self.status);
                return Err(Problem::new(path, ProblemCode::Invalid, message));
            }
        }
        Ok(())
    }

    /// A denominator is above zero, the value is the ratio within rounding, and a part does not exceed its whole.
    fn check_ratio(&self, version: &IndicatorVersion) -> Result<(), Problem> {
        for (path, part) in [("numerator", self.numerator), ("denominator", self.denominator)] {
            if part.is_some_and(|part| !part.is_finite() || part < 0.0) {
                return Err(Problem::new(path, ProblemCode::OutOfRange, "it must be a finite number, not below zero"));
            }
        }
        if self.denominator == Some(0.0) {
            return Err(Problem::new("denominator", ProblemCode::OutOfRange, "a denominator is above zero"));
        }
        let (Some(numerator), Some(denominator)) = (self.numerator, self.denominator) else {
            return Ok(());
        };
        if version.measure == Measure::Percentage && numerator > denominator {
            let message =
                format!("{numerator} is more than the denominator {denominator}: a part cannot exceed its whole");
            return Err(Problem::new("numerator", ProblemCode::OutOfRange, message));
        }
        let (Some(value), multipliers) = (self.value, version.multipliers()) else { return Ok(()) };
        let is_ratio = |multiplier: f64| {
            let ratio = numerator / denominator * multiplier;
            // Half a unit of the last decimal shown, and a little for the arithmetic of doubles itself.
            (value - ratio).abs() <= 0.5 * 10f64.powi(-version.decimals) + 1e-9 * ratio.abs()
        };
        if multipliers.is_empty() || multipliers.iter().copied().any(is_ratio) {
            return Ok(());
        }
        let by = match multipliers {
            [multiplier] => format!("{multiplier} = {}", numerator / denominator * multiplier),
            _ => "1, 100, 1 000, 10 000, 100 000 or 1 000 000".to_owned(),
        };
        let message = format!("{value} is not {numerator} / {denominator} x {by}");
        Err(Problem::new("value", ProblemCode::Invalid, message))
    }

    fn check_limits(&self) -> Result<(), Problem> {
        for (path, limit) in [("lower", self.lower), ("upper", self.upper)] {
            if limit.is_some_and(|limit| !limit.is_finite()) {
                return Err(Problem::new(path, ProblemCode::Invalid, "a limit is a finite number"));
            }
            if limit.is_some() && self.value.is_none() {
                return Err(Problem::new(path, ProblemCode::Invalid, "limits need a value between them"));
            }
        }
        let Some(value) = self.value else { return Ok(()) };
        if self.lower.is_some_and(|lower| lower > value) {
            return Err(Problem::new("lower", ProblemCode::OutOfRange, "the lower limit lies above the value"));
        }
        if self.upper.is_some_and(|upper| upper < value) {
            return Err(Problem::new("upper", ProblemCode::OutOfRange, "the upper limit lies below the value"));
        }
        Ok(())
    }

    fn check_period(&self, period: Period, today: NaiveDate) -> Result<(), Problem> {
        if period.last_day() > today && self.status != ObservationStatus::Forecast {
            let message = format!("{period} has not ended yet: only a forecast (F) may speak of it");
            return Err(Problem::new("period", ProblemCode::OutOfRange, message));
        }
        let embargoed = self.confidentiality == Confidentiality::Embargoed;
        if embargoed != self.embargo_until.is_some() {
            let message = "an embargo needs its end, and only an embargoed figure (E) has one";
            return Err(Problem::new("embargoUntil", ProblemCode::Invalid, message));
        }
        // Later moments are written with another number of digits, and compared as texts they would have passed.
        if self.embargo_until.is_some_and(|until| !(1000..=9999).contains(&until.year())) {
            let message = "an embargo ends in one of the years 1000 to 9999, UTC";
            return Err(Problem::new("embargoUntil", ProblemCode::OutOfRange, message));
        }
        Ok(())
    }

    fn check_texts(&self) -> Result<(), Problem> {
        let over = |text: &Option<String>, max: usize| text.as_ref().is_some_and(|text| text.chars().count() > max);
        if over(&self.note, NOTE_LENGTH) {
            return Err(Problem::new("note", ProblemCode::TooLong, "a note is at most 2 000 characters"));
        }
        if over(&self.external_id, LABEL_LENGTH) {
            return Err(Problem::new("externalId", ProblemCode::TooLong, "an external id is at most 200 characters"));
        }
        for (path, text) in [("note", &self.note), ("externalId", &self.external_id)] {
            if text
                .as_ref()
                .is_some_and(|text| text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')))
            {
                return Err(Problem::new(path, ProblemCode::Invalid, "it must not hold control characters"));
            }
        }
        Ok(())
    }
}

/// One revision of what is known of one period of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The series.
    pub series: SeriesId,
    /// The period.
    pub period: Period,
    /// Counts from 1; the current revision is the highest.
    pub revision: i32,
    /// What it says.
    pub figure: Figure,
    /// When it became known here.
    pub recorded_at: DateTime<Utc>,
    /// Who recorded it.
    pub recorded_by: String,
    /// When a later revision took its place.
    pub superseded_at: Option<DateTime<Utc>>,
    /// Why there is this revision.
    pub cause: Cause,
}

impl Observation {
    /// Whether whoever has this name recorded it, or sent it in: they know of it, whoever else may read it.
    pub fn is_from(&self, name: &str) -> bool {
        self.recorded_by == name || self.cause.sent_in_by.as_deref() == Some(name)
    }

    /// Whether it is what is known now: no retraction, and no later revision took its place.
    pub const fn is_current(&self) -> bool {
        self.superseded_at.is_none() && self.cause.retraction.is_none()
    }
}

/// A figure to record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewObservation {
    /// The series.
    pub series: SeriesId,
    /// The period.
    pub period: Period,
    /// What is known of it.
    pub figure: Figure,
    /// Whether it says nothing of its confidentiality and external id: then they are as in the revision before. Whoever sends a
    /// figure again without a word about that must not make it public.
    pub inherits: bool,
    /// The smallest number of persons that it tells of: [`crate::small_cells::smallest_count`] of it by its definition.
    pub smallest_count: Option<i32>,
    /// Why it is recorded. A retraction says nothing else: its figure is what remains of the one that it withdraws.
    pub cause: Cause,
}

impl NewObservation {
    /// The withdrawal of what is known of a period of a series.
    pub fn retraction(series: SeriesId, period: Period, note: Option<String>, cause: Cause) -> Self {
        let figure = Figure { note, ..Figure::default() };
        Self { series, period, figure, inherits: true, smallest_count: None, cause }
    }
}

/// Why nothing is withdrawn where nothing is known.
pub fn nothing_to_retract(period: Period) -> Problem {
    Problem::new("period", ProblemCode::NotFound, format!("there is no figure for {period} to retract"))
}

/// What became of a figure to record.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The first figure of its series and period.
    Created,
    /// A new revision, because it says something else than the one before.
    Updated,
    /// Nothing, because the current revision says the same, or what waits already does.
    Unchanged,
    /// Nothing yet: it waits until a steward publishes it.
    Received,
    /// Nothing, because it breaks a rule.
    Rejected(Problem),
}

/// What observations can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ObservationFilter {
    /// Periods of this kind.
    pub kind: Option<PeriodKind>,
    /// Periods that end after this day begins.
    pub from: Option<NaiveDate>,
    /// Periods that start on or before this day.
    pub until: Option<NaiveDate>,
    /// As they were known at this moment; as they are known now without it.
    pub as_of: Option<DateTime<Utc>>,
    /// Whether the retractions of figures that are withdrawn are among them.
    pub retracted: bool,
}

/// What observations can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ObservationSort {
    /// The end of the period, then its start and kind.
    #[default]
    Period,
}

impl SortKey for ObservationSort {
    fn name(self) -> &'static str {
        "observations.period"
    }
}

#[cfg(test)]
mod tests;
