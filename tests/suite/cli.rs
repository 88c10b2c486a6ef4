//! The command line, as the program that users run.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::db::{TestDatabase, not_run};

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

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let db = TestDatabase::new().await;
    for _ in 0..2 {
        let (code, out, error) = run(concert(&["migrate"]).env("DATABASE_URL", &db.url));
        assert_eq!((code, out.trim()), (0, "The database is up to date."), "{error}");
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

#[tokio::test]
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
    let mut again = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut out = BufReader::new(again.0.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("Stop with") {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the demo ended");
    }
    stops(&mut again);
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
}

/// SIGTERM ends the program in good order.
fn stops(running: &mut Running) {
    // Every shell has it; a program of that name need not be there.
    let kill = format!("kill {}", running.0.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert!(running.0.wait().unwrap().success());
}
