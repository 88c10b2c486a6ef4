//! Building the statements of this module: one text for both databases wherever they agree.
//!
//! Texts depend on the shape of a question alone, never on how many ids it names: so each is prepared once for a
//! connection. Both databases number parameters `$1`, `$2`, …; lists travel as one parameter.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};
use domain::{access::Scope, id::SeriesId, period::Period};
use sea_orm::{DbBackend, Statement, Value};
use uuid::Uuid;

/// The columns of a figure, in the order in which [`super::row::Row::observation`] reads them.
const FIGURE: [&str; 17] = [
    "series_id",
    "period_kind",
    "period_start",
    "period_end",
    "revision",
    "value",
    "numerator",
    "denominator",
    "lower_limit",
    "upper_limit",
    "status",
    "confidentiality",
    "embargo_until",
    "note",
    "external_id",
    "recorded_at",
    "recorded_by",
];

/// What a series is of, in the order in which [`super::row::Row::series`] reads it.
const SERIES: [&str; 5] = ["community_id", "indicator_id", "indicator_version_id", "source_id", "disaggregation"];

/// How many columns [`figure`] names.
pub(crate) const FIGURE_COLUMNS: usize = FIGURE.len();

/// How many columns [`series`] names.
pub(crate) const SERIES_COLUMNS: usize = SERIES.len();

/// The columns of a figure in table `alias`.
pub(crate) fn figure(alias: &str) -> String {
    columns(alias, &FIGURE)
}

/// The columns of a figure with their bare names, as in an insertion.
pub(crate) fn figure_names() -> String {
    FIGURE.join(", ")
}

/// The columns that say what a series is of, in table `alias`.
pub(crate) fn series(alias: &str) -> String {
    columns(alias, &SERIES)
}

/// The columns that say what a series is of, with their bare names.
pub(crate) fn series_names() -> String {
    SERIES.join(", ")
}

/// `SET` clauses that take every column of the rollup but its key from the row that could not be inserted.
pub(crate) fn overwrite_figure() -> String {
    let all: Vec<_> = FIGURE.iter().skip(1).map(|name| format!("{name} = excluded.{name}")).collect();
    all.join(", ")
}

fn columns(alias: &str, names: &[&str]) -> String {
    let mut text = String::with_capacity(names.len() * 20);
    for name in names {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{alias}.{name}");
    }
    text
}

/// A figure has a value, is no forecast and is current: only such a one is the newest of its series.
pub(crate) fn counts_as_newest(alias: &str) -> String {
    format!("{alias}.superseded_at IS NULL AND {alias}.value IS NOT NULL AND {alias}.status <> 'F'")
}

/// The order of the periods of a series, newest first.
pub(crate) fn newest_first(alias: &str) -> String {
    format!("{alias}.period_end DESC, {alias}.period_start DESC, {alias}.period_kind DESC")
}

/// A statement in the making: its parameters, and the names under which its text refers to them.
pub(crate) struct Sql {
    backend: DbBackend,
    values: Vec<Value>,
}

impl Sql {
    pub(crate) const fn new(backend: DbBackend) -> Self {
        Self { backend, values: Vec::new() }
    }

    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self.backend, DbBackend::Postgres)
    }

    /// Adds a parameter and answers its name.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Makes room for so many parameters.
    pub(crate) fn reserve(&mut self, parameters: usize) {
        self.values.reserve(parameters);
    }

    /// Adds a parameter that the text does not name.
    pub(crate) fn push(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
    }

    /// A table `name(id)` of these ids.
    pub(crate) fn ids<I: Into<Uuid>>(&mut self, ids: impl IntoIterator<Item = I>, name: &str) -> String {
        let ids = ids.into_iter().map(Into::into);
        if self.is_postgres() {
            let list = self.bind(ids.collect::<Vec<Uuid>>());
            return format!("unnest({list}) AS {name}(id)");
        }
        let mut json = String::from("[");
        for id in ids {
            let comma = if json.len() == 1 { "" } else { "," };
            let _ = write!(json, "{comma}\"{}\"", id.simple());
        }
        json.push(']');
        let list = self.bind(json);
        format!("(SELECT unhex(value) AS id FROM json_each({list})) AS {name}")
    }

    /// A table `name(series_id, period_end, period_start, period_kind)` of these periods of series.
    pub(crate) fn periods(&mut self, keys: impl IntoIterator<Item = (SeriesId, Period)>, name: &str) -> String {
        let keys: Vec<_> = keys.into_iter().collect();
        if self.is_postgres() {
            let series = self.bind(keys.iter().map(|(series, _)| (*series).into()).collect::<Vec<Uuid>>());
            let ends = self.bind(keys.iter().map(|(_, period)| period.end()).collect::<Vec<NaiveDate>>());
            let starts = self.bind(keys.iter().map(|(_, period)| period.start()).collect::<Vec<NaiveDate>>());
            let kinds =
                self.bind(keys.iter().map(|(_, period)| period.kind().code().to_owned()).collect::<Vec<String>>());
            return format!(
                "unnest({series}, {ends}, {starts}, {kinds}) AS {name}(series_id, period_end, period_start, period_kind)"
            );
        }
        let mut json = String::from("[");
        for (series, period) in keys {
            let comma = if json.len() == 1 { "" } else { "," };
            let id = Uuid::from(series).simple();
            let _ = write!(
                json,
                "{comma}[\"{id}\",\"{}\",\"{}\",\"{}\"]",
                period.end(),
                period.start(),
                period.kind().code()
            );
        }
        json.push(']');
        let list = self.bind(json);
        format!(
            "(SELECT unhex(value ->> 0) AS series_id, value ->> 1 AS period_end, value ->> 2 AS period_start, \
             value ->> 3 AS period_kind FROM json_each({list})) AS {name}"
        )
    }

    /// The statement with this text.
    pub(crate) fn statement(self, text: String) -> Statement {
        Statement::from_sql_and_values(self.backend, text, self.values)
    }
}

