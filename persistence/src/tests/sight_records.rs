//! The plain model for each kind of record: which of them exist for a reader.

use domain::{
    access::{Place, Reader},
    account::{Account, AccountSort},
    api_token::{ApiToken, ApiTokenSort},
    baseline::{Baseline, BaselineSort},
    decision::{AuthorityAct, AuthorityDecision, AuthorityDecisionSort},
    grant::{Grant, GrantSort},
    learning::{Learning, LearningSort, Visibility},
    membership::{Membership, MembershipSort},
    record::{Noun, Stored},
    series::{Series, SeriesSort},
    sharing::{SharingRule, SharingRuleSort},
    target::{Target, TargetSort},
};

use super::sight_model::{Eyes, World, active, is_for_the_community, lasts};

/// A kind of record of which not everybody reads everything.
pub(super) trait Seen: Noun {
    /// All of them.
    fn all(world: &World) -> &[Stored<Self>];

    /// Whether it exists for a reader who does not see everything.
    fn is_seen(record: &Stored<Self>, eyes: &Eyes<'_>, reader: &Reader) -> bool;

    /// As such a reader sees it.
    fn as_seen(record: &Stored<Self>, _reader: &Reader) -> Stored<Self> {
        record.clone()
    }

    /// Every order.
    const SORTS: &'static [Self::Sort];

    /// Those that exist for the reader, as they are seen.
    fn seen(eyes: &Eyes<'_>) -> Vec<Stored<Self>> {
        let all = Self::all(eyes.world).iter();
        match &eyes.reader {
            None => all.cloned().collect(),
            Some(reader) => all
                .filter(|record| Self::is_seen(record, eyes, reader))
                .map(|record| Self::as_seen(record, reader))
                .collect(),
        }
    }
}

impl Seen for Series {
    const SORTS: &'static [SeriesSort] = &[SeriesSort::CreatedAt, SeriesSort::Disaggregation];

    fn all(world: &World) -> &[Stored<Self>] {
        &world.series
    }

    /// It says that there are figures: whoever sees none of them does not see it.
    fn is_seen(series: &Stored<Self>, eyes: &Eyes<'_>, _: &Reader) -> bool {
        eyes.reader.is_none() || !eyes.observations(series.id).is_empty()
    }
}

impl Seen for Baseline {
    const SORTS: &'static [BaselineSort] = &[BaselineSort::CreatedAt, BaselineSort::PeriodEnd];

    fn all(world: &World) -> &[Stored<Self>] {
        &world.baselines
    }

    /// It says that there is a figure for its period: whoever may not see that one does not see the baseline either.
    fn is_seen(baseline: &Stored<Self>, eyes: &Eyes<'_>, _: &Reader) -> bool {
        let Series { community, indicator, .. } = *eyes.world.series(baseline.series);
        eyes.figures(community, indicator)
            && eyes.world.observations.iter().all(|found| {
                (found.series, found.period) != (baseline.series, baseline.period)
                    || found.superseded_at.is_some()
                    || (eyes.figure((community, indicator), &found.figure)
                        && eyes.many(found.series, found.period, false))
            })
    }
}

impl Seen for Target {
    const SORTS: &'static [TargetSort] = &[TargetSort::DueOn, TargetSort::CreatedAt];

    fn all(world: &World) -> &[Stored<Self>] {
        &world.targets
    }

    /// A network's is public; a community's is for those who may see its figures.
    fn is_seen(target: &Stored<Self>, eyes: &Eyes<'_>, _: &Reader) -> bool {
        target.community.is_none_or(|community| eyes.figures(community, target.indicator))
    }
}

impl Seen for Learning {
    const SORTS: &'static [LearningSort] = &[LearningSort::SharedAt, LearningSort::Title, LearningSort::CreatedAt];

    fn all(world: &World) -> &[Stored<Self>] {
        &world.learnings
    }

