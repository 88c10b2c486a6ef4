//! Texts in several languages, and how a reader's languages choose among them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor},
};

/// Why a text or language tag was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Not a language tag.
    #[error("“{0}” is not a language tag of BCP 47, such as en, fr or fr-CA")]
    Tag(String),
    /// It stands in too many languages.
    #[error("a text stands in at most {MOST_TRANSLATIONS} languages")]
    TooMany,
    /// The language that the text was written in is missing.
    #[error("the text is missing in {0}, the language it was written in")]
    NoSource(LanguageTag),
    /// Two texts in one language, perhaps under two spellings of its tag.
    #[error("the text stands twice in {0}")]
    Twice(LanguageTag),
    /// Nothing but white space.
    #[error("the text is blank in {0}")]
    Blank(LanguageTag),
    /// Control characters.
    #[error("the text holds control characters in {0}")]
    Control(LanguageTag),
    /// Over long.
    #[error("the text is longer than {max} characters in {language}")]
    TooLong {
        /// In which language.
        language: LanguageTag,
        /// The longest allowed.
        max: usize,
    },
}

/// A language tag of BCP 47 in its usual spelling: `en`, `fr-CA`, `zh-Hant`. At most 35 characters (RFC 5646, 4.4.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LanguageTag(String);

impl LanguageTag {
    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The primary language: `fr` of `fr-CA`.
    pub fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }

    /// The tag and its shorter forms: `zh-Hant-TW`, `zh-Hant`, `zh` (the lookup of RFC 4647, 3.4).
    pub fn lookup(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.0.as_str()), |tag| tag.rsplit_once('-').map(|(shorter, _)| shorter))
    }
}

impl FromStr for LanguageTag {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let refuse = || TextError::Tag(text.chars().take(40).collect());
        if text.len() > 35 {
            return Err(refuse());
        }
        let tag = oxilangtag::LanguageTag::parse_and_normalize(text).map_err(|_| refuse())?;
        Ok(Self(tag.into_inner()))
    }
}

impl TryFrom<String> for LanguageTag {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        text.parse()
    }
}

impl From<LanguageTag> for String {
    fn from(tag: LanguageTag) -> Self {
        tag.0
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The most languages that a text stands in.
pub const MOST_TRANSLATIONS: usize = 50;

/// A text in one or more languages, one of which it was written in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct LocalizedText {
    source: LanguageTag,
    texts: BTreeMap<LanguageTag, String>,
}

#[derive(Serialize, Deserialize)]
struct Parts {
    source: LanguageTag,
    #[serde(deserialize_with = "each_once")]
    texts: BTreeMap<LanguageTag, String>,
}

impl TryFrom<Parts> for LocalizedText {
    type Error = TextError;

    fn try_from(Parts { source, texts }: Parts) -> Result<Self, TextError> {
        Self::from_parts(source, texts)
    }
}

impl From<LocalizedText> for Parts {
    fn from(LocalizedText { source, texts }: LocalizedText) -> Self {
        Self { source, texts }
    }
}

/// Reads texts by language and refuses a language that stands twice: `fr-ca` and `fr-CA` are one, and neither of two texts
/// is dropped in silence.
///
/// # Errors
/// [`TextError::Twice`] and [`TextError::Tag`], as errors of the deserializer.
pub fn each_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<LanguageTag, String>, D::Error> {
    struct EachOnce;

    impl<'de> Visitor<'de> for EachOnce {
        type Value = BTreeMap<LanguageTag, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("texts by language tag")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut texts = BTreeMap::new();
            while let Some((language, text)) = map.next_entry::<LanguageTag, String>()? {
                if texts.contains_key(&language) {
                    return Err(A::Error::custom(TextError::Twice(language)));
                }
                texts.insert(language, text);
            }
            Ok(texts)
        }
    }

    deserializer.deserialize_map(EachOnce)
}

/// A text as chosen for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served<'a> {
    /// The text.
    pub text: &'a str,
    /// Its language.
    pub language: &'a LanguageTag,
}

