//! Which columns say what place a figure is of.

use std::collections::BTreeSet;

use domain::mapping::{CommunityColumns, LeaveOut, Part, Text};

use super::{
    Doubts, GAP,
    columns::{Column, Role, words},
    propose::Table,
};

impl Table<'_> {
    /// The places of rows.
    pub(super) fn community(&self, doubts: &mut Doubts) -> CommunityColumns {
        let mut community = CommunityColumns { code: self.code(doubts), ..CommunityColumns::default() };
        if !community.code.is_empty() {
            community.scheme = self.scheme(&community.code);
            if community.scheme.is_none() {
                doubts.add(
                    "community.scheme",
                    "the codes do not say of which scheme they are: name it, such as statcan:SGC",
                );
            }
        }
        let mut names: Vec<&Column> = self.of(Role::Place).collect();
        // The smallest places tell most rows apart.
        names.sort_by_key(|column| std::cmp::Reverse(column.distinct.len()));
        if let Some(name) = names.first() {
            community.name = self.text(name);
            if let [_, others @ ..] = names.as_slice()
                && !others.is_empty()
            {
                let others: Vec<_> = others.iter().map(|column| self.name(column)).collect();
                let reason = format!("{} names places too: should it be part of the name?", others.join(", "));
                doubts.add("community.name", reason);
            }
        }
        if let Some(level) = self.of(Role::Level).next() {
            community.level = self.text(level);
        }
        if community.code.is_empty() && community.name.is_empty() {
            community.name = Text::constant(GAP);
            doubts.add(
                "community",
                "no column seems to name places: say which, or the one place that all figures are of",
            );
        } else if community.code.is_empty() {
            doubts.add("community.code", "no column holds codes: places are found by their names alone");
        }
        community
    }

    fn code(&self, doubts: &mut Doubts) -> Text {
        let codes: Vec<&Column> = self.of(Role::Code).collect();
        let is = |column: &Column, word: &str| words(&self.name(column)).split(' ').any(|own| own.starts_with(word));
        let state = codes.iter().find(|column| is(column, "state"));
        let county = codes.iter().find(|column| is(column, "county"));
        let parts = match (state, county) {
            (Some(state), Some(county)) => vec![(*state, Some(2)), (*county, Some(3))],
            _ => codes.first().map(|code| (*code, None)).into_iter().collect(),
        };
        if parts.len() < codes.len() {
            let others = codes.iter().filter(|code| !parts.iter().any(|(part, _)| part.place == code.place));
            let others: Vec<_> = others.map(|code| self.name(code)).collect();
            doubts.add(
                "community.code",
                format!("{} may be codes of places too, or parts of the code", others.join(", ")),
            );
        }
        let part = |(column, width): (&Column, Option<usize>)| {
            let lost = column.is_digits() && column.widths.0 < width.unwrap_or(column.widths.1);
            if lost {
                let reason = format!(
                    "codes in {} are of {} to {} digits: filled up with zeros at the beginning",
                    self.name(column),
                    column.widths.0,
                    column.widths.1
                );
                doubts.add("community.code", reason);
            }
            let width = width.or(lost.then_some(column.widths.1));
            Part { width, ..Part::column(self.name(column)) }
        };
        Text(parts.into_iter().map(part).collect())
    }

    /// Rows that are about what the other rows are parts of: where all digits of a county are zero, its state is meant.
    pub(super) fn sums(&self, doubts: &mut Doubts) -> Vec<LeaveOut> {
        let county = |column: &&Column| words(&self.name(column)).split(' ').any(|word| word.starts_with("county"));
        let zeros = |cell: &&String| !cell.is_empty() && cell.bytes().all(|byte| byte == b'0');
        let rule = |column: &Column| {
            let values: BTreeSet<String> = column.distinct.iter().filter(zeros).cloned().collect();
            let because = "states and the nation, between their counties".to_owned();
            LeaveOut { column: self.name(column), values, except: BTreeSet::new(), because }
        };
        let codes = self.of(Role::Code).filter(county).map(rule).filter(|rule| !rule.values.is_empty());
        let rules: Vec<LeaveOut> = codes.take(1).collect();
        for rule in &rules {
            let values: Vec<_> = rule.values.iter().cloned().collect();
            let reason = format!("rows with {} in {} seem to be sums of others", values.join(", "), rule.column);
            doubts.add("leaveOut.0", reason);
        }
        rules
    }

    fn scheme(&self, code: &Text) -> Option<domain::key::Scheme> {
        let named = |part: &Part| part.column.as_deref().map(words).unwrap_or_default();
        let cells = || self.of(Role::Code).flat_map(|column| &column.distinct);
        let gss = |cell: &String| {
            cell.len() == 9
                && cell.starts_with(['E', 'W', 'S', 'N', 'K'])
                && cell.get(1..).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let scheme = if code.0.iter().any(|part| named(part).contains("fips")) || code.0.len() == 2 {
            "us:FIPS"
        } else if cells().count() > 0 && cells().all(gss) {
            "uk:GSS"
        } else {
            return None;
        };
        scheme.parse().ok()
    }

    /// The places of columns.
    pub(super) fn places_in_names(&self, doubts: &mut Doubts) -> CommunityColumns {
        let figures: Vec<_> = self.of(Role::Figure).map(|column| self.name(column)).collect();
        if let (Some(first), Some(last)) = (figures.first(), figures.last()) {
            let reason = format!(
                "the columns from {first} to {last} are taken for places: leave out a total among them by `from` and `to`"
            );
            doubts.add("community.name", reason);
        }
        CommunityColumns { name: Text::capture("place"), ..CommunityColumns::default() }
    }
}
