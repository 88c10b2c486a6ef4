//! Finds the columns that a mapping speaks of in the header of a table.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, LazyLock},
};

use domain::mapping::{
    Captures, ColumnMapping, DimensionColumn, FigureColumns, IndicatorColumns, LeaveOut, Part, PeriodColumns, Text,
    standard_errors,
};

use super::super::{
    csv::{Header, Row},
    failure::{Failure, FailureCode},
    report::Reason,
    values::{self, shown},
};

/// The longest text that a row may say, bytes. A table has thousands of columns of figures, and each says its own.
const LONGEST: usize = values::LONGEST_NAME;

/// A text whose columns are found. What the mapping lists is not copied: every column of figures would have its own.
#[derive(Debug, Default)]
pub struct Bound<'m> {
    pieces: Vec<Piece<'m>>,
}

#[derive(Debug)]
enum Piece<'m> {
    Fixed(Cow<'m, str>),
    Cell { column: usize, name: Arc<str>, part: &'m Part, otherwise: Option<Bound<'m>> },
}

impl Bound<'_> {
    /// Adds what the row says to `text`.
    ///
    /// # Errors
    /// INVALID for a cell that is not among those listed, `TOO_LONG` for one that is longer than any name.
    pub fn write(&self, row: &Row<'_>, text: &mut String) -> Result<(), Reason> {
        self.write_within(row, text, LONGEST)
    }

    /// The same with another limit, in bytes.
    ///
    /// # Errors
    /// As [`Bound::write`].
    pub fn write_within(&self, row: &Row<'_>, text: &mut String, most: usize) -> Result<(), Reason> {
        let start = text.len();
        for piece in &self.pieces {
            match piece {
                Piece::Fixed(fixed) => text.push_str(fixed),
                Piece::Cell { column, name, part, otherwise } => {
                    let cell = row.cell(*column);
                    if text.len().saturating_sub(start).saturating_add(cell.len()) > most {
                        let kind = format!("a text of more than {most} bytes");
                        return Err(Reason::plain("TOO_LONG", name.to_string(), kind));
                    }
                    if !part.write(cell, text) {
                        if let Some(otherwise) = otherwise {
                            otherwise.write_within(row, text, most)?;
                            continue;
                        }
                        let kind = "not among the values that the mapping lists";
                        let detail = format!("“{}” is {kind}", shown(cell));
                        return Err(Reason::detailed("INVALID", name.to_string(), kind, detail));
                    }
                }
            }
        }
        Ok(())
    }

    /// What the row says.
    ///
    /// # Errors
    /// As [`Bound::write`].
    pub fn text(&self, row: &Row<'_>) -> Result<String, Reason> {
        let mut text = String::new();
        self.write(row, &mut text)?;
        Ok(text)
    }

    /// Whether there is nothing to say.
    pub const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The names of the columns that it takes from, for messages; `otherwise` if it takes from none.
    pub fn named(&self, otherwise: &str) -> String {
        let names: Vec<&str> = self
            .pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Cell { name, .. } => Some(&**name),
                Piece::Fixed(_) => None,
            })
            .collect();
        if names.is_empty() { otherwise.to_owned() } else { names.join(", ") }
    }
}

/// Rows that are left out.
pub struct Rule<'m> {
    /// The column that tells them.
    pub column: usize,
    /// What the mapping says of them.
    pub said: &'m LeaveOut,
}

/// What is measured.
pub struct Indicator<'m> {
    pub code: Bound<'m>,
    pub name: Bound<'m>,
    pub unit: Bound<'m>,
    /// The declared kind of quantity, with the currency of an amount of money after it.
    pub measure: String,
    pub decimals: Option<i32>,
}

/// A dimension of the disaggregation.
pub struct Dimension<'m> {
    pub name: &'m str,
    pub value: Bound<'m>,
    pub totals: &'m BTreeSet<String>,
}

/// A column of figures.
pub struct Column<'m> {
    pub name: Arc<str>,
    pub value: usize,
    pub code: Bound<'m>,
    pub community: Bound<'m>,
    pub level: Bound<'m>,
    pub source: Bound<'m>,
    pub indicator: Indicator<'m>,
    pub period: Bound<'m>,
    /// Which of the readers of periods, of [`Plan::periods`].
    pub reader: usize,
    pub dimensions: Vec<Dimension<'m>>,
    pub multiplier: Bound<'m>,
    pub lower: Option<usize>,
    pub upper: Option<usize>,
    /// What the distances of limits are multiplied by.
    pub stretch: Option<f64>,
    pub numerator: Option<usize>,
    pub denominator: Option<usize>,
    pub status: Bound<'m>,
    pub confidentiality: Bound<'m>,
    pub note: Bound<'m>,
}

/// A mapping whose columns are found.
pub struct Plan<'m> {
    /// How many cells a row has.
    pub cells: usize,
    pub rules: Vec<Rule<'m>>,
    pub columns: Vec<Column<'m>>,
    /// How periods are written, each way once.
    pub periods: Vec<&'m PeriodColumns>,
    /// Columns that are not read.
    pub unused: Vec<String>,
}

