//! What a reader may see, as conditions on rows. The rules are those of [`domain::access::Scope`]; every way of reading a
//! figure takes them from here.

use chrono::{DateTime, Utc};
use domain::{
    access::{Limited, Reader, Scope},
    id::SeriesId,
    small_cells::SuppressionPolicy,
};

use crate::sql::{Sql, current_membership, is_last};

/// What follows a visibility that everybody in the community itself reads: PRIVATE is for fewer of them, and
/// AGGREGATE_ONLY for nobody alone.
pub(crate) const FOR_THE_COMMUNITY: &str = "NOT IN ('PRIVATE', 'AGGREGATE_ONLY')";

/// Conditions on rows. Every text begins with `AND` or is empty.
pub(crate) struct Sight(Option<Eyes>);

/// The parameters of a reader who does not see everything.
struct Eyes {
    now: String,
    today: String,
    reader: Option<Lists>,
}

/// The tables of a known reader's communities and networks, as conditions `IN (…)`.
struct Lists {
    own: String,
    stewarded: String,
    networks: String,
    limited: Option<LimitedLists>,
}

/// The same of what they read of figures by some indicators alone.
struct LimitedLists {
    own: String,
    networks: String,
    indicators: String,
}

impl Lists {
    fn new(sql: &mut Sql, reader: &Reader) -> Self {
        let own = sql.id_list(reader.own.iter().copied());
        let stewarded = sql.id_list(reader.stewarded.iter().copied());
        let networks = sql.id_list(reader.networks.iter().copied());
        let limited = (!reader.limited.is_empty()).then(|| LimitedLists::new(sql, &reader.limited));
        let within = |list: &str, name: &str| format!("IN (SELECT {name}.id FROM {})", sql.table_of(list, name));
        Self {
            own: within(&own, "own_ids"),
            stewarded: within(&stewarded, "steward_ids"),
            networks: within(&networks, "network_ids"),
            limited,
        }
    }

    /// For figures by `indicator` the community `community` is the reader's own.
    fn own(&self, community: &str, indicator: &str) -> String {
        let more = self.limited.as_ref().map(|limited| (&limited.own, &limited.indicators));
        either(community, &self.own, indicator, more)
    }

    /// For figures by `indicator` the reader sees what is shared in the network `network`.
    fn network(&self, network: &str, indicator: &str) -> String {
        let more = self.limited.as_ref().map(|limited| (&limited.networks, &limited.indicators));
        either(network, &self.networks, indicator, more)
    }
}

/// The place is among these, or among those for figures by some indicators.
fn either(place: &str, these: &str, indicator: &str, more: Option<(&String, &String)>) -> String {
    let Some((limited, to)) = more else { return format!("{place} {these}") };
    format!("({place} {these} OR ({place} {limited} AND {indicator} {to}))")
}

impl LimitedLists {
    fn new(sql: &mut Sql, limited: &Limited) -> Self {
        let own = sql.id_list(limited.communities.iter().copied());
        let networks = sql.id_list(limited.networks.iter().copied());
        let indicators = sql.id_list(limited.indicators.iter().copied());
        let within = |list: &str, name: &str| format!("IN (SELECT {name}.id FROM {})", sql.table_of(list, name));
        Self {
            own: within(&own, "limited_own_ids"),
            networks: within(&networks, "limited_network_ids"),
            indicators: within(&indicators, "limited_indicator_ids"),
        }
    }
}

impl Sight {
    pub(crate) fn new(sql: &mut Sql, scope: &Scope, now: DateTime<Utc>) -> Self {
        let reader = match scope {
            Scope::Everything => return Self(None),
            Scope::Public => None,
            Scope::Of(reader) => Some(reader),
        };
        let (moment, today) = (sql.bind(now), sql.bind(now.date_naive()));
        let reader = reader.map(|reader| Lists::new(sql, reader));
        Self(Some(Eyes { now: moment, today, reader }))
    }

