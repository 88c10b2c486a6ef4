//! The members of a network, found by code or name.

use std::collections::HashMap;

use chrono::NaiveDate;
use domain::{
    access::Scope,
    community::{Community, CommunityCode, CommunityFilter, CommunityKind, CommunitySort},
    error::{Error, ProblemCode, Result},
    fold::{fold, fold_spelling},
    id::{CommunityId, NetworkId},
    key::{Code, CountryCode, ExternalId, Scheme, Slug},
    membership::{Membership, MembershipFilter, MembershipSort},
    page::{ListQuery, MAX_PAGE, PageArgs},
    port::store::Repositories,
    record::Stored,
    service::Session,
};

use super::{
    batch::AreaKey,
    options::{Format, Options},
    report::Reason,
    resolve::{Found, LONGEST_NAME, Resolver, create, is_called, localized, one, shorten},
};

/// The scheme of the codes in tidy files whose scheme the caller does not name: that of whoever made the file.
pub const OWN_SCHEME: &str = "areacd";
/// Communities read by one statement.
const CHUNK: usize = 500;

/// The members of a network, by whatever rows may call them.
pub struct Directory {
    network: NetworkId,
    joined_on: NaiveDate,
    scheme: Option<Scheme>,
    codes: HashMap<String, CommunityId>,
    slugs: HashMap<String, CommunityId>,
    names: HashMap<String, Vec<CommunityId>>,
    /// A name for each spelling without marks, brackets and what follows a comma: what looks like another name for it.
    spellings: HashMap<String, String>,
}

impl Directory {
    /// Reads who is a member on this day.
    ///
    /// # Errors
    /// [`Error::Validation`] if there is no such network.
    pub async fn load(repositories: &dyn Repositories, options: &Options, today: NaiveDate) -> Result<Self> {
        let mut found =
            repositories.networks().by_keys(&Scope::Everything, std::slice::from_ref(&options.network)).await?;
        let network = found.pop().ok_or_else(|| {
            Error::invalid("network", ProblemCode::NotFound, format!("there is no network “{}”", options.network))
        })?;
        let mut directory = Self {
            network: network.id,
            joined_on: network.starts_on.min(today),
            scheme: options.scheme(),
            codes: HashMap::new(),
            slugs: HashMap::new(),
            names: HashMap::new(),
            spellings: HashMap::new(),
        };
        let members = repositories.figures().members(network.id, today).await?;
        let ids: Vec<_> = members.iter().map(|member| member.community).collect();
        for ids in ids.chunks(CHUNK) {
            for community in repositories.communities().get(&Scope::Everything, ids).await? {
                if community.meta.archived_at.is_none() {
                    directory.add(&community);
                }
            }
        }
        Ok(directory)
    }

    fn add(&mut self, community: &Stored<Community>) {
        for code in community.codes.iter().filter(|code| Some(&code.scheme) == self.scheme.as_ref()) {
            self.codes.insert(code.code.to_string(), community.id);
        }
        self.slugs.insert(community.slug.to_string(), community.id);
        let names = community.name.iter().map(|(_, name)| name).chain(community.aliases.iter().map(String::as_str));
        for name in names {
            let called = self.names.entry(fold_spelling(name)).or_default();
            if !called.contains(&community.id) {
                called.push(community.id);
            }
            self.spellings.entry(spelling(name)).or_insert_with(|| name.to_owned());
        }
    }

    /// Whether the network has this member.
    pub fn has(&self, slug: &Slug) -> bool {
        self.slugs.contains_key(slug.as_str())
    }

    fn similar(&self, name: &str) -> Option<&str> {
        let spelling = spelling(name);
        self.spellings.get(&spelling).filter(|_| !spelling.is_empty()).map(String::as_str)
    }
}

