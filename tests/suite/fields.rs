//! What each field gives to whom: one table for every field of every type, checked against the schema, so that no field can be
//! added without saying here what governs it. Whoever reads a record reads its own fields; records that it leads to are there for
//! whoever reads those.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};
use serde_json::{Value, json};

use crate::{
    cast::{Cast, ROLES},
    matrix::READ,
};

/// A type; the fields that are its own, by which all its readers are answered alike; and those that lead to records, each of which
/// is there for whoever reads it at its own place. What depends on the reader otherwise is in [`NARROWER`].
type Row = (&'static str, &'static str, &'static str);

const RECORD: &str = "id version createdAt updatedAt archivedAt";

/// Every type but answers to changes, connections, and those in [`ELSEWHERE`].
const FIELDS: [Row; 49] = [
    ("Account", "email name locale", "grants"),
    ("ApiToken", "name hint actions addresses expiresAt lastUsedAt", "communities indicators replaces"),
    ("AuditChange", "field before after", ""),
    (
        "AuditEntry",
        "id place at actor actorKind action objectId changes requestId address detail",
        "community network object",
    ),
    ("AuthorityDecision", "act expiresOn note", "community indicator network"),
    ("Baseline", "period note", "series"),
    (
        "Community",
        "slug name kind country subdivision coordinates timezone languages codes aliases population populations indigenousDataAuthority",
        "memberships initiatives partners learnings series targets baselines latestValues",
    ),
    ("CommunityCode", "scheme code validFrom validUntil", ""),
    ("Consent", "purpose scope grantedBy expiresOn", ""),
    ("Coordinates", "latitude longitude", ""),
    ("Dimension", "name value", ""),
    ("ExternalId", "scheme code", ""),
    (
        "FigureContent",
        "value numerator denominator lower upper status confidentiality embargoUntil note externalId",
        "",
    ),
    ("Grant", "givenBy role expiresAt", "account network community partner"),
    ("ImportCounts", "read created updated unchanged received rejected", ""),
    ("ImportFailure", "code line column message", ""),
    (
        "ImportJob",
        "id name state dryRun bytes readBytes counts rowsPerSecond rejects notes failure createdAt startedAt finishedAt",
        "",
    ),
    ("ImportNote", "kind message count line", ""),
    ("ImportReject", "line column code message row", ""),
    ("Indicator", "code kind issue name description", "currentVersion versions series targets learnings"),
    (
        "IndicatorVersion",
        "number measure unit currency decimals minimum maximum polarity numerator denominator multiplier frequency additivity \
         effectiveFrom countsPersons",
        "indicator",
    ),
    (
        "Initiative",
        "slug issue title summary startedOn expectedEndOn status currentPhase phases",
        "community otherCommunities participations learnings",
    ),
    ("LatestValue", "disaggregation value period recordedAt", "indicator indicatorVersion source series observation"),
    (
        "Learning",
        "slug author kind issue title context whatWeDid whatHappened whyWeThinkSo evidenceStage visibility status sharedAt languages",
        "community initiative namedCommunities indicators",
    ),
    ("LocalizedText", "text language sourceLanguage translations", ""),
    ("Mapping", "key number content versions", "source"),
    ("MappingVersion", "number since", ""),
    ("Membership", "joinedOn leftOn consent", "network community"),
    ("Network", "slug name purpose startsOn endsOn suppression", "communities memberships indicators targets"),
    (
        "Observation",
        "id period periodKind startsOn endsOn value numerator denominator lower upper status confidentiality embargoUntil note externalId \
         revision recordedAt supersededAt retraction restatement",
        "series revisions",
    ),
    ("ObservationRestatement", "reason note", ""),
    ("ObservationRetraction", "reason note", ""),
    (
        "Participation",
        "role ring expertise collaborationCurrent collaborationDesired joinedOn leftOn",
        "initiative partner",
    ),
    ("Partner", "slug name sector url identifiers", "participations"),
    (
        "PendingObservation",
        "id disaggregation period figure inheritsConfidentiality restatement findings state receivedAt receivedBy decidedAt decidedBy reason",
        "community indicator indicatorVersion source",
    ),
    ("PeriodLock", "until reason lifted", "community network indicator"),
    ("PhaseInterval", "phase startedOn endedOn", ""),
    ("Population", "asOf persons source", ""),
    ("QualityFinding", "rule effect message", ""),
    ("QualityRule", "rule effect minimum maximum deviations percent multiplier note", "network community indicator"),
    ("Series", "disaggregation", "community indicator indicatorVersion source latest observations baseline"),
    ("SeriesBreak", "startsOn reason note bridge", "community indicator source"),
    ("SeriesBridge", "factor offset evidence", ""),
    ("SharingRule", "visibility note", "community indicator namedCommunities"),
    ("Source", "key name url method disclosureControlled", ""),
    ("SuppressionPolicy", "suppressBelow flagBelow minimumCommunities maximumShare", ""),
    ("Target", "value dueOn note", "indicator indicatorVersion network community replaces"),
    ("Translation", "language text", ""),
    ("UserError", "path message code", ""),
];

/// Own fields that readers of one record need not be answered alike: what they are told apart is held by tests of its own.
const NARROWER: [(&str, &str, &str); 3] = [
    ("ImportJob", "rejects", "imports::files_are_for_those_who_record_figures_and_rows_for_those_who_answer_for_them"),
    ("Membership", "consent", "visibility"),
    ("PendingObservation", "findings", "quality::findings_that_tell_of_other_figures_are_for_those_who_read_them"),
];

/// Values that are there for whoever reads one of the records that they lead to.
const GOVERNED: [(&str, &str); 1] = [("LatestValue", "observation")];

/// Types without a record of their own, and where it is held who reads what of them.
const ELSEWHERE: [(&str, &str); 22] = [
    ("Aggregate", "small_cells"),
    ("ChangePage", "change_feed"),
    ("CohortChange", "small_cells"),
    ("Comparison", "visibility"),
    ("ComparisonEntry", "visibility"),
    ("ComparisonTarget", "visibility"),
    ("Coverage", "visibility"),
    ("Distribution", "visibility"),
    ("FigureChange", "change_feed"),
    ("Invitation", "links"),
    ("Mutation", "matrix"),
    ("ObservationsDecisionPayload", "matrix"),
    ("OfferedGrant", "links"),
    ("PageInfo", "paging"),
    ("Query", "matrix"),
    ("Rank", "visibility"),
    ("RefusedObservation", "approval"),
    ("RejectedRow", "push"),
    ("RowDifference", "approval"),
    ("RowFinding", "quality"),
    ("Viewer", "viewer_can"),
    ("ViewerGrant", "viewer_can"),
];

/// The object types of the schema: their fields, each with the type that it is of in the end.
struct Types(BTreeMap<String, BTreeMap<String, String>>);

impl Types {
    fn of_the_schema() -> Self {
        let document = async_graphql::parser::parse_schema(api::graphql::schema::sdl()).unwrap();
        let mut types = BTreeMap::new();
        for definition in document.definitions {
            if let TypeSystemDefinition::Type(definition) = definition
                && let TypeKind::Object(object) = definition.node.kind
            {
                let field = |name: &str, ty: &Type| (name.to_owned(), innermost(ty).to_owned());
                let fields = object.fields.iter().map(|of| field(&of.node.name.node, &of.node.ty.node)).collect();
                types.insert(definition.node.name.node.to_string(), fields);
            }
        }
        Self(types)
    }

    /// What is asked of a field: all that is its own, and of the records that it leads to their ids.
    fn selection(&self, ty: &str, field: &str) -> String {
        let of = &self.0[ty][field];
        if of.ends_with("Connection") {
            return format!("{field}(first: 100) {{ totalCount nodes {{ id }} }}");
        }
        if has_id(of) {
            return format!("{field} {{ id }}");
        }
        if let Some((_, by)) = GOVERNED.iter().find(|row| row.0 == of) {
            return format!("{field} {{ {by} {{ id }} }}");
        }
        let Some(fields) = self.0.get(of) else { return field.to_owned() };
        let inner: Vec<_> = fields.keys().map(|inner| self.selection(of, inner)).collect();
        format!("{field} {{ {} }}", inner.join(" "))
    }
}

fn innermost(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => innermost(inner),
    }
}

