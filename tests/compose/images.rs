//! The images of the stack.

use crate::{read, services};

#[test]
fn images_are_pinned_and_the_compiler_matches() {
    let dockerfile = read("Dockerfile");
    let bases = dockerfile.lines().filter_map(|line| line.strip_prefix("FROM "));
    let bases: Vec<&str> = bases.map(|base| base.split(' ').next().unwrap()).collect();
    let services = services();
    for image in services.values().map(|service| service.image.as_str()).chain(bases.iter().copied()) {
        let tag = image.split_once(':').map(|(_, tag)| tag);
        assert!(tag.is_some_and(|tag| !tag.is_empty() && tag != "latest"), "{image:?} is not pinned");
    }
    let compiler = format!("rust:{}-", env!("CARGO_PKG_RUST_VERSION"));
    assert!(bases[0].starts_with(&compiler), "{} is not {compiler}", bases[0]);
    let pinned = format!("channel = \"{}.", env!("CARGO_PKG_RUST_VERSION"));
    assert!(read("rust-toolchain.toml").contains(&pinned), "rust-toolchain.toml has no {pinned}");
}

#[test]
fn the_image_is_built_in_stages_and_runs_as_a_numeric_user() {
    let dockerfile = read("Dockerfile");
    let lines: Vec<&str> = dockerfile.lines().collect();
    let stages: Vec<usize> = (0..lines.len()).filter(|line| lines[*line].starts_with("FROM ")).collect();
    let [builder, last] = stages[..] else { panic!("{stages:?}") };
    assert!(lines[builder].ends_with(" AS builder"), "{}", lines[builder]);
    let copied: Vec<_> = lines[last..].iter().filter(|line| line.starts_with("COPY ")).collect();
    assert_eq!(copied, [&"COPY --from=builder /usr/local/bin/orderflow /usr/local/bin/orderflow"]);
    let users: Vec<_> = lines[last..].iter().filter_map(|line| line.strip_prefix("USER ")).collect();
    let [user] = users[..] else { panic!("{users:?}") };
    assert!(user.parse::<u32>().is_ok_and(|number| number > 0), "{user}");
}

#[test]
fn the_emulator_has_the_version_of_the_tests() {
    let tools = read("xtask/src/tools.rs");
    let pin = tools.lines().find_map(|line| line.strip_prefix("const MINISTACK: &str = \"")).unwrap();
    let version = pin.trim_end_matches("\";");
    assert_eq!(services()["ministack"].image, format!("ministackorg/ministack:{version}-full"));
}
