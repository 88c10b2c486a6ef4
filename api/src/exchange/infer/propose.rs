//! Puts a mapping together from what the columns seem to be.

use std::collections::BTreeMap;

use domain::{
    key::Slug,
    mapping::{
        ColumnMapping, CommunityColumns, DimensionColumn, FigureColumns, IndicatorColumns, Part, PeriodColumns,
        PeriodFormat, Text, standard_errors,
    },
    observation::ObservationStatus,
    period::Period,
};

use super::{
    Doubts, GAP,
    columns::{Column, Role, TOKENS, columns, words},
    head::Head,
    numbers::form,
};

/// Places in rows, or in the names of columns.
const TRANSPOSED: usize = 5;
/// The most values of a code that are listed to be filled in.
const MOST_LISTED: usize = 60;
/// Values of a dimension that mean everybody.
const TOTALS: [&str; 9] =
    ["total", "all", "all ages", "both sexes", "all persons", "persons", "all genders", "everyone", "_t"];
/// Numbers that some publishers write for none.
const SENTINELS: [&str; 9] = ["-1", "-9", "-99", "-999", "-9999", "999", "9999", "99999", "-666666666"];

/// Everything that is known of the table.
pub(super) struct Table<'a> {
    pub(super) head: &'a Head,
    pub(super) columns: Vec<Column>,
}

/// The mapping, with gaps.
pub fn mapping(head: &Head, doubts: &mut Doubts) -> ColumnMapping {
    let table = Table { head, columns: columns(head) };
    let mut mapping = ColumnMapping {
        description: Some(GAP.to_owned()),
        table: head.shape.clone(),
        leave_out: Vec::new(),
        community: CommunityColumns::default(),
        indicator: None,
        period: None,
        dimensions: Vec::new(),
        source: Text::default(),
        numbers: domain::mapping::NumberForm::default(),
        missing: BTreeMap::new(),
        leave_out_blank: false,
        figures: Vec::new(),
    };
    let transposed = table.is_transposed();
    let periods = table.periods_in_names();
    mapping.community = if transposed { table.places_in_names(doubts) } else { table.community(doubts) };
    mapping.period =
        Some(if periods.is_empty() { table.period(doubts) } else { table.period_of_names(&periods, doubts) });
    let figures = if transposed || !periods.is_empty() {
        table.wide(&mut mapping, &periods, doubts)
    } else if let Some(value) = table.of(Role::Value).next() {
        table.long(&mut mapping, value, doubts)
    } else {
        table.measures(doubts)
    };
    mapping.figures = figures;
    mapping.leave_out = table.sums(doubts);
    table.cells(&mut mapping, doubts);
    table.unread(&mapping, doubts);
    mapping
}