fn has_id(ty: &str) -> bool {
    ty == "Node" || READ.iter().any(|row| row.0 == ty)
}

fn names(list: &str) -> BTreeSet<String> {
    list.split_whitespace().map(str::to_owned).collect()
}

fn row(ty: &str) -> Row {
    *FIELDS.iter().find(|row| row.0 == ty).unwrap()
}

#[test]
fn every_field_says_what_governs_it() {
    let types = Types::of_the_schema();
    let answers = |ty: &str| ["Payload", "Connection", "Edge"].iter().any(|end| ty.ends_with(end));
    let elsewhere = |ty: &str| ELSEWHERE.iter().any(|row| row.0 == ty);
    let expected: BTreeSet<&str> = types.0.keys().map(|ty| &**ty).filter(|ty| !answers(ty) && !elsewhere(ty)).collect();
    assert_eq!(
        FIELDS.iter().map(|row| row.0).collect::<BTreeSet<_>>(),
        expected,
        "types that this table does not know"
    );
    for (ty, own, records) in FIELDS {
        let (mut own, records) = (names(own), names(records));
        let fields = &types.0[ty];
        // What every record has, and what tells each reader what they may do: that is held against what they can.
        own.extend(names(RECORD).into_iter().filter(|name| has_id(ty) && fields.contains_key(name)));
        own.extend(fields.keys().filter(|name| name.starts_with("viewerCan")).cloned());
        let known: BTreeSet<_> = own.union(&records).cloned().collect();
        assert_eq!(known, fields.keys().cloned().collect(), "{ty}: fields that this table does not know");
        for name in &records {
            let of = &fields[name];
            let leads = of.ends_with("Connection") || has_id(of) || GOVERNED.iter().any(|row| row.0 == of);
            assert!(leads, "{ty}.{name} leads to no record");
        }
        for name in &own {
            let of = &fields[name];
            let leads =
                of.ends_with("Connection") || has_id(of) || FIELDS.iter().any(|row| row.0 == of && !row.2.is_empty());
            assert!(!leads, "{ty}.{name} leads to records");
        }
    }
}

