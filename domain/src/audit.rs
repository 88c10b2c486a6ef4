//! What was done, by whom, to what: an append-only record. Entries are written once, in the same unit of work as what
//! they tell of, and never change; the database itself refuses to change or remove one.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    access::{Actor, Who},
    code::codes,
    id::{CommunityId, NetworkId, NodeRef},
    page::{Cursor, CursorValue, Order, SortKey},
};

/// The longest name of an actor that is kept, characters: a failed sign-in may bring any.
const ACTOR_LENGTH: usize = 320;
/// The longest request id and address that are kept, characters.
const ORIGIN_LENGTH: usize = 128;
/// The longest detail that is kept, characters.
const DETAIL_LENGTH: usize = 2_000;

codes! {
    /// What was done, or tried.
    pub enum Action {
        /// A record was created.
        Create = "CREATE",
        /// A record was changed.
        Update = "UPDATE",
        /// A record was archived.
        Archive = "ARCHIVE",
        /// An archived record was brought back.
        Restore = "RESTORE",
        /// A role was given.
        Grant = "GRANT",
        /// A role was taken away.
        Revoke = "REVOKE",
        /// Somebody signed in.
        SignIn = "SIGN_IN",
        /// Somebody tried to sign in and could not.
        SignInFailed = "SIGN_IN_FAILED",
        /// Somebody signed out, here or everywhere.
        SignOut = "SIGN_OUT",
        /// A refresh token was used twice: its family was revoked.
        TokenRefreshReused = "TOKEN_REFRESH_REUSED",
        /// A password was changed.
        PasswordChange = "PASSWORD_CHANGE",
        /// Somebody was invited.
        Invite = "INVITE",
        /// An invitation was accepted.
        InvitationAccepted = "INVITATION_ACCEPTED",
        /// A way back into an account was handed out or used.
        Recovery = "RECOVERY",
        /// A token of an integration was made.
        TokenCreate = "TOKEN_CREATE",
        /// A token of an integration was revoked.
        TokenRevoke = "TOKEN_REVOKE",
        /// A key that access tokens are signed with was added.
        KeyRotate = "KEY_ROTATE",
        /// A key that access tokens were signed with is believed no more.
        KeyRetire = "KEY_RETIRE",
        /// Something was tried and not allowed.
        Denied = "DENIED",
        /// Records were taken out of the system.
        Export = "EXPORT",
        /// Data under an Indigenous data authority was read.
        ReadUnderAuthority = "READ_UNDER_AUTHORITY",
        /// Records were read in from files.
        Import = "IMPORT",
        /// Figures were recorded.
        RecordFigures = "RECORD_FIGURES",
        /// Figures were sent in, and wait until a steward publishes them.
        SubmitFigures = "SUBMIT_FIGURES",
        /// Figures that waited were validated, published or declined.
        ReviewFigures = "REVIEW_FIGURES",
        /// A data authority or coordinator decided.
        Decide = "DECIDE",
    }
}

codes! {
    /// What kind of actor it was.
    pub enum ActorKind {
        /// Nobody in particular.
        Anonymous = "ANONYMOUS",
        /// Whoever runs the service: the command line, or the holder of the administrator's token.
        Operator = "OPERATOR",
        /// A person with an account.
        Person = "PERSON",
        /// A program with a token of its own.
        Integration = "INTEGRATION",
    }
}

impl From<&Actor> for ActorKind {
    fn from(actor: &Actor) -> Self {
        match actor.who {
            Who::Anonymous => Self::Anonymous,
            Who::Operator(_) => Self::Operator,
            Who::Person(_) => Self::Person,
            Who::Integration(_) => Self::Integration,
        }
    }
}

/// A sensitive field before and after; JSON null where it was not there. Never a secret, nor a hash of one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Change {
    /// What it was.
    pub before: Value,
    /// What it became.
    pub after: Value,
}

