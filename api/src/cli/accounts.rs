//! Accounts, tokens and keys on the command line: what the first administrator needs before anybody can sign in.

use std::io::{IsTerminal as _, Read as _, Write as _};

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use domain::{
    Error, Result,
    access::{Actor, Role},
    account::Account,
    api_token::{AddressRange, ApiToken, ApiTokenFilter, TokenAction},
    community::Community,
    error::{ProblemCode, Problems},
    grant::Grant,
    id::{ApiTokenId, CommunityId, EntityId as _, IndicatorId},
    key::{Code, Email, Slug},
    network::Network,
    page::{ListQuery, MAX_PAGE, PageArgs},
    partner::Partner,
    port::store::{Holds, Repositories},
    record::Noun,
    service::{
        Services,
        identity::{ADMINISTRATOR, Identity},
    },
    text::LanguageTag,
};

/// Accounts of people.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Open an account. The password is read from standard input, one line
    Create(UserCreate),
    /// Give a role to somebody who has an account
    ///
    /// Also where nobody who signs in may: to name who speaks for an Indigenous data authority that nobody speaks for any more. The
    /// audit log tells of it.
    Grant(UserGrant),
}

/// A role to give, at one place; ADMINISTRATOR is held everywhere.
#[derive(Debug, Args)]
pub struct UserGrant {
    /// The address that they sign in with
    #[arg(value_name = "EMAIL")]
    email: Email,

    /// What they are trusted with: STEWARD, DATA_AUTHORITY, …
    #[arg(value_name = "ROLE")]
    role: Role,

    /// In this network
    #[arg(long, value_name = "SLUG")]
    network: Option<Slug>,

    /// In this community
    #[arg(long, value_name = "SLUG")]
    community: Option<Slug>,

    /// For this partner
    #[arg(long, value_name = "SLUG")]
    partner: Option<Slug>,

    /// The moment it ends, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    expires: Option<DateTime<Utc>>,
}

/// An account to open.
#[derive(Debug, Args)]
pub struct UserCreate {
    /// The address to sign in with
    #[arg(value_name = "EMAIL")]
    email: Email,

    /// What they are called
    #[arg(long, value_name = "NAME")]
    name: String,

    /// The language that they prefer
    #[arg(long, value_name = "TAG", default_value = "en")]
    locale: LanguageTag,

    /// Make them an administrator
    #[arg(long)]
    admin: bool,
}

/// Tokens of programs.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is printed once
    Create(TokenCreate),
    /// List the tokens that are not revoked
    List,
    /// Revoke a token
    Revoke {
        /// Its id, as `list` prints it
        #[arg(value_name = "ID")]
        id: ApiTokenId,
    },
}

/// A token to make.
#[derive(Debug, Args)]
pub struct TokenCreate {
    /// What it is for
    #[arg(long, value_name = "NAME")]
    name: String,

    /// For this community; may be repeated
    #[arg(long = "community", value_name = "SLUG", required = true)]
    communities: Vec<Slug>,

    /// Only for this indicator; may be repeated
    #[arg(long = "indicator", value_name = "CODE")]
    indicators: Vec<Code>,

    /// What it may be used for: READ, RECORD_FIGURES, PUBLISH_FIGURES; may be repeated
    #[arg(long = "action", value_name = "ACTION", required = true)]
    actions: Vec<TokenAction>,

    /// Only from these addresses, such as 192.0.2.0/24; may be repeated
    #[arg(long = "address", value_name = "RANGE")]
    addresses: Vec<AddressRange>,

    /// The moment it ends, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    expires: Option<DateTime<Utc>>,
}