impl LocalizedText {
    /// A text in the one language that it was written in.
    pub fn new(source: LanguageTag, text: impl Into<String>) -> Result<Self, TextError> {
        Self::from_parts(source.clone(), BTreeMap::from([(source, text.into())]))
    }

    /// A text in several languages. White space at the ends is dropped, and lines end in a line feed alone.
    pub fn from_parts(source: LanguageTag, texts: BTreeMap<LanguageTag, String>) -> Result<Self, TextError> {
        let mut kept = BTreeMap::new();
        for (language, text) in texts {
            let text = clean(&language, &text)?;
            kept.insert(language, text);
        }
        if kept.len() > MOST_TRANSLATIONS {
            return Err(TextError::TooMany);
        }
        if kept.contains_key(&source) { Ok(Self { source, texts: kept }) } else { Err(TextError::NoSource(source)) }
    }

    /// The same with this text in this language, in place of any that it had.
    pub fn with(mut self, language: LanguageTag, text: &str) -> Result<Self, TextError> {
        let text = clean(&language, text)?;
        self.texts.insert(language, text);
        if self.texts.len() > MOST_TRANSLATIONS { Err(TextError::TooMany) } else { Ok(self) }
    }

    /// Refuses a text of more than `max` characters in any language.
    pub fn check_length(&self, max: usize) -> Result<(), TextError> {
        match self.texts.iter().find(|(_, text)| text.chars().count() > max) {
            Some((language, _)) => Err(TextError::TooLong { language: language.clone(), max }),
            None => Ok(()),
        }
    }

    /// The language it was written in.
    pub const fn source(&self) -> &LanguageTag {
        &self.source
    }

    /// The text in exactly this language.
    pub fn get(&self, language: &LanguageTag) -> Option<&str> {
        self.texts.get(language).map(String::as_str)
    }

    /// The languages that it has, in the order of their tags.
    pub fn languages(&self) -> impl Iterator<Item = &LanguageTag> {
        self.texts.keys()
    }

    /// The text in every language that it has.
    pub fn iter(&self) -> impl Iterator<Item = (&LanguageTag, &str)> {
        self.texts.iter().map(|(language, text)| (language, text.as_str()))
    }

    /// The text for a reader who wants these languages, best first. For each wanted tag in turn: the tag itself, then its
    /// shorter forms, then another regional form of the same language, the first by its tag. If no wanted language is
    /// there: the one that it was written in.
    pub fn resolve(&self, wanted: &[LanguageTag]) -> Served<'_> {
        let found = wanted.iter().find_map(|tag| self.lookup(tag));
        let source = || (&self.source, self.texts.get(&self.source).map_or("", String::as_str));
        let (language, text) = found.unwrap_or_else(source);
        Served { text, language }
    }

    fn lookup(&self, wanted: &LanguageTag) -> Option<(&LanguageTag, &str)> {
        let exact = wanted.lookup().find_map(|form| self.iter().find(|(tag, _)| tag.as_str() == form));
        // One letter (`x-…`, `i-…`) is no language that two tags could have in common.
        let regional = || self.iter().find(|(tag, _)| tag.primary().len() > 1 && tag.primary() == wanted.primary());
        exact.or_else(regional)
    }
}

/// The text as it is kept, or why it is not.
fn clean(language: &LanguageTag, text: &str) -> Result<String, TextError> {
    let text = text.trim().replace("\r\n", "\n");
    if text.is_empty() {
        return Err(TextError::Blank(language.clone()));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(TextError::Control(language.clone()));
    }
    Ok(text)
}

/// The languages that a reader wants, best first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Languages(Vec<LanguageTag>);

/// As many languages as anybody needs to name; the rest of a longer list is not read.
const MAX_LANGUAGES: usize = 16;

impl Languages {
    /// These languages.
    pub fn from_tags(mut tags: Vec<LanguageTag>) -> Self {
        tags.truncate(MAX_LANGUAGES);
        Self(tags)
    }

