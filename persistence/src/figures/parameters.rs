//! Revisions of figures as rows of parameters, as `SQLite` takes them.
//!
//! What is alike in all rows of a batch is given once: parameters are what the driver and `SQLite` spend most on. They are bare, since
//! numbered ones are looked up in a list, one by one.

use chrono::{DateTime, SubsecRound as _, Utc};
use domain::{
    observation::Figure,
    revision::{Cause, RetractionReason},
};
use sea_orm::{DbBackend, Statement, Value};
use uuid::Uuid;

use super::{bulk::Revision, rollup};
use crate::sql::{self, Sql};

/// What most batches say in every row alike: a column, whether two rows say the same there, and what a row says.
type Common = (&'static str, fn(&Revision<'_>, &Revision<'_>) -> bool, fn(&Revision<'_>) -> Value);
const COMMON: [Common; 4] = [
    ("period_kind", |a, b| a.new.period.kind() == b.new.period.kind(), |row| row.new.period.kind().code().into()),
    ("status", |a, b| a.new.figure.status == b.new.figure.status, |row| row.new.figure.status.code().into()),
    (
        "confidentiality",
        |a, b| a.new.figure.confidentiality == b.new.figure.confidentiality,
        |row| row.new.figure.confidentiality.code().into(),
    ),
    ("revision", |a, b| a.revision == b.revision, |row| row.revision.into()),
];
/// What every row says for itself.
const OWN: [&str; 4] = ["series_id", "period_start", "period_end", "value"];
/// The columns that many files leave empty altogether; a batch that does so does not name them.
const OPTIONAL: [&[&str]; 4] = [
    &["numerator", "denominator"],
    &["lower_limit", "upper_limit"],
    &["embargo_until", "note", "external_id"],
    &["restatement", "retraction", "superseded_at", "sent_in_by"],
];

/// What the rows of a batch say, column by column.
struct Layout<'a> {
    first: &'a Revision<'a>,
    rows: &'a [Revision<'a>],
    alike: Vec<&'static Common>,
    differing: Vec<&'static Common>,
    /// Which of [`OPTIONAL`] are there.
    present: [bool; 4],
}

impl<'a> Layout<'a> {
    fn of(rows: &'a [Revision<'a>]) -> Option<Self> {
        let first = rows.first()?;
        let (alike, differing) = COMMON.iter().partition(|(_, same, _)| rows.iter().all(|row| same(row, first)));
        let some = |has: fn(&Figure) -> bool| rows.iter().any(|row| has(&row.new.figure));
        let present = [
            some(|figure| figure.numerator.is_some() || figure.denominator.is_some()),
            some(|figure| figure.lower.is_some() || figure.upper.is_some()),
            some(|figure| figure.embargo_until.is_some() || figure.note.is_some() || figure.external_id.is_some()),
            rows.iter().any(|row| row.new.cause != Cause::default()),
        ];
        Some(Self { first, rows, alike, differing, present })
    }

    /// The columns that are given once.
    fn once(&self) -> Vec<&'static str> {
        ["recorded_at", "recorded_by"].into_iter().chain(self.alike.iter().map(|(name, ..)| *name)).collect()
    }

    /// The columns that every row says for itself.
    fn own(&self) -> Vec<&'static str> {
        let present = OPTIONAL.iter().zip(self.present).filter(|(_, present)| *present);
        let optional = present.flat_map(|(names, _)| *names);
        self.differing.iter().map(|(name, ..)| name).chain(&OWN).chain(optional).copied().collect()
    }

    /// A statement with the parameters of both in this order, and room for a few more.
    fn parameters(&self, at: DateTime<Utc>, by: &str) -> Sql {
        let mut sql = Sql::new(DbBackend::Sqlite);
        sql.reserve(8 + self.rows.len() * 19);
        sql.push(at);
        sql.push(by);
        for (_, _, value) in &self.alike {
            sql.push(value(self.first));
        }
        for row in self.rows {
            self.push(&mut sql, row, at);
        }
        sql
    }

    fn push(&self, sql: &mut Sql, row: &Revision<'_>, at: DateTime<Utc>) {
        let (period, figure, [ratio, limits, texts, causes]) = (row.new.period, &row.new.figure, self.present);
        for (_, _, value) in &self.differing {
            sql.push(value(row));
        }
        sql.push(Uuid::from(row.new.series));
        // The driver would write dates by a pattern, which takes several times as long.
        sql.push(period.start().to_string());
        sql.push(period.end().to_string());
        sql.push(figure.value);
        if ratio {
            sql.push(figure.numerator);
            sql.push(figure.denominator);
        }
        if limits {
            sql.push(figure.lower);
            sql.push(figure.upper);
        }
        if texts {
            sql.push(figure.embargo_until.map(|until| until.trunc_subsecs(6)));
            sql.push(figure.note.clone());
            sql.push(figure.external_id.clone());
        }
        if causes {
            sql.push(row.new.cause.restatement.as_ref().map(ToString::to_string));
            sql.push(row.new.cause.retraction.map(RetractionReason::code));
            sql.push(row.new.cause.retraction.map(|_| at));
            sql.push(row.new.cause.sent_in_by.clone());
        }
    }

    /// The rows as a table, to stand in a `FROM`.
    fn table(&self) -> String {
        let row = format!("({})", vec!["?"; self.own().len()].join(", "));
        format!("(VALUES {})", vec![row.as_str(); self.rows.len()].join(", "))
    }
}