/// A name without the difference that white space makes.
fn plain(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The columns of a header by their names.
struct Finder {
    names: Vec<Arc<str>>,
    places: HashMap<String, Vec<usize>>,
    used: BTreeSet<usize>,
}

impl Finder {
    fn new(header: &Header) -> Self {
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, name) in header.names().enumerate() {
            places.entry(plain(name)).or_default().push(place);
        }
        let names = header.names().map(|name| plain(name).into()).collect();
        Self { names, places, used: BTreeSet::new() }
    }

    /// The column of this name: `NAME`, `NAME#2` for the second of that name, `#7` for the seventh of all.
    fn find(&mut self, name: &str) -> Result<usize, Failure> {
        let wanted = plain(name);
        let place = match self.places.get(&wanted).map(Vec::as_slice) {
            Some([place]) => *place,
            Some(_) => {
                let message = "several columns have this name: write NAME#2 for the second of them";
                return Err(Failure::new(FailureCode::DuplicateColumn, message).at(1).in_column(name));
            }
            None => self.numbered(&wanted).ok_or_else(|| {
                let message = "the mapping names this column and the table has none of this name";
                Failure::new(FailureCode::MissingColumn, message).at(1).in_column(name)
            })?,
        };
        self.used.insert(place);
        Ok(place)
    }

    fn numbered(&self, name: &str) -> Option<usize> {
        let (name, number) = name.rsplit_once('#')?;
        let before = number.parse::<usize>().ok()?.checked_sub(1)?;
        if name.is_empty() {
            return Some(before).filter(|place| *place < self.names.len());
        }
        self.places.get(name.trim_end())?.get(before).copied()
    }

    fn optional(&mut self, name: Option<&String>, captures: &Captures) -> Result<Option<usize>, Failure> {
        let Some(name) = name else { return Ok(None) };
        let mut name = name.clone();
        for (capture, found) in captures {
            name = name.replace(&format!("{{{capture}}}"), found);
        }
        self.find(&name).map(Some)
    }

    fn name(&self, place: usize) -> Arc<str> {
        self.names.get(place).cloned().unwrap_or_default()
    }

    fn text<'m>(&mut self, text: &'m Text, captures: &Captures) -> Result<Bound<'m>, Failure> {
        let mut bound = Bound::default();
        for part in &text.0 {
            if let Some(column) = &part.column {
                let column = self.find(column)?;
                let otherwise = part.otherwise.as_ref().map(|other| self.text(other, captures)).transpose()?;
                bound.pieces.push(Piece::Cell { column, name: self.name(column), part, otherwise });
                continue;
            }
            if let Part { constant: Some(constant), capture: None, width: None, values, .. } = part
                && values.is_empty()
            {
                bound.pieces.push(Piece::Fixed(Cow::Borrowed(constant)));
                continue;
            }
            let caught = part.capture.as_ref().and_then(|name| captures.iter().find(|(own, _)| own == name));
            let found = caught.map(|(_, found)| found).or(part.constant.as_ref()).map_or("", String::as_str);
            let mut fixed = String::new();
            if !part.write(found, &mut fixed) {
                if let Some(otherwise) = &part.otherwise {
                    bound.pieces.extend(self.text(otherwise, captures)?.pieces);
                    continue;
                }
                let message = format!("the mapping does not list what “{found}” in the name of a column stands for");
                return Err(Failure::new(FailureCode::UnknownColumn, message).at(1).in_column(found));
            }
            bound.pieces.push(Piece::Fixed(fixed.into()));
        }
        Ok(bound)
    }

    fn indicator<'m>(&mut self, columns: &'m IndicatorColumns, captures: &Captures) -> Result<Indicator<'m>, Failure> {
        let measure = columns.measure.map_or("", |measure| measure.code());
        let currency = columns.currency.as_ref().map_or("", |currency| currency.as_str());
        Ok(Indicator {
            code: self.text(&columns.code, captures)?,
            name: self.text(&columns.name, captures)?,
            unit: self.text(&columns.unit, captures)?,
            measure: format!("{measure} {currency}").trim_end().to_owned(),
            decimals: columns.decimals,
        })
    }

    fn dimensions<'m>(
        &mut self,
        columns: &'m [DimensionColumn],
        captures: &Captures,
    ) -> Result<Vec<Dimension<'m>>, Failure> {
        let one = |column: &'m DimensionColumn| {
            let value = self.text(&column.value, captures)?;
            Ok(Dimension { name: &column.dimension, value, totals: &column.totals })
        };
        columns.iter().map(one).collect()
    }

    /// The columns of the values of a figure, with what their names capture.
    fn values(&mut self, figure: &FigureColumns) -> Result<Vec<(usize, Captures)>, Failure> {
        let Some(pattern) = &figure.pattern else {
            let name = figure.column.as_deref().unwrap_or_default();
            return Ok(vec![(self.find(name)?, Captures::new())]);
        };
        let mut edge = |name: &Option<String>| name.as_deref().map(|name| self.find(name)).transpose();
        let (from, to) = (edge(&figure.from)?.unwrap_or(0), edge(&figure.to)?.unwrap_or(usize::MAX));
        let mut found = Vec::new();
        let mut met: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (place, name) in self.names.iter().enumerate().filter(|(place, _)| (from..=to).contains(place)) {
            if let Some(captures) = pattern.capture(name, &|capture| figure.captures.get(capture)) {
                found.push((place, captures));
            }
        }
        for (_, captures) in &found {
            for (capture, value) in captures {
                met.entry(capture).or_default().insert(value);
            }
        }
        for (capture, values) in &figure.captures {
            let met = met.get(capture.as_str());
            if let Some(value) = values.iter().find(|value| !met.is_some_and(|met| met.contains(value.as_str()))) {
                let message = format!("no column of the pattern {pattern} has “{value}” as its {capture}");
                return Err(Failure::new(FailureCode::MissingColumn, message).at(1).in_column(pattern.to_string()));
            }
        }
        if found.is_empty() {
            let message = "no column of the table has a name of this pattern";
            return Err(Failure::new(FailureCode::MissingColumn, message).at(1).in_column(pattern.to_string()));
        }
        self.used.extend(found.iter().map(|(place, _)| *place));
        Ok(found)
    }
}

