//! The rules of a mapping.

use std::collections::BTreeSet;

use super::{ColumnMapping, DimensionColumn, FigureColumns, IndicatorColumns, PeriodColumns, Text};
use crate::{
    error::{FieldPath, ProblemCode, Problems, Result},
    observation::{Confidentiality, ObservationStatus},
    period::Period,
};

/// The most figures, dimensions, parts or listed values.
const MOST: usize = 10_000;
/// The longest text, characters.
const LONGEST: usize = 400;
/// What may stand between groups of three digits.
const SEPARATORS: &str = ",. '’_\u{a0}\u{202f}";

/// The problems found so far, and what captures may be used where the check stands.
struct Checker<'a> {
    problems: Problems,
    captures: BTreeSet<&'a str>,
}

impl ColumnMapping {
    /// Checks what can be known without a table.
    ///
    /// # Errors
    /// Every broken rule, with the path of the field in the mapping: `figures.0.column`.
    pub fn check(&self) -> Result<()> {
        self.problems().into_result()
    }

    /// Every rule that it breaks, as far as can be known without a table.
    pub(crate) fn problems(&self) -> Problems {
        let mut checker = Checker { problems: Problems::default(), captures: BTreeSet::new() };
        checker.table(self);
        // What is said of every row may use only what every figure's pattern captures.
        let mut shared: Option<BTreeSet<&str>> = None;
        for figure in &self.figures {
            let own: BTreeSet<&str> = figure.pattern.iter().flat_map(super::pattern::Pattern::names).collect();
            shared = Some(shared.map_or(own.clone(), |shared| &shared & &own));
        }
        checker.captures = shared.unwrap_or_default();
        checker.rows(self);
        for (index, figure) in self.figures.iter().enumerate().take(MOST) {
            checker.captures = figure.pattern.iter().flat_map(super::pattern::Pattern::names).collect();
            checker.figure(&FieldPath::from("figures").then(index), figure, self);
        }
        checker.problems
    }
}

