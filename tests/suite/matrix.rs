//! Who may change and read what: one table for every change and one for every type, checked against the schema, so that neither
//! can be added without saying here whom it is for.

use std::collections::{BTreeMap, BTreeSet};

use domain::{access::Role, api_token::TokenAction};
use serde_json::{Value, json};

use crate::{
    app::App,
    client::Client,
    fixture::{World, english, merge},
    mappings::content,
};

/// Everybody who is tried out.
pub const ROLES: [&str; 17] = [
    "anonymous",
    "nobody",
    "net-reader",
    "here-reader",
    "contributor",
    "steward",
    "other-steward",
    "representative",
    "coordinator",
    "other-coordinator",
    "authority",
    "funder",
    "reviewer",
    "administrator",
    "reading-token",
    "recording-token",
    "publishing-token",
];

/// The programs among them: what their tokens, which are for the community `here`, may be used for.
const TOKENS: [(&str, TokenAction); 3] = [
    ("reading-token", TokenAction::Read),
    ("recording-token", TokenAction::RecordFigures),
    ("publishing-token", TokenAction::PublishFigures),
];

/// A network with everything in it, and somebody in every role.
pub struct Cast {
    pub app: App,
    world: World,
    ids: BTreeMap<&'static str, String>,
    pub people: BTreeMap<&'static str, Client>,
}

impl Cast {
    pub async fn assemble() -> Self {
        let app = App::start().await;
        let world = app.world().await;
        let mut ids: BTreeMap<&'static str, String> = BTreeMap::new();
        ids.insert("other", app.network("other").await);
        ids.insert("here", app.member(&world.network, "here").await);
        ids.insert("there", app.member(&world.network, "there").await);
        let nation = json!({ "slug": "nation", "name": english("Nation"), "kind": "FIRST_NATION", "country": "CA",
            "indigenousDataAuthority": "The council" });
        ids.insert("nation", app.create("community", nation).await);
        ids.insert(
            "partner",
            app.create("partner", json!({ "slug": "p", "name": english("P"), "sector": "NONPROFIT" })).await,
        );
        let mut cast = Self { app, world, ids, people: BTreeMap::new() };
        cast.records().await;
        cast.people().await;
        cast
    }

    pub fn id(&self, name: &str) -> &str {
        match name {
            "net" => &self.world.network,
            "indicator" => &self.world.indicator,
            "version" => &self.world.version,
            "source" => &self.world.source,
            _ => &self.ids[name],
        }
    }

    async fn keep(&mut self, name: &'static str, noun: &str, input: Value) {
        let id = self.app.create(noun, input).await;
        self.ids.insert(name, id);
    }