impl Table<'_> {
    pub(super) fn of(&self, role: Role) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |column| column.role == role)
    }

    pub(super) fn name(&self, column: &Column) -> String {
        self.head.reference(column.place)
    }

    pub(super) fn text(&self, column: &Column) -> Text {
        Text::column(self.name(column))
    }

    /// Columns of figures whose names are periods.
    fn periods_in_names(&self) -> Vec<&Column> {
        let named =
            |column: &&Column| self.head.names.get(column.place).is_some_and(|name| name.parse::<Period>().is_ok());
        let found: Vec<&Column> = self.columns.iter().filter(|column| column.numbers > 0).filter(named).collect();
        if found.len() < 2 { Vec::new() } else { found }
    }

    /// Whether the places are columns: no column names them, and many hold figures beside texts that say of what.
    fn is_transposed(&self) -> bool {
        let places = self.of(Role::Place).chain(self.of(Role::Code)).next().is_some();
        let figures = self.of(Role::Figure).count();
        !places && figures >= TRANSPOSED && self.row_names().is_some() && self.periods_in_names().is_empty()
    }

    /// The column of texts that tells most rows apart.
    fn row_names(&self) -> Option<&Column> {
        let texts = self.columns.iter().filter(|column| column.filled > 0 && column.numbers * 5 < column.filled);
        let texts =
            texts.filter(|column| !matches!(column.role, Role::Note | Role::Source | Role::Status | Role::Period));
        texts.max_by_key(|column| (column.distinct.len(), std::cmp::Reverse(column.place)))
    }

    fn period(&self, doubts: &mut Doubts) -> PeriodColumns {
        let Some(column) = self.of(Role::Period).max_by_key(|column| (column.is_periods(), column.distinct.len()))
        else {
            return self.period_of_titles(doubts);
        };
        let mut period = PeriodColumns { text: self.text(column), ..PeriodColumns::default() };
        if column.is_periods() {
            return period;
        }
        if let Some(format) = format(column, doubts) {
            period.format = Some(format);
        } else if column.distinct.iter().all(|cell| fiscal(cell)) {
            doubts.add(
                "period.fiscalYearStart",
                format!(
                    "{} holds years such as 2014/2015: say in which month they begin, from 2 to 12",
                    self.name(column)
                ),
            );
        } else if column.distinct.len() <= MOST_LISTED {
            let values = column.distinct.iter().map(|cell| (cell.clone(), GAP.to_owned())).collect();
            period.text = Text(vec![Part { values, ..Part::column(self.name(column)) }]);
            doubts.add(
                "period.text",
                format!("{} holds no periods but codes: say which period each stands for", self.name(column)),
            );
        } else {
            doubts
                .add("period.format", format!("periods in {} are written in no usual way: say how", self.name(column)));
        }
        period
    }

    fn period_of_titles(&self, doubts: &mut Doubts) -> PeriodColumns {
        let titles = self.head.titles.join(" ");
        let year = |word: &&str| {
            word.len() == 4 && ("1900"..="2100").contains(word) && word.bytes().all(|byte| byte.is_ascii_digit())
        };
        let found = titles.split(|c: char| !c.is_alphanumeric()).find(year);
        let text = found.unwrap_or(GAP);
        let reason = match found {
            Some(year) => format!("no column holds periods; {year} stands in the titles"),
            None => "no column holds periods: say of which period all figures are".to_owned(),
        };
        doubts.add("period.text", reason);
        PeriodColumns { text: Text::constant(text), ..PeriodColumns::default() }
    }

    fn period_of_names(&self, periods: &[&Column], doubts: &mut Doubts) -> PeriodColumns {
        if let Some(column) = self.of(Role::Period).next() {
            let reason = format!(
                "{} columns are called by periods, and {} seems to hold periods too",
                periods.len(),
                self.name(column)
            );
            doubts.add("period.text", reason);
        }
        PeriodColumns { text: Text::capture("period"), ..PeriodColumns::default() }
    }

    /// One value in each row, with a column that says of what.
    fn long(&self, mapping: &mut ColumnMapping, value: &Column, doubts: &mut Doubts) -> Vec<FigureColumns> {
        mapping.indicator = Some(self.indicator_of_rows(doubts));
        mapping.dimensions = self.dimensions(doubts);
        let optional = |role: Role| self.of(role).next().map(|column| self.name(column));
        let mut figure = FigureColumns {
            column: Some(self.name(value)),
            lower: optional(Role::Lower),
            upper: optional(Role::Upper),
            numerator: optional(Role::Numerator),
            denominator: optional(Role::Denominator),
            note: optional(Role::Note).map(Text::column).unwrap_or_default(),
            status: self.status(doubts),
            ..FigureColumns::default()
        };
        level_of_limits(&mut figure, 0, doubts);
        vec![figure]
    }

    fn indicator_of_rows(&self, doubts: &mut Doubts) -> IndicatorColumns {
        let mut indicator = IndicatorColumns::default();
        // Where rows have both, the measure is a part of what the indicator says.
        let rank = |column: &&Column| (words(&self.name(column)) == "indicator", column.distinct.len());
        if let Some(column) = self.of(Role::Indicator).max_by_key(rank) {
            indicator.code = self.text(column);
            let others = self.of(Role::Indicator).filter(|other| other.place != column.place);
            let others: Vec<_> = others.map(|other| self.name(other)).collect();
            if !others.is_empty() {
                let reason = format!("{} seems to say what is measured too", others.join(", "));
                doubts.add("indicator.code", reason);
            }
        } else {
            indicator.code = Text::constant(GAP);
            doubts.add("indicator.code", "no column says what is measured: say it for all figures");
        }
        if let Some(unit) = self.of(Role::Unit).next() {
            indicator.unit = self.text(unit);
        }
        indicator
    }

    /// Texts of few kinds, which say of which part of the population a figure is.
    fn dimensions(&self, doubts: &mut Doubts) -> Vec<DimensionColumn> {
        let mut dimensions = Vec::new();
        for column in self.of(Role::Kind) {
            let name = self.name(column);
            let totals =
                column.distinct.iter().filter(|cell| TOTALS.contains(&cell.to_lowercase().as_str())).cloned().collect();
            doubts.add(
                format!("dimensions.{}", dimensions.len()),
                format!("{name} holds {} different texts: taken for a part of the population", column.distinct.len()),
            );
            dimensions.push(DimensionColumn { dimension: dimension(&name), value: self.text(column), totals });
        }
        dimensions
    }

    fn status(&self, doubts: &mut Doubts) -> Text {
        let Some(column) = self.of(Role::Status).next() else { return Text::default() };
        let name = self.name(column);
        let known = |cell: &String| cell.parse::<ObservationStatus>().is_ok();
        if column.distinct.iter().all(known) {
            return Text::column(name);
        }
        let values = column.distinct.iter().take(MOST_LISTED).map(|cell| {
            let means = if known(cell) { cell.clone() } else { GAP.to_owned() };
            (cell.clone(), means)
        });
        let values = values.collect();
        doubts.add(
            "figures.0.status",
            format!("{name} holds other letters than those of CL_OBS_STATUS: say what each stands for"),
        );
        Text(vec![Part { values, ..Part::column(name) }])
    }

    /// Every column of figures is a measure of its own; limits behind it are its limits.
    fn measures(&self, doubts: &mut Doubts) -> Vec<FigureColumns> {
        let mut figures: Vec<FigureColumns> = Vec::new();
        for column in &self.columns {
            let name = self.name(column);
            match (column.role, figures.last_mut()) {
                (Role::Figure | Role::Value, _) => figures.push(self.measure(column)),
                (Role::Lower, Some(figure)) if figure.lower.is_none() => figure.lower = Some(name),
                (Role::Upper, Some(figure)) if figure.upper.is_none() => figure.upper = Some(name),
                (Role::Lower | Role::Upper, _) => {
                    doubts.add(
                        "figures",
                        format!("{name} seems to be a limit, and no figure stands before it that has none"),
                    );
                }
                _ => {}
            }
        }
        for (place, figure) in figures.iter_mut().enumerate() {
            level_of_limits(figure, place, doubts);
        }
        if figures.is_empty() {
            doubts.add("figures", "no column seems to hold figures: name them");
        } else {
            doubts.add(
                "figures",
                "what the columns are called says what is measured: check code, name, unit and kind of each",
            );
        }
        figures
    }

    fn measure(&self, column: &Column) -> FigureColumns {
        let name = self.name(column);
        let code = Slug::suggest(&name).map_or_else(|| format!("column-{}", column.place + 1), |slug| slug.to_string());
        let plain =
            self.head.names.get(column.place).filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| name.clone());
        let percent = ["percent", "%", "rate", "share"].iter().any(|word| plain.to_lowercase().contains(word));
        let unit = if percent { Text::constant("%") } else { Text::default() };
        let indicator = IndicatorColumns {
            code: Text::constant(code),
            name: Text::constant(plain),
            unit,
            ..IndicatorColumns::default()
        };
        FigureColumns { column: Some(name), indicator: Some(indicator), ..FigureColumns::default() }
    }

    /// Places or periods are columns.
    fn wide(&self, mapping: &mut ColumnMapping, periods: &[&Column], doubts: &mut Doubts) -> Vec<FigureColumns> {
        let columns: Vec<&Column> = if periods.is_empty() { self.of(Role::Figure).collect() } else { periods.to_vec() };
        mapping.indicator =
            Some(if periods.is_empty() { self.indicator_of_row_names(doubts) } else { self.indicator_of_rows(doubts) });
        if !periods.is_empty() {
            mapping.dimensions = self.dimensions(doubts);
        }
        let edge = |column: Option<&&Column>| column.map(|column| self.name(column));
        let capture = if periods.is_empty() { "{place}" } else { "{period}" };
        let (from, to) = (edge(columns.first()), edge(columns.last()));
        vec![FigureColumns { pattern: capture.parse().ok(), from, to, ..FigureColumns::default() }]
    }

    fn indicator_of_row_names(&self, doubts: &mut Doubts) -> IndicatorColumns {
        let Some(names) = self.row_names() else { return IndicatorColumns::default() };
        let numbered = self.columns.iter().find(|column| {
            column.role == Role::Other && column.is_digits() && column.distinct.len() == self.head.rows.len()
        });
        let mut indicator =
            IndicatorColumns { code: self.text(numbered.unwrap_or(names)), ..IndicatorColumns::default() };
        if numbered.is_some() {
            indicator.name = self.text(names);
        }
        if names.distinct.len() < self.head.rows.len() {
            let reason = format!(
                "{} says what is measured, and repeats: rows of one text would be one indicator",
                self.name(names)
            );
            doubts.add("indicator", reason);
        }
        indicator
    }

    /// What stands in the cells of figures: how numbers are written, and what stands for none.
    fn cells(&self, mapping: &mut ColumnMapping, doubts: &mut Doubts) {
        let roles = [Role::Figure, Role::Value, Role::Lower, Role::Upper, Role::Numerator, Role::Denominator];
        let columns: Vec<&Column> = self.columns.iter().filter(|column| roles.contains(&column.role)).collect();
        let cells = || columns.iter().flat_map(|column| self.head.cells(column.place));
        mapping.numbers = form(cells(), self.head.shape.delimiter, doubts);
        for (token, letter) in TOKENS.iter().filter(|(token, _)| !token.is_empty()) {
            let count = cells().filter(|cell| cell == token).count();
            let Some(status) = letter.to_string().parse::<ObservationStatus>().ok().filter(|_| count > 0) else {
                continue;
            };
            mapping.missing.insert((*token).to_owned(), status);
            doubts.add(
                format!("missing.{token}"),
                format!("{count} cells hold “{token}”: taken to mean {letter}, as most publishers do"),
            );
        }
        let blank = |column: &&Column| column.filled < self.head.rows.len();
        // With a status, a blank cell says why it is blank.
        if columns.iter().any(blank) && self.of(Role::Status).next().is_none() {
            mapping.leave_out_blank = true;
            doubts.add(
                "leaveOutBlank",
                "some cells of figures are blank: left out; if blank means something, say what in `missing`",
            );
        }
        let all = cells().count();
        for sentinel in SENTINELS {
            let count = cells().filter(|cell| *cell == sentinel).count();
            if count > 2 && (sentinel.starts_with('-') || count * 50 > all) {
                doubts.add("missing", format!("{count} cells hold {sentinel}: a number, or a sign for none?"));
            }
        }
    }

    fn unread(&self, mapping: &ColumnMapping, doubts: &mut Doubts) {
        let json = serde_json::to_string(mapping).unwrap_or_default();
        let within = |column: &Column| {
            let Some(FigureColumns { from: Some(_), .. }) = mapping.figures.first() else { return false };
            column.role == Role::Figure
        };
        let named = |column: &Column| {
            let name = serde_json::to_string(&self.name(column)).unwrap_or_default();
            json.contains(&name)
        };
        let unread: Vec<_> = self
            .columns
            .iter()
            .filter(|column| !within(column) && !named(column))
            .map(|column| self.name(column))
            .collect();
        if !unread.is_empty() {
            doubts.add("figures", format!("not read: {}", unread.join(", ")));
        }
    }
}

