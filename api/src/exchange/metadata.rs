//! What publishers say about their indicators in files beside the data: names, descriptions, units, decimals. Read only
//! when an indicator is created; a file that is missing or cannot be understood says nothing.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use domain::{fold::fold, period::PeriodKind, text::LanguageTag};

use super::reader;

/// The longest file that is read, bytes.
const LONGEST: u64 = 4 * 1024 * 1024;

/// What is said about an indicator, by language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// What it is called.
    pub name: BTreeMap<LanguageTag, String>,
    /// What it measures.
    pub description: BTreeMap<LanguageTag, String>,
    /// In what it is measured.
    pub unit: BTreeMap<LanguageTag, String>,
    /// Decimals to show.
    pub decimals: Option<i32>,
}

impl Details {
    /// Reads `meta/LANGUAGE/CODE.md` and `meta/CODE.md` beside the folder of an Open SDG data file: front matter between
    /// lines of three hyphens, with the keys `indicator_name`, `national_indicator_description`, `computation_units`.
    pub fn open_sdg(data: &Path, code: &str, language: &LanguageTag) -> Self {
        let mut details = Self::default();
        let Some(folder) = data.parent().and_then(Path::parent).map(|site| site.join("meta")) else { return details };
        // Two folders of one language, `fr-ca` and `fr-CA`: which of them is meant is not guessed, so neither is read.
        let mut folders: BTreeMap<LanguageTag, Option<PathBuf>> = BTreeMap::new();
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
            if let Some(Ok(language)) = entry.file_name().to_str().map(str::parse) {
                folders.entry(language).and_modify(|folder| *folder = None).or_insert_with(|| Some(entry.path()));
            }
        }
        let file = |folder: &Path| folder.join(format!("{code}.md"));
        let mut files: Vec<(LanguageTag, PathBuf)> = vec![(language.clone(), file(&folder))];
        files.extend(folders.into_iter().filter_map(|(language, folder)| Some((language, file(&folder?)))));
        for (language, file) in files {
            let Some(text) = read(&file) else { continue };
            let mut keys = front_matter(&text);
            let mut take = |key: &str, into: &mut BTreeMap<LanguageTag, String>| {
                if let Some(text) = keys.remove(key).map(|text| plain(&text)).filter(|text| !text.is_empty()) {
                    into.insert(language.clone(), text);
                }
            };
            take("indicator_name", &mut details.name);
            take("national_indicator_description", &mut details.description);
            take("computation_units", &mut details.unit);
        }
        details
    }

    /// Reads the title of a table of Statistics Canada beside it: see [`statcan`].
    pub fn statcan(data: &Path, language: &LanguageTag) -> Self {
        let name = statcan(data).map(|(title, _)| (language.clone(), title)).into_iter().collect();
        Self { name, ..Self::default() }
    }

    /// Reads `NAME.json` beside a tidy file `NAME.csv`, as the UK's Explore local statistics publishes it: under
    /// `ess-beta-metadata` an object `shared` and one for each indicator, with `longDescription` and `decimalPlaces`. The
    /// `label` only helps to find it: the name stays that of the rows, by which the next import finds the indicator.
    pub fn tidy(data: &Path, indicator: &str, language: &LanguageTag) -> Self {
        let mut details = Self::default();
        let stem = data.file_name().and_then(|name| name.to_str()).and_then(reader::stem);
        let Some(text) = stem.and_then(|stem| read(&data.with_file_name(format!("{stem}.json")))) else {
            return details;
        };
        let Ok(json) = serde_json::from_str::<serde_json::Value>(&text) else { return details };
        let Some(sections) = json.get("ess-beta-metadata").and_then(|sections| sections.as_object()) else {
            return details;
        };
        let wanted = fold(indicator);
        let label = |section: &serde_json::Value| section.get("label").and_then(|label| label.as_str()).map(fold);
        let own =
            sections.iter().find(|(key, section)| fold(key) == wanted || label(section).as_ref() == Some(&wanted));
        let own = own.map(|(_, section)| section);
        let look = |key: &str| [own, sections.get("shared")].into_iter().flatten().find_map(|section| section.get(key));
        let text = |key: &str| look(key).and_then(|text| text.as_str()).map(plain).filter(|text| !text.is_empty());
        details.description.extend(text("longDescription").map(|text| (language.clone(), text)));
        details.decimals =
            look("decimalPlaces").and_then(serde_json::Value::as_i64).and_then(|places| i32::try_from(places).ok());
        details
    }
}

