//! Writing the Basic tier: an organization for the network and for each community, an indicator for each, and a report for
//! each figure.

use std::collections::HashSet;

use domain::{
    export::{ExportOutline, ExportedFigure},
    fold::fold,
    key::Code,
    text::LanguageTag,
};
use serde_json::{Value, json};

use super::context::KNOWN;
use crate::exchange::export::{FigureWriter, LeftOut, Line, Place, plain_only, push_json, text};

/// Writes JSON-LD.
pub struct Writer {
    network: Value,
    network_id: String,
    language: LanguageTag,
    /// Names that several of the indicators have, folded.
    shared: HashSet<String>,
    /// Nodes that are written already.
    known: HashSet<String>,
    any: bool,
}

impl Writer {
    /// For the figures of this outline.
    pub fn new(outline: &ExportOutline, language: LanguageTag) -> Self {
        let network_id = format!("urn:concert:network:{}", outline.network.slug);
        let network = json!({ "@id": network_id, "@type": "cids:Organization",
            "hasLegalName": text(&outline.network.name, &language) });
        let mut names = HashSet::new();
        let folded = outline.indicators.iter().flat_map(|indicator| {
            // A name in several languages is one name.
            indicator.name.iter().map(|(_, name)| fold(name)).collect::<HashSet<_>>()
        });
        let shared = folded.filter(|name| !names.insert(name.clone())).collect();
        Self { network, network_id, language, shared, known: HashSet::new(), any: false }
    }

    fn node(&mut self, mut node: Value, out: &mut Vec<u8>) {
        let comma: &[u8] = if std::mem::replace(&mut self.any, true) { b",\n" } else { b"\n" };
        out.extend_from_slice(comma);
        let [context, ..] = KNOWN;
        if let Some(map) = node.as_object_mut() {
            map.insert("@context".to_owned(), context.into());
        }
        push_json(out, &node);
    }

    /// Writes a community as an organization, once; answers its identifier.
    fn organization(&mut self, place: &Place, out: &mut Vec<u8>) -> String {
        let id = place.code.clone().unwrap_or_else(|| format!("urn:concert:community:{}", place.slug));
        if self.known.insert(id.clone()) {
            self.node(json!({ "@id": id, "@type": "cids:Organization", "hasLegalName": place.name }), out);
        }
        id
    }

    /// Writes an indicator, once; answers its identifier.
    fn indicator(&mut self, of: &ExportedFigure, out: &mut Vec<u8>) -> String {
        let code = &of.indicator.code;
        let id = format!("urn:concert:indicator:{code}");
        if self.known.insert(id.clone()) {
            let name = text(&of.indicator.name, &self.language);
            // Readers look for a code first, and for a name that is one's alone.
            let is_clear = name.parse::<Code>().is_err() && !self.shared.contains(&fold(name));
            let mut node = json!({ "@id": id, "@type": "cids:Indicator", "hasName": if is_clear { name } else { code.as_str() },
                "unitDescription": text(&of.version.unit, &self.language), "forOrganization": self.network_id });
            let described = of.indicator.description.as_ref().map(|description| text(description, &self.language));
            if let (Some(description), Some(map)) = (described, node.as_object_mut()) {
                map.insert("hasDescription".to_owned(), description.into());
            }
            self.node(node, out);
        }
        id
    }
}

impl FigureWriter for Writer {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.push(b'[');
        let network = self.network.clone();
        self.node(network, out);
    }

    fn figure(&mut self, line: &Line<'_>, out: &mut Vec<u8>) -> Result<(), LeftOut> {
        let (of, period) = (line.of, line.of.period);
        let value = plain_only(&of.figure, line.now)?;
        if !of.disaggregation.is_total() {
            return Err(LeftOut::Part);
        }
        let organization = self.organization(line.place, out);
        let indicator = self.indicator(of, out);
        let (slug, code) = (&line.place.slug, &of.indicator.code);
        // The last second tells a last day from a midnight that a period ends before.
        let mut node = json!({ "@id": format!("urn:concert:figure:{slug}:{code}:{}:{period}", of.source.key),
            "@type": "cids:IndicatorReport", "hasName": format!("{}, {code}, {period}", line.place.name),
            "forIndicator": indicator, "forOrganization": organization,
            "startedAtTime": format!("{}T00:00:00Z", period.start()),
            "endedAtTime": format!("{}T23:59:59Z", period.last_day()),
            "value": { "@type": "i72:Measure", "hasNumericalValue": value.to_string() } });
        if let (Some(note), Some(map)) = (&of.figure.note, node.as_object_mut()) {
            map.insert("hasComment".to_owned(), note.as_str().into());
        }
        self.node(node, out);
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\n]\n");
    }
}
