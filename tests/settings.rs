//! `.env.example` and docs/reference/settings.md equal those generated from the declarations, and nothing else reads the environment.
//! `UPDATE_EXPECT=1 cargo test -p orderflow-tests --test settings` writes both again after a change.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use expect_test::expect_file;
use orderflow::up::UpSettings;
use orderflow_settings::declared::{ALL, DEVELOPMENT};
use orderflow_settings::{Kind, Program, Section, Setting, Snapshot, read};
use orderflow_tests::source_code::sources;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

const EXAMPLE_HEAD: &str = "\
# Every setting of the program with its default, or an example where there is no default. Copy this file to `.env` in the folder in which
# `orderflow` starts, and remove the `#` before the settings to change. Flags and the environment win over this file.
# docs/reference/settings.md has all settings, with the values that are allowed.
";

const PAGE_HEAD: &str = "\
# Settings

Every setting, with its variable, its flag, its default, the values that are allowed, and the programs that read it.

A flag wins over the environment, and the environment over the file `.env` in the folder in which the program starts. An unset variable and
an empty one are the same. A value that is not allowed ends the program with exit code 2 and one message that names every such setting. An
unknown variable that begins with `ORDERFLOW_` is reported as a warning. `.env.example` lists the settings of the program.
`.env` sets only these settings, the AWS SDK's variables of region, endpoint, profile and credentials, and OpenTelemetry's of headers, timeouts,
service name and attributes; any other variable in it is ignored with a warning. A token, key or password is not sent in the clear to another host
that only `.env` names.

A test generates this page: `UPDATE_EXPECT=1 cargo test -p orderflow-tests --test settings` writes it again after a change.
";

/// The files that read the environment themselves, with the reason.
const READERS: [(&str, &str); 2] = [
    ("shared/settings/src/snapshot.rs", "every setting is read from its snapshot"),
    ("cli/src/dlq/edit.rs", "EDITOR and VISUAL belong to the machine"),
];

fn settings_of(section: Section) -> impl Iterator<Item = &'static Setting> {
    ALL.iter().copied().filter(move |setting| setting.section == section)
}

/// Breaks a text into comment lines.
fn comment(text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > 140 {
            writeln!(lines, "{line}").unwrap();
            line = "#".to_owned();
        }
        write!(line, " {word}").unwrap();
    }
    writeln!(lines, "{line}").unwrap();
    lines
}

fn example() -> String {
    let mut text = EXAMPLE_HEAD.to_owned();
    for section in Section::ALL.into_iter().filter(|section| *section != Section::Functions) {
        write!(text, "\n# {}\n", section.title()).unwrap();
        for setting in settings_of(section) {
            text.push_str(&comment(setting.help));
            let value = setting.default.or(setting.example).unwrap_or_default();
            let quote = if value.contains(' ') { "\"" } else { "" };
            writeln!(text, "#{}={quote}{value}{quote}", setting.variable).unwrap();
        }
    }
    text
}

/// The programs that read a setting, briefly.
fn readers(setting: &Setting) -> String {
    let (bundles, commands): (Vec<Program>, Vec<Program>) =
        setting.read_by.iter().copied().partition(|program| program.is_bundle());
    let mut readers: Vec<String> = commands.iter().map(|program| format!("`{}`", program.name())).collect();
    match bundles.len() {
        0 => {}
        count if count == Program::BUNDLES.len() => readers.push("all functions".to_owned()),
        _ => {
            let names: Vec<String> = bundles.iter().map(|program| format!("`{}`", program.name())).collect();
            readers.push(format!("functions {}", names.join(", ")));
        }
    }
    readers.join(", ").replace("`client commands`", "client commands")
}

