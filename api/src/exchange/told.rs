//! What a reader makes of a text, for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use tokio::sync::mpsc;

use super::{
    batch::{Act, AreaKey, Batch},
    failure::Failure,
    import::read,
    options::{Format, Options},
};

/// What everything needs that names no source itself.
pub fn options(format: Format) -> Options {
    let mut options = Options::new(format, "net".parse().unwrap(), "en".parse().unwrap());
    options.source = Some("office".parse().unwrap());
    options
}

/// The batches of a text, and what is to be known of it.
pub fn batches(text: impl AsRef<[u8]>, options: &Options) -> Result<(Vec<Batch>, Vec<String>), Failure> {
    let (sender, mut receiver) = mpsc::channel(10_000);
    let notices = read(std::io::Cursor::new(text.as_ref().to_vec()), options, true, &sender)?;
    drop(sender);
    let mut batches = Vec::new();
    while let Some(batch) = receiver.blocking_recv() {
        batches.push(batch);
    }
    Ok((batches, notices))
}

/// Every row of a text by its line: what is recorded of whom, or `!` with code and column of why not.
pub fn told(text: impl AsRef<[u8]>, options: &Options) -> Result<Vec<(u64, String)>, Failure> {
    let (batches, _) = batches(text, options)?;
    let (mut areas, mut indicators, mut parts, mut series) = (vec![], vec![], vec![], vec![]);
    let mut rows = Vec::new();
    for batch in batches {
        if batch.restart {
            (areas, indicators, parts, series) = (vec![], vec![], vec![], vec![]);
        }
        areas.extend(batch.areas.iter().map(area));
        indicators.extend(batch.indicators.iter().map(|key| match key.unit.as_str() {
            "" => key.name.clone(),
            unit => format!("{} [{unit}]", key.name),
        }));
        parts.extend(batch.disaggregations.iter().map(ToString::to_string));
        series.extend(batch.series.iter().copied());
        for row in &batch.rows {
            let key = series[row.series as usize];
            let (area, indicator) = (&areas[key.area as usize], &indicators[key.indicator as usize]);
            let what = match (row.act, row.figure.value) {
                (Act::Retract, _) => "withdrawn".to_owned(),
                (_, Some(value)) => value.to_string(),
                (_, None) => row.figure.status.to_string(),
            };
            let part = &parts[key.disaggregation as usize];
            let gap = if part.is_empty() { "" } else { " " };
            rows.push((row.line, format!("{area} {indicator} {part}{gap}{}: {what}", row.period)));
        }
        rows.extend(batch.rejects.iter().map(|(line, reason)| (*line, format!("!{} {}", reason.code, reason.column))));
    }
    rows.sort_by_key(|(line, _)| *line);
    Ok(rows)
}

fn area(key: &AreaKey) -> String {
    match key {
        AreaKey::Code { code, .. } => code.clone(),
        AreaKey::Name { name, code } => format!("“{name}”{code}"),
        AreaKey::Slug(slug) => format!("/{slug}"),
        AreaKey::External(external) => format!("{}={}", external.scheme, external.code),
        AreaKey::Blank => "-".to_owned(),
    }
}

/// The texts alone.
pub fn lines(text: impl AsRef<[u8]>, options: &Options) -> Vec<String> {
    told(text, options).unwrap().into_iter().map(|(_, line)| line).collect()
}

/// A text with a byte changed, left out or put in here and there.
pub fn damage(text: &[u8], places: &[(usize, u8)]) -> Vec<u8> {
    let mut damaged = text.to_vec();
    for &(place, byte) in places {
        if damaged.is_empty() {
            break;
        }
        let place = place % damaged.len();
        match byte % 3 {
            0 => damaged[place] = byte,
            1 => drop(damaged.remove(place)),
            _ => damaged.insert(place, byte),
        }
    }
    damaged
}

/// The public data set of this name, where it is at hand: `CONCERT_TEST_DATA` names their folder, which is otherwise looked
/// for beside the project.
pub fn data(test: &str, set: &str) -> Option<std::path::PathBuf> {
    let beside = || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("CONCERT_TEST_DATA").map_or_else(beside, std::path::PathBuf::from).join(set);
    if folder.is_dir() {
        return Some(folder);
    }
    if let Ok(path) = std::env::var("CONCERT_TEST_NOT_RUN") {
        use std::io::Write;
        let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
        writeln!(file, "{test}: the public data set {set} is not at hand").unwrap();
    }
    None
}
