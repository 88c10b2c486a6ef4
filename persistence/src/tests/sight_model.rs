//! A plain model of who may read what: everything in lists, every question answered by looking at all of it. It is
//! written from what the domain promises ([`domain::access::Scope`], [`domain::sharing`], [`domain::decision`] and the kinds
//! of record themselves), not from the statements that keep the promise.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{
    access::{Limited, Place, Reader, Role, Scope},
    account::Account,
    api_token::{ApiToken, TokenAction},
    baseline::Baseline,
    community::Community,
    decision::{AuthorityAct, AuthorityDecision},
    grant::Grant,
    id::{AccountId, CommunityId, IndicatorId, NetworkId, SeriesId},
    indicator::{Indicator, IndicatorVersion},
    learning::{Learning, Visibility},
    membership::Membership,
    network::Network,
    observation::{Confidentiality, Figure, Observation, ObservationStatus},
    partner::Partner,
    period::Period,
    record::{Noun, Stored},
    series::Series,
    sharing::SharingRule,
    source::Source,
    target::Target,
};

/// All there is.
#[derive(Default)]
pub(super) struct World {
    pub(super) networks: Vec<Stored<Network>>,
    pub(super) communities: Vec<Stored<Community>>,
    pub(super) partners: Vec<Stored<Partner>>,
    pub(super) indicators: Vec<Stored<Indicator>>,
    pub(super) versions: Vec<Stored<IndicatorVersion>>,
    pub(super) sources: Vec<Stored<Source>>,
    pub(super) memberships: Vec<Stored<Membership>>,
    pub(super) rules: Vec<Stored<SharingRule>>,
    pub(super) decisions: Vec<Stored<AuthorityDecision>>,
    pub(super) series: Vec<Stored<Series>>,
    /// Every revision.
    pub(super) observations: Vec<Observation>,
    /// The smallest number of persons that each of them tells of.
    pub(super) counts: Vec<Option<i32>>,
    pub(super) baselines: Vec<Stored<Baseline>>,
    pub(super) targets: Vec<Stored<Target>>,
    pub(super) learnings: Vec<Stored<Learning>>,
    pub(super) accounts: Vec<Stored<Account>>,
    pub(super) grants: Vec<Stored<Grant>>,
    pub(super) tokens: Vec<Stored<ApiToken>>,
}

/// Somebody who reads at a moment.
pub(super) struct Eyes<'a> {
    pub(super) world: &'a World,
    pub(super) now: DateTime<Utc>,
    /// Nothing for whoever sees everything; the public is a reader like any other, whom nothing distinguishes.
    pub(super) reader: Option<Reader>,
}

pub(super) fn active<N: Noun>(records: &[Stored<N>]) -> impl Iterator<Item = &Stored<N>> {
    records.iter().filter(|record| record.meta.archived_at.is_none())
}

/// Something with a last day still holds on `day`.
pub(super) fn lasts(last: Option<NaiveDate>, day: NaiveDate) -> bool {
    last.is_none_or(|last| day <= last)
}

impl World {
    /// What somebody can read by the roles that they hold.
    pub(super) fn reader(&self, account: AccountId, now: DateTime<Utc>) -> Reader {
        let mut reader = Reader { account: Some(account), ..Reader::default() };
        for grant in active(&self.grants).filter(|grant| grant.account == account) {
            if grant.expires_at.is_some_and(|end| end <= now) {
                continue;
            }
            match (grant.role, grant.place().unwrap()) {
                (Role::Administrator, _) => reader.administrator = true,
                (Role::Funder, Place::Network(network)) => {
                    reader.funded.insert(network);
                }
                (Role::Funder, _) => {}
                (role, Place::Network(network)) => {
                    reader.networks.insert(network);
                    reader.coordinated.extend((role == Role::Coordinator).then_some(network));
                }
                (role, Place::Community(community)) => {
                    reader.own.insert(community);
                    let answers = [Role::Steward, Role::DataAuthority].contains(&role);
                    reader.stewarded.extend(answers.then_some(community));
                    let writes = [Role::Steward, Role::Contributor].contains(&role);
                    reader.contributed.extend(writes.then_some(community));
                }
                (_, Place::Partner(partner)) => {
                    reader.partners.insert(partner);
                }
                (_, Place::Everywhere) => unreachable!(),
            }
        }
        for network in &self.networks {
            if reader.own.iter().any(|&community| self.is_member(community, network.id, now.date_naive())) {
                reader.networks.insert(network.id);
            }
        }
        reader
    }

    /// What a program can read with its token: what the people of its communities do, or of certain indicators alone what is shared
    /// with those; nothing if it may not read, or no longer.
    pub(super) fn reader_with(&self, token: &ApiToken, now: DateTime<Utc>) -> Reader {
        let ended = token.expires_at.is_some_and(|end| end <= now);
        if ended || !token.actions.contains(&TokenAction::Read) {
            return Reader::default();
        }
        let of = |network: &&Stored<Network>| {
            token.communities.iter().any(|&community| self.is_member(community, network.id, now.date_naive()))
        };
        let networks = self.networks.iter().filter(of).map(|network| network.id).collect();
        let communities = token.communities.iter().copied().collect();
        if token.indicators.is_empty() {
            return Reader { own: communities, networks, ..Reader::default() };
        }
        let limited = Limited { communities, networks, indicators: token.indicators.iter().copied().collect() };
        Reader { limited, ..Reader::default() }
    }