/// A name without marks, spaces and dashes, brackets, and what follows a comma.
fn spelling(name: &str) -> String {
    let mut depth = 0_u32;
    let before_comma = fold(name);
    let before_comma = before_comma.split(',').next().unwrap_or_default();
    let outside = |c: &char| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && c.is_alphanumeric()
    };
    before_comma.chars().filter(outside).collect()
}

/// The kind of place that a publisher's word for a level of geography means.
///
/// | word (whatever its case) contains | kind |
/// |---|---|
/// | first nation, reserve | `FIRST_NATION` |
/// | neighbourhood, neighborhood, ward | NEIGHBOURHOOD |
/// | combined authority, region, province, territory, state, nation, country, ITL | REGION |
/// | county | COUNTY |
/// | municipality, district, city, town, village, census subdivision | MUNICIPALITY |
/// | anything else | OTHER |
fn kind(geography: &str) -> CommunityKind {
    const WORDS: [(CommunityKind, &[&str]); 5] = [
        (CommunityKind::FirstNation, &["first nation", "reserve"]),
        (CommunityKind::Neighbourhood, &["neighbourhood", "neighborhood", "ward"]),
        (
            CommunityKind::Region,
            &["combined authority", "region", "province", "territory", "state", "nation", "country", "itl level"],
        ),
        (CommunityKind::County, &["county"]),
        (CommunityKind::Municipality, &["municipality", "district", "city", "town", "village", "census subdivision"]),
    ];
    let geography = fold(geography);
    let means = |words: &[&str]| words.iter().any(|word| geography.contains(word));
    WORDS.iter().find(|(_, words)| means(words)).map_or(CommunityKind::Other, |(kind, _)| *kind)
}

/// A community to create.
struct Draft<'a> {
    name: &'a str,
    geography: &'a str,
    code: Option<ExternalId>,
    country: CountryCode,
    column: &'static str,
}

