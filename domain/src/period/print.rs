//! Writing periods.

use std::{borrow::Cow, fmt};

use chrono::Datelike;

use super::{Period, PeriodError, PeriodKind};

/// A financial year of DHIS2 (`dhis-api`, package `period`, and its `DateUnitPeriodTypeParser`).
pub(super) struct Financial {
    /// Its name after the year.
    pub(super) name: &'static str,
    /// The month that it begins in.
    pub(super) month: u32,
    /// Whether the year before the name is the one it ends in, as for November alone.
    pub(super) named_by_end: bool,
    /// Whether DHIS2 has its halves as six-month periods.
    pub(super) has_halves: bool,
}

const fn financial(name: &'static str, month: u32) -> Financial {
    Financial { name, month, named_by_end: false, has_halves: false }
}

/// Every financial year that DHIS2 has.
pub(super) const FINANCIAL: [Financial; 7] = [
    financial("Feb", 2),
    Financial { has_halves: true, ..financial("April", 4) },
    financial("July", 7),
    financial("Aug", 8),
    financial("Sep", 9),
    financial("Oct", 10),
    Financial { has_halves: true, named_by_end: true, ..financial("Nov", 11) },
];

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = (self.start.year(), self.start.month());
        match self.kind {
            PeriodKind::Year => write!(f, "{year}"),
            PeriodKind::HalfYear if month == 1 => write!(f, "{year}-S1"),
            PeriodKind::HalfYear if month == 7 => write!(f, "{year}-S2"),
            PeriodKind::Quarter => write!(f, "{year}-Q{}", month.div_ceil(3)),
            PeriodKind::Month => write!(f, "{year}-{month:02}"),
            PeriodKind::Week => {
                let week = self.start.iso_week();
                write!(f, "{}-W{:02}", week.year(), week.week())
            }
            PeriodKind::Day => write!(f, "{}", self.start),
            _ => write!(f, "{}/{}", self.start, self.duration()),
        }
    }
}

impl Period {
    /// The ISO 8601 duration: whole years, whole months, or days.
    fn duration(&self) -> String {
        match self.whole_months() {
            Some(months) if months % 12 == 0 => format!("P{}Y", months / 12),
            Some(months) => format!("P{months}M"),
            None => format!("P{}D", self.days()),
        }
    }

    /// As DHIS2 writes it, for the kinds that it has.
    pub fn to_dhis2(&self) -> Option<String> {
        let (year, month) = (self.start.year(), self.start.month());
        Some(match self.kind {
            PeriodKind::Year => format!("{year}"),
            PeriodKind::HalfYear => match month {
                1 => format!("{year}S1"),
                7 => format!("{year}S2"),
                4 => format!("{year}AprilS1"),
                10 => format!("{year}AprilS2"),
                11 => format!("{}NovS1", four_digits(year + 1)?),
                5 => format!("{year}NovS2"),
                _ => return None,
            },
            PeriodKind::FiscalYear => {
                let Financial { name, named_by_end, .. } =
                    FINANCIAL.iter().find(|financial| financial.month == month)?;
                format!("{}{name}", four_digits(year + i32::from(*named_by_end))?)
            }
            PeriodKind::Quarter => format!("{year}Q{}", month.div_ceil(3)),
            PeriodKind::TwoMonths => format!("{year}{:02}B", month.div_ceil(2)),
            PeriodKind::Month => format!("{year}{month:02}"),
            PeriodKind::Week => {
                let week = self.start.iso_week();
                format!("{}W{}", week.year(), week.week())
            }
            PeriodKind::Day => self.start.format("%Y%m%d").to_string(),
            PeriodKind::MultiYear | PeriodKind::Range => return None,
        })
    }

    /// As SDMX writes it (the time formats of SDMX 2.1 and 3.0): the canonical text is one of those.
    pub fn to_sdmx(&self) -> String {
        self.to_string()
    }
}

/// The year, if it can be read again.
fn four_digits(year: i32) -> Option<i32> {
    (year <= 9999).then_some(year)
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl TryFrom<Cow<'_, str>> for Period {
    type Error = PeriodError;

    fn try_from(text: Cow<'_, str>) -> Result<Self, PeriodError> {
        text.parse()
    }
}