impl Checker<'_> {
    fn refuse(&mut self, path: FieldPath, message: impl Into<String>) {
        self.problems.add(path, ProblemCode::Invalid, message);
    }

    fn table(&mut self, mapping: &ColumnMapping) {
        let path = FieldPath::from("table");
        let table = &mapping.table;
        if !table.delimiter.is_ascii() || ['"', '\r', '\n', '\0'].contains(&table.delimiter) {
            self.refuse(path.then("delimiter"), "one ASCII character stands between cells, and no quotation mark");
        }
        if !(1..=10).contains(&table.header_rows) {
            self.refuse(path.then("headerRows"), "a header has 1 to 10 rows");
        }
        if table.skip_rows > 1_000 {
            self.refuse(path.then("skipRows"), "at most 1000 rows stand before the header");
        }
        self.long(&path.then("join"), &table.join);
        let numbers = &mapping.numbers;
        if !['.', ','].contains(&numbers.decimal) {
            self.refuse("numbers.decimal".into(), "a decimal mark is a point or a comma");
        }
        if let Some(separator) = numbers.thousands
            && (separator == numbers.decimal || !SEPARATORS.contains(separator))
        {
            let message = "thousands are set apart by a comma, point, space or apostrophe, other than the decimal mark";
            self.refuse("numbers.thousands".into(), message);
        }
        for (token, status) in &mapping.missing {
            if !status.is_without_value() {
                let path = FieldPath(vec!["missing".to_owned(), token.clone()]);
                self.refuse(path, "what stands for no value has the status L, M, O or Q");
            }
        }
        if mapping.figures.is_empty() {
            self.problems.add("figures", ProblemCode::Required, "at least one column holds figures");
        }
        let lists = [("figures", mapping.figures.len()), ("leaveOut", mapping.leave_out.len())];
        for (list, length) in lists.into_iter().chain([("missing", mapping.missing.len())]) {
            if length > MOST {
                self.problems.add(list, ProblemCode::TooLong, "at most 10000");
            }
        }
    }

    fn rows(&mut self, mapping: &ColumnMapping) {
        for (index, rule) in mapping.leave_out.iter().enumerate() {
            let path = FieldPath::from("leaveOut").then(index);
            self.name(&path.then("column"), Some(&rule.column));
            if rule.values.is_empty() == rule.except.is_empty() {
                self.refuse(path, "name the values of rows that are left out, or those of the others: one of the two");
            }
        }
        let community = &mapping.community;
        if community.code.is_empty() && community.name.is_empty() {
            self.problems.add("community", ProblemCode::Required, "a community is told by a code or a name");
        }
        if community.scheme.is_some() && community.code.is_empty() {
            self.problems.add("community.code", ProblemCode::Required, "a scheme needs the code that is of it");
        }
        self.text("community.code".into(), &community.code);
        self.text("community.name".into(), &community.name);
        self.text("community.level".into(), &community.level);
        self.text("source".into(), &mapping.source);
        if let Some(indicator) = &mapping.indicator {
            self.indicator(&"indicator".into(), indicator);
        }
        if let Some(period) = &mapping.period {
            self.period(&"period".into(), period);
        }
        self.dimensions(&"dimensions".into(), &mapping.dimensions, &[]);
    }

    fn figure(&mut self, path: &FieldPath, figure: &FigureColumns, mapping: &ColumnMapping) {
        if figure.column.is_some() == figure.pattern.is_some() {
            self.refuse(path.clone(), "name the column of the values or a pattern of several: one of the two");
        }
        if figure.pattern.is_none() && (figure.from.is_some() || figure.to.is_some() || !figure.captures.is_empty()) {
            self.refuse(path.clone(), "from, to and captures go with a pattern");
        }
        for name in figure.captures.keys() {
            if !self.captures.contains(name.as_str()) {
                self.refuse(path.then("captures").then(name), "the pattern has no such capture");
            }
        }
        let columns = [
            ("column", &figure.column),
            ("from", &figure.from),
            ("to", &figure.to),
            ("lower", &figure.lower),
            ("upper", &figure.upper),
            ("numerator", &figure.numerator),
            ("denominator", &figure.denominator),
        ];
        for (field, column) in columns {
            self.name(&path.then(field), column.as_deref());
        }
        match (&figure.indicator, &mapping.indicator) {
            (Some(indicator), _) => self.indicator(&path.then("indicator"), indicator),
            (None, Some(_)) => {}
            (None, None) => {
                let message = "say what is measured, here or for all figures";
                self.problems.add(path.then("indicator"), ProblemCode::Required, message);
            }
        }
        match (&figure.period, &mapping.period) {
            (Some(period), _) => self.period(&path.then("period"), period),
            (None, Some(_)) => {}
            (None, None) => {
                let message = "say of what period it is, here or for all figures";
                self.problems.add(path.then("period"), ProblemCode::Required, message);
            }
        }
        self.dimensions(&path.then("dimensions"), &figure.dimensions, &mapping.dimensions);
        self.figure_texts(path, figure);
    }

    fn figure_texts(&mut self, path: &FieldPath, figure: &FigureColumns) {
        if figure.limits_level.is_some_and(|level| super::standard_errors(level).is_none()) {
            let message = "limits are for 50, 68, 80, 90, 95, 98 or 99 percent";
            self.problems.add(path.then("limitsLevel"), ProblemCode::OutOfRange, message);
        }
        let number = |text: &str| text.parse::<f64>().is_ok_and(|number| number.is_finite() && number > 0.0);
        self.meanings(&path.then("multiplier"), &figure.multiplier, "a number above zero", number);
        let status = |text: &str| text.is_empty() || text.parse::<ObservationStatus>().is_ok();
        self.meanings(&path.then("status"), &figure.status, "a status: a letter of CL_OBS_STATUS", status);
        // An embargo needs its end, which no column gives.
        let open = |text: &str| {
            text.is_empty()
                || text
                    .parse()
                    .is_ok_and(|confidentiality: Confidentiality| confidentiality != Confidentiality::Embargoed)
        };
        let expected = "a letter of CL_CONF_STATUS other than E";
        self.meanings(&path.then("confidentiality"), &figure.confidentiality, expected, open);
        self.text(path.then("note"), &figure.note);
    }

    fn indicator(&mut self, path: &FieldPath, indicator: &IndicatorColumns) {
        if indicator.code.is_empty() {
            self.problems.add(path.then("code"), ProblemCode::Required, "an indicator has a code or a name");
        }
        self.text(path.then("code"), &indicator.code);
        self.text(path.then("name"), &indicator.name);
        self.text(path.then("unit"), &indicator.unit);
        if indicator.decimals.is_some_and(|decimals| !(0..=6).contains(&decimals)) {
            self.problems.add(path.then("decimals"), ProblemCode::OutOfRange, "0 to 6 decimals");
        }
    }

    fn period(&mut self, path: &FieldPath, period: &PeriodColumns) {
        if period.text.is_empty() {
            self.problems.add(path.then("text"), ProblemCode::Required, "a period is written somewhere, or a constant");
        }
        let start = period.fiscal_year_start;
        if start.is_some_and(|month| !(2..=12).contains(&month)) {
            let message = "a fiscal year begins in a month from 2 to 12";
            self.problems.add(path.then("fiscalYearStart"), ProblemCode::OutOfRange, message);
        }
        let read = |text: &str| match &period.format {
            Some(format) => format.read(text).is_some(),
            None => Period::parse_year_span(text, start).is_ok(),
        };
        self.meanings(&path.then("text"), &period.text, "a period", read);
    }

    fn dimensions(&mut self, path: &FieldPath, dimensions: &[DimensionColumn], more: &[DimensionColumn]) {
        let mut seen = BTreeSet::new();
        if dimensions.len() + more.len() > 12 {
            self.problems.add(path.clone(), ProblemCode::TooLong, "at most 12 dimensions describe a series");
        }
        for (index, dimension) in dimensions.iter().enumerate() {
            let path = path.then(index);
            self.name(&path.then("dimension"), Some(&dimension.dimension));
            self.text(path.then("value"), &dimension.value);
            let others = more.iter().map(|other| other.dimension.as_str());
            if !seen.insert(&dimension.dimension) || others.into_iter().any(|other| other == dimension.dimension) {
                self.refuse(path.then("dimension"), "two dimensions have this name");
            }
        }
    }

    /// A text of one part, whose constant or listed meanings must all be `good`.
    fn meanings(&mut self, path: &FieldPath, text: &Text, expected: &str, good: impl Fn(&str) -> bool) {
        self.text(path.clone(), text);
        self.meant(path, text, expected, &good);
    }

    fn meant(&mut self, path: &FieldPath, text: &Text, expected: &str, good: &impl Fn(&str) -> bool) {
        let [part] = text.0.as_slice() else { return };
        if let Some(otherwise) = &part.otherwise {
            self.meant(&path.then("otherwise"), otherwise, expected, good);
        }
        if part.constant.as_ref().is_some_and(|constant| part.values.is_empty() && !good(constant)) {
            self.refuse(path.clone(), format!("the constant is not {expected}"));
        }
        for (found, means) in &part.values {
            if !good(means) {
                self.refuse(path.then("values").then(found), format!("“{means}” is not {expected}"));
            }
        }
    }

    fn text(&mut self, path: FieldPath, text: &Text) {
        for (index, part) in text.0.iter().enumerate().take(MOST) {
            let path = if text.0.len() == 1 { path.clone() } else { path.then(index) };
            let given = [&part.constant, &part.column, &part.capture];
            if given.iter().filter(|given| given.is_some()).count() != 1 {
                self.refuse(path.clone(), "a part is a constant, a column or a capture: one of the three");
            }
            for text in given.into_iter().flatten() {
                self.long(&path, text);
            }
            if let Some(capture) = part.capture.as_deref().filter(|capture| !self.captures.contains(capture)) {
                self.refuse(
                    path.then("capture"),
                    format!("no pattern captures “{capture}” for every figure it is used for"),
                );
            }
            self.name(&path.then("column"), part.column.as_deref());
            if part.width.is_some_and(|width| !(1..=40).contains(&width)) {
                self.problems.add(path.then("width"), ProblemCode::OutOfRange, "1 to 40 characters");
            }
            if part.values.len() > MOST {
                self.problems.add(path.then("values"), ProblemCode::TooLong, "at most 10000");
            }
            if let Some(otherwise) = &part.otherwise {
                if part.values.is_empty() {
                    self.refuse(path.then("otherwise"), "there are no values that this could stand beside");
                }
                self.text(path.then("otherwise"), otherwise);
            }
        }
        if text.0.len() > 20 {
            self.problems.add(path, ProblemCode::TooLong, "at most 20 parts");
        }
    }

    fn name(&mut self, path: &FieldPath, name: Option<&str>) {
        let Some(name) = name else { return };
        if name.trim().is_empty() {
            self.problems.add(path.clone(), ProblemCode::Required, "a name is missing");
        }
        self.long(path, name);
    }

    fn long(&mut self, path: &FieldPath, text: &str) {
        if text.chars().count() > LONGEST {
            self.problems.add(path.clone(), ProblemCode::TooLong, "at most 400 characters");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;
    use crate::error::Error;

    const GOOD: &str = r#"{
        "table": {"encoding": "latin-1", "headerRows": 2},
        "community": {"code": [{"column": "state", "width": 2}, {"column": "county", "width": 3}], "scheme": "us:FIPS"},
        "period": {"text": {"column": "YEAR", "values": {"1": "2020-04-01"}}},
        "figures": [{
            "pattern": "{age}_{sex}",
            "captures": {"sex": ["TOT", "FEM"]},
            "indicator": {"code": "population", "measure": "COUNT"},
            "dimensions": [{"dimension": "sex", "value": {"capture": "sex", "values": {"TOT": "", "FEM": "female"}}}]
        }]
    }"#;

    fn good() -> ColumnMapping {
        serde_json::from_str(GOOD).unwrap()
    }

    fn paths(change: impl Fn(&mut ColumnMapping)) -> Vec<String> {
        let mut mapping = good();
        change(&mut mapping);
        match mapping.check() {
            Ok(()) => Vec::new(),
            Err(Error::Validation(problems)) => problems.iter().map(|problem| problem.path.to_string()).collect(),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_good_mapping_is_good_and_is_written_as_it_was_read() {
        assert_eq!(paths(|_| {}), Vec::<String>::new());
        let again: ColumnMapping = serde_json::from_str(&serde_json::to_string(&good()).unwrap()).unwrap();
        assert_eq!(again, good());
        let unknown = GOOD.replace("\"community\"", "\"comunity\": {}, \"community\"");
        assert!(serde_json::from_str::<ColumnMapping>(&unknown).unwrap_err().to_string().contains("comunity"));
    }

    #[test]
    fn every_fault_is_told_with_its_path() {
        let only = |path: &str| vec![path.to_owned()];
        assert_eq!(paths(|m| m.figures.clear()), only("figures"));
        assert_eq!(paths(|m| m.table.delimiter = '"'), only("table.delimiter"));
        assert_eq!(paths(|m| m.table.header_rows = 0), only("table.headerRows"));
        assert_eq!(paths(|m| m.table.join = "-".repeat(401)), only("table.join"));
        assert_eq!(paths(|m| m.numbers.thousands = Some('.')), only("numbers.thousands"));
        assert_eq!(paths(|m| m.community = Default::default()), only("community"));
        assert_eq!(paths(|m| m.period = None), only("figures.0.period"));
        assert_eq!(paths(|m| m.figures[0].indicator = None), only("figures.0.indicator"));
        assert_eq!(paths(|m| m.figures[0].column = Some("x".into())), only("figures.0"));
        assert_eq!(paths(|m| m.figures[0].multiplier = Text::constant("many")), only("figures.0.multiplier"));
        assert_eq!(paths(|m| m.figures[0].status = Text::constant("normal")), only("figures.0.status"));
        assert_eq!(paths(|m| m.figures[0].confidentiality = Text::constant("E")), only("figures.0.confidentiality"));
        assert_eq!(paths(|m| m.figures[0].limits_level = Some(100)), only("figures.0.limitsLevel"));
        assert_eq!(paths(|m| m.source = Text::capture("other")), only("source.capture"));
        assert_eq!(paths(|m| m.source = Text(vec![super::super::Part::default()])), only("source"));
        assert_eq!(
            paths(|m| {
                m.missing.insert("x".into(), ObservationStatus::Normal);
            }),
            only("missing.x")
        );
        assert_eq!(
            paths(|m| {
                m.period.as_mut().unwrap().text.0[0].values.insert("2".into(), "soon".into());
            }),
            only("period.text.values.2")
        );
        assert_eq!(
            paths(|m| m.period.as_mut().unwrap().text.0[0].otherwise = Some(Text::constant("soon"))),
            only("period.text.otherwise")
        );
        assert_eq!(
            paths(|m| m.figures[0].dimensions[0].value.0[0].otherwise = Some(Text::capture("other"))),
            only("figures.0.dimensions.0.value.otherwise.capture")
        );
        assert_eq!(
            paths(|m| m.community.code.0[0].otherwise = Some(Text::constant("x"))),
            only("community.code.0.otherwise")
        );
        assert_eq!(
            paths(|m| m.dimensions.extend(m.figures[0].dimensions.clone())),
            ["figures.0.dimensions.0.dimension"]
        );
    }
}
