//! Where baselines are kept.

use domain::{
    Result,
    access::Scope,
    baseline::{Baseline, BaselineFilter, BaselineParent, BaselineSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where, optional_json};
use crate::row::Row;

impl Table for Baseline {
    const TABLE: &'static str = "baseline";
    const COLUMNS: &'static [&'static str] = &["series_id", "period_kind", "period_start", "period_end", "note"];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            Uuid::from(self.series).into(),
            self.period.kind().code().into(),
            self.period.start().into(),
            self.period.end().into(),
            optional_json(self.note.as_ref())?,
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { series: row.id()?, period: row.period()?, note: row.optional_json()? })
    }

    fn sort(by: BaselineSort) -> SortColumn {
        match by {
            BaselineSort::CreatedAt => SortColumn::Time("created_at"),
            BaselineSort::PeriodEnd => SortColumn::Date("period_end"),
        }
    }

    fn filter(filter: &BaselineFilter, conditions: &mut Where) {
        let of_series = |column: &str| format!("t.series_id IN (SELECT s.id FROM series s WHERE s.{column} = {{}})");
        conditions.value(&of_series("community_id"), filter.community.map(Uuid::from));
        conditions.value(&of_series("indicator_id"), filter.indicator.map(Uuid::from));
        conditions.value("t.series_id = {}", filter.series.map(Uuid::from));
    }

    fn parent(parent: BaselineParent) -> ParentLink {
        match parent {
            BaselineParent::Community => ParentLink::join("JOIN series l ON l.id = t.series_id", "l.community_id"),
            BaselineParent::Series => ParentLink::column("t.series_id"),
        }
    }

    /// A baseline says that there is a figure for its period: it is for those who may see that one.
    fn scope(scope: &Scope, conditions: &mut Where) {
        let sight = conditions.sight(scope);
        if sight.is_everything() {
            return;
        }
        conditions.and_seen(&sight.series("t.series_id"));
        conditions.and(format!(
            "NOT EXISTS (SELECT 1 FROM observation o WHERE o.series_id = t.series_id AND o.period_end = t.period_end \
             AND o.period_start = t.period_start AND o.period_kind = t.period_kind AND o.superseded_at IS NULL{})",
            sight.hidden_figure("o"),
        ));
    }
}
