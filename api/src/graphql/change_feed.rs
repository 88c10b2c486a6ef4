//! The feed of changes in the schema.

mod cursor;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{
    change_feed::{self as noun, Since},
    error::{Error, ProblemCode, Result},
    page::DEFAULT_PAGE,
};

use self::cursor::Cursors;
use super::{context::ContextExt as _, error::IntoGraphql as _, id, observation::Observation};

/// What begins a feed with what is recorded from now on.
const NOW: &str = "now";

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::ChangeKind")]
pub enum FigureChangeKind {
    /// A figure was recorded, or another took its place.
    Recorded,
    /// A figure was withdrawn.
    Retracted,
    /// The embargo on a figure recorded earlier has ended.
    Released,
}

/// A change of figures: a revision that was recorded, or one whose embargo has ended.
#[derive(SimpleObject)]
pub struct FigureChange {
    /// What kind of change it is.
    pub kind: FigureChangeKind,
    /// The revision, as it stands now: `supersededAt` says that there is a later one, which comes later in the feed.
    pub observation: Observation,
    /// The revision whose place it took; nothing for the first, and where the reader may not see it.
    pub previous: Option<Observation>,
}

/// A part of the feed of changes.
pub struct ChangePage {
    page: noun::ChangePage,
    cursor: String,
}

/// A part of the feed of changes.
#[Object]
impl ChangePage {
    /// The changes, in the order in which they came to be kept.
    async fn items(&self) -> Vec<FigureChange> {
        let shown = |change: &noun::FigureChange| FigureChange {
            kind: change.kind.into(),
            observation: change.observation.clone().into(),
            previous: change.previous.clone().map(Into::into),
        };
        self.page.changes.iter().map(shown).collect()
    }

    /// What to give as `since` for the next part. Keep it once what is in this one has been dealt with.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// Whether there is more already, or may be: a part may hold fewer than were asked for, or none, where most of what was recorded
    /// is not for the reader.
    async fn has_more(&self) -> bool {
        self.page.more
    }
}

/// What changes are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ChangeFilter {
    /// Of the members of this network, as they are now.
    pub network: Option<ID>,
    /// Of this community.
    pub community: Option<ID>,
    /// By this indicator, whatever its version.
    pub indicator: Option<ID>,
    /// From this source.
    pub source: Option<ID>,
}

impl ChangeFilter {
    fn read(self) -> Result<noun::ChangeFilter> {
        Ok(noun::ChangeFilter {
            network: id::parse_opt(self.network.as_ref(), "filter.network")?,
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            indicator: id::parse_opt(self.indicator.as_ref(), "filter.indicator")?,
            source: id::parse_opt(self.source.as_ref(), "filter.source")?,
        })
    }
}

fn since(text: Option<&str>, cursors: &Cursors) -> Result<Since> {
    match text {
        None => Ok(Since::Beginning),
        Some(NOW) => Ok(Since::Now),
        Some(text) => cursors.open(text).map(Since::Place).ok_or_else(|| {
            Error::invalid("since", ProblemCode::Invalid, "this is not a cursor of the feed of changes")
        }),
    }
}

/// The changes since an earlier reading.
pub async fn changes(
    ctx: &Context<'_>,
    first: Option<i32>,
    from: Option<String>,
    filter: Option<ChangeFilter>,
) -> async_graphql::Result<ChangePage> {
    let most = first.map_or(DEFAULT_PAGE, |first| usize::try_from(first).unwrap_or(0));
    let cursors = Cursors::of(ctx.services()).await.into_graphql()?;
    let since = since(from.as_deref(), &cursors).into_graphql()?;
    let filter = filter.unwrap_or_default().read().into_graphql()?;
    let page = ctx.services().changes(ctx.actor(), since, most, filter).await.into_graphql()?;
    let cursor = cursors.seal(page.next).into_graphql()?;
    Ok(ChangePage { page, cursor })
}
