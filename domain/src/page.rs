//! Pages of long lists by keyset cursors: stable under insertion, never an offset.

use std::{fmt::Debug, hash::Hash};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, ProblemCode, Result};

/// The largest page.
pub const MAX_PAGE: usize = 100;
/// The page of a caller who names no size.
pub const DEFAULT_PAGE: usize = 20;

/// What a list can be ordered by.
pub trait SortKey: Copy + Debug + Default + Eq + Hash + Send + Sync + 'static {
    /// A stable name for cursors: `communities.name`.
    fn name(self) -> &'static str;
}

/// Ascending or descending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

/// By what and which way a list is ordered; ties are broken by the identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Order<S> {
    /// By what.
    pub by: S,
    /// Which way.
    pub direction: Direction,
}

impl<S: SortKey> Order<S> {
    /// The tag that binds a cursor to this order.
    pub fn tag(&self) -> String {
        format!("{}{}", if self.direction == Direction::Ascending { "+" } else { "-" }, self.by.name())
    }
}

/// One component of a place in an ordered list. Missing values sort before all others, on both databases.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CursorValue {
    /// No value.
    Missing(()),
    /// A whole number.
    Integer(i64),
    /// A text, date or time in its stored form.
    Text(String),
}

/// A place in an ordered list: just after or before the record with this key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The order that it belongs to, as [`Order::tag`] writes it.
    pub order: String,
    /// The record's value under that order.
    pub value: CursorValue,
    /// The record.
    pub id: Uuid,
}

impl Cursor {
    /// The opaque text that callers pass back. Its content may change at any time.
    pub fn encode(&self) -> String {
        // A triple of plain values always serialises; an empty cursor would be refused on the way back.
        let json = serde_json::to_vec(&(&self.order, &self.value, self.id.simple().to_string())).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads a cursor that must belong to the order `tag`; `field` is the argument that it came in.
    pub fn decode(text: &str, tag: &str, field: &'static str) -> Result<Self> {
        let refuse = |message: &str| Error::invalid(field, ProblemCode::Invalid, message.to_owned());
        if text.len() > 1_024 {
            return Err(refuse("this is not a cursor of this list"));
        }
        let parsed = URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<(String, CursorValue, Uuid)>(&bytes).ok());
        match parsed {
            Some((order, value, id)) if order == tag => Ok(Self { order, value, id }),
            Some(_) => Err(refuse(
                "this cursor belongs to a list with another order: pass it with the order that it came from",
            )),
            None => Err(refuse("this is not a cursor of this list")),
        }
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageArgs {
    /// How many, 1 to [`MAX_PAGE`].
    pub size: usize,
    /// Whether counted from the end of the range.
    pub from_end: bool,
    /// Only what follows this place.
    pub after: Option<Cursor>,
    /// Only what precedes this place.
    pub before: Option<Cursor>,
}

impl PageArgs {
    /// The first `size` records.
    pub const fn first(size: usize) -> Self {
        Self { size, from_end: false, after: None, before: None }
    }

    /// Reads the arguments of a connection for a list in the order `tag`.
    ///
    /// # Errors
    /// [`Error::Validation`] naming `first`, `last`, `after` or `before`: sizes outside 1-100, both sizes at once, foreign cursors.
    pub fn parse(
        first: Option<i64>,
        after: Option<&str>,
        last: Option<i64>,
        before: Option<&str>,
        tag: &str,
    ) -> Result<Self> {
        let (field, asked) = match (first, last) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("last", ProblemCode::Invalid, "give first or last, not both"));
            }
            (None, Some(last)) => ("last", Some(last)),
            (first, None) => ("first", first),
        };
        let size = match asked {
            None => DEFAULT_PAGE,
            Some(asked) => {
                usize::try_from(asked).ok().filter(|size| (1..=MAX_PAGE).contains(size)).ok_or_else(|| {
                    Error::invalid(
                        field,
                        ProblemCode::OutOfRange,
                        format!("{asked} is not a page size: ask for 1 to {MAX_PAGE}"),
                    )
                })?
            }
        };
        Ok(Self {
            size,
            from_end: last.is_some(),
            after: after.map(|text| Cursor::decode(text, tag, "after")).transpose()?,
            before: before.map(|text| Cursor::decode(text, tag, "before")).transpose()?,
        })
    }
}

