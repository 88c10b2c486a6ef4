//! The policy as tables: every need for everybody, every role for what it lets somebody read, and the moment at which things end.

use chrono::TimeDelta;
use uuid::Uuid;

use super::*;
use crate::{error::Error, id::PartnerId, learning::Visibility};

fn now() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn id<I: From<Uuid>>(number: u128) -> I {
    I::from(Uuid::from_u128(number))
}

/// Two of each kind of place: what is held at one says nothing of the other.
const HERE: u128 = 1;
const THERE: u128 = 2;

fn everywhere() -> Vec<Place> {
    [HERE, THERE]
        .into_iter()
        .flat_map(|n| [Place::Network(id(n)), Place::Community(id(n)), Place::Partner(id(n))])
        .chain([Place::Everywhere])
        .collect()
}

fn person(grants: &[(Role, Place, Option<DateTime<Utc>>)]) -> Actor {
    let grants = grants.iter().map(|&(role, at, until)| Held { role, at, until }).collect();
    Actor::new(Who::Person(Arc::new(Person { account: id(HERE), session: None, grants, memberships: BTreeSet::new() })))
}

fn holder(role: Role, at: Place) -> Actor {
    person(&[(role, at, None)])
}

fn token(actions: &[TokenAction], indicators: &[IndicatorId], until: Option<DateTime<Utc>>) -> Integration {
    Integration {
        token: id(HERE),
        communities: [id(HERE)].into(),
        indicators: indicators.iter().copied().collect(),
        actions: actions.iter().copied().collect(),
        until,
        memberships: [(id(HERE), id(HERE))].into(),
    }
}

fn program(integration: Integration) -> Actor {
    Actor::new(Who::Integration(Arc::new(integration)))
}

fn needs(need: Need) -> Needs {
    Needs::operator().or_need(need)
}

fn met(need: Need, actor: &Actor) -> bool {
    needs(need).met_by(actor, now())
}

fn reader(actor: &Actor, now: DateTime<Utc>) -> Reader {
    match actor.scope(now) {
        Scope::Of(reader) => Reader::clone(&reader),
        Scope::Public => Reader::default(),
        Scope::Everything => panic!("everything"),
    }
}

