//! A network with everything in it, and somebody in every role: for tests of who may do and read what.

use std::collections::{BTreeMap, BTreeSet};

use domain::{access::Role, api_token::TokenAction};
use serde_json::{Value, json};

use crate::{
    app::App,
    client::Client,
    fixture::{World, english, merge},
    mappings::content,
    matrix::changes,
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
    pub fn inputs(&self) -> Vec<(&'static str, &'static str, Value, &'static [&'static str])> {
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