/// The figure in table `alias` is public at the moment `now`.
fn public(alias: &str, now: &str) -> String {
    format!(
        "({alias}.confidentiality = 'F' OR ({alias}.confidentiality = 'E' AND {alias}.embargo_until IS NOT NULL \
         AND {alias}.embargo_until <= {now}))"
    )
}

/// What a reader may see, as conditions on rows: [`domain::observation::Figure::is_public`] and the communities without
/// an Indigenous data authority. Every text begins with `AND` or is empty.
pub(crate) struct Sight {
    now: Option<String>,
}

impl Sight {
    pub(crate) fn new(sql: &mut Sql, scope: Scope, now: DateTime<Utc>) -> Self {
        let now = match scope {
            Scope::Everything => None,
            Scope::Public => Some(sql.bind(now)),
        };
        Self { now }
    }

    pub(crate) const fn is_everything(&self) -> bool {
        self.now.is_none()
    }

    /// The figure in table `alias` is in sight.
    pub(crate) fn figure(&self, alias: &str) -> String {
        self.now.as_ref().map_or_else(String::new, |now| format!(" AND {}", public(alias, now)))
    }

    /// The figure in table `alias` is out of sight.
    pub(crate) fn hidden_figure(&self, alias: &str) -> String {
        self.now.as_ref().map_or_else(|| " AND FALSE".to_owned(), |now| format!(" AND NOT {}", public(alias, now)))
    }

    /// The revision in table `alias` is in sight: it was public before another took its place, and what took its place is
    /// not withheld, since a figure withdrawn from the public must not be read from its own history.
    pub(crate) fn revision(&self, alias: &str) -> String {
        let Some(now) = &self.now else { return String::new() };
        let (revision, current) = (public(alias, now), public("present", now));
        format!(
            " AND {revision} AND ({alias}.superseded_at IS NULL OR {alias}.confidentiality = 'F' \
             OR {alias}.embargo_until < {alias}.superseded_at) \
             AND EXISTS (SELECT 1 FROM observation present WHERE present.series_id = {alias}.series_id \
             AND present.period_end = {alias}.period_end AND present.period_start = {alias}.period_start \
             AND present.period_kind = {alias}.period_kind AND present.superseded_at IS NULL AND {current})"
        )
    }

    /// The figures of the community `expression` are in sight.
    pub(crate) fn community(&self, expression: &str) -> String {
        if self.is_everything() {
            return String::new();
        }
        format!(" AND {expression} NOT IN (SELECT id FROM community WHERE indigenous_data_authority IS NOT NULL)")
    }

    /// The figures of the series `expression` are in sight.
    pub(crate) fn series(&self, expression: &str) -> String {
        if self.is_everything() {
            return String::new();
        }
        format!(
            " AND NOT EXISTS (SELECT 1 FROM series withheld JOIN community ON community.id = withheld.community_id \
             WHERE withheld.id = {expression} AND community.indigenous_data_authority IS NOT NULL)"
        )
    }

    /// `expression` is one of these series, and in sight.
    pub(crate) fn one_of(&self, sql: &mut Sql, expression: &str, series: &[SeriesId]) -> String {
        let ids = sql.ids(series.iter().copied(), "ids");
        format!("{expression} IN (SELECT ids.id FROM {ids} WHERE TRUE{})", self.series("ids.id"))
    }
}
