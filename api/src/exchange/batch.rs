//! What the reading thread hands to the writing task: rows in which everything that repeats is a number.
//!
//! The reader knows nothing of what is recorded already. It numbers what it meets, community, indicator, source, part of
//! the population, and their combinations, which are series; the writer looks each of them up once.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use domain::{
    key::ExternalId,
    observation::Figure,
    period::{Period, PeriodKind},
    series::Disaggregation,
};

use super::report::{Adjustments, Reason};

/// How many different things are numbered before numbering begins anew, so that memory does not grow with the file.
const MOST_KEYS: usize = 50_000;
/// How many bytes their names may take.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// The longest text of a part of the population that is remembered, bytes. One of twelve dimensions takes less.
const LONGEST_PART: usize = 16 * 1024;
/// The end of a text within a key.
const END: &str = "\u{1f}\u{1f}";

/// Adds a text to a key, so that no other texts make the same key.
pub fn push(key: &mut String, text: &str) {
    if text.contains('\u{1f}') {
        key.push_str(&text.replace('\u{1f}', "\u{1f}\u{1e}"));
    } else {
        key.push_str(text);
    }
    key.push_str(END);
}

/// How a row names its community.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AreaKey {
    /// By a code of the declared scheme.
    Code {
        /// The code.
        code: String,
        /// The name that stands beside it.
        name: String,
        /// The kind of place that stands beside it.
        geography: String,
    },
    /// By a name, and a code of the declared scheme if there is one.
    Name {
        /// The name; blank if only the code is given.
        name: String,
        /// The code; blank if only the name is given.
        code: String,
    },
    /// By the readable part of its address.
    Slug(String),
    /// By a code of a scheme that the row names.
    External(ExternalId),
    /// By nothing: the community given for such rows.
    Blank,
}

impl AreaKey {
    /// How many bytes it takes, about.
    fn weight(&self) -> usize {
        match self {
            Self::Code { code, name, geography } => code.len() + name.len() + geography.len(),
            Self::Name { name, code } => name.len() + code.len(),
            Self::Slug(slug) => slug.len(),
            Self::External(ExternalId { scheme, code }) => scheme.as_str().len() + code.as_str().len(),
            Self::Blank => 0,
        }
    }
}

/// How a row names its indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndicatorKey {
    /// Its code or name; blank if the caller named one for all rows.
    pub name: String,
    /// What it is called if it is created, where `name` is its code; blank otherwise.
    pub title: String,
    /// The Open SDG series that it is of; blank without.
    pub series: String,
    /// The kind of quantity, if the row says so.
    pub measure: String,
    /// The unit, if the row says so.
    pub unit: String,
    /// The kind of the first period met.
    pub frequency: PeriodKind,
    /// The decimals of the first value met.
    pub decimals: i32,
}

impl IndicatorKey {
    /// How many bytes it takes, about.
    fn weight(&self) -> usize {
        let Self { name, title, series, measure, unit, .. } = self;
        name.len() + title.len() + series.len() + measure.len() + unit.len()
    }
}

/// A series as a row names it: the numbers of its community, indicator, source and part of the population.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeriesKey {
    /// The community.
    pub area: u32,
    /// The indicator.
    pub indicator: u32,
    /// The source.
    pub source: u32,
    /// The part of the population.
    pub disaggregation: u32,
}

/// What a row wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Act {
    /// That its figure is recorded.
    #[default]
    Record,
    /// The same, where nothing is known of its series and period.
    Create,
    /// The same, where something is known of them.
    Update,
    /// That the figure of its series and period is withdrawn; what else it says does not count.
    Retract,
}

impl Act {
    /// Whether it can create a figure. A row that cannot creates nothing else either.
    pub const fn creates(self) -> bool {
        matches!(self, Self::Record | Self::Create)
    }
}

/// A row that could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRow {
    /// The line that it begins at.
    pub line: u64,
    /// The column that holds the value, where a line has several; otherwise the format says it.
    pub column: Option<Arc<str>>,
    /// The number of its series.
    pub series: u32,
    /// Its period.
    pub period: Period,
    /// What it says.
    pub figure: Figure,
    /// What is to be done with it.
    pub act: Act,
    /// The rules by which it was read.
    pub adjustments: Adjustments,
}

/// Rows that follow each other in a file, with what they name for the first time.
#[derive(Debug, Default)]
pub struct Batch {
    /// Whether numbering begins anew with this batch.
    pub restart: bool,
    /// Communities met for the first time, numbered on from those before.
    pub areas: Vec<AreaKey>,
    /// Indicators.
    pub indicators: Vec<IndicatorKey>,
    /// Sources: their keys; blank for the one named for all rows.
    pub sources: Vec<String>,
    /// Parts of the population.
    pub disaggregations: Vec<Disaggregation>,
    /// Series.
    pub series: Vec<SeriesKey>,
    /// The rows that could be read.
    pub rows: Vec<ReadRow>,
    /// The rows that could not, by line.
    pub rejects: Vec<(u64, Reason)>,
    /// Every row as far as it is kept for the list of rejected ones, if there is such a list.
    pub raw: HashMap<u64, Arc<str>>,
    /// How much of the file has been read so far, bytes.
    pub consumed: u64,
}

/// Numbers things in the order in which they are met.
#[derive(Debug)]
struct Numbers<K> {
    numbers: HashMap<K, u32>,
    next: u32,
}

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), next: 0 }
    }
}