    pub(super) fn is_member(&self, community: CommunityId, network: NetworkId, day: NaiveDate) -> bool {
        active(&self.memberships)
            .any(|place| (place.community, place.network) == (community, network) && place.is_current(day))
    }

    /// The community shares its data with the network. When it has left, its history stays under its consent.
    pub(super) fn consents(&self, community: CommunityId, network: NetworkId, day: NaiveDate) -> bool {
        active(&self.memberships).any(|place| {
            (place.community, place.network) == (community, network)
                && place.joined_on <= day
                && place.consent.as_ref().is_some_and(|consent| lasts(consent.expires_on, day))
        })
    }

    pub(super) fn is_under_authority(&self, community: CommunityId) -> bool {
        let community = self.communities.iter().find(|found| found.id == community).unwrap();
        community.indigenous_data_authority.is_some()
    }

    /// The use is free, or the authority of the community has decided to allow it: in this network, or in general.
    pub(super) fn is_allowed(
        &self,
        act: AuthorityAct,
        (community, indicator): (CommunityId, IndicatorId),
        network: Option<NetworkId>,
        day: NaiveDate,
    ) -> bool {
        !self.is_under_authority(community)
            || active(&self.decisions).any(|decision| {
                decision.act == act
                    && decision.community == community
                    && decision.indicator.is_none_or(|named| named == indicator)
                    && decision.network.is_none_or(|named| Some(named) == network)
                    && lasts(decision.expires_on, day)
            })
    }

    pub(super) fn rule(&self, community: CommunityId, indicator: IndicatorId) -> Option<&SharingRule> {
        let of = |indicator| {
            active(&self.rules).find(move |rule| rule.community == community && rule.indicator == indicator)
        };
        of(Some(indicator)).or_else(|| of(None)).map(|rule| &rule.value)
    }

    /// Fewer persons than this make a figure of the community small: as the strictest of its networks has it.
    fn threshold(&self, community: CommunityId, day: NaiveDate) -> i32 {
        let networks = active(&self.networks).filter(|network| self.is_member(community, network.id, day));
        networks.map(|network| network.suppression.suppress_below).max().unwrap_or(10)
    }

    /// The revisions of every part of the breakdown that a series belongs to, in a period, each with its count.
    fn breakdown(&self, series: SeriesId, period: Period) -> Vec<(&Observation, Option<i32>)> {
        let dimensions = |of: &Series| of.disaggregation.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        let what = |id: SeriesId| {
            let of = self.series(id);
            (of.community, of.indicator_version, of.source, dimensions(of))
        };
        self.observations
            .iter()
            .zip(self.counts.iter().copied())
            .filter(|(found, _)| found.period == period && what(found.series) == what(series))
            .collect()
    }

    /// Whether the figures of a series for a period are withheld because of few behind any part: of the present figures,
    /// or of any revision that there was. A small figure that was suppressed remains small.
    fn is_small(&self, series: SeriesId, period: Period, ever: bool, day: NaiveDate) -> bool {
        let Series { community, source, .. } = *self.series(series);
        if self.sources.iter().any(|found| found.id == source && found.disclosure_controlled) {
            return false;
        }
        let threshold = self.threshold(community, day);
        let small = |count: Option<i32>| count.is_some_and(|count| count < threshold);
        let breakdown = self.breakdown(series, period);
        if ever {
            return breakdown.iter().any(|&(_, count)| small(count));
        }
        breakdown.iter().filter(|(found, _)| found.superseded_at.is_none()).any(|(current, _)| {
            let mut revisions: Vec<_> = breakdown.iter().filter(|(found, _)| found.series == current.series).collect();
            revisions.sort_by_key(|(found, _)| found.revision);
            let told = revisions.iter().rfind(|(found, _)| found.figure.status != ObservationStatus::Suppressed);
            told.is_some_and(|&&(_, count)| small(count))
        })
    }

    pub(super) fn series(&self, id: SeriesId) -> &Series {
        &self.series.iter().find(|series| series.id == id).unwrap().value
    }

    pub(super) fn eyes(&self, scope: &Scope, now: DateTime<Utc>) -> Eyes<'_> {
        let reader = match scope {
            Scope::Everything => None,
            Scope::Public => Some(Reader::default()),
            Scope::Of(reader) => Some(Reader::clone(reader)),
        };
        Eyes { world: self, now, reader }
    }
}