/// A list request: what, in which order, which part, and whether to count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListQuery<F, S> {
    /// Narrowed by.
    pub filter: F,
    /// Ordered by.
    pub order: Order<S>,
    /// The part wanted.
    pub page: PageArgs,
    /// Whether to count all that matches: an extra statement, made only when asked for.
    pub count: bool,
    /// Whether archived records are listed too.
    pub archived: bool,
}

impl<F: Default, S: Default> Default for ListQuery<F, S> {
    fn default() -> Self {
        Self {
            filter: F::default(),
            order: Order::default(),
            page: PageArgs::first(DEFAULT_PAGE),
            count: false,
            archived: false,
        }
    }
}

/// A part of a list, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The records with their places.
    pub items: Vec<(Cursor, T)>,
    /// Whether more follow.
    pub has_next: bool,
    /// Whether more precede.
    pub has_previous: bool,
    /// How many match in all, if asked for.
    pub total: Option<u64>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), has_next: false, has_previous: false, total: None }
    }
}

impl<T> Page<T> {
    /// Builds a page from what a repository fetched: up to `size + 1` records, nearest first as seen from the side that
    /// the page is counted from. The surplus record tells that more follow and is dropped.
    pub fn from_fetched(mut fetched: Vec<(Cursor, T)>, args: &PageArgs, total: Option<u64>) -> Self {
        let more = fetched.len() > args.size;
        fetched.truncate(args.size);
        if args.from_end {
            fetched.reverse();
        }
        Self {
            items: fetched,
            has_next: if args.from_end { args.before.is_some() } else { more },
            has_previous: if args.from_end { more } else { args.after.is_some() },
            total,
        }
    }

    /// The page with every record replaced.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(|(cursor, item)| (cursor, change(item))).collect(),
            has_next: self.has_next,
            has_previous: self.has_previous,
            total: self.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn value() -> impl Strategy<Value = CursorValue> {
        prop_oneof![
            Just(CursorValue::Missing(())),
            any::<i64>().prop_map(CursorValue::Integer),
            ".{0,60}".prop_map(CursorValue::Text),
        ]
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_went(value in value(), id in any::<u128>(), order in "[+-][a-z.]{1,20}") {
            let cursor = Cursor { order: order.clone(), value, id: Uuid::from_u128(id) };
            prop_assert_eq!(Cursor::decode(&cursor.encode(), &order, "after"), Ok(cursor));
        }

        #[test]
        fn a_cursor_is_bound_to_its_order(value in value(), id in any::<u128>()) {
            let cursor = Cursor { order: "+communities.name".into(), value, id: Uuid::from_u128(id) };
            prop_assert!(Cursor::decode(&cursor.encode(), "-communities.name", "after").is_err());
        }

        #[test]
        fn whatever_comes_as_a_cursor_is_refused_or_read(text in ".{0,200}") {
            let _ = Cursor::decode(&text, "+communities.name", "after");
        }

        #[test]
        fn a_page_never_exceeds_its_size(found in 0usize..120, size in 1usize..=MAX_PAGE, from_end: bool) {
            let cursor = Cursor { order: "+x".into(), value: CursorValue::Integer(0), id: Uuid::nil() };
            let args = PageArgs { size, from_end, after: None, before: None };
            let fetched: Vec<_> = (0..found.min(size + 1)).map(|n| (cursor.clone(), n)).collect();
            let page = Page::from_fetched(fetched, &args, None);
            prop_assert!(page.items.len() <= size);
            let more = if from_end { page.has_previous } else { page.has_next };
            prop_assert_eq!(more, found > size);
        }
    }

    #[rstest]
    #[case(Some(0), None, "first")]
    #[case(Some(101), None, "first")]
    #[case(None, Some(-1), "last")]
    #[case(Some(1), Some(1), "last")]
    fn a_bad_page_size_names_its_argument(#[case] first: Option<i64>, #[case] last: Option<i64>, #[case] field: &str) {
        let Err(Error::Validation(problems)) = PageArgs::parse(first, None, last, None, "+x") else {
            panic!("accepted");
        };
        assert!(problems.iter().all(|problem| problem.path.to_string() == field));
    }
}