impl<K: Hash + Eq> Numbers<K> {
    fn insert(&mut self, key: K) -> u32 {
        let number = self.next;
        self.numbers.insert(key, number);
        self.next += 1;
        number
    }
}

/// Numbers what rows name. What is new is put into the batch that is being made.
#[derive(Debug, Default)]
pub struct Keys {
    /// The batch in the making.
    pub batch: Batch,
    areas: Numbers<String>,
    indicators: Numbers<String>,
    sources: Numbers<String>,
    disaggregations: Numbers<Disaggregation>,
    series: Numbers<SeriesKey>,
    /// The cells of the dimensions as they stand, with the number of what they mean or why they mean nothing.
    parts: HashMap<String, Result<(u32, Adjustments), Reason>>,
    size: usize,
    /// The bytes of all names, both as they stand and as what they are handed on as.
    bytes: usize,
}

impl Keys {
    /// The number of a community; `text` tells it from others.
    pub fn area(&mut self, text: &str, key: impl FnOnce() -> AreaKey) -> u32 {
        if let Some(&number) = self.areas.numbers.get(text) {
            return number;
        }
        let key = key();
        self.weigh(text.len() + key.weight());
        self.batch.areas.push(key);
        self.areas.insert(text.to_owned())
    }

    /// The number of an indicator; `text` tells it from others.
    pub fn indicator(&mut self, text: &str, key: impl FnOnce() -> IndicatorKey) -> u32 {
        if let Some(&number) = self.indicators.numbers.get(text) {
            return number;
        }
        let key = key();
        self.weigh(text.len() + key.weight());
        self.batch.indicators.push(key);
        self.indicators.insert(text.to_owned())
    }

    /// The number of a source.
    pub fn source(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.sources.numbers.get(text) {
            return number;
        }
        self.weigh(2 * text.len());
        self.batch.sources.push(text.to_owned());
        self.sources.insert(text.to_owned())
    }

    /// The number of a part of the population; `text` is how the row says it, `read` what that means.
    pub fn disaggregation(
        &mut self,
        text: &str,
        read: impl FnOnce() -> Result<(Disaggregation, Adjustments), Reason>,
    ) -> Result<(u32, Adjustments), Reason> {
        if let Some(known) = self.parts.get(text) {
            return known.clone();
        }
        let numbered = read().map(|(disaggregation, adjustments)| {
            let known = self.disaggregations.numbers.get(&disaggregation).copied();
            let number = known.unwrap_or_else(|| {
                self.batch.disaggregations.push(disaggregation.clone());
                self.disaggregations.insert(disaggregation)
            });
            (number, adjustments)
        });
        // What is longer is hardly ever good, and is read anew each time.
        let remembered = text.len() <= LONGEST_PART;
        self.weigh(if remembered { 3 * text.len() } else { 0 });
        if remembered {
            self.parts.insert(text.to_owned(), numbered.clone());
        }
        numbered
    }

    /// The number of a series.
    pub fn series(&mut self, key: SeriesKey) -> u32 {
        if let Some(&number) = self.series.numbers.get(&key) {
            return number;
        }
        self.weigh(0);
        self.batch.series.push(key);
        self.series.insert(key)
    }

    /// Notes that something is numbered whose names take so many bytes.
    const fn weigh(&mut self, bytes: usize) {
        self.size += 1;
        self.bytes += bytes;
    }

    /// Takes the batch, and begins the next.
    pub fn take(&mut self) -> Batch {
        let batch = std::mem::take(&mut self.batch);
        if self.size > MOST_KEYS || self.bytes > MOST_BYTES {
            *self = Self { batch: Batch { restart: true, ..Batch::default() }, ..Self::default() };
        }
        batch
    }
}

/// What a reader of one format makes of a row.
pub trait RowReader: Send {
    /// Reads a row; whatever it names for the first time goes into the batch of `keys`, but only if the row is good.
    fn read(&mut self, row: &super::csv::Row<'_>, keys: &mut Keys) -> Result<ReadRow, Reason>;

    /// Whether the first row, in a table that was opened without a header, is one all the same.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    fn is_header(&mut self, _row: &super::csv::Row<'_>) -> Result<bool, super::failure::Failure> {
        Ok(false)
    }

    /// What should be known of the columns.
    fn notices(&self) -> Vec<String>;
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbering_begins_anew_by_the_bytes_of_names_too() {
        let mut keys = Keys::default();
        let named = |keys: &mut Keys, number: usize| {
            let name = format!("{number}{}", "x".repeat(1024 * 1024));
            keys.area(&name, || AreaKey::Slug(name.clone()))
        };
        let taken: Vec<bool> = (0..20)
            .map(|number| {
                named(&mut keys, number);
                keys.take().restart
            })
            .collect();
        // Each takes two MiB: what was met after sixteen of them is numbered from 0 again.
        assert_eq!(taken.iter().filter(|restart| **restart).count(), 1);
        assert!(named(&mut keys, 99) < 5);
    }

    proptest! {
        #[test]
        fn other_texts_are_another_key(
            one in proptest::collection::vec("[a\u{1e}\u{1f}]{0,3}", 0..4),
            other in proptest::collection::vec("[a\u{1e}\u{1f}]{0,3}", 0..4),
        ) {
            let key = |texts: &[String]| {
                let mut key = String::new();
                for text in texts {
                    push(&mut key, text);
                }
                key
            };
            prop_assert_eq!(key(&one) == key(&other), one == other);
        }
    }
}
