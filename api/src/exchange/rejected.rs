//! How much of rejected rows is kept. A row may be long, and each of its cells may be at fault and tell of it.

use std::sync::Arc;

/// The most that is kept of a row, bytes; and of all that its rejects repeat of it.
pub const MOST_OF_A_ROW: usize = 64 * 1024;
/// Stands for a row that was told of too often.
const AGAIN: &str = "[the row stands at the first reject of its line]";

/// A row as it stands or, of a very long one, its beginning and that it was cut: no reader takes that for the row.
pub fn kept(raw: &[u8]) -> Arc<str> {
    let Some((head, _)) = raw.split_at_checked(MOST_OF_A_ROW).filter(|(_, rest)| !rest.is_empty()) else {
        return String::from_utf8_lossy(raw).into();
    };
    // The cut may go through a letter.
    let head = String::from_utf8_lossy(head);
    format!("{}… [cut: the row has {} bytes]", head.trim_end_matches('\u{fffd}'), raw.len()).into()
}

/// Hands rows to their rejects, in the order of their lines.
#[derive(Default)]
pub struct Rows {
    line: Option<u64>,
    told: usize,
}

impl Rows {
    /// What the next reject of this line tells of its row: all of it, the first time and as long as that is little in all.
    pub fn told(&mut self, line: u64, row: &Arc<str>) -> Arc<str> {
        if self.line != Some(line) {
            *self = Self { line: Some(line), told: 0 };
        }
        let first = self.told == 0;
        self.told += row.len();
        if first || self.told <= MOST_OF_A_ROW { Arc::clone(row) } else { AGAIN.into() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn only_a_very_long_row_is_cut_and_says_so() {
        let longest = "é".repeat(MOST_OF_A_ROW / 2);
        assert_eq!(&*kept(longest.as_bytes()), longest);
        let cut = kept(format!("x{longest}").as_bytes());
        let (head, mark) = cut.split_once('…').unwrap();
        assert_eq!((head.len(), mark), (MOST_OF_A_ROW - 1, " [cut: the row has 65537 bytes]"));
        assert_eq!(&*kept(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn a_row_is_shared_by_its_rejects_and_repeated_only_while_that_is_little() {
        let (row, other): (Arc<str>, Arc<str>) = ("x".repeat(MOST_OF_A_ROW / 2).into(), "y".into());
        let mut rows = Rows::default();
        for _ in 0..2 {
            assert!(Arc::ptr_eq(&rows.told(1, &row), &row));
        }
        assert_eq!(&*rows.told(1, &row), AGAIN);
        assert_eq!(&*rows.told(2, &other), "y");
        let long = kept("z".repeat(2 * MOST_OF_A_ROW).as_bytes());
        assert!(Arc::ptr_eq(&rows.told(3, &long), &long), "the first reject has what there is");
        assert_eq!(&*rows.told(3, &long), AGAIN);
    }
}
