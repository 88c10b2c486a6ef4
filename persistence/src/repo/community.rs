//! Where communities are kept.

use domain::{
    Result,
    community::{Community, CommunityFilter, CommunityParent, CommunitySort, Coordinates},
};
use sea_orm::Value;

use super::table::{Link, ParentLink, SortColumn, Table, Where, code, json, name_key, search_text};
use crate::row::Row;

impl Table for Community {
    const TABLE: &'static str = "community";
    const COLUMNS: &'static [&'static str] = &[
        "slug",
        "name",
        "kind",
        "country",
        "subdivision",
        "latitude",
        "longitude",
        "timezone",
        "languages",
        "codes",
        "aliases",
        "populations",
        "indigenous_data_authority",
    ];
    const DERIVED: &'static [&'static str] = &["population", "name_key", "search_text"];
    const KEY: Option<&'static str> = Some("slug");

    fn values(&self) -> Result<Vec<Value>> {
        let others = std::iter::once(self.slug.as_str()).chain(self.aliases.iter().map(String::as_str));
        Ok(vec![
            self.slug.to_string().into(),
            json(&self.name)?,
            self.kind.code().into(),
            self.country.to_string().into(),
            code(self.subdivision.as_ref()),
            self.coordinates.map(|point| point.latitude).into(),
            self.coordinates.map(|point| point.longitude).into(),
            self.timezone.clone().into(),
            json(&self.languages)?,
            json(&self.codes)?,
            json(&self.aliases)?,
            json(&self.populations)?,
            self.indigenous_data_authority.clone().into(),
            self.latest_population().map(|population| population.persons).into(),
            name_key(&self.name),
            search_text(&self.name, others),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            slug: row.parse()?,
            name: row.json()?,
            kind: row.parse()?,
            country: row.parse()?,
            subdivision: row.optional_parse()?,
            coordinates: match (row.take()?, row.take()?) {
                (Some(latitude), Some(longitude)) => Some(Coordinates { latitude, longitude }),
                _ => None,
            },
            timezone: row.take()?,
            languages: row.json()?,
            codes: row.json()?,
            aliases: row.json()?,
            populations: row.json()?,
            indigenous_data_authority: row.take()?,
        })
    }

    fn sort(by: CommunitySort) -> SortColumn {
        match by {
            CommunitySort::Name => SortColumn::Text("name_key"),
            CommunitySort::Population => SortColumn::OptionalInteger("population"),
            CommunitySort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &CommunityFilter, conditions: &mut Where) {
        conditions.member("t.id", filter.network);
        conditions.codes("t.kind", filter.kinds.as_ref());
        conditions.value("t.country = {}", filter.country.as_ref().map(ToString::to_string));
        conditions.value("t.subdivision = {}", filter.subdivision.as_ref().map(ToString::to_string));
        if let Some(id) = &filter.code {
            let (scheme, code) = (conditions.sql.bind(id.scheme.to_string()), conditions.sql.bind(id.code.to_string()));
            conditions.and(format!(
                "t.id IN (SELECT c.community_id FROM community_code c WHERE c.scheme = {scheme} AND c.code = {code})"
            ));
        }
        conditions.value("t.population >= {}", filter.population_at_least);
        conditions.value("t.population <= {}", filter.population_at_most);
        conditions.text(filter.text.as_ref());
    }

    fn parent(parent: CommunityParent) -> ParentLink {
        match parent {
            // The day is the database's own: a parameter could not be placed before those of the conditions.
            CommunityParent::Network => ParentLink::join(
                "JOIN membership l ON l.community_id = t.id AND l.archived_at IS NULL AND l.joined_on <= CURRENT_DATE \
                 AND (l.left_on IS NULL OR CURRENT_DATE < l.left_on)",
                "l.network_id",
            ),
        }
    }

    fn links(&self) -> Vec<Link> {
        let rows = self.codes.iter().map(|id| vec![id.scheme.to_string().into(), id.code.to_string().into()]).collect();
        vec![Link { table: "community_code", own: "community_id", others: "scheme, code", rows, grows: false }]
    }
}
