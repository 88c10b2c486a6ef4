//! Entries of comparisons as rows: a thousand of them are written at once.

use super::{ComparisonEntry, noun};
use crate::graphql::{
    community::Community,
    id,
    rows::{Column, Out, Plan, Row, Table},
    scalars::written,
};

const COMMUNITY: usize = 0;

impl Row for ComparisonEntry {
    const TABLE: &'static Table = &Table {
        name: "ComparisonEntry",
        columns: &[
            Column::rows::<Community>("community"),
            Column::rows::<domain::observation::Observation>("current"),
            Column::rows::<domain::observation::Observation>("baseline"),
            Column::leaf("baselineDeclared"),
            Column::leaf("change"),
            Column::leaf("percentChange"),
            Column::leaf("improvement"),
            Column::rows::<noun::TargetFigure>("target"),
            Column::leaf("percentile"),
            Column::rows::<noun::Rank>("rank"),
            Column::leaf("comparability"),
            Column::leaf("reasons"),
            Column::leaf("compared"),
        ],
    };

    fn holds(&self, column: usize) -> bool {
        column != COMMUNITY || self.loaded.is_some()
    }

    fn write(&self, column: usize, nested: &Plan, out: &mut Out<'_>) {
        let cell = self.cell();
        match column {
            COMMUNITY => out.row(self.loaded.as_ref(), nested),
            1 => out.row(cell.map(|cell| &cell.current), nested),
            2 => out.row(cell.and_then(|cell| cell.baseline.as_ref()), nested),
            3 => out.value(&cell.is_some_and(|cell| cell.baseline_declared)),
            4 => out.value(&cell.and_then(|cell| cell.change)),
            5 => out.value(&cell.and_then(|cell| cell.percent_change)),
            6 => out.value(&cell.and_then(|cell| cell.improvement)),
            7 => out.row(cell.and_then(|cell| cell.target.as_ref()), nested),
            8 => out.value(&cell.and_then(|cell| cell.percentile)),
            9 => out.row(cell.and_then(|cell| cell.rank.as_ref()), nested),
            // The codes of these lists are the names in the schema.
            10 => out.value(&cell.map(|cell| cell.comparability)),
            11 => out.value(cell.map_or(&[][..], |cell| &cell.reasons)),
            12 => out.value(&cell.is_some_and(|cell| cell.compared)),
            _ => out.null(),
        }
    }
}

impl Row for noun::TargetFigure {
    const TABLE: &'static Table = &Table {
        name: "ComparisonTarget",
        columns: &[
            Column::leaf("id"),
            Column::leaf("value"),
            Column::leaf("dueOn"),
            Column::leaf("own"),
            Column::leaf("gap"),
            Column::leaf("progress"),
        ],
    };

    fn write(&self, column: usize, _: &Plan, out: &mut Out<'_>) {
        match column {
            0 => out.value(id::encode(self.id).as_str()),
            1 => out.value(&self.value),
            2 => out.value(&written::date(&self.due_on)),
            3 => out.value(&self.own),
            4 => out.value(&self.gap),
            5 => out.value(&self.progress),
            _ => out.null(),
        }
    }
}

impl Row for noun::Rank {
    const TABLE: &'static Table =
        &Table { name: "Rank", columns: &[Column::leaf("position"), Column::leaf("best"), Column::leaf("worst")] };

    fn write(&self, column: usize, _: &Plan, out: &mut Out<'_>) {
        match column {
            0 => out.value(&self.position),
            1 => out.value(&self.best),
            2 => out.value(&self.worst),
            _ => out.null(),
        }
    }
}
