//! Texts in several languages.

use async_graphql::{Context, InputObject, SimpleObject};
use domain::error::{Error, FieldPath, ProblemCode, Result};

use super::{
    context::ContextExt as _,
    error::IntoGraphql as _,
    rows::{Column, Out, Plan, Row, Table},
    scalars::LanguageTag,
};

/// A text as served in one language. Which one: the `locale` of the field if it is given, then the languages of the
/// request's `Accept-Language` in their order; for each the exact tag, then its shorter forms (`fr-CA`, `fr`), then
/// another regional form of the same language. If none is there, the language that the text was written in.
#[derive(Debug, Clone, SimpleObject)]
pub struct LocalizedText {
    /// The text.
    pub text: String,
    /// The language it is served in.
    pub language: LanguageTag,
    /// The language it was written in.
    pub source_language: LanguageTag,
    /// The text in every language that it has.
    pub translations: Vec<Translation>,
}

/// A text in one language.
#[derive(Debug, Clone, SimpleObject)]
pub struct Translation {
    /// The language.
    pub language: LanguageTag,
    /// The text.
    pub text: String,
}

impl LocalizedText {
    /// The text as served to a reader who wants these languages, best first.
    pub fn serve(text: &domain::text::LocalizedText, wanted: &[domain::text::LanguageTag]) -> Self {
        let served = text.resolve(wanted);
        Self {
            text: served.text.to_owned(),
            language: served.language.clone().into(),
            source_language: text.source().clone().into(),
            translations: text
                .iter()
                .map(|(language, text)| Translation { language: language.clone().into(), text: text.to_owned() })
                .collect(),
        }
    }
}

/// A text to keep, in one or more languages.
#[derive(Debug, Clone, InputObject)]
pub struct LocalizedTextInput {
    /// The language that it was written in; one of the translations.
    pub source_language: LanguageTag,
    /// The text in every language that it has, each language once.
    pub translations: Vec<TranslationInput>,
}

/// A text in one language.
#[derive(Debug, Clone, InputObject)]
pub struct TranslationInput {
    /// The language.
    pub language: LanguageTag,
    /// The text; not blank.
    pub text: String,
}

impl LocalizedTextInput {
    /// The text given in the field `path`.
    pub fn get(self, path: &str) -> Result<domain::text::LocalizedText> {
        let at = FieldPath::from(path);
        let source = self.source_language.get(at.then("sourceLanguage"))?;
        let mut texts = std::collections::BTreeMap::new();
        for (index, translation) in self.translations.into_iter().enumerate() {
            let place = at.then("translations").then(index);
            let language = translation.language.get(place.then("language"))?;
            if texts.insert(language, translation.text).is_some() {
                return Err(Error::invalid(place.then("language"), ProblemCode::Taken, "this language stands twice"));
            }
        }
        domain::text::LocalizedText::from_parts(source, texts)
            .map_err(|error| Error::invalid(at.then("translations"), ProblemCode::Invalid, error.to_string()))
    }
}

/// Serves a text of a record to the reader of this request.
pub fn serve(
    ctx: &Context<'_>,
    text: &domain::text::LocalizedText,
    locale: Option<LanguageTag>,
) -> async_graphql::Result<LocalizedText> {
    let locale = locale.map(|tag| tag.get("locale")).transpose().into_graphql()?;
    Ok(LocalizedText::serve(text, &ctx.languages(locale)))
}

/// The same for a text that may be absent.
pub fn serve_opt(
    ctx: &Context<'_>,
    text: Option<&domain::text::LocalizedText>,
    locale: Option<LanguageTag>,
) -> async_graphql::Result<Option<LocalizedText>> {
    text.map(|text| serve(ctx, text, locale)).transpose()
}

/// A text as served, without the rest of it: for long lists.
#[derive(Debug, Clone, Copy)]
pub struct ServedText<'a> {
    served: domain::text::Served<'a>,
    source: &'a domain::text::LanguageTag,
}

impl<'a> ServedText<'a> {
    /// The text as served to a reader who wants these languages, best first.
    pub fn of(text: &'a domain::text::LocalizedText, wanted: &[domain::text::LanguageTag]) -> Self {
        Self { served: text.resolve(wanted), source: text.source() }
    }
}

impl Row for ServedText<'_> {
    const TABLE: &'static Table = &Table {
        name: "LocalizedText",
        columns: &[Column::leaf("text"), Column::leaf("language"), Column::leaf("sourceLanguage")],
    };

    fn write(&self, column: usize, _: &Plan, out: &mut Out<'_>) {
        match column {
            0 => out.value(self.served.text),
            1 => out.value(self.served.language.as_str()),
            2 => out.value(self.source.as_str()),
            _ => out.null(),
        }
    }
}
