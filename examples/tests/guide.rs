//! What the guide names is there: pages, variables, options, functions.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A page of the guide.
struct Page {
    name: String,
    text: String,
}

fn root() -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR"));
    examples.parent().unwrap().to_owned()
}

fn pages() -> Vec<Page> {
    let files = files(&root().join("venomqa/src/docs"), "md");
    let page = |path: PathBuf| Page {
        name: path.file_name().unwrap().to_string_lossy().into(),
        text: fs::read_to_string(path).unwrap(),
    };
    let pages: Vec<_> = files.into_iter().map(page).collect();
    assert!(!pages.is_empty());
    pages
}

/// The files below a folder whose names end so.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .flat_map(|path| match path.is_dir() {
            true => files(&path, extension),
            false if path.extension().is_some_and(|own| own == extension) => vec![path],
            false => Vec::new(),
        })
        .collect()
}

/// The code of the library, without comments.
fn code() -> String {
    let crates = ["venomqa", "venomqa-adapters", "venomqa-macros"];
    let files = crates.map(|name| files(&root().join(name).join("src"), "rs"));
    let text = |path: &PathBuf| fs::read_to_string(path).unwrap();
    let text: String = files.concat().iter().map(text).collect();
    let code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines()
        .filter(code)
        .map(|line| format!("{line}\n"))
        .collect()
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn names(text: &str) -> BTreeSet<&str> {
    text.split(|c| !is_of_a_name(c)).collect()
}

fn variables(text: &str) -> BTreeSet<&str> {
    let names = names(text).into_iter();
    names.filter(|name| name.starts_with("VENOMQA_")).collect()
}

/// What stands between backticks within the text, blocks of code left out: those are compiled.
fn quoted(text: &str) -> Vec<&str> {
    let outside = text.split("```").step_by(2);
    outside
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .collect()
}

#[test]
fn the_variables_of_the_guide_are_those_that_are_read() {
    let environment = root().join("venomqa/src/harness/environment.rs");
    let environment = fs::read_to_string(environment).unwrap();
    let pages: String = pages().into_iter().map(|page| page.text).collect();
    assert_eq!(variables(&pages), variables(&environment));
}

#[test]
fn links_lead_to_pages_and_to_items() {
    let pages = pages();
    let library = fs::read_to_string(root().join("venomqa/src/lib.rs")).unwrap();
    let index = fs::read_to_string(root().join("venomqa/src/docs/mod.rs")).unwrap();
    for Page { name, text } in &pages {
        let listed = format!("include_str!(\"{name}\")");
        assert!(index.contains(&listed), "{name} is in no module");
        for link in text.split("](").skip(1) {
            let link = link.split_once(')').unwrap().0;
            let resolves = match link.split_once("::") {
                Some(("crate", item)) => match item.split_once("::") {
                    Some(("docs", page)) => {
                        pages.iter().any(|own| own.name == format!("{page}.md"))
                    }
                    _ => names(&library).contains(item),
                },
                _ => link.starts_with("https://"),
            };
            assert!(resolves, "{name}: {link}");
        }
    }
}

#[test]
fn functions_are_there() {
    let code = code();
    let there = |function: &str| {
        let starts = ["fn ", "macro_rules! "].map(|kind| format!("{kind}{function}"));
        let defined = |start: &String| {
            let mut after = code.match_indices(start).map(|(at, _)| at + start.len());
            after.any(|end| !code[end..].starts_with(is_of_a_name))
        };
        starts.iter().any(defined)
    };
    let mut seen = 0;
    for Page { name, text } in pages() {
        for quoted in quoted(&text) {
            // Sequences and tests, not Rust.
            if quoted.starts_with(['<', '#']) {
                continue;
            }
            for function in called(quoted) {
                assert!(
                    there(function),
                    "{name}: `{quoted}`: there is no {function}"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 15, "only {seen}");
}

/// The functions and methods that a piece of Rust calls or names by their type: `World::observe`, `.stateful()`, `ensure!`.
fn called(quoted: &str) -> Vec<&str> {
    let starts = quoted.char_indices().filter(|(at, c)| {
        is_of_a_name(*c) && !quoted[..*at].ends_with(is_of_a_name) && !in_string(quoted, *at)
    });
    let words = starts.map(|(at, _)| {
        let rest = &quoted[at..];
        let end = rest.find(|c| !is_of_a_name(c)).unwrap_or(rest.len());
        (&quoted[..at], &rest[..end], &rest[end..])
    });
    let is_called = |before: &str, word: &str, after: &str| {
        let lower = word.starts_with(|c: char| c.is_ascii_lowercase());
        let of_type = before.ends_with("::");
        lower && (of_type || after.starts_with('(') || before.ends_with("ctx.")) || after == "!"
    };
    words
        .filter(|(before, word, after)| is_called(before, word, after) && *word != "assert")
        .map(|(_, word, _)| word)
        .collect()
}

fn in_string(text: &str, at: usize) -> bool {
    text[..at].matches('"').count() % 2 == 1
}

#[test]
fn options_and_rules_are_there() {
    let code = code();
    // In the words of the macros, of the configuration and of reports.
    let words = names(&code);
    // What an API of the user's, its database and its driver have.
    let foreign = [
        "created_at",
        "session_replication_role",
        "_venomqa_",
        "top_up",
        "order_id",
        "is_active",
        "disable_nagle_algorithm",
        "log_bin_trust_function_creators",
        "verify_ca",
        "verify_identity",
        "gtid_mode",
        "binlog_transaction_compression",
        "binlog_row_value_options",
    ];
    let mut seen = 0;
    for Page { name, text } in pages() {
        for quoted in quoted(&text) {
            for word in names(quoted) {
                let ours = word.contains('_') && word.starts_with(|c: char| c.is_lowercase());
                if ours && !foreign.contains(&word) {
                    assert!(
                        words.contains(word),
                        "{name}: `{quoted}`: there is no {word}"
                    );
                    seen += 1;
                }
            }
            // `complete = true`, `#[exploration(fail_on = high)]`
            let inner = quoted.rsplit('(').next().unwrap();
            if let Some((option, value)) = inner.split_once(" = ")
                && option.chars().all(is_of_a_name)
                && !foreign.contains(&option)
            {
                let known = format!("(\"{option}\", ");
                assert!(
                    code.contains(&known),
                    "{name}: no option {option} = {value}"
                );
            }
        }
    }
    assert!(seen > 20, "only {seen}");
}
