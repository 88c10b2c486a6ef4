//! Putting the demo into the database.

use chrono::{NaiveDate, NaiveTime};
use domain::{
    access::Actor,
    baseline, community,
    error::{Error, Result},
    id::{CommunityId, IndicatorId, IndicatorVersionId, NetworkId},
    indicator, initiative,
    key::Slug,
    learning, membership, network,
    page::{ListQuery, MAX_PAGE, PageArgs},
    participation, partner,
    series::{Disaggregation, SeriesFilter},
    service::{Services, Session},
    small_cells::SuppressionPolicy,
    source, target,
};

use super::{
    Demo,
    data::{self, Data, figures_of, optional},
    known::{Known, all, find},
};
use crate::exchange::{Format, Options, import_reader};

/// Loads the demo, unless its last record is there already.
pub(super) async fn load(services: &Services) -> Result<Demo> {
    let data = Data::read()?;
    let actor = Actor::operator("demo");
    let last = data.learnings.last().map(|learning| learning.slug.clone());
    let loaded = services.by_keys::<learning::Learning>(&actor, last.as_slice()).await?;
    if loaded.is_empty() {
        // Whoever was stopped while loading has all the records or none; figures and what stands on them follow.
        let known = match Known::of(services, &actor, &data).await? {
            Some(known) => known,
            None => records(services, &actor, &data).await?,
        };
        figures(services, &actor, &data).await?;
        let session = services.session(&actor, "load the demo").await?;
        judgements(&session, &data, &known).await?;
        session.commit().await?;
    }
    let network = data.networks.first().ok_or_else(|| Error::internal("the demo has no network"))?;
    let indicator = network.indicators.first().ok_or_else(|| Error::internal("the demo has no indicator"))?;
    let codes: Vec<&str> = data.communities.iter().flat_map(|c| c.codes.iter().map(|id| id.code.as_str())).collect();
    Ok(Demo {
        network: network.slug.to_string(),
        indicator: indicator.to_string(),
        communities: data.communities.len(),
        figures: figures_of(&codes).lines().count().saturating_sub(1) as u64,
    })
}

/// Another database, or another version's demo: the person who started it must decide.
fn told(error: Error) -> Error {
    match error {
        Error::Conflict(problem) => Error::internal(format!(
            "this database already holds something that the demo brings ({problem}): name another with --database-url, or remove concert-demo.db"
        )),
        other => other,
    }
}

/// Everything that stands before there are figures, in one transaction.
async fn records(services: &Services, actor: &Actor, data: &Data) -> Result<Known> {
    let session = services.session(actor, "load the demo").await?;
    let mut known = Known::default();
    sources(&session, data).await?;
    for given in &data.indicators {
        let ids = add_indicator(&session, given).await?;
        known.indicators.insert(given.code.clone(), ids);
    }
    for given in &data.communities {
        let record = session.create(community_of(given)?).await?;
        known.communities.insert(given.slug.clone(), record.id);
    }
    for given in &data.networks {
        add_network(&session, given, &mut known).await?;
    }
    for given in &data.partners {
        let partner = partner::Partner {
            slug: given.slug.clone(),
            name: given.name.get()?,
            sector: given.sector,
            url: given.url.clone(),
            identifiers: given.identifiers.clone().unwrap_or_default(),
        };
        known.partners.insert(given.slug.clone(), session.create(partner).await?.id);
    }
    for given in &data.initiatives {
        add_initiative(&session, given, &mut known).await?;
    }
    session.commit().await.map_err(told)?;
    Ok(known)
}

async fn sources(session: &Session, data: &Data) -> Result<()> {
    for given in &data.sources {
        let name = given.name.get()?;
        let method = optional(given.method.as_ref())?;
        session
            .create(source::Source {
                key: given.key.clone(),
                name,
                url: given.url.clone(),
                method,
                disclosure_controlled: given.disclosure_controlled,
            })
            .await
            .map_err(told)?;
    }
    Ok(())
}

