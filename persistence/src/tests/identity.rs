//! What is signed in with: spent once, known only while its account is, and never twice.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Error,
    access::{Actor, Held, Place, Role},
    account::Account,
    api_token::{ApiToken, TokenAction},
    error::ProblemCode,
    grant::Grant,
    id::{AccountId, ApiTokenId, CommunityId, SessionId},
    membership::Membership,
    port::{
        identity::{Digest, Link, LinkKind, NewSession, Offered, Principal, SigningKey, Spent},
        store::{Holds, Repositories, Store as _},
    },
    record::{Noun, Stored},
};
use uuid::Uuid;

use super::{Scratch, on_both, samples::*};
use crate::SqlStore;

/// So many callers at the same moment.
const CALLERS: u8 = 20;

fn account(email: &str) -> Account {
    Account { email: email.parse().unwrap(), name: "A. Person".into(), locale: "fr".parse().unwrap() }
}

fn api_token(communities: Vec<CommunityId>) -> ApiToken {
    ApiToken {
        name: "Nightly figures".into(),
        hint: "cnc_abcd".into(),
        communities,
        indicators: Vec::new(),
        actions: vec![TokenAction::Read, TokenAction::RecordFigures],
        addresses: vec!["192.0.2.0/24".parse().unwrap()],
        expires_at: Some(moment(7)),
        replaces: None,
    }
}

fn digest(n: u8) -> Digest {
    [n; 32]
}

fn hours(hours: i64) -> DateTime<Utc> {
    moment(0) + TimeDelta::hours(hours)
}

async fn archive<N: Noun>(store: &SqlStore, record: &Stored<N>)
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let archived = record.archived(true, record.meta.version, &Actor::operator("sample"), moment(1)).unwrap();
    let work = store.begin().await.unwrap();
    work.repositories().repository().update(&archived).await.unwrap();
    work.commit().await.unwrap();
}

/// A session that lasts a day.
async fn start(store: &SqlStore, account: AccountId, refresh: u8) -> SessionId {
    let session = NewSession {
        id: Uuid::now_v7().into(),
        account,
        started_at: moment(0),
        expires_at: hours(24),
        address: Some("192.0.2.7".into()),
    };
    store.read().identities().start_session(&session, &digest(refresh)).await.unwrap();
    session.id
}

async fn spend(store: &SqlStore, refresh: u8, at: DateTime<Utc>) -> Spent {
    store.read().identities().spend(&digest(refresh), at).await.unwrap()
}

fn link(kind: LinkKind) -> Link {
    Link {
        kind,
        email: "new@example.org".parse().unwrap(),
        account: None,
        grants: Vec::new(),
        created_at: moment(3),
        created_by: "account:1".into(),
        expires_at: hours(1),
    }
}

/// How the callers go about it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// Each in a unit of work of its own.
    Work,
    /// Each straight on the pool.
    Pool,
}

/// Does the same in every caller at the same moment, over the pools of two processes.
async fn at_once<T: Send + 'static, F>(scratch: &Scratch, way: Way, call: impl Fn(Arc<SqlStore>, Way) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let stores = [Arc::clone(&scratch.store), Arc::new(SqlStore::open(&scratch.config).await.unwrap())];
    let callers: Vec<_> =
        (0..CALLERS).map(|n| tokio::spawn(call(Arc::clone(&stores[usize::from(n) % 2]), way))).collect();
    let mut answers = Vec::new();
    for caller in callers {
        answers.push(caller.await.unwrap());
    }
    answers
}

