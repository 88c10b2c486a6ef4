//! Writing an Open SDG file: the figures of one indicator.

use domain::export::ExportOutline;

use super::{COMMENT, GEOGRAPHY, STATUS, VALUE, YEAR};
use crate::exchange::export::{Dimensions, FigureWriter, LeftOut, Line, number, push_csv};

/// Writes an Open SDG file.
pub struct Writer {
    dimensions: Dimensions,
    /// Whether there is a column of codes.
    by_code: bool,
}

impl Writer {
    /// For the figures of this outline, with or without a column of codes.
    pub fn new(outline: &ExportOutline, by_code: bool) -> Self {
        let dimensions = Dimensions::new(&outline.dimensions, super::is_dimension, str::to_owned);
        Self { dimensions, by_code }
    }

    fn row<'a>(
        &self,
        first: [&'a str; 2],
        parts: Vec<&'a str>,
        rest: [&'a str; 2],
        code: &'a str,
        value: &'a str,
    ) -> Vec<&'a str> {
        // The format wants the year first, the value last, and the code before it.
        let code = self.by_code.then_some(code);
        first.into_iter().chain(parts).chain(rest).chain(code).chain([value]).collect()
    }
}

impl FigureWriter for Writer {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let parts = self.dimensions.names().collect();
        let header = self.row([YEAR, GEOGRAPHY], parts, [STATUS, COMMENT], "GeoCode", VALUE);
        push_csv(out, header);
    }

    fn figure(&mut self, line: &Line<'_>, out: &mut Vec<u8>) -> Result<(), LeftOut> {
        let (of, figure, place) = (line.of, &line.of.figure, line.place);
        if !figure.is_public(line.now) {
            return Err(LeftOut::Confidential);
        }
        // A prefix that readers take away.
        let is_bare = |text: &str| super::bare(text) == text;
        if !is_bare(&place.name) {
            return Err(LeftOut::Ambiguous);
        }
        let parts = self.dimensions.cells(&of.disaggregation, "", is_bare)?;
        let (period, value) = (of.period.to_string(), number(figure.value));
        let rest = [figure.status.code(), figure.note.as_deref().unwrap_or_default()];
        let code = place.code.as_deref().unwrap_or_default();
        push_csv(out, self.row([&period, &place.name], parts, rest, code, &value));
        Ok(())
    }
}