    fn is_seen(learning: &Stored<Self>, eyes: &Eyes<'_>, reader: &Reader) -> bool {
        let (community, out) = (learning.community, learning.status.is_out());
        if reader.own.contains(&community) {
            let wrote = reader.account.is_some_and(|account| learning.meta.created_by == format!("account:{account}"));
            let reads = is_for_the_community(learning.visibility) || reader.stewarded.contains(&community) || wrote;
            return reads && (out || reader.contributed.contains(&community));
        }
        let day = eyes.now.date_naive();
        let free = !eyes.world.is_under_authority(community)
            || active(&eyes.world.decisions).any(|decision| {
                (decision.act, decision.community) == (AuthorityAct::Publish, community)
                    && (decision.indicator, decision.network) == (None, None)
                    && lasts(decision.expires_on, day)
            });
        let out = out && free;
        out && match learning.visibility {
            Visibility::Public => true,
            Visibility::Network => reader.networks.iter().any(|&network| eyes.world.consents(community, network, day)),
            Visibility::NamedCommunities => learning.named.iter().any(|named| reader.own.contains(named)),
            Visibility::Private | Visibility::Community | Visibility::AggregateOnly => false,
        }
    }
}

impl Seen for SharingRule {
    const SORTS: &'static [SharingRuleSort] = &[SharingRuleSort::CreatedAt];

    fn all(world: &World) -> &[Stored<Self>] {
        &world.rules
    }

    fn is_seen(rule: &Stored<Self>, _: &Eyes<'_>, reader: &Reader) -> bool {
        reader.own.contains(&rule.community)
    }
}

impl Seen for AuthorityDecision {
    const SORTS: &'static [AuthorityDecisionSort] = &[AuthorityDecisionSort::CreatedAt];

    fn all(world: &World) -> &[Stored<Self>] {
        &world.decisions
    }

    fn is_seen(decision: &Stored<Self>, _: &Eyes<'_>, reader: &Reader) -> bool {
        reader.own.contains(&decision.community)
    }
}

/// The reader answers for the place of the grant.
fn answers_for(grant: &Grant, reader: &Reader) -> bool {
    match grant.place().unwrap() {
        Place::Community(community) => reader.stewarded.contains(&community),
        Place::Network(network) => reader.coordinated.contains(&network),
        Place::Partner(partner) => reader.partners.contains(&partner),
        Place::Everywhere => false,
    }
}

impl Seen for Grant {
    const SORTS: &'static [GrantSort] = &[GrantSort::CreatedAt, GrantSort::ExpiresAt];

    fn all(world: &World) -> &[Stored<Self>] {
        &world.grants
    }

    fn is_seen(grant: &Stored<Self>, _: &Eyes<'_>, reader: &Reader) -> bool {
        reader.administrator || reader.account == Some(grant.account) || answers_for(grant, reader)
    }
}

impl Seen for Account {
    const SORTS: &'static [AccountSort] = &[AccountSort::Email, AccountSort::CreatedAt];

    fn all(world: &World) -> &[Stored<Self>] {
        &world.accounts
    }

    /// Whoever answers for a place sees those who hold a role there: one taken back or ended is not held.
    fn is_seen(account: &Stored<Self>, eyes: &Eyes<'_>, reader: &Reader) -> bool {
        let holds_there = || {
            active(&eyes.world.grants).any(|grant| {
                grant.account == account.id
                    && grant.expires_at.is_none_or(|end| eyes.now < end)
                    && answers_for(grant, reader)
            })
        };
        reader.administrator || reader.account == Some(account.id) || holds_there()
    }
}

impl Seen for ApiToken {
    const SORTS: &'static [ApiTokenSort] = &[ApiTokenSort::CreatedAt, ApiTokenSort::ExpiresAt];

    fn all(world: &World) -> &[Stored<Self>] {
        &world.tokens
    }

    fn is_seen(token: &Stored<Self>, _: &Eyes<'_>, reader: &Reader) -> bool {
        reader.administrator || token.communities.iter().any(|community| reader.stewarded.contains(community))
    }
}

impl Seen for Membership {
    const SORTS: &'static [MembershipSort] = &[MembershipSort::JoinedOn, MembershipSort::CreatedAt];

    fn all(world: &World) -> &[Stored<Self>] {
        &world.memberships
    }

    fn is_seen(_: &Stored<Self>, _: &Eyes<'_>, _: &Reader) -> bool {
        true
    }

    /// A consent is for those of the community, and for whoever runs the network.
    fn as_seen(membership: &Stored<Self>, reader: &Reader) -> Stored<Self> {
        let mut membership = membership.clone();
        if !reader.own.contains(&membership.community) && !reader.coordinated.contains(&membership.network) {
            membership.value.consent = None;
        }
        membership
    }
}
