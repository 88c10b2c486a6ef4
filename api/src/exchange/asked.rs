//! The settings of an upload, with the mapping that they name.

use domain::{
    error::{Error, ProblemCode, Result},
    mapping::MappingRef,
    service::Services,
};

use super::{
    options::Options,
    reading::{BadSetting, settings},
};

/// The setting that names a mapping.
const MAPPING: &str = "mapping";

/// What an upload asks for: its settings as they are kept with the job, and what they mean.
pub struct Asked {
    /// Every setting; a mapping is named with its version.
    pub pairs: Vec<(String, String)>,
    /// What they mean.
    pub options: Options,
}

/// Whether an upload begins, or was begun before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It begins: the newest version of the mapping is the one from now on.
    Begins,
    /// It goes on with what it began with, also if that has been archived meanwhile.
    GoesOn,
}

/// Reads the settings of an upload.
///
/// # Errors
/// What the database says; within, what is wrong with the settings.
pub async fn asked(
    services: &Services,
    mut pairs: Vec<(String, String)>,
    stage: Stage,
) -> Result<std::result::Result<Asked, BadSetting>> {
    let bad = |message: String| Ok(Err(BadSetting { field: Some(MAPPING.to_owned()), message }));
    let named: Vec<String> = pairs.extract_if(.., |(name, _)| name == MAPPING).map(|(_, value)| value).collect();
    let named = match named.as_slice() {
        [] => return Ok(settings(&pairs, None).map(|options| Asked { pairs, options })),
        [one] => one.parse::<MappingRef>(),
        _ => return bad("it is named once".to_owned()),
    };
    let named = match named {
        Ok(named) => named,
        Err(message) => return bad(message),
    };
    let found = match stage {
        Stage::Begins => services.mapping_to_begin(&named).await,
        Stage::GoesOn => services.mapping_to_go_on(&named).await,
    };
    let mapping = match found {
        Ok(mapping) => mapping,
        Err(Error::Validation(problems)) => return bad(problems.to_string()),
        Err(Error::Conflict(problem)) if problem.code == ProblemCode::Archived => return bad(problem.message),
        Err(other) => return Err(other),
    };
    let pinned = mapping.pinned.to_string();
    Ok(settings(&pairs, Some(mapping)).map(|options| {
        pairs.push((MAPPING.to_owned(), pinned));
        Asked { pairs, options }
    }))
}