    async fn records(&mut self) {
        let adopted = json!({ "id": self.world.network, "version": 1, "indicators": [self.world.indicator] });
        self.app.admin.change("networkUpdate", adopted, "network", "id").await;
        let here = self.id("here").to_owned();
        let mapping = json!({ "key": "tables", "source": self.world.source, "content": content("rate") });
        self.keep("mapping", "mapping", mapping).await;
        for period in ["2019", "2020"] {
            self.app.record(&self.world, &here, period, json!({ "value": 30.0 })).await;
        }
        let query = "{ community(slug: \"here\") { memberships { nodes { id } }
            series { nodes { id observations { nodes { id } } } } } }";
        let found = self.app.admin.data(query, json!({})).await["community"].take();
        let series = &found["series"]["nodes"][0];
        for (name, id) in [
            ("membership", &found["memberships"]["nodes"][0]["id"]),
            ("series", &series["id"]),
            ("observation", &series["observations"]["nodes"][0]["id"]),
        ] {
            self.ids.insert(name, id.as_str().unwrap().to_owned());
        }
        let inputs: Vec<(&'static str, &str, Value)> =
            self.inputs().into_iter().map(|(n, noun, i, _)| (n, noun, i)).collect();
        for (name, noun, input) in inputs {
            // What hangs on another record is made once that is there.
            let input = self.filled(input);
            match noun {
                "target" => {
                    let target = self.app.admin.change("targetSet", input, "target", "id").await;
                    self.ids.insert(name, target["id"].as_str().unwrap().to_owned());
                }
                _ => self.keep(name, noun, input).await,
            }
        }
    }

    /// The inputs that records are created from, and who may do so. A text `@name` stands for an id.
    fn inputs(&self) -> Vec<(&'static str, &'static str, Value, &'static [&'static str])> {
        let learning = |slug: &str, status: &str| {
            json!({ "slug": slug, "community": "@here", "author": "A", "kind": "WORKED", "issue": "OTHER", "title": english(slug),
                "whatWeDid": english("This"), "whatHappened": english("That"), "evidenceStage": "EMERGING",
                "visibility": "PUBLIC", "status": status, "initiative": "@initiative", "indicators": ["@indicator"] })
        };
        let target = |owner: Value| {
            let mut input = json!({ "indicator": "@indicator", "indicatorVersion": "@version", "value": 10.0, "dueOn": "2030-12-31" });
            merge(&mut input, owner);
            input
        };
        vec![
            (
                "initiative",
                "initiative",
                json!({ "slug": "i", "community": "@here", "issue": "POVERTY", "title": english("I"), "startedOn": "2020-01-01", "status": "ACTIVE", "phases": [{ "phase": "INITIATE_ACTION", "startedOn": "2020-01-01" }] }),
                &["contributor", "steward"],
            ),
            (
                "participation",
                "participation",
                json!({ "initiative": "@initiative", "partner": "@partner", "role": english("R"), "ring": "CORE", "joinedOn": "2020-01-01" }),
                &["contributor", "steward", "representative"],
            ),
            ("draft", "learning", learning("draft", "DRAFT"), &["contributor", "steward"]),
            ("shared", "learning", learning("shared", "SHARED"), &["steward"]),
            ("baseline", "baseline", json!({ "series": "@series", "period": "2019" }), &["steward"]),
            ("target", "target", target(json!({ "community": "@here" })), &["steward"]),
            ("net-target", "target", target(json!({ "network": "@net" })), &["coordinator"]),
            ("rule", "sharingRule", json!({ "community": "@here", "visibility": "COMMUNITY" }), &["steward"]),
            (
                "quality-rule",
                "qualityRule",
                json!({ "community": "@here", "indicator": "@indicator", "rule": "RANGE", "maximum": 99.0 }),
                &["steward"],
            ),
            (
                "net-quality-rule",
                "qualityRule",
                json!({ "network": "@net", "indicator": "@indicator", "rule": "JUMP", "percent": 500.0 }),
                &["coordinator"],
            ),
            (
                "lock",
                "periodLock",
                json!({ "community": "@here", "until": "2000-12-31", "reason": english("R") }),
                &["steward"],
            ),
            (
                "net-lock",
                "periodLock",
                json!({ "network": "@net", "until": "2000-12-31", "reason": english("R") }),
                &["coordinator"],
            ),
            (
                "break",
                "seriesBreak",
                json!({ "community": "@here", "indicator": "@indicator", "startsOn": "2010-01-01", "reason": "METHOD" }),
                &["steward"],
            ),
            ("decision", "authorityDecision", json!({ "community": "@nation", "act": "PUBLISH" }), &["authority"]),
        ]
    }

    /// The input with which a record of this noun is made here.
    pub fn input(&self, noun: &str) -> Value {
        let input = self.inputs().into_iter().find(|row| row.1 == noun).unwrap().2;
        self.filled(input)
    }

    /// The first input of this change in the table of changes.
    pub fn change(&self, name: &str) -> Value {
        let input = changes(self).into_iter().find(|row| row.0 == name).unwrap().1;
        self.filled(input)
    }

    /// Every record that has a name, by its id.
    pub fn everything(&self) -> BTreeMap<String, String> {
        let world = ["net", "indicator", "version", "source"].map(|name| (name.to_owned(), self.id(name).to_owned()));
        self.ids.iter().map(|(name, id)| ((*name).to_owned(), id.clone())).chain(world).collect()
    }

    /// Every change with an input of the table of changes, for somebody who is at home elsewhere: a place named first stands for the one
    /// named after it.
    pub fn changes(&self, elsewhere: &[(&str, &str)]) -> Vec<(&'static str, Value)> {
        let moved = |input: Value| {
            let moves = elsewhere.iter();
            let text = moves.fold(input.to_string(), |text, (from, to)| {
                text.replace(&format!("\"@{from}\""), &format!("\"@{to}\""))
            });
            self.filled(serde_json::from_str(&text).unwrap())
        };
        changes(self).into_iter().map(|(name, input, _)| (name, moved(input))).collect()
    }

    /// The same with ids in the place of their names.
    pub fn filled(&self, input: Value) -> Value {
        match input {
            Value::String(text) => match text.strip_prefix('@') {
                Some(name) => json!(self.id(name)),
                None => Value::String(text),
            },
            Value::Array(items) => items.into_iter().map(|item| self.filled(item)).collect(),
            Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, self.filled(value))).collect(),
            other => other,
        }
    }

    async fn people(&mut self) {
        let roles = [
            ("net-reader", json!({ "role": "MEMBER_READER", "network": "@net" })),
            ("here-reader", json!({ "role": "MEMBER_READER", "community": "@here" })),
            ("contributor", json!({ "role": "CONTRIBUTOR", "community": "@here" })),
            ("steward", json!({ "role": "STEWARD", "community": "@here" })),
            ("other-steward", json!({ "role": "STEWARD", "community": "@there" })),
            ("representative", json!({ "role": "PARTNER_REPRESENTATIVE", "partner": "@partner" })),
            ("coordinator", json!({ "role": "COORDINATOR", "network": "@net" })),
            ("other-coordinator", json!({ "role": "COORDINATOR", "network": "@other" })),
            ("authority", json!({ "role": "DATA_AUTHORITY", "community": "@nation" })),
            ("funder", json!({ "role": "FUNDER", "network": "@net" })),
            ("reviewer", json!({ "role": "REVIEWER", "network": "@net" })),
            ("administrator", json!({ "role": "ADMINISTRATOR" })),
            // Whose account and role are looked at, and one whose only role ends.
            ("granted", json!({ "role": "REVIEWER", "network": "@net" })),
            ("nobody", json!({ "role": "REVIEWER", "network": "@other" })),
        ];
        let acting: BTreeSet<_> =
            roles.iter().filter(|row| ROLES.contains(&row.0)).map(|row| row.1["role"].as_str().unwrap()).collect();
        let all: BTreeSet<_> = Role::ALL.iter().map(|role| role.code()).collect();
        assert_eq!(acting, all, "a role in which nobody is tried out");
        for (name, grant) in roles {
            let somebody = self.app.somebody(&format!("{name}@example.org"), json!([self.filled(grant)])).await;
            let query = "query($a: ID) { grants(filter: { account: $a }) { nodes { id } } }";
            let found = self.app.admin.data(query, json!({ "a": somebody.account })).await;
            let grant = found["grants"]["nodes"][0]["id"].as_str().unwrap().to_owned();
            match name {
                "granted" => {
                    self.ids.insert("account", somebody.account);
                    self.ids.insert("grant", grant);
                }
                "nobody" => {
                    let back = json!({ "id": grant, "version": 1 });
                    self.app.admin.change("grantArchive", back, "grant", "id").await;
                    self.people.insert(name, somebody.client);
                }
                _ => {
                    self.people.insert(name, somebody.client);
                }
            }
        }
        self.people.insert("anonymous", self.app.anonymous.clone());
        self.programs().await;
        let input = self.filled(json!({ "name": "T", "communities": ["@here"], "actions": ["READ"] }));
        let query = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { apiToken { id } } }";
        let made = self.app.admin.data(query, json!({ "input": input })).await;
        self.ids.insert("token", made["apiTokenCreate"]["apiToken"]["id"].as_str().unwrap().to_owned());
        let query =
            "query($c: ID) { auditEntries(first: 1, filter: { community: $c, action: [CREATE] }) { nodes { id } } }";
        let entry = self.app.admin.data(query, json!({ "c": self.id("here") })).await;
        self.ids.insert("entry", entry["auditEntries"]["nodes"][0]["id"].as_str().unwrap().to_owned());
        let address = "/imports?format=tidy&network=net&source=survey&indicator=rate&async=false";
        let job = self.people["steward"].post_to(address).body("areacd,period,observation\nx,2020,1\n").send().await;
        let job: Value = job.unwrap().json().await.unwrap();
        self.ids.insert("job", job["id"].as_str().unwrap().to_owned());
        let input = self.filled(json!({ "community": "@here", "indicatorVersion": "@version", "source": "@source",
            "period": "2018", "value": 31.0 }));
        let sent = self.people["contributor"].change("observationRecord", input, "pendingObservation", "id").await;
        self.ids.insert("pending", sent["id"].as_str().unwrap().to_owned());
    }

    async fn programs(&mut self) {
        assert_eq!(TOKENS.map(|row| row.1).as_slice(), TokenAction::ALL, "an action that no program is tried out with");
        let query = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { secret } }";
        for (name, action) in TOKENS {
            let mut actions = vec![action.code()];
            if action == TokenAction::PublishFigures {
                actions.push(TokenAction::RecordFigures.code());
            }
            let input = self.filled(json!({ "name": name, "communities": ["@here"], "actions": actions }));
            let made = self.app.admin.data(query, json!({ "input": input })).await;
            let secret = made["apiTokenCreate"]["secret"].as_str().unwrap().to_owned();
            self.people.insert(name, Client::new(&self.app.url, Some(&secret)));
        }
    }
}