/// Every id in an answer, however deep.
fn ids(answer: &Value, found: &mut BTreeSet<String>) {
    match answer {
        Value::Object(fields) => {
            found.extend(fields.get("id").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| ids(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
        _ => {}
    }
}

/// The ids to which each field of a record leads each of its readers.
type Led = BTreeMap<String, BTreeMap<&'static str, BTreeSet<String>>>;

async fn readers_of(cast: &Cast, types: &Types, ty: &str, name: &str) -> (Led, BTreeMap<&'static str, Value>) {
    let (_, own, records) = row(ty);
    let fields = &types.0[ty];
    let narrower = |field: &str| NARROWER.iter().any(|row| (row.0, row.1) == (ty, field));
    let own =
        names(own).into_iter().chain(names(RECORD)).filter(|field| fields.contains_key(field) && !narrower(field));
    let own: Vec<_> = own.map(|field| types.selection(ty, &field)).collect();
    let records = names(records);
    let leading: Vec<_> = records.iter().map(|field| types.selection(ty, field)).chain(["id".to_owned()]).collect();
    let query = format!(
        "query($id: ID!) {{ own: node(id: $id) {{ id ... on {ty} {{ {} }} }}
        records: node(id: $id) {{ id ... on {ty} {{ {} }} }} }}",
        own.join(" "),
        leading.join(" ")
    );
    let (mut led, mut told) = (Led::new(), BTreeMap::new());
    for role in ROLES {
        let data = cast.people[role].data(&query, json!({ "id": cast.id(name) })).await;
        if data["own"].is_null() {
            assert!(data["records"].is_null());
            continue;
        }
        for field in &records {
            let answer = &data["records"][field];
            let mut found = BTreeSet::new();
            ids(answer, &mut found);
            if let Some(total) = answer["totalCount"].as_u64() {
                assert_eq!(
                    total,
                    found.len() as u64,
                    "{ty}.{field} of {name}: what {role} is told to be there and what is"
                );
            }
            led.entry(field.clone()).or_default().insert(role, found);
        }
        told.insert(role, data["own"].clone());
    }
    (led, told)
}

/// Which of these ids somebody opens where nothing led to them.
async fn opened(cast: &Cast, role: &str, ids: &BTreeSet<String>) -> BTreeSet<String> {
    let mut open = BTreeSet::new();
    let all: Vec<_> = ids.iter().collect();
    for some in all.chunks(100) {
        let nodes =
            cast.people[role].data("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": some })).await;
        open.extend(nodes["nodes"].as_array().unwrap().iter().filter_map(|node| Some(node["id"].as_str()?.to_owned())));
    }
    open
}

#[tokio::test]
async fn every_field_gives_its_readers_what_they_may_read() {
    let (cast, types) = (Cast::assemble().await, Types::of_the_schema());
    let (mut wrong, mut met) = (Vec::new(), BTreeSet::new());
    for (ty, name, ..) in READ {
        let (led, told) = readers_of(&cast, &types, ty, name).await;
        let first = told.values().next().unwrap_or_else(|| panic!("{ty} {name}: nobody reads it"));
        wrong.extend(
            told.iter().filter(|(_, own)| *own != first).map(|(role, own)| format!("{ty} {name} to {role}: {own}")),
        );
        let all: BTreeSet<String> = led.values().flat_map(BTreeMap::values).flatten().cloned().collect();
        for role in told.keys() {
            let open = opened(&cast, role, &all).await;
            for (field, of) in &led {
                let anybody: BTreeSet<String> = of.values().flatten().cloned().collect();
                let expected: BTreeSet<_> = anybody.intersection(&open).cloned().collect();
                if of[role] != expected {
                    wrong.push(format!("{ty}.{field} of {name} to {role}: {:?} in place of {expected:?}", of[role]));
                }
            }
        }
        met.extend(
            led.iter()
                .filter(|(_, of)| of.values().any(|ids| !ids.is_empty()))
                .map(|(field, _)| format!("{ty}.{field}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // A field that leads nowhere would prove nothing.
    let leading = FIELDS
        .iter()
        .filter(|row| has_id(row.0))
        .flat_map(|row| names(row.2).into_iter().map(|field| format!("{}.{field}", row.0)));
    let unmet: BTreeSet<_> = leading.filter(|field| !met.contains(field)).collect();
    assert_eq!(unmet, names(UNMET), "fields that lead nowhere in this world");
}

/// Fields whose records this world has none of: they lead to what everybody reads, or to an earlier record of their own type.
const UNMET: &str = "ApiToken.indicators ApiToken.replaces AuditEntry.network AuthorityDecision.indicator AuthorityDecision.network \
    Grant.community Grant.partner Initiative.otherCommunities Learning.namedCommunities PeriodLock.indicator SeriesBreak.source \
    SharingRule.indicator SharingRule.namedCommunities Target.replaces";