impl Resolver<'_> {
    /// The member of the network that a row names.
    pub async fn area(&mut self, session: &Session, key: &AreaKey) -> Found<CommunityId> {
        match key {
            AreaKey::Code { code, name, geography } => self.by_code(session, code, name, geography).await,
            AreaKey::Name { name, code } => self.by_name(session, name, code).await,
            AreaKey::Slug(slug) => Ok(self.directory.slugs.get(slug).copied().ok_or_else(|| {
                let kind = "no member of the network has this slug";
                let detail = format!("“{}”: {kind}", super::values::shown(slug));
                Reason::detailed("NOT_FOUND", self.options.place_column(), kind, detail)
            })),
            AreaKey::External(external) => self.by_external(session, external).await,
            AreaKey::Blank => {
                let slug = self.options.blank_geography.as_ref().map_or("", Slug::as_str);
                Ok(self.directory.slugs.get(slug).copied().ok_or_else(|| {
                    let kind = "the community given for blank places is not a member of the network";
                    Reason::plain("NOT_A_MEMBER", self.options.place_column(), kind)
                }))
            }
        }
    }

    async fn by_code(&mut self, session: &Session, code: &str, name: &str, geography: &str) -> Found<CommunityId> {
        let column = self.options.place_column();
        if let Some(&community) = self.directory.codes.get(code) {
            let called =
                self.directory.names.get(&fold_spelling(name)).is_some_and(|called| called.contains(&community));
            if !name.is_empty() && !called {
                let name = super::values::shown(name);
                self.notice(format!(
                    "{code} is called “{name}” here and otherwise where it is recorded: the code counts"
                ));
            }
            return Ok(Ok(community));
        }
        let (Some(scheme), Ok(parsed)) = (self.directory.scheme.clone(), code.parse::<Code>()) else {
            return Ok(Err(Reason::detailed("INVALID", column, "not a code", format!("“{code}” is not a code"))));
        };
        let external = ExternalId { scheme, code: parsed };
        if let Some(community) = known_by(session, &external).await? {
            return self.admit(session, &community, column).await;
        }
        let Some(country) = self.options.country.clone().filter(|_| self.creates().communities) else {
            let kind = "no community has this code";
            let scheme = &external.scheme;
            return Ok(Err(Reason::detailed(
                "NOT_FOUND",
                column,
                kind,
                format!("no community has the code {code} of {scheme}"),
            )));
        };
        if name.is_empty() {
            return Ok(Err(Reason::plain(
                "REQUIRED",
                self.options.name_column(),
                "a community cannot be created without its name",
            )));
        }
        self.create(session, Draft { name, geography, code: Some(external), country, column }).await
    }

    async fn by_external(&mut self, session: &Session, external: &ExternalId) -> Found<CommunityId> {
        if self.directory.scheme.as_ref() == Some(&external.scheme)
            && let Some(&community) = self.directory.codes.get(external.code.as_str())
        {
            return Ok(Ok(community));
        }
        let column = self.options.place_column();
        let Some(community) = known_by(session, external).await? else {
            let kind = "no community has this code";
            let detail = format!("no community has the code {} of {}", external.code, external.scheme);
            return Ok(Err(Reason::detailed("NOT_FOUND", column, kind, detail)));
        };
        if self.directory.slugs.get(community.slug.as_str()) == Some(&community.id) {
            return Ok(Ok(community.id));
        }
        self.admit(session, &community, column).await
    }

    /// A community that is known elsewhere joins the network if missing ones are wanted and it never left it.
    async fn admit(
        &mut self,
        session: &Session,
        community: &Stored<Community>,
        column: &'static str,
    ) -> Found<CommunityId> {
        let slug = &community.slug;
        if let Some(reason) = super::resolve::archived(community.meta.archived_at.is_some(), column, slug.as_str()) {
            return Ok(Err(reason));
        }
        let not_a_member =
            |detail| Ok(Err(Reason::detailed("NOT_A_MEMBER", column, "not a member of the network", detail)));
        let filter =
            MembershipFilter { network: Some(self.directory.network), community: Some(community.id), on: None };
        let query: ListQuery<_, MembershipSort> =
            ListQuery { filter, page: PageArgs::first(1), ..ListQuery::default() };
        if !session.repositories().memberships().list(&Scope::Everything, &query).await?.items.is_empty() {
            return not_a_member(format!("“{slug}” is not a member of the network at present"));
        }
        if !self.creates().communities {
            return not_a_member(format!("“{slug}” is known and not a member of the network"));
        }
        self.join(session, community, column).await
    }

    async fn by_name(&mut self, session: &Session, name: &str, code: &str) -> Found<CommunityId> {
        let column = self.options.place_column();
        let coded = self.directory.codes.get(code).copied();
        let named = self.directory.names.get(&fold_spelling(name)).map(Vec::as_slice).unwrap_or_default();
        match (coded, named) {
            (Some(coded), [.., _]) if !named.contains(&coded) => {
                let kind = "the name and the code are those of different communities";
                return Ok(Err(Reason::detailed("CONFLICT", column, kind, format!("“{name}”, {code}: {kind}"))));
            }
            (Some(coded), _) => return Ok(Ok(coded)),
            (None, [named]) if !code.is_empty() && self.directory.codes.values().any(|other| other == named) => {
                let kind = "the community of this name has another code in this scheme";
                return Ok(Err(Reason::detailed("CONFLICT", column, kind, format!("“{name}”, {code}: {kind}"))));
            }
            (None, [named]) => {
                let other = match self.directory.scheme.clone().zip(code.parse().ok()) {
                    Some((scheme, code)) => known_by(session, &ExternalId { scheme, code }).await?,
                    None => None,
                };
                if other.is_some_and(|other| other.id != *named) {
                    let kind = "the name and the code are those of different communities";
                    return Ok(Err(Reason::detailed("CONFLICT", column, kind, format!("“{name}”, {code}: {kind}"))));
                }
                return Ok(Ok(*named));
            }
            (None, [_, _, ..]) => {
                let kind = "several members have this name";
                return Ok(Err(Reason::detailed("AMBIGUOUS", column, kind, format!("“{name}”: {kind}"))));
            }
            (None, []) => {}
        }
        let similar = self.directory.similar(name).map(str::to_owned);
        let Some(country) = self.options.country.clone().filter(|_| self.creates().communities && !name.is_empty())
        else {
            let hint =
                similar.map(|similar| format!("; if it is {similar}, declare it as an alias")).unwrap_or_default();
            let called =
                if name.is_empty() { format!("has the code {code}") } else { format!("is called “{name}”") };
            let kind = format!("no member of the network {called}");
            return Ok(Err(Reason::detailed("NOT_FOUND", column, kind.clone(), kind + &hint)));
        };
        if let Some(similar) = similar {
            let kind =
                format!("“{name}” may be a spelling of “{similar}”: declare it as an alias, or create the community");
            return Ok(Err(Reason::plain("AMBIGUOUS", column, kind)));
        }
        if let Some(other) = called_elsewhere(session, name).await? {
            let kind = format!("“{name}” may be “{other}”, which is not a member of the network");
            return Ok(Err(Reason::plain("NOT_A_MEMBER", column, kind)));
        }
        let scheme = self.directory.scheme.clone().filter(|_| !code.is_empty());
        let code = match (scheme, code.parse::<Code>()) {
            (Some(scheme), Ok(code)) => Some(ExternalId { scheme, code }),
            _ => None,
        };
        if let Some(code) = &code
            && let Some(other) = known_by(session, code).await?
        {
            return self.admit(session, &other, column).await;
        }
        let geography = self.options.level().to_owned();
        self.create(session, Draft { name, geography: &geography, code, country, column }).await
    }

    async fn create(&mut self, session: &Session, draft: Draft<'_>) -> Found<CommunityId> {
        let Draft { name, geography, code, country, column } = draft;
        let Some(slug) = free_slug(session, name, code.as_ref()).await? else {
            let kind = "no address can be made of the community's name";
            return Ok(Err(Reason::detailed("INVALID", column, kind, format!("“{name}”: {kind}"))));
        };
        let name = match localized(
            &self.options.language,
            one(&self.options.language, &shorten(name, LONGEST_NAME)),
            column,
        ) {
            Ok(name) => name,
            Err(reason) => return Ok(Err(reason)),
        };
        let community = Community {
            slug,
            name,
            kind: kind(geography),
            country,
            subdivision: None,
            coordinates: None,
            timezone: None,
            languages: Vec::new(),
            codes: code.map(CommunityCode::from).into_iter().collect(),
            aliases: Vec::new(),
            populations: Vec::new(),
            indigenous_data_authority: None,
        };
        let community = match create(session, community, column).await? {
            Ok(community) => community,
            Err(reason) => return Ok(Err(reason)),
        };
        self.created.communities.push(community.slug.to_string());
        self.join(session, &community, column).await
    }

    async fn join(
        &mut self,
        session: &Session,
        community: &Stored<Community>,
        column: &'static str,
    ) -> Found<CommunityId> {
        let membership = Membership {
            network: self.directory.network,
            community: community.id,
            joined_on: self.directory.joined_on,
            left_on: None,
            consent: None,
        };
        if let Err(reason) = create(session, membership, column).await? {
            return Ok(Err(reason));
        }
        self.created.members.push(community.slug.to_string());
        self.directory.add(community);
        Ok(Ok(community.id))
    }
}

