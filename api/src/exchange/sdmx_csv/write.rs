//! Writing SDMX-CSV.

use domain::{export::ExportOutline, text::LanguageTag};

use super::{
    COMMENT_OBS, CONF_STATUS, EMBARGO_TIME, INDICATOR, OBS_STATUS, OBS_VALUE, REF_AREA, TIME_PERIOD, UNIT_MEASURE,
    WHOLE, columns,
};
use crate::exchange::export::{Dimensions, FigureWriter, LeftOut, Line, SdmxVersion, moment, number, push_csv, text};

/// Writes SDMX-CSV.
pub struct Writer {
    dimensions: Dimensions,
    structure: String,
    action: &'static str,
    language: LanguageTag,
}

impl Writer {
    /// For the figures of this outline.
    pub fn new(outline: &ExportOutline, version: SdmxVersion, language: LanguageTag) -> Self {
        Self {
            dimensions: Dimensions::new(&outline.dimensions, columns::is_dimension, str::to_ascii_uppercase),
            structure: format!("CONCERT:{}(1.0.0)", outline.network.slug),
            action: match version {
                SdmxVersion::V20 => "I",
                SdmxVersion::V21 => "M",
            },
            language,
        }
    }
}

impl FigureWriter for Writer {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let before = ["STRUCTURE", "STRUCTURE_ID", "ACTION", REF_AREA, INDICATOR];
        let after =
            [TIME_PERIOD, OBS_VALUE, OBS_STATUS, CONF_STATUS, EMBARGO_TIME, UNIT_MEASURE, "DECIMALS", COMMENT_OBS];
        push_csv(out, before.into_iter().chain(self.dimensions.names()).chain(after));
    }

    fn figure(&mut self, line: &Line<'_>, out: &mut Vec<u8>) -> Result<(), LeftOut> {
        let (of, figure) = (line.of, &line.of.figure);
        let code = line.place.code.as_deref().ok_or(LeftOut::NoCode)?;
        let [whole, _] = WHOLE;
        let parts = self.dimensions.cells(&of.disaggregation, whole, |value| !WHOLE.contains(&value))?;
        let before: [&str; 5] = ["dataflow", &self.structure, self.action, code, of.indicator.code.as_str()];
        let (period, decimals) = (of.period.to_sdmx(), of.version.decimals.to_string());
        // What is missing is so on purpose, and its status says why.
        let value = if figure.value.is_some() { number(figure.value) } else { "NaN".to_owned() };
        let embargo = figure.embargo_until.map(moment).unwrap_or_default();
        let after: [&str; 8] = [
            &period,
            &value,
            figure.status.code(),
            figure.confidentiality.code(),
            &embargo,
            unit(text(&of.version.unit, &self.language)),
            &decimals,
            figure.note.as_deref().unwrap_or_default(),
        ];
        push_csv(out, before.into_iter().chain(parts).chain(after));
        Ok(())
    }
}

/// A unit as SDMX writes it; nothing for one that readers would take for another.
fn unit(unit: &str) -> &str {
    match unit {
        "%" => "PT",
        other if super::unit(other) == other => other,
        _ => "",
    }
}
