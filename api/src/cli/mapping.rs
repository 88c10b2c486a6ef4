//! Column mappings on the command line: read from a file, or proposed.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use domain::mapping::{ColumnMapping, MappingRef};

use crate::exchange::infer::{GAP, infer};

/// The longest mapping, bytes.
const LONGEST: u64 = 4 * 1024 * 1024;

/// What `--mapping` names.
pub enum Named {
    /// A file, read and checked.
    File(Box<ColumnMapping>),
    /// A mapping that the server keeps.
    Kept(MappingRef),
}

/// What a name means: a file if there is one of this name, else a mapping that the server keeps.
///
/// # Errors
/// As [`read`], and for what names neither.
pub fn named(name: &Path) -> Result<Named, String> {
    let kept = name.to_str().and_then(|text| text.parse::<MappingRef>().ok()).filter(|_| !name.exists());
    match kept {
        Some(kept) if !looks_like_a_file(name) => Ok(Named::Kept(kept)),
        _ => read(name).map(|mapping| Named::File(Box::new(mapping))),
    }
}

/// Whether a name that names nothing was surely meant as that of a file.
fn looks_like_a_file(name: &Path) -> bool {
    name.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
}

/// Prints the mapping that a table seems to need; what is unsure of it goes to standard error.
///
/// # Errors
/// What keeps the table from being read.
pub fn propose(path: &Path) -> Result<(), String> {
    let named = |error: String| format!("{}: {error}", path.display());
    let file = fs::File::open(path).map_err(|error| named(error.to_string()))?;
    let proposal = infer(file).map_err(|failure| named(failure.to_string()))?;
    let json = serde_json::to_string_pretty(&proposal.mapping).map_err(|error| error.to_string())?;
    // A reader that has seen enough may close the pipe.
    let _ = writeln!(io::stdout(), "{json}");
    let mut told = io::stderr().lock();
    for doubt in &proposal.doubts {
        let line: String = doubt.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(told, "unsure: {line}");
    }
    if json.contains(&format!("\"{GAP}\"")) {
        let _ = writeln!(told, "Fill in what stands as “{GAP}”, then use it: --format mapped --mapping FILE");
    }
    Ok(())
}

/// Reads and checks a mapping.
///
/// # Errors
/// What is wrong with the file, with the line in it, or with the mapping, with the path in it.
pub fn read(path: &Path) -> Result<ColumnMapping, String> {
    let named = |error: String| format!("{}: {error}", path.display());
    let length = fs::metadata(path).map_err(|error| named(error.to_string()))?.len();
    if length > LONGEST {
        return Err(named("a mapping is at most 4 MiB".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    let mapping: ColumnMapping = serde_json::from_str(&text).map_err(|error| named(error.to_string()))?;
    mapping.check().map_err(|error| named(error.to_string()))?;
    Ok(mapping)
}
