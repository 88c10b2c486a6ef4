//! Reading rows column by column.
//!
//! This reads straight from the driver's row, by position and without asking each value for its type: comparisons and
//! imports read many thousand rows, and the checks of the layers between cost more than the reading.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use domain::{
    Error, Result,
    id::SeriesId,
    observation::{Figure, Observation},
    period::{Period, PeriodKind},
    revision::Cause,
    series::{Disaggregation, Series},
};
use sea_orm::{
    QueryResult,
    sqlx::{Decode, Postgres, Row as _, Sqlite, postgres::PgRow, sqlite::SqliteRow, types::Json},
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

enum Source<'r> {
    Postgres(&'r PgRow),
    Sqlite(&'r SqliteRow),
}

/// A row that is read from its first column to its last.
pub(crate) struct Row<'r> {
    source: Source<'r>,
    next: usize,
}

impl<'r> Row<'r> {
    pub(crate) fn new(result: &'r QueryResult) -> Result<Self> {
        let postgres = result.try_as_pg_row().map(Source::Postgres);
        let source = postgres.or_else(|| result.try_as_sqlite_row().map(Source::Sqlite));
        Ok(Self { source: source.ok_or_else(|| Error::internal("a row of an unknown database"))?, next: 0 })
    }

    /// Leaves out the next columns.
    const fn skip(&mut self, columns: usize) {
        self.next += columns;
    }

    /// The next column.
    pub(crate) fn take<T>(&mut self) -> Result<T>
    where
        T: Decode<'r, Postgres> + Decode<'r, Sqlite>,
    {
        let at = self.next;
        self.next += 1;
        let value = match self.source {
            Source::Postgres(row) => row.try_get_unchecked(at),
            Source::Sqlite(row) => row.try_get_unchecked(at),
        };
        value.map_err(Error::internal)
    }

    /// The next column, an array; PostgreSQL alone has such.
    pub(crate) fn list<T>(&mut self) -> Result<Vec<T>>
    where
        Vec<T>: Decode<'r, Postgres>,
    {
        let Source::Postgres(row) = self.source else {
            return Err(Error::internal("an array of a database without any"));
        };
        let value = row.try_get_unchecked(self.next);
        self.next += 1;
        value.map_err(Error::internal)
    }

    /// The next column, read from its JSON.
    pub(crate) fn json<T: DeserializeOwned + 'static>(&mut self) -> Result<T> {
        let value = match &self.source {
            Source::Postgres(row) => row.try_get_unchecked::<Json<T>, _>(self.next),
            Source::Sqlite(row) => row.try_get_unchecked::<Json<T>, _>(self.next),
        };
        self.next += 1;
        value.map(|Json(value)| value).map_err(Error::internal)
    }

    /// The same for a column that may be empty.
    pub(crate) fn optional_json<T: DeserializeOwned + 'static>(&mut self) -> Result<Option<T>> {
        let value = match &self.source {
            Source::Postgres(row) => row.try_get_unchecked::<Option<Json<T>>, _>(self.next),
            Source::Sqlite(row) => row.try_get_unchecked::<Option<Json<T>>, _>(self.next),
        };
        self.next += 1;
        value.map(|value| value.map(|Json(value)| value)).map_err(Error::internal)
    }

    /// The next column, read from its text, if it is not empty.
    pub(crate) fn optional_parse<T: FromStr<Err: std::fmt::Display>>(&mut self) -> Result<Option<T>> {
        self.take::<Option<&str>>()?.map(|text| text.parse().map_err(Error::internal)).transpose()
    }

    pub(crate) fn optional_id<I: From<Uuid>>(&mut self) -> Result<Option<I>> {
        Ok(self.take::<Option<Uuid>>()?.map(I::from))
    }

    /// The next column, read from its text.
    pub(crate) fn parse<T: FromStr<Err: std::fmt::Display>>(&mut self) -> Result<T> {
        self.take::<&str>()?.parse().map_err(Error::internal)
    }

    pub(crate) fn id<I: From<Uuid>>(&mut self) -> Result<I> {
        self.take::<Uuid>().map(I::from)
    }

    pub(crate) fn period(&mut self) -> Result<Period> {
        let kind: PeriodKind = self.parse()?;
        Period::from_parts(kind, self.take()?, self.take()?).map_err(Error::internal)
    }

    /// The columns of [`crate::sql::figure`].
    pub(crate) fn observation(&mut self) -> Result<Observation> {
        let series = self.id()?;
        self.observation_of(series)
    }

    /// The columns of [`crate::sql::figure`], if they are there: an outer join may have found none.
    pub(crate) fn optional_observation(&mut self) -> Result<Option<Observation>> {
        if let Some(series) = self.take::<Option<Uuid>>()? {
            return self.observation_of(series.into()).map(Some);
        }
        self.skip(crate::sql::FIGURE_COLUMNS - 1);
        Ok(None)
    }

    fn observation_of(&mut self, series: SeriesId) -> Result<Observation> {
        Ok(Observation {
            series,
            period: self.period()?,
            revision: self.take()?,
            figure: Figure {
                value: self.take()?,
                numerator: self.take()?,
                denominator: self.take()?,
                lower: self.take()?,
                upper: self.take()?,
                status: self.parse()?,
                confidentiality: self.parse()?,
                embargo_until: self.take()?,
                note: self.take()?,
                external_id: self.take()?,
            },
            recorded_at: self.take()?,
            recorded_by: self.take()?,
            superseded_at: None,
            cause: Cause::of(self.optional_parse()?),
        })
    }

    /// The columns of [`crate::sql::revision`].
    pub(crate) fn revision(&mut self) -> Result<Observation> {
        let mut revision = self.observation()?;
        let superseded_at = self.take::<Option<DateTime<Utc>>>()?;
        revision.cause.retraction = self.optional_parse()?;
        revision.cause.sent_in_by = self.take()?;
        let stands = revision.cause.retraction.is_some() && superseded_at == Some(revision.recorded_at);
        revision.superseded_at = superseded_at.filter(|_| !stands);
        Ok(revision)
    }

    /// The columns of [`crate::sql::series`].
    pub(crate) fn series(&mut self) -> Result<Series> {
        Ok(Series {
            community: self.id()?,
            indicator: self.id()?,
            indicator_version: self.id()?,
            source: self.id()?,
            disaggregation: self.parse::<Disaggregation>()?,
        })
    }
}