    pub(crate) const fn is_everything(&self) -> bool {
        self.0.is_none()
    }

    fn and(&self, condition: impl FnOnce(&Eyes) -> String) -> String {
        self.0.as_ref().map_or_else(String::new, |eyes| format!(" AND {}", condition(eyes)))
    }

    /// The current figure in table `alias`, an `observation`, is in sight, if its series is.
    pub(crate) fn figure(&self, alias: &str) -> String {
        self.and(|eyes| eyes.figure(alias, Breakdown::OfItsSeries))
    }

    /// The current figure in table `alias`, an `observation`, is out of sight.
    pub(crate) fn hidden_figure(&self, alias: &str) -> String {
        self.hidden(alias, Breakdown::OfItsSeries)
    }

    /// The same as [`Sight::figure`] of a row of the rollup.
    pub(crate) fn rollup(&self, alias: &str) -> String {
        self.and(|eyes| eyes.figure(alias, Breakdown::InTheRow))
    }

    /// The same as [`Sight::hidden_figure`] of a row of the rollup.
    pub(crate) fn hidden_rollup(&self, alias: &str) -> String {
        self.hidden(alias, Breakdown::InTheRow)
    }

    fn hidden(&self, alias: &str, breakdown: Breakdown) -> String {
        let eyes = self.0.as_ref();
        eyes.map_or_else(|| " AND FALSE".to_owned(), |eyes| format!(" AND NOT {}", eyes.figure(alias, breakdown)))
    }

    /// The revision in table `alias` is in sight: it was before another took its place, and what took its place (a figure or the
    /// retraction of one) is not withheld or suppressed, since a figure withdrawn from a reader must not be read from its own
    /// history. Where any revision of any part of the breakdown was small, none of those before the present one is. Who never saw
    /// a figure does not see that it was withdrawn.
    pub(crate) fn revision(&self, alias: &str) -> String {
        self.and(|eyes| {
            format!(
                "({revision} AND ({alias}.superseded_at IS NULL OR {many}) AND ({own} OR {alias}.superseded_at IS NULL OR {alias}.confidentiality = 'F' \
                 OR {alias}.embargo_until < CASE WHEN {alias}.retraction IS NULL THEN {alias}.superseded_at ELSE {alias}.recorded_at END) \
                 AND EXISTS (SELECT 1 FROM observation present WHERE present.series_id = {alias}.series_id \
                 AND present.period_end = {alias}.period_end AND present.period_start = {alias}.period_start \
                 AND present.period_kind = {alias}.period_kind AND {last} AND {current} \
                 AND ({own} OR present.status <> 'Q' OR {is_present})))",
                revision = eyes.disclosed(alias),
                many = eyes.many(alias, Breakdown::OfItsSeries, "least"),
                own = eyes.own(alias),
                last = is_last("present"),
                is_present = is_last(alias),
                current = eyes.figure("present", Breakdown::OfItsSeries),
            )
        })
    }

    /// The figures of the community `community` by the indicator `indicator` are in sight, both columns or expressions.
    pub(crate) fn shared(&self, community: &str, indicator: &str) -> String {
        self.and(|eyes| eyes.shared(community, indicator))
    }

    /// The figures of the series `expression` are in sight.
    pub(crate) fn series(&self, expression: &str) -> String {
        self.and(|eyes| {
            format!(
                "EXISTS (SELECT 1 FROM series shown WHERE shown.id = {expression} AND {})",
                eyes.shared("shown.community_id", "shown.indicator_id")
            )
        })
    }

    /// `expression` is one of these series, and in sight.
    pub(crate) fn one_of(&self, sql: &mut Sql, expression: &str, series: &[SeriesId]) -> String {
        let ids = sql.ids(series.iter().copied(), "ids");
        format!("{expression} IN (SELECT ids.id FROM {ids} WHERE TRUE{})", self.series("ids.id"))
    }
}

