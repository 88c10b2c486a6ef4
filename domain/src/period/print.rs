//! Writing periods.

use std::{borrow::Cow, fmt};

use chrono::Datelike;

use super::{Period, PeriodError, PeriodKind};

/// The twelve months as DHIS2 writes them in the names of financial years and half-years.
pub(super) const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

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
                _ => return None,
            },
            PeriodKind::FiscalYear => match month {
                4 => format!("{year}April"),
                7 => format!("{year}July"),
                9 => format!("{year}Sep"),
                10 => format!("{year}Oct"),
                11 => format!("{year}Nov"),
                _ => return None,
            },
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