    /// Reads an `Accept-Language` header (RFC 9110, 12.5.4): by quality, equal ones in their order; `q=0`, `*` and what
    /// cannot be read are passed over; at most the first 1 024 bytes and 16 languages.
    pub fn parse_accept_language(header: &str) -> Self {
        // A tag that the limit cuts in two could read as another language, so the last whole part is the end.
        let header = match header.get(..header.floor_char_boundary(1_024)) {
            Some(start) if start.len() < header.len() => start.rsplit_once(',').map_or("", |(whole, _)| whole),
            _ => header,
        };
        let mut ranked: Vec<(f32, LanguageTag)> = header.split(',').take(64).filter_map(ranked_language).collect();
        ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        Self::from_tags(ranked.into_iter().map(|(_, tag)| tag).collect())
    }

    /// The languages, as [`LocalizedText::resolve`] takes them.
    pub fn as_slice(&self) -> &[LanguageTag] {
        &self.0
    }

    /// The languages.
    pub fn iter(&self) -> impl Iterator<Item = &LanguageTag> {
        self.0.iter()
    }
}

fn ranked_language(part: &str) -> Option<(f32, LanguageTag)> {
    let mut pieces = part.split(';').map(str::trim);
    let tag = pieces.next()?.parse().ok()?;
    let quality = match pieces.next() {
        None => 1.0,
        Some(parameter) => parameter
            .strip_prefix(['q', 'Q'])?
            .strip_prefix('=')?
            .trim()
            .parse::<f32>()
            .ok()
            .filter(|q| (0.0..=1.0).contains(q))?,
    };
    (quality > 0.0).then_some((quality, tag))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn tag(text: &str) -> LanguageTag {
        text.parse().unwrap()
    }

    fn text(languages: &[&str]) -> LocalizedText {
        let texts = languages.iter().map(|language| (tag(language), format!("in {language}"))).collect();
        LocalizedText::from_parts(tag(languages[0]), texts).unwrap()
    }

    #[rstest]
    #[case("FR-ca", Some("fr-CA"))]
    #[case("zh-hant-tw", Some("zh-Hant-TW"))]
    #[case("", None)]
    #[case("français", None)]
    #[case("en_CA", None)]
    fn a_tag_is_read_and_spelt_as_usual(#[case] given: &str, #[case] expected: Option<&str>) {
        assert_eq!(given.parse::<LanguageTag>().ok().as_ref().map(LanguageTag::as_str), expected);
    }

    #[rstest]
    #[case(&["en", "fr"], &["fr"], "fr")]
    #[case(&["en", "fr"], &["fr-CA"], "fr")]
    #[case(&["en", "fr-CA"], &["fr-FR"], "fr-CA")]
    #[case(&["en", "fr-BE", "fr-CA"], &["fr"], "fr-BE")]
    #[case(&["en", "fr"], &["de", "fr"], "fr")]
    #[case(&["en", "fr"], &["de"], "en")]
    #[case(&["fr", "en"], &[], "fr")]
    #[case(&["en", "fr-CA", "fr"], &["fr-CA"], "fr-CA")]
    #[case(&["en", "x-one"], &["x-two"], "en")]
    fn the_fallback_is_the_documented_one(#[case] has: &[&str], #[case] wants: &[&str], #[case] served: &str) {
        let wanted: Vec<_> = wants.iter().map(|language| tag(language)).collect();
        assert_eq!(text(has).resolve(&wanted).language.as_str(), served);
    }

    #[rstest]
    #[case("fr-CA,fr;q=0.9,en;q=0.8", &["fr-CA", "fr", "en"])]
    #[case("en;q=0.1, fr", &["fr", "en"])]
    #[case("en;Q=0.1, fr", &["fr", "en"])]
    #[case("*, de;q=0, en", &["en"])]
    #[case("q=;;,,fr;q=2,en;x=1", &[])]
    fn accept_language_is_ranked(#[case] header: &str, #[case] expected: &[&str]) {
        let languages = Languages::parse_accept_language(header);
        assert_eq!(languages.iter().map(LanguageTag::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_text_needs_its_source_and_words() {
        assert!(LocalizedText::new(tag("en"), "  ").is_err());
        assert!(LocalizedText::from_parts(tag("en"), [(tag("fr"), "mot".to_owned())].into()).is_err());
        assert!(LocalizedText::new(tag("en"), "bell\u{7}").is_err());
        assert!(LocalizedText::new(tag("en"), "ééé").unwrap().check_length(3).is_ok());
        assert!(LocalizedText::new(tag("en"), "éééé").unwrap().check_length(3).is_err());
    }

    #[rstest]
    #[case("fr-CA", "fr-ca")]
    #[case("fr-ca", "fr-CA")]
    #[case("fr", "fr")]
    fn a_language_that_stands_twice_is_refused(#[case] first: &str, #[case] second: &str) {
        let json = format!(r#"{{"source":"en","texts":{{"en":"a","{first}":"b","{second}":"c"}}}}"#);
        let refused = serde_json::from_str::<LocalizedText>(&json).unwrap_err().to_string();
        assert!(refused.starts_with(&TextError::Twice(tag(first)).to_string()), "{refused}");
    }

    #[test]
    fn a_long_header_is_cut_between_its_parts() {
        let served = |header: &str| Languages::parse_accept_language(header).as_slice().to_vec();
        assert_eq!(served(&format!("{},de,eng,fr", "x".repeat(1_018))), [tag("de")]);
        // The limit falls into the two bytes of é.
        assert_eq!(served(&format!("de,{}é,fr", "x".repeat(1_020))), [tag("de")]);
        assert_eq!(served(&format!("{}é,fr", "x".repeat(1_023))), []);
    }

    #[test]
    fn a_text_gains_a_language_and_keeps_its_lines() {
        let text = LocalizedText::new(tag("en"), " one\r\ntwo ").unwrap();
        assert_eq!(text.get(&tag("en")), Some("one\ntwo"));
        let both = text.clone().with(tag("fr"), "un\tdeux").unwrap();
        assert_eq!(both.languages().map(LanguageTag::as_str).collect::<Vec<_>>(), ["en", "fr"]);
        assert_eq!(text.clone().with(tag("fr"), " "), Err(TextError::Blank(tag("fr"))));
        assert_eq!(text.with(tag("fr"), "a\rb"), Err(TextError::Control(tag("fr"))));
    }

    proptest! {
        #[test]
        fn the_order_of_preference_is_kept(
            has in proptest::sample::subsequence(vec!["de", "en", "fr", "iu"], 1..=4),
            wants in proptest::sample::subsequence(vec!["de", "fr", "iu", "pt"], 0..=4).prop_shuffle(),
        ) {
            let wanted: Vec<_> = wants.iter().map(|language| tag(language)).collect();
            let expected = wants.iter().find(|language| has.contains(language)).unwrap_or(&has[0]);
            let text = text(&has);
            prop_assert_eq!(text.resolve(&wanted).language.as_str(), *expected);
        }

        #[test]
        fn something_is_always_served_and_an_exact_match_wins(
            has in proptest::sample::subsequence(vec!["de", "en", "fr", "fr-CA", "iu", "zh-Hant"], 1..=6),
            wants in proptest::collection::vec(proptest::sample::select(vec!["de", "en-GB", "fr", "fr-CA", "iu", "pt", "zh-Hant-TW"]), 0..5),
        ) {
            let text = text(&has);
            let wanted: Vec<_> = wants.iter().map(|language| tag(language)).collect();
            let served = text.resolve(&wanted);
            prop_assert_eq!(text.get(served.language), Some(served.text));
            if let Some(first) = wanted.first() && text.get(first).is_some() {
                prop_assert_eq!(served.language, first);
            }
        }

        #[test]
        fn any_header_is_read(header in ".{0,1100}") {
            prop_assert!(Languages::parse_accept_language(&header).iter().count() <= MAX_LANGUAGES);
        }

        #[test]
        fn a_text_comes_back_from_json(en in "[a-zé][a-z \"\n]{0,40}", fr in "[a-zé]{1,40}") {
            let text = LocalizedText::from_parts(tag("en"), [(tag("en"), en), (tag("fr"), fr)].into()).unwrap();
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<LocalizedText>(&json).unwrap(), text);
        }
    }
}
