//! Where series are kept.

use domain::{
    Result,
    access::Scope,
    series::{Series, SeriesFilter, SeriesParent, SeriesSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where};
use crate::{figures::small_cells::breakdown_id, row::Row, sql::is_standing_retraction};

impl Table for Series {
    const TABLE: &'static str = "series";
    const COLUMNS: &'static [&'static str] =
        &["community_id", "indicator_id", "indicator_version_id", "source_id", "disaggregation"];
    const DERIVED: &'static [&'static str] = &["breakdown_id"];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            Uuid::from(self.community).into(),
            Uuid::from(self.indicator).into(),
            Uuid::from(self.indicator_version).into(),
            Uuid::from(self.source).into(),
            self.disaggregation.to_string().into(),
            breakdown_id(self).into(),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        row.series()
    }

    fn sort(by: SeriesSort) -> SortColumn {
        match by {
            SeriesSort::CreatedAt => SortColumn::Time("created_at"),
            SeriesSort::Disaggregation => SortColumn::Text("disaggregation"),
        }
    }

    fn filter(filter: &SeriesFilter, conditions: &mut Where) {
        conditions.value("t.community_id = {}", filter.community.map(Uuid::from));
        if let Some(indicators) = &filter.indicators {
            let ids = conditions.sql.ids(indicators.iter().copied(), "what");
            conditions.and(format!("t.indicator_id IN (SELECT what.id FROM {ids})"));
        }
        conditions.value("t.source_id = {}", filter.source.map(Uuid::from));
        conditions.value("t.disaggregation = {}", filter.disaggregation.as_ref().map(ToString::to_string));
    }

    fn parent(parent: SeriesParent) -> ParentLink {
        match parent {
            SeriesParent::Community => ParentLink::column("t.community_id"),
            SeriesParent::Indicator => ParentLink::column("t.indicator_id"),
        }
    }

    fn scope(scope: &Scope, conditions: &mut Where) {
        let sight = conditions.sight(scope);
        if sight.is_everything() {
            return;
        }
        conditions.and_seen(&sight.shared("t.community_id", "t.indicator_id"));
        // That there is a series, and about whom, says that there are figures: whoever sees none of them does not see it.
        // So do retractions, to those who could see what they withdrew.
        conditions.and(format!(
            "(EXISTS (SELECT 1 FROM observation o WHERE o.series_id = t.id AND o.superseded_at IS NULL{}) \
             OR EXISTS (SELECT 1 FROM observation o WHERE o.series_id = t.id AND {}{}))",
            sight.figure("o"),
            is_standing_retraction("o"),
            sight.revision("o"),
        ));
    }
}