/// Changes that are for everybody or about oneself; they have tests of their own.
const ONESELF: [&str; 8] = [
    "signIn",
    "sessionRefresh",
    "signOut",
    "passwordChange",
    "invitationCreate",
    "invitationAccept",
    "recoveryCreate",
    "recoveryUse",
];

type Row = (&'static str, Value, Vec<&'static str>);

/// A noun, one of its records, and who may update and archive it.
type Stale<'a> = (&'a str, &'a str, Vec<&'static str>, Option<Vec<&'static str>>);

/// Every change with an input that nothing but a missing right or something harmless stands against, and who may make it. Updates
/// and archivings name a version that is stale: whoever learns of that was let through.
fn changes(cast: &Cast) -> Vec<Row> {
    let (stewards, coordinators) = (["steward", "other-steward"], ["coordinator", "other-coordinator"]);
    let answering = [&stewards[..], &coordinators].concat();
    let writing = [&answering[..], &["contributor"]].concat();
    let mut rows: Vec<Row> = Vec::new();
    for (_, noun, input, allowed) in cast.inputs() {
        let name = match noun {
            "initiative" => "initiativeCreate",
            "participation" => "participationCreate",
            "learning" => "learningCreate",
            "baseline" => "baselineCreate",
            "target" => "targetSet",
            "sharingRule" => "sharingRuleCreate",
            "qualityRule" => "qualityRuleCreate",
            "periodLock" => "periodLockCreate",
            "seriesBreak" => "seriesBreakCreate",
            _ => "authorityDecisionCreate",
        };
        rows.push((name, input, allowed.to_vec()));
    }
    let name = english("N");
    let waiting = json!({ "community": "@here", "states": ["RECEIVED", "VALIDATED", "DECLINED"] });
    rows.extend([
        ("networkCreate", json!({ "slug": "net", "name": name, "startsOn": "2020-01-01" }), vec!["administrator"]),
        ("membershipCreate", json!({ "network": "@net", "community": "@here", "joinedOn": "2020-01-01" }), vec!["coordinator"]),
        ("communityCreate", json!({ "slug": "here", "name": name, "kind": "OTHER", "country": "CA" }), [&coordinators[..], &["administrator"]].concat()),
        ("partnerCreate", json!({ "slug": "p", "name": name, "sector": "OTHER" }), writing.clone()),
        ("indicatorCreate", json!({ "code": "rate", "kind": "POPULATION", "name": name }), coordinators.to_vec()),
        ("indicatorVersionCreate", json!({ "indicator": "@indicator", "measure": "PERCENTAGE", "unit": english("%"),
            "polarity": "LOWER_IS_BETTER", "frequency": "YEAR", "additivity": "NONE", "effectiveFrom": "2999-01-01" }), vec!["coordinator"]),
        ("sourceCreate", json!({ "key": "survey", "name": name }), writing.clone()),
        ("sourceCreate", json!({ "key": "survey", "name": name, "disclosureControlled": true }), vec!["administrator"]),
        ("mappingCreate", json!({ "key": "office", "source": "@source", "content": content("rate") }), writing),
        ("observationRecord", json!({ "community": "@here", "indicatorVersion": "@version", "source": "@source", "period": "2020", "value": 30.0 }), vec!["contributor", "steward", "recording-token", "publishing-token"]),
        ("observationsPush", json!({ "rows": [{ "community": "@here", "indicatorVersion": "@version", "source": "@source", "period": "2020",
            "value": 30.0 }] }), vec!["contributor", "steward", "recording-token", "publishing-token"]),
        ("observationsValidate", json!({ "filter": waiting }), vec!["steward"]),
        ("observationsValidate", json!({ "ids": ["@pending"] }), vec!["steward"]),
        ("observationsDecline", json!({ "filter": waiting, "reason": "R" }), vec!["steward"]),
        ("observationsDecline", json!({ "ids": ["@pending"], "reason": "R" }), vec!["steward"]),
        ("observationsPublish", json!({ "filter": waiting }), vec!["steward"]),
        ("observationsRetract", json!({ "figures": [{ "series": "@series", "period": "2020" }], "reason": "ERROR", "mode": "BEST_EFFORT" }),
            vec!["steward"]),
        ("periodLockLift", json!({ "id": "@lock", "version": 999, "reason": english("R") }), vec!["steward"]),
        ("periodLockLift", json!({ "id": "@net-lock", "version": 999, "reason": english("R") }), vec!["coordinator"]),
        ("importJobCancel", json!({ "id": "@job" }), vec!["steward", "administrator"]),
        ("grantCreate", json!({ "account": "@account", "role": "FUNDER", "network": "@net" }), vec!["coordinator", "administrator"]),
        ("apiTokenCreate", json!({ "name": "T", "communities": ["@here"], "actions": ["READ"] }), vec!["steward"]),
    ]);
    let stale: [Stale; 23] = [
        ("network", "@net", vec!["coordinator"], Some(vec!["coordinator"])),
        ("membership", "@membership", vec!["coordinator", "steward"], Some(vec!["coordinator"])),
        ("community", "@here", vec!["steward"], Some(vec!["steward"])),
        ("initiative", "@initiative", vec!["contributor", "steward"], Some(vec!["contributor", "steward"])),
        (
            "partner",
            "@partner",
            [&answering[..], &["representative"]].concat(),
            Some([&answering[..], &["representative"]].concat()),
        ),
        (
            "participation",
            "@participation",
            vec!["contributor", "steward", "representative"],
            Some(vec!["contributor", "steward", "representative"]),
        ),
        ("learning", "@draft", vec!["contributor", "steward"], Some(vec!["contributor", "steward"])),
        ("learning", "@shared", vec!["steward"], Some(vec!["steward"])),
        ("indicator", "@indicator", vec!["coordinator"], Some(vec!["coordinator"])),
        ("indicatorVersion", "@version", vec!["coordinator"], Some(vec!["coordinator"])),
        ("source", "@source", [&answering[..], &["administrator"]].concat(), Some(answering.clone())),
        ("mapping", "@mapping", answering.clone(), Some(answering)),
        ("baseline", "@baseline", vec!["steward"], Some(vec!["steward"])),
        ("sharingRule", "@rule", vec!["steward"], Some(vec!["steward"])),
        ("qualityRule", "@quality-rule", vec!["steward"], Some(vec!["steward"])),
        ("qualityRule", "@net-quality-rule", vec!["coordinator"], Some(vec!["coordinator"])),
        ("seriesBreak", "@break", vec!["steward"], Some(vec!["steward"])),
        ("account", "@account", vec!["administrator"], Some(vec!["administrator"])),
        ("target", "@target", vec![], Some(vec!["steward"])),
        ("target", "@net-target", vec![], Some(vec!["coordinator"])),
        ("authorityDecision", "@decision", vec![], Some(vec!["authority"])),
        ("grant", "@grant", vec![], Some(vec!["coordinator", "administrator"])),
        ("apiToken", "@token", vec![], Some(vec!["steward", "administrator"])),
    ];
    for (noun, id, update, archive) in stale {
        let input = json!({ "id": id, "version": 999 });
        if !update.is_empty() {
            rows.push((format!("{noun}Update").leak(), input.clone(), update));
        }
        if let Some(archive) = archive {
            rows.push((format!("{noun}Archive").leak(), input, archive));
        }
    }
    rows
}

