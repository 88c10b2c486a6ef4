//! Column mappings on the command line: read from a file, or proposed.

use std::{fs, path::Path};

use domain::mapping::ColumnMapping;

/// The longest mapping, bytes.
const LONGEST: u64 = 4 * 1024 * 1024;

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
