//! The command line, as the program that users run.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    app::App,
    client::Client,
    db::{TestDatabase, not_run},
    identity::{PASSWORD, text},
};

/// The program, as the build that this suite belongs to left it.
pub fn program() -> PathBuf {
    let path = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("concert");
    assert!(path.exists(), "build the program first: cargo build -p api");
    path
}

/// The program with nothing of this process's environment that could steer it.
pub fn concert(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    for name in
        ["DATABASE_URL", "REDIS_URL", "CONCERT_LISTEN", "CONCERT_ADMIN_TOKEN", "CONCERT_LOG", "CONCERT_LOG_FORMAT"]
    {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

pub fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn the_schema_is_printed() {
    let (code, out, _) = run(&mut concert(&["schema"]));
    assert_eq!((code, out), (0, api::graphql::schema::sdl()));
}

#[test]
fn help_tells_a_newcomer_what_to_do() {
    let (code, out, _) = run(&mut concert(&["--help"]));
    assert_eq!(code, 0);
    for word in ["serve", "demo", "migrate", "schema", "import", "export", "audit", "DATABASE_URL"] {
        assert!(out.contains(word), "{word} is not in:\n{out}");
    }
}

#[test]
fn a_bad_setting_is_named() {
    let folder = TempDir::new().unwrap();
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case; 7] = [
        (&["migrate"], &[("DATABASE_URL", "mysql://user:secret@host/db")], "DATABASE_URL"),
        (&["migrate"], &[("DATABASE_URL", "postgres://user:secret@127.0.0.1:1/db")], "DATABASE_URL"),
        (&["migrate"], &[("DATABASE_URL", "sqlite:///nowhere/at/all/c.db")], "DATABASE_URL"),
        (&["serve"], &[("CONCERT_LISTEN", "nowhere")], "--listen"),
        (&["serve"], &[("CONCERT_ADMIN_TOKEN", "short")], "--admin-token"),
        (&["migrate"], &[("CONCERT_LOG", "=!=")], "CONCERT_LOG"),
        // From January on it is the calendar year.
        (&["import", "--fiscal-year-start", "1"], &[], "--fiscal-year-start"),
    ];
    for (arguments, environment, named) in cases {
        let (code, _, error) = run(concert(arguments).current_dir(folder.path()).envs(environment.iter().copied()));
        assert_ne!(code, 0, "{arguments:?} {environment:?}");
        assert!(error.contains(named), "{named} is not in:\n{error}");
        assert!(!error.contains("secret"), "a password is told:\n{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrating_twice_changes_nothing() {
    let db = TestDatabase::new().await;
    for _ in 0..2 {
        let (code, out, error) = run(concert(&["migrate"]).env("DATABASE_URL", &db.url));
        assert_eq!((code, out.trim()), (0, "The database is up to date."), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_cannot_begin_leaves_the_rejected_rows_of_the_last() {
    let (db, folder) = (TestDatabase::new().await, TempDir::new().unwrap());
    let (rows, rejects) = (folder.path().join("rows.csv"), folder.path().join("rejects.csv"));
    std::fs::write(&rows, "areacd,period,observation\nX,2020,1\n").unwrap();
    std::fs::write(&rejects, "rows of the last import").unwrap();
    let mut command = concert(&["import", "--format", "tidy", "--network", "nowhere", "--rejects"]);
    let (code, _, told) = run(command.arg(&rejects).arg(&rows).env("DATABASE_URL", &db.url));
    assert!(code != 0 && told.contains("network: there is no network “nowhere”"), "{told}");
    assert_eq!(std::fs::read_to_string(&rejects).unwrap(), "rows of the last import");
}

/// Runs the program on a database, with something to read.
fn on(db: &TestDatabase, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = concert(arguments);
    command.env("DATABASE_URL", &db.url).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that does not read it has ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_administrator_is_made_at_the_command_line() {
    let app = App::start().await;
    let ada = ["user", "create", "ada@example.org", "--name", "Ada", "--admin"];
    let (code, out, told) = on(&app.db, &ada, &format!("{PASSWORD}\nanother line\n"));
    assert_eq!(code, 0, "{told}");
    assert!(out.contains("ada@example.org can sign in now"), "{out}");
    assert!(!out.contains(PASSWORD) && !told.contains(PASSWORD));
    let bob = ["user", "create", "bob@example.org", "--name", "Bob", "--locale", "fr"];
    assert_eq!(on(&app.db, &bob, "a long enough secret\n").0, 0);
    for (email, password, roles) in [
        ("ada@example.org", PASSWORD, json!([{ "role": "ADMINISTRATOR" }])),
        ("bob@example.org", "a long enough secret", json!([])),
    ] {
        let token = text(&app.sign_in(email, password).await["accessToken"]);
        let client = Client::new(&app.url, Some(&token));
        let seen = client.data("{ viewer { grants { role } } }", json!({})).await;
        assert_eq!(seen["viewer"]["grants"], roles, "{email}");
    }
    for (arguments, input, named) in [
        (&ada[..], PASSWORD, "email"),
        (&["user", "create", "cy@example.org", "--name", "Cy"][..], "short", "12 characters"),
        (&["user", "create", "nobody", "--name", "Cy"][..], PASSWORD, "EMAIL"),
    ] {
        let (code, _, told) = on(&app.db, arguments, input);
        assert_ne!(code, 0, "{arguments:?}");
        assert!(told.contains(named), "{named} is not in:\n{told}");
    }
    let known = app.admin.data("{ accounts { totalCount } grants { totalCount } }", json!({})).await;
    assert_eq!(known, json!({ "accounts": { "totalCount": 2 }, "grants": { "totalCount": 1 } }));
    let query = "{ auditEntries(filter: { action: [GRANT] }) { nodes { actor actorKind changes { field after } } } }";
    let given = app.admin.data(query, json!({})).await["auditEntries"]["nodes"][0].take();
    assert_eq!((&given["actor"], &given["actorKind"]), (&json!("operator"), &json!("OPERATOR")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_made_listed_and_revoked_at_the_command_line() {
    let app = App::start().await;
    app.community("here").await;
    app.indicator("rate", json!({})).await;
    let create =
        ["token", "create", "--name", "Push", "--community", "here", "--indicator", "rate", "--action", "READ"];
    let (code, out, told) = on(&app.db, &create, "");
    assert_eq!(code, 0, "{told}");
    let secret = out.trim();
    assert!(secret.starts_with("cnc_") && secret.len() == 40, "{secret}");
    let kind = "{ viewer { kind } }";
    let client = Client::new(&app.url, Some(secret));
    assert_eq!(client.data(kind, json!({})).await["viewer"]["kind"], "INTEGRATION");
    let (code, listed, _) = on(&app.db, &["token", "list"], "");
    assert_eq!((code, listed.lines().count()), (0, 1));
    assert!(listed.contains(&secret[..8]) && listed.contains("Push") && listed.contains("[here]"), "{listed}");
    assert!(!listed.contains(&secret[..12]), "{listed}");
    let id = listed.split_whitespace().next().unwrap();
    let (code, out, told) = on(&app.db, &["token", "revoke", id], "");
    assert_eq!((code, out.trim()), (0, "Push is revoked."), "{told}");
    // Another replica has never met it.
    let replica = app.replica().await;
    assert_eq!(Client::new(&replica.url, Some(secret)).status(kind).await, 401);
    assert_eq!(on(&app.db, &["token", "list"], "").1, "");
    for (arguments, named) in [
        (&["token", "revoke", "00000000-0000-0000-0000-000000000000"][..], "no ApiToken"),
        (
            &["token", "create", "--name", "X", "--community", "nowhere", "--action", "READ"][..],
            "there is no community nowhere",
        ),
        (&["token", "create", "--name", "X", "--community", "here", "--action", "EVERYTHING"][..], "--action"),
    ] {
        let (code, out, told) = on(&app.db, arguments, "");
        assert_ne!(code, 0, "{arguments:?}");
        assert!(out.is_empty() && told.contains(named), "{named} is not in:\n{told}");
    }
}

/// A program that runs until the test is over.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether there is a curl to paste commands for; if not, `test` is noted as not run.
pub fn has_curl(test: &str) -> bool {
    let found = Command::new("curl").arg("--version").output().is_ok_and(|told| told.status.success());
    if !found {
        not_run(test, "curl is not installed");
    }
    found
}

/// SIGTERM ends the program in good order.
pub fn stops(running: &mut Running) {
    // Every shell has it; a program of that name need not be there.
    let kill = format!("kill {}", running.0.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert!(running.0.wait().unwrap().success());
}