impl<'m> Plan<'m> {
    /// Finds every column.
    ///
    /// # Errors
    /// `MISSING_COLUMN`, `DUPLICATE_COLUMN`, `UNKNOWN_COLUMN`.
    pub fn new(mapping: &'m ColumnMapping, header: &Header) -> Result<Self, Failure> {
        let mut finder = Finder::new(header);
        let mut plan = Self {
            cells: header.len(),
            rules: Vec::new(),
            columns: Vec::new(),
            periods: Vec::new(),
            unused: Vec::new(),
        };
        for rule in &mapping.leave_out {
            plan.rules.push(Rule { column: finder.find(&rule.column)?, said: rule });
        }
        let mut taken: HashMap<usize, usize> = HashMap::new();
        for (index, figure) in mapping.figures.iter().enumerate() {
            for (value, captures) in finder.values(figure)? {
                // One column said to be two figures is a mistake unless it is meant: with `column` alone it can be.
                if figure.pattern.is_some() && taken.insert(value, index).is_some_and(|other| other != index) {
                    let message = "two entries of `figures` take this column";
                    let name = finder.name(value).to_string();
                    return Err(Failure::new(FailureCode::DuplicateColumn, message).at(1).in_column(name));
                }
                taken.insert(value, index);
                let column = plan.column(mapping, figure, &mut finder, (value, &captures))?;
                plan.columns.push(column);
            }
        }
        let unused = finder.names.iter().enumerate().filter(|(place, _)| !finder.used.contains(place));
        plan.unused = unused
            .map(|(place, name)| if name.is_empty() { format!("#{}", place + 1) } else { name.to_string() })
            .collect();
        Ok(plan)
    }

    fn column(
        &mut self,
        mapping: &'m ColumnMapping,
        figure: &'m FigureColumns,
        finder: &mut Finder,
        (value, captures): (usize, &Captures),
    ) -> Result<Column<'m>, Failure> {
        static NONE: LazyLock<(IndicatorColumns, PeriodColumns)> = LazyLock::new(Default::default);
        let indicator = figure.indicator.as_ref().or(mapping.indicator.as_ref()).unwrap_or(&NONE.0);
        let period = figure.period.as_ref().or(mapping.period.as_ref()).unwrap_or(&NONE.1);
        // Mostly it is the very same; comparing what it lists would take long for thousands of columns.
        let is_known = |known: &&PeriodColumns| std::ptr::eq(*known, period) || *known == period;
        let reader = self.periods.iter().position(is_known).unwrap_or_else(|| {
            self.periods.push(period);
            self.periods.len() - 1
        });
        let mut dimensions = finder.dimensions(&mapping.dimensions, captures)?;
        dimensions.extend(finder.dimensions(&figure.dimensions, captures)?);
        let usual = standard_errors(95).unwrap_or(1.0);
        let stretch = figure.limits_level.filter(|level| *level != 95).and_then(standard_errors).map(|own| usual / own);
        Ok(Column {
            name: finder.name(value),
            value,
            code: finder.text(&mapping.community.code, captures)?,
            community: finder.text(&mapping.community.name, captures)?,
            level: finder.text(&mapping.community.level, captures)?,
            source: finder.text(&mapping.source, captures)?,
            indicator: finder.indicator(indicator, captures)?,
            period: finder.text(&period.text, captures)?,
            reader,
            dimensions,
            multiplier: finder.text(&figure.multiplier, captures)?,
            lower: finder.optional(figure.lower.as_ref(), captures)?,
            upper: finder.optional(figure.upper.as_ref(), captures)?,
            stretch,
            numerator: finder.optional(figure.numerator.as_ref(), captures)?,
            denominator: finder.optional(figure.denominator.as_ref(), captures)?,
            status: finder.text(&figure.status, captures)?,
            confidentiality: finder.text(&figure.confidentiality, captures)?,
            note: finder.text(&figure.note, captures)?,
        })
    }
}
