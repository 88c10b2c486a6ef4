//! Rows as a table that PostgreSQL reads from parameters.
//!
//! What all rows say alike is given once, what none says not at all. Every other column is one array, written as text: the server reads
//! it faster than the driver would encode single values, and the driver's own arrays know no null. Identifiers and numbers without
//! nulls are the driver's all the same, since their texts are what takes the server longest to read.

use std::fmt::{self, Display, Write as _};

use sea_orm::Value;

use crate::sql::Sql;

/// One column as the text of an array.
#[derive(Default)]
pub(crate) struct Array {
    text: String,
    rows: usize,
}

impl Array {
    /// An empty one for so many rows.
    fn with_room(rows: usize) -> Self {
        Self { text: String::with_capacity(rows * 12), rows: 0 }
    }

    /// The value of row `row`. Rows left out are null; those after the last value given, too, since `unnest` fills up what is shorter.
    pub(crate) fn put(&mut self, row: usize, value: Option<impl Display>) {
        if let Some(value) = value {
            self.begin(row);
            // Writing to a String cannot fail.
            let _ = write!(self.text, "{value}");
        }
    }

    /// The same for what may hold any letters.
    pub(crate) fn quote(&mut self, row: usize, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.begin(row);
            self.text.push('"');
            for c in value.as_ref().chars() {
                if matches!(c, '"' | '\\') {
                    self.text.push('\\');
                }
                self.text.push(c);
            }
            self.text.push('"');
        }
    }

    fn begin(&mut self, row: usize) {
        self.text.push(if self.rows == 0 { '{' } else { ',' });
        for _ in self.rows..row {
            self.text.push_str("NULL,");
        }
        self.rows = row + 1;
    }

    /// The name of the parameter that holds it, as an array of `kind`.
    fn bound(mut self, sql: &mut Sql, kind: &str) -> String {
        self.text.push_str(if self.rows == 0 { "{}" } else { "}" });
        format!("{}::text::{kind}[]", sql.bind(self.text))
    }
}

/// A number that is the same as another one bit by bit: zero has a sign.
#[derive(Clone, Copy)]
pub(crate) struct Number(pub(crate) f64);

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Rows below which it is not worth a statement of its own what they say alike: so few texts are ever prepared.
const FEW: usize = if cfg!(test) { 4 } else { 100 };

/// A column: its name, its type, whether two rows say the same there, and what a row says.
pub(crate) struct Column<T> {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) same: fn(&T, &T) -> bool,
    pub(crate) put: fn(&mut Array, usize, &T),
    /// What all rows say as an array of the driver, if it has one for that.
    pub(crate) driven: fn(&[T]) -> Option<Value>,
}

/// A [`Column`] that is written by [`Array::put`] or [`Array::quote`], with what a row says there if anything.
macro_rules! column {
    ($name:literal, $kind:literal, $put:ident, $row:ident => $of:expr) => {
        $crate::columns::column!($name, $kind, $put, $row => $of, |_| None)
    };
    ($name:literal, $kind:literal, $put:ident, $row:ident => $of:expr, $driven:expr) => {
        $crate::columns::Column {
            name: $name,
            kind: $kind,
            same: |one, other| {
                let same = |one, other| one == other;
                same(
                    {
                        let $row = one;
                        $of
                    },
                    {
                        let $row = other;
                        $of
                    },
                )
            },
            put: |array, at, $row| array.$put(at, $of),
            driven: $driven,
        }
    };
}
pub(crate) use column;

/// Rows as a table, and what stands for each of their columns in a row of it.
pub(crate) struct Columns {
    alias: &'static str,
    names: Vec<&'static str>,
    arrays: Vec<String>,
    /// Columns in which something is said, and what stands for it.
    said: Vec<(&'static str, String)>,
    /// Columns in which nothing is said, and their types.
    empty: Vec<(&'static str, &'static str)>,
}

impl Columns {
    /// The table `alias` of these rows. All of them say something in the first column.
    pub(crate) fn new<T>(sql: &mut Sql, alias: &'static str, rows: &[T], columns: &[Column<T>]) -> Self {
        let (names, arrays, said, empty) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut all = Self { alias, names, arrays, said, empty };
        for Column { name, kind, same, put, driven } in columns {
            let is_alike =
                |first: &&T| rows.len() >= FEW && !all.names.is_empty() && rows.iter().all(|row| same(first, row));
            if let Some(first) = rows.first().filter(is_alike) {
                let mut once = Array::default();
                put(&mut once, 0, first);
                if once.rows == 0 {
                    all.empty.push((name, kind));
                } else {
                    // In a query of its own it is read once, and not again for every row.
                    all.said.push((name, format!("(SELECT ({})[1])", once.bound(sql, kind))));
                }
            } else if let Some(array) = driven(rows) {
                let array = sql.bind(array);
                all.add(name, array);
            } else {
                let mut array = Array::with_room(rows.len());
                for (at, row) in rows.iter().enumerate() {
                    put(&mut array, at, row);
                }
                let array = array.bound(sql, kind);
                all.add(name, array);
            }
        }
        all
    }

    fn add(&mut self, name: &'static str, array: String) {
        self.names.push(name);
        self.arrays.push(array);
        self.said.push((name, format!("{}.{name}", self.alias)));
    }

    /// Adds a column of the table alone, that is true in these rows.
    pub(crate) fn add_flags(&mut self, sql: &mut Sql, name: &'static str, rows: impl Iterator<Item = usize>) {
        let mut flags = Array::default();
        for row in rows {
            flags.put(row, Some('t'));
        }
        self.names.push(name);
        self.arrays.push(flags.bound(sql, "bool"));
    }

    /// Adds a column that says the same in every row.
    pub(crate) fn add_alike(&mut self, name: &'static str, value: String) {
        self.said.push((name, value));
    }

    /// The table, to stand in a `FROM`.
    pub(crate) fn table(&self) -> String {
        format!("unnest({}) AS {}({})", self.arrays.join(", "), self.alias, self.names.join(", "))
    }

    /// The names of the columns in which something is said.
    pub(crate) fn names(&self) -> String {
        self.said.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// What is said there.
    pub(crate) fn values(&self) -> String {
        self.said.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// What stands for a column in a row of the table: null if nothing is said there.
    pub(crate) fn of(&self, column: &str) -> &str {
        self.said.iter().find(|(name, _)| *name == column).map_or("NULL", |(_, value)| value)
    }

    /// Whether anything is said in a column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.said.iter().any(|(name, _)| *name == column)
    }

    /// A query for all columns, under their names.
    pub(crate) fn query(&self) -> String {
        let said = self.said.iter().map(|(name, value)| format!("{value} AS {name}"));
        let empty = self.empty.iter().map(|(name, kind)| format!("NULL::{kind} AS {name}"));
        format!("SELECT {} FROM {}", said.chain(empty).collect::<Vec<_>>().join(", "), self.table())
    }
}