on_both! {
    async fn a_password_holds_until_the_next_and_goes_with_its_account(scratch: &Scratch) {
        let store = &*scratch.store;
        let identities = store.read().identities();
        let one = keep(store, account("one@example.org")).await;
        let other = keep(store, account("other@example.org")).await;
        assert_eq!(identities.password(one.id).await.unwrap(), None);
        for (hash, at) in [("$argon2id$first", 1), ("$argon2id$second", 2)] {
            identities.set_password(one.id, hash, moment(at)).await.unwrap();
            assert_eq!(identities.password(one.id).await.unwrap().as_deref(), Some(hash));
        }
        assert_eq!(identities.password(other.id).await.unwrap(), None);
        archive(store, &one).await;
        assert_eq!(identities.password(one.id).await.unwrap(), None);
        assert_eq!(identities.password(Uuid::now_v7().into()).await.unwrap(), None);
    }

    async fn a_principal_holds_the_roles_that_are_not_archived(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        let identities = store.read().identities();
        let person = keep(store, account("one@example.org")).await;
        let nothing = Principal { grants: Vec::new(), memberships: BTreeSet::new() };
        assert_eq!(identities.principal(person.id, moment(0)).await.unwrap(), Some(nothing.clone()));

        let held = [
            (Role::Administrator, Place::Everywhere, None),
            (Role::Coordinator, Place::Network(world.network.id), Some(moment(-5))),
            (Role::PartnerRepresentative, Place::Partner(world.partner.id), Some(moment(5))),
        ];
        let mut grants = Vec::new();
        for (role, place, until) in held {
            grants.push(keep(store, Grant::new(person.id, role, place, until)).await);
        }
        // Somebody else's are not theirs.
        let other = keep(store, account("other@example.org")).await;
        keep(store, Grant::new(other.id, Role::Steward, Place::Community(world.community.id), None)).await;
        let roles = async || {
            let principal = identities.principal(person.id, moment(0)).await.unwrap().unwrap();
            // They are in no community.
            assert_eq!(principal.memberships, BTreeSet::new());
            principal.grants
        };
        let found = roles().await;
        assert_eq!(found.len(), 3);
        for (role, at, until) in held {
            // Those that ended are told too; whether they count is not for the database to say.
            assert!(found.contains(&Held { role, at, until }), "{found:?}");
        }
        archive(store, &grants[0]).await;
        let found = roles().await;
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|held| held.role != Role::Administrator));
        archive(store, &grants[1]).await;
        archive(store, &grants[2]).await;
        assert_eq!(identities.principal(person.id, moment(0)).await.unwrap(), Some(nothing));

        archive(store, &person).await;
        assert_eq!(identities.principal(person.id, moment(0)).await.unwrap(), None);
        assert_eq!(identities.principal(Uuid::now_v7().into(), moment(0)).await.unwrap(), None);
    }

    async fn a_principal_comes_with_the_networks_of_the_day(scratch: &Scratch) {
        let store = &*scratch.store;
        let identities = store.read().identities();
        let person = keep(store, account("one@example.org")).await;
        let (home, away) = (keep(store, community("home")).await, keep(store, community("away")).await);
        let mut networks = Vec::new();
        for slug in ["past", "present", "future", "undone", "theirs"] {
            networks.push(keep(store, network(slug, Vec::new())).await.id);
        }
        let joined = |network: usize, community, from: &str, until: Option<&str>| Membership {
            joined_on: day(from),
            left_on: until.map(day),
            ..membership(networks[network], community)
        };
        keep(store, joined(0, home.id, "2020-01-01", Some("2026-03-01"))).await;
        keep(store, joined(1, home.id, "2026-03-01", None)).await;
        keep(store, joined(2, home.id, "2026-03-02", None)).await;
        let undone = keep(store, joined(3, home.id, "2020-01-01", None)).await;
        archive(store, &undone).await;
        keep(store, joined(4, away.id, "2020-01-01", None)).await;
        keep(store, Grant::new(person.id, Role::Steward, Place::Community(home.id), None)).await;
        // A coordinator is of no community.
        keep(store, Grant::new(person.id, Role::Coordinator, Place::Network(networks[4]), None)).await;
        let within = async |at: &str| {
            let principal = identities.principal(person.id, at.parse().unwrap()).await.unwrap().unwrap();
            assert_eq!(principal.grants.len(), 2);
            principal.memberships
        };
        let of = |places: &[usize]| places.iter().map(|&n| (home.id, networks[n])).collect::<BTreeSet<_>>();
        assert_eq!(within("2019-12-31T23:59:59Z").await, of(&[]));
        assert_eq!(within("2026-02-28T23:59:59.999999Z").await, of(&[0]));
        assert_eq!(within("2026-03-01T00:00:00Z").await, of(&[1]));
        assert_eq!(within("2026-03-02T12:00:00Z").await, of(&[1, 2]));
    }

    async fn a_refresh_token_is_spent_once(scratch: &Scratch) {
        let store = &*scratch.store;
        let person = keep(store, account("one@example.org")).await;
        let session = start(store, person.id, 1).await;
        let now = Spent::Now { session, account: person.id };
        let before = |at| Spent::Before { session, account: person.id, at };
        assert_eq!(spend(store, 9, moment(1)).await, Spent::Unknown);
        assert_eq!(spend(store, 1, moment(2)).await, now);
        for at in [2, 3, 4] {
            assert_eq!(spend(store, 1, moment(at)).await, before(moment(2)));
        }
        store.read().identities().succeed(session, &digest(2), moment(2)).await.unwrap();
        assert_eq!(spend(store, 2, moment(5)).await, now);
        assert_eq!(spend(store, 1, moment(6)).await, before(moment(2)));
        assert_eq!(spend(store, 2, moment(6)).await, before(moment(5)));
    }

    async fn a_spending_that_is_not_committed_did_not_happen(scratch: &Scratch) {
        let store = &*scratch.store;
        let person = keep(store, account("one@example.org")).await;
        let session = start(store, person.id, 1).await;
        let work = store.begin().await.unwrap();
        let spent = work.repositories().identities().spend(&digest(1), moment(1)).await.unwrap();
        assert_eq!(spent, Spent::Now { session, account: person.id });
        drop(work);
        assert_eq!(spend(store, 1, moment(2)).await, Spent::Now { session, account: person.id });
    }

    async fn nothing_is_spent_of_a_session_that_is_over(scratch: &Scratch) {
        let store = &*scratch.store;
        let identities = store.read().identities();
        let person = keep(store, account("one@example.org")).await;
        let other = keep(store, account("other@example.org")).await;
        let (expiring, ended) = (start(store, person.id, 1).await, start(store, person.id, 2).await);
        let orphan = start(store, other.id, 3).await;
        for session in [expiring, ended, orphan] {
            assert!(identities.is_open(session, hours(1)).await.unwrap());
        }
        // The moment of its end is no longer within it.
        assert!(identities.is_open(expiring, hours(24) - TimeDelta::microseconds(1)).await.unwrap());
        assert!(!identities.is_open(expiring, hours(24)).await.unwrap());
        assert_eq!(spend(store, 1, hours(24)).await, Spent::Unknown);
        identities.end_session(ended, hours(1)).await.unwrap();
        identities.end_session(ended, hours(2)).await.unwrap();
        identities.end_session(Uuid::now_v7().into(), hours(2)).await.unwrap();
        assert!(!identities.is_open(ended, hours(1)).await.unwrap());
        assert_eq!(spend(store, 2, hours(1)).await, Spent::Unknown);
        archive(store, &other).await;
        assert!(!identities.is_open(orphan, hours(1)).await.unwrap());
        assert_eq!(spend(store, 3, hours(1)).await, Spent::Unknown);
        assert!(!identities.is_open(Uuid::now_v7().into(), hours(1)).await.unwrap());
        // None of these refusals spent anything.
        let spent = spend(store, 1, hours(23)).await;
        assert_eq!(spent, Spent::Now { session: expiring, account: person.id });
        // What was spent within a session is unknown after it: it tells nothing any more.
        identities.end_session(expiring, hours(23)).await.unwrap();
        assert_eq!(spend(store, 1, hours(23)).await, Spent::Unknown);
    }

    async fn all_sessions_of_an_account_end_but_one(scratch: &Scratch) {
        let store = &*scratch.store;
        let identities = store.read().identities();
        let person = keep(store, account("one@example.org")).await;
        let other = keep(store, account("other@example.org")).await;
        let mut own = Vec::new();
        for refresh in 1..=4 {
            own.push(start(store, person.id, refresh).await);
        }
        let foreign = start(store, other.id, 5).await;
        identities.end_session(own[3], hours(1)).await.unwrap();
        assert_eq!(identities.end_sessions(person.id, Some(own[0]), hours(2)).await.unwrap(), 2);
        let open = async || {
            let mut open = Vec::new();
            for session in own.iter().chain([&foreign]) {
                open.push(identities.is_open(*session, hours(2)).await.unwrap());
            }
            open
        };
        assert_eq!(open().await, [true, false, false, false, true]);
        assert_eq!(identities.end_sessions(person.id, None, hours(3)).await.unwrap(), 1);
        assert_eq!(open().await, [false, false, false, false, true]);
        assert_eq!(identities.end_sessions(person.id, None, hours(3)).await.unwrap(), 0);
        // One that expired by itself was not open.
        assert_eq!(identities.end_sessions(other.id, None, hours(24)).await.unwrap(), 0);
    }

    async fn of_many_who_spend_the_same_token_one_goes_on(scratch: &Scratch) {
        let store = &*scratch.store;
        let person = keep(store, account("one@example.org")).await;
        let session = start(store, person.id, 0).await;
        for (n, way) in [Way::Work, Way::Pool, Way::Work, Way::Pool].into_iter().enumerate() {
            let refresh = digest(u8::try_from(n).unwrap() + 1);
            store.read().identities().succeed(session, &refresh, moment(0)).await.unwrap();
            let spent = at_once(scratch, way, |store, way| async move {
                if way == Way::Pool {
                    return store.read().identities().spend(&refresh, moment(9)).await.unwrap();
                }
                let work = store.begin().await.unwrap();
                let spent = work.repositories().identities().spend(&refresh, moment(9)).await.unwrap();
                work.commit().await.unwrap();
                spent
            }).await;
            let account = person.id;
            let (now, before): (Vec<Spent>, Vec<_>) =
                spent.into_iter().partition(|spent| matches!(spent, Spent::Now { .. }));
            assert_eq!(now, [Spent::Now { session, account }], "{way:?}");
            assert_eq!(before, [Spent::Before { session, account, at: moment(9) }; CALLERS as usize - 1], "{way:?}");
        }
    }

    async fn a_link_is_used_once_in_its_time_and_for_its_purpose(scratch: &Scratch) {
        let store = &*scratch.store;
        let identities = store.read().identities();
        let world = World::create(store).await;
        let person = keep(store, account("one@example.org")).await;
        let offered =
            |role, network, community, partner, expires_at| Offered { role, network, community, partner, expires_at };
        let grants = vec![
            offered(Role::Contributor, None, Some(world.community.id), None, None),
            offered(Role::Coordinator, Some(world.network.id), None, None, Some(moment(123_456))),
            offered(Role::PartnerRepresentative, None, None, Some(world.partner.id), None),
        ];
        let invitation = Link { grants, ..link(LinkKind::Invitation) };
        let recovery = Link { account: Some(person.id), ..link(LinkKind::Recovery) };
        identities.keep_link(&invitation, &digest(1)).await.unwrap();
        identities.keep_link(&recovery, &digest(2)).await.unwrap();
        let used = async |kind, refresh, at| identities.use_link(kind, &digest(refresh), at).await.unwrap();
        assert_eq!(used(LinkKind::Invitation, 9, moment(4)).await, None);
        assert_eq!(used(LinkKind::Recovery, 1, moment(4)).await, None);
        assert_eq!(used(LinkKind::Invitation, 2, moment(4)).await, None);
        assert_eq!(used(LinkKind::Invitation, 1, hours(1)).await, None);
        assert_eq!(used(LinkKind::Recovery, 2, hours(2)).await, None);
        // None of these used them up.
        assert_eq!(used(LinkKind::Invitation, 1, hours(1) - TimeDelta::microseconds(1)).await, Some(invitation));
        assert_eq!(used(LinkKind::Recovery, 2, moment(4)).await, Some(recovery));
        for at in [moment(4), hours(2)] {
            assert_eq!(used(LinkKind::Invitation, 1, at).await, None);
            assert_eq!(used(LinkKind::Recovery, 2, at).await, None);
        }
    }

    async fn of_many_who_use_the_same_link_one_gets_it(scratch: &Scratch) {
        let store = &*scratch.store;
        for (n, way) in [Way::Work, Way::Pool, Way::Work, Way::Pool].into_iter().enumerate() {
            let digest = digest(u8::try_from(n).unwrap());
            let kept = link(LinkKind::Invitation);
            store.read().identities().keep_link(&kept, &digest).await.unwrap();
            let used = at_once(scratch, way, |store, way| async move {
                if way == Way::Pool {
                    return store.read().identities().use_link(LinkKind::Invitation, &digest, moment(9)).await.unwrap();
                }
                let work = store.begin().await.unwrap();
                let identities = work.repositories().identities();
                let used = identities.use_link(LinkKind::Invitation, &digest, moment(9)).await.unwrap();
                work.commit().await.unwrap();
                used
            }).await;
            assert_eq!(used.into_iter().flatten().collect::<Vec<_>>(), [kept], "{way:?}");
        }
    }

    async fn a_token_is_known_by_its_digest_until_it_is_archived(scratch: &Scratch) {
        let store = &*scratch.store;
        let identities = store.read().identities();
        let world = World::create(store).await;
        let token = keep(store, api_token(vec![world.other.id, world.community.id])).await;
        let lonely = keep(store, api_token(vec![world.other.id])).await;
        identities.keep_token(token.id, &digest(1)).await.unwrap();
        identities.keep_token(lonely.id, &digest(2)).await.unwrap();
        // It expired long ago: that is for the caller to see.
        let known = identities.token(&digest(1), hours(1)).await.unwrap().unwrap();
        assert_eq!(known.token, token);
        assert_eq!(known.memberships, BTreeSet::from([(world.community.id, world.network.id)]));
        let before = identities.token(&digest(1), "2019-12-31T00:00:00Z".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(before.memberships, BTreeSet::new());
        let known = identities.token(&digest(2), hours(1)).await.unwrap().unwrap();
        assert_eq!((known.token, known.memberships), (lonely, BTreeSet::new()));
        assert_eq!(identities.token(&digest(3), hours(1)).await.unwrap(), None);
        archive(store, &token).await;
        assert_eq!(identities.token(&digest(1), hours(1)).await.unwrap(), None);
        assert!(identities.token(&digest(2), hours(1)).await.unwrap().is_some());
    }

    async fn the_last_use_of_a_token_never_goes_back(scratch: &Scratch) {
        let store = &*scratch.store;
        let identities = store.read().identities();
        let home = keep(store, community("home")).await;
        let mut tokens: Vec<ApiTokenId> = Vec::new();
        for _ in 0..3 {
            tokens.push(keep(store, api_token(vec![home.id])).await.id);
        }
        assert_eq!(identities.last_uses(&tokens).await.unwrap(), []);
        for (at, last) in [(5, 5), (3, 5), (5, 5), (6, 6), (-1_000_000, 6)] {
            identities.note_use(tokens[0], moment(at)).await.unwrap();
            assert_eq!(identities.last_uses(&tokens).await.unwrap(), [(tokens[0], moment(last))]);
        }
        identities.note_use(tokens[2], moment(1)).await.unwrap();
        let uses: BTreeSet<_> = identities.last_uses(&tokens).await.unwrap().into_iter().collect();
        assert_eq!(uses, BTreeSet::from([(tokens[0], moment(6)), (tokens[2], moment(1))]));
        assert_eq!(identities.last_uses(&tokens[1..]).await.unwrap(), [(tokens[2], moment(1))]);
        assert_eq!(identities.last_uses(&[]).await.unwrap(), []);
    }

    async fn moments_are_ordered_as_moments_whatever_their_fraction(scratch: &Scratch) {
        // SQLite keeps them as text, where "…00Z" and "…00.5Z" must not trade places.
        let store = &*scratch.store;
        let identities = store.read().identities();
        let home = keep(store, community("home")).await;
        let token = keep(store, api_token(vec![home.id])).await.id;
        for at in [0, 1, 10, 1_000, 500_000, 1_000_000, 1_000_001, 60_000_000] {
            identities.note_use(token, moment(at)).await.unwrap();
            assert_eq!(identities.last_uses(&[token]).await.unwrap(), [(token, moment(at))]);
        }
        let person = keep(store, account("one@example.org")).await;
        let session = start(store, person.id, 1).await;
        for (micros, open) in [(-1_000_000, true), (-1, true), (0, false), (1, false), (1_000_000, false)] {
            let at = hours(24) + TimeDelta::microseconds(micros);
            assert_eq!(identities.is_open(session, at).await.unwrap(), open, "{micros}");
        }
    }

    async fn signing_keys_stand_newest_first_until_they_are_retired(scratch: &Scratch) {
        let store = &*scratch.store;
        let identities = store.read().identities();
        let kids = async || {
            let keys = identities.signing_keys().await.unwrap();
            keys.into_iter().map(|key| key.kid).collect::<Vec<_>>()
        };
        assert_eq!(kids().await, [""; 0]);
        let key = |kid: &str, at| {
            SigningKey { kid: kid.into(), pem: format!("-----{kid}\n-----"), created_at: moment(at) }
        };
        for key in [key("b", 1), key("old", 0), key("a", 1), key("new", 2)] {
            identities.keep_signing_key(&key).await.unwrap();
        }
        assert_eq!(identities.signing_keys().await.unwrap()[3], key("old", 0));
        assert_eq!(kids().await, ["new", "a", "b", "old"]);
        // The same name twice would leave open which key verifies.
        assert!(identities.keep_signing_key(&key("a", 5)).await.is_err());
        for retired in [true, false] {
            assert_eq!(identities.retire_signing_key("a", moment(6)).await.unwrap(), retired);
            assert_eq!(kids().await, ["new", "b", "old"]);
        }
        assert!(!identities.retire_signing_key("none", moment(6)).await.unwrap());
        assert_eq!(kids().await.len(), 3);
    }

    async fn an_identity_of_another_provider_belongs_to_one_account(scratch: &Scratch) {
        let store = &*scratch.store;
        let identities = store.read().identities();
        let one = keep(store, account("one@example.org")).await;
        let other = keep(store, account("other@example.org")).await;
        let issuer = "https://login.example.org/";
        assert_eq!(identities.foreign(issuer, "7").await.unwrap(), None);
        identities.link_foreign(issuer, "7", one.id, moment(0)).await.unwrap();
        for account in [one.id, other.id] {
            match identities.link_foreign(issuer, "7", account, moment(1)).await {
                Err(Error::Conflict(problem)) => {
                    assert_eq!((problem.path.to_string().as_str(), problem.code), ("subject", ProblemCode::Taken));
                }
                other => panic!("{other:?}"),
            }
        }
        // Neither the subject nor the issuer alone says who it is; their case matters.
        identities.link_foreign("https://other.example.org/", "7", other.id, moment(0)).await.unwrap();
        identities.link_foreign(issuer, "8", one.id, moment(0)).await.unwrap();
        identities.link_foreign(issuer, "A", one.id, moment(0)).await.unwrap();
        identities.link_foreign(issuer, "a", other.id, moment(0)).await.unwrap();
        for (issuer, subject, account) in [
            (issuer, "7", Some(one.id)),
            (issuer, "8", Some(one.id)),
            (issuer, "A", Some(one.id)),
            (issuer, "a", Some(other.id)),
            ("https://other.example.org/", "7", Some(other.id)),
            ("https://other.example.org/", "8", None),
        ] {
            let linked = identities.foreign(issuer, subject).await.unwrap();
            assert_eq!(linked.map(|linked| linked.account), account, "{issuer} {subject}");
        }
        archive(store, &one).await;
        assert_eq!(identities.foreign(issuer, "7").await.unwrap(), None);
    }
}
