//! Building the statements of this module: one text for both databases wherever they agree.
//!
//! Texts depend on the shape of a question alone, never on how many ids it names: so each is prepared once for a
//! connection. Both databases number parameters `$1`, `$2`, …; lists travel as one parameter.

use std::fmt::Write as _;

use chrono::NaiveDate;
use domain::{id::SeriesId, period::Period};
use sea_orm::{DbBackend, Statement, Value};
use uuid::Uuid;

/// The columns of a figure, in the order in which [`crate::row::Row::observation`] reads them.
const FIGURE: [&str; 18] = [
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
    "restatement",
];

/// What a series is of, in the order in which [`crate::row::Row::series`] reads it.
const SERIES: [&str; 5] = ["community_id", "indicator_id", "indicator_version_id", "source_id", "disaggregation"];

/// How many columns [`figure`] names.
pub(crate) const FIGURE_COLUMNS: usize = FIGURE.len();

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

/// `SET` clauses that take every column of a figure but its series from table `from`.
pub(crate) fn overwrite_figure(from: &str) -> String {
    let all: Vec<_> = figure_but_series().map(|name| format!("{name} = {from}.{name}")).collect();
    all.join(", ")
}

/// The names of the columns of a figure but its series.
pub(crate) fn figure_but_series() -> impl Iterator<Item = &'static str> {
    FIGURE.into_iter().skip(1)
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
    format!("{alias}.superseded_at IS NULL AND {}", has_newest_value(alias))
}

/// The same of a figure that need not be current.
pub(crate) fn has_newest_value(alias: &str) -> String {
    format!("{alias}.value IS NOT NULL AND {alias}.status <> 'F'")
}

/// The columns of a revision of `alias`, as [`crate::row::Row::revision`] reads them.
pub(crate) fn revision(alias: &str) -> String {
    format!("{}, {alias}.superseded_at, {alias}.retraction, {alias}.sent_in_by", figure(alias))
}

/// A revision is the last of its period: the current figure, or the retraction that withdrew it (see the migration of it).
pub(crate) fn is_last(alias: &str) -> String {
    format!("({alias}.superseded_at IS NULL OR {})", is_standing_retraction(alias))
}

/// A revision is a retraction, and nothing was recorded after it.
pub(crate) fn is_standing_retraction(alias: &str) -> String {
    format!("({alias}.retraction IS NOT NULL AND {alias}.superseded_at = {alias}.recorded_at)")
}

/// The membership in table `alias` is in force on `day`.
pub(crate) fn current_membership(alias: &str, day: &str) -> String {
    format!(
        "{alias}.archived_at IS NULL AND {alias}.joined_on <= {day} AND ({alias}.left_on IS NULL OR {day} < {alias}.left_on)"
    )
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

    /// Adds the next parameter of a text that names all of its parameters so, each once and in their order. `SQLite` and its
    /// driver look numbered ones up in a list, one by one, which shows where there are thousands.
    pub(crate) fn next(&mut self, value: impl Into<Value>) -> String {
        let numbered = self.bind(value);
        if self.is_postgres() { numbered } else { "?".to_owned() }
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
        let list = self.id_list(ids);
        self.table_of(&list, name)
    }

    /// A table `name(id)` of the ids in a parameter of [`Sql::id_list`].
    pub(crate) fn table_of(&self, list: &str, name: &str) -> String {
        if self.is_postgres() {
            return format!("unnest({list}) AS {name}(id)");
        }
        format!("(SELECT unhex(value) AS id FROM json_each({list})) AS {name}")
    }

    /// Joins the rows of `table` for which `condition` holds to each row of what stands before, in that order: by the index,
    /// one row after the other. PostgreSQL would join the other way round while it believes the table to be small, and within
    /// one long transaction nobody tells it otherwise; `OFFSET 0` keeps it from that.
    pub(crate) fn beside(&self, table: &str, alias: &str, condition: &str) -> String {
        if self.is_postgres() {
            return format!("CROSS JOIN LATERAL (SELECT * FROM {table} {alias} WHERE {condition} OFFSET 0) AS {alias}");
        }
        format!("CROSS JOIN {table} {alias} ON {condition}")
    }

    /// Adds a parameter that holds these ids, and answers its name.
    pub(crate) fn id_list<I: Into<Uuid>>(&mut self, ids: impl IntoIterator<Item = I>) -> String {
        let ids = ids.into_iter().map(Into::into);
        if self.is_postgres() {
            return self.bind(ids.collect::<Vec<Uuid>>());
        }
        let mut json = String::from("[");
        for id in ids {
            let comma = if json.len() == 1 { "" } else { "," };
            let _ = write!(json, "{comma}\"{}\"", id.simple());
        }
        json.push(']');
        self.bind(json)
    }

    /// A table `name(series_id, period_end, period_start, period_kind)` of these periods of series.
    pub(crate) fn periods(&mut self, keys: impl IntoIterator<Item = (SeriesId, Period)>, name: &str) -> String {
        self.periods_with(&keys.into_iter().collect::<Vec<_>>(), None, name)
    }

    /// The same with a column `counted`.
    pub(crate) fn counted_periods(&mut self, keys: &[(SeriesId, Period)], counted: &[i32], name: &str) -> String {
        self.periods_with(keys, Some(counted), name)
    }

    fn periods_with(&mut self, keys: &[(SeriesId, Period)], counted: Option<&[i32]>, name: &str) -> String {
        let column = if counted.is_some() { ", counted" } else { "" };
        if self.is_postgres() {
            let series = self.bind(keys.iter().map(|(series, _)| (*series).into()).collect::<Vec<Uuid>>());
            let ends = self.bind(keys.iter().map(|(_, period)| period.end()).collect::<Vec<NaiveDate>>());
            let starts = self.bind(keys.iter().map(|(_, period)| period.start()).collect::<Vec<NaiveDate>>());
            let kinds =
                self.bind(keys.iter().map(|(_, period)| period.kind().code().to_owned()).collect::<Vec<String>>());
            let more = counted.map(|counted| format!(", {}", self.bind(counted.to_vec()))).unwrap_or_default();
            return format!(
                "unnest({series}, {ends}, {starts}, {kinds}{more}) \
                 AS {name}(series_id, period_end, period_start, period_kind{column})"
            );
        }
        let mut json = String::from("[");
        for (place, (series, period)) in keys.iter().enumerate() {
            let comma = if json.len() == 1 { "" } else { "," };
            let id = Uuid::from(*series).simple();
            let (start, end, kind) = (period.start(), period.end().to_string(), period.kind().code());
            let _ = write!(json, "{comma}\"{id}{start}{end:<12}");
            if let Some(counted) = counted.and_then(|counted| counted.get(place)) {
                let _ = write!(json, "{counted:>12}");
            }
            let _ = write!(json, "{kind}\"");
        }
        json.push(']');
        let list = self.bind(json);
        let (fourth, kind) =
            if counted.is_some() { (", CAST(substr(value, 55, 12) AS integer) AS counted", 67) } else { ("", 55) };
        // Parts of one text, since `SQLite` would read an array within the array anew for each of its parts. Days have ten letters,
        // except for the one on which the year 9999 ends.
        format!(
            "(SELECT unhex(substr(value, 1, 32)) AS series_id, rtrim(substr(value, 43, 12)) AS period_end, \
             substr(value, 33, 10) AS period_start, substr(value, {kind}) AS period_kind{fourth} FROM json_each({list})) AS {name}"
        )
    }

    /// The statement with this text.
    pub(crate) fn statement(self, text: String) -> Statement {
        Statement::from_sql_and_values(self.backend, text, self.values)
    }
}