impl Eyes<'_> {
    /// The figures of a community by an indicator are shared with the reader, each as far as it is itself for them.
    pub(super) fn figures(&self, community: CommunityId, indicator: IndicatorId) -> bool {
        let (Some(reader), world, day) = (&self.reader, self.world, self.now.date_naive()) else { return true };
        let rule = world.rule(community, indicator);
        let visibility = match rule {
            Some(rule) => rule.visibility,
            None if world.is_under_authority(community) => Visibility::Community,
            None => Visibility::Public,
        };
        if reader.stewarded.contains(&community) {
            return true;
        }
        let own = |community| is_own(reader, community, indicator);
        if own(community) {
            return is_for_the_community(visibility);
        }
        let published = |network| world.is_allowed(AuthorityAct::Publish, (community, indicator), network, day);
        let limited = reader.limited.networks.iter().filter(|_| reader.limited.indicators.contains(&indicator));
        let networks: Vec<_> = reader.networks.iter().chain(limited).copied().collect();
        let in_network =
            || networks.iter().any(|&network| world.consents(community, network, day) && published(Some(network)));
        match visibility {
            Visibility::Private | Visibility::Community | Visibility::AggregateOnly => false,
            Visibility::NamedCommunities => published(None) && rule.unwrap().named.iter().any(|&named| own(named)),
            Visibility::Network => in_network(),
            // Everybody is more than a network: what an authority lets be read in one is read there.
            Visibility::Public => published(None) || in_network(),
        }
    }

    /// A figure of a community by an indicator, if its series is shared.
    pub(super) fn figure(&self, (community, indicator): (CommunityId, IndicatorId), figure: &Figure) -> bool {
        let Some(reader) = &self.reader else { return true };
        let own = is_own(reader, community, indicator);
        reader.stewarded.contains(&community)
            || match figure.confidentiality {
                Confidentiality::Free => true,
                Confidentiality::Internal => own,
                Confidentiality::Embargoed => figure.embargo_until.unwrap() <= self.now || own,
                Confidentiality::Confidential | Confidentiality::SmallCounts | Confidentiality::Secondary => false,
            }
    }

    /// The figures of a series for a period are not withheld because few stand behind them.
    pub(super) fn many(&self, series: SeriesId, period: Period, ever: bool) -> bool {
        let Some(reader) = &self.reader else { return true };
        reader.stewarded.contains(&self.world.series(series).community)
            || !self.world.is_small(series, period, ever, self.now.date_naive())
    }

    /// The current figures in sight, in the order of their periods.
    pub(super) fn observations(&self, series: SeriesId) -> Vec<&Observation> {
        let Series { community, indicator, .. } = self.world.series(series);
        let mut seen: Vec<_> = self
            .world
            .observations
            .iter()
            .filter(|found| found.series == series && found.superseded_at.is_none())
            .filter(|found| {
                self.figures(*community, *indicator) && self.figure((*community, *indicator), &found.figure)
            })
            .filter(|found| self.many(series, found.period, false))
            .collect();
        seen.sort_by_key(|found| found.period);
        seen
    }

    /// The revisions of a period: those that the reader could read while they were current, unless what took their place
    /// is withheld from them, or suppressed from all outside the community: nothing is read from its own history. Where
    /// anything was small at any time, there is no history.
    pub(super) fn revisions(&self, series: SeriesId, period: Period) -> Vec<&Observation> {
        let seen = self.observations(series);
        let Some(current) = seen.into_iter().find(|current| current.period == period) else { return Vec::new() };
        let Series { community, indicator, .. } = *self.world.series(series);
        let outside = self.reader.as_ref().is_some_and(|reader| !is_own(reader, community, indicator));
        let closed = outside && current.figure.status == ObservationStatus::Suppressed;
        let closed = closed || !self.many(series, period, true);
        let was_read = |found: &Observation| {
            let end = found.superseded_at.map_or(self.now, |end| self.now.min(end - TimeDelta::microseconds(1)));
            Eyes { world: self.world, now: end, reader: self.reader.clone() }
                .figure((community, indicator), &found.figure)
        };
        let mut seen: Vec<_> = self
            .world
            .observations
            .iter()
            .filter(|found| (found.series, found.period) == (series, period))
            .filter(|found| found.superseded_at.is_none() || (!closed && was_read(found)))
            .collect();
        seen.sort_by_key(|found| found.revision);
        seen
    }

    /// The newest figure in sight that has a value and is no forecast.
    pub(super) fn latest(&self, series: SeriesId) -> Option<&Observation> {
        let counts =
            |found: &&&Observation| found.figure.value.is_some() && found.figure.status != ObservationStatus::Forecast;
        self.observations(series).iter().rfind(counts).copied()
    }
}

/// For figures by the indicator the community is the reader's own.
fn is_own(reader: &Reader, community: CommunityId, indicator: IndicatorId) -> bool {
    let limited = &reader.limited;
    reader.own.contains(&community)
        || (limited.communities.contains(&community) && limited.indicators.contains(&indicator))
}

/// What everybody in a community reads of it. PRIVATE is for fewer, and AGGREGATE_ONLY for nobody alone.
pub(super) fn is_for_the_community(visibility: Visibility) -> bool {
    !matches!(visibility, Visibility::Private | Visibility::AggregateOnly)
}