async fn known_by(session: &Session, code: &ExternalId) -> Result<Option<Stored<Community>>> {
    let filter = CommunityFilter { code: Some(code.clone()), ..CommunityFilter::default() };
    let query: ListQuery<_, CommunitySort> =
        ListQuery { filter, page: PageArgs::first(1), archived: true, ..ListQuery::default() };
    let found = session.repositories().communities().list(&Scope::Everything, &query).await?;
    Ok(found.items.into_iter().next().map(|(_, community)| community))
}

/// The slug of a community outside the network that has this name.
async fn called_elsewhere(session: &Session, name: &str) -> Result<Option<Slug>> {
    let filter = CommunityFilter { text: Some(name.to_owned()), ..CommunityFilter::default() };
    let query: ListQuery<_, CommunitySort> =
        ListQuery { filter, page: PageArgs::first(MAX_PAGE), archived: true, ..ListQuery::default() };
    let found = session.repositories().communities().list(&Scope::Everything, &query).await?;
    let folded = fold_spelling(name);
    let called = |community: &Community| {
        is_called(&community.name, name) || community.aliases.iter().any(|alias| fold_spelling(alias) == folded)
    };
    Ok(found.items.into_iter().find(|(_, community)| called(community)).map(|(_, community)| community.slug.clone()))
}

