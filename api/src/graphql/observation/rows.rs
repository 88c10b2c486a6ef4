//! Observations as rows: long lists of them are written at once.

use async_graphql::resolver_utils::{EnumType, enum_value};
use domain::observation as noun;

use super::{Confidentiality, ObservationStatus};
use crate::graphql::{
    id,
    indicator::PeriodKind,
    rows::{Column, Out, Plan, Row, Table},
    scalars::written,
};

impl Row for noun::Observation {
    const TABLE: &'static Table = &Table {
        name: "Observation",
        columns: &[
            Column::leaf("id"),
            Column::leaf("period"),
            Column::leaf("periodKind"),
            Column::leaf("startsOn"),
            Column::leaf("endsOn"),
            Column::leaf("value"),
            Column::leaf("numerator"),
            Column::leaf("denominator"),
            Column::leaf("lower"),
            Column::leaf("upper"),
            Column::leaf("status"),
            Column::leaf("confidentiality"),
            Column::leaf("embargoUntil"),
            Column::leaf("note"),
            Column::leaf("externalId"),
            Column::leaf("revision"),
            Column::leaf("recordedAt"),
            Column::leaf("supersededAt"),
        ],
    };

    fn write(&self, column: usize, _: &Plan, out: &mut Out<'_>) {
        let figure = &self.figure;
        match column {
            0 => out.value(id::encode_observation(self.series, self.period, self.revision).as_str()),
            1 => out.value(&self.period),
            2 => name(PeriodKind::from(self.period.kind()), out),
            3 => out.value(&written::date(&self.period.start())),
            4 => out.value(&written::date(&self.period.last_day())),
            5 => out.value(&figure.value),
            6 => out.value(&figure.numerator),
            7 => out.value(&figure.denominator),
            8 => out.value(&figure.lower),
            9 => out.value(&figure.upper),
            10 => name(ObservationStatus::from(figure.status), out),
            11 => name(Confidentiality::from(figure.confidentiality), out),
            12 => out.value(&figure.embargo_until.as_ref().map(written::moment)),
            13 => out.value(&figure.note),
            14 => out.value(&figure.external_id),
            15 => out.value(&self.revision),
            16 => out.value(&written::moment(&self.recorded_at)),
            17 => out.value(&self.superseded_at.as_ref().map(written::moment)),
            _ => out.null(),
        }
    }
}

/// The name of an enumeration's value in the schema.
fn name<E: EnumType>(value: E, out: &mut Out<'_>) {
    out.value(&enum_value(value));
}
