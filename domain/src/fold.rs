//! Texts as people compare them: without case, marks and the many kinds of dash and space.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The text in lower case without marks, every dash a hyphen, every quotation mark an apostrophe, every run of white
/// space one space and none at the ends. `St. Catharines – Niagara` and `st. catharines - niagara` fold to the same. For
/// searching and ordering.
pub fn fold(text: &str) -> String {
    plain(text.nfkd().filter(|&c| !is_combining_mark(c)))
}

/// The same with marks kept: `Québec` the city and `Quebec` the province stay apart. For telling whose a figure is.
pub fn fold_spelling(text: &str) -> String {
    plain(text.nfkc())
}

fn plain(text: impl Iterator<Item = char>) -> String {
    let mut folded = String::new();
    for c in text.flat_map(char::to_lowercase) {
        match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' => folded.push('-'),
            '\u{2018}' | '\u{2019}' | '\u{2bc}' | '`' => folded.push('\''),
            c if c.is_whitespace() => {
                if !folded.is_empty() && !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            c => folded.push(c),
        }
    }
    if folded.ends_with(' ') {
        folded.pop();
    }
    folded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Montréal", "montreal")]
    #[case("  St. Catharines\u{a0}–  Niagara ", "st. catharines - niagara")]
    #[case("L’Assomption", "l'assomption")]
    #[case("Ōtautahi", "otautahi")]
    fn names_fold_to_what_people_compare(#[case] name: &str, #[case] folded: &str) {
        assert_eq!(fold(name), folded);
    }

    #[rstest]
    #[case("Québec", "quebec", false)]
    #[case("QUÉBEC", "québec", true)]
    #[case("Que\u{301}bec", "Québec", true)]
    #[case("St. Catharines – Niagara", "st. catharines - niagara", true)]
    fn a_spelling_keeps_its_marks(#[case] a: &str, #[case] b: &str, #[case] same: bool) {
        assert_eq!(fold_spelling(a) == fold_spelling(b), same);
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in ".{0,60}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once.clone());
        }
    }
}