/// The figure in table `alias` is for everybody at the moment `now`.
fn public(alias: &str, now: &str) -> String {
    format!(
        "({alias}.confidentiality = 'F' OR ({alias}.confidentiality = 'E' AND {alias}.embargo_until IS NOT NULL \
         AND {alias}.embargo_until <= {now}))"
    )
}

/// Where the breakdown of a figure stands.
#[derive(Clone, Copy)]
enum Breakdown {
    /// In its own row, as in the rollup.
    InTheRow,
    /// In the row of its series.
    OfItsSeries,
}

impl Eyes {
    /// The current figure is disclosed to the reader, and not withheld because few stand behind it.
    fn figure(&self, alias: &str, breakdown: Breakdown) -> String {
        format!("({} AND {})", self.disclosed(alias), self.many(alias, breakdown, "smallest"))
    }

    /// The figure is for everybody, or for people of its community.
    fn disclosed(&self, alias: &str) -> String {
        match self.reader {
            None => public(alias, &self.now),
            Some(_) => format!("({} OR {})", public(alias, &self.now), self.own(alias)),
        }
    }

    /// Not few stand behind the figure in table `alias` and the other parts of its breakdown, by the counts in `column`; or
    /// the reader answers for it. The threshold is that of the strictest network of the community.
    ///
    /// Most installations have few small cells: that there is none at all is asked once, and otherwise one place is looked
    /// up for each figure.
    fn many(&self, alias: &str, breakdown: Breakdown, column: &str) -> String {
        let (from, of) = match breakdown {
            Breakdown::InTheRow => ("small_cell few", format!("few.breakdown_id = {alias}.breakdown_id")),
            Breakdown::OfItsSeries => (
                "series part JOIN small_cell few ON few.breakdown_id = part.breakdown_id",
                format!("part.id = {alias}.series_id"),
            ),
        };
        let answers = self.reader.as_ref().map_or_else(String::new, |Lists { stewarded, .. }| {
            format!(
                " OR EXISTS (SELECT 1 FROM series mine WHERE mine.id = {alias}.series_id \
                 AND mine.community_id {stewarded})"
            )
        });
        format!(
            "(NOT EXISTS (SELECT 1 FROM small_cell) OR NOT EXISTS (SELECT 1 FROM {from} WHERE {of} \
             AND few.period_end = {alias}.period_end AND few.period_start = {alias}.period_start \
             AND few.period_kind = {alias}.period_kind AND (few.{column} < {default} OR few.{column} < \
             (SELECT max(strict.suppress_below) FROM membership place JOIN network strict ON strict.id = place.network_id \
             WHERE place.community_id = few.community_id AND strict.archived_at IS NULL AND {current})) \
             AND NOT EXISTS (SELECT 1 FROM source safe WHERE safe.id = few.source_id AND safe.disclosure_controlled))\
             {answers})",
            default = SuppressionPolicy::default().suppress_below,
            current = current_membership("place", &self.today),
        )
    }

    /// The figure in table `alias` is of a community of the reader's own: people there read what is free, internal or under
    /// embargo, and who answers for its data everything.
    fn own(&self, alias: &str) -> String {
        let Some(lists) = &self.reader else { return "FALSE".to_owned() };
        format!(
            "EXISTS (SELECT 1 FROM series mine WHERE mine.id = {alias}.series_id AND {own} \
             AND ({alias}.confidentiality IN ('F', 'N', 'E') OR mine.community_id {stewarded}))",
            own = lists.own("mine.community_id", "mine.indicator_id"),
            stewarded = lists.stewarded,
        )
    }

    /// The figures of a community by an indicator are shared with the reader.
    ///
    /// Most communities share everything with everybody: whether one is among the few that do not is found in a small set,
    /// and only for those the rules are looked at.
    fn shared(&self, community: &str, indicator: &str) -> String {
        format!(
            "({community} NOT IN (SELECT few.community_id FROM sharing_rule few WHERE few.archived_at IS NULL \
             AND few.visibility <> 'PUBLIC' UNION ALL SELECT under.id FROM community under \
             WHERE under.indigenous_data_authority IS NOT NULL) OR {})",
            self.ruled(community, indicator)
        )
    }

