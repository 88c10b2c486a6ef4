//! What became of the rows: counts, reasons, and what was created on the way.

use std::{borrow::Cow, collections::BTreeMap, fmt, io, sync::Arc};

pub use domain::import_job::RowCounts as Counts;
use domain::{
    error::{Problem, ProblemCode},
    import_job::{Note, NoteKind, Notes},
    quality::{Finding, QualityCheck},
};

use super::{failure::Failure, resolve::shorten};

/// Kinds of reasons kept apart at most; whatever comes after is counted together.
const MOST_GROUPS: usize = 1_000;
/// The longest text of a reason, characters. It may quote the text, and every row of its kind has a copy.
const LONGEST: usize = 400;

/// The code of rows and cells that whoever wrote the mapping left out: told like all that is not kept, and no fault.
pub const LEFT_OUT: &str = "LEFT_OUT";

/// Why a row is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The kind of rule it breaks: a code of the domain, or UNIT, ENCODING, CELLS, AMBIGUOUS,
    /// `NOT_A_MEMBER`, `NO_CODE`, RETRACT, [`LEFT_OUT`].
    pub code: &'static str,
    /// The column at fault.
    pub column: Cow<'static, str>,
    /// What is wrong, the same for every row of the kind: rows are counted by it.
    pub kind: Cow<'static, str>,
    /// What is wrong with this row, if there is more to say.
    pub detail: Option<String>,
}

impl Reason {
    /// A reason that needs no detail.
    pub fn plain(code: &'static str, column: impl Into<Cow<'static, str>>, kind: impl Into<Cow<'static, str>>) -> Self {
        Self { code, column: cut(column.into()), kind: cut(kind.into()), detail: None }
    }

    /// A reason with what this row has.
    pub fn detailed(
        code: &'static str,
        column: impl Into<Cow<'static, str>>,
        kind: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self { detail: Some(cut(detail.into().into()).into_owned()), ..Self::plain(code, column, kind) }
    }

    /// The same reason, in this column.
    #[must_use]
    pub fn in_column(self, column: impl Into<Cow<'static, str>>) -> Self {
        Self { column: cut(column.into()), ..self }
    }

    /// A rule of the domain that the row breaks, in the column that holds the field.
    pub fn of(problem: Problem, column: Cow<'static, str>) -> Self {
        let kind = match problem.code {
            ProblemCode::Required => "something is missing",
            ProblemCode::OutOfRange => "outside what is allowed",
            ProblemCode::TooLong => "too long",
            ProblemCode::Conflict => "contradicts another row",
            ProblemCode::Overlap => "overlaps another period",
            ProblemCode::NotFound => "refers to nothing",
            ProblemCode::Archived => "archived",
            ProblemCode::Quality => "doubtful by a rule",
            ProblemCode::Locked => "of a locked period",
            _ => "not valid",
        };
        Self::detailed(problem.code.code(), column, kind, problem.message)
    }
}

/// A text of a reason without its end, if it is long.
fn cut(text: Cow<'static, str>) -> Cow<'static, str> {
    match text {
        Cow::Owned(long) if long.len() > LONGEST => shorten(&long, LONGEST).into(),
        text => text,
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.column.is_empty() {
            write!(f, "{}: ", self.column)?;
        }
        f.write_str(self.detail.as_deref().unwrap_or(&self.kind))
    }
}

/// A row that is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The line that it begins at, from 1.
    pub line: u64,
    /// Why.
    pub reason: Reason,
    /// The row as far as it is kept, if it was asked for; the rejects of a line share it.
    pub raw: Option<Arc<str>>,
}

