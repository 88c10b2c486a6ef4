//! Writing tidy CSV: every column that its reader knows, so that nothing is lost.

use domain::{export::ExportOutline, text::LanguageTag};

use super::{AREA, DIMENSION};
use crate::exchange::export::{Dimensions, FigureWriter, LeftOut, Line, moment, number, push_csv, text};

/// The columns before those of the dimensions.
const COLUMNS: [&str; 18] = [
    AREA,
    "areanm",
    "geography",
    "indicator",
    "period",
    "observation",
    "measure",
    "unit",
    "numerator",
    "denominator",
    "lci_95",
    "uci_95",
    "status",
    "confidentiality",
    "embargo_until",
    "notes",
    "external_id",
    "source",
];

/// Writes tidy CSV.
pub struct Writer {
    dimensions: Dimensions,
    language: LanguageTag,
}

impl Writer {
    /// For the figures of this outline.
    pub fn new(outline: &ExportOutline, language: LanguageTag) -> Self {
        // Readers take names that differ in capitals alone for one column that stands twice.
        Self { dimensions: Dimensions::new(&outline.dimensions, |_| true, str::to_lowercase), language }
    }
}

impl FigureWriter for Writer {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let dimensions = self.dimensions.names().map(|name| format!("{DIMENSION}{name}"));
        push_csv(out, COLUMNS.iter().map(|name| (*name).to_owned()).chain(dimensions));
    }

    fn figure(&mut self, line: &Line<'_>, out: &mut Vec<u8>) -> Result<(), LeftOut> {
        let (of, figure, place) = (line.of, &line.of.figure, line.place);
        let code = place.code.as_deref().filter(|code| !super::is_none(code)).ok_or(LeftOut::NoCode)?;
        let parts = self.dimensions.cells(&of.disaggregation, "", |_| true)?;
        let mut measure = of.version.measure.code().to_lowercase();
        if let Some(currency) = &of.version.currency {
            measure.extend([" ", currency.as_str()]);
        }
        let cells: [&str; 18] = [
            code,
            &place.name,
            place.kind,
            of.indicator.code.as_str(),
            &of.period.to_string(),
            &number(figure.value),
            &measure,
            text(&of.version.unit, &self.language),
            &number(figure.numerator),
            &number(figure.denominator),
            &number(figure.lower),
            &number(figure.upper),
            figure.status.code(),
            figure.confidentiality.code(),
            &figure.embargo_until.map(moment).unwrap_or_default(),
            figure.note.as_deref().unwrap_or_default(),
            figure.external_id.as_deref().unwrap_or_default(),
            of.source.key.as_str(),
        ];
        push_csv(out, cells.into_iter().chain(parts));
        Ok(())
    }
}
