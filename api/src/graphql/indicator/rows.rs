//! Indicators as rows within longer lists.

use super::Indicator;
use crate::graphql::{
    context::Viewer,
    id,
    rows::{Column, Out, Plan, Row, Table},
    text::ServedText,
};

impl Row for Indicator {
    const TABLE: &'static Table = &Table {
        name: "Indicator",
        columns: &[
            Column::leaf("id"),
            Column::leaf("code"),
            Column::rows::<ServedText<'static>>("name"),
            Column::leaf("kind"),
            Column::leaf("issue"),
        ],
    };

    fn write(&self, column: usize, nested: &Plan, out: &mut Out<'_>) {
        let record = &self.0;
        match column {
            0 => out.value(id::encode(record.id).as_str()),
            1 => out.value(record.code.as_str()),
            2 => {
                let wanted = out.data::<Viewer>().map_or(&[][..], |viewer| viewer.languages.as_slice());
                out.row(Some(&ServedText::of(&record.name, wanted)), nested);
            }
            // The codes of these lists are the names in the schema.
            3 => out.value(&record.kind),
            4 => out.value(&record.issue),
            _ => out.null(),
        }
    }
}