/// What `NNNNNNNN_MetaData.csv` says of the table beside it: its title, and the kind of its periods where that is needed to
/// read them. The first row names the columns, in English or French, the second has the answers.
pub fn statcan(data: &Path) -> Option<(String, Option<PeriodKind>)> {
    let number = super::statcan::table_of(data.file_name()?.to_str()?).ok()?;
    let text = read(&data.with_file_name(format!("{number}_MetaData.csv")))?;
    let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let frequency =
        rows.headers().ok()?.iter().position(|name| ["frequency", "frequence"].contains(&fold(name).as_str()));
    let row = rows.records().next()?.ok()?;
    let title = row.get(0).map(plain).filter(|title| !title.is_empty())?;
    Some((title, frequency.and_then(|column| row.get(column)).and_then(super::statcan::frequency)))
}

fn read(file: &Path) -> Option<String> {
    let length = fs::metadata(file).ok().filter(fs::Metadata::is_file)?.len();
    if length > LONGEST {
        return None;
    }
    fs::read_to_string(file).ok()
}

/// A text without the few marks of HTML that publishers put into it, and without white space at its ends.
fn plain(text: &str) -> String {
    let mut plain = text.to_owned();
    for mark in ["<br>", "<br/>", "<br />"] {
        plain = plain.replace(mark, "\n");
    }
    plain.trim().to_owned()
}

/// The texts at the top level of a front matter.
///
/// This is the part of YAML that such files use for texts, read as leniently as their publishers' own tools do: of the
/// Canadian Indicator Framework's 156 files a strict parser refuses 36, whose quoted texts go on without indentation.
/// Lists and nested keys are passed over.
fn front_matter(text: &str) -> BTreeMap<String, String> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().peekable();
    let mut keys = BTreeMap::new();
    if lines.next().map(str::trim_end) != Some("---") {
        return keys;
    }
    while let Some(line) = lines.next() {
        if line.trim_end() == "---" {
            break;
        }
        let Some((key, value)) = line.split_once(':').filter(|(key, _)| is_key(key)) else { continue };
        let value = value.trim();
        let mut more = Vec::new();
        let text = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let mut quoted = value.get(1..).unwrap_or_default().to_owned();
                while closing(&quoted, quote).is_none() {
                    let Some(next) = lines.next_if(|next| next.trim_end() != "---") else { break };
                    // A blank line within a text is an end of line, any other end of line a space.
                    let next = next.trim();
                    if next.is_empty() {
                        quoted.push('\n');
                    } else {
                        if !quoted.ends_with('\n') {
                            quoted.push(' ');
                        }
                        quoted.push_str(next);
                    }
                }
                let end = closing(&quoted, quote).unwrap_or(quoted.len());
                unescape(quoted.get(..end).unwrap_or_default(), quote)
            }
            mark => {
                while let Some(next) = lines.next_if(|next| next.starts_with([' ', '\t']) || next.trim().is_empty()) {
                    more.push(next.trim());
                }
                match mark {
                    Some('|') => more.join("\n"),
                    Some('>') => more.join(" "),
                    None => String::new(),
                    _ => {
                        more.insert(0, value);
                        more.retain(|line| !line.is_empty());
                        more.join(" ")
                    }
                }
            }
        };
        keys.insert(key.to_owned(), text);
    }
    keys
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Where a quoted text ends: at its quotation mark, unless that is escaped by a backslash or by being doubled.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        if character == '\\' && quote == '"' {
            characters.next();
        } else if character == quote {
            match characters.peek() {
                Some(&(_, next)) if quote == '\'' && next == quote => {
                    characters.next();
                }
                _ => return Some(index),
            }
        }
    }
    None
}