/// The name of a dimension: the words of the column.
fn dimension(name: &str) -> String {
    Slug::suggest(name).map_or_else(|| name.to_owned(), |slug| slug.to_string())
}

/// Two years, the second the next: `2014/2015`, `2014-15`.
fn fiscal(cell: &str) -> bool {
    let Some((first, second)) = cell.split_once(['/', '-', '–']) else { return false };
    let next = first.parse::<u32>().ok().and_then(|year| year.checked_add(1));
    let second = second.parse::<u32>().ok();
    first.len() == 4 && next.is_some() && (second == next || second == next.map(|year| year % 100))
}

/// The first way of writing in which every period of a column can be read.
fn format(column: &Column, doubts: &mut Doubts) -> Option<PeriodFormat> {
    let orders =
        ["DD/MM/YYYY", "MM/DD/YYYY", "DD.MM.YYYY", "DD-MM-YYYY", "MM/YYYY", "MM.YYYY", "MM-YYYY", "Q YYYY", "Q/YYYY"];
    let reads = |format: &PeriodFormat| column.distinct.iter().all(|cell| format.read(cell).is_some());
    let fits: Vec<PeriodFormat> = orders.iter().filter_map(|order| order.parse().ok()).filter(reads).collect();
    if fits.len() > 1 {
        let all: Vec<_> = fits.iter().map(ToString::to_string).collect();
        doubts
            .add("period.format", format!("every period can be read as {}: taken for the first", all.join(" and as ")));
    }
    fits.into_iter().next()
}

/// For what share of cases limits hold, where their names say it.
fn level_of_limits(figure: &mut FigureColumns, place: usize, doubts: &mut Doubts) {
    let Some(name) = figure.lower.as_ref().or(figure.upper.as_ref()) else { return };
    let numbers = name.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse::<u32>().ok());
    let level = numbers.filter(|&number| number >= 50).find(|&number| standard_errors(number).is_some());
    if level.is_none() {
        doubts.add(
            format!("figures.{place}.limitsLevel"),
            format!("{name} does not say for what share of cases the limits hold: taken for 95 %"),
        );
    }
    figure.limits_level = level.filter(|level| *level != 95);
}
