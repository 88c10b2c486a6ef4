//! What the README shows is run as a newcomer would: in an empty folder, with the program alone.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    cli::{Running, concert, has_curl, program, run},
    client::Client,
    fixture::english,
};

/// The blocks of the README in this language.
fn blocks(language: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(begun)) if begun == language => open = Some(String::new()),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => *block += &format!("{line}\n"),
            _ => {}
        }
    }
    blocks
}

/// A line of the README with the program in place of what builds it, and the address of this demo in place of the usual one.
fn here(line: &str, url: &str) -> String {
    let program = program().display().to_string();
    line.replace("cargo run --release --", &program).replace("http://127.0.0.1:8080", url)
}

/// The demo in this folder, and where it listens.
fn demo(folder: &Path) -> (Running, String) {
    let mut command = concert(&["demo", "--listen", "127.0.0.1:0", "--admin-token", crate::app::ADMIN_TOKEN]);
    let mut demo = Running(command.current_dir(folder).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines();
    let explored = lines.find_map(|line| line.unwrap().split_once("browser:").map(|(_, url)| url.trim().to_owned()));
    let url = explored.unwrap().trim_end_matches('/').to_owned();
    // Whoever prints to a pipe that nobody reads is stopped.
    std::thread::spawn(move || lines.for_each(drop));
    (demo, url)
}

/// What the mutations of the README are given, by the name of the operation.
async fn variables(query: &str, client: &Client) -> Value {
    let name = query.split(['(', ' ']).nth(1).unwrap();
    let input = match name {
        "SignIn" => json!({ "email": "ada@example.org", "password": "a long password" }),
        "AddSource" => json!({ "key": "readme", "name": english("README") }),
        "Push" => json!({ "dryRun": true, "rows": [{ "communityCode": { "scheme": "statcan:CMA", "code": "602" },
            "indicator": "poverty-rate", "sourceKey": "readme", "period": "2023", "value": 9.9 }] }),
        "Publish" => {
            let community = client.data("{ community(slug: \"winnipeg\") { id } }", json!({})).await;
            json!({ "filter": { "community": community["community"]["id"] } })
        }
        _ => return json!({}),
    };
    json!({ "input": input })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_of_the_readme_is_answered_by_the_demo() {
    let folder = TempDir::new().unwrap();
    let (_demo, url) = demo(folder.path());
    let opens = blocks("sh").into_iter().flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>());
    let opens = opens.filter(|line| line.contains(" user create ")).collect::<Vec<_>>();
    assert_eq!(opens.len(), 1, "the README opens one account");
    let mut shell = Command::new("sh");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CONCERT_") || name.ends_with("_URL")) {
        shell.env_remove(name);
    }
    let (code, _, error) = run(shell.args(["-c", &here(&opens[0], &url)]).current_dir(folder.path()));
    assert_eq!(code, 0, "{}: {error}", opens[0]);

    let client = Client::new(&url, Some(crate::app::ADMIN_TOKEN));
    let blocks = blocks("graphql");
    assert!(blocks.len() >= 5);
    for query in blocks {
        let data = client.data(&query, variables(&query, &client).await).await;
        for (field, answer) in data.as_object().unwrap() {
            assert!(!answer.is_null(), "{field} of {query}");
            assert!(answer.get("userErrors").is_none_or(|errors| *errors == json!([])), "{query}: {answer:#}");
            // The demo has what the README asks for.
            let nothing = |list: &str| answer.get(list).and_then(Value::as_array).is_some_and(Vec::is_empty);
            assert!(!nothing("nodes") && !nothing("entries") && !nothing("items"), "{query}: {answer:#}");
        }
        if let Some(token) = data["signIn"]["accessToken"].as_str() {
            let account = Client::new(&url, Some(token)).data("{ viewer { account { name } } }", json!({})).await;
            assert_eq!(account["viewer"]["account"]["name"], "Ada");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_of_the_readme_compares() {
    if !has_curl("the_command_of_the_readme_compares") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (_demo, url) = demo(folder.path());
    // Those that need a token or a file of the reader's own are left to them.
    let pasted: Vec<_> = blocks("sh").into_iter().filter(|block| block.starts_with("curl -s ")).collect();
    assert_eq!(pasted.len(), 1);
    let (code, out, error) = run(Command::new("sh").args(["-c", &here(&pasted[0], &url)]));
    assert_eq!(code, 0, "{error}");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert!(answer.get("errors").is_none(), "{answer:#}");
    let entries = answer["data"]["comparison"]["entries"].as_array().unwrap();
    let winnipeg = entries.iter().find(|entry| entry["community"]["slug"] == "winnipeg").unwrap();
    let told = (&winnipeg["baseline"]["value"], &winnipeg["current"]["value"]);
    assert_eq!(told, (&json!(15.7), &json!(9.8)), "what the README tells of Winnipeg");
}