macro_rules! adjustments {
    ($($(#[$meta:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// A rule by which a row was read as something that it does not literally say. Every use is counted and told.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Adjustment { $($(#[$meta])* $name),+ }

        impl Adjustment {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What was done, for people.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

adjustments! {
    /// The symbol x.
    NotAvailable = "status x (not available) kept as missing (O)",
    /// The symbol c.
    Confidential = "status c (confidential) kept as suppressed (Q)",
    /// The symbol z.
    NotApplicable = "status z (not applicable) kept as cannot exist (M)",
    /// The symbol u with a value.
    LowReliability = "status u (low reliability) kept as low reliability (U)",
    /// The symbol u without one.
    LowReliabilityWithheld = "status u (low reliability) without a value kept as suppressed (Q)",
    /// Numerator or denominator of a figure without a value.
    PartsWithheld = "numerator or denominator of a figure without a value left out: it would give the value away",
    /// An empty cell in a format where that means that nothing is known.
    BlankValue = "blank value kept as missing (O)",
    /// An empty place.
    BlankGeography = "blank geography taken as the community given for it",
    /// A value that was declared to mean everybody.
    Total = "value declared as a total left out of the disaggregation",
    /// NaN or #N/A of SDMX.
    MarkedMissing = "NaN or #N/A kept as missing (O)",
    /// A comma read as a decimal mark because that was asked for.
    DecimalComma = "decimal comma read as a decimal point",
    /// A cell of which a mapping says that it stands for no value.
    MissingToken = "cell declared to stand for no value kept with the status declared for it",
    /// A value in thousands, millions or the like.
    Multiplied = "value in multiples of its unit multiplied",
    /// Separators of thousands that are declared.
    Thousands = "separators of thousands left out",
    /// Limits for another share of cases than 95 %.
    LimitsMoved = "limits for another share of cases moved to those for 95 %, under a normal distribution",
    /// A symbol of Statistics Canada.
    Symbol = "symbol of Statistics Canada kept as a status",
}

/// The rules that were used on one row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Adjustments(u32);

impl Adjustments {
    /// Notes a use.
    pub const fn note(&mut self, adjustment: Adjustment) {
        self.0 |= 1 << adjustment as u16;
    }

    /// The rules of both.
    pub const fn also(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn iter(self) -> impl Iterator<Item = Adjustment> {
        Adjustment::ALL.iter().copied().filter(move |&adjustment| self.0 & (1 << adjustment as u16) != 0)
    }
}

/// What was created on the way, by what people call it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Created {
    /// Slugs of communities.
    pub communities: Vec<String>,
    /// Slugs of communities that became members of the network; new ones among them.
    pub members: Vec<String>,
    /// Codes of indicators.
    pub indicators: Vec<String>,
    /// Keys of sources.
    pub sources: Vec<String>,
}

impl Created {
    fn add(&mut self, other: &Self) {
        let both = [
            (&mut self.communities, &other.communities),
            (&mut self.members, &other.members),
            (&mut self.indicators, &other.indicators),
            (&mut self.sources, &other.sources),
        ];
        for (all, more) in both {
            all.extend(more.iter().cloned());
            // A dry run creates the same again for every file.
            all.sort_unstable();
            all.dedup();
        }
    }

    /// Whether anything was.
    pub const fn is_empty(&self) -> bool {
        self.communities.is_empty() && self.members.is_empty() && self.indicators.is_empty() && self.sources.is_empty()
    }
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { communities, members, indicators, sources } = self;
        let (communities, members, indicators, sources) =
            (communities.len(), members.len(), indicators.len(), sources.len());
        write!(f, "communities {communities}, memberships {members}, indicators {indicators}, sources {sources}")
    }
}

/// Rows that are kept though a data-quality rule finds them doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubts {
    /// How many.
    pub rows: u64,
    /// The line of the first.
    pub line: u64,
}

/// What is doubtful in rows that a rule of this kind finds so, for people. No figure stands in it: whoever sees how an import went need
/// not read what it recorded.
pub const fn doubt(check: QualityCheck) -> &'static str {
    match check {
        QualityCheck::Range => "a value outside the range that a rule finds plausible [RANGE]",
        QualityCheck::Jump => "a value too far from those before it [JUMP]",
        QualityCheck::TotalAgainstParts => "a total that its parts do not add up to [TOTAL_AGAINST_PARTS]",
        QualityCheck::Ratio => "a value that is not the ratio of its parts [RATIO]",
    }
}

/// What became of one file, or of several together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The rows. All zero for a file that was refused whole.
    pub counts: Counts,
    /// Of the rejected rows, those that the mapping leaves out.
    pub left_out: u64,
    /// How many rows each rule was used on.
    pub adjustments: BTreeMap<Adjustment, u64>,
    /// The rows that are kept though a rule finds them doubtful, by what it looks at.
    pub doubts: BTreeMap<QualityCheck, Doubts>,
    /// How many rows were not kept, by code, column and kind of reason.
    pub reasons: BTreeMap<(&'static str, String, String), u64>,
    /// What was created on the way.
    pub created: Created,
    /// What else should be known: columns that were not used.
    pub notices: Vec<String>,
    /// Why the file was refused whole.
    pub failure: Option<Failure>,
    /// How many files were refused whole.
    pub failures: u64,
}

impl Report {
    /// The report of a file of which nothing stays.
    pub fn failed(failure: Failure) -> Self {
        Self { failure: Some(failure), failures: 1, ..Self::default() }
    }

    /// Whether everything that was read is kept, but for what was to be left out.
    pub const fn is_clean(&self) -> bool {
        self.failures == 0 && self.counts.rejected == self.left_out
    }

    /// Counts a row that is not kept.
    pub fn reject(&mut self, reason: &Reason) {
        self.counts.rejected += 1;
        self.left_out += u64::from(reason.code == LEFT_OUT);
        let key = (reason.code, reason.column.clone().into_owned(), reason.kind.clone().into_owned());
        self.count_reason(key, 1);
    }

    /// Counts the rules used on a row that is kept.
    pub fn adjust(&mut self, adjustments: Adjustments) {
        for adjustment in adjustments.iter() {
            *self.adjustments.entry(adjustment).or_default() += 1;
        }
    }

    /// Counts what is doubtful in a row that is kept.
    pub fn doubt(&mut self, line: u64, findings: &[Finding]) {
        for Finding { check, .. } in findings {
            self.doubts.entry(*check).or_insert(Doubts { rows: 0, line }).rows += 1;
        }
    }

    /// What should be known though no row was rejected for it, and of these notices.
    pub fn notes(&self, notices: &[String]) -> Notes {
        let mut notes = Notes::default();
        let mut add = |kind, message, count, line| notes.add(Note { kind, message, count, line });
        for (check, Doubts { rows, line }) in &self.doubts {
            add(NoteKind::Doubtful, doubt(*check).to_owned(), *rows, Some(*line));
        }
        for notice in self.notices.iter().chain(notices) {
            add(NoteKind::Notice, notice.clone(), 1, None);
        }
        for (adjustment, rows) in &self.adjustments {
            add(NoteKind::Adjusted, adjustment.text().to_owned(), *rows, None);
        }
        let Created { communities, members, indicators, sources } = &self.created;
        for (what, names) in
            [("indicator", indicators), ("source", sources), ("community", communities), ("membership of", members)]
        {
            for name in names {
                add(NoteKind::Created, format!("{what} {name}"), 1, None);
            }
        }
        notes
    }

    /// Adds the report of another file.
    pub fn add(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.created.add(&other.created);
        self.failures += other.failures;
        self.left_out += other.left_out;
        for (&adjustment, rows) in &other.adjustments {
            *self.adjustments.entry(adjustment).or_default() += rows;
        }
        for (key, rows) in &other.reasons {
            self.count_reason(key.clone(), *rows);
        }
        for (check, doubts) in &other.doubts {
            self.doubts.entry(*check).or_insert(Doubts { rows: 0, ..*doubts }).rows += doubts.rows;
        }
    }

    fn count_reason(&mut self, key: (&'static str, String, String), rows: u64) {
        let full = self.reasons.len() >= MOST_GROUPS && !self.reasons.contains_key(&key);
        let key = if full { ("OTHER", String::new(), "other reasons".to_owned()) } else { key };
        *self.reasons.entry(key).or_default() += rows;
    }
}

/// Writes rejected rows as CSV: file, line, column, code, reason and the row as it stands.
pub struct RejectsFile<W: io::Write> {
    rows: csv::Writer<W>,
}

impl<W: io::Write> RejectsFile<W> {
    /// Begins with the header.
    pub fn new(to: W) -> csv::Result<Self> {
        let mut rows = csv::Writer::from_writer(to);
        rows.write_record(["file", "line", "column", "code", "reason", "row"])?;
        Ok(Self { rows })
    }

    /// Writes a rejected row of a file.
    pub fn reject(&mut self, file: &str, reject: &Reject) -> csv::Result<()> {
        let Reject { line, reason, raw } = reject;
        let message = reason.detail.as_deref().unwrap_or(&reason.kind);
        let raw = raw.as_deref().unwrap_or_default();
        self.rows.write_record([file, &line.to_string(), &reason.column, reason.code, message, raw])
    }

    /// Writes that a file was refused whole.
    pub fn failure(&mut self, file: &str, failure: &Failure) -> csv::Result<()> {
        let line = failure.line.map(|line| line.to_string()).unwrap_or_default();
        let column = failure.column.as_deref().unwrap_or_default();
        self.rows.write_record([file, &line, column, failure.code.code(), &failure.message, ""])
    }

    /// Makes sure that everything is written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.rows.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    fn reason(kind: &str, detail: &str) -> Reason {
        Reason::detailed("INVALID", "period", kind.to_owned(), detail)
    }

    #[test]
    fn reasons_are_counted_by_kind_and_the_list_is_bounded() {
        let mut report = Report::default();
        report.reject(&reason("not a period", "“a”"));
        report.reject(&reason("not a period", "“b”"));
        assert_eq!(report.reasons.len(), 1);
        for kind in 0..2 * MOST_GROUPS {
            report.reject(&reason(&kind.to_string(), ""));
        }
        assert_eq!(report.reasons.len(), MOST_GROUPS + 1);
        assert_eq!(report.reasons.values().sum::<u64>(), report.counts.rejected);
    }

    #[test]
    fn what_a_reason_quotes_is_cut() {
        let long = "é".repeat(1024 * 1024);
        let told = Reason::detailed("INVALID", long.clone(), long.clone(), long.clone());
        let problem = Problem::new("note", ProblemCode::TooLong, long.clone());
        let ruled = Reason::of(problem, long.clone().into()).in_column(long);
        for reason in [told, ruled] {
            for text in [&*reason.column, &*reason.kind, reason.detail.as_deref().unwrap()] {
                assert!(text.chars().count() <= LONGEST, "{}", text.len());
            }
        }
        assert_eq!(Reason::plain("INVALID", "a", "é".repeat(LONGEST)).kind, "é".repeat(LONGEST));
    }

    #[test]
    fn files_add_up() {
        let counts = Counts { read: 3, created: 1, updated: 0, unchanged: 1, received: 0, rejected: 1 };
        assert!(counts.balance() && !Counts { read: 4, ..counts }.balance());
        let mut total = Report::default();
        total.add(&Report { counts, ..Report::default() });
        total.add(&Report { counts, ..Report::default() });
        total.add(&Report::failed(Failure::new(super::super::failure::FailureCode::Empty, "x")));
        assert_eq!((total.counts.read, total.failures), (6, 1));
        assert!(!total.is_clean());
        let (mut meant, mut all) = (Report::default(), Report::default());
        meant.reject(&Reason::plain(LEFT_OUT, "id", "a title"));
        all.add(&meant);
        assert!(meant.is_clean() && all.is_clean() && all.counts.rejected == 1);
        all.reject(&reason("not a period", "“a”"));
        assert!(!all.is_clean());
        assert_eq!(total.counts.to_string(), "6 read, 2 created, 0 updated, 2 unchanged, 2 rejected");
    }

    #[test]
    fn the_list_of_rejected_rows_is_csv_again() {
        let mut file = RejectsFile::new(Vec::new()).unwrap();
        let raw = Some("na,\"x, y\"".into());
        file.reject("a.csv", &Reject { line: 7, reason: reason("not a period", "“x”"), raw }).unwrap();
        file.flush().unwrap();
        let bytes = file.rows.into_inner().unwrap();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(row.iter().collect::<Vec<_>>(), ["a.csv", "7", "period", "INVALID", "“x”", "na,\"x, y\""]);
    }

    #[test]
    fn every_rule_has_its_own_bit() {
        let mut all = Adjustments::default();
        for &adjustment in Adjustment::ALL {
            all.note(adjustment);
        }
        assert!(all.iter().eq(Adjustment::ALL.iter().copied()));
    }
}
