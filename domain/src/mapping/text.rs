//! Texts that are put together for each figure.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapAccessDeserializer, value::SeqAccessDeserializer},
};

/// A text of several parts, one after the other; without parts it is blank.
///
/// In JSON a list of parts, a part alone, or a plain text, which is a constant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(pub Vec<Part>);

/// A part of a text: exactly one of `constant`, `column`, `capture`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    /// Always the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constant: Option<String>,
    /// The cell of the row in this column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What the pattern of the figure's column captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<String>,
    /// Filled up with zeros at its beginning to so many characters, where it is not blank: `1` is `001`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// What each cell stands for. A cell that is not listed is refused unless there is an `otherwise`, a blank one stays
    /// blank unless it is listed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// What is said instead for cells that are not listed: the same cell as it stands, that of another column, a constant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Text>,
}

impl Part {
    /// A constant.
    pub fn constant(text: impl Into<String>) -> Self {
        Self { constant: Some(text.into()), ..Self::default() }
    }

    /// A cell.
    pub fn column(name: impl Into<String>) -> Self {
        Self { column: Some(name.into()), ..Self::default() }
    }

    /// A capture.
    pub fn capture(name: impl Into<String>) -> Self {
        Self { capture: Some(name.into()), ..Self::default() }
    }

    /// Adds what the part says to `text`, where `found` is the cell, capture or constant. Answers whether it says anything
    /// at all: a value that is not listed says nothing.
    pub fn write(&self, found: &str, text: &mut String) -> bool {
        let found = match self.values.get(found) {
            Some(means) => means,
            None if self.values.is_empty() || found.is_empty() => found,
            None => return false,
        };
        if let Some(width) = self.width.filter(|_| !found.is_empty()) {
            text.extend(std::iter::repeat_n('0', width.saturating_sub(found.chars().count())));
        }
        text.push_str(found);
        true
    }
}

impl Text {
    /// Always the same.
    pub fn constant(text: impl Into<String>) -> Self {
        Self(vec![Part::constant(text)])
    }

    /// The cell of a column.
    pub fn column(name: impl Into<String>) -> Self {
        Self(vec![Part::column(name)])
    }

    /// What a pattern captured.
    pub fn capture(name: impl Into<String>) -> Self {
        Self(vec![Part::capture(name)])
    }

    /// Whether there are no parts.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole text, if it is a constant.
    pub fn as_constant(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part { constant: Some(constant), .. }] => Some(constant),
            _ => None,
        }
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.as_constant(), self.0.as_slice()) {
            (Some(constant), _) => serializer.serialize_str(constant),
            (None, [part]) => part.serialize(serializer),
            (None, parts) => parts.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Reads the three forms, so that an error says what is wrong within the form that was meant.
struct Reader;

impl<'de> de::Visitor<'de> for Reader {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, {\"column\": NAME}, or a list of such parts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text::constant(text))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
        Part::deserialize(MapAccessDeserializer::new(map)).map(|part| Text(vec![part]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Text, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_read_and_written() {
        for json in [
            r#""county""#,
            r#"{"column":"year"}"#,
            r#"[{"column":"state","width":2},{"constant":"-"},{"capture":"x","values":{"a":"b"}}]"#,
            r#"{"column":"kind","values":{"0":"nation"},"otherwise":{"column":"kind","values":{"1":"state"},"otherwise":"county"}}"#,
            "[]",
        ] {
            let text: Text = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&text).unwrap(), json);
        }
        let error = serde_json::from_str::<Text>(r#"{"colum":"year"}"#).unwrap_err().to_string();
        assert!(error.contains("colum"), "{error}");
    }

    #[test]
    fn a_part_is_filled_up_and_looked_up() {
        let written = |part: &Part, found: &str| {
            let mut text = String::new();
            part.write(found, &mut text).then_some(text)
        };
        let code = Part { width: Some(3), ..Part::column("x") };
        assert_eq!(written(&code, "7").as_deref(), Some("007"));
        assert_eq!(written(&code, "1234").as_deref(), Some("1234"));
        assert_eq!(written(&code, "").as_deref(), Some(""));
        let coded = Part { values: [("1".to_owned(), "2020".to_owned())].into(), ..Part::column("x") };
        assert_eq!(written(&coded, "1").as_deref(), Some("2020"));
        assert_eq!(written(&coded, "2"), None);
        assert_eq!(written(&coded, "").as_deref(), Some(""));
    }
}
