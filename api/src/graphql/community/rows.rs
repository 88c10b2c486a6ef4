//! Communities as rows within longer lists.

use super::Community;
use crate::graphql::{
    context::Viewer,
    id,
    rows::{Column, Out, Plan, Row, Table},
    scalars::written,
    text::ServedText,
};

impl Row for Community {
    const TABLE: &'static Table = &Table {
        name: "Community",
        columns: &[
            Column::leaf("id"),
            Column::leaf("slug"),
            Column::rows::<ServedText<'static>>("name"),
            Column::leaf("kind"),
            Column::leaf("country"),
            Column::leaf("subdivision"),
            Column::leaf("timezone"),
            Column::leaf("version"),
            Column::leaf("createdAt"),
            Column::leaf("updatedAt"),
            Column::leaf("archivedAt"),
        ],
    };

    fn write(&self, column: usize, nested: &Plan, out: &mut Out<'_>) {
        let (record, meta) = (&self.0, &self.0.meta);
        match column {
            0 => out.value(id::encode(record.id).as_str()),
            1 => out.value(record.slug.as_str()),
            2 => {
                let wanted = out.data::<Viewer>().map_or(&[][..], |viewer| viewer.languages.as_slice());
                out.row(Some(&ServedText::of(&record.name, wanted)), nested);
            }
            // The codes of the list are the names in the schema.
            3 => out.value(&record.kind),
            4 => out.value(record.country.as_str()),
            5 => out.value(&record.subdivision),
            6 => out.value(&record.timezone),
            7 => out.value(&meta.version),
            8 => out.value(&written::moment(&meta.created_at)),
            9 => out.value(&written::moment(&meta.updated_at)),
            10 => out.value(&meta.archived_at.as_ref().map(written::moment)),
            _ => out.null(),
        }
    }
}