async fn add_indicator(session: &Session, given: &data::Indicator) -> Result<(IndicatorId, IndicatorVersionId)> {
    let indicator = session
        .create(indicator::Indicator {
            code: given.code.clone(),
            kind: given.kind,
            issue: given.issue,
            name: given.name.get()?,
            description: optional(given.description.as_ref())?,
        })
        .await?;
    let version = &given.version;
    let version = session
        .create(indicator::IndicatorVersion {
            indicator: indicator.id,
            number: 1,
            measure: version.measure,
            unit: version.unit.get()?,
            currency: None,
            decimals: version.decimals,
            minimum: version.minimum,
            maximum: version.maximum,
            polarity: version.polarity,
            numerator: optional(version.numerator.as_ref())?,
            denominator: optional(version.denominator.as_ref())?,
            multiplier: version.multiplier,
            frequency: version.frequency,
            additivity: version.additivity,
            effective_from: version.effective_from,
            counts_persons: true,
        })
        .await?;
    Ok((indicator.id, version.id))
}

fn community_of(given: &data::Community) -> Result<community::Community> {
    let population = |population: &data::Population| community::Population {
        as_of: population.as_of,
        persons: population.persons,
        source: population.source.clone(),
    };
    Ok(community::Community {
        slug: given.slug.clone(),
        name: given.name.get()?,
        kind: given.kind,
        country: given.country.clone(),
        subdivision: given.subdivision.clone(),
        coordinates: Some(community::Coordinates { latitude: given.latitude, longitude: given.longitude }),
        timezone: given.timezone.clone(),
        languages: given.languages.clone(),
        codes: given.codes.iter().cloned().map(Into::into).collect(),
        aliases: given.aliases.clone(),
        populations: given.populations.iter().map(population).collect(),
        indigenous_data_authority: None,
    })
}

async fn add_network(session: &Session, given: &data::Network, known: &mut Known) -> Result<()> {
    let indicators = all(&known.indicators, &given.indicators)?.into_iter().map(|(indicator, _)| indicator).collect();
    let network = session
        .create(network::Network {
            slug: given.slug.clone(),
            name: given.name.get()?,
            purpose: optional(given.purpose.as_ref())?,
            starts_on: given.starts_on,
            ends_on: given.ends_on,
            indicators,
            suppression: SuppressionPolicy::default(),
        })
        .await?;
    known.networks.insert(given.slug.clone(), network.id);
    for member in &given.members {
        let consent = match &member.consent {
            Some(consent) => Some(membership::Consent {
                purpose: consent.purpose.get()?,
                scope: consent.scope.get()?,
                granted_by: consent.granted_by.clone(),
                expires_on: consent.expires_on,
            }),
            None => None,
        };
        let membership = membership::Membership {
            network: network.id,
            community: find(&known.communities, &member.community)?,
            joined_on: member.joined_on,
            left_on: member.left_on,
            consent,
        };
        session.create(membership).await?;
    }
    Ok(())
}

async fn add_initiative(session: &Session, given: &data::Initiative, known: &mut Known) -> Result<()> {
    let interval = |phase: &data::PhaseInterval| initiative::PhaseInterval {
        phase: phase.phase,
        started_on: phase.started_on,
        ended_on: phase.ended_on,
    };
    let record = session
        .create(initiative::Initiative {
            slug: given.slug.clone(),
            community: find(&known.communities, &given.community)?,
            other_communities: all(&known.communities, given.communities.as_deref().unwrap_or_default())?,
            issue: given.issue,
            title: given.title.get()?,
            summary: optional(given.summary.as_ref())?,
            started_on: given.started_on,
            expected_end_on: given.expected_end_on,
            status: given.status,
            phases: given.phases.iter().map(interval).collect(),
        })
        .await?;
    known.initiatives.insert(given.slug.clone(), record.id);
    for place in &given.participations {
        let participation = participation::Participation {
            initiative: record.id,
            partner: find(&known.partners, &place.partner)?,
            role: place.role.get()?,
            ring: place.ring,
            expertise: place.expertise,
            collaboration_current: place.collaboration_current,
            collaboration_desired: place.collaboration_desired,
            joined_on: place.joined_on,
            left_on: place.left_on,
        };
        session.create(participation).await?;
    }
    Ok(())
}