/// An address that no community has: the name's, else with the code after it, else with a number after that.
async fn free_slug(session: &Session, name: &str, code: Option<&ExternalId>) -> Result<Option<Slug>> {
    let Some(plain) = Slug::suggest(name) else { return Ok(None) };
    let code = code.and_then(|code| Slug::suggest(code.code.as_str()));
    let code = code.as_ref().map_or("", Slug::as_str);
    let numbers = (2..100).map(|number| format!("{code}-{number}"));
    let endings = [String::new(), code.to_owned()].into_iter().chain(numbers);
    for ending in endings {
        let room = 79_usize.saturating_sub(ending.len());
        let start: String = plain.as_str().chars().take(if ending.is_empty() { 80 } else { room }).collect();
        let joined = format!("{}-{}", start.trim_end_matches('-'), ending.trim_start_matches('-'));
        let Ok(slug) = joined.trim_matches('-').parse::<Slug>() else { continue };
        if session
            .repositories()
            .communities()
            .by_keys(&Scope::Everything, std::slice::from_ref(&slug))
            .await?
            .is_empty()
        {
            return Ok(Some(slug));
        }
    }
    Ok(None)
}

impl Options {
    /// The kind of place that a mapping says all communities are, for those that are found by name alone.
    fn level(&self) -> &str {
        self.mapping.as_ref().and_then(|mapping| mapping.community.level.as_constant()).unwrap_or_default()
    }

    /// The column that names the place of a row.
    fn place_column(&self) -> &'static str {
        match self.format {
            Format::Tidy => "areacd",
            Format::OpenSdg => "Geography",
            Format::Statcan => "GEO",
            Format::Mapped => super::mapped::COMMUNITY,
            Format::Dhis2 => "orgUnit",
            Format::SdmxCsv => "REF_AREA",
            Format::Ndjson => "community",
            Format::Cids => "forOrganization",
        }
    }

    /// The column of its name, where a code names it.
    fn name_column(&self) -> &'static str {
        if self.format == Format::Tidy { "areanm" } else { self.place_column() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_place_look_alike() {
        let variants =
            ["St. Catharines–Niagara, Ontario", "St. Catharines - Niagara (CMA), Ont.", "ST. CATHARINES-NIAGARA"];
        for variant in variants {
            assert_eq!(spelling(variant), "stcatharinesniagara");
        }
        assert_ne!(spelling("Atlantic provinces"), spelling("Atlantic"));
        assert_eq!(spelling("(all)"), "");
        assert_eq!(spelling(")a("), "a");
    }

    #[test]
    fn levels_of_geography_are_kinds_of_place() {
        use CommunityKind::{County, FirstNation, Municipality, Neighbourhood, Other, Region};
        let cases = [
            ("Local Authority District", Municipality),
            ("County or Unitary Authority", County),
            ("Combined Authority or City Region", Region),
            ("ITL Level 3", Region),
            ("Nation", Region),
            ("First Nation", FirstNation),
            ("Neighbourhood", Neighbourhood),
            ("Police force area", Other),
            ("", Other),
        ];
        for (geography, expected) in cases {
            assert_eq!(kind(geography), expected, "{geography}");
        }
    }
}
