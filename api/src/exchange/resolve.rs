//! Finds what rows name among what is recorded, and creates what is missing if the caller wants that.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use chrono::NaiveDate;
use domain::{
    access::Scope,
    error::{Error, Result},
    fold::fold,
    id::SourceId,
    key::{Code, Slug},
    page::{ListQuery, MAX_PAGE, PageArgs},
    service::{Governed, Session},
    source::{Source, SourceFilter, SourceSort},
    text::{LanguageTag, LocalizedText},
};

use super::{
    communities::Directory,
    options::{Create, Options},
    report::{Created, Reason},
};

/// The longest name that is kept, characters.
pub const LONGEST_NAME: usize = 200;
/// How many bytes the words behind the codes of indicators may take.
const MOST_SPELT: usize = 32 * 1024 * 1024;
/// Remarks kept of one file.
const MOST_NOTICES: usize = 20;

/// A lookup that fails for the row alone, or for the whole import.
pub type Found<T> = Result<std::result::Result<T, Reason>>;

/// What is known while one file is read.
pub struct Resolver<'a> {
    /// What the caller decided.
    pub options: &'a Options,
    /// Whether the row at hand may create what it names, where the caller wants that.
    pub creating: bool,
    /// The network and its members.
    pub directory: &'a mut Directory,
    /// The file, if it is one.
    pub path: Option<PathBuf>,
    /// What the file's name says of its indicator.
    pub named: Option<String>,
    /// The present day.
    pub today: NaiveDate,
    /// What was created so far.
    pub created: Created,
    /// What else should be known.
    pub notices: Vec<String>,
    /// The words behind the codes of indicators, so that two that are spelt alike are not taken for one.
    pub spelt: Spelt,
}

/// The words behind codes.
#[derive(Debug, Default)]
pub struct Spelt {
    words: HashMap<String, (String, String)>,
    bytes: usize,
}

impl Spelt {
    /// Whether the code was made of the same words before, or of none; nothing if there are too many to remember these too.
    pub fn is_of(&mut self, code: &str, words: (&str, &str)) -> Option<bool> {
        if let Some((series, unit)) = self.words.get(code) {
            return Some((series.as_str(), unit.as_str()) == words);
        }
        self.bytes += code.len() + words.0.len() + words.1.len();
        if self.bytes > MOST_SPELT {
            return None;
        }
        self.words.insert(code.to_owned(), (words.0.to_owned(), words.1.to_owned()));
        Some(true)
    }
}

impl Resolver<'_> {
    /// What is created if it is missing.
    pub fn creates(&self) -> Create {
        if self.creating { self.options.create } else { Create::default() }
    }

    /// Keeps a remark, but not without end.
    pub fn notice(&mut self, remark: String) {
        if self.notices.len() < MOST_NOTICES {
            self.notices.push(remark);
        }
    }

    /// The source that a row names; blank for the one named for all rows.
    pub async fn source(&mut self, session: &Session, name: &str) -> Found<SourceId> {
        const COLUMN: &str = "source";
        let name = match (name, &self.options.source) {
            ("", Some(source)) => source.as_str(),
            ("", None) => {
                return Ok(Err(Reason::plain("REQUIRED", COLUMN, "no source, and none is named for all rows")));
            }
            (name, _) => name,
        };
        let key = name.parse::<Code>().ok();
        if let Some(key) = &key
            && let Some(source) =
                session.repositories().sources().by_keys(&Scope::Everything, std::slice::from_ref(key)).await?.pop()
        {
            return Ok(archived(source.meta.archived_at.is_some(), COLUMN, name).map_or(Ok(source.id), Err));
        }
        let mut called = sources_called(session, name).await?;
        if called.len() > 1 {
            let kind = "several sources have this name: use the key";
            return Ok(Err(Reason::detailed("AMBIGUOUS", COLUMN, kind, format!("“{name}”: {kind}"))));
        }
        if let Some(source) = called.pop() {
            return Ok(Ok(source));
        }
        if !self.creates().sources {
            let kind = "there is no such source";
            return Ok(Err(Reason::detailed("NOT_FOUND", COLUMN, kind, format!("there is no source “{name}”"))));
        }
        let Some(key) = key.or_else(|| Slug::suggest(name).and_then(|slug| slug.as_str().parse().ok())) else {
            return Ok(Err(Reason::plain("INVALID", COLUMN, "a source needs a letter or digit in its name")));
        };
        let name = match localized(&self.options.language, one(&self.options.language, name), COLUMN) {
            Ok(name) => name,
            Err(reason) => return Ok(Err(reason)),
        };
        let disclosure_controlled = self.options.disclosure_controlled;
        let source = Source { key, name, url: None, method: None, disclosure_controlled };
        let source = match create(session, source, COLUMN).await? {
            Ok(source) => source,
            Err(reason) => return Ok(Err(reason)),
        };
        self.created.sources.push(source.key.to_string());
        Ok(Ok(source.id))
    }
}

