//! Revisions of figures as a table that PostgreSQL reads from parameters.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::revision::RetractionReason;
use uuid::Uuid;

use super::bulk::Revision;
use crate::{
    columns::{Column, Columns, Number, column},
    sql::{self, Sql},
};

/// The columns of the table of observations but for those that a whole recording has in common.
const fn columns<'a>() -> [Column<Revision<'a>>; 18] {
    [
        column!("series_id", "uuid", put, row => Some(row.new.series), |rows| {
            Some(rows.iter().map(|row| row.new.series.into()).collect::<Vec<Uuid>>().into())
        }),
        column!("period_kind", "text", put, row => Some(row.new.period.kind().code())),
        column!("period_start", "date", put, row => Some(row.new.period.start())),
        column!("period_end", "date", put, row => Some(row.new.period.end())),
        column!("revision", "int4", put, row => Some(row.revision)),
        column!("value", "float8", put, row => row.new.figure.value.map(Number), |rows| {
            Some(rows.iter().map(|row| row.new.figure.value).collect::<Option<Vec<f64>>>()?.into())
        }),
        column!("numerator", "float8", put, row => row.new.figure.numerator.map(Number)),
        column!("denominator", "float8", put, row => row.new.figure.denominator.map(Number)),
        column!("lower_limit", "float8", put, row => row.new.figure.lower.map(Number)),
        column!("upper_limit", "float8", put, row => row.new.figure.upper.map(Number)),
        column!("status", "text", put, row => Some(row.new.figure.status.code())),
        column!("confidentiality", "text", put, row => Some(row.new.figure.confidentiality.code())),
        column!("embargo_until", "timestamptz", quote, row => row.new.figure.embargo_until.map(moment)),
        column!("note", "text", quote, row => row.new.figure.note.as_deref()),
        column!("external_id", "text", quote, row => row.new.figure.external_id.as_deref()),
        column!("restatement", "text", quote, row => row.new.cause.restatement.as_ref().map(ToString::to_string)),
        column!("retraction", "text", put, row => row.new.cause.retraction.map(RetractionReason::code)),
        column!("sent_in_by", "text", quote, row => row.new.cause.sent_in_by.as_deref()),
    ]
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Revisions as a table with the columns that they have in the table of observations.
pub(super) struct Arrays {
    pub(super) columns: Columns,
    /// The condition on a row that it is one of those that have grown their series.
    pub(super) grown: &'static str,
}

impl Arrays {
    /// The table `alias` of these rows, recorded at `at` by `by`. `grown` are some of them in the same order.
    pub(super) fn new(
        sql: &mut Sql,
        alias: &'static str,
        (rows, grown): (&[Revision<'_>], &[Revision<'_>]),
        (at, by): (DateTime<Utc>, &str),
    ) -> Self {
        let mut all = Columns::new(sql, alias, rows, &columns());
        all.add_alike("recorded_at", sql.bind(at));
        all.add_alike("recorded_by", sql.bind(by));
        if grown.len() == rows.len() {
            return Self { columns: all, grown: "TRUE" };
        }
        let mut grown = grown.iter().peekable();
        let places = rows
            .iter()
            .enumerate()
            .filter_map(|(place, row)| grown.next_if(|grown| std::ptr::eq(grown.new, row.new)).map(|_| place));
        all.add_flags(sql, "grown", places);
        Self { columns: all, grown: "grown" }
    }

    /// `SET` clauses that take every column of a figure but its series from a row of the table.
    pub(super) fn overwrite_figure(&self) -> String {
        let all = sql::figure_but_series().map(|name| format!("{name} = {}", self.columns.of(name)));
        all.collect::<Vec<_>>().join(", ")
    }

    /// Where the figure of a row of the table stands among those of its series; as [`super::rollup::place`].
    pub(super) fn place(&self) -> String {
        let [end, start, kind] = ["period_end", "period_start", "period_kind"].map(|name| self.columns.of(name));
        format!("({end}, {start}, {kind})")
    }
}
