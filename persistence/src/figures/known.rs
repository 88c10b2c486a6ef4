//! What is known of figures, now or at an earlier moment, as parts of larger statements.
//!
//! What was known then comes from the revisions; whether the reader may see it is decided now, by [`Sight::revision`]: a figure
//! withdrawn since, or under an embargo then, is not read from its history.

use chrono::{DateTime, Utc};

use crate::{
    sight::Sight,
    sql::{Sql, figure, has_newest_value, is_last, newest_first, series},
};

/// When figures are as they were known.
pub(super) enum Known {
    /// Now.
    Now,
    /// At the moment of this parameter.
    At(String),
}

impl Known {
    pub(super) fn new(sql: &mut Sql, as_of: Option<DateTime<Utc>>) -> Self {
        as_of.map_or(Self::Now, |moment| Self::At(sql.bind(moment)))
    }

    /// The parameter of the moment, unless it is the present.
    pub(super) fn moment(&self) -> Option<&str> {
        match self {
            Self::Now => None,
            Self::At(moment) => Some(moment),
        }
    }

    /// The revision in table `alias` is the current one, or was at the moment. A retraction never is: where a figure was recorded
    /// after it, it stood in between.
    pub(super) fn current(&self, alias: &str) -> String {
        match self {
            Self::Now => format!("{alias}.superseded_at IS NULL"),
            Self::At(moment) => format!(
                "{alias}.recorded_at <= {moment} AND ({alias}.superseded_at IS NULL OR {alias}.superseded_at > {moment}) \
                 AND {alias}.retraction IS NULL"
            ),
        }
    }

    /// The same, and it is in sight, if its series is.
    pub(super) fn seen(&self, sight: &Sight, alias: &str) -> String {
        let sight = match self {
            Self::Now => sight.figure(alias),
            Self::At(_) => sight.revision(alias),
        };
        format!("{}{sight}", self.current(alias))
    }

    /// The same as [`Known::seen`] with the retractions that stand, or stood at the moment. Who never saw a figure does not see that
    /// it was withdrawn, so they are in sight as history is.
    pub(super) fn seen_or_retracted(&self, sight: &Sight, alias: &str) -> String {
        let last = match self {
            Self::Now => is_last(alias),
            Self::At(moment) => format!(
                "{alias}.recorded_at <= {moment} AND ({last} OR {alias}.superseded_at > {moment})",
                last = is_last(alias)
            ),
        };
        format!("{last}{}", sight.revision(alias))
    }

    /// One more column of a figure: when another took its place. What is current has no need of it.
    pub(super) fn superseded(&self, alias: &str) -> String {
        match self {
            Self::Now => String::new(),
            Self::At(_) => format!(", {alias}.superseded_at"),
        }
    }

    /// Whether there is that column.
    pub(super) const fn is_then(&self) -> bool {
        matches!(self, Self::At(_))
    }

    /// A query for the newest figure, as it was known, of each series `s` that meets `condition` and is in sight: what the
    /// series is of, then the figure. The rollup knows the present alone, so it is of no use here.
    pub(super) fn newest(&self, sight: &Sight, condition: &str) -> String {
        format!(
            "SELECT {all} FROM (SELECT {of_what}, {found}, o.superseded_at, \
             row_number() OVER (PARTITION BY o.series_id ORDER BY {order}) AS place \
             FROM series s JOIN observation o ON o.series_id = s.id \
             WHERE {condition}{shared} AND {value} AND {seen}) AS ranked WHERE ranked.place = 1",
            all = format_args!("{}, {}, ranked.superseded_at", series("ranked"), figure("ranked")),
            of_what = series("s"),
            found = figure("o"),
            order = newest_first("o"),
            shared = sight.shared("s.community_id", "s.indicator_id"),
            value = has_newest_value("o"),
            seen = self.seen(sight, "o"),
        )
    }
}
