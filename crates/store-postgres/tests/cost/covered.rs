//! Every method of the store has a question.

use std::fs;
use std::path::{Path, PathBuf};

/// Methods without a question, and why.
const WITHOUT: [(&str, &str); 0] = [];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The methods of the traits of a source that a database implements.
fn methods(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_in_trait = false;
    for line in source.lines() {
        if line.starts_with("pub trait ") {
            is_in_trait = line.ends_with(": Send + Sync {");
        } else if line.starts_with('}') {
            is_in_trait = false;
        } else if let Some(rest) = line.strip_prefix("    async fn ").or(line.strip_prefix("    fn "))
            && is_in_trait
        {
            found.push(rest.split_once('(').unwrap().0.to_owned());
        }
    }
    found
}

#[test]
fn every_method_of_the_store_has_a_question() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut questions = String::new();
    let mut found = Vec::new();
    sources(&here.join("tests/cost"), &mut found);
    for path in found {
        questions.push_str(&fs::read_to_string(path).unwrap());
    }
    let mut traits = Vec::new();
    sources(&here.join("../store/src"), &mut traits);
    traits.retain(|path| !path.components().any(|part| part.as_os_str() == "contract"));
    traits.push(here.join("../digit/src/embedded/mod.rs"));
    let all: Vec<String> =
        traits.iter().flat_map(|path| methods(&fs::read_to_string(path).unwrap())).collect();
    assert!(all.len() > 90, "the traits are read no more: {all:?}");
    let is_asked = |name: &str| questions.contains(&format!(".{name}("));
    let without: Vec<&str> = WITHOUT.iter().map(|(name, _)| *name).collect();
    let forgotten: Vec<&String> =
        all.iter().filter(|name| !is_asked(name) && !without.contains(&name.as_str())).collect();
    assert!(forgotten.is_empty(), "without a question: {forgotten:?}");
    assert!(without.iter().all(|name| !is_asked(name) && all.iter().any(|method| method == name)));
}