/// The first line of standard input, without its end.
fn password() -> Result<String> {
    if std::io::stdin().is_terminal() {
        eprintln!("Type the password and Enter; it is shown as you type. Better: pipe it from a password manager.");
    }
    let mut text = String::new();
    // More than any password: whatever pipes something else in learns so.
    std::io::stdin().take(4_096).read_to_string(&mut text).map_err(Error::internal)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn say(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").map_err(Error::internal)
}

impl UserCommand {
    /// Does it.
    pub async fn run(self, identity: &Identity, actor: &Actor) -> Result<()> {
        let UserCreate { email, name, locale, admin } = match self {
            Self::Create(input) => input,
            Self::Grant(input) => return input.run(identity.services(), actor).await,
        };
        let account = Account { email, name, locale };
        let roles = if admin { &[ADMINISTRATOR][..] } else { &[] };
        let account = identity.create_account(actor, account, Some(password()?), roles).await?;
        say(&format!("{} can sign in now; the account's id is {}.", account.email, account.id))
    }
}

impl UserGrant {
    async fn run(self, services: &Services, actor: &Actor) -> Result<()> {
        let grant = Grant {
            account: named::<Account>(services, actor, self.email.clone()).await?,
            role: self.role,
            network: maybe_named::<Network>(services, actor, self.network).await?,
            community: maybe_named::<Community>(services, actor, self.community).await?,
            partner: maybe_named::<Partner>(services, actor, self.partner).await?,
            expires_at: self.expires,
        };
        services.create(actor, grant).await?;
        say(&format!("{} is {} now.", self.email, self.role))
    }
}

/// The id of the record that has this key.
async fn named<N: Noun>(services: &Services, actor: &Actor, key: N::Key) -> Result<N::Id>
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let found = services.by_keys::<N>(actor, std::slice::from_ref(&key)).await?.pop();
    found.map(|found| found.id).ok_or_else(|| {
        let kind = N::Id::KIND.name();
        Error::invalid(kind, ProblemCode::NotFound, format!("there is no {} {}", kind.to_lowercase(), key.as_ref()))
    })
}

async fn maybe_named<N: Noun>(services: &Services, actor: &Actor, key: Option<N::Key>) -> Result<Option<N::Id>>
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    match key {
        Some(key) => named::<N>(services, actor, key).await.map(Some),
        None => Ok(None),
    }
}

impl TokenCommand {
    /// Does it.
    pub async fn run(self, identity: &Identity, actor: &Actor) -> Result<()> {
        match self {
            Self::Create(input) => input.run(identity, actor).await,
            Self::List => list(identity, actor).await,
            Self::Revoke { id } => {
                let services = identity.services();
                let token = services.get::<ApiToken>(actor, &[id]).await?.pop();
                let token = token.ok_or(Error::NotFound { noun: "ApiToken", key: "id" })?;
                services.archive::<ApiToken>(actor, id, token.meta.version, true).await?;
                say(&format!("{} is revoked.", token.name))
            }
        }
    }
}

impl TokenCreate {
    async fn run(self, identity: &Identity, actor: &Actor) -> Result<()> {
        let services = identity.services();
        let mut problems = Problems::default();
        let found = services.by_keys::<domain::community::Community>(actor, &self.communities).await?;
        let mut communities: Vec<CommunityId> = Vec::new();
        for slug in &self.communities {
            match found.iter().find(|community| community.slug == *slug) {
                Some(community) => communities.push(community.id),
                None => problems.add("--community", ProblemCode::NotFound, format!("there is no community {slug}")),
            }
        }
        let found = services.by_keys::<domain::indicator::Indicator>(actor, &self.indicators).await?;
        let mut indicators: Vec<IndicatorId> = Vec::new();
        for code in &self.indicators {
            match found.iter().find(|indicator| indicator.code == *code) {
                Some(indicator) => indicators.push(indicator.id),
                None => problems.add("--indicator", ProblemCode::NotFound, format!("there is no indicator {code}")),
            }
        }
        problems.into_result()?;
        let token = ApiToken {
            name: self.name,
            hint: String::new(),
            communities,
            indicators,
            actions: self.actions,
            addresses: self.addresses,
            expires_at: self.expires,
            replaces: None,
        };
        let (_, secret) = identity.create_token(actor, token).await?;
        say(&secret)
    }
}

async fn list(identity: &Identity, actor: &Actor) -> Result<()> {
    let services = identity.services();
    let mut query =
        ListQuery { filter: ApiTokenFilter::default(), page: PageArgs::first(MAX_PAGE), ..ListQuery::default() };
    loop {
        let page = services.list::<ApiToken>(actor, &query).await?;
        query.page.after = page.items.last().map(|(cursor, _)| cursor.clone());
        let ids: Vec<ApiTokenId> = page.items.iter().map(|(_, token)| token.id).collect();
        let uses = services.last_uses(&ids).await?;
        for (_, token) in page.items {
            let last = uses.iter().find(|(id, _)| *id == token.id);
            let last = last.map_or_else(|| "never used".to_owned(), |(_, at)| format!("last used {at}"));
            let ends = token.expires_at.map_or_else(|| "no end".to_owned(), |end| format!("until {end}"));
            let communities = services.get::<domain::community::Community>(actor, &token.communities).await?;
            let slugs: Vec<&str> = communities.iter().map(|community| community.slug.as_str()).collect();
            say(&format!("{}  {}…  {}  [{}]  {ends}, {last}", token.id, token.hint, token.name, slugs.join(", ")))?;
        }
        if !page.has_next {
            return Ok(());
        }
    }
}
