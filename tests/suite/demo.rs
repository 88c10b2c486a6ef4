//! The demo, as a person meets it at a terminal.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Output, Stdio},
};

use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};

use crate::{
    cli::{Running, concert, has_curl, stops},
    db::TestDatabase,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_says_what_to_try_and_all_of_it_works() {
    if !has_curl("the_demo_says_what_to_try_and_all_of_it_works") {
        return;
    }
    let db = TestDatabase::new().await;
    let mut command = concert(&["demo", "--listen", "127.0.0.1:0"]);
    let mut demo = Running(command.env("DATABASE_URL", &db.url).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines();
    let mut commands = Vec::new();
    for line in &mut lines {
        let line = line.unwrap();
        if line.trim_start().starts_with("curl ") {
            commands.push(line);
        } else if line.contains("Stop with") {
            break;
        }
    }
    assert_eq!(commands.len(), 3);
    for command in commands {
        let Output { stdout, .. } = Command::new("sh").args(["-c", &command]).output().unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
        assert!(answer.get("errors").is_none(), "{command}: {answer:#}");
    }
    stops(&mut demo);
    // Once more on the same database: nothing is loaded twice.
    let before = loaded(&db).await;
    ready_and_stopped(&db);
    assert_eq!(loaded(&db).await, before);
}

/// A load that was stopped is taken up where it stood, and leads to what an unhindered one does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_that_was_stopped_while_it_loaded_is_taken_up() {
    let whole = TestDatabase::new().await;
    ready_and_stopped(&whole);
    let expected = loaded(&whole).await;
    // The first half of the records are kept without the figures; then those without what stands on them.
    for table in ["observation", "learning"] {
        let db = TestDatabase::new().await;
        let run = |args: &[&str]| concert(args).env("DATABASE_URL", &db.url).output().unwrap();
        assert!(run(&["migrate"]).status.success());
        let database = Database::connect(&db.url).await.unwrap();
        let (refuse, allow) = refusing(database.get_database_backend(), table);
        database.execute_unprepared(&refuse).await.unwrap();
        assert!(!run(&["demo", "--listen", "127.0.0.1:0"]).status.success(), "nothing can be written to {table}");
        database.execute_unprepared(&allow).await.unwrap();
        database.close().await.unwrap();
        assert_ne!(loaded(&db).await, expected, "{table}: it was stopped too late");
        ready_and_stopped(&db);
        assert_eq!(loaded(&db).await, expected, "{table}");
    }
}

/// Runs the demo until it says what to try, and stops it at once: nothing breaks that the log would tell of. (PostgreSQL may note
/// that a transaction which had only been asked for is ended.)
fn ready_and_stopped(db: &TestDatabase) {
    let mut command = concert(&["demo", "--listen", "127.0.0.1:0"]);
    command.env("DATABASE_URL", &db.url).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut demo = Running(command.spawn().unwrap());
    let mut out = BufReader::new(demo.0.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("Stop with") {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the demo ended");
    }
    stops(&mut demo);
    let mut log = String::new();
    out.read_to_string(&mut log).unwrap();
    demo.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(!log.contains("ERROR") && !log.contains("panic"), "{log}");
}

/// How much of everything the demo has left in the database.
async fn loaded(db: &TestDatabase) -> Vec<(&'static str, i64)> {
    let database = Database::connect(&db.url).await.unwrap();
    let mut counts = Vec::new();
    for table in [
        "network",
        "community",
        "membership",
        "source",
        "indicator",
        "indicator_version",
        "partner",
        "initiative",
        "participation",
        "series",
        "observation",
        "latest_observation",
        "baseline",
        "target",
        "learning",
    ] {
        let count = Statement::from_string(database.get_database_backend(), format!("SELECT count(*) FROM {table}"));
        counts.push((table, database.query_one_raw(count).await.unwrap().unwrap().try_get_by_index(0).unwrap()));
    }
    database.close().await.unwrap();
    counts
}

/// Has the database refuse every row of a table, and take them again.
fn refusing(backend: DbBackend, table: &str) -> (String, String) {
    if backend == DbBackend::Postgres {
        let refuse = format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'stopped'; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
        );
        (refuse, format!("DROP TRIGGER refuse ON {table}"))
    } else {
        let refuse =
            format!("CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'stopped'); END");
        (refuse, "DROP TRIGGER refuse".to_owned())
    }
}