/// The statement that inserts these rows.
pub(super) fn insertion(rows: &[Revision<'_>], at: DateTime<Utc>, by: &str) -> Option<Statement> {
    let layout = Layout::of(rows)?;
    let (once, own) = (layout.once(), layout.own());
    let text = format!(
        "INSERT INTO observation ({}, {}) SELECT {}, * FROM {}",
        once.join(", "),
        own.join(", "),
        vec!["?"; once.len()].join(", "),
        layout.table(),
    );
    Some(layout.parameters(at, by).statement(text))
}

/// The statement that puts these rows, each of another series, in the place of newest values that are not newer.
pub(super) fn raising(rows: &[Revision<'_>], at: DateTime<Utc>, by: &str) -> Option<Statement> {
    let layout = Layout::of(rows)?;
    let (once, own) = (layout.once(), layout.own());
    let mut sql = layout.parameters(at, by);
    let place = |name: &str| own.iter().position(|own| *own == name).map(|place| format!("w.column{}", place + 1));
    let given = once.iter().map(|name| format!("{name} = ?"));
    let others = sql::figure_but_series().filter(|name| !once.contains(name));
    let others = others.map(|name| format!("{name} = {}", place(name).unwrap_or_else(|| "NULL".to_owned())));
    let newer = ["period_end", "period_start", "period_kind"].map(|name| place(name).unwrap_or_else(|| "?".to_owned()));
    if place("period_kind").is_none() {
        sql.push(layout.first.new.period.kind().code());
    }
    let text = format!(
        "UPDATE latest_observation SET {} FROM {} AS w WHERE latest_observation.series_id = {} AND {} <= ({})",
        given.chain(others).collect::<Vec<_>>().join(", "),
        layout.table(),
        place("series_id").unwrap_or_default(),
        rollup::place("latest_observation"),
        newer.join(", "),
    );
    Some(sql.statement(text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use domain::{observation::NewObservation, period::Period};
    use sea_orm::ConnectionTrait as _;

    use super::*;
    use crate::{
        connect::{Connections, connect},
        tests::Scratch,
    };

    #[tokio::test]
    async fn newest_values_are_found_by_their_series() {
        let scratch = Scratch::sqlite().await;
        let Connections { read, .. } = connect(&scratch.config).await.unwrap();
        let new: Vec<NewObservation> = (0..50)
            .map(|_| NewObservation {
                series: Uuid::now_v7().into(),
                period: Period::year(2020).unwrap(),
                figure: Figure::of(1.0),
                inherits: false,
                smallest_count: None,
                cause: Cause::default(),
            })
            .collect();
        let rows: Vec<_> = new.iter().map(|new| Revision { new, revision: 1 }).collect();
        let Statement { sql, values, .. } = raising(&rows, Utc::now(), "test").unwrap();
        let plan = Statement { sql: format!("EXPLAIN QUERY PLAN {sql}"), values, db_backend: DbBackend::Sqlite };
        let plan = read.query_all_raw(plan).await.unwrap();
        let steps: Vec<String> = plan.iter().map(|step| step.try_get("", "detail").unwrap()).collect();
        assert!(steps.iter().any(|step| step.starts_with("SEARCH latest_observation USING")), "{steps:#?}");
        assert!(!steps.iter().any(|step| step.starts_with("SCAN latest_observation")), "{steps:#?}");
    }
}
