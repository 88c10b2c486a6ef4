//! The layers hold: `api -> domain <- persistence`.

use std::{path::Path, process::Command};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn the_domain_knows_no_database_no_web_and_no_graphql() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "-p", "domain", "-e", "normal", "--prefix", "none", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.starts_with("domain "));
    let outer =
        ["sea-orm", "sqlx", "redis", "async-graphql", "actix", "tokio", "hyper", "reqwest", "persistence", "api "];
    let found: Vec<_> = tree.lines().filter(|line| outer.iter().any(|name| line.starts_with(name))).collect();
    assert!(found.is_empty(), "the domain depends on {found:?}");
}

#[test]
fn only_the_composition_root_names_the_persistence() {
    let mut found = Vec::new();
    look(&root().join("api/src"), &mut found);
    assert_eq!(found, [root().join("api/src/main.rs")]);
}

fn look(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            look(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && std::fs::read_to_string(&path).unwrap().contains("persistence::")
        {
            found.push(path);
        }
    }
}
