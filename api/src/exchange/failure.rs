//! Why a whole file was refused: nothing of it stays.

use std::{fmt, io};

/// The kind of fault of a file; stable, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureCode {
    /// It cannot be opened or read.
    Unreadable,
    /// It is compressed and its end is missing.
    Truncated,
    /// It is compressed and its content is damaged.
    Damaged,
    /// It is compressed and expands out of all proportion.
    Expansion,
    /// There is nothing in it.
    Empty,
    /// The header is not UTF-8.
    Encoding,
    /// A column that is needed is missing.
    MissingColumn,
    /// A column that nobody knows what to do with.
    UnknownColumn,
    /// Two columns have one name.
    DuplicateColumn,
    /// A row never ends, a name is too long to be one, or there are too many parts to hold at once.
    TooLong,
    /// A quotation mark is never closed.
    UnclosedQuote,
    /// It is not written as its format says.
    Malformed,
    /// Its name does not tell which indicator it is about.
    Name,
}

impl FailureCode {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "UNREADABLE",
            Self::Truncated => "TRUNCATED",
            Self::Damaged => "DAMAGED",
            Self::Expansion => "EXPANSION",
            Self::Empty => "EMPTY_FILE",
            Self::Encoding => "ENCODING",
            Self::MissingColumn => "MISSING_COLUMN",
            Self::UnknownColumn => "UNKNOWN_COLUMN",
            Self::DuplicateColumn => "DUPLICATE_COLUMN",
            Self::TooLong => "ROW_TOO_LONG",
            Self::UnclosedQuote => "UNCLOSED_QUOTE",
            Self::Malformed => "MALFORMED",
            Self::Name => "FILE_NAME",
        }
    }
}

/// Why a whole file was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of fault.
    pub code: FailureCode,
    /// The line at fault, from 1.
    pub line: Option<u64>,
    /// The column at fault, by its name.
    pub column: Option<String>,
    /// What is wrong and what would be right, for people.
    pub message: String,
}

impl Failure {
    /// A fault of the file as a whole.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, line: None, column: None, message: message.into() }
    }

    /// The same fault, found at this line.
    #[must_use]
    pub fn at(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same fault, found in this column.
    #[must_use]
    pub fn in_column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    /// What reading ran into at `line`. The decoder of gzip tells a missing end from damage by the kind of its error.
    pub fn reading(error: &io::Error, line: u64) -> Self {
        let (code, message) = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                (FailureCode::Truncated, "the compressed file ends before its content does".to_owned())
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                (FailureCode::Damaged, "the compressed file is damaged".to_owned())
            }
            io::ErrorKind::FileTooLarge => {
                let message = "it expands to more than 64 MiB and more than 200 times what it is compressed to";
                (FailureCode::Expansion, message.to_owned())
            }
            kind => (FailureCode::Unreadable, format!("it cannot be read: {kind}")),
        };
        Self::new(code, message).at(line)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.code())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column “{column}”")?;
        }
        write!(f, ": {}", self.message)
    }
}