async fn sources_called(session: &Session, name: &str) -> Result<Vec<SourceId>> {
    let filter = SourceFilter { text: Some(name.to_owned()) };
    let mut called = Vec::new();
    let mut query: ListQuery<SourceFilter, SourceSort> =
        ListQuery { filter, page: PageArgs::first(MAX_PAGE), ..ListQuery::default() };
    loop {
        let page = session.repositories().sources().list(&Scope::Everything, &query).await?;
        called
            .extend(page.items.iter().filter(|(_, source)| is_called(&source.name, name)).map(|(_, source)| source.id));
        match page.items.into_iter().next_back() {
            Some((cursor, _)) if page.has_next => query.page.after = Some(cursor),
            _ => return Ok(called),
        }
    }
}

/// Whether a text says this in any of its languages, whatever the case and marks.
pub fn is_called(text: &LocalizedText, name: &str) -> bool {
    // A name that was too long to be kept whole is still found by it.
    let (whole, cut) = (fold(name), fold(&shorten(name, LONGEST_NAME)));
    text.iter().map(|(_, text)| fold(text)).any(|text| text == whole || text == cut)
}

/// Why a row about something archived is not kept.
pub fn archived(is: bool, column: &'static str, name: &str) -> Option<Reason> {
    is.then(|| Reason::detailed("ARCHIVED", column, "archived", format!("“{name}” is archived: restore it first")))
}

/// A text in one language.
pub fn one(language: &LanguageTag, text: &str) -> BTreeMap<LanguageTag, String> {
    [(language.clone(), text.to_owned())].into()
}

/// A text in these languages, the given one first if it is among them.
pub fn localized(
    language: &LanguageTag,
    texts: BTreeMap<LanguageTag, String>,
    column: &'static str,
) -> std::result::Result<LocalizedText, Reason> {
    let source = if texts.contains_key(language) { Some(language) } else { texts.keys().next() };
    let Some(source) = source.cloned() else {
        return Err(Reason::plain("REQUIRED", column, "there is no name to create it by"));
    };
    LocalizedText::from_parts(source, texts)
        .map_err(|error| Reason::detailed("INVALID", column, "not a good text to create it by", error.to_string()))
}

/// Creates a record; content that breaks a rule is the row's fault.
pub async fn create<N: Governed>(session: &Session, value: N, column: &'static str) -> Found<domain::record::Stored<N>>
where
    for<'a> dyn domain::port::store::Repositories + 'a: domain::port::store::Holds<N>,
{
    match session.create(value).await {
        Ok(record) => Ok(Ok(record)),
        Err(Error::Validation(problems)) => {
            let kind = format!("no {} can be created of this", <N::Id as domain::id::EntityId>::KIND);
            Ok(Err(Reason::detailed("INVALID", column, kind, problems.to_string())))
        }
        Err(error) => Err(error),
    }
}

/// A text cut to so many characters.
pub fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_as_long_as_they_can_be_remembered() {
        let mut spelt = Spelt::default();
        assert_eq!(spelt.is_of("1/a", ("A", "")), Some(true));
        assert_eq!(spelt.is_of("1/a", ("a", "")), Some(false));
        let long = "x".repeat(1024 * 1024);
        let remembered = (0..40).filter(|number| spelt.is_of(&number.to_string(), (&long, "")).is_some()).count();
        assert_eq!(remembered, MOST_SPELT / long.len() - 1);
        assert_eq!((spelt.is_of("1/a", ("A", "")), spelt.is_of("99", ("b", ""))), (Some(true), None));
    }
}