/// The figures, through the same import as everybody's; each community's through the first network that it is in.
async fn figures(services: &Services, actor: &Actor, data: &Data) -> Result<()> {
    let mut done: Vec<&Slug> = Vec::new();
    for network in &data.networks {
        let new: Vec<&Slug> =
            network.members.iter().map(|member| &member.community).filter(|slug| !done.contains(slug)).collect();
        let codes = data.communities.iter().filter(|community| new.contains(&&community.slug));
        let codes: Vec<_> = codes.flat_map(|community| &community.codes).collect();
        done.extend(new);
        let Some(first) = codes.first() else { continue };
        let mut options = Options::new(Format::Tidy, network.slug.clone(), "en".parse().map_err(Error::internal)?);
        options.code_scheme = Some(first.scheme.clone());
        let own: Vec<&str> = codes.iter().map(|id| id.code.as_str()).collect();
        let text = figures_of(&own).into_bytes();
        let report = import_reader(services, actor, &options, "observations.csv", std::io::Cursor::new(text)).await?;
        if !report.is_clean() {
            return Err(Error::internal(format!("the figures of the demo are not all good: {}", report.counts)));
        }
    }
    Ok(())
}

/// What stands on figures: baselines and targets; and the learnings, of which the last tells that all is loaded.
async fn judgements(session: &Session, data: &Data, known: &Known) -> Result<()> {
    for given in &data.baselines {
        let indicator = find(&known.indicators, &given.indicator)?;
        let community = find(&known.communities, &given.community)?;
        let baseline = baseline::Baseline {
            series: total_series(session, community, indicator.0).await?,
            period: given.period,
            note: optional(given.note.as_ref())?,
        };
        session.create(baseline).await?;
    }
    for network in &data.networks {
        for given in &network.targets {
            let id = find(&known.networks, &network.slug)?;
            let indicator = find(&known.indicators, &given.indicator)?;
            set_target(session, indicator, (Some(id), None), given.value, given.due_on, given.note.as_ref()).await?;
        }
    }
    for given in &data.targets {
        let id = find(&known.communities, &given.community)?;
        let indicator = find(&known.indicators, &given.indicator)?;
        set_target(session, indicator, (None, Some(id)), given.value, given.due_on, given.note.as_ref()).await?;
    }
    for given in &data.learnings {
        add_learning(session, given, known).await?;
    }
    Ok(())
}

async fn total_series(
    session: &Session,
    community: CommunityId,
    indicator: IndicatorId,
) -> Result<domain::id::SeriesId> {
    let query = ListQuery {
        filter: SeriesFilter {
            community: Some(community),
            indicators: Some(vec![indicator]),
            source: None,
            disaggregation: Some(Disaggregation::total()),
        },
        page: PageArgs::first(MAX_PAGE),
        ..ListQuery::default()
    };
    let page = session.repositories().series().list(&domain::access::Scope::Everything, &query).await?;
    let first = page.items.into_iter().next();
    first.map(|(_, series)| series.id).ok_or_else(|| Error::internal("a baseline of the demo has no figures"))
}

async fn set_target(
    session: &Session,
    (indicator, indicator_version): (IndicatorId, IndicatorVersionId),
    (network, community): (Option<NetworkId>, Option<CommunityId>),
    value: f64,
    due_on: NaiveDate,
    note: Option<&data::Text>,
) -> Result<()> {
    let note = optional(note)?;
    let target =
        target::Target { indicator, indicator_version, network, community, value, due_on, note, replaces: None };
    session.create(target).await.map(drop)
}

async fn add_learning(session: &Session, given: &data::Learning, known: &Known) -> Result<()> {
    let learning = learning::Learning {
        slug: given.slug.clone(),
        community: find(&known.communities, &given.community)?,
        initiative: given.initiative.as_ref().map(|slug| find(&known.initiatives, slug)).transpose()?,
        author: given.author.clone(),
        kind: given.kind,
        issue: given.issue,
        title: given.title.get()?,
        context: optional(given.context.as_ref())?,
        what_we_did: given.what_we_did.get()?,
        what_happened: given.what_happened.get()?,
        why_we_think_so: optional(given.why_we_think_so.as_ref())?,
        evidence_stage: given.evidence_stage,
        visibility: given.visibility,
        named: Vec::new(),
        status: learning::LearningStatus::Shared,
        shared_at: Some(given.shared_on.and_time(NaiveTime::MIN).and_utc()),
        indicators: all(&known.indicators, &given.indicators)?.into_iter().map(|(indicator, _)| indicator).collect(),
    };
    session.create(learning).await.map(drop)
}