/// The changes of an entry, by field.
pub type Changes = BTreeMap<String, Change>;

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// When it happened, to the microsecond.
    pub at: DateTime<Utc>,
    /// Who did it, by the name they had then.
    pub actor: String,
    /// What kind of actor that was.
    pub actor_kind: ActorKind,
    /// What was done, or tried.
    pub action: Action,
    /// What it was done to.
    pub object: Option<NodeRef>,
    /// The community that it concerns: whoever answers for that one may read the entry.
    pub community: Option<CommunityId>,
    /// The network that it concerns, likewise.
    pub network: Option<NetworkId>,
    /// Sensitive fields before and after.
    pub changes: Changes,
    /// The request that it came with.
    pub request_id: Option<String>,
    /// The address that the request came from.
    pub address: Option<String>,
    /// Whatever else a reader should know, for people.
    pub detail: Option<String>,
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 1: what is recorded later has a larger one. Places taken by a unit of work that was undone stay empty.
    pub place: i64,
    /// What it says.
    pub said: NewEntry,
}

/// Makes an entry that can be kept whatever it was made of: names and details come from outside, and recording must not
/// fail because of them. Times are kept to the microsecond, texts without NUL and no longer than a bound.
impl NewEntry {
    /// `actor` did this, or tried to.
    pub fn new(at: DateTime<Utc>, actor: &str, actor_kind: ActorKind, action: Action) -> Self {
        Self {
            at: at.trunc_subsecs(6),
            actor: kept(actor, ACTOR_LENGTH),
            actor_kind,
            action,
            object: None,
            community: None,
            network: None,
            changes: Changes::new(),
            request_id: None,
            address: None,
            detail: None,
        }
    }

    /// The same for an actor who is known.
    pub fn by(actor: &Actor, at: DateTime<Utc>, action: Action) -> Self {
        let origin = &actor.origin;
        let address = origin.address.map(|address| address.to_string());
        Self::new(at, &actor.name(), actor.into(), action).from_request(origin.request.as_deref(), address.as_deref())
    }

    /// What it was done to.
    #[must_use]
    pub fn on(mut self, object: impl Into<NodeRef>) -> Self {
        self.object = Some(object.into());
        self
    }

    /// The community that it concerns.
    #[must_use]
    pub fn of_community(mut self, community: impl Into<Option<CommunityId>>) -> Self {
        self.community = community.into();
        self
    }

    /// The network that it concerns.
    #[must_use]
    pub fn of_network(mut self, network: impl Into<Option<NetworkId>>) -> Self {
        self.network = network.into();
        self
    }

    /// A sensitive field changed. Never give a secret, nor a hash of one: entries cannot be taken back. What is the same
    /// before and after is no change.
    #[must_use]
    pub fn change(mut self, field: &str, before: impl Into<Value>, after: impl Into<Value>) -> Self {
        let change = Change { before: without_nul(before.into()), after: without_nul(after.into()) };
        if change.before != change.after {
            self.changes.insert(field.replace('\0', REPLACED), change);
        }
        self
    }

    /// The request that it came with, and the client's address.
    #[must_use]
    pub fn from_request(mut self, request_id: Option<&str>, address: Option<&str>) -> Self {
        self.request_id = request_id.map(|text| kept(text, ORIGIN_LENGTH));
        self.address = address.map(|text| kept(text, ORIGIN_LENGTH));
        self
    }

    /// Whatever else a reader should know, for people.
    #[must_use]
    pub fn detail(mut self, detail: &str) -> Self {
        self.detail = Some(kept(detail, DETAIL_LENGTH));
        self
    }
}

/// What stands where a text had a NUL: PostgreSQL keeps none.
const REPLACED: &str = "\u{FFFD}";

fn kept(text: &str, longest: usize) -> String {
    let text = text.replace('\0', REPLACED);
    match text.char_indices().nth(longest) {
        Some(_) => text.chars().take(longest.saturating_sub(1)).chain(['…']).collect(),
        None => text,
    }
}

fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => Value::String(text.replace('\0', REPLACED)),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name.replace('\0', REPLACED), without_nul(value))).collect()
        }
        other => other,
    }
}

/// Which entries are wanted: all of what is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct AuditFilter {
    /// By this actor, as its name was kept.
    pub actor: Option<String>,
    /// One of these actions.
    pub actions: Option<Vec<Action>>,
    /// About this object.
    pub object: Option<NodeRef>,
    /// Concerning this community.
    pub community: Option<CommunityId>,
    /// Concerning this network.
    pub network: Option<NetworkId>,
    /// At this moment or later.
    pub from: Option<DateTime<Utc>>,
    /// Before this moment.
    pub until: Option<DateTime<Utc>>,
}

/// Which entries a reader may see. Every read takes one and filters by it where the entries are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AuditSight {
    /// All of them.
    Everything,
    /// Those that concern one of these communities or networks.
    Of {
        /// The communities.
        communities: Vec<CommunityId>,
        /// The networks.
        networks: Vec<NetworkId>,
    },
}

/// What entries are ordered by: their place alone, oldest first when ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AuditSort {
    /// The order in which they were recorded.
    #[default]
    Place,
}

impl SortKey for AuditSort {
    fn name(self) -> &'static str {
        "audit.place"
    }
}

impl Entry {
    /// The entry's place in a list in this order.
    pub fn cursor(&self, order: Order<AuditSort>) -> Cursor {
        Self::cursor_at(self.place, order)
    }

    /// The same for whatever is at this place. Places are unique: the identifier that breaks ties elsewhere is nil.
    pub fn cursor_at(place: i64, order: Order<AuditSort>) -> Cursor {
        Cursor { order: order.tag(), value: CursorValue::Integer(place), id: Uuid::nil() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn entry(actor: &str) -> NewEntry {
        NewEntry::new(DateTime::UNIX_EPOCH, actor, ActorKind::Person, Action::Update)
    }

    proptest! {
        #[test]
        fn whatever_comes_can_be_kept(text in "[\\PC\0\n]{0,400}", field in "[a\0]{0,3}") {
            let entry = entry(&text)
                .from_request(Some(&text), Some(&text))
                .detail(&text.repeat(7))
                .change(&field, text.clone(), json!([{ text.clone(): [text.clone()] }]));
            let kept = serde_json::to_string(&entry.changes).unwrap();
            prop_assert!(!kept.contains("\\u0000"), "{}", kept);
            for (text, longest) in [
                (&entry.actor, ACTOR_LENGTH),
                (entry.request_id.as_ref().unwrap(), ORIGIN_LENGTH),
                (entry.address.as_ref().unwrap(), ORIGIN_LENGTH),
                (entry.detail.as_ref().unwrap(), DETAIL_LENGTH),
            ] {
                prop_assert!(text.chars().count() <= longest && !text.contains('\0'));
            }
        }

        #[test]
        fn what_fits_is_kept_as_it_came(text in "[^\0]{0,128}") {
            prop_assert_eq!(&entry(&text).from_request(Some(&text), None).request_id, &Some(text));
        }
    }

    #[test]
    fn what_did_not_change_is_no_change() {
        let entry = entry("a").change("same", 1, 1).change("other", Value::Null, "x");
        let change = Change { before: Value::Null, after: json!("x") };
        assert_eq!(entry.changes, Changes::from([("other".to_owned(), change)]));
    }

    #[test]
    fn an_actor_is_named_by_kind() {
        let kind = |actor: &Actor| NewEntry::by(actor, DateTime::UNIX_EPOCH, Action::Denied).actor_kind;
        assert_eq!(kind(&Actor::anonymous()), ActorKind::Anonymous);
        assert_eq!(kind(&Actor::operator("import")), ActorKind::Operator);
    }
}
