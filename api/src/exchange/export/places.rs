//! How files name the communities of a network, so that they are found again by their readers.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::NaiveDate;
use domain::{
    community::{Community, CommunityKind},
    fold::fold_spelling,
    id::CommunityId,
    key::Scheme,
    record::Stored,
    text::LanguageTag,
};

use super::{LeftOut, text};

/// By what a file names communities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    /// By their codes of a scheme, and by their slugs where there is none.
    CodeOrSlug(Option<Scheme>),
    /// By their codes of a scheme.
    Code(Scheme),
    /// By name, with their codes of a scheme beside it if one is named.
    Name(Option<Scheme>),
}

impl Naming {
    /// The scheme of the codes.
    pub const fn scheme(&self) -> Option<&Scheme> {
        match self {
            Self::CodeOrSlug(scheme) | Self::Name(scheme) => scheme.as_ref(),
            Self::Code(scheme) => Some(scheme),
        }
    }
}

/// What a community is called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The readable part of its address.
    pub slug: String,
    /// Its name in the language of the file.
    pub name: String,
    /// Its code of the scheme, if it has one.
    pub code: Option<String>,
    /// The kind of place, in words that readers know.
    pub kind: &'static str,
}

/// What the communities of a network are called.
#[derive(Debug, Default)]
pub struct Places(HashMap<CommunityId, Result<Place, LeftOut>>);

impl Places {
    /// What these, all members of a network, are called in a file on this day.
    pub fn new(members: &[Arc<Stored<Community>>], naming: &Naming, language: &LanguageTag, day: NaiveDate) -> Self {
        let shared = shared_names(members);
        let place = |community: &Arc<Stored<Community>>| {
            let place = Place {
                slug: community.slug.to_string(),
                name: text(&community.name, language).to_owned(),
                code: naming.scheme().and_then(|scheme| code(community, scheme, day)),
                kind: word(community.kind),
            };
            let named = match naming {
                Naming::Code(_) if place.code.is_none() => Err(LeftOut::NoCode),
                Naming::Name(_) if place.code.is_none() && shared.contains(&fold_spelling(&place.name)) => {
                    Err(LeftOut::Ambiguous)
                }
                _ => Ok(place),
            };
            (community.id, named)
        };
        Self(members.iter().map(place).collect())
    }

    /// What a community is called.
    ///
    /// # Errors
    /// Why the file cannot name it.
    pub fn of(&self, community: CommunityId) -> Result<&Place, LeftOut> {
        // Only members are exported.
        self.0.get(&community).map_or(Err(LeftOut::NoCode), |place| place.as_ref().map_err(|why| *why))
    }
}

/// The names, in any language or as aliases, that several have.
fn shared_names(members: &[Arc<Stored<Community>>]) -> HashSet<String> {
    let mut known: HashMap<String, CommunityId> = HashMap::new();
    let mut shared = HashSet::new();
    for community in members {
        let names = community.name.iter().map(|(_, name)| name).chain(community.aliases.iter().map(String::as_str));
        for name in names.map(fold_spelling) {
            if *known.entry(name.clone()).or_insert(community.id) != community.id {
                shared.insert(name);
            }
        }
    }
    shared
}

/// The code of a scheme that is in force on a day, else the last that was.
fn code(community: &Community, scheme: &Scheme, day: NaiveDate) -> Option<String> {
    let codes = || community.codes.iter().filter(|code| code.scheme == *scheme);
    let in_force = codes().find(|code| {
        code.valid_from.is_none_or(|from| from <= day) && code.valid_until.is_none_or(|until| day < until)
    });
    in_force.or_else(|| codes().max_by_key(|code| code.valid_until)).map(|code| code.code.to_string())
}

/// A kind of place as the readers of tables understand it.
const fn word(kind: CommunityKind) -> &'static str {
    match kind {
        CommunityKind::Municipality => "Municipality",
        CommunityKind::County => "County",
        CommunityKind::Region => "Region",
        CommunityKind::FirstNation => "First Nation",
        CommunityKind::Neighbourhood => "Neighbourhood",
        CommunityKind::Other => "Other",
    }
}