fn page() -> String {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    let mut page = PAGE_HEAD.to_owned();
    for section in Section::ALL {
        write!(page, "\n## {}\n\n", section.title()).unwrap();
        page.push_str(
            "| variable | flag | default | meaning | allowed | read by |\n|---|---|---|---|---|---|\n",
        );
        for setting in settings_of(section) {
            let flag = setting.flag.map(|flag| format!("--{flag}")).unwrap_or_default();
            writeln!(
                page,
                "| `{}` | {} | {} | {} | {} | {} |",
                setting.variable,
                code(&flag),
                code(setting.default.unwrap_or_default()),
                setting.help.replace('<', "&lt;"),
                setting.kind.allowed().replace('<', "&lt;"),
                readers(setting)
            )
            .unwrap();
        }
    }
    page
}

#[test]
fn the_reference_page_is_made_from_the_declarations() {
    expect_file!["../docs/reference/settings.md"].assert_eq(&page());
}

#[test]
fn the_example_lists_every_setting_of_the_program_and_no_other() {
    expect_file!["../.env.example"].assert_eq(&example());
}

#[test]
fn the_defaults_of_the_example_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    // Examples of settings without a default are left out: some exclude each other, or name a file.
    let defaults: String = example()
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter(|line| {
            line.split_once('=').is_some_and(|(name, _)| {
                ALL.iter().any(|setting| setting.variable == name && setting.default.is_some())
            })
        })
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(folder.path().join(".env"), defaults).unwrap();
    let snapshot = Snapshot::default().with_env_file(folder.path());
    let settings = read(&snapshot, UpSettings::read).unwrap();
    assert_eq!(settings.serve.port, 8080);
}

/// The part of a source file before its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
}

#[test]
fn only_the_settings_crate_reads_the_environment() {
    let mut found = BTreeSet::new();
    for group in ["cli", "functions", "shared", "system"] {
        for file in sources(&Path::new(ROOT).join(group)).unwrap() {
            let path = file.strip_prefix(ROOT).unwrap().to_string_lossy().into_owned();
            let is_code = path.ends_with(".rs") && path.contains("/src/");
            if !is_code || path.starts_with("shared/testing/") {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            let reads = ["env::var", "env = ", "env::vars"].iter().any(|call| code(&text).contains(call));
            if reads {
                found.insert(path);
            }
        }
    }
    assert_eq!(found, READERS.map(|(file, _)| file.to_owned()).into());
}

/// Variables that scripts and tests set are not settings of a program, and no program warns about them.
#[test]
fn variables_of_scripts_and_tests_are_declared_for_development() {
    let mut found = BTreeSet::new();
    for group in
        ["xtask", "tests", "docker", "localstack", "shared/testing", "cli/tests", "docker-compose.yml"]
    {
        let path = Path::new(ROOT).join(group);
        let files = if path.is_dir() { sources_with_tests(&path) } else { vec![path] };
        for text in files.iter().filter_map(|file| std::fs::read_to_string(file).ok()) {
            let names = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            found.extend(names.filter(|name| name.starts_with("ORDERFLOW_")).map(str::to_owned));
        }
    }
    let is_known = |name: &String| {
        let is_setting = ALL.iter().any(|setting| setting.variable == *name);
        // Prefixes and misspelt names stand in tests only.
        is_setting || DEVELOPMENT.contains(&name.as_str()) || name.ends_with('_') || name == "ORDERFLOW_PROT"
    };
    let unknown: Vec<&String> = found.iter().filter(|name| !is_known(name)).collect();
    assert!(unknown.is_empty(), "declare them in `DEVELOPMENT`: {unknown:?}");
}

fn sources_with_tests(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
        if path.is_dir() { files.extend(sources_with_tests(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn every_setting_with_a_flag_is_read_by_a_command() {
    for setting in ALL.iter().filter(|setting| setting.flag.is_some()) {
        assert!(setting.read_by.iter().any(|program| !program.is_bundle()), "{}", setting.variable);
        assert!(setting.default.is_some() || setting.kind != Kind::Switch, "{}", setting.variable);
    }
}
