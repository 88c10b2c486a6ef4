//! Where networks are kept.

use domain::{
    Result,
    network::{Network, NetworkFilter, NetworkSort},
    record::NoParent,
    small_cells::SuppressionPolicy,
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{Link, ParentLink, SortColumn, Table, Where, json, name_key, optional_json, search_text, today};
use crate::{row::Row, sql::current_membership};

impl Table for Network {
    const TABLE: &'static str = "network";
    const COLUMNS: &'static [&'static str] = &[
        "slug",
        "name",
        "purpose",
        "starts_on",
        "ends_on",
        "indicators",
        "suppress_below",
        "flag_below",
        "minimum_communities",
        "maximum_share",
    ];
    const DERIVED: &'static [&'static str] = &["name_key", "search_text"];
    const KEY: Option<&'static str> = Some("slug");

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            self.slug.to_string().into(),
            json(&self.name)?,
            optional_json(self.purpose.as_ref())?,
            self.starts_on.into(),
            self.ends_on.into(),
            json(&self.indicators)?,
            self.suppression.suppress_below.into(),
            self.suppression.flag_below.into(),
            self.suppression.minimum_communities.into(),
            self.suppression.maximum_share.into(),
            name_key(&self.name),
            search_text(&self.name, [self.slug.as_str()]),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            slug: row.parse()?,
            name: row.json()?,
            purpose: row.optional_json()?,
            starts_on: row.take()?,
            ends_on: row.take()?,
            indicators: row.json()?,
            suppression: SuppressionPolicy {
                suppress_below: row.take()?,
                flag_below: row.take()?,
                minimum_communities: row.take()?,
                maximum_share: row.take()?,
            },
        })
    }

    fn sort(by: NetworkSort) -> SortColumn {
        match by {
            NetworkSort::Name => SortColumn::Text("name_key"),
            NetworkSort::StartsOn => SortColumn::Date("starts_on"),
            NetworkSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &NetworkFilter, conditions: &mut Where) {
        if let Some(community) = filter.community {
            let (community, today) = (conditions.sql.bind(Uuid::from(community)), conditions.sql.bind(today()));
            conditions.and(format!(
                "t.id IN (SELECT m.network_id FROM membership m WHERE m.community_id = {community} AND {})",
                current_membership("m", &today)
            ));
        }
        conditions.value(
            "t.id IN (SELECT a.network_id FROM network_indicator a WHERE a.indicator_id = {})",
            filter.indicator.map(Uuid::from),
        );
        conditions.text(filter.text.as_ref());
    }

    fn parent(parent: NoParent) -> ParentLink {
        match parent {}
    }

    fn links(&self) -> Vec<Link> {
        let rows = self.indicators.iter().map(|&id| vec![Uuid::from(id).into()]).collect();
        vec![Link { table: "network_indicator", own: "network_id", others: "indicator_id", rows, grows: false }]
    }
}