/// Whether somebody is let through to a change.
pub async fn let_through(client: &Client, name: &str, input: &Value) -> bool {
    let mut ty = name.to_owned();
    ty[..1].make_ascii_uppercase();
    let ty = if ty.ends_with("Archive") { "Archive".to_owned() } else { ty };
    // What is wrong with single rows of a push is said of them.
    let rows = match name {
        "observationsPush" | "observationsRetract" => "refusedRows: rejectedRows { code }",
        "observationsValidate" | "observationsPublish" | "observationsDecline" => "refusedRows { code }",
        _ => "",
    };
    let query =
        format!("mutation($input: {ty}Input!) {{ {name}(input: $input) {{ {rows} userErrors {{ code path }} }} }}");
    let (_, answer) = client.ask(&query, json!({ "input": input })).await;
    if let Some(code) = answer["errors"][0]["extensions"]["code"].as_str() {
        assert_eq!(code, "UNAUTHENTICATED", "{name}: {answer}");
        return false;
    }
    let errors = answer["data"][name]["userErrors"].as_array().unwrap_or_else(|| panic!("{name}: {answer}"));
    let of_rows = answer["data"][name]["refusedRows"].as_array().into_iter().flatten();
    !errors.iter().chain(of_rows).any(|error| ["FORBIDDEN", "NOT_FOUND"].contains(&error["code"].as_str().unwrap()))
}

