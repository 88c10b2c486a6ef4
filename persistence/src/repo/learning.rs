//! Where learnings are kept.

use domain::{
    Result,
    access::Scope,
    learning::{Learning, LearningFilter, LearningParent, LearningSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{Link, ParentLink, SortColumn, Table, Where, json, name_key, optional_json, search_text, today};
use crate::{
    row::Row,
    sight::{FOR_THE_COMMUNITY, consented, decided},
};

impl Table for Learning {
    const TABLE: &'static str = "learning";
    const COLUMNS: &'static [&'static str] = &[
        "slug",
        "community_id",
        "initiative_id",
        "author",
        "kind",
        "issue",
        "title",
        "context",
        "what_we_did",
        "what_happened",
        "why_we_think_so",
        "evidence_stage",
        "visibility",
        "named",
        "status",
        "shared_at",
        "indicators",
    ];
    const DERIVED: &'static [&'static str] = &["languages", "name_key", "search_text"];
    const KEY: Option<&'static str> = Some("slug");

    fn values(&self) -> Result<Vec<Value>> {
        // Every tag between commas, so that one can be looked for as a whole.
        let languages = self.languages().iter().map(|tag| format!(",{tag},")).collect::<Vec<_>>().concat();
        Ok(vec![
            self.slug.to_string().into(),
            Uuid::from(self.community).into(),
            self.initiative.map(Uuid::from).into(),
            self.author.clone().into(),
            self.kind.code().into(),
            self.issue.code().into(),
            json(&self.title)?,
            optional_json(self.context.as_ref())?,
            json(&self.what_we_did)?,
            json(&self.what_happened)?,
            optional_json(self.why_we_think_so.as_ref())?,
            self.evidence_stage.code().into(),
            self.visibility.code().into(),
            json(&self.named)?,
            self.status.code().into(),
            self.shared_at.into(),
            json(&self.indicators)?,
            languages.into(),
            name_key(&self.title),
            search_text(&self.title, [self.slug.as_str()]),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            slug: row.parse()?,
            community: row.id()?,
            initiative: row.optional_id()?,
            author: row.take()?,
            kind: row.parse()?,
            issue: row.parse()?,
            title: row.json()?,
            context: row.optional_json()?,
            what_we_did: row.json()?,
            what_happened: row.json()?,
            why_we_think_so: row.optional_json()?,
            evidence_stage: row.parse()?,
            visibility: row.parse()?,
            named: row.json()?,
            status: row.parse()?,
            shared_at: row.take()?,
            indicators: row.json()?,
        })
    }

    fn sort(by: LearningSort) -> SortColumn {
        match by {
            LearningSort::SharedAt => SortColumn::OptionalTime("shared_at"),
            LearningSort::Title => SortColumn::Text("name_key"),
            LearningSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &LearningFilter, conditions: &mut Where) {
        conditions.value("t.community_id = {}", filter.community.map(Uuid::from));
        conditions.value("t.initiative_id = {}", filter.initiative.map(Uuid::from));
        conditions.member("t.community_id", filter.network);
        conditions.value(
            "t.id IN (SELECT i.learning_id FROM learning_indicator i WHERE i.indicator_id = {})",
            filter.indicator.map(Uuid::from),
        );
        conditions.codes("t.issue", filter.issues.as_ref());
        conditions.codes("t.kind", filter.kinds.as_ref());
        conditions.codes("t.evidence_stage", filter.evidence_stages.as_ref());
        conditions.codes("t.status", filter.statuses.as_ref());
        // Basic filtering of RFC 4647, 3.3.1: who asks for French reads the French of Canada too.
        conditions.value(
            "replace(t.languages, '-', ',-') LIKE {}",
            filter.language.as_ref().map(|tag| format!("%,{},%", tag.to_string().replace('-', ",-"))),
        );
        conditions.text(filter.text.as_ref());
    }

    fn parent(parent: LearningParent) -> ParentLink {
        match parent {
            LearningParent::Community => ParentLink::column("t.community_id"),
            LearningParent::Initiative => ParentLink::column("t.initiative_id"),
            LearningParent::Indicator => {
                ParentLink::join("JOIN learning_indicator l ON l.learning_id = t.id", "l.indicator_id")
            }
        }
    }

    fn scope(scope: &Scope, conditions: &mut Where) {
        const OUT: &str = "t.status NOT IN ('DRAFT', 'RETRACTED')";
        let reader = match scope {
            Scope::Everything => return,
            Scope::Public => None,
            Scope::Of(reader) => Some(reader),
        };
        let today = conditions.sql.bind(today());
        // What is learned under an Indigenous data authority leaves the community by that authority's decision alone.
        let free = format!(
            "(t.community_id NOT IN (SELECT under.id FROM community under WHERE under.indigenous_data_authority IS NOT NULL) \
             OR {})",
            decided(&today, "t.community_id", "NULL", "PUBLISH", None)
        );
        let Some(reader) = reader else {
            return conditions.and(format!("t.visibility = 'PUBLIC' AND {OUT} AND {free}"));
        };
        let sql = &mut conditions.sql;
        let own = sql.id_list(reader.own.iter().copied());
        let own = format!("IN (SELECT own.id FROM {})", sql.table_of(&own, "own"));
        let written = sql.ids(reader.contributed.iter().copied(), "written");
        let stewarded = sql.ids(reader.stewarded.iter().copied(), "stewarded");
        let networks = sql.ids(reader.networks.iter().copied(), "networks");
        // What is for fewer than the community is still there for whoever wrote it.
        let writer = sql.bind(reader.account.map(|account| format!("account:{account}")));
        conditions.and(format!(
            "((t.visibility = 'PUBLIC' AND {OUT} AND {free}) \
             OR (t.community_id {own} AND (t.visibility {FOR_THE_COMMUNITY} OR t.created_by = {writer} \
             OR t.community_id IN (SELECT stewarded.id FROM {stewarded})) \
             AND ({OUT} OR t.community_id IN (SELECT written.id FROM {written}))) \
             OR (t.visibility = 'NETWORK' AND {OUT} AND {free} AND t.community_id IN (SELECT m.community_id FROM membership m \
             WHERE m.network_id IN (SELECT networks.id FROM {networks}) AND {consented})) \
             OR (t.visibility = 'NAMED_COMMUNITIES' AND {OUT} AND {free} AND EXISTS (SELECT 1 FROM learning_named n \
             WHERE n.learning_id = t.id AND n.community_id {own})))",
            consented = consented("m", &today),
        ));
    }

    fn links(&self) -> Vec<Link> {
        let indicators = self.indicators.iter().map(|&id| vec![Uuid::from(id).into()]).collect();
        let named = self.named.iter().map(|&id| vec![Uuid::from(id).into()]).collect();
        vec![
            Link {
                table: "learning_indicator",
                own: "learning_id",
                others: "indicator_id",
                rows: indicators,
                grows: false,
            },
            Link { table: "learning_named", own: "learning_id", others: "community_id", rows: named, grows: false },
        ]
    }
}
