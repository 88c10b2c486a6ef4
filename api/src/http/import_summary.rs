//! What DHIS2 answers to a data value set: <https://docs.dhis2.org/en/develop/using-the-api/dhis-core-version-master/data.html>.
//! What has not changed is counted apart, and not as ignored; what a dry run finds is no error of the request.

use domain::{
    access::Actor,
    import_job::{ImportJob, KeptReject},
};
use serde_json::{Map, Value, json};

use super::{Shared, imports::ROWS};
use crate::{exchange::Strategy, graphql::id, refusal::Refusal};

/// Rejected rows that are named at most; all are counted, and all stand in the list of rejected rows.
const MOST_NAMED: usize = 10_000;
/// The columns of the form in CSV, which count by their places.
const PLACES: [&str; 6] = ["dataElement", "period", "orgUnit", "categoryOptionCombo", "attributeOptionCombo", "value"];

/// The answer to a job that is over.
pub(super) async fn summary(
    shared: &Shared,
    actor: &Actor,
    job: &ImportJob,
    strategy: Option<Strategy>,
) -> Result<Value, Refusal> {
    let mut rejects = Vec::new();
    loop {
        let more = shared.services.import_rejects(actor, job, rejects.len() as u64, ROWS).await;
        let more = more.map_err(Refusal::of)?;
        let ends = (more.len() as u64) < ROWS;
        rejects.extend(more);
        if ends || rejects.len() >= MOST_NAMED {
            break;
        }
    }
    Ok(told(job, strategy, &rejects))
}

fn told(job: &ImportJob, strategy: Option<Strategy>, rejects: &[KeptReject]) -> Value {
    let counts = &job.progress.counts;
    let status = match (&job.failure, counts.rejected) {
        (Some(_), _) => "ERROR",
        (None, 0) => "SUCCESS",
        (None, _) => "WARNING",
    };
    let message = job.failure.as_ref().map_or("The import was done.", |failure| failure.message.as_str());
    // Withdrawn figures are new revisions too; whoever asked for nothing else hears that they are deleted.
    let (updated, deleted) = match strategy {
        Some(Strategy::Delete) => (0, counts.updated),
        _ => (counts.updated, 0),
    };
    let mut indexes: Vec<i64> = rejects.iter().map(index).collect();
    indexes.dedup();
    json!({
        "httpStatus": "OK",
        "httpStatusCode": 200,
        "status": if status == "SUCCESS" { "OK" } else { status },
        "message": message,
        "response": {
            "responseType": "ImportSummary",
            "status": status,
            "description": message,
            "importCount": { "imported": counts.created, "updated": updated, "ignored": counts.rejected, "deleted": deleted },
            "unchanged": counts.unchanged,
            "received": counts.received,
            "conflicts": conflicts(rejects),
            "rejectedIndexes": indexes,
            "dataSetComplete": "false",
            "job": id::encode_import_job(job.id).as_str(),
        },
    })
}

/// Rows are numbered from 0 there, and from 1 here.
const fn index(reject: &KeptReject) -> i64 {
    reject.line.saturating_sub(1)
}

/// Rows that are rejected for one reason and one cell are one conflict, with the places of all of them.
fn conflicts(rejects: &[KeptReject]) -> Vec<Value> {
    let mut order: Vec<(Conflict<'_>, Vec<i64>)> = Vec::new();
    let mut known = std::collections::HashMap::<Conflict<'_>, usize>::new();
    for reject in rejects {
        let conflict =
            Conflict { property: &reject.column, cell: cell(reject), code: &reject.code, message: &reject.message };
        let place = *known.entry(conflict.clone()).or_insert(order.len());
        match order.get_mut(place) {
            Some((_, indexes)) => indexes.push(index(reject)),
            None => order.push((conflict, vec![index(reject)])),
        }
    }
    order.into_iter().map(|(conflict, indexes)| conflict.told(&indexes)).collect()
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Conflict<'a> {
    property: &'a str,
    /// What stands in the property.
    cell: Option<String>,
    code: &'a str,
    message: &'a str,
}

impl Conflict<'_> {
    fn told(&self, indexes: &[i64]) -> Value {
        let mut objects = Map::new();
        if let Some(cell) = self.cell.as_deref().filter(|_| !self.property.is_empty()) {
            objects.insert(self.property.to_owned(), cell.into());
        }
        json!({
            "object": self.cell.as_deref().unwrap_or(self.property),
            "objects": objects,
            "value": self.message,
            "errorCode": self.code,
            "property": self.property,
            "indexes": indexes,
        })
    }
}

/// What stands in the property at fault, of a value as JSON or as a row.
fn cell(reject: &KeptReject) -> Option<String> {
    let row = reject.row.trim();
    let found = if row.starts_with('{') {
        let value: Value = serde_json::from_str(row).ok()?;
        match value.get(&reject.column)? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    } else {
        let place = PLACES.iter().position(|name| *name == reject.column)?;
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes());
        reader.records().next()?.ok()?.get(place)?.to_owned()
    };
    Some(found).filter(|text| !text.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    fn reject(line: i64, column: &str, row: &str) -> KeptReject {
        KeptReject { line, column: column.into(), code: "NOT_FOUND".into(), message: "unknown".into(), row: row.into() }
    }

    #[test]
    fn rows_of_one_fault_are_one_conflict() {
        let found = conflicts(&[
            reject(1, "orgUnit", "{\"dataElement\":\"a\",\"orgUnit\":\"x\",\"value\":\"1\"}"),
            reject(3, "orgUnit", "b,2020,x,,,2"),
            reject(4, "orgUnit", "b,2020,y,,,2"),
            reject(5, "", "broken"),
        ]);
        assert_eq!(found.len(), 3);
        assert_eq!(
            found[0],
            json!({ "object": "x", "objects": { "orgUnit": "x" }, "value": "unknown", "errorCode": "NOT_FOUND",
                "property": "orgUnit", "indexes": [0, 2] })
        );
        assert_eq!((&found[1]["object"], &found[1]["indexes"]), (&json!("y"), &json!([3])));
        assert_eq!((&found[2]["object"], &found[2]["objects"]), (&json!(""), &json!({})));
    }
}