#[test]
fn a_role_at_a_place_is_held_by_whoever_holds_it_there() {
    for &role in Role::ALL {
        for at in everywhere() {
            let need = Need::Held(role, at);
            assert!(!met(need, &Actor::anonymous()));
            assert!(!met(need, &person(&[])));
            assert!(!met(need, &program(token(TokenAction::ALL, &[], None))));
            assert!(met(need, &Actor::operator("cli")), "whoever runs the installation may do everything");
            for &other in Role::ALL {
                for elsewhere in everywhere() {
                    let expected = (role, at) == (other, elsewhere);
                    assert_eq!(
                        met(need, &holder(other, elsewhere)),
                        expected,
                        "{other} at {elsewhere:?} for {role} at {at:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_role_anywhere_is_held_by_whoever_holds_it_somewhere() {
    for &role in Role::ALL {
        let need = Need::Anywhere(role);
        assert!(!met(need, &Actor::anonymous()) && !met(need, &person(&[])));
        assert!(!met(need, &program(token(TokenAction::ALL, &[], None))));
        assert!(met(need, &Actor::operator("cli")));
        for &other in Role::ALL {
            for at in everywhere() {
                assert_eq!(met(need, &holder(other, at)), role == other, "{other} for {role}");
            }
        }
    }
}

#[test]
fn whoever_it_is_about_is_the_account_and_nobody_else() {
    let (own, other) = (Need::Oneself(id(HERE)), Need::Oneself(id(THERE)));
    for (actor, expected) in [
        (Actor::anonymous(), [false, false]),
        (Actor::operator("cli"), [true, true]),
        (person(&[]), [true, false]),
        (holder(Role::Administrator, Place::Everywhere), [true, false]),
        // Its own id is that of the account, and still it is another kind of thing.
        (program(token(TokenAction::ALL, &[], None)), [false, false]),
    ] {
        assert_eq!([met(own, &actor), met(other, &actor)], expected, "{actor:?}");
    }
}

#[test]
fn a_program_does_what_its_token_says_for_its_communities_and_indicators() {
    let (one, two): (IndicatorId, IndicatorId) = (id(1), id(2));
    for &action in TokenAction::ALL {
        let other = *TokenAction::ALL.iter().find(|&&other| other != action).unwrap();
        let need = |community: u128, indicator| Need::Integration(action, id(community), indicator);
        let cases = [
            (token(&[action], &[], None), [true, true, true, false]),
            (token(&[action], &[one], None), [true, true, false, false]),
            (token(&[other], &[], None), [false; 4]),
            (token(&[], &[], None), [false; 4]),
            (Integration { communities: BTreeSet::new(), ..token(&[action], &[], None) }, [false; 4]),
            (token(&[action], &[], Some(now())), [false; 4]),
        ];
        for (integration, expected) in cases {
            let actor = program(integration.clone());
            let asked = [need(HERE, None), need(HERE, Some(one)), need(HERE, Some(two)), need(THERE, Some(one))];
            assert_eq!(asked.map(|need| met(need, &actor)), expected, "{action} by {integration:?}");
            let anywhere = integration.actions.contains(&action) && integration.until.is_none();
            assert_eq!(met(Need::IntegrationAnywhere(action), &actor), anywhere, "{integration:?}");
        }
        // What is for programs is for no person, whatever they hold.
        for &role in Role::ALL {
            for at in everywhere() {
                let somebody = holder(role, at);
                assert!(!met(need(HERE, None), &somebody) && !met(Need::IntegrationAnywhere(action), &somebody));
            }
        }
        assert!(!met(need(HERE, None), &Actor::anonymous()));
        assert!(met(need(HERE, None), &Actor::operator("cli")));
    }
}

#[test]
fn what_asks_for_nothing_named_is_for_whoever_runs_the_installation() {
    for &role in Role::ALL {
        for at in everywhere() {
            assert!(!Needs::operator().met_by(&holder(role, at), now()), "{role}");
        }
    }
    assert!(!Needs::operator().met_by(&program(token(TokenAction::ALL, &[], None)), now()));
    assert!(!Needs::operator().met_by(&Actor::anonymous(), now()));
    assert!(Needs::operator().met_by(&Actor::operator("cli"), now()));
}

#[test]
fn any_of_several_needs_suffices() {
    let either = Needs::steward(id(HERE)).or(Needs::coordinator(id(HERE))).or_need(Need::Oneself(id(HERE)));
    assert!(either.met_by(&holder(Role::Steward, Place::Community(id(HERE))), now()));
    assert!(either.met_by(&holder(Role::Coordinator, Place::Network(id(HERE))), now()));
    assert!(either.met_by(&person(&[]), now()));
    assert!(!either.met_by(&program(token(TokenAction::ALL, &[], None)), now()));
}

#[test]
fn the_named_needs_ask_for_these_roles_and_no_others() {
    let community = |roles: &'static [Role]| (Needs::community(id(HERE), roles), roles, Place::Community(id(HERE)));
    let at_a_place = [
        (Needs::administrator(), &[Role::Administrator][..], Place::Everywhere),
        (Needs::to_create_networks(), &[Role::Administrator], Place::Everywhere),
        (Needs::coordinator(id(HERE)), &[Role::Coordinator], Place::Network(id(HERE))),
        (Needs::representative(id(HERE)), &[Role::PartnerRepresentative], Place::Partner(id(HERE))),
        (Needs::steward(id(HERE)), &[Role::Steward], Place::Community(id(HERE))),
        (Needs::contributor(id(HERE)), &[Role::Contributor, Role::Steward], Place::Community(id(HERE))),
        community(&[Role::DataAuthority]),
        (Needs::to_publish(id(HERE), None), &[Role::Steward], Place::Community(id(HERE))),
        (Needs::to_submit(id(HERE), None), &[Role::Contributor, Role::Steward], Place::Community(id(HERE))),
    ];
    for (needs, roles, place) in at_a_place {
        for &role in Role::ALL {
            for at in everywhere() {
                let expected = roles.contains(&role) && at == place;
                assert_eq!(needs.met_by(&holder(role, at), now()), expected, "{needs:?} by {role} at {at:?}");
            }
        }
    }
    let anywhere = [
        (Needs::to_create_communities(), &[Role::Administrator, Role::Coordinator][..]),
        (Needs::to_create_indicators(), &[Role::Coordinator]),
        (Needs::to_create_partners_and_sources(), &[Role::Steward, Role::Coordinator, Role::Contributor]),
        (Needs::recording(), &[Role::Steward, Role::Contributor]),
    ];
    for (needs, roles) in anywhere {
        for &role in Role::ALL {
            for at in everywhere().into_iter().filter(|at| role.places().contains(&at.kind())) {
                assert_eq!(needs.met_by(&holder(role, at), now()), roles.contains(&role), "{needs:?} by {role}");
            }
        }
    }
    assert!(Needs::recording().met_by(&program(token(&[TokenAction::RecordFigures], &[], None)), now()));
    assert!(!Needs::recording().met_by(&program(token(&[TokenAction::Read], &[], None)), now()));
    // A program publishes nothing but what its token says.
    let sends = program(token(&[TokenAction::RecordFigures], &[], None));
    assert!(Needs::to_submit(id(HERE), None).met_by(&sends, now()));
    assert!(!Needs::to_publish(id(HERE), None).met_by(&sends, now()));
    let publishes = program(token(&[TokenAction::RecordFigures, TokenAction::PublishFigures], &[id(1)], None));
    assert!(Needs::to_publish(id(HERE), Some(id(1))).met_by(&publishes, now()));
    assert!(!Needs::to_publish(id(HERE), Some(id(2))).met_by(&publishes, now()));
    assert!(!Needs::to_publish(id(THERE), Some(id(1))).met_by(&publishes, now()));
}

#[test]
fn each_role_opens_these_parts_and_no_others() {
    let (network, community): (NetworkId, CommunityId) = (id(HERE), id(HERE));
    let partner: PartnerId = id(HERE);
    let own = || Reader { account: Some(id(HERE)), ..Reader::default() };
    let cases = [
        (Role::MemberReader, Place::Network(network), Reader { networks: [network].into(), ..own() }),
        (Role::MemberReader, Place::Community(community), Reader { own: [community].into(), ..own() }),
        (Role::Contributor, Place::Community(community), {
            Reader { own: [community].into(), contributed: [community].into(), ..own() }
        }),
        (Role::Steward, Place::Community(community), {
            let (stewarded, contributed) = ([community].into(), [community].into());
            Reader { own: [community].into(), stewarded, contributed, ..own() }
        }),
        (Role::DataAuthority, Place::Community(community), {
            Reader { own: [community].into(), stewarded: [community].into(), ..own() }
        }),
        (Role::PartnerRepresentative, Place::Partner(partner), Reader { partners: [partner].into(), ..own() }),
        (Role::Reviewer, Place::Network(network), Reader { networks: [network].into(), ..own() }),
        (Role::Coordinator, Place::Network(network), {
            Reader { networks: [network].into(), coordinated: [network].into(), ..own() }
        }),
        (Role::Funder, Place::Network(network), Reader { funded: [network].into(), ..own() }),
        (Role::Administrator, Place::Everywhere, Reader { administrator: true, ..own() }),
    ];
    let possible: usize = Role::ALL.iter().map(|role| role.places().len()).sum();
    assert_eq!(cases.len(), possible, "a role at a kind of place that this table does not know");
    for (role, at, expected) in cases {
        assert_eq!(reader(&holder(role, at), now()), expected, "{role}");
        assert_eq!(reader(&person(&[(role, at, Some(now()))]), now()), own(), "{role} has ended");
    }
    // At a place of a kind where it is not held a role opens nothing.
    for &role in Role::ALL {
        for at in everywhere().into_iter().filter(|at| !role.places().contains(&at.kind())) {
            assert_eq!(reader(&holder(role, at), now()), own(), "{role} at {at:?}");
        }
    }
    assert_eq!(reader(&person(&[]), now()), own());
    assert_eq!(Actor::anonymous().scope(now()), Scope::Public);
    assert_eq!(Actor::operator("cli").scope(now()), Scope::Everything);
}

#[test]
fn people_of_a_community_read_what_is_shared_in_its_networks_as_long_as_they_are_of_it() {
    let end = now();
    let held = Held { role: Role::Contributor, at: Place::Community(id(HERE)), until: Some(end) };
    let memberships = [(id(HERE), id(HERE)), (id(THERE), id(THERE))].into();
    let person = Person { account: id(HERE), session: None, grants: vec![held], memberships };
    let actor = Actor::new(Who::Person(Arc::new(person)));
    let networks = |at| reader(&actor, at).networks;
    assert_eq!(networks(end - TimeDelta::microseconds(1)), [id(HERE)].into());
    assert_eq!(networks(end), BTreeSet::new());
}

#[test]
fn what_ends_at_a_moment_has_ended_at_that_moment() {
    let end = now();
    let at = Place::Community(id(HERE));
    let steward = person(&[(Role::Steward, at, Some(end))]);
    let program = program(token(TokenAction::ALL, &[], Some(end)));
    for (moment, still) in [
        (end - TimeDelta::microseconds(1), true),
        (end, false),
        (end + TimeDelta::microseconds(1), false),
        (end + TimeDelta::days(10_000), false),
    ] {
        assert_eq!(steward.holds(Role::Steward, at, moment), still, "{moment}");
        assert_eq!(Needs::steward(id(HERE)).met_by(&steward, moment), still);
        assert_eq!(Needs::anywhere(&[Role::Steward]).met_by(&steward, moment), still);
        assert_eq!(!reader(&steward, moment).stewarded.is_empty(), still);
        for need in [
            Need::IntegrationAnywhere(TokenAction::RecordFigures),
            Need::Integration(TokenAction::RecordFigures, id(HERE), None),
        ] {
            assert_eq!(needs(need).met_by(&program, moment), still, "{need:?}");
        }
        assert_eq!(program.scope(moment) != Scope::Public, still);
    }
}

#[test]
fn a_program_reads_as_its_communities_do_if_it_may_read() {
    let (here, indicator): (CommunityId, IndicatorId) = (id(HERE), id(HERE));
    let network: NetworkId = id(HERE);
    let read = &[TokenAction::Read][..];
    let whole = Reader { own: [here].into(), networks: [network].into(), ..Reader::default() };
    assert_eq!(reader(&program(token(read, &[], None)), now()), whole);
    // For some indicators it reads figures by those, and nothing else of its communities.
    let limited = Limited { communities: [here].into(), networks: [network].into(), indicators: [indicator].into() };
    assert_eq!(reader(&program(token(read, &[indicator], None)), now()), Reader { limited, ..Reader::default() });
    let writes = token(&[TokenAction::RecordFigures], &[], None);
    assert_eq!(program(writes).scope(now()), Scope::Public);
    assert_eq!(program(token(&[], &[indicator], None)).scope(now()), Scope::Public);
}

#[test]
fn readers_share_what_is_kept_only_if_they_see_the_same_figures() {
    let (one, two): (IndicatorId, IndicatorId) = (id(1), id(2));
    let read = |indicators: &[IndicatorId]| program(token(&[TokenAction::Read], indicators, None)).scope(now());
    let at = |role, place| holder(role, place).scope(now());
    let different = [
        Scope::Public,
        Scope::Everything,
        read(&[]),
        read(&[one]),
        read(&[two]),
        read(&[one, two]),
        at(Role::MemberReader, Place::Network(id(HERE))),
        at(Role::MemberReader, Place::Network(id(THERE))),
        at(Role::MemberReader, Place::Community(id(HERE))),
        at(Role::Steward, Place::Community(id(HERE))),
        at(Role::Funder, Place::Network(id(HERE))),
    ];
    let keys: BTreeSet<_> = different.iter().map(Scope::cache_key).collect();
    assert_eq!(keys.len(), different.len(), "{keys:?}");
    // Who write for a community see no other figures than those who read there.
    let contributor = at(Role::Contributor, Place::Community(id(HERE)));
    assert_eq!(contributor.cache_key(), at(Role::MemberReader, Place::Community(id(HERE))).cache_key());
}

#[test]
fn totals_hold_what_is_withheld_for_those_who_belong_to_the_network_or_fund_it() {
    let (one, two): (IndicatorId, IndicatorId) = (id(1), id(2));
    let of_members = &[Visibility::AggregateOnly][..];
    let of_funders = &[Visibility::AggregateOnly, Visibility::Network, Visibility::Public][..];
    let limited = program(token(&[TokenAction::Read], &[one], None)).scope(now());
    for (scope, expected) in [
        (Scope::Public, [&[][..]; 2]),
        (Scope::Everything, [&[]; 2]),
        (holder(Role::MemberReader, Place::Network(id(HERE))).scope(now()), [of_members; 2]),
        (holder(Role::Coordinator, Place::Network(id(HERE))).scope(now()), [of_members; 2]),
        (holder(Role::Funder, Place::Network(id(HERE))).scope(now()), [of_funders; 2]),
        (holder(Role::Steward, Place::Community(id(HERE))).scope(now()), [&[]; 2]),
        (program(token(&[TokenAction::Read], &[], None)).scope(now()), [of_members; 2]),
        (limited, [of_members, &[]]),
    ] {
        let counted = [one, two].map(|indicator| scope.counted_in_totals(id(HERE), indicator));
        assert_eq!(counted, expected, "{scope:?}");
        assert_eq!([one, two].map(|indicator| scope.counted_in_totals(id(THERE), indicator)), [&[][..]; 2]);
    }
}

#[test]
fn nobody_in_particular_is_asked_to_sign_in_and_others_are_refused() {
    let needs = Needs::steward(id(HERE));
    let refused = |actor: &Actor| require(actor, &needs, now(), "do it");
    assert!(matches!(refused(&Actor::anonymous()), Err(Error::Unauthenticated(_))));
    for actor in [person(&[]), program(token(TokenAction::ALL, &[], None))] {
        assert!(matches!(refused(&actor), Err(Error::Forbidden("do it"))));
        assert!(require_anybody(&actor, "do it").is_ok());
    }
    assert!(refused(&holder(Role::Steward, Place::Community(id(HERE)))).is_ok());
    assert!(matches!(require_anybody(&Actor::anonymous(), "do it"), Err(Error::Unauthenticated(_))));
}