/// The fields of a type in the printed schema.
pub fn fields(ty: &str) -> BTreeSet<String> {
    let sdl = api::graphql::schema::sdl();
    let document = async_graphql::parser::parse_schema(&sdl).unwrap();
    let mut found = BTreeSet::new();
    for definition in document.definitions {
        if let async_graphql::parser::types::TypeSystemDefinition::Type(definition) = definition
            && definition.node.name.node == ty
            && let async_graphql::parser::types::TypeKind::Object(object) = definition.node.kind
        {
            found.extend(object.fields.iter().map(|field| field.node.name.node.to_string()));
        }
    }
    found
}

#[tokio::test]
async fn every_change_is_for_those_it_is_for() {
    let cast = Cast::assemble().await;
    let rows = changes(&cast);
    let mut known: BTreeSet<String> = rows.iter().map(|(name, ..)| (*name).to_owned()).collect();
    known.extend(ONESELF.iter().map(|name| (*name).to_owned()));
    assert_eq!(known, fields("Mutation"), "a change that this table does not know");
    let mut wrong = Vec::new();
    for (name, input, allowed) in rows {
        let input = cast.filled(input);
        for role in ROLES {
            let through = let_through(&cast.people[role], name, &input).await;
            if through != allowed.contains(&role) {
                wrong.push(format!("{name} {input}: {role} {}", if through { "was let through" } else { "was not" }));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Who reads as the community's own people do.
pub const OWN: &[&str] = &["here-reader", "contributor", "steward", "reading-token"];

/// Every type that has a global id, one of its records, the list that it stands in, and who reads it; nothing if everybody does.
pub const READ: [(&str, &str, &str, Option<&[&str]>); 30] = [
    ("Network", "net", "networks", None),
    ("Membership", "membership", "", None),
    ("Community", "here", "communities", None),
    ("Initiative", "initiative", "initiatives", None),
    ("Partner", "partner", "partners", None),
    ("Participation", "participation", "", None),
    ("Indicator", "indicator", "indicators", None),
    ("IndicatorVersion", "version", "", None),
    ("Source", "source", "sources", None),
    ("Mapping", "mapping", "mappings", None),
    ("Learning", "shared", "learnings", None),
    ("Learning", "draft", "learnings", Some(&["contributor", "steward"])),
    ("Target", "net-target", "", None),
    // The community shares its figures with its own people alone.
    ("Target", "target", "", Some(OWN)),
    ("Series", "series", "", Some(OWN)),
    ("Observation", "observation", "", Some(OWN)),
    ("Baseline", "baseline", "", Some(OWN)),
    ("SharingRule", "rule", "sharingRules", Some(OWN)),
    ("QualityRule", "quality-rule", "qualityRules", Some(OWN)),
    ("QualityRule", "net-quality-rule", "qualityRules", None),
    ("PeriodLock", "lock", "periodLocks", Some(OWN)),
    ("PeriodLock", "net-lock", "periodLocks", None),
    ("SeriesBreak", "break", "seriesBreaks", Some(OWN)),
    ("AuthorityDecision", "decision", "authorityDecisions", Some(&["authority"])),
    ("Account", "account", "accounts", Some(&["coordinator", "administrator"])),
    ("Grant", "grant", "grants", Some(&["coordinator", "administrator"])),
    ("ApiToken", "token", "apiTokens", Some(&["steward", "administrator"])),
    ("PendingObservation", "pending", "pendingObservations", Some(&["contributor", "steward"])),
    ("ImportJob", "job", "importJobs", Some(&["steward", "administrator"])),
    ("AuditEntry", "entry", "auditEntries", Some(&["steward", "administrator"])),
];

#[tokio::test]
async fn every_type_is_read_by_those_it_is_for_and_is_not_there_for_others() {
    let cast = Cast::assemble().await;
    let sdl = api::graphql::schema::sdl();
    let implementors: BTreeSet<&str> =
        sdl.lines().filter_map(|line| line.strip_prefix("type ")?.strip_suffix(" implements Node {")).collect();
    assert_eq!(
        READ.iter().map(|row| row.0).collect::<BTreeSet<_>>(),
        implementors,
        "a type that this table does not know"
    );
    let lists: BTreeSet<String> = READ.iter().map(|row| row.2.to_owned()).filter(|list| !list.is_empty()).collect();
    let single = [
        "node",
        "nodes",
        "network",
        "community",
        "initiative",
        "partner",
        "indicator",
        "source",
        "mapping",
        "learning",
        "comparison",
        "viewer",
        "importJob",
        "changes",
    ];
    let known: BTreeSet<String> = lists.into_iter().chain(single.map(str::to_owned)).collect();
    assert_eq!(known, fields("Query"), "a query that this table does not know");
    let mut wrong = Vec::new();
    for (ty, name, list, readers) in READ {
        let id = cast.id(name);
        for role in ROLES {
            let client = &cast.people[role];
            let expected = readers.is_none_or(|readers| readers.contains(&role));
            let node = client.data("query($id: ID!) { node(id: $id) { __typename } }", json!({ "id": id })).await;
            if (node["node"]["__typename"] == ty) != expected {
                wrong.push(format!("{ty} {name} by its id: {role}"));
            }
            if !list.is_empty() {
                let (_, page) =
                    client.ask(&format!("{{ {list}(first: 100) {{ totalCount nodes {{ id }} }} }}"), json!({})).await;
                let page = &page["data"][list];
                let nodes = page["nodes"].as_array().cloned().unwrap_or_default();
                if nodes.iter().any(|node| node["id"] == id) != expected {
                    wrong.push(format!("{ty} {name} in {list}: {role}"));
                }
                assert!(
                    nodes.len() < 100 && page["totalCount"].as_u64().unwrap_or(0) == nodes.len() as u64,
                    "{list}: {role}"
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
