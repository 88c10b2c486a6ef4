//! The newest figures of series, as a part of larger statements.

use crate::{
    sight::Sight,
    sql::{counts_as_newest, figure, figure_names, newest_first, series, series_names},
};

/// A query for the newest figure in sight of each series whose rollup row `l` meets `condition`: what the series is of,
/// then the figure.
///
/// It reads the rollup alone where that is in sight: where the newest figure of a series is none of the reader's, they get
/// the newest that is.
pub(super) fn newest(sight: &Sight, condition: &str) -> String {
    newest_if_shared(sight, &format!("{condition}{}", sight.shared("l.community_id", "l.indicator_id")))
}

/// The same for communities that share with the reader by `condition`.
pub(super) fn newest_if_shared(sight: &Sight, condition: &str) -> String {
    let (of_what, kept) = (series("l"), figure("l"));
    let from_rollup =
        format!("SELECT {of_what}, {kept} FROM latest_observation l WHERE {condition}{}", sight.rollup("l"));
    if sight.is_everything() {
        return from_rollup;
    }
    let from_observations = format!(
        "SELECT {of_what}, {found}, row_number() OVER (PARTITION BY o.series_id ORDER BY {order}) AS place \
         FROM latest_observation l JOIN observation o ON o.series_id = l.series_id \
         WHERE {condition}{hidden} AND {counts}{sight}",
        found = figure("o"),
        order = newest_first("o"),
        hidden = sight.hidden_rollup("l"),
        counts = counts_as_newest("o"),
        sight = sight.figure("o"),
    );
    let all = format!("{}, {}", series_names(), figure_names());
    format!("{from_rollup} UNION ALL SELECT {all} FROM ({from_observations}) AS ranked WHERE ranked.place = 1")
}
