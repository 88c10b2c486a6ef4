//! Where indicators and their versions are kept.

use domain::{
    Result,
    indicator::{
        Indicator, IndicatorFilter, IndicatorParent, IndicatorSort, IndicatorVersion, IndicatorVersionFilter,
        IndicatorVersionParent, IndicatorVersionSort, Polarity,
    },
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where, code, json, name_key, optional_json, search_text};
use crate::row::Row;

impl Table for Indicator {
    const TABLE: &'static str = "indicator";
    const COLUMNS: &'static [&'static str] = &["code", "kind", "issue", "name", "description"];
    const DERIVED: &'static [&'static str] = &["name_key", "search_text"];
    const KEY: Option<&'static str> = Some("code");

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            self.code.to_string().into(),
            self.kind.code().into(),
            code(self.issue.as_ref()),
            json(&self.name)?,
            optional_json(self.description.as_ref())?,
            name_key(&self.name),
            search_text(&self.name, [self.code.as_str()]),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            code: row.parse()?,
            kind: row.parse()?,
            issue: row.optional_parse()?,
            name: row.json()?,
            description: row.optional_json()?,
        })
    }

    fn sort(by: IndicatorSort) -> SortColumn {
        match by {
            IndicatorSort::Code => SortColumn::Text("code"),
            IndicatorSort::Name => SortColumn::Text("name_key"),
            IndicatorSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &IndicatorFilter, conditions: &mut Where) {
        conditions.codes("t.kind", filter.kinds.as_ref());
        conditions.codes("t.issue", filter.issues.as_ref());
        conditions.value(
            "t.id IN (SELECT a.indicator_id FROM network_indicator a WHERE a.network_id = {})",
            filter.network.map(Uuid::from),
        );
        conditions.text(filter.text.as_ref());
    }

    fn parent(parent: IndicatorParent) -> ParentLink {
        match parent {
            IndicatorParent::Network => {
                ParentLink::join("JOIN network_indicator l ON l.indicator_id = t.id", "l.network_id")
            }
            IndicatorParent::Learning => {
                ParentLink::join("JOIN learning_indicator l ON l.indicator_id = t.id", "l.learning_id")
            }
        }
    }
}

impl Table for IndicatorVersion {
    const TABLE: &'static str = "indicator_version";
    const COLUMNS: &'static [&'static str] = &[
        "indicator_id",
        "number",
        "measure",
        "unit",
        "currency",
        "decimals",
        "minimum",
        "maximum",
        "polarity",
        "numerator",
        "denominator",
        "multiplier",
        "frequency",
        "additivity",
        "effective_from",
        "counts_persons",
    ];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            Uuid::from(self.indicator).into(),
            self.number.into(),
            self.measure.code().into(),
            json(&self.unit)?,
            code(self.currency.as_ref()),
            self.decimals.into(),
            self.minimum.into(),
            self.maximum.into(),
            self.polarity.code().into(),
            optional_json(self.numerator.as_ref())?,
            optional_json(self.denominator.as_ref())?,
            self.multiplier.into(),
            self.frequency.code().into(),
            self.additivity.code().into(),
            self.effective_from.into(),
            self.counts_persons.into(),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            indicator: row.id()?,
            number: row.take()?,
            measure: row.parse()?,
            unit: row.json()?,
            currency: row.optional_parse()?,
            decimals: row.take()?,
            minimum: row.take()?,
            maximum: row.take()?,
            polarity: row.parse()?,
            numerator: row.optional_json()?,
            denominator: row.optional_json()?,
            multiplier: row.take()?,
            frequency: row.parse()?,
            additivity: row.parse()?,
            effective_from: row.take()?,
            counts_persons: row.take()?,
        })
    }

    fn sort(by: IndicatorVersionSort) -> SortColumn {
        match by {
            IndicatorVersionSort::Number => SortColumn::Integer("number"),
            IndicatorVersionSort::EffectiveFrom => SortColumn::Date("effective_from"),
        }
    }

    fn filter(filter: &IndicatorVersionFilter, conditions: &mut Where) {
        conditions.value("t.indicator_id = {}", filter.indicator.map(Uuid::from));
        conditions.value("t.number = {}", filter.number);
        conditions.value("t.effective_from <= {}", filter.effective_by);
        conditions.value("t.created_at <= {}", filter.known_at);
        conditions.value("(t.archived_at IS NULL OR t.archived_at > {})", filter.known_at);
        conditions.value("t.polarity = {}", filter.polarity.map(Polarity::code));
    }

    fn parent(parent: IndicatorVersionParent) -> ParentLink {
        match parent {
            IndicatorVersionParent::Indicator => ParentLink::column("t.indicator_id"),
        }
    }
}