    /// The same by the rules.
    fn ruled(&self, community: &str, indicator: &str) -> String {
        // The rule that applies: that on the indicator, or else the general one.
        let rule = |what: &str| {
            format!(
                "(SELECT rule.{what} FROM sharing_rule rule WHERE rule.community_id = {community} \
                 AND rule.archived_at IS NULL AND (rule.indicator_id = {indicator} OR rule.indicator_id IS NULL) \
                 ORDER BY CASE WHEN rule.indicator_id IS NULL THEN 1 ELSE 0 END LIMIT 1)"
            )
        };
        let visibility = rule("visibility");
        let under = format!(
            "EXISTS (SELECT 1 FROM community under WHERE under.id = {community} \
             AND under.indigenous_data_authority IS NOT NULL)"
        );
        // What lies under an authority leaves the community only as far as it has decided.
        let free = |network: Option<&str>| {
            format!("(NOT {under} OR {})", decided(&self.today, community, indicator, "PUBLISH", network))
        };
        let everybody = free(None);
        let default = format!("COALESCE({visibility}, CASE WHEN {under} THEN 'COMMUNITY' ELSE 'PUBLIC' END)");
        let Some(lists) = &self.reader else {
            return format!("({default} = 'PUBLIC' AND {everybody})");
        };
        let within_network = format!(
            "EXISTS (SELECT 1 FROM membership place WHERE place.community_id = {community} \
             AND {consented} AND {network} AND {})",
            free(Some("place.network_id")),
            consented = consented("place", &self.today),
            network = lists.network("place.network_id", indicator),
        );
        let named = format!(
            "EXISTS (SELECT 1 FROM sharing_rule_named named WHERE named.sharing_rule_id = {} \
             AND {own}) AND {everybody}",
            rule("id"),
            own = lists.own("named.community_id", indicator),
        );
        // Everybody is more than a network: what an authority lets be read in one network alone is read there.
        format!(
            "(({own} AND ({community} {stewarded} OR COALESCE({visibility}, 'PUBLIC') {FOR_THE_COMMUNITY})) \
             OR CASE {default} WHEN 'PUBLIC' THEN ({everybody} OR {within_network}) \
             WHEN 'NETWORK' THEN {within_network} WHEN 'NAMED_COMMUNITIES' THEN {named} ELSE FALSE END)",
            own = lists.own(community, indicator),
            stewarded = lists.stewarded,
        )
    }
}

/// The community of the membership in table `alias` shares with the network on the day `today`. When it has left, its history stays
/// under its consent.
pub(crate) fn consented(alias: &str, today: &str) -> String {
    format!(
        "{alias}.archived_at IS NULL AND {alias}.joined_on <= {today} AND {alias}.consented \
         AND ({alias}.consent_expires_on IS NULL OR {alias}.consent_expires_on >= {today})"
    )
}

/// The Indigenous data authority of `community` has decided to allow the act for figures by `indicator`, in `network` or, if
/// none is named, in general.
pub(crate) fn decided(today: &str, community: &str, indicator: &str, act: &str, network: Option<&str>) -> String {
    let network = network.map_or_else(
        || "decision.network_id IS NULL".to_owned(),
        |network| format!("(decision.network_id IS NULL OR decision.network_id = {network})"),
    );
    format!(
        "EXISTS (SELECT 1 FROM authority_decision decision WHERE decision.community_id = {community} \
         AND decision.archived_at IS NULL AND decision.act = '{act}' AND {network} \
         AND (decision.indicator_id IS NULL OR decision.indicator_id = {indicator}) \
         AND (decision.expires_on IS NULL OR decision.expires_on >= {today}))"
    )
}