fn unescape(text: &str, quote: char) -> String {
    if quote == '\'' {
        return text.replace("''", "'");
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some(other) => plain.push(other),
                None => {}
            },
            (character, false) => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_front_matter_is_read_as_leniently_as_it_is_written() {
        let text = "\u{feff}---\n# a comment\nindicator_name: Poverty rate, as measured\n  by the line\n\n\
                    computation_units: \"Pourcentage\"\nlist:\n- field: Geography\n  value: Canada\n\
                    folded: |-\n  one\n  <br>\n\n  two\nquoted: 'it''s\ngoes on without indentation: yes'\n\
                    double: \"a \\\"b\\\"\n\n  c\"\nempty:\nlast: x: y\n---\nindicator_name: not this\n";
        let keys = front_matter(text);
        let get = |key: &str| keys.get(key).map(String::as_str);
        assert_eq!(get("indicator_name"), Some("Poverty rate, as measured by the line"));
        assert_eq!(get("computation_units"), Some("Pourcentage"));
        assert_eq!(get("folded"), Some("one\n<br>\n\ntwo"));
        assert_eq!(get("quoted"), Some("it's goes on without indentation: yes"));
        assert_eq!(get("double"), Some("a \"b\"\nc"));
        assert_eq!((get("empty"), get("last"), get("field")), (Some(""), Some("x: y"), None));
        assert!(front_matter("no front matter\n---\na: b\n").is_empty());
        assert_eq!(
            front_matter("---\nopen: \"never closed\n---\na: b").get("open").map(String::as_str),
            Some("never closed")
        );
    }

    #[test]
    fn what_open_sdg_says_is_found_beside_the_data_in_every_language() {
        let site = tempfile::tempdir().unwrap();
        for folder in ["data", "meta/en", "meta/fr"] {
            fs::create_dir_all(site.path().join(folder)).unwrap();
        }
        fs::write(
            site.path().join("meta/en/1-1-1.md"),
            "---\nindicator_name: Poverty\ncomputation_units: Percentage\n---\n",
        )
        .unwrap();
        fs::write(site.path().join("meta/fr/1-1-1.md"), "---\nindicator_name: Pauvreté\n---\n").unwrap();
        let (en, fr): (LanguageTag, LanguageTag) = ("en".parse().unwrap(), "fr".parse().unwrap());
        let details = Details::open_sdg(&site.path().join("data/indicator_1-1-1.csv"), "1-1-1", &en);
        assert_eq!(details.name.get(&en).map(String::as_str), Some("Poverty"));
        assert_eq!(details.name.get(&fr).map(String::as_str), Some("Pauvreté"));
        assert_eq!(details.unit.len(), 1);
        for (folder, name) in [("fr-CA", "Un taux"), ("fr-ca", "Un autre")] {
            fs::create_dir_all(site.path().join("meta").join(folder)).unwrap();
            let text = format!("---\nindicator_name: {name}\n---\n");
            fs::write(site.path().join("meta").join(folder).join("1-1-1.md"), text).unwrap();
        }
        let twice = Details::open_sdg(&site.path().join("data/indicator_1-1-1.csv"), "1-1-1", &en);
        assert_eq!(twice, details, "of two folders in one language neither is taken");
        assert_eq!(Details::open_sdg(&site.path().join("data/indicator_9-9-9.csv"), "9-9-9", &en), Details::default());
    }

    #[test]
    fn what_the_uk_says_is_found_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let json = r#"{"ess-beta-metadata": {"shared": {"decimalPlaces": 1}, "Drive": {"label": "Travel by car", "longDescription": " Time. "}}}"#;
        fs::write(folder.path().join("travel.json"), json).unwrap();
        let en: LanguageTag = "en".parse().unwrap();
        let file = folder.path().join("travel.csv.gz");
        for name in ["drive", "Travel by car"] {
            let details = Details::tidy(&file, name, &en);
            assert_eq!(
                (details.decimals, details.description.get(&en).map(String::as_str)),
                (Some(1), Some("Time.")),
                "{name}"
            );
        }
        assert!(Details::tidy(&file, "walk", &en).description.is_empty());
        fs::write(folder.path().join("travel.json"), "{").unwrap();
        assert_eq!(Details::tidy(&file, "drive", &en), Details::default());
    }
}
